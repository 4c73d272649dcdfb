//! How wide the columns are: by what was seen of them, growing at once and shrinking only when something else is asked
//! for: a table whose columns move while one pages through it is hard to read, and every cell of it is written anew.

use super::View;
use super::cell;
use crate::fleet::{Column, Line, Look};
use crate::text;
use crate::world::World;

/// Cells between two columns.
const GAP: u16 = 2;
/// Cells before the first column: a mark, a change, the cursor.
pub(super) const SIGNS: u16 = 3;
/// The most cells of one column; the last one may have what is left.
const MOST: u16 = 60;

/// The columns' widths.
#[derive(Clone, Debug, Default)]
pub(super) struct Widths {
    /// For which columns, of which rows in which order, in which width.
    of: (Vec<Column>, Look, u16),
    /// The widest text that was seen.
    seen: Vec<u16>,
    /// Where they stand.
    placed: Vec<Placed>,
    /// Columns that don't fit on the right.
    beyond: usize,
}

/// Where a column stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) column: Column,
    /// From the left of the table.
    pub(super) x: u16,
    pub(super) width: u16,
}

impl Widths {
    pub(super) fn placed(&self) -> &[Placed] {
        &self.placed
    }

    pub(super) fn beyond(&self) -> usize {
        self.beyond
    }
}

impl View {
    pub(super) fn scroll_columns(&mut self, by: i32) {
        let by = isize::try_from(by).unwrap_or_default();
        let to = self.left.saturating_add_signed(by);
        // Nothing to be seen on the right: no need to go there.
        if to < self.left || self.widths.beyond > 0 {
            self.left = to;
        }
    }

    pub(super) fn settle_columns(&mut self, world: &World) {
        let columns = self.columns.at(self.width);
        let (known, look, width) = &self.widths.of;
        if (known, look, *width) != (&columns, &self.look, self.width) {
            self.widths.seen = columns.iter().map(|column| title_width(*column)).collect();
            self.widths.of = (columns, self.look.clone(), self.width);
        }
        let mut buffer = String::new();
        let last = (self.top + self.rows).min(self.lines.len());
        for line in self.top..last {
            let Some(Line::Row(place)) = self.lines.at(line) else { continue };
            let row = self.shown.order().get(place).and_then(|slot| world.fleet.at(*slot));
            let Some(row) = row else { continue };
            for (column, seen) in self.widths.of.0.iter().zip(&mut self.widths.seen) {
                buffer.clear();
                cell::write(*column, row, world, &mut buffer);
                let width = text::width(&text::clean(&buffer));
                *seen = (*seen).max(u16::try_from(width).unwrap_or(u16::MAX));
            }
        }
        self.left = self.left.min(self.widths.of.0.len().saturating_sub(2));
        place(&mut self.widths, self.left);
    }
}

fn title_width(column: Column) -> u16 {
    // One more for the arrow.
    u16::try_from(cell::title(column).len() + 1).unwrap_or(u16::MAX)
}

/// Finds where the columns stand: cut, the widest first, as long as that helps; else some are left out at the right.
fn place(widths: &mut Widths, left: usize) {
    let (columns, _, room) = &widths.of;
    let room = room.saturating_sub(SIGNS);
    // The first column stays, whatever is scrolled past.
    let is_seen = |at: usize| at == 0 || at > left;
    let mut fitted: Vec<(Column, u16)> = columns
        .iter()
        .zip(&widths.seen)
        .enumerate()
        .filter(|(at, _)| is_seen(*at))
        .map(|(_, (column, seen))| (*column, *seen))
        .collect();
    let last = fitted.len().saturating_sub(1);
    for (at, (_, width)) in fitted.iter_mut().enumerate() {
        *width = if at == last { *width } else { (*width).min(MOST) };
    }
    let gaps = u16::try_from(last).unwrap_or(u16::MAX).saturating_mul(GAP);
    let need = |fitted: &[(Column, u16)]| {
        fitted.iter().fold(gaps, |sum, (_, width)| sum.saturating_add(*width))
    };
    loop {
        let over = need(&fitted).saturating_sub(room);
        if over == 0 {
            break;
        }
        // The widest gives way, down to the next widest or to its least.
        let spare = |(column, width): &(Column, u16)| {
            let least = cell::least(*column)?.max(title_width(*column));
            (*width > least).then_some(*width)
        };
        let Some(widest) = fitted.iter().filter_map(spare).max() else { break };
        let next = fitted.iter().filter_map(spare).filter(|width| *width < widest).max();
        let Some((column, width)) = fitted.iter_mut().rev().find(|c| spare(c) == Some(widest))
        else {
            break;
        };
        let least = cell::least(*column).unwrap_or(*width).max(title_width(*column));
        let to = next.map_or(least, |next| next.max(least)).min(widest - 1);
        *width = to.max(widest.saturating_sub(over));
    }
    let mut x = SIGNS;
    widths.placed.clear();
    for (at, (column, width)) in fitted.iter().enumerate() {
        let rest = (SIGNS + room).saturating_sub(x);
        // A part of a column is of use only where it can be cut.
        let width = match cell::least(*column) {
            Some(least) if rest >= least.min(*width) => (*width).min(rest),
            _ if at == 0 => (*width).min(rest),
            _ => *width,
        };
        if width > rest || rest == 0 {
            break;
        }
        widths.placed.push(Placed { column: *column, x, width });
        x = x.saturating_add(width).saturating_add(GAP);
    }
    widths.beyond = fitted.len() - widths.placed.len();
}
