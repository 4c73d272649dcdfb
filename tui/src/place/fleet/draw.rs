//! The table of the fleet, drawn: only the rows that are seen.

use ratatui::layout::Rect;

use super::View;
use crate::action::{Action, Motion};
use crate::draw::{Canvas, Region};
use crate::fleet::{Column, Delta, Row};
use crate::look::Role;
use crate::text;
use crate::world::World;

/// Columns, their titles and their widths; 0: what is left.
const COLUMNS: [(Column, &str, u16); 5] = [
    (Column::Loop, "LOOP", 28),
    (Column::Project, "PROJECT", 12),
    (Column::State, "STATE", 14),
    (Column::Age, "AGE", 5),
    (Column::Title, "TITLE", 0),
];

pub(super) fn table(view: &View, world: &World, area: Rect, canvas: &mut Canvas<'_>) {
    let mut x = area.x;
    for (column, title, width) in COLUMNS {
        let width = fitted(width, area, x);
        let by = view.look.sort;
        let arrow = match (by.column == column, by.is_reversed, canvas.look.ascii) {
            (false, _, _) => "",
            (true, false, false) => "↓",
            (true, true, false) => "↑",
            (true, false, true) => "v",
            (true, true, true) => "^",
        };
        let cell = Rect { x: x + 2, y: area.y, width: width.saturating_sub(2), height: 1 };
        canvas.text(cell, &format!("{title}{arrow}"), Role::Title);
        let click = Action::Fleet(crate::fleet::FleetAction::Sort(column));
        canvas.region(Region::click(Rect { x, y: area.y, width, height: 1 }, click));
        x += width;
    }
    let body = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    canvas.region(Region::wheel(body));
    let seen = view.order.iter().enumerate().skip(view.top).take(body.height.into());
    for ((at, slot), y) in seen.zip(body.y..) {
        let Some(row) = world.fleet.at(*slot) else { continue };
        let line = Rect { y, height: 1, ..body };
        let is_marked = view.marked.contains(&row.id);
        row_cells(world, row, line, canvas);
        let sign = match (is_marked, world.fleet.delta(*slot)) {
            (true, _) => "*",
            (false, Some(Delta::New)) => "+",
            (false, Some(Delta::State)) => "!",
            (false, Some(Delta::Progress)) => ".",
            (false, None) => " ",
        };
        canvas.text(Rect { width: 1, ..line }, sign, Role::Marked);
        if is_marked {
            canvas.restyle(line, Role::Marked);
        }
        if at == view.cursor {
            canvas.restyle(line, Role::Cursor);
        }
        let act = if at == view.cursor { Action::Open } else { Action::Move(Motion::To(at)) };
        canvas.region(Region::click(line, act));
    }
}

fn row_cells(world: &World, row: &Row, line: Rect, canvas: &mut Canvas<'_>) {
    let mut x = line.x;
    for (column, _, width) in COLUMNS {
        let width = fitted(width, line, x);
        let cell = Rect { x: x + 2, width: width.saturating_sub(2), ..line };
        let look = canvas.look;
        let _ = match column {
            Column::Loop => canvas.text(cell, row.id.as_str(), Role::Text),
            Column::Project => canvas.text(cell, row.project.as_str(), Role::Dim),
            Column::State => {
                let text = format!("{} {}", look.sign_of(row.state), row.state);
                canvas.text(cell, &text, look.role_of(row.state))
            }
            Column::Age => {
                let age = text::age(world.now.duration_since(row.updated_at));
                canvas.text(cell, &age, Role::Dim)
            }
            Column::Title => canvas.text(cell, &row.title, Role::Text),
        };
        x += width;
    }
}

fn fitted(width: u16, area: Rect, x: u16) -> u16 {
    let left = area.right().saturating_sub(x);
    if width == 0 { left } else { width.min(left) }
}
