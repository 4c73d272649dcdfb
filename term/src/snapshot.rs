//! A terminal as bytes that rebuild it in a fresh one of the same size.
//!
//! Ordinary escape sequences and text, so that other emulators than this one can take them too: colours and
//! titles, scrollback and the main screen, the alternate one if it is shown, tab stops, the saved cursor,
//! scroll region, modes, cursor, and at last the bytes of the character or sequence in whose middle the
//! program's output stands. Output goes on right behind it.
//!
//! Not carried:
//! - scrollback beyond [`ROWS`] rows or [`SCROLLBACK`] bytes, and, of the largest screens in the richest
//!   colours, the main screen behind the alternate one;
//! - that a row goes on in the next, where it is the screen's last or the cursor stands at its end, and that a
//!   blank at a row's end is for want of room, where it has other colours than the wide character behind
//!   it: lines may break otherwise after a resize. A worker sends a snapshot behind a resize for this
//!   reason, too;
//! - the character that CSI b would repeat, where it isn't beside the cursor any more (no program does that);
//! - the cursor that was saved in the main screen before the alternate one was shown: there it is the one
//!   at that moment, as the emulator has it.

use std::io::Write as _;

use unicode_width::UnicodeWidthChar as _;

use crate::engine::state::{Charset, Page, Pen, Shift, State};
use crate::engine::{Engine, Whole};
use crate::message::{MAX_STATE, Position, Snapshot};
use crate::screen::{Cell, Modes, Mouse, MouseEncoding, Row, Shape, Span};
use crate::style::Style;

/// The most rows of scrollback in a snapshot: ten screens, for somebody who comes and looks back.
pub const ROWS: usize = 500;

/// The most bytes of scrollback in a snapshot.
pub const SCROLLBACK: usize = 256 * 1024;

/// Takes a snapshot of a terminal that has seen everything up to `at`.
pub fn take(engine: &mut Engine, at: Position) -> Snapshot {
    let whole = engine.whole(ROWS);
    let mut state = encode(&whole);
    if state.len() > MAX_STATE {
        let main = whole.state.alternate.clone().unwrap_or(whole.state.main.clone());
        let state_of_it = State { history: vec![], main, alternate: None, ..whole.state };
        state = encode(&Whole { state: state_of_it, ..whole });
    }
    let title = engine.title().map(str::to_owned);
    Snapshot { at, size: engine.size(), title, state }
}

fn encode(whole: &Whole) -> Vec<u8> {
    let Whole { state, title, titles, last, pending } = whole;
    let mut writer = Writer { out: vec![], style: Style::default(), columns: state.size.columns() };
    writer.put("\x1bc");
    for (index, (r, g, b)) in &state.palette {
        match index {
            0..256 => writer.put(&format!("\x1b]4;{index};rgb:{r:02x}/{g:02x}/{b:02x}\x1b\\")),
            _ => writer.put(&format!("\x1b]{};rgb:{r:02x}/{g:02x}/{b:02x}\x1b\\", index - 246)),
        }
    }
    for title in titles {
        writer.put(&format!("\x1b]2;{}\x1b\\\x1b[22;2t", title.as_deref().unwrap_or_default()));
    }
    writer.put(&format!("\x1b]2;{}\x1b\\", title.as_deref().unwrap_or_default()));

    let mut rows: Vec<&Row> = affordable(&state.history).iter().collect();
    rows.extend(&state.main.rows);
    writer.rows(&rows);

    let page = match &state.alternate {
        Some(page) => {
            writer.place(&state.main.pen, &state.main, 0);
            writer.enter_alternate();
            writer.rows(&page.rows.iter().collect::<Vec<_>>());
            page
        }
        None => {
            if state.alternate_saved != Pen::default() {
                writer.enter_alternate();
                writer.place(&state.alternate_saved, &Page::default(), 0);
                writer.put("\x1b7\x1b[?1049l");
            }
            &state.main
        }
    };
    if let Some(stops) = &state.tabs {
        writer.put("\x1b[3g");
        for stop in stops {
            writer.put(&format!("\x1b[{}G\x1bH", stop + 1));
        }
    }
    writer.place(&page.saved, page, 0);
    writer.put("\x1b7");
    if state.region != (0, state.size.rows()) {
        writer.put(&format!("\x1b[{};{}r", state.region.0 + 1, state.region.1));
    }
    writer.modes(&state.modes);
    writer.cursor(state);
    let top = if state.modes.origin { state.region.0 } else { 0 };
    writer.place(&page.pen, page, top);
    if state.shift == Shift::G1 {
        writer.put("\x0e");
    }
    if let Some(c) = last {
        writer.last(*c, &page.pen, &state.modes, top);
    }
    writer.out.extend_from_slice(pending);
    writer.out
}

/// The newest rows that fit into [`SCROLLBACK`].
fn affordable(history: &[Row]) -> &[Row] {
    let mut left = SCROLLBACK;
    let fits = |row: &&Row| {
        let mut style = Style::default();
        let mut cost = 2;
        for cell in &row.cells {
            cost += cell.c.len_utf8() + cell.marks.as_deref().map_or(0, str::len);
            // An SGR sequence of the longest kind.
            cost += if cell.style == style { 0 } else { 80 };
            style = cell.style;
        }
        left.checked_sub(cost).map(|rest| left = rest).is_some()
    };
    let n = history.iter().rev().take_while(fits).count();
    &history[history.len() - n..]
}

struct Writer {
    out: Vec<u8>,
    /// What the terminal has, as of what was written.
    style: Style,
    columns: u16,
}

impl Writer {
    fn put(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn style(&mut self, style: Style) {
        if self.style != style {
            style.write(&mut self.out);
            self.style = style;
        }
    }

    fn cell(&mut self, cell: &Cell) {
        self.style(cell.style);
        write!(self.out, "{}{}", cell.c, cell.marks.as_deref().unwrap_or_default())
            .expect("a Vec takes every write");
    }

    /// An empty alternate screen, whatever the main one's pen was.
    fn enter_alternate(&mut self) {
        self.put("\x1b[?1049h");
        self.plain();
        self.put("\x1b[2J\x1b[H");
    }

    /// Nothing special about the pen.
    fn plain(&mut self) {
        self.put("\x0f\x1b(B\x1b)B\x1b*B\x1b+B\x1b[0m");
        self.style = Style::default();
    }

    /// Writes rows from where the cursor is, at the beginning of an empty one. Those that go on in the next
    /// are written to their end, so that the terminal itself breaks them.
    fn rows(&mut self, rows: &[&Row]) {
        let mut has_begun = false;
        for (at, row) in rows.iter().enumerate() {
            // The first cell may be there already, if it was too wide for the row before.
            self.row(row, usize::from(has_begun) * 2);
            has_begun = false;
            let next = rows.get(at + 1);
            let pad = row.cells.get(usize::from(self.columns) - 1).filter(|c| c.span == Span::Pad);
            let wide = next.and_then(|next| next.cells.first()).filter(|c| c.span == Span::Wide);
            match (pad, wide) {
                (Some(pad), Some(wide)) if row.wrapped && pad.style == wide.style => {
                    self.cell(wide);
                    has_begun = true;
                    // A row that came in from below has its colour.
                    self.style(Style::default());
                    self.put("\x1b[K");
                    continue;
                }
                (Some(pad), _) => self.cell(pad),
                (None, _) => {}
            }
            if next.is_some() {
                self.style(Style::default());
                // A blank that doesn't fit any more makes the terminal break the line.
                self.put(if row.wrapped { " \r" } else { "\r\n" });
            }
        }
    }

    /// Writes the cells of a row from one on; if it goes on, to the last column. A pad is left out.
    fn row(&mut self, row: &Row, from: usize) {
        let blank = Cell::default();
        let mut gap = 0;
        let n_cells = if row.wrapped { usize::from(self.columns) } else { row.cells.len() };
        for column in from..n_cells {
            let cell = row.cells.get(column).unwrap_or(&blank);
            let is_last = column + 1 == n_cells;
            match cell.span {
                Span::Rest | Span::Pad => continue,
                _ => {}
            }
            if *cell == blank && !is_last {
                gap += 1;
                continue;
            }
            self.gap(gap);
            gap = 0;
            self.cell(cell);
        }
        self.gap(gap);
    }

    /// Goes over blanks.
    fn gap(&mut self, n: usize) {
        if n > 0 {
            self.put(&format!("\x1b[{n}C"));
        }
    }

    /// Puts the cursor to a place, with all that belongs to it. `top` is the row that counts as the first.
    fn place(&mut self, pen: &Pen, page: &Page, top: u16) {
        self.plain();
        let blank = Cell::default();
        let row = page.rows.get(usize::from(pen.row));
        let cell_at = |column: u16| row.and_then(|row| row.cells.get(usize::from(column)));
        let mut column = pen.column;
        if pen.wraps && cell_at(column).is_some_and(|cell| cell.span == Span::Rest) {
            column -= 1;
        }
        self.go(pen.row - top, column);
        if pen.wraps {
            // Only a character in the last column brings it there, so it is written again.
            self.cell(cell_at(column).unwrap_or(&blank));
        }
        // In any case: nothing stands right behind a character, but what `last` writes.
        pen.style.write(&mut self.out);
        self.style = pen.style;
        for (designation, charset) in ["(", ")", "*", "+"].iter().zip(pen.charsets) {
            if charset == Charset::Drawing {
                self.put(&format!("\x1b{designation}0"));
            }
        }
    }

    fn go(&mut self, row: u16, column: u16) {
        self.put(&format!("\x1b[{};{}H", row + 1, column + 1));
    }

    /// Writes the character before the cursor again, so that it can be repeated.
    fn last(&mut self, c: char, pen: &Pen, modes: &Modes, top: u16) {
        let width = c.width().and_then(|width| u16::try_from(width).ok()).unwrap_or(0);
        let column = pen.column + u16::from(pen.wraps) - width;
        self.go(pen.row - top, column);
        if modes.insert && column + width < self.columns {
            self.put(&format!("\x1b[{width}P"));
        }
        self.put(c.encode_utf8(&mut [0; 4]));
    }

    fn modes(&mut self, modes: &Modes) {
        let Modes {
            app_cursor,
            app_keypad,
            bracketed_paste,
            focus,
            mouse,
            mouse_encoding,
            alternate_screen: _,
            alternate_scroll,
            line_wrap,
            origin,
            insert,
            newline,
            updating,
        } = *modes;
        for (differs, sequence) in [
            (app_cursor, "\x1b[?1h"),
            (app_keypad, "\x1b="),
            (bracketed_paste, "\x1b[?2004h"),
            (focus, "\x1b[?1004h"),
            (mouse == Mouse::Clicks, "\x1b[?1000h"),
            (mouse == Mouse::Drag, "\x1b[?1002h"),
            (mouse == Mouse::Motion, "\x1b[?1003h"),
            (mouse_encoding == MouseEncoding::Utf8, "\x1b[?1005h"),
            (mouse_encoding == MouseEncoding::Sgr, "\x1b[?1006h"),
            (!alternate_scroll, "\x1b[?1007l"),
            (!line_wrap, "\x1b[?7l"),
            (origin, "\x1b[?6h"),
            (insert, "\x1b[4h"),
            (newline, "\x1b[20h"),
            (updating, "\x1b[?2026h"),
        ] {
            if differs {
                self.put(sequence);
            }
        }
    }

    fn cursor(&mut self, state: &State) {
        let style = match (state.cursor_shape, state.cursor_blinking) {
            (Shape::Block, false) => None,
            (Shape::Block, true) => Some(1),
            (Shape::Underline, true) => Some(3),
            (Shape::Underline, false) => Some(4),
            (Shape::Beam, true) => Some(5),
            (Shape::Beam, false) => Some(6),
        };
        if let Some(style) = style {
            self.put(&format!("\x1b[{style} q"));
        }
        if !state.cursor_visible {
            self.put("\x1b[?25l");
        }
    }
}

#[cfg(test)]
mod tests;
