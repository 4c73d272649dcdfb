//! A box in the middle of the screen, which layers draw in.

use ratatui::layout::Rect;

use crate::draw::Canvas;
use crate::look::Role;
use crate::text;

/// The inside of a box that holds so many columns and rows, as far as there is room for them.
pub(super) fn centred(area: Rect, columns: usize, rows: usize) -> Rect {
    let fit = |wanted: usize, room: u16| {
        u16::try_from(wanted).unwrap_or(u16::MAX).min(room.saturating_sub(4)).max(room.min(1))
    };
    let (width, height) = (fit(columns, area.width), fit(rows, area.height));
    Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    }
}

/// Draws the box around its inside.
pub(super) fn draw(inner: Rect, title: &str, canvas: &mut Canvas<'_>) {
    let outer = Rect {
        x: inner.x.saturating_sub(2),
        y: inner.y.saturating_sub(1),
        width: inner.width.saturating_add(4),
        height: inner.height.saturating_add(2),
    };
    canvas.clear(outer, Role::Text);
    let width = usize::from(outer.width).saturating_sub(2);
    let title = if title.is_empty() { String::new() } else { format!(" {title} ") };
    let title = text::cut(&title, width, canvas.look.ellipsis());
    let rest = "─".repeat(width.saturating_sub(text::width(&title) + 1));
    let first = Rect { height: 1, ..outer };
    let lead = if width > text::width(&title) { "╭─" } else { "╭" };
    canvas.spans(
        first,
        &[(lead, Role::Border), (&title, Role::Title), (&rest, Role::Border), ("╮", Role::Border)],
    );
    for y in inner.y..inner.bottom() {
        let side = Rect { y, height: 1, width: 1, ..outer };
        canvas.text(side, "│", Role::Border);
        let x = outer.right().saturating_sub(1);
        canvas.text(Rect { x, ..side }, "│", Role::Border);
    }
    let last = Rect { y: inner.bottom(), height: 1, ..outer };
    canvas.text(last, &format!("╰{}╯", "─".repeat(width)), Role::Border);
}

/// Says on the lower edge which rows of how many are seen, where not all are.
pub(super) fn position(inner: Rect, top: usize, rows: usize, canvas: &mut Canvas<'_>) {
    let seen = usize::from(inner.height);
    if rows <= seen {
        return;
    }
    let text = format!(" {}-{} of {rows} ", top + 1, (top + seen).min(rows));
    let width = u16::try_from(text.len()).unwrap_or(u16::MAX).min(inner.width);
    let x = inner.right().saturating_sub(width);
    canvas.text(Rect { x, y: inner.bottom(), width, height: 1 }, &text, Role::Dim);
}
