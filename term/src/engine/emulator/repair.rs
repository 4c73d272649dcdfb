//! What the emulator leaves behind that no terminal has, put right.

use alacritty_terminal::grid::{Cursor as Brush, Dimensions as _, Grid};
use alacritty_terminal::index::Line;
use alacritty_terminal::term::cell::{Cell as Raw, Flags};

pub(super) fn settle(brush: &mut Brush<Raw>, columns: usize) {
    brush.input_needs_wrap &= brush.point.column.0 + 1 == columns;
}

/// The newest rows of scrollback with at most `most` cells that hold more than a character: how many such
/// cells, and rows.
pub(super) fn rich(grid: &Grid<Raw>, most: usize) -> (usize, usize) {
    let (mut n_cells, mut n_rows) = (0, 0);
    for back in 1..=grid.history_size() as i32 {
        let row = &grid[Line(-back)][..];
        let in_row = row.iter().filter(|cell| cell.extra.is_some()).count();
        if n_cells + in_row > most {
            break;
        }
        (n_cells, n_rows) = (n_cells + in_row, n_rows + 1);
    }
    (n_cells, n_rows)
}

/// Blanks single halves of wide characters, and joins those that met: the emulator leaves them when a row is moved or erased in part, and
/// later acts on them in ways that depend on what can't be seen.
pub(super) fn mend(row: &mut [Raw]) {
    let mut is_open = false;
    for column in 0..row.len() {
        let flags = row[column].flags;
        let is_rest = flags.contains(Flags::WIDE_CHAR_SPACER);
        if is_rest && is_open {
            // Halves of two characters may have met.
            let Raw { fg, bg, flags, .. } = row[column - 1];
            let line = row[column - 1].underline_color();
            let rest = &mut row[column];
            (rest.fg, rest.bg) = (fg, bg);
            rest.flags = flags.difference(Flags::WIDE_CHAR)
                | rest.flags.intersection(Flags::WIDE_CHAR_SPACER | Flags::WRAPLINE);
            if rest.underline_color() != line {
                rest.set_underline_color(line);
            }
        } else if is_rest {
            row[column].flags.remove(Flags::WIDE_CHAR_SPACER);
            row[column].c = ' ';
        } else if is_open {
            row[column - 1].clear_wide();
        }
        is_open = flags.contains(Flags::WIDE_CHAR);
    }
    if let Some(last) = row.last_mut().filter(|_| is_open) {
        last.clear_wide();
    }
}
