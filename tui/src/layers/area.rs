//! Several lines that are typed.

use ratatui::layout::Rect;
use tui_input::Input;

use crate::draw::Canvas;
use crate::keys::{Chord, Key};
use crate::layers::dialog;

/// The most bytes that are taken; a request holds no more.
const MOST: usize = 64 * 1024;

/// The lines; there is always one.
#[derive(Clone, Debug)]
pub struct Area {
    lines: Vec<Input>,
    at: usize,
}

impl Area {
    /// With this text, at its end.
    pub fn new(text: &str) -> Self {
        let mut lines: Vec<Input> = text.lines().map(|line| Input::new(line.to_owned())).collect();
        if lines.is_empty() {
            lines.push(Input::default());
        }
        Self { at: lines.len() - 1, lines }
    }

    /// The text.
    pub fn text(&self) -> String {
        self.lines.iter().map(Input::value).collect::<Vec<_>>().join("\n")
    }

    /// Types a key; answers whether it was one for it.
    pub fn key(&mut self, chord: Chord) -> bool {
        let last = self.lines.len() - 1;
        let line = &mut self.lines[self.at];
        match chord {
            Chord { key: Key::Enter, ctrl: false, .. } => self.split(),
            Chord { key: Key::Up, .. } if self.at > 0 => self.at -= 1,
            Chord { key: Key::Down, .. } if self.at < last => self.at += 1,
            Chord { key: Key::Backspace, .. } if line.cursor() == 0 => {
                if self.at == 0 {
                    return true;
                }
                let rest = self.lines.remove(self.at);
                self.at -= 1;
                let before = self.lines[self.at].value();
                let cursor = before.chars().count();
                let joined = format!("{before}{}", rest.value());
                self.lines[self.at] = Input::new(joined).with_cursor(cursor);
            }
            chord => return dialog::type_into(line, chord),
        }
        true
    }

    fn split(&mut self) {
        let line = &self.lines[self.at];
        let text = line.value();
        let at = text.char_indices().nth(line.cursor()).map_or(text.len(), |(at, _)| at);
        let (left, right) = (text[..at].to_owned(), text[at..].to_owned());
        self.lines[self.at] = Input::new(left);
        self.at += 1;
        self.lines.insert(self.at, Input::new(right).with_cursor(0));
    }

    /// Pastes a text with its lines, as far as there is room.
    pub fn paste(&mut self, text: &str) {
        let mut room = MOST.saturating_sub(self.text().len());
        let text = text.replace("\r\n", "\n").replace('\r', "\n").replace('\t', "    ");
        for (at, line) in text.split('\n').enumerate() {
            if at > 0 {
                if room == 0 {
                    return;
                }
                room -= 1;
                self.split();
            }
            let clean = line.chars().filter(|c| !c.is_control()).take_while(|c| {
                let fits = c.len_utf8() <= room;
                room = room.saturating_sub(c.len_utf8());
                fits
            });
            let clean: String = clean.collect();
            dialog::insert(&mut self.lines[self.at], &clean);
        }
    }

    /// Draws the lines around the cursor.
    pub fn draw(&self, canvas: &mut Canvas<'_>, area: Rect, focus: dialog::Focus) {
        let top = (self.at + 1).saturating_sub(usize::from(area.height));
        for (row, at) in (0..area.height).zip(top..) {
            let line = dialog::row(area, row);
            match self.lines.get(at) {
                Some(input) => {
                    let is_here = focus == dialog::Focus::Here && at == self.at;
                    dialog::input(canvas, line, input, is_here.into());
                }
                None => canvas.underline(line),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(area: &mut Area, keys: &str) {
        for chord in Chord::sequence(keys).unwrap() {
            area.key(chord);
        }
    }

    #[test]
    fn lines_are_split_joined_and_pasted() {
        let mut area = Area::new("");
        area.paste("one\r\ntwo\tx\u{1b}[0m");
        assert_eq!(area.text(), "one\ntwo    x[0m");
        press(&mut area, "home backspace");
        assert_eq!(area.text(), "onetwo    x[0m");
        press(&mut area, "enter enter a up up b");
        assert_eq!(area.text(), "oneb\n\natwo    x[0m");
        area.paste(&"x".repeat(2 * MOST));
        assert_eq!(area.text().len(), MOST);
    }
}
