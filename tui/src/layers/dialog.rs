//! A box in the middle of the screen, and what stands in such boxes: lines, buttons, a line that is typed.

use ratatui::layout::Rect;
use tui_input::Input;

use crate::action::Action;
use crate::draw::{Canvas, Region};
use crate::keys::{Chord, Key};
use crate::layers::frame;
use crate::layers::line::request;
use crate::look::Role;
use crate::text;

/// The most characters of a paste that a line takes.
const MOST_PASTED: usize = 4096;

/// Clears a box, draws its frame and title; answers what is inside. What is beneath can't be clicked any more.
pub fn open(canvas: &mut Canvas<'_>, area: Rect, size: (u16, u16), title: &str) -> Rect {
    canvas.cover();
    let width = size.0.min(area.width);
    let height = size.1.min(area.height);
    let x = area.x + (area.width - width) / 2;
    let y = area.y + (area.height - height) / 3;
    let at = Rect { x, y, width, height };
    if width < 4 || height < 3 {
        canvas.clear(at, Role::Text);
        return at;
    }
    let inner = Rect { x: at.x + 2, y: at.y + 1, width: width - 4, height: height - 2 };
    frame::draw(inner, title, canvas);
    inner
}

/// A row of an area, counted from its top; empty below it.
pub fn row(area: Rect, at: u16) -> Rect {
    let height = u16::from(at < area.height);
    Rect { y: area.y + at.min(area.height), height, ..area }
}

/// A text in lines of a width, broken between words where that is possible.
pub fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let (columns, text) = (columns.max(1), text::clean(text));
    let (mut lines, mut line) = (vec![], String::new());
    for word in text.split(' ') {
        let gap = usize::from(!line.is_empty());
        if text::width(&line) + gap + text::width(word) <= columns {
            line.push_str(if gap == 1 { " " } else { "" });
            line.push_str(word);
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        for c in word.chars() {
            line.push(c);
            if text::width(&line) > columns && line.len() > c.len_utf8() {
                line.pop();
                lines.push(std::mem::replace(&mut line, c.to_string()));
            }
        }
    }
    lines.push(line);
    lines
}

/// Draws a button; answers the cells that it took. A click on it is a press of `chord`.
pub fn button(
    canvas: &mut Canvas<'_>,
    at: Rect,
    label: &str,
    has_focus: Focus,
    chord: Chord,
) -> u16 {
    let role = match has_focus {
        Focus::Here => Role::Cursor,
        Focus::Elsewhere => Role::Key,
    };
    let width = canvas.text(at, &format!("[ {label} ]"), role);
    canvas.region(Region::click(Rect { width, ..at }, Action::Press(chord)));
    width
}

/// Whether something has the focus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Focus {
    /// It has.
    Here,
    /// Something else has.
    Elsewhere,
}

impl From<bool> for Focus {
    fn from(is_here: bool) -> Self {
        if is_here { Self::Here } else { Self::Elsewhere }
    }
}

/// Draws a line that can be typed, scrolled so that its cursor is seen.
pub fn input(canvas: &mut Canvas<'_>, at: Rect, input: &Input, focus: Focus) {
    let columns = usize::from(at.width);
    if columns == 0 || at.height == 0 {
        return;
    }
    let scroll = input.visual_scroll(columns.saturating_sub(1));
    let mut skipped = 0;
    let shown: String = input
        .value()
        .chars()
        .skip_while(|c| {
            let is_left_of = skipped < scroll;
            skipped += text::width(c.encode_utf8(&mut [0; 4]));
            is_left_of
        })
        .collect();
    canvas.text(at, &shown, Role::Text);
    canvas.underline(at);
    if focus == Focus::Here {
        let x = input.visual_cursor().max(scroll) - scroll;
        canvas.put_cursor(at.x + u16::try_from(x).unwrap_or(u16::MAX).min(at.width - 1), at.y);
    }
}

/// Types into a line; answers whether the key was one for it.
pub fn type_into(input: &mut Input, chord: Chord) -> bool {
    match request(chord) {
        Some(request) => {
            input.handle(request);
            true
        }
        None => false,
    }
}

/// Pastes into a line: on one line, without what acts on a terminal.
pub fn paste_into(input: &mut Input, text: &str) {
    let text = text.trim_end_matches(['\r', '\n']).chars().take(MOST_PASTED);
    insert(input, &text.map(|c| if c.is_control() { ' ' } else { c }).collect::<String>());
}

/// Puts a text in at a line's cursor, all at once: one by one a long paste takes seconds.
pub fn insert(input: &mut Input, text: &str) {
    let value = input.value();
    let at = value.char_indices().nth(input.cursor()).map_or(value.len(), |(at, _)| at);
    let cursor = input.cursor() + text.chars().count();
    *input = Input::new([&value[..at], text, &value[at..]].concat()).with_cursor(cursor);
}

/// Which way a key moves the focus; nothing, where it doesn't.
pub fn moves(chord: Chord) -> Option<isize> {
    match chord {
        Chord { key: Key::Tab, shift: true, .. } | Chord { key: Key::Up, .. } => Some(-1),
        Chord { key: Key::Tab, .. } | Chord { key: Key::Down, .. } => Some(1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_broken_between_words_and_long_words_anywhere() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("abcdefgh ij", 3), ["abc", "def", "gh", "ij"]);
        assert_eq!(wrapped("", 5), [""]);
        assert_eq!(wrapped("日本語", 1), ["日", "本", "語"]);
    }
}
