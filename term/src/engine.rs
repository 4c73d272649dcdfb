//! A terminal without a window: it is fed a program's bytes, and holds what a person would see.
//!
//! All that a program sends is data. Titles and colours are kept, the clipboard and links are dropped, and
//! answers to queries are handed to the caller: the worker's engine answers its program, a viewer's drops
//! them. Everything is bounded: the size, the scrollback by bytes, a sequence, a title, the marks on a cell,
//! the answers. A panic of the emulator is contained; an empty one takes its place.
//!
//! What takes no cell of its own and isn't printable (bidi controls, zero-width spaces) is dropped, and what
//! does is shown as U+FFFD; so every cell is printable in the sense of [`smith_model::printable`].

mod csi;
mod emulator;
mod find;
mod gate;
mod lines;
mod palette;
pub(crate) mod state;

use std::panic::{AssertUnwindSafe, catch_unwind};

use smith_model::printable::{Lines, is_printable, printable};
use unicode_width::UnicodeWidthChar as _;

use self::csi::Csi;
use self::emulator::Emulator;
pub use self::find::{Hit, Pattern, PatternError};
use self::gate::{Gate, Piece};
pub(crate) use self::lines::Numbers;
pub use self::lines::{Extent, Line, Place};
use self::state::State;
use crate::screen::{Cursor, Modes, Row, Screen};
use crate::size::Size;

/// The bytes that the cells of the scrollback take: about 1,400 rows of 120 columns, 340 of 500.
pub const SCROLLBACK: usize = 4 * 1024 * 1024;

/// A cell, and a row beside its cells, as the emulator stores them.
const CELL: usize = 24;
const ROW: usize = 32;

/// The most marks on a cell. Scripts need up to three, emoji with joiners nine.
const MAX_MARKS: usize = 10;

/// The most cells of the scrollback that hold more than a character: each takes about 100 bytes more.
const MAX_RICH: usize = 20_000;

/// Characters of a title; a tab or a status line shows fewer.
const MAX_TITLE: usize = 256;

/// Titles that a program can put aside; xterm keeps ten.
const MAX_TITLES: usize = 10;

/// Bytes of answers to one [`Engine::feed`]; who asks more isn't reading them.
const MAX_REPLIES: usize = 16 * 1024;

/// What came of feeding.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Fed {
    /// Answers to queries, to be written to the program by whoever runs it, and by nobody else.
    pub replies: Vec<u8>,
    /// Whether the emulator failed and an empty one took its place: viewers need a snapshot.
    pub replaced: bool,
}

/// A terminal.
pub struct Engine {
    size: Size,
    gate: Gate,
    core: Core,
}

/// All but the gate: what a piece acts on.
struct Core {
    emulator: Emulator,
    title: Option<String>,
    titles: Vec<Option<String>>,
    updating: bool,
    /// The character just printed; anything but text in between forgets it.
    last: Option<char>,
    n_rich: usize,
    numbers: Numbers,
}

/// What a snapshot needs beside the emulator's state.
pub(crate) struct Whole {
    pub(crate) state: State,
    pub(crate) title: Option<String>,
    pub(crate) titles: Vec<Option<String>>,
    /// The character right before the cursor, if it was printed just now.
    pub(crate) last: Option<char>,
    pub(crate) pending: Vec<u8>,
}

impl Engine {
    /// An empty terminal.
    pub fn new(size: Size) -> Self {
        Self::numbered(size, Numbers::default())
    }

    /// An empty terminal that goes on with these numbers of lines.
    pub(crate) fn numbered(size: Size, numbers: Numbers) -> Self {
        Self { size, gate: Gate::new(), core: Core::new(size, numbers) }
    }

    /// Numbers that none of its lines ever had: for the one that takes its place.
    pub(crate) fn fresh_numbers(&self) -> Numbers {
        self.core.numbers.renewed(0)
    }

    /// The size.
    pub fn size(&self) -> Size {
        self.size
    }

    /// Takes the next bytes of the program.
    pub fn feed(&mut self, bytes: &[u8]) -> Fed {
        let mut fed = Fed::default();
        let Self { size, gate, core } = self;
        gate.feed(bytes, &mut |piece| {
            // What is half changed is thrown away.
            if catch_unwind(AssertUnwindSafe(|| core.act(&piece, *size, &mut fed.replies))).is_err()
            {
                *core = core.replaced(*size);
                fed.replaced = true;
            }
        });
        self.contain(&mut fed, |core, fed| {
            core.take_replies(&mut fed.replies);
            core.shed();
        });
        fed
    }

    /// Gives it another size. Lines of the main screen are broken anew.
    pub fn resize(&mut self, size: Size) -> Fed {
        let mut fed = Fed::default();
        self.size = size;
        self.contain(&mut fed, |core, _| {
            core.emulator.resize(size);
            core.last = None;
            core.numbers = core.numbers.renewed(core.emulator.main_history_len());
        });
        fed
    }

    fn contain(&mut self, fed: &mut Fed, act: impl FnOnce(&mut Core, &mut Fed)) {
        if catch_unwind(AssertUnwindSafe(|| act(&mut self.core, fed))).is_err() {
            self.core = self.core.replaced(self.size);
            fed.replaced = true;
        }
    }

    /// What it shows.
    pub fn screen(&self) -> Screen {
        self.screen_back(0)
    }

    /// What it would show `back` rows up in the scrollback, as far as that goes; the cursor only where it
    /// really is.
    pub fn screen_back(&self, back: usize) -> Screen {
        let back = back.min(self.scrollback()) as i32;
        let rows = i32::from(self.size.rows());
        let cursor = self.cursor().and_then(|mut cursor| {
            cursor.row = u16::try_from(i32::from(cursor.row) + back).ok()?;
            (i32::from(cursor.row) < rows).then_some(cursor)
        });
        Screen {
            size: self.size,
            rows: (-back..rows - back).map(|line| self.core.emulator.row(line)).collect(),
            cursor,
            modes: self.modes(),
            title: self.core.title.clone(),
        }
    }

    /// Rows of scrollback; none while the alternate screen is shown.
    pub fn scrollback(&self) -> usize {
        self.core.emulator.history_len()
    }

    /// The lines of the scrollback and the screen.
    pub fn lines(&self) -> Extent {
        let rows = self.size.rows();
        if self.core.emulator.is_alternate() {
            self.core.numbers.alternate(rows)
        } else {
            self.core.numbers.main(self.scrollback(), rows)
        }
    }

    /// Reads a line into a row, which can be one that was read before: nothing is allocated then, but for marks.
    /// Answers whether there is such a line; the row is empty where there isn't.
    pub fn read_row(&self, line: Line, row: &mut Row) -> bool {
        let lines = self.lines();
        row.cells.clear();
        row.wrapped = false;
        let is_there = lines.contains(line);
        if is_there {
            self.core.emulator.read_row(self.index(line), row);
        }
        is_there
    }

    /// The cursor's cell, unless it is hidden.
    pub fn cursor(&self) -> Option<Cursor> {
        self.core.emulator.cursor()
    }

    /// What the program asked of its terminal.
    pub fn modes(&self) -> Modes {
        Modes { updating: self.core.updating, ..self.core.emulator.modes() }
    }

    /// A line as the emulator counts: 0 is the screen's first, -1 the newest of the scrollback.
    fn index(&self, line: Line) -> i32 {
        let lines = self.lines();
        let below = line.below(lines.first) as i64 - lines.top.below(lines.first) as i64;
        i32::try_from(below).unwrap_or(i32::MAX)
    }

    /// The text of the scrollback and the screen.
    pub fn to_text(&self) -> String {
        let first = -(self.scrollback() as i32);
        let rows: Vec<Row> = (first..i32::from(self.size.rows()))
            .map(|line| {
                let mut row = self.core.emulator.row(line);
                // A blank at the end of one that goes on stands between two words.
                if !row.wrapped {
                    row.trim();
                }
                row
            })
            .collect();
        crate::screen::to_text(&rows)
    }

    /// The title that the program set, printable and bounded.
    pub fn title(&self) -> Option<&str> {
        self.core.title.as_deref()
    }

    /// All that there is to know, with at most `history` rows of the scrollback.
    pub(crate) fn whole(&mut self, history: usize) -> Whole {
        let taken = catch_unwind(AssertUnwindSafe(|| self.core.emulator.state(history)));
        let mut state = taken.unwrap_or_else(|_| {
            self.core = self.core.replaced(self.size);
            self.core.emulator.state(0)
        });
        state.modes.updating = self.core.updating;
        let last = self.core.last.filter(|c| self.core.emulator.is_behind(*c));
        Whole {
            state,
            title: self.core.title.clone(),
            titles: self.core.titles.clone(),
            last,
            pending: self.gate.pending().to_vec(),
        }
    }
}

impl Core {
    fn new(size: Size, numbers: Numbers) -> Self {
        Self {
            numbers,
            emulator: Emulator::new(size),
            title: None,
            titles: vec![],
            updating: false,
            last: None,
            n_rich: 0,
        }
    }

    /// An empty one in its place.
    fn replaced(&self, size: Size) -> Self {
        Self::new(size, self.numbers.renewed(0))
    }

    fn act(&mut self, piece: &Piece<'_>, size: Size, replies: &mut Vec<u8>) {
        let was_alternate = self.emulator.is_alternate();
        match piece {
            Piece::Text(text) => self.text(text),
            Piece::Csi(bytes) => self.csi(bytes, size),
            Piece::Escape(bytes) => self.escape(bytes),
            Piece::Osc(content) => self.osc(content, replies),
        }
        self.numbers.scroll(self.emulator.take_scrolled());
        if !was_alternate && self.emulator.is_alternate() {
            self.numbers.renew_alternate();
        }
    }

    fn text(&mut self, text: &str) {
        if text.is_ascii() {
            self.print(text);
        } else {
            // What can go to the emulator as it is goes in one piece.
            let mut start = 0;
            for (at, c) in text.char_indices().filter(|(_, c)| *c >= '\u{80}') {
                let is_mark = c.width() == Some(0);
                if is_printable(c) && !is_mark {
                    continue;
                }
                self.print(&text[start..at]);
                start = at + c.len_utf8();
                if !is_mark {
                    self.print("\u{fffd}");
                } else if is_printable(c) && self.emulator.marks() < MAX_MARKS {
                    self.emulator.advance(c.encode_utf8(&mut [0; 4]).as_bytes());
                    self.n_rich += 1;
                    self.last = None;
                }
            }
            self.print(&text[start..]);
        }
    }

    fn print(&mut self, text: &str) {
        let Some(last) = text.chars().next_back() else { return };
        if self.emulator.inserts() {
            // What is pushed to the right may be cut in two at the margin.
            for c in text.chars() {
                self.emulator.advance(c.encode_utf8(&mut [0; 4]).as_bytes());
                self.emulator.mend_row();
            }
        } else {
            self.emulator.advance(text.as_bytes());
        }
        self.last = Some(last).filter(|c| !c.is_control());
    }

    fn escape(&mut self, bytes: &[u8]) {
        self.last = None;
        self.emulator.advance(bytes);
        match bytes {
            b"\x1bc" => {
                self.title = None;
                self.titles.clear();
                self.updating = false;
                self.numbers = self.numbers.renewed(0);
            }
            _ => self.emulator.settle(),
        }
    }

    fn csi(&mut self, bytes: &[u8], size: Size) {
        let last = self.last.take();
        let csi = Csi::read(bytes);
        match csi.kind {
            // Repeats what was printed just before, within a row, which is what programs use it for: 65,535
            // times would be a way to stop everything with eight bytes.
            (None, b'b') => {
                if let Some(c) = last {
                    let n = csi.param_or(0, 1).min(size.columns());
                    self.text(&c.to_string().repeat(usize::from(n)));
                }
            }
            (None, b'r') => {
                let bottom = csi.param_or(1, size.rows()).min(size.rows());
                if csi.param_or(0, 1) < bottom {
                    self.emulator.advance(bytes);
                }
            }
            (None, b't') if csi.param_or(0, 0) == 22 => {
                if self.titles.len() < MAX_TITLES {
                    self.titles.push(self.title.clone());
                }
            }
            (None, b't') if csi.param_or(0, 0) == 23 => {
                if let Some(title) = self.titles.pop() {
                    self.title = title;
                }
            }
            (Some(b'?'), is_set @ (b'h' | b'l')) => {
                if csi.params().any(|mode| mode == 2026) {
                    self.updating = is_set == b'h';
                }
                self.emulator.advance(bytes);
                self.emulator.settle();
            }
            (marker, last) => {
                self.emulator.advance(bytes);
                match (marker, last) {
                    (None, b'@' | b'J' | b'K' | b'P' | b'X') => self.emulator.mend_row(),
                    (None, b'A'..=b'H' | b'Z' | b'a'..=b'f' | b'u') => self.emulator.settle(),
                    // The colour of an underline is stored beside the cell.
                    (None, b'm') if bytes.windows(2).any(|digits| digits == b"58") => {
                        self.n_rich += 1;
                    }
                    _ => {}
                }
            }
        }
    }

    fn osc(&mut self, content: &[u8], replies: &mut Vec<u8>) {
        self.last = None;
        let (name, value) = match content.iter().position(|b| *b == b';') {
            Some(at) => (&content[..at], &content[at + 1..]),
            None => (content, &[][..]),
        };
        match name {
            b"0" | b"2" => {
                let title = String::from_utf8_lossy(value);
                let title = printable(title.trim(), Lines::One);
                self.title = Some(title.chars().take(MAX_TITLE).collect())
                    .filter(|t: &String| !t.is_empty());
            }
            // Colours. Everything else is left out: the clipboard, links, notifications, directories.
            b"4" | b"10" | b"11" | b"12" | b"104" | b"110" | b"111" | b"112" => {
                self.emulator.advance(&[b"\x1b]", content, b"\x1b\\"].concat());
                self.take_replies(replies);
            }
            _ => {}
        }
    }

    fn take_replies(&mut self, replies: &mut Vec<u8>) {
        self.emulator.take_replies(|reply| {
            if replies.len() + reply.len() <= MAX_REPLIES {
                replies.extend_from_slice(reply.as_bytes());
            }
        });
    }

    /// Keeps what cells hold beside a character within its bound.
    fn shed(&mut self) {
        if self.n_rich > MAX_RICH {
            // Down to half of it, so that this is rare.
            self.n_rich = self.emulator.shed(MAX_RICH / 2);
        }
    }
}

/// How many rows of scrollback fit.
fn history(size: Size) -> usize {
    SCROLLBACK / (usize::from(size.columns()) * CELL + ROW)
}

#[cfg(test)]
mod tests;
