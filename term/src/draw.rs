//! A screen, as bytes for the terminal that a person sits at.
//!
//! Nothing of a worker's own bytes is in them, but what an engine made of them: printable characters, in
//! their places. The only sequences written are SGR (`CSI … m`), cursor positions (`CSI row ; column H`),
//! erasing all (`CSI 2 J`), and switching wrapping, the cursor and synchronized updates (`CSI ? 7`, `25`,
//! `2026` `h` and `l`); and those of [`input_modes`], where the caller wants them.
//!
//! Terminals disagree on how wide some characters are, so behind each that isn't ASCII the cursor is put
//! where it belongs.

use std::io::Write as _;

use smith_model::printable::is_printable;
use unicode_width::UnicodeWidthChar as _;

use crate::screen::{Cell, Modes, Mouse, MouseEncoding, Row, Screen, Span};
use crate::style::Style;

/// Draws screens, each time only what differs from the one before.
#[derive(Debug)]
pub struct Painter {
    columns: usize,
    rows: usize,
    /// What was drawn; nothing, when that isn't known.
    shown: Option<Shown>,
}

#[derive(Debug, PartialEq)]
struct Shown {
    cells: Vec<Vec<Cell>>,
    cursor: Option<(usize, usize)>,
}

impl Painter {
    /// For a window, or its upper part, of so many columns and rows.
    pub fn new(columns: u16, rows: u16) -> Self {
        Self { columns: columns.into(), rows: rows.into(), shown: None }
    }

    /// The window has another size, or something else was written to it: all is drawn anew next time.
    pub fn reset(&mut self, columns: u16, rows: u16) {
        *self = Self::new(columns, rows);
    }

    /// The bytes that make the window show a screen; none when it does. What doesn't fit is cut off at the right,
    /// and at the top as far as the cursor needs it.
    pub fn paint(&mut self, screen: &Screen) -> Vec<u8> {
        let next = self.cut(screen);
        if self.shown.as_ref() == Some(&next) {
            return vec![];
        }
        let mut writer = Writer { out: vec![], style: None, at: None };
        writer.put("\x1b[?2026h\x1b[?25l\x1b[?7l");
        let blank = vec![vec![Cell::default(); self.columns]; self.rows];
        let shown = match self.shown.take() {
            Some(shown) => shown.cells,
            None => {
                writer.put("\x1b[0m\x1b[2J");
                blank
            }
        };
        for (at, (old, new)) in shown.iter().zip(&next.cells).enumerate() {
            for (column, (old, new)) in old.iter().zip(new).enumerate() {
                if old != new && new.span != Span::Rest {
                    writer.cell(at, column, new);
                }
            }
        }
        writer.put("\x1b[0m\x1b[?7h");
        if let Some((row, column)) = next.cursor {
            writer.go(row, column);
            writer.put("\x1b[?25h");
        }
        writer.put("\x1b[?2026l");
        self.shown = Some(next);
        writer.out
    }

    /// The part of a screen that the window can show.
    fn cut(&self, screen: &Screen) -> Shown {
        let cursor = screen.cursor.map(|c| (usize::from(c.row), usize::from(c.column)));
        let hidden = cursor.map_or(0, |(row, _)| (row + 1).saturating_sub(self.rows));
        let mut cells: Vec<Vec<Cell>> =
            screen.rows.iter().skip(hidden).map(|r| self.row(r)).collect();
        cells.resize(self.rows, vec![Cell::default(); self.columns]);
        let cursor = cursor.map(|(row, column)| (row - hidden, column));
        Shown { cells, cursor: cursor.filter(|(_, column)| *column < self.columns) }
    }

    fn row(&self, row: &Row) -> Vec<Cell> {
        let mut cells = row.cells.clone();
        cells.resize(self.columns, Cell::default());
        for cell in cells.iter_mut().filter(|cell| cell.span == Span::Pad) {
            cell.span = Span::Narrow;
        }
        if let Some(last) = cells.last_mut().filter(|last| last.span == Span::Wide) {
            *last = Cell { style: last.style, ..Cell::default() };
        }
        cells
    }
}

struct Writer {
    out: Vec<u8>,
    style: Option<Style>,
    /// Where the cursor surely is.
    at: Option<(usize, usize)>,
}

impl Writer {
    fn put(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn go(&mut self, row: usize, column: usize) {
        write!(self.out, "\x1b[{};{}H", row + 1, column + 1).expect("a Vec takes every write");
    }

    fn cell(&mut self, row: usize, column: usize, cell: &Cell) {
        if self.at != Some((row, column)) {
            self.go(row, column);
        }
        if self.style != Some(cell.style) {
            cell.style.write(&mut self.out);
            self.style = Some(cell.style);
        }
        // An engine's cells are printable; others' might not be.
        let c = if is_printable(cell.c) { cell.c } else { char::REPLACEMENT_CHARACTER };
        self.put(c.encode_utf8(&mut [0; 4]));
        for mark in cell.marks.as_deref().unwrap_or_default().chars() {
            if is_printable(mark) && mark.width() == Some(0) {
                self.put(mark.encode_utf8(&mut [0; 4]));
            }
        }
        let is_sure = c.is_ascii() && cell.marks.is_none();
        self.at = is_sure.then_some((row, column + 1));
    }
}

/// The bytes that make a person's terminal send keys, pastes and the mouse as a program asked, after it was
/// made to send them as another one had (at first, and at last, [`Modes::default`]). For who types: what the
/// keyboard sends then fits the program.
pub fn input_modes(from: &Modes, to: &Modes) -> Vec<u8> {
    let mouse = |modes: &Modes, mouse| modes.mouse == mouse;
    let sgr = |modes: &Modes| modes.mouse_encoding == MouseEncoding::Sgr;
    let utf8 = |modes: &Modes| modes.mouse_encoding == MouseEncoding::Utf8;
    let mut out = vec![];
    for (was, is, off, on) in [
        (from.app_cursor, to.app_cursor, "\x1b[?1l", "\x1b[?1h"),
        (from.app_keypad, to.app_keypad, "\x1b>", "\x1b="),
        (from.bracketed_paste, to.bracketed_paste, "\x1b[?2004l", "\x1b[?2004h"),
        (from.focus, to.focus, "\x1b[?1004l", "\x1b[?1004h"),
        (mouse(from, Mouse::Clicks), mouse(to, Mouse::Clicks), "\x1b[?1000l", "\x1b[?1000h"),
        (mouse(from, Mouse::Drag), mouse(to, Mouse::Drag), "\x1b[?1002l", "\x1b[?1002h"),
        (mouse(from, Mouse::Motion), mouse(to, Mouse::Motion), "\x1b[?1003l", "\x1b[?1003h"),
        (utf8(from), utf8(to), "\x1b[?1005l", "\x1b[?1005h"),
        (sgr(from), sgr(to), "\x1b[?1006l", "\x1b[?1006h"),
    ] {
        // Switching one kind of mouse off switches all off in some terminals, so that goes first.
        if was && !is {
            out.splice(0..0, off.bytes());
        } else if is && !was {
            out.extend_from_slice(on.as_bytes());
        }
    }
    out
}

#[cfg(test)]
mod tests;
