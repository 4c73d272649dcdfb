//! For tests: what is drawn, as text.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;

use crate::draw::{Canvas, Hits};
use crate::look::{Look, Theme};
use crate::text;

/// Draws on a canvas of this size, without colours; answers its rows, without blanks at their ends. What is reversed
/// has a `‹` before it.
pub(crate) fn picture(size: (u16, u16), draw: impl FnOnce(Rect, &mut Canvas<'_>)) -> String {
    let area = Rect::new(0, 0, size.0, size.1);
    let (mut buffer, mut hits) = (Buffer::empty(area), Hits::default());
    let look = Look { theme: Theme::Plain, ..Look::default() };
    draw(area, &mut Canvas::new(&mut buffer, &mut hits, look));
    let rows = area.rows().map(|row| {
        let mut shown = String::new();
        let mut was_reversed = false;
        let mut hidden = 0;
        for at in row.positions() {
            if hidden > 0 {
                hidden -= 1;
                continue;
            }
            let is_reversed = buffer[at].modifier.contains(Modifier::REVERSED);
            if is_reversed && !was_reversed {
                shown.push('‹');
            }
            was_reversed = is_reversed;
            shown.push_str(buffer[at].symbol());
            // What is wide hides the cells behind it.
            hidden = text::width(buffer[at].symbol()).saturating_sub(1);
        }
        shown.trim_end().to_owned()
    });
    rows.collect::<Vec<_>>().join("\n")
}
