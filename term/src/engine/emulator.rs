//! The foreign emulator, alacritty_terminal: nothing outside of this file and its own names it.
//!
//! It is fed whole characters and whole sequences only, as the gate cuts them, so its parser never holds
//! anything. What it keeps private (scroll region, tab stops, the shown character set) is found by trying
//! it, and putting back what it touched.

use std::mem;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use alacritty_terminal::event::{Event, EventListener};
use alacritty_terminal::grid::{Cursor as Brush, Dimensions, Grid};
use alacritty_terminal::index::{Column, Line};
use alacritty_terminal::term::cell::{Cell as Raw, Flags};
use alacritty_terminal::term::{Config, Osc52, Term, TermMode};
use alacritty_terminal::vte::ansi::{
    CharsetIndex, Handler as _, NamedColor, NamedPrivateMode, PrivateMode, Processor, Rgb,
    StandardCharset, Timeout,
};

use unicode_width::UnicodeWidthChar as _;

use self::cells::{fill, page, pen, shape, style, tail};
use self::repair::{mend, rich, settle};
use super::state::{Shift, State};
use super::{history, palette};
use crate::screen::{Cursor, Modes, Mouse, MouseEncoding, Row};
use crate::size::Size;
use crate::style::{Color, Style};

mod cells;
pub(super) mod find;
mod repair;

/// Drawing in one go (DEC mode 2026) is for who draws: the emulator itself neither waits nor has a clock.
#[derive(Default)]
struct Never;

impl Timeout for Never {
    fn set_timeout(&mut self, _: Duration) {}
    fn clear_timeout(&mut self) {}
    fn pending_timeout(&self) -> bool {
        false
    }
}

type Render = Arc<dyn Fn(Rgb) -> String + Sync + Send>;

enum Reply {
    Text(String),
    Color(usize, Render),
}

/// The answers to the program's queries. Clipboard, bell and titles aren't acted on.
#[derive(Clone, Default)]
struct Replies(Arc<Mutex<Vec<Reply>>>);

impl EventListener for Replies {
    fn send_event(&self, event: Event) {
        let reply = match event {
            Event::PtyWrite(text) => Reply::Text(text),
            Event::ColorRequest(index, render) => Reply::Color(index, render),
            _ => return,
        };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(reply);
    }
}

/// A size, as the emulator asks for it.
struct Sides(Size);

impl Dimensions for Sides {
    fn total_lines(&self) -> usize {
        self.screen_lines()
    }
    fn screen_lines(&self) -> usize {
        usize::from(self.0.rows())
    }
    fn columns(&self) -> usize {
        usize::from(self.0.columns())
    }
}

pub(super) struct Emulator {
    term: Term<Replies>,
    processor: Processor<Never>,
    replies: Replies,
    history: usize,
    /// Rows that went from the main screen into the scrollback since that was asked last.
    scrolled: u64,
}

/// Bytes that are fed at once. Each can scroll by a row, and a sequence by the screen.
const PIECE: usize = 500;

/// More rows than a piece scrolls. The scrollback grows by so many over its bound for a moment: the emulator
/// doesn't count what goes out at its top, so that nothing must.
const SLACK: usize = 512;

impl Emulator {
    pub(super) fn new(size: Size) -> Self {
        let history = history(size);
        let replies = Replies::default();
        let term = Term::new(config(history + SLACK), &Sides(size), replies.clone());
        Self { term, processor: Processor::new(), replies, history, scrolled: 0 }
    }

    pub(super) fn advance(&mut self, bytes: &[u8]) {
        for piece in bytes.chunks(PIECE) {
            let before = self.history_len();
            let was_alternate = self.is_alternate();
            self.processor.advance(&mut self.term, piece);
            if was_alternate || self.is_alternate() {
                continue;
            }
            let after = self.history_len();
            self.scrolled += after.saturating_sub(before) as u64;
            if after > self.history {
                let grid = self.term.grid_mut();
                grid.update_history(self.history);
                grid.update_history(self.history + SLACK);
            }
        }
    }

    /// How many rows went from the main screen into the scrollback since the last time.
    pub(super) fn take_scrolled(&mut self) -> u64 {
        mem::take(&mut self.scrolled)
    }

    pub(super) fn is_alternate(&self) -> bool {
        self.term.mode().contains(TermMode::ALT_SCREEN)
    }

    /// Takes the answers that have gathered.
    pub(super) fn take_replies(&mut self, mut each: impl FnMut(&str)) {
        let replies =
            mem::take(&mut *self.replies.0.lock().unwrap_or_else(PoisonError::into_inner));
        for reply in replies {
            match reply {
                Reply::Text(text) => each(&text),
                Reply::Color(index, render) => {
                    let (r, g, b) = match self.term.colors()[index] {
                        Some(Rgb { r, g, b }) => (r, g, b),
                        None => palette::standard(index),
                    };
                    each(&render(Rgb { r, g, b }));
                }
            }
        }
    }

    pub(super) fn resize(&mut self, size: Size) {
        // Halving at most: the emulator cuts a wide row into narrow ones that each keep the room of all that
        // followed, 250 times as much from 500 columns to 2.
        loop {
            let columns = small(self.term.columns() / 2).max(size.columns());
            self.resize_once(Size::nearest(columns, size.rows()));
            if columns == size.columns() {
                break;
            }
        }
    }

    fn resize_once(&mut self, size: Size) {
        self.history = history(size);
        // First: 50,000 short rows that become wide ones would take hundreds of megabytes.
        self.term.set_options(config(self.history));
        self.term.resize(Sides(size));
        self.term.set_options(config(self.history + SLACK));
        let repair = |grid: &mut Grid<Raw>| {
            // Rows of the former size that the emulator keeps for later are freed.
            grid.truncate();
            for line in (-(grid.history_size() as i32)..grid.screen_lines() as i32).map(Line) {
                mend(&mut grid[line][..]);
                // A copy has just the room that it needs.
                grid[line] = grid[line].clone();
            }
            let columns = grid.columns();
            settle(&mut grid.cursor, columns);
            settle(&mut grid.saved_cursor, columns);
        };
        repair(self.term.grid_mut());
        self.with_other(repair);
    }

    /// Rows of scrollback; none while the alternate screen is shown.
    pub(super) fn history_len(&self) -> usize {
        self.term.history_size()
    }

    /// The same of the main screen, whichever is shown.
    pub(super) fn main_history_len(&mut self) -> usize {
        if self.is_alternate() {
            self.with_other(|main| main.history_size())
        } else {
            self.history_len()
        }
    }

    /// Forgets the oldest rows of scrollback, down to the newest ones that hold at most `most` cells with
    /// more than a character. Answers how many such cells are left.
    pub(super) fn shed(&mut self, most: usize) -> usize {
        let (n_cells, n_rows) = if self.is_alternate() {
            self.with_other(|main| rich(main, most))
        } else {
            rich(self.term.grid(), most)
        };
        self.term.set_options(config(n_rows));
        self.term.set_options(config(self.history + SLACK));
        n_cells
    }

    /// How many marks the cell already has that the next one would be put onto.
    pub(super) fn marks(&self) -> usize {
        let grid = self.term.grid();
        let Brush { point, input_needs_wrap, .. } = &grid.cursor;
        let row = &grid[point.line];
        let mut column = point.column;
        if !input_needs_wrap {
            column.0 = column.0.saturating_sub(1);
        }
        if row[column].flags.contains(Flags::WIDE_CHAR_SPACER) {
            column.0 = column.0.saturating_sub(1);
        }
        row[column].zerowidth().map_or(0, <[char]>::len)
    }

    /// Whether the cursor stands right behind this character as it was just printed, and nothing was put onto it.
    pub(super) fn is_behind(&mut self, c: char) -> bool {
        let shift = self.shift();
        let Brush { point, template, charsets, input_needs_wrap } = &self.term.grid().cursor;
        let width = c.width().unwrap_or(0);
        let column = (point.column.0 + usize::from(*input_needs_wrap)).checked_sub(width);
        let Some(column) = column else { return false };
        let shown = charsets[if shift == Shift::G1 { CharsetIndex::G1 } else { CharsetIndex::G0 }];
        let raw = &self.term.grid()[point.line][Column(column)];
        raw.c == shown.map(c)
            && style(raw) == style(template)
            && raw.zerowidth().is_none_or(<[char]>::is_empty)
    }

    /// Whether text pushes what is there to the right.
    pub(super) fn inserts(&self) -> bool {
        self.term.mode().contains(TermMode::INSERT)
    }

    /// Repairs wide characters of the cursor's row that were cut in two.
    pub(super) fn mend_row(&mut self) {
        let line = self.term.grid().cursor.point.line;
        mend(&mut self.term.grid_mut()[line][..]);
    }

    /// Puts the cursor where a terminal's can be, after sequences at which the emulator doesn't: it is about
    /// to wrap only in the last column, and in origin mode, which is rare, it stays in the scroll region.
    pub(super) fn settle(&mut self) {
        let region = self.term.mode().contains(TermMode::ORIGIN).then(|| self.region());
        let columns = self.term.columns();
        settle(&mut self.term.grid_mut().cursor, columns);
        if let Some((top, bottom)) = region {
            let line = &mut self.term.grid_mut().cursor.point.line.0;
            *line = (*line).clamp(i32::from(top), i32::from(bottom) - 1);
        }
    }

    /// A row as it is shown: 0 is the screen's first, -1 the newest of the scrollback.
    pub(super) fn row(&self, line: i32) -> Row {
        let mut row = Row::default();
        self.read_row(line, &mut row);
        row
    }

    /// The same into an empty row.
    pub(super) fn read_row(&self, line: i32, row: &mut Row) {
        fill(&self.term.grid()[Line(line)][..], row);
        let colors = self.term.colors();
        let shown = |color: Color, default: Option<NamedColor>| {
            let index = match color {
                Color::Indexed(index) => usize::from(index),
                Color::Default => default? as usize,
                Color::Rgb(..) => return None,
            };
            colors[index].map(|Rgb { r, g, b }| Color::Rgb(r, g, b))
        };
        for Style { foreground, background, underline_color, .. } in
            row.cells.iter_mut().map(|cell| &mut cell.style)
        {
            let changed = shown(*foreground, Some(NamedColor::Foreground));
            *foreground = changed.unwrap_or(*foreground);
            let changed = shown(*background, Some(NamedColor::Background));
            *background = changed.unwrap_or(*background);
            *underline_color = shown(*underline_color, None).unwrap_or(*underline_color);
        }
    }

    pub(super) fn cursor(&self) -> Option<Cursor> {
        let point = self.term.grid().cursor.point;
        let style = self.term.cursor_style();
        self.term.mode().contains(TermMode::SHOW_CURSOR).then(|| Cursor {
            row: small(point.line.0),
            column: small(point.column.0),
            shape: shape(style.shape),
            blinking: style.blinking,
        })
    }

    pub(super) fn modes(&self) -> Modes {
        let has = |mode| self.term.mode().contains(mode);
        Modes {
            app_cursor: has(TermMode::APP_CURSOR),
            app_keypad: has(TermMode::APP_KEYPAD),
            bracketed_paste: has(TermMode::BRACKETED_PASTE),
            focus: has(TermMode::FOCUS_IN_OUT),
            mouse: match () {
                () if has(TermMode::MOUSE_MOTION) => Mouse::Motion,
                () if has(TermMode::MOUSE_DRAG) => Mouse::Drag,
                () if has(TermMode::MOUSE_REPORT_CLICK) => Mouse::Clicks,
                () => Mouse::Off,
            },
            mouse_encoding: match () {
                () if has(TermMode::SGR_MOUSE) => MouseEncoding::Sgr,
                () if has(TermMode::UTF8_MOUSE) => MouseEncoding::Utf8,
                () => MouseEncoding::Bytes,
            },
            alternate_screen: has(TermMode::ALT_SCREEN),
            alternate_scroll: has(TermMode::ALTERNATE_SCROLL),
            line_wrap: has(TermMode::LINE_WRAP),
            origin: has(TermMode::ORIGIN),
            insert: has(TermMode::INSERT),
            newline: has(TermMode::LINE_FEED_NEW_LINE),
            updating: false,
        }
    }

    /// All of it, with at most `history` rows of the scrollback.
    pub(super) fn state(&mut self, history: usize) -> State {
        let (region, tabs, shift) = (self.region(), self.tabs(), self.shift());
        let modes = self.modes();
        let shown = page(self.term.grid());
        let (main, rows, alternate, alternate_saved) = if modes.alternate_screen {
            let (main, rows) = self.with_other(|grid| (page(grid), tail(grid, history)));
            let saved = shown.saved.clone();
            (main, rows, Some(shown), saved)
        } else {
            let rows = tail(self.term.grid(), history);
            let saved = self.with_other(|grid| pen(&grid.saved_cursor));
            (shown, rows, None, saved)
        };
        let colors = self.term.colors();
        let palette = (0..=NamedColor::Cursor as usize)
            .filter_map(|i| colors[i].map(|Rgb { r, g, b }| (small(i), (r, g, b))))
            .collect();
        let style = self.term.cursor_style();
        State {
            size: Size::nearest(small(self.term.columns()), small(self.term.screen_lines())),
            history: rows,
            main,
            alternate,
            alternate_saved,
            modes,
            cursor_visible: self.term.mode().contains(TermMode::SHOW_CURSOR),
            cursor_shape: shape(style.shape),
            cursor_blinking: style.blinking,
            region,
            tabs,
            shift,
            palette,
        }
    }

    /// Does something to the screen that isn't shown.
    fn with_other<R>(&mut self, act: impl FnOnce(&mut Grid<Raw>) -> R) -> R {
        // Changing to the alternate screen empties it and moves its cursor, so another one is put into the
        // place of the one shown. What is shown is never touched.
        self.with_scratch(|term| {
            term.swap_alt();
            let result = act(term.grid_mut());
            term.swap_alt();
            result
        })
    }

    /// Does something on an empty screen in place of the one shown.
    fn with_scratch<R>(&mut self, act: impl FnOnce(&mut Term<Replies>) -> R) -> R {
        let scratch = Grid::new(self.term.screen_lines(), self.term.columns(), 0);
        let shown = mem::replace(self.term.grid_mut(), scratch);
        let result = act(&mut self.term);
        *self.term.grid_mut() = shown;
        result
    }

    /// Moves the cursor about, and puts it back.
    fn with_cursor<R>(&mut self, act: impl FnOnce(&mut Term<Replies>) -> R) -> R {
        let cursor = self.term.grid().cursor.clone();
        let result = act(&mut self.term);
        self.term.grid_mut().cursor = cursor;
        result
    }

    fn region(&mut self) -> (u16, u16) {
        let origin = PrivateMode::Named(NamedPrivateMode::Origin);
        self.with_cursor(|term| {
            let is_set = term.mode().contains(TermMode::ORIGIN);
            term.set_private_mode(origin);
            let top = term.grid().cursor.point.line.0;
            term.goto(i32::from(Size::LARGEST.rows()), 0);
            let last = term.grid().cursor.point.line.0;
            if !is_set {
                term.unset_private_mode(origin);
            }
            (small(top), small(last + 1))
        })
    }

    fn tabs(&mut self) -> Option<Vec<u16>> {
        self.with_cursor(|term| {
            let last = term.columns() - 1;
            let column = |term: &Term<Replies>| term.grid().cursor.point.column.0;
            term.goto(0, 1);
            term.move_backward_tabs(1);
            let mut stops: Vec<u16> = if column(term) == 0 { vec![0] } else { vec![] };
            term.goto(0, 0);
            loop {
                term.move_forward_tabs(1);
                if column(term) >= last {
                    break;
                }
                stops.push(small(column(term)));
            }
            let usual: Vec<u16> = (0..small(last)).step_by(8).collect();
            (stops != usual).then_some(stops)
        })
    }

    fn shift(&mut self) -> Shift {
        self.with_scratch(|term| {
            let charsets = &mut term.grid_mut().cursor.charsets;
            charsets[CharsetIndex::G1] = StandardCharset::SpecialCharacterAndLineDrawing;
            term.input('q');
            let first = &term.grid()[Line(0)][Column(0)];
            if first.c == 'q' { Shift::G0 } else { Shift::G1 }
        })
    }
}

fn config(history: usize) -> Config {
    Config {
        scrolling_history: history,
        // A viewer's terminal sends plain keys, so the program must not be told that it can have others.
        kitty_keyboard: false,
        osc52: Osc52::Disabled,
        ..Config::default()
    }
}

fn small<N: TryInto<u16>>(n: N) -> u16 {
    n.try_into().unwrap_or(u16::MAX)
}
