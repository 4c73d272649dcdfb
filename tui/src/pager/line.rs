//! A line of a text: what it says, how its parts look, and where it is broken. Pure.

use std::ops::Range;

use smith_model::printable::{Lines, printable};
use unicode_width::UnicodeWidthChar as _;

use crate::look::Role;
use crate::text;

/// Cells between two stops of a tab.
const TAB: usize = 8;

/// A line, used again and again so that drawing a row allocates nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    text: String,
    /// Where each part ends, in bytes, and how it looks.
    parts: Vec<(usize, Role)>,
    /// Where what is said begins, in bytes: before it stand times and the like, which nobody looks for.
    body: usize,
}

impl Line {
    /// Empties it.
    pub fn clear(&mut self) {
        self.text.clear();
        self.parts.clear();
        self.body = 0;
    }

    /// Adds text from outside: made printable, with tabs as blanks.
    pub fn push(&mut self, text: &str, role: Role) {
        let text = text.strip_suffix('\r').unwrap_or(text);
        if text.contains('\t') {
            for (at, piece) in text.split('\t').enumerate() {
                if at > 0 {
                    let used = text::width(&self.text[self.body..]);
                    let blanks = TAB - used % TAB;
                    self.text.extend(std::iter::repeat_n(' ', blanks));
                }
                self.text.push_str(&printable(piece, Lines::One));
            }
        } else {
            self.text.push_str(&printable(text, Lines::One));
        }
        self.parts.push((self.text.len(), role));
    }

    /// Adds blanks until the line has so many cells.
    pub fn pad(&mut self, columns: usize) {
        let used = text::width(&self.text);
        self.text.extend(std::iter::repeat_n(' ', columns.saturating_sub(used)));
        self.parts.push((self.text.len(), Role::Text));
    }

    /// What follows is what the line says; rows after the first begin below it.
    pub fn begin_body(&mut self) {
        self.body = self.text.len();
    }

    /// All of it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it says, without what stands before.
    pub fn body(&self) -> &str {
        &self.text[self.body..]
    }

    /// Where what it says begins, in bytes.
    pub(super) fn body_at(&self) -> usize {
        self.body
    }

    /// How the text at a byte looks, and where that ends.
    pub(super) fn role_at(&self, byte: usize) -> (Role, usize) {
        let at = self.parts.partition_point(|(end, _)| *end <= byte);
        self.parts.get(at).map_or((Role::Text, self.text.len()), |(end, role)| (*role, *end))
    }

    /// The cells by which rows after the first are set in: none, where they would leave too little.
    pub(super) fn indent(&self, columns: usize) -> usize {
        let indent = text::width(&self.text[..self.body]);
        if indent * 2 <= columns { indent } else { 0 }
    }

    /// The rows of a line that is broken at so many columns, as bytes of its text. There is always one.
    pub(super) fn rows(&self, columns: usize) -> Rows<'_> {
        Rows { line: self, columns: columns.max(1), at: Some(0) }
    }

    /// How many those are.
    pub(super) fn height(&self, columns: usize) -> usize {
        // No character is wider than two cells, so most lines are seen to fit without being measured.
        if self.text.len() <= columns { 1 } else { self.rows(columns).count() }
    }

    /// Where the text begins that is seen so many cells behind a byte.
    pub(super) fn skip(&self, from: usize, columns: usize) -> usize {
        let mut used = 0;
        for (at, c) in self.text[from..].char_indices() {
            if used >= columns {
                return from + at;
            }
            used += c.width().unwrap_or(0);
        }
        self.text.len()
    }
}

/// See [`Line::rows`].
pub(super) struct Rows<'a> {
    line: &'a Line,
    columns: usize,
    at: Option<usize>,
}

impl Iterator for Rows<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let start = self.at?;
        let indent = if start == 0 { 0 } else { self.line.indent(self.columns) };
        let room = self.columns - indent;
        let (mut used, mut end, mut blank) = (0, start, None);
        for (offset, c) in self.line.text[start..].char_indices() {
            let width = c.width().unwrap_or(0);
            // A character that is wider than a row stands in one alone.
            if used + width > room && end > start {
                // Broken behind a blank, unless that leaves less than half of the row.
                let at = blank.filter(|at| (at - start) * 2 > end - start).unwrap_or(end);
                self.at = Some(at);
                return Some(start..at);
            }
            used += width;
            end = start + offset + c.len_utf8();
            if c == ' ' {
                blank = Some(end);
            }
        }
        self.at = None;
        Some(start..end)
    }
}
