//! A list to choose from, narrowed by what is typed.

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher};
use ratatui::layout::Rect;
use tui_input::Input;

use crate::action::Action;
use crate::draw::{Canvas, Region};
use crate::keys::{Chord, Key};
use crate::layers::{Answer, dialog};
use crate::look::Role;
use crate::text;

/// The list.
#[derive(Clone, Debug)]
pub struct Picker {
    title: String,
    items: Vec<Item>,
    input: Input,
    /// Items that match what is typed, best first.
    found: Vec<usize>,
    cursor: usize,
}

/// Something to choose.
#[derive(Clone, Debug)]
pub struct Item {
    /// What it is.
    pub label: String,
    /// More of it.
    pub detail: String,
    /// What choosing it means.
    pub action: Action,
}

impl AsRef<str> for Item {
    fn as_ref(&self) -> &str {
        &self.label
    }
}

impl Picker {
    /// All of them, with the cursor on one.
    pub fn new(title: impl Into<String>, items: Vec<Item>, cursor: usize) -> Self {
        let found = (0..items.len()).collect();
        Self { title: title.into(), items, input: Input::default(), found, cursor }
    }

    pub(super) fn key(&mut self, chord: Chord) -> Answer {
        let last = self.found.len().saturating_sub(1);
        match chord {
            Chord { key: Key::Esc, .. } | Chord { key: Key::Char('c'), ctrl: true, .. } => {
                return Answer::Close;
            }
            Chord { key: Key::Enter, .. } => {
                return match self.found.get(self.cursor) {
                    Some(at) => Answer::CloseAnd(self.items[*at].action.clone()),
                    None => Answer::Taken,
                };
            }
            Chord { key: Key::Down, .. } | Chord { key: Key::Char('n'), ctrl: true, .. } => {
                self.cursor = (self.cursor + 1).min(last);
            }
            Chord { key: Key::Up, .. } | Chord { key: Key::Char('p'), ctrl: true, .. } => {
                self.cursor = self.cursor.saturating_sub(1);
            }
            chord => {
                if dialog::type_into(&mut self.input, chord) {
                    self.find();
                }
            }
        }
        Answer::Taken
    }

    pub(super) fn paste(&mut self, text: &str) -> Answer {
        dialog::paste_into(&mut self.input, text);
        self.find();
        Answer::Taken
    }

    fn find(&mut self) {
        let mut matcher = Matcher::new(Config::DEFAULT);
        let pattern = Pattern::parse(self.input.value(), CaseMatching::Smart, Normalization::Smart);
        let numbered = self.items.iter().enumerate().map(|(at, item)| Numbered { at, item });
        let found = pattern.match_list(numbered, &mut matcher);
        self.found = found.into_iter().map(|(found, _)| found.at).collect();
        self.cursor = 0;
    }

    pub(super) fn draw(&self, area: Rect, canvas: &mut Canvas<'_>) {
        let rows = u16::try_from(self.items.len()).unwrap_or(u16::MAX).saturating_add(4);
        let size = (70, rows.min(area.height.saturating_sub(2)).max(6));
        let inside = dialog::open(canvas, area, size, &self.title);
        dialog::input(canvas, dialog::row(inside, 0), &self.input, dialog::Focus::Here);
        let room = usize::from(inside.height.saturating_sub(1));
        let top = (self.cursor + 1).saturating_sub(room);
        let label = self.items.iter().map(|item| text::width(&item.label)).max().unwrap_or(0);
        let label = u16::try_from(label + 2).unwrap_or(u16::MAX).min(inside.width / 2);
        for ((at, found), row) in self.found.iter().enumerate().skip(top).zip(1..inside.height) {
            let item = &self.items[*found];
            let line = dialog::row(inside, row);
            canvas.text(Rect { width: label, ..line }, &item.label, Role::Text);
            let rest = Rect { x: line.x + label, width: line.width - label, ..line };
            canvas.text(rest, &item.detail, Role::Dim);
            if at == self.cursor {
                canvas.restyle(line, Role::Cursor);
            }
            canvas.region(Region::click(line, item.action.clone()));
        }
        if self.found.is_empty() {
            canvas.text(dialog::row(inside, 1), "nothing matches", Role::Dim);
        }
    }
}

struct Numbered<'a> {
    at: usize,
    item: &'a Item,
}

impl AsRef<str> for Numbered<'_> {
    fn as_ref(&self) -> &str {
        self.item.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_narrows_and_enter_chooses() {
        let item =
            |label: &str, action| Item { label: label.into(), detail: String::new(), action };
        let items = vec![item("local", Action::Help), item("prod-eu", Action::Redraw)];
        let mut picker = Picker::new("Contexts", items, 0);
        assert_eq!(picker.clone().key(Chord::plain(Key::Enter)), Answer::CloseAnd(Action::Help));
        for c in "pu".chars() {
            picker.key(Chord::plain(Key::Char(c)));
        }
        assert_eq!(picker.clone().key(Chord::plain(Key::Enter)), Answer::CloseAnd(Action::Redraw));
        picker.paste("nothing like it");
        assert_eq!(picker.key(Chord::plain(Key::Enter)), Answer::Taken);
        assert_eq!(picker.key(Chord::plain(Key::Esc)), Answer::Close);
    }
}
