//! A text in a box over the screen, to be scrolled through.

use ratatui::layout::Rect;

use crate::draw::Canvas;
use crate::keys::{Chord, Key};
use crate::layers::{Answer, frame};
use crate::look::Role;
use crate::text;

/// A line: pieces, and what they are.
pub type Line = Vec<(String, Role)>;

/// The text.
#[derive(Clone, Debug)]
pub struct Page {
    title: String,
    /// As they were given.
    lines: Vec<Line>,
    /// As they fit the window: what is too long goes on in the next.
    folded: Vec<Line>,
    top: usize,
    rows: usize,
}

impl Page {
    /// One with a title.
    pub fn new(title: &str, lines: Vec<Line>) -> Self {
        Self { title: title.to_owned(), lines, folded: vec![], top: 0, rows: 0 }
    }

    pub(super) fn key(&mut self, chord: Chord) -> Answer {
        let page = self.rows.max(1);
        self.top = match chord.key {
            Key::Esc | Key::Enter | Key::Char('q') => return Answer::Close,
            Key::Char('c') if chord.ctrl => return Answer::Close,
            Key::Char('j') | Key::Down => self.top + 1,
            Key::Char('k') | Key::Up => self.top.saturating_sub(1),
            Key::Char(' ') | Key::PageDown => self.top + page,
            Key::PageUp => self.top.saturating_sub(page),
            Key::Home | Key::Char('g') => 0,
            Key::End | Key::Char('G') => self.folded.len(),
            _ => return Answer::Taken,
        };
        Answer::Taken
    }

    pub(super) fn settle(&mut self, size: (u16, u16)) {
        let area = Rect::new(0, 0, size.0, size.1);
        let room = usize::from(size.0.saturating_sub(4)).max(1);
        self.folded = self.lines.iter().flat_map(|line| folded(line, room)).collect();
        self.rows = self.body(area).height.into();
        self.top = self.top.min(self.folded.len().saturating_sub(self.rows));
    }

    fn body(&self, area: Rect) -> Rect {
        let width = |line: &Line| line.iter().map(|(piece, _)| text::width(piece)).sum::<usize>();
        let widest = self.folded.iter().map(width).max().unwrap_or(0);
        frame::centred(area, widest, self.folded.len())
    }

    pub(super) fn draw(&self, area: Rect, canvas: &mut Canvas<'_>) {
        let body = self.body(area);
        frame::draw(body, &self.title, canvas);
        for (line, y) in self.folded.iter().skip(self.top).zip(body.y..body.bottom()) {
            let pieces: Vec<(&str, Role)> =
                line.iter().map(|(piece, role)| (piece.as_str(), *role)).collect();
            canvas.spans(Rect { y, height: 1, ..body }, &pieces);
        }
        frame::position(body, self.top, self.folded.len(), canvas);
    }
}

/// A line as several, cut between words; what goes on stands further in.
fn folded(line: &Line, room: usize) -> Vec<Line> {
    const INDENT: usize = 6;
    let mut lines: Vec<Line> = vec![vec![]];
    let mut used = 0;
    for (piece, role) in line {
        for word in piece.split_inclusive(' ') {
            let width = text::width(word);
            if used > INDENT && used + text::width(word.trim_end()) > room {
                lines.push(vec![(" ".repeat(INDENT), Role::Text)]);
                used = INDENT;
            }
            used += width;
            match lines.last_mut() {
                Some(last) => match last.last_mut() {
                    Some((text, same)) if same == role => text.push_str(word),
                    _ => last.push((word.to_owned(), *role)),
                },
                None => lines.push(vec![(word.to_owned(), *role)]),
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_goes_on_further_in() {
        let line = vec![
            ("wrong ".to_owned(), Role::Bad),
            ("there is no such thing".to_owned(), Role::Text),
        ];
        let text = |room| -> Vec<String> {
            let lines = folded(&line, room);
            lines.iter().map(|line| line.iter().map(|(text, _)| text.as_str()).collect()).collect()
        };
        assert_eq!(text(40), ["wrong there is no such thing"]);
        assert_eq!(text(16), ["wrong there is ", "      no such ", "      thing"]);
        assert_eq!(folded(&vec![], 10), [vec![]]);
    }
}
