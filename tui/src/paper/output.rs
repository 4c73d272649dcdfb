//! What a program printed: through a terminal engine, so that colours and overwritten lines are as they were seen, and
//! nothing else that it sent has an effect. Pure.

use serde::{Deserialize, Serialize};
use smith_term::engine::Engine;
use smith_term::screen::{self, Span as Cells};
use smith_term::size::Size;
use smith_term::style::{Color, Style, Underline};

use crate::paper::{Ink, Kind, Line, MOST_LINE, Span};

/// The bytes and line feeds that are fed before what scrolled out is read: fewer rows than a terminal's history holds.
const CHUNK: usize = 32 * 1024;
const CHUNK_LINES: usize = 400;
/// Empties a terminal's history.
const FORGET: &[u8] = b"\x1b[3J";

/// What a line feed means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineEnds {
    /// One line down, as a terminal takes it.
    AsTheyAre,
    /// The beginning of the next line, as in a file.
    OfAFile,
}

/// How a program painted a piece of text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Paint {
    /// The colour of the text.
    pub foreground: Option<Colour>,
    /// The colour behind it.
    pub background: Option<Colour>,
    /// Bold.
    pub bold: bool,
    /// Faint.
    pub dim: bool,
    /// Slanted.
    pub italic: bool,
    /// Underlined.
    pub underline: bool,
    /// Both colours swapped.
    pub inverse: bool,
}

/// A colour that a program chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Colour {
    /// One of the palette.
    Indexed(u8),
    /// Red, green, blue.
    Rgb(u8, u8, u8),
}

/// The lines of an output.
pub(super) fn lines(bytes: &[u8], ends: LineEnds) -> Vec<Line> {
    let mut engine = Engine::new(Size::DEFAULT);
    let mut reader = Reader::default();
    let mut before = None;
    let mut rest = bytes;
    while !rest.is_empty() {
        let (chunk, behind) = rest.split_at(chunk(rest));
        rest = behind;
        match ends {
            LineEnds::AsTheyAre => engine.feed(chunk),
            LineEnds::OfAFile => engine.feed(&with_returns(chunk, &mut before)),
        };
        // Not within a line: it may be one that goes on below.
        if chunk.ends_with(b"\n") && !rest.is_empty() {
            reader.history(&engine);
            engine.feed(FORGET);
        }
    }
    reader.history(&engine);
    reader.rows(&engine.screen().rows);
    reader.end()
}

/// The length of the next chunk; it ends with a line, where that isn't too long.
fn chunk(bytes: &[u8]) -> usize {
    let most = &bytes[..bytes.len().min(CHUNK)];
    let mut feeds = most.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    let last = match feeds.nth(CHUNK_LINES - 1) {
        Some((at, _)) => Some(at),
        None if most.len() == bytes.len() => None,
        None => most.iter().rposition(|byte| *byte == b'\n'),
    };
    last.map_or(most.len(), |at| at + 1)
}

/// Takes rows of a screen as lines: those that were broken for want of room are one.
#[derive(Default)]
struct Reader {
    lines: Vec<Line>,
    open: Line,
}

impl Reader {
    fn history(&mut self, engine: &Engine) {
        let rows = usize::from(engine.size().rows());
        let mut back = engine.scrollback();
        while back > 0 {
            let screen = engine.screen_back(back);
            let take = back.min(rows);
            self.rows(&screen.rows[..take.min(screen.rows.len())]);
            back -= take;
        }
    }

    fn rows(&mut self, rows: &[screen::Row]) {
        for row in rows {
            push(&mut self.open, row);
            let length: usize = self.open.spans.iter().map(|span| span.text.len()).sum();
            if !row.wrapped || length > MOST_LINE {
                self.lines.push(std::mem::take(&mut self.open));
            }
        }
    }

    fn end(mut self) -> Vec<Line> {
        if !self.open.spans.is_empty() {
            self.lines.push(self.open);
        }
        let is_blank = |line: &Line| line.text().trim().is_empty();
        let used = self.lines.iter().rposition(|line| !is_blank(line)).map_or(0, |at| at + 1);
        self.lines.truncate(used);
        self.lines
    }
}

fn with_returns(bytes: &[u8], before: &mut Option<u8>) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 16);
    for byte in bytes {
        if *byte == b'\n' && *before != Some(b'\r') {
            out.push(b'\r');
        }
        out.push(*byte);
        *before = Some(*byte);
    }
    out
}

fn push(line: &mut Line, row: &screen::Row) {
    line.kind = Kind::Plain;
    let written =
        row.cells.iter().rposition(|cell| cell.c != ' ' || cell.style != Style::default());
    let cells =
        if row.wrapped { &row.cells[..] } else { &row.cells[..written.map_or(0, |at| at + 1)] };
    let mut text = String::new();
    let mut ink = None;
    for cell in cells.iter().filter(|cell| matches!(cell.span, Cells::Narrow | Cells::Wide)) {
        let this = painted(&cell.style);
        if let Some(before) = ink.filter(|ink| *ink != this) {
            line.spans.push(Span {
                text: std::mem::take(&mut text).into(),
                ink: before,
                is_changed: false,
            });
        }
        ink = Some(this);
        text.push(if cell.style.hidden { ' ' } else { cell.c });
        text.push_str(cell.marks.as_deref().unwrap_or_default());
    }
    if let Some(ink) = ink {
        line.spans.push(Span { text: text.into(), ink, is_changed: false });
    }
}

fn painted(style: &Style) -> Ink {
    let colour = |colour| match colour {
        Color::Default => None,
        Color::Indexed(n) => Some(Colour::Indexed(n)),
        Color::Rgb(r, g, b) => Some(Colour::Rgb(r, g, b)),
    };
    let paint = Paint {
        foreground: colour(style.foreground),
        background: colour(style.background),
        bold: style.bold,
        dim: style.dim,
        italic: style.italic,
        underline: style.underline != Underline::None,
        inverse: style.inverse,
    };
    if paint == Paint::default() { Ink::Plain } else { Ink::Painted(paint) }
}
