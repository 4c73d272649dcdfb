//! The last line of the window: where one is, who has the keyboard, and what was just said. Pure.

use smith_model::printable::{Lines, printable};
use smith_model::terminal::{Holder, Mode, ViewerId};
use unicode_width::UnicodeWidthChar as _;

/// What stands there.
#[derive(Clone, Debug)]
pub(crate) struct Status {
    /// The loop and the session.
    pub(crate) place: String,
    /// What one may do.
    pub(crate) mode: Mode,
    /// One's own number, once it is known.
    pub(crate) you: Option<ViewerId>,
    /// Who has the keyboard.
    pub(crate) holder: Option<Holder>,
    /// How many are attached.
    pub(crate) viewers: usize,
    /// What was just said; stands until something else is.
    pub(crate) said: Option<String>,
    /// The connection is being tried again.
    pub(crate) is_lost: bool,
}

impl Status {
    /// Is the keyboard one's own?
    pub(crate) fn holds(&self) -> bool {
        self.you.is_some() && self.holder.as_ref().map(|h| h.id) == self.you
    }

    /// As text.
    fn text(&self) -> String {
        let keyboard = match (&self.holder, self.mode) {
            _ if self.is_lost => "reconnecting: what you type is lost".to_owned(),
            _ if self.holds() => "you type".to_owned(),
            (Some(holder), _) => format!("{} types", holder.name),
            (None, Mode::Write) => "nobody types: ^] t takes the keyboard".to_owned(),
            (None, Mode::Read) => "nobody types; you watch".to_owned(),
        };
        let others = match self.viewers {
            0 | 1 => String::new(),
            n => format!(" | {n} attached"),
        };
        let said = self.said.as_deref().map(|said| format!(" | {said}")).unwrap_or_default();
        format!("{} | {keyboard}{others} | ^] d leaves{said}", self.place)
    }

    /// The bytes that show it in the window's last row, and leave the cursor where it is.
    pub(crate) fn paint(&self, question: Option<&str>, columns: u16, row: u16) -> Vec<u8> {
        let text = match question {
            Some(question) => question.to_owned(),
            None => self.text(),
        };
        // Printable, so that its only effect is to be seen; and no wider than the row, which would scroll.
        let text = fitting(&printable(&text, Lines::One), columns.into());
        format!("\x1b7\x1b[{row};1H\x1b[0;7m{text}\x1b[0m\x1b8").into_bytes()
    }
}

/// The beginning of a text, filled up to a width.
fn fitting(text: &str, columns: usize) -> String {
    let (mut out, mut width) = (String::new(), 0);
    for c in text.chars() {
        let w = c.width().unwrap_or(0);
        if width + w > columns {
            break;
        }
        out.push(c);
        width += w;
    }
    out.extend(std::iter::repeat_n(' ', columns - width));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status() -> Status {
        Status {
            place: "fix-dates agent".into(),
            mode: Mode::Write,
            you: Some(ViewerId(2)),
            holder: None,
            viewers: 1,
            said: None,
            is_lost: false,
        }
    }

    fn holder(id: u32, name: &str) -> Option<Holder> {
        let since = jiff::Timestamp::UNIX_EPOCH;
        Some(Holder { id: ViewerId(id), name: name.into(), since, stolen: None })
    }

    #[test]
    fn it_says_who_has_the_keyboard() {
        let text = |status: Status| status.text();
        assert!(text(status()).contains("^] t takes"), "{}", text(status()));
        assert!(text(Status { holder: holder(1, "ann"), ..status() }).contains("ann types"));
        let own = Status { holder: holder(2, "bob"), ..status() };
        assert!(own.holds() && own.text().contains("you type"));
        assert!(text(Status { is_lost: true, ..own }).contains("reconnecting"));
        assert!(text(Status { mode: Mode::Read, ..status() }).contains("you watch"));
    }

    #[test]
    fn nothing_in_it_acts_on_the_window() {
        let evil = Status { said: Some("\x1b]0;x\x07\u{202e}\n".into()), ..status() };
        let bytes = String::from_utf8(evil.paint(None, 200, 24)).expect("text");
        let inner = bytes.strip_prefix("\x1b7\x1b[24;1H\x1b[0;7m").expect("the beginning");
        let inner = inner.strip_suffix("\x1b[0m\x1b8").expect("the end");
        assert!(!inner.contains(|c: char| c.is_control() || c == '\u{202e}'), "{inner:?}");
        assert_eq!(inner.chars().count(), 200);
        let narrow = String::from_utf8(status().paint(Some("日本語"), 5, 1)).expect("text");
        assert!(narrow.contains("日本 \x1b[0m"), "{narrow:?}");
    }
}
