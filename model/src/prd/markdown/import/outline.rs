//! The document as headings with lines below them.

use crate::prd::markdown::lines::{self, Line};

/// A heading, if there is one, and the lines up to the next.
pub(super) struct Chunk<'t> {
    pub(super) heading: Option<Heading<'t>>,
    pub(super) body: Vec<Line<'t>>,
}

/// A heading.
pub(super) struct Heading<'t> {
    pub(super) level: usize,
    pub(super) text: &'t str,
    pub(super) number: u32,
    /// The lines that it is made of.
    pub(super) source: Vec<Line<'t>>,
}

/// Splits the document at its headings, whether marked (`## Text`) or underlined.
pub(super) fn chunks<'t>(lines: &[Line<'t>]) -> Vec<Chunk<'t>> {
    let mut chunks = vec![Chunk { heading: None, body: Vec::new() }];
    let mut has_items = false;
    for line in lines {
        let body = match chunks.last_mut() {
            Some(chunk) => &mut chunk.body,
            None => return chunks,
        };
        if line.is_code() {
            body.push(*line);
        } else if let Some((level, text)) = lines::heading(line.text)
            // Indented text after an item belongs to the item.
            .filter(|_| !(has_items && line.text.starts_with("  ")))
        {
            has_items = false;
            let heading = Heading { level, text, number: line.number, source: vec![*line] };
            chunks.push(Chunk { heading: Some(heading), body: Vec::new() });
        } else if let Some(level) = lines::underline(line.text)
            && let Some(above) = underlined(body)
        {
            body.pop();
            has_items = false;
            let heading = Heading {
                level,
                text: above.text.trim(),
                number: above.number,
                source: vec![above, *line],
            };
            chunks.push(Chunk { heading: Some(heading), body: Vec::new() });
        } else {
            has_items |= lines::bullet(line.text).is_some();
            body.push(*line);
        }
    }
    chunks
}

/// The line that an underline makes a heading: a single line of text with nothing around it.
fn underlined<'t>(body: &[Line<'t>]) -> Option<Line<'t>> {
    let (last, before) = body.split_last()?;
    let alone = before.last().is_none_or(|line| line.is_blank());
    let text = !last.is_blank() && !last.is_code() && lines::bullet(last.text).is_none();
    let table = last.text.trim_start().starts_with('|');
    (alone && text && !table && lines::indentation(last.text).0 < 4).then_some(*last)
}
