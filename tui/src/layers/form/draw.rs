//! The form, drawn: scrolled so that the field that is typed into is seen.

use ratatui::layout::Rect;

use super::{Form, SEND, Text};
use crate::draw::Canvas;
use crate::layers::dialog;
use crate::look::Role;

/// The widest that it gets.
const WIDTH: u16 = 90;
/// The cells of labels.
const LABEL: u16 = 12;

pub(super) fn form(form: &Form, area: Rect, canvas: &mut Canvas<'_>) {
    let heights: Vec<u16> = form
        .fields
        .iter()
        .map(|field| {
            let rows = match &field.text {
                Text::Line(_) => 1,
                Text::Area(_, rows) => *rows,
            };
            rows + u16::from(field.error.is_some())
        })
        .collect();
    let all: u16 = heights.iter().sum();
    let width = WIDTH.min(area.width.saturating_sub(2));
    let inside = dialog::open(canvas, area, (width, all.saturating_add(5)), "A new loop");
    let room = inside.height.saturating_sub(3);
    let seen_to: u16 = heights.iter().take(form.at + 1).sum();
    let mut skip = seen_to.saturating_sub(room);
    let mut y = 0;
    for ((at, field), height) in form.fields.iter().enumerate().zip(&heights) {
        if skip > 0 {
            skip = skip.saturating_sub(*height);
            continue;
        }
        if y + height > room {
            break;
        }
        let is_here = at == form.at;
        let line = dialog::row(inside, y);
        let role = if is_here { Role::Key } else { Role::Dim };
        canvas.text(Rect { width: LABEL.min(line.width), ..line }, field.label, role);
        let right = |y: u16, height: u16| {
            let line = dialog::row(inside, y);
            let width = line.width.saturating_sub(LABEL);
            Rect { x: line.x + LABEL.min(line.width), width, height, ..line }
        };
        let rows = height - u16::from(field.error.is_some());
        match &field.text {
            Text::Line(input) => dialog::input(canvas, right(y, 1), input, is_here.into()),
            Text::Area(area, _) => area.draw(canvas, right(y, rows), is_here.into()),
        }
        if field.text.value().is_empty() {
            let room = right(y, 1);
            // A cell is left for the cursor.
            let room =
                Rect { x: room.x + 1.min(room.width), width: room.width.saturating_sub(1), ..room };
            canvas.text(room, field.hint, Role::Dim);
        }
        if let Some(error) = &field.error {
            canvas.text(right(y + rows, 1), error, Role::Bad);
        }
        y += height;
    }
    let line = dialog::row(inside, inside.height.saturating_sub(2));
    let is_here = form.at == form.fields.len();
    dialog::button(canvas, line, "Create", is_here.into(), SEND);
    let told =
        form.told.as_deref().map_or(
            ("tab moves, ctrl-s creates, ctrl-o: in $EDITOR, esc leaves", Role::Dim),
            |told| (told, if form.is_sending { Role::Active } else { Role::Warning }),
        );
    canvas.text(dialog::row(inside, inside.height.saturating_sub(1)), told.0, told.1);
}
