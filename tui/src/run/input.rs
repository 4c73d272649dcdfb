//! What crossterm reads, in this program's words.

use crossterm::event::{
    Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};

use crate::keys::{Chord, Key};
use crate::msg::{Button, Mouse, MouseKind, Msg};

/// The message of an event; nothing, for what means nothing here.
pub(super) fn msg(event: Event) -> Option<Msg> {
    Some(match event {
        Event::Key(event) => Msg::Key(chord(event)?),
        Event::Paste(text) => Msg::Paste(text),
        Event::Mouse(event) => Msg::Mouse(mouse(event)?),
        Event::Resize(columns, rows) => Msg::Resize { columns: columns.max(1), rows: rows.max(1) },
        Event::FocusGained => Msg::Focus(true),
        Event::FocusLost => Msg::Focus(false),
    })
}

/// An answer of the terminal about its ground that may come after nobody waits for it any more, and would be read as
/// keys: Alt-], some digits, Alt-\\.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Late {
    /// It may come.
    Due,
    /// So many keys of it came.
    Within(u8),
    /// It doesn't come any more.
    Over,
}

impl Late {
    /// The most keys of an answer.
    const MOST: u8 = 40;

    /// Whether one may come.
    pub(super) fn new(is_late: bool) -> Self {
        if is_late { Self::Due } else { Self::Over }
    }

    /// What of an event isn't part of it.
    pub(super) fn lets(&mut self, event: Event) -> Option<Event> {
        let Event::Key(KeyEvent { code: KeyCode::Char(c), modifiers, .. }) = event else {
            return Some(event);
        };
        let (ctrl, alt) = (KeyModifiers::CONTROL, KeyModifiers::ALT);
        *self = match (*self, c) {
            (Self::Due, ']') if modifiers == alt => Self::Within(0),
            (Self::Within(_), '\\') if modifiers == alt => Self::Over,
            (Self::Within(_), 'g') if modifiers == ctrl => Self::Over,
            (
                Self::Within(keys),
                '0'..='9' | 'a'..='f' | 'A'..='F' | 'r' | 'g' | ':' | ';' | '/',
            ) if keys < Self::MOST => Self::Within(keys + 1),
            (Self::Within(_) | Self::Over, _) => {
                *self = Self::Over;
                return Some(event);
            }
            (Self::Due, _) => return Some(event),
        };
        None
    }
}

fn chord(event: KeyEvent) -> Option<Chord> {
    let KeyEvent { code, modifiers, kind, state: _ } = event;
    if kind == KeyEventKind::Release {
        return None;
    }
    let mut shift = modifiers.contains(KeyModifiers::SHIFT);
    let key = match code {
        KeyCode::Char(c) => {
            // Some terminals say shift beside what it makes; with Control it makes nothing in most.
            let is_upper = shift && !modifiers.contains(KeyModifiers::CONTROL);
            shift = false;
            Key::Char(if is_upper { c.to_ascii_uppercase() } else { c })
        }
        KeyCode::BackTab => {
            shift = true;
            Key::Tab
        }
        KeyCode::F(n) => Key::F(n),
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::Left => Key::Left,
        KeyCode::Right => Key::Right,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Esc,
        KeyCode::Tab => Key::Tab,
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Delete => Key::Delete,
        KeyCode::Insert => Key::Insert,
        _ => return None,
    };
    let ctrl = modifiers.contains(KeyModifiers::CONTROL);
    let alt = modifiers.intersects(KeyModifiers::ALT | KeyModifiers::META);
    Some(Chord { key, ctrl, alt, shift })
}

fn mouse(event: MouseEvent) -> Option<Mouse> {
    let MouseEvent { kind, column, row, modifiers } = event;
    let kind = match kind {
        MouseEventKind::Down(which) => MouseKind::Down(button(which)),
        MouseEventKind::Up(which) => MouseKind::Up(button(which)),
        MouseEventKind::Drag(which) => MouseKind::Drag(button(which)),
        MouseEventKind::ScrollUp => MouseKind::WheelUp,
        MouseEventKind::ScrollDown => MouseKind::WheelDown,
        MouseEventKind::Moved | MouseEventKind::ScrollLeft | MouseEventKind::ScrollRight => {
            return None;
        }
    };
    Some(Mouse {
        kind,
        column,
        row,
        shift: modifiers.contains(KeyModifiers::SHIFT),
        ctrl: modifiers.contains(KeyModifiers::CONTROL),
        alt: modifiers.contains(KeyModifiers::ALT),
    })
}

fn button(button: MouseButton) -> Button {
    match button {
        MouseButton::Left => Button::Left,
        MouseButton::Middle => Button::Middle,
        MouseButton::Right => Button::Right,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_answer_is_not_typed() {
        let key = |c, modifiers| Event::Key(KeyEvent::new(KeyCode::Char(c), modifiers));
        let plain = |c| key(c, KeyModifiers::NONE);
        let said = |late: &mut Late, text: &str| -> String {
            let typed = text.chars().filter_map(|c| match late.lets(plain(c))? {
                Event::Key(KeyEvent { code: KeyCode::Char(c), .. }) => Some(c),
                _ => None,
            });
            typed.collect()
        };
        let mut late = Late::new(true);
        assert_eq!(said(&mut late, "jk"), "jk");
        assert_eq!(late.lets(key(']', KeyModifiers::ALT)), None);
        assert_eq!(said(&mut late, "11;rgb:ffff/ffff/ffff"), "");
        assert_eq!(late.lets(key('\\', KeyModifiers::ALT)), None);
        assert_eq!(said(&mut late, "1r"), "1r");

        let mut typed = Late::new(true);
        assert_eq!(typed.lets(key(']', KeyModifiers::ALT)), None);
        assert_eq!(said(&mut typed, "quit"), "quit");
        let mut in_time = Late::new(false);
        assert!(in_time.lets(key(']', KeyModifiers::ALT)).is_some());
    }
}
