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
    lines: Vec<Line>,
    top: usize,
    rows: usize,
}

impl Page {
    /// One with a title.
    pub fn new(title: &str, lines: Vec<Line>) -> Self {
        Self { title: title.to_owned(), lines, top: 0, rows: 0 }
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
            Key::End | Key::Char('G') => self.lines.len(),
            _ => return Answer::Taken,
        };
        Answer::Taken
    }

    pub(super) fn settle(&mut self, size: (u16, u16)) {
        self.rows = self.body(Rect::new(0, 0, size.0, size.1)).height.into();
        self.top = self.top.min(self.lines.len().saturating_sub(self.rows));
    }

    fn body(&self, area: Rect) -> Rect {
        let width = |line: &Line| line.iter().map(|(piece, _)| text::width(piece)).sum::<usize>();
        let widest = self.lines.iter().map(width).max().unwrap_or(0);
        frame::centred(area, widest, self.lines.len()).inner
    }

    pub(super) fn draw(&self, area: Rect, canvas: &mut Canvas<'_>) {
        let body = self.body(area);
        frame::draw(body, &self.title, canvas);
        for (line, y) in self.lines.iter().skip(self.top).zip(body.y..body.bottom()) {
            let pieces: Vec<(&str, Role)> =
                line.iter().map(|(piece, role)| (piece.as_str(), *role)).collect();
            canvas.spans(Rect { y, height: 1, ..body }, &pieces);
        }
        frame::position(body, self.top, self.lines.len(), canvas);
    }
}
