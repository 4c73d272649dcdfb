//! The emulator's cells, rows and cursors as plain data.

use alacritty_terminal::grid::{Cursor as Brush, Dimensions as _, Grid};
use alacritty_terminal::index::Line;
use alacritty_terminal::term::cell::{Cell as Raw, Flags};
use alacritty_terminal::vte::ansi::{
    CharsetIndex, Color as RawColor, CursorShape, Rgb, StandardCharset,
};

use super::small;
use crate::engine::state::{Charset, Page, Pen};
use crate::screen::{Cell, Row, Shape, Span};
use crate::style::{Color, Style, Underline};

pub(super) fn page(grid: &Grid<Raw>) -> Page {
    let rows = (0..grid.screen_lines() as i32).map(|line| trimmed(&grid[Line(line)][..]));
    Page { rows: rows.collect(), pen: pen(&grid.cursor), saved: pen(&grid.saved_cursor) }
}

/// The newest rows of the scrollback, oldest first.
pub(super) fn tail(grid: &Grid<Raw>, most: usize) -> Vec<Row> {
    let n = grid.history_size().min(most) as i32;
    (-n..0).map(|line| trimmed(&grid[Line(line)][..])).collect()
}

pub(super) fn trimmed(cells: &[Raw]) -> Row {
    let mut row = Row::default();
    fill(cells, &mut row);
    row.trim();
    row
}

/// Fills an empty row.
pub(super) fn fill(cells: &[Raw], row: &mut Row) {
    let last = cells.len() - 1;
    row.wrapped = cells[last].flags.contains(Flags::WRAPLINE);
    row.cells.extend(cells.iter().enumerate().map(|(i, raw)| cell(raw, i == last)));
}

pub(super) fn cell(raw: &Raw, is_last: bool) -> Cell {
    let span = match raw.flags {
        flags if flags.contains(Flags::WIDE_CHAR) => Span::Wide,
        flags if flags.contains(Flags::WIDE_CHAR_SPACER) => Span::Rest,
        flags if is_last && flags.contains(Flags::LEADING_WIDE_CHAR_SPACER) => Span::Pad,
        _ => Span::Narrow,
    };
    let marks = raw.zerowidth().filter(|marks| !marks.is_empty());
    Cell {
        // The emulator remembers where tabs were.
        c: if raw.c == '\t' { ' ' } else { raw.c },
        marks: marks.map(|marks| marks.iter().collect::<String>().into()),
        style: style(raw),
        span,
    }
}

pub(super) fn style(raw: &Raw) -> Style {
    let has = |flag| raw.flags.contains(flag);
    Style {
        foreground: color(raw.fg),
        background: color(raw.bg),
        underline: match () {
            () if has(Flags::UNDERLINE) => Underline::Single,
            () if has(Flags::DOUBLE_UNDERLINE) => Underline::Double,
            () if has(Flags::UNDERCURL) => Underline::Curly,
            () if has(Flags::DOTTED_UNDERLINE) => Underline::Dotted,
            () if has(Flags::DASHED_UNDERLINE) => Underline::Dashed,
            () => Underline::None,
        },
        underline_color: raw.underline_color().map_or(Color::Default, color),
        bold: has(Flags::BOLD),
        dim: has(Flags::DIM),
        italic: has(Flags::ITALIC),
        inverse: has(Flags::INVERSE),
        hidden: has(Flags::HIDDEN),
        strike: has(Flags::STRIKEOUT),
    }
}

pub(super) fn color(raw: RawColor) -> Color {
    match raw {
        RawColor::Spec(Rgb { r, g, b }) => Color::Rgb(r, g, b),
        RawColor::Indexed(index) => Color::Indexed(index),
        RawColor::Named(name) => match name as usize {
            index @ 0..16 => Color::Indexed(index as u8),
            _ => Color::Default,
        },
    }
}

pub(super) fn pen(brush: &Brush<Raw>) -> Pen {
    let charset = |index| match brush.charsets[index] {
        StandardCharset::Ascii => Charset::Ascii,
        StandardCharset::SpecialCharacterAndLineDrawing => Charset::Drawing,
    };
    Pen {
        row: small(brush.point.line.0),
        column: small(brush.point.column.0),
        wraps: brush.input_needs_wrap,
        style: style(&brush.template),
        charsets: [CharsetIndex::G0, CharsetIndex::G1, CharsetIndex::G2, CharsetIndex::G3]
            .map(charset),
    }
}

pub(super) fn shape(raw: CursorShape) -> Shape {
    match raw {
        CursorShape::Block | CursorShape::HollowBlock | CursorShape::Hidden => Shape::Block,
        CursorShape::Underline => Shape::Underline,
        CursorShape::Beam => Shape::Beam,
    }
}
