//! Tables as kubectl draws them: columns, blanks, nothing else.

use comfy_table::{Cell, ColumnConstraint, Width, presets};
use smith_model::printable::{Lines, printable};

use crate::seen::{Changed, When};

/// The longest text of a cell, in characters.
const MOST_CELL: usize = 60;

/// Rows under headers. Every cell is made printable.
#[derive(Debug)]
pub(crate) struct Table {
    headers: Vec<&'static str>,
    rows: Vec<Vec<String>>,
    widths: Vec<u16>,
}

impl Table {
    /// A table without rows.
    pub(crate) fn new(headers: &[&'static str]) -> Self {
        Self { headers: headers.to_vec(), rows: vec![], widths: vec![] }
    }

    /// With another row.
    pub(crate) fn row<T: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = T>) {
        let cells = cells.into_iter().map(|cell| {
            let text = printable(cell.as_ref(), Lines::One);
            match text.char_indices().nth(MOST_CELL) {
                Some((end, _)) => format!("{}…", &text[..end]),
                None => text.into_owned(),
            }
        });
        self.rows.push(cells.collect());
    }

    /// Headers and rows.
    pub(crate) fn text(&mut self) -> String {
        let headers = Some(self.headers.clone());
        self.draw(headers)
    }

    /// The rows that came since, under the columns as they were.
    pub(crate) fn more(&mut self) -> String {
        self.draw(None)
    }

    /// What of a followed list is new, as lines; headers stand before the first of all.
    pub(crate) fn changes<T>(
        &mut self,
        changed: &Changed<T>,
        row: impl Fn(&T) -> Vec<String>,
        paint: impl Fn(&str, &T) -> String,
    ) -> Vec<String> {
        for item in &changed.items {
            self.row(row(item));
        }
        let (text, headers) = match changed.when {
            When::First => (self.text(), 1),
            When::Later => (self.more(), 0),
        };
        let mut out: Vec<String> = text.lines().take(headers).map(str::to_owned).collect();
        let lines = text.lines().skip(headers).zip(&changed.items);
        out.extend(lines.map(|(line, item)| paint(line, item)));
        out
    }

    fn draw(&mut self, headers: Option<Vec<&'static str>>) -> String {
        if headers.is_none() && self.rows.is_empty() {
            return String::new();
        }
        let mut table = comfy_table::Table::new();
        table.load_style(presets::NOTHING);
        if let Some(headers) = headers {
            table.set_header(headers);
        }
        for row in self.rows.drain(..) {
            table.add_row(
                row.into_iter().map(
                    |cell| {
                        if cell.is_empty() { Cell::new("-") } else { Cell::new(cell) }
                    },
                ),
            );
        }
        let found = table.column_max_content_widths();
        for (i, width) in found.into_iter().enumerate() {
            match self.widths.get_mut(i) {
                Some(known) => *known = (*known).max(width),
                None => self.widths.push(width),
            }
        }
        for (column, width) in table.column_iter_mut().zip(&self.widths) {
            column.set_padding((0, 3));
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(width + 3)));
        }
        table.trim_fmt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_each_other_also_later() {
        let mut table = Table::new(&["ID", "STATE", "TITLE"]);
        table.row(["fix-login", "synced", "x"]);
        table.row(["b", "", "a\u{1b}\n漢"]);
        assert_eq!(
            table.text(),
            "ID          STATE    TITLE\nfix-login   synced   x\nb           -        a\\x1b\\n漢"
        );
        table.row(["c", "flatline", "later"]);
        assert_eq!(table.more(), "c           flatline   later");
        assert_eq!(table.more(), "");
        table.row(["d", "synced", "y".repeat(100).as_str()]);
        let line = table.more();
        assert!(line.starts_with("d           synced     yyy") && line.ends_with('…'), "{line}");
    }
}
