//! A text, drawn: only the rows that are seen.

use std::ops::Range;

use ratatui::layout::Rect;

use super::{Line, Lines, View};
use crate::draw::{Canvas, Region};
use crate::look::Role;
use crate::text;

/// Cells at the left for signs.
const SIGNS: u16 = 1;

impl View {
    /// The columns that an area leaves for text.
    pub fn columns_of(area: Rect) -> usize {
        area.width.saturating_sub(SIGNS).into()
    }

    /// Draws what is seen of the lines.
    pub fn draw(&self, lines: &dyn Lines, area: Rect, canvas: &mut Canvas<'_>) {
        self.paint(lines, area, Some(self.cursor), canvas);
    }

    /// The same while the keys are for something else: without the cursor, and nothing that the
    /// mouse can do.
    pub fn draw_beside(&self, lines: &dyn Lines, area: Rect, canvas: &mut Canvas<'_>) {
        self.paint(lines, area, None, canvas);
    }

    fn paint(&self, lines: &dyn Lines, area: Rect, cursor: Option<usize>, canvas: &mut Canvas<'_>) {
        if cursor.is_some() {
            canvas.region(Region::text(area));
        }
        let (mut y, mut line) = (area.y, Line::default());
        let mut skip = self.top.row;
        let chosen = self.chosen();
        for at in self.top.line..lines.len() {
            line.clear();
            lines.write(at, &mut line);
            let first = y;
            let is_chosen = chosen.as_ref().is_some_and(|chosen| chosen.contains(&at));
            let room = |y: u16| Rect {
                x: area.x + SIGNS.min(area.width),
                y,
                width: area.width.saturating_sub(SIGNS),
                height: 1,
            };
            if self.is_cut {
                if y < area.bottom() {
                    self.cut(&line, room(y), canvas);
                    y += 1;
                }
            } else {
                let indent = u16::try_from(line.indent(self.columns)).unwrap_or(0);
                for bytes in line.rows(self.columns).skip(skip) {
                    if y >= area.bottom() {
                        break;
                    }
                    let mut room = room(y);
                    if bytes.start > 0 {
                        room.x += indent;
                        room.width = room.width.saturating_sub(indent);
                    }
                    self.row(&line, bytes, room, canvas);
                    y += 1;
                }
            }
            skip = 0;
            let rows = Rect { y: first, height: y - first, ..area };
            if is_chosen {
                for y in first..y {
                    let sign = Rect { y, width: SIGNS, height: 1, ..area };
                    canvas.text(sign, "*", Role::Marked);
                }
                canvas.restyle(rows, Role::Marked);
            }
            if cursor == Some(at) {
                canvas.restyle(rows, Role::Cursor);
            }
            if y >= area.bottom() {
                break;
            }
        }
    }

    /// A line that isn't broken, without what is hidden at the left; times and the like stay where they are.
    fn cut(&self, line: &Line, room: Rect, canvas: &mut Canvas<'_>) {
        let all = 0..line.text().len();
        if self.aside == 0 {
            return self.row(line, all, room, canvas);
        }
        let lead = u16::try_from(line.indent(self.columns)).unwrap_or(0).min(room.width);
        let begin = if lead > 0 { line.body_at() } else { 0 };
        self.row(line, 0..begin, Rect { width: lead, ..room }, canvas);
        let rest = Rect { x: room.x + lead, width: room.width - lead, ..room };
        self.row(line, line.skip(begin, self.aside)..all.end, rest, canvas);
        canvas.text(Rect { width: 1.min(rest.width), ..rest }, "<", Role::Dim);
    }

    /// A part of a line, as much of it as has room.
    fn row(&self, line: &Line, bytes: Range<usize>, room: Rect, canvas: &mut Canvas<'_>) {
        let (mut at, mut x) = (bytes.start, room.x);
        // A mark at the end says that more follows, whatever part it is cut in.
        let shown = text::width(&line.text()[bytes.clone()]);
        let mark = if self.is_cut && shown > usize::from(room.width) { 1 } else { 0 };
        let right = room.right().saturating_sub(mark);
        let pattern = self.found.as_ref().map(|found| &found.pattern);
        let mut hit = pattern.and_then(|p| p.next_in(line.text(), line.body_at().max(at)));
        while at < bytes.end && x < right {
            let (role, end) = line.role_at(at);
            let mut end = end.min(bytes.end);
            let mut role = role;
            if let Some(found) = &hit {
                if found.start <= at {
                    role = Role::Hit;
                    end = found.end.min(bytes.end);
                } else {
                    end = end.min(found.start);
                }
                if end >= found.end {
                    hit = pattern.and_then(|p| p.next_in(line.text(), end));
                }
            }
            let piece = Rect { x, width: right - x, ..room };
            let piece_text = &line.text()[at..end];
            let fits = clipped(piece_text, piece.width.into());
            x += canvas.text(piece, fits, role);
            if fits.len() < piece_text.len() {
                break;
            }
            at = end;
        }
        if mark > 0 {
            let end = Rect { x: right, width: mark, ..room };
            canvas.text(end, canvas.look.ellipsis(), Role::Dim);
        }
    }
}

/// As much of a text as has room, without a mark.
fn clipped(text: &str, columns: usize) -> &str {
    if text.len() <= columns {
        return text;
    }
    let cut = text::cut(text, columns, "");
    &text[..cut.len()]
}
