//! What a person selected, in places of the terminal, so that it stays when that scrolls; and its text.

use std::ops::Range;

use crate::engine::{Engine, Extent, Line, Place};
use crate::screen::{Cell, Row, Span};

/// What is selected at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Cells, and all between the first and the last.
    Cells,
    /// Words, and all between; a path with its line (`src/a.rs:12`) is one.
    Words,
    /// Lines, with what was broken for want of room.
    Lines,
    /// Cells in a rectangle.
    Block,
}

/// What is selected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    unit: Unit,
    /// What was selected first: its first and its last cell.
    anchor: (Place, Place),
    /// The unit that it goes on to.
    head: (Place, Place),
}

/// The text of a selection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// The text, printable but for line feeds.
    pub text: String,
    /// Whether it is more than was allowed, and ends before its end.
    pub is_cut: bool,
}

impl Selection {
    pub(super) fn begin(engine: &Engine, place: Place, unit: Unit) -> Self {
        let anchor = around(engine, place, unit);
        Self { unit, anchor, head: anchor }
    }

    pub(super) fn extend(&mut self, engine: &Engine, place: Place) {
        self.head = around(engine, place, self.unit);
    }

    /// What is left of it in these lines, if anything is.
    pub(super) fn settle(mut self, lines: Extent) -> Option<Self> {
        let (first, last) = self.ends();
        if last.line < lines.first || first.line >= lines.end {
            return None;
        }
        let is_block = self.unit == Unit::Block;
        let places = [&mut self.anchor, &mut self.head].map(|(first, last)| [first, last]);
        for place in places.into_iter().flatten().filter(|place| place.line < lines.first) {
            place.line = lines.first;
            place.column = if is_block { place.column } else { 0 };
        }
        Some(self)
    }

    /// Its first and its last cell, in reading order; of a block the corners may be elsewhere.
    pub fn ends(&self) -> (Place, Place) {
        (self.anchor.0.min(self.head.0), self.anchor.1.max(self.head.1))
    }

    /// Which columns of a line are selected; none where it isn't part of it.
    pub fn columns(&self, line: Line) -> Option<Range<u16>> {
        let (first, last) = self.ends();
        if line < first.line || line > last.line {
            return None;
        }
        let (from, to) = match self.unit {
            Unit::Block => {
                let (a, b) = (self.anchor.0.column, self.head.0.column);
                (a.min(b), a.max(b))
            }
            Unit::Cells | Unit::Words | Unit::Lines => (
                if line == first.line { first.column } else { 0 },
                if line == last.line { last.column } else { u16::MAX },
            ),
        };
        Some(from..to.saturating_add(1))
    }

    /// Its text, of at most so many bytes. Lines that were broken for want of room are one, blanks at their
    /// ends are left out.
    pub fn text(&self, engine: &Engine, most: usize) -> Copied {
        let last = self.ends().1.line;
        let mut copied = Copied { text: String::new(), is_cut: false };
        let mut row = Row::default();
        let mut line = self.ends().0.line;
        // Blanks that turn out to be a line's end or not.
        let mut blanks = 0;
        while let Some(columns) = self.columns(line).filter(|_| engine.read_row(line, &mut row)) {
            for cell in selected(&row, columns) {
                if cell.c == ' ' && cell.marks.is_none() {
                    blanks += 1;
                    continue;
                }
                let mut bytes = [0; 4];
                let c = cell.c.encode_utf8(&mut bytes);
                let marks = cell.marks.as_deref().unwrap_or_default();
                if !copied.push(blanks, &[&*c, marks], most) {
                    return copied;
                }
                blanks = 0;
            }
            let goes_on = row.wrapped && self.unit != Unit::Block;
            if !goes_on {
                blanks = 0;
                if line < last && !copied.push(0, &["\n"], most) {
                    return copied;
                }
            }
            line = line.down(1);
        }
        copied
    }
}

impl Copied {
    /// Adds blanks and text if there is room.
    fn push(&mut self, blanks: usize, parts: &[&str], most: usize) -> bool {
        let n_bytes = blanks + parts.iter().map(|part| part.len()).sum::<usize>();
        self.is_cut = self.text.len() + n_bytes > most;
        if !self.is_cut {
            self.text.extend(std::iter::repeat_n(' ', blanks));
            self.text.extend(parts.iter().copied());
        }
        !self.is_cut
    }
}

/// The characters of which a cell is within these columns.
fn selected(row: &Row, columns: Range<u16>) -> impl Iterator<Item = &Cell> {
    (0..).zip(&row.cells).filter_map(move |(column, cell): (u16, &Cell)| {
        let width = match cell.span {
            Span::Narrow => 1,
            Span::Wide => 2,
            Span::Rest | Span::Pad => return None,
        };
        (column + width > columns.start && column < columns.end).then_some(cell)
    })
}

/// The first and the last cell of what a place is in.
fn around(engine: &Engine, place: Place, unit: Unit) -> (Place, Place) {
    match unit {
        Unit::Cells | Unit::Block => (place, place),
        Unit::Words => word(engine, place),
        Unit::Lines => {
            let whole = engine.whole_line(place.line);
            let last = Place { line: whole.end.up(1), column: u16::MAX };
            (Place { line: whole.start, column: 0 }, last)
        }
    }
}

fn word(engine: &Engine, place: Place) -> (Place, Place) {
    let whole = engine.whole_line(place.line);
    let mut row = Row::default();
    let mut cells: Vec<(Place, bool)> = vec![];
    let mut line = whole.start;
    while line < whole.end && engine.read_row(line, &mut row) {
        for (column, cell) in (0..).zip(&row.cells) {
            let is_part = match cell.span {
                Span::Pad => continue,
                Span::Rest => cells.last().is_some_and(|(_, is_part)| *is_part),
                Span::Narrow | Span::Wide => !is_separator(cell.c),
            };
            cells.push((Place { line, column }, is_part));
        }
        line = line.down(1);
    }
    let at = cells.partition_point(|(of, _)| *of < place);
    if !cells.get(at).is_some_and(|(_, is_part)| *is_part) {
        return (place, place);
    }
    let is_outside = |(_, is_part): &(Place, bool)| !is_part;
    let first = cells[..at].iter().rposition(is_outside).map_or(0, |before| before + 1);
    let end = cells[at..].iter().position(is_outside).map_or(cells.len(), |n| at + n);
    (cells[first].0, cells[end - 1].0)
}

/// Whether it stands between words, as most terminals have it.
fn is_separator(c: char) -> bool {
    c.is_whitespace() || ",`|\"'()[]{}<>;│".contains(c)
}
