//! The themes, each seen while the cursor is on it.

use ratatui::layout::Rect;

use crate::action::Action;
use crate::draw::{Canvas, Region};
use crate::keys::{Chord, Key};
use crate::layers::{Answer, frame};
use crate::look::{Role, Theme};

/// The list.
#[derive(Clone, Copy, Debug)]
pub struct Themes {
    before: Theme,
    cursor: usize,
}

impl Themes {
    /// One that begins with the theme in use.
    pub fn new(before: Theme) -> Self {
        let cursor = Theme::ALL.iter().position(|theme| *theme == before).unwrap_or(0);
        Self { before, cursor }
    }

    pub(super) fn key(&mut self, chord: Chord) -> Answer {
        let last = Theme::ALL.len() - 1;
        self.cursor = match chord.key {
            Key::Enter => return Answer::Close,
            Key::Esc | Key::Char('q') => return Answer::CloseAnd(Action::Theme(self.before)),
            Key::Char('c') if chord.ctrl => {
                return Answer::CloseAnd(Action::Theme(self.before));
            }
            Key::Down | Key::Tab | Key::Char('j') => (self.cursor + 1).min(last),
            Key::Up | Key::Char('k') => self.cursor.saturating_sub(1),
            Key::Home | Key::Char('g') => 0,
            Key::End | Key::Char('G') => last,
            _ => return Answer::Taken,
        };
        Answer::Do(Action::Theme(Theme::ALL[self.cursor]))
    }

    pub(super) fn draw(self, in_use: Theme, area: Rect, canvas: &mut Canvas<'_>) {
        let body = frame::centred(area, 62, Theme::ALL.len() + 2);
        frame::draw(body, "themes", canvas);
        for (theme, y) in Theme::ALL.into_iter().zip(body.y..body.bottom()) {
            let line = Rect { y, height: 1, ..body };
            let sign = if theme == in_use { "* " } else { "  " };
            let name = format!("{:<21}", theme.as_str());
            canvas.spans(
                line,
                &[(sign, Role::Marked), (&name, Role::Text), (theme.about(), Role::Dim)],
            );
            if theme == in_use {
                canvas.restyle(line, Role::Cursor);
            }
            canvas.region(Region::click(line, Action::Theme(theme)));
        }
        let y = body.y + u16::try_from(Theme::ALL.len()).unwrap_or(u16::MAX) + 1;
        if y < body.bottom() {
            let hint =
                format!("to keep it: theme = \"{}\" in the file of :config", in_use.as_str());
            canvas.text(Rect { y, height: 1, ..body }, &hint, Role::Dim);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_theme_is_seen_at_once_and_taken_back_by_esc() {
        let mut themes = Themes::new(Theme::Dark);
        assert_eq!(themes.key("j".parse().unwrap()), Answer::Do(Action::Theme(Theme::Light)));
        assert_eq!(themes.key("k".parse().unwrap()), Answer::Do(Action::Theme(Theme::Dark)));
        assert_eq!(themes.key("G".parse().unwrap()), Answer::Do(Action::Theme(Theme::Plain)));
        assert_eq!(
            themes.key("esc".parse().unwrap()),
            Answer::CloseAnd(Action::Theme(Theme::Dark))
        );
        assert_eq!(themes.key("enter".parse().unwrap()), Answer::Close);
    }
}
