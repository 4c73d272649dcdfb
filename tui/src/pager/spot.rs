//! Rows of lines that may be broken: how far apart they are, and what has to be at the top for one to be seen. Pure.
//!
//! Heights aren't kept: those of the lines between two spots are found when they are asked for, and no further than a
//! screen goes.

use super::{Line, Lines, View};

/// A row of a line: lines are counted from 0, rows within each too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Spot {
    pub(super) line: usize,
    pub(super) row: usize,
}

impl View {
    /// Scrolls as little as shows the cursor; with some lines around it, where it is far away.
    pub(super) fn reveal(&mut self, lines: &dyn Lines) {
        let last = lines.len().saturating_sub(1);
        self.top.line = self.top.line.min(last);
        let lowest = self.lowest_top(lines);
        self.top.row = self.top.row.min(self.height(lines, self.top.line) - 1);
        let cursor = Spot { line: self.cursor, row: 0 };
        if self.is_following {
            self.top = lowest;
            return;
        }
        let height = self.height(lines, self.cursor);
        let end = Spot { row: height - 1, ..cursor };
        if height > self.rows {
            // Some of it is seen: that is how one reads it.
            let is_seen = self.top <= end && self.rows_to(lines, cursor).is_some();
            let is_read = self.top.line == self.cursor && self.top <= end;
            if !is_seen && !is_read {
                self.top = cursor;
            }
        } else if cursor < self.top {
            let is_near = self.rows_from(lines, cursor, self.top) <= self.rows;
            self.top = if is_near { cursor } else { self.up(lines, cursor, self.rows / 3) };
        } else if self.rows_to(lines, end).is_none() {
            let near = self.up(lines, end, self.rows - 1);
            let is_near = self.rows_from(lines, self.top, near) <= self.rows;
            // All of it, and some lines before it, where there is room for both.
            let far = self.up(lines, cursor, self.rows / 3).max(near);
            self.top = if is_near { near } else { far };
        }
        self.top = self.top.min(lowest);
    }

    /// Which row of what is seen a spot at or below the top is; nothing, if it isn't seen.
    pub(super) fn rows_to(&self, lines: &dyn Lines, spot: Spot) -> Option<usize> {
        let rows = self.rows_from(lines, self.top, spot);
        (spot >= self.top && rows < self.rows).then_some(rows)
    }

    /// The rows from one spot to a later one; counted no further than matters.
    pub(super) fn rows_from(&self, lines: &dyn Lines, from: Spot, to: Spot) -> usize {
        if to.line.saturating_sub(from.line) > self.rows * 2 {
            return usize::MAX;
        }
        let between: usize = (from.line..to.line).map(|line| self.height(lines, line)).sum();
        (between + to.row).saturating_sub(from.row)
    }

    /// The top with which the last row is the last one seen.
    pub(super) fn lowest_top(&self, lines: &dyn Lines) -> Spot {
        let last = lines.len().saturating_sub(1);
        let end = Spot { line: last, row: self.height(lines, last) - 1 };
        self.up(lines, end, self.rows - 1)
    }

    pub(super) fn up(&self, lines: &dyn Lines, from: Spot, rows: usize) -> Spot {
        let (mut spot, mut left) = (from, rows);
        while left > spot.row {
            if spot.line == 0 {
                return Spot::default();
            }
            left -= spot.row + 1;
            let line = spot.line - 1;
            spot = Spot { line, row: self.height(lines, line) - 1 };
        }
        Spot { row: spot.row - left, ..spot }
    }

    pub(super) fn down(&self, lines: &dyn Lines, from: Spot, rows: usize) -> Spot {
        let last = lines.len().saturating_sub(1);
        let (mut spot, mut left) = (from, rows);
        loop {
            let below = self.height(lines, spot.line) - 1 - spot.row;
            if left <= below {
                return Spot { row: spot.row + left, ..spot };
            }
            if spot.line >= last {
                return Spot { row: spot.row + below, ..spot };
            }
            left -= below + 1;
            spot = Spot { line: spot.line + 1, row: 0 };
        }
    }

    pub(super) fn height(&self, lines: &dyn Lines, at: usize) -> usize {
        if self.is_cut || at >= lines.len() {
            return 1;
        }
        let mut line = Line::default();
        lines.write(at, &mut line);
        line.height(self.columns)
    }

    /// The line of a row of what is seen.
    pub(super) fn line_at(&self, lines: &dyn Lines, row: u16) -> usize {
        self.down(lines, self.top, usize::from(row).min(self.rows - 1)).line
    }
}
