//! The palette, drawn: what is typed, and below it what can be chosen.

use ratatui::layout::Rect;

use super::Palette;
use crate::action::Action;
use crate::draw::{Canvas, Region};
use crate::layers::frame;
use crate::look::Role;
use crate::text;

/// The cells of a name.
const NAME: u16 = 30;
/// The most rows of what can be chosen.
const ROWS: usize = 18;

impl Palette {
    pub(in crate::layers) fn draw(&self, area: Rect, canvas: &mut Canvas<'_>) {
        let body = frame::centred(area, 92, ROWS + 2);
        frame::draw(body, "everything", canvas);
        let line = Rect { height: body.height.min(1), ..body };
        canvas.spans(line, &[("> ", Role::Key), (self.input.value(), Role::Text)]);
        let before: String = self.input.value().chars().take(self.input.cursor()).collect();
        let x = u16::try_from(text::width(&before) + 2).unwrap_or(u16::MAX);
        canvas.put_cursor(line.x.saturating_add(x).min(body.right().saturating_sub(1)), line.y);
        let list =
            Rect { y: body.y + 2.min(body.height), height: body.height.saturating_sub(2), ..body };
        if self.shown.is_empty() {
            canvas.text(Rect { height: list.height.min(1), ..list }, "nothing fits", Role::Dim);
        }
        let rows = usize::from(list.height);
        let top = self.cursor.saturating_sub(rows.saturating_sub(1));
        for ((at, item), y) in self.shown.iter().enumerate().skip(top).zip(list.y..list.bottom()) {
            let line = Rect { y, height: 1, ..list };
            let keys = u16::try_from(text::width(&item.keys)).unwrap_or(u16::MAX).min(line.width);
            let name = NAME.min(line.width.saturating_sub(keys + 1));
            canvas.text(Rect { width: name, ..line }, &item.name, Role::Text);
            let x = line.x + name + 1;
            let room = line.right().saturating_sub(x.saturating_add(keys + 1));
            canvas.text(Rect { x, width: room, ..line }, &item.about, Role::Dim);
            let x = line.right() - keys;
            canvas.text(Rect { x, width: keys, ..line }, &item.keys, Role::Key);
            if at == self.cursor {
                canvas.restyle(line, Role::Cursor);
            }
            canvas.region(Region::click(line, Action::Choose(at)));
        }
        frame::position(list, top, self.shown.len(), canvas);
        let hint = " enter does it  tab goes on typing  esc closes ";
        let y = body.bottom();
        let width = u16::try_from(hint.len()).unwrap_or(u16::MAX);
        if body.width > width + 24 {
            canvas.text(Rect { x: body.x, y, width, height: 1 }, hint, Role::Dim);
        }
    }
}
