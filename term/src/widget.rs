//! A terminal as a widget of ratatui: the lines that a [`View`] shows of an [`Engine`], in a pane of any size.
//!
//! What doesn't fit is cut off at the right, and at the top as far as the cursor needs it; what is missing is
//! blank, so every cell of the pane is written. Only printable characters get there. ratatui measures a cell's
//! text anew and skips as many cells, so marks that make it wider or narrower than the engine has it are left
//! out, and so are joiners at its end, with which a window would join the cell behind it.
//!
//! ratatui knows one kind of line beneath: double, curly, dotted and dashed ones are single, in their colour.
//!
//! A frame costs what is visible: rows are read one after the other into the same room.

use ratatui_core::buffer::{Buffer, Cell as Painted, CellWidth as _};
use ratatui_core::layout::{Position, Rect};
use ratatui_core::style::{Color as Ink, Modifier, Style as Patch};
use ratatui_core::widgets::Widget;
use smith_model::printable::is_printable;

use crate::engine::{Engine, Line};
use crate::input::Focus;
use crate::screen::{Cell, Cursor, Row, Shape, Span};
use crate::style::{Color, Style, Underline};
use crate::view::View;

/// How what isn't the program's own looks. [`Modifier::REVERSED`] in one turns a cell's colours round, also
/// where they already are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// What is selected.
    pub selection: Patch,
    /// What was looked for.
    pub hit: Patch,
    /// The one of those that was gone to.
    pub current: Patch,
    /// All of a pane that hasn't the focus.
    pub elsewhere: Patch,
}

impl Default for Look {
    fn default() -> Self {
        // Also to be told apart without colours.
        let hit = Patch::new().fg(Ink::Indexed(0)).remove_modifier(Modifier::REVERSED);
        Self {
            selection: Patch::new().add_modifier(Modifier::REVERSED),
            hit: hit.bg(Ink::Indexed(3)).add_modifier(Modifier::UNDERLINED),
            current: hit
                .bg(Ink::Indexed(11))
                .add_modifier(Modifier::UNDERLINED.union(Modifier::BOLD)),
            elsewhere: Patch::new().add_modifier(Modifier::DIM),
        }
    }
}

/// The cursor in a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caret {
    /// Its cell, as `Frame::set_cursor_position` takes it.
    pub position: Position,
    /// How it looks.
    pub shape: Shape,
    /// Whether it blinks.
    pub blinking: bool,
}

/// The widget. The view must have been settled, for as many rows as the pane has.
#[derive(Clone, Copy)]
pub struct Pane<'a> {
    engine: &'a Engine,
    view: &'a View,
    focus: Focus,
    look: Look,
}

impl<'a> Pane<'a> {
    /// With the focus, and the usual look.
    pub fn new(engine: &'a Engine, view: &'a View) -> Self {
        Self { engine, view, focus: Focus::In, look: Look::default() }
    }

    /// Whether it has the focus.
    pub fn focus(self, focus: Focus) -> Self {
        Self { focus, ..self }
    }

    /// How what isn't the program's own looks.
    pub fn look(self, look: Look) -> Self {
        Self { look, ..self }
    }

    /// Where the cursor is to be while the pane is drawn into `area` and has the focus: nowhere while the
    /// program hides it, the view is scrolled back, or it is beyond the pane.
    pub fn caret(&self, area: Rect) -> Option<Caret> {
        let Cursor { row, column, shape, blinking } = self.engine.cursor()?;
        let line = self.engine.lines().top.down(row.into());
        let y = u16::try_from(line.below(self.view.first())).ok()?;
        let is_seen = self.view.back() == 0 && y < area.height && column < area.width;
        let position = Position { x: area.x.checked_add(column)?, y: area.y.checked_add(y)? };
        is_seen.then_some(Caret { position, shape, blinking })
    }
}

impl Widget for Pane<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        (&self).render(area, buffer);
    }
}

impl Widget for &Pane<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let area = area.intersection(buffer.area);
        let columns = usize::from(area.width);
        if columns == 0 {
            return;
        }
        let mut row = Row::default();
        for y in area.y..area.bottom() {
            let line = self.view.first().down((y - area.y).into());
            self.engine.read_row(line, &mut row);
            let start = buffer.index_of(area.x, y);
            let painted = &mut buffer.content[start..start + columns];
            paint(&row, painted);
            self.mark(line, &row, painted);
            if self.focus == Focus::Out {
                painted.iter_mut().for_each(|cell| patch(cell, self.look.elsewhere));
            }
        }
    }
}

impl Pane<'_> {
    /// Marks hits and what is selected.
    fn mark(&self, line: Line, row: &Row, painted: &mut [Painted]) {
        let hits = self.view.hits();
        // They don't overlap, so their last lines are in order too.
        let begin = hits.partition_point(|hit| hit.last.line < line);
        for hit in hits[begin..].iter().take_while(|hit| hit.first.line <= line) {
            let look =
                if self.view.current() == Some(*hit) { self.look.current } else { self.look.hit };
            if let Some(columns) = hit.columns(line) {
                mark(columns.start.into(), columns.end.into(), row, painted, look);
            }
        }
        if let Some(columns) = self.view.selection().and_then(|selection| selection.columns(line)) {
            mark(columns.start.into(), columns.end.into(), row, painted, self.look.selection);
        }
    }
}

/// Marks columns; of a wide character, both.
fn mark(start: usize, end: usize, row: &Row, painted: &mut [Painted], look: Patch) {
    let is = |column: usize, span| row.cells.get(column).is_some_and(|cell| cell.span == span);
    let start = if is(start, Span::Rest) { start.saturating_sub(1) } else { start };
    let end = if is(end, Span::Rest) { end + 1 } else { end };
    let end = end.min(painted.len());
    if let Some(cells) = painted.get_mut(start..end) {
        cells.iter_mut().for_each(|cell| patch(cell, look));
    }
}

fn patch(cell: &mut Painted, look: Patch) {
    let turned = cell.modifier.contains(Modifier::REVERSED)
        && look.add_modifier.contains(Modifier::REVERSED);
    cell.set_style(look);
    if turned {
        cell.modifier.remove(Modifier::REVERSED);
    }
}

fn paint(row: &Row, painted: &mut [Painted]) {
    let columns = painted.len();
    for (column, into) in painted.iter_mut().enumerate() {
        into.reset();
        let Some(cell) = row.cells.get(column) else { continue };
        style(&cell.style, into);
        match cell.span {
            Span::Narrow => text(cell, 1, into),
            Span::Wide if column + 1 < columns => text(cell, 2, into),
            // What is behind a wide one, and one that is cut in two at the margin.
            Span::Wide | Span::Rest | Span::Pad => {}
        }
    }
}

/// Puts a character and its marks into a cell.
fn text(cell: &Cell, width: u16, into: &mut Painted) {
    let mut bytes = [0; 4];
    let fits = |text: &str| text.cell_width() == width;
    // An engine's cells are printable, and as wide as they say.
    let c = if is_printable(cell.c) { cell.c } else { char::REPLACEMENT_CHARACTER };
    let c: &str = c.encode_utf8(&mut bytes);
    if c == " " && cell.marks.is_none() {
        return;
    }
    if !fits(c) {
        into.set_char(if width == 1 { char::REPLACEMENT_CHARACTER } else { ' ' });
        return;
    }
    into.set_symbol(c);
    if let Some(marks) = cell.marks.as_deref() {
        let mut with_marks = String::with_capacity(c.len() + marks.len());
        with_marks.push_str(c);
        with_marks.extend(marks.chars().filter(|mark| is_printable(*mark)));
        let joined = with_marks.trim_end_matches('\u{200d}');
        if fits(joined) {
            into.set_symbol(joined);
        }
    }
}

fn style(style: &Style, into: &mut Painted) {
    let Style {
        foreground,
        background,
        underline,
        underline_color,
        bold,
        dim,
        italic,
        inverse,
        hidden,
        strike,
    } = *style;
    into.fg = ink(foreground);
    into.bg = ink(background);
    into.underline_color = ink(underline_color);
    for (is_set, modifier) in [
        (bold, Modifier::BOLD),
        (dim, Modifier::DIM),
        (italic, Modifier::ITALIC),
        (inverse, Modifier::REVERSED),
        (hidden, Modifier::HIDDEN),
        (strike, Modifier::CROSSED_OUT),
        (underline != Underline::None, Modifier::UNDERLINED),
    ] {
        into.modifier.set(modifier, is_set);
    }
}

fn ink(color: Color) -> Ink {
    match color {
        Color::Default => Ink::Reset,
        Color::Indexed(index) => Ink::Indexed(index),
        Color::Rgb(r, g, b) => Ink::Rgb(r, g, b),
    }
}

#[cfg(test)]
mod tests;
