//! Lines by numbers that stay theirs: what was seen at one is there again, wherever it has been scrolled to,
//! until it is gone.
//!
//! A line has its number from when it appears on the screen. Numbers grow downwards and are never given twice:
//! after a resize, which breaks lines anew, a reset, and in another alternate screen all are new ones. The
//! main screen's come back with it.

use crate::size::Size;

/// The number of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Line(u64);

impl Line {
    /// So many lines further down.
    pub fn down(self, n: usize) -> Self {
        Self(self.0.saturating_add(n as u64))
    }

    /// So many lines further up.
    pub fn up(self, n: usize) -> Self {
        Self(self.0.saturating_sub(n as u64))
    }

    /// How many lines it is below another one; none, if it is above.
    pub fn below(self, other: Self) -> usize {
        usize::try_from(self.0.saturating_sub(other.0)).unwrap_or(usize::MAX)
    }
}

/// A cell of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The line.
    pub line: Line,
    /// The column, from 0.
    pub column: u16,
}

/// The lines that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The oldest of the scrollback, or, without any, the screen's first.
    pub first: Line,
    /// The screen's first.
    pub top: Line,
    /// The one behind the screen's last.
    pub end: Line,
}

impl Extent {
    /// Whether a line is among them.
    pub fn contains(&self, line: Line) -> bool {
        self.first <= line && line < self.end
    }
}

/// The alternate screens' numbers are above all of the main one's.
const ALTERNATE: u64 = 1 << 63;

/// The numbers of the first rows of both screens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Numbers {
    main: u64,
    alternate: u64,
}

impl Default for Numbers {
    fn default() -> Self {
        Self { main: 0, alternate: ALTERNATE }
    }
}

impl Numbers {
    /// Rows went from the main screen into the scrollback.
    pub(super) fn scroll(&mut self, n: u64) {
        self.main += n;
    }

    /// Numbers that were never given, with so many rows of scrollback.
    pub(super) fn renewed(mut self, history: usize) -> Self {
        self.main += u64::from(Size::LARGEST.rows()) + history as u64;
        self.renew_alternate();
        self
    }

    /// Another alternate screen.
    pub(super) fn renew_alternate(&mut self) {
        self.alternate += u64::from(Size::LARGEST.rows());
    }

    /// Of the alternate screen.
    pub(super) fn alternate(&self, rows: u16) -> Extent {
        let top = Line(self.alternate);
        Extent { first: top, top, end: top.down(rows.into()) }
    }

    /// Of the main screen.
    pub(super) fn main(&self, history: usize, rows: u16) -> Extent {
        let top = Line(self.main);
        Extent { first: top.up(history), top, end: top.down(rows.into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Engine;
    use crate::screen::Row;

    fn engine(columns: u16, rows: u16) -> Engine {
        Engine::new(Size::new(columns, rows).unwrap())
    }

    fn text(engine: &Engine, line: Line) -> Option<String> {
        let mut row = Row::default();
        engine.read_row(line, &mut row).then(|| row.text())
    }

    #[test]
    fn a_line_keeps_its_number_until_it_is_gone() {
        let mut engine = engine(120, 4);
        engine.feed(b"here\r\n");
        let here = engine.lines().top;
        let mut n_lines = 0;
        // As little as a line, and more than a piece, at a time.
        for n in (1..60).cycle() {
            let Some(found) = text(&engine, here) else { break };
            assert_eq!((found.as_str(), here.below(Line(0))), ("here", 0));
            engine.feed("line\r\n".repeat(n * n).as_bytes());
            n_lines += n * n;
            let lines = engine.lines();
            // The cursor has two rows to go before it scrolls.
            assert_eq!(lines.top.below(here), n_lines.saturating_sub(2));
            assert_eq!(lines.top.below(lines.first), engine.scrollback());
        }
        assert!(n_lines > 1400, "{n_lines}");
    }

    #[test]
    fn regions_and_clearing_are_counted_as_they_scroll() {
        let mut engine = engine(20, 6);
        engine.feed("x\r\n".repeat(10_000).as_bytes());
        let top = engine.lines().top;
        // Within a region that doesn't begin at the top, nothing goes out.
        engine.feed(b"\x1b[2;4r\x1b[4H\n\n\n\x1b[S\x1b[3H\x1b[M\x1b[r");
        assert_eq!(engine.lines().top, top);
        engine.feed(b"\x1b[1;4r\x1b[4H\n\n\x1b[r");
        assert_eq!(engine.lines().top, top.down(2));
        engine.feed(b"\x1b[2J\x1b[H\x1b[65535S");
        assert!(engine.lines().top > top.down(6));
        let before = engine.lines();
        engine.feed(b"\x1b[3J");
        let after = engine.lines();
        assert_eq!((after.first, after.top, after.end), (before.top, before.top, before.end));
    }

    #[test]
    fn numbers_are_never_given_twice() {
        let mut engine = engine(20, 4);
        engine.feed("x\r\n".repeat(100).as_bytes());
        let main = engine.lines();
        engine.feed(b"\x1b[?1049h");
        let alternate = engine.lines();
        assert!(alternate.first > main.end && alternate.first == alternate.top);
        engine.feed(b"a\r\n\r\n\r\n\r\n\r\n\x1b[?1049l");
        assert_eq!(engine.lines(), main);
        engine.feed(b"\x1b[?1049h");
        assert!(engine.lines().first >= alternate.end);
        engine.feed(b"\x1b[?1049l");
        let mut last = main.end;
        for act in 0..6 {
            match act % 3 {
                0 => drop(engine.resize(Size::new(10, 3).unwrap())),
                1 => drop(engine.feed(b"\x1bc\n\n\n\n\n\n")),
                _ => engine = Engine::numbered(engine.size(), engine.fresh_numbers()),
            }
            let lines = engine.lines();
            assert!(lines.first >= last, "{lines:?}");
            last = lines.end;
        }
    }
}
