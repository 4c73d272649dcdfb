//! Lines to list items and paragraphs.

use super::escape::decode;
use super::lines::{self, Fenced, Line};
use super::names;

/// A piece of a section.
#[derive(Clone, Debug)]
pub(super) enum Block<'t> {
    /// A list item, without marker and indentation; it has at least one line.
    Item(Vec<Line<'t>>),
    /// Lines that belong to no item, without a blank one among them except in code.
    Text(Vec<Line<'t>>),
}

impl Block<'_> {
    /// The line that it begins on.
    pub(super) fn number(&self) -> u32 {
        let (Self::Item(lines) | Self::Text(lines)) = self;
        lines.first().map_or(0, |line| line.number)
    }
}

/// Splits lines into blocks. Rules between blocks are decoration and are dropped.
pub(super) fn blocks<'t>(lines: &[Line<'t>]) -> Vec<Block<'t>> {
    let mut blocks: Vec<Block<'t>> = Vec::new();
    // Of the item at the end of `blocks`, while it can go on: its marker's columns.
    let mut item: Option<(usize, usize)> = None;
    let mut text_open = false;
    let mut blanks: Vec<Line<'t>> = Vec::new();
    for line in lines {
        if line.is_blank() {
            blanks.push(*line);
            text_open = false;
            continue;
        }
        let indent = lines::indentation(line.text).0;
        let inside = line.fenced == Fenced::Inside;
        let plain = line.fenced == Fenced::No;
        let lazy = plain && blanks.is_empty() && lines::bullet(line.text).is_none();
        match (item, blocks.last_mut()) {
            (Some((marker, width)), Some(Block::Item(content)))
                if inside || indent >= marker + 2 =>
            {
                content.append(&mut blanks);
                content.push(line.with_text(lines::outdent(line.text, width)));
                continue;
            }
            (Some(_), Some(Block::Item(content)))
                if lazy && !lines::is_rule(line.text) && lines::label(line.text).is_none() =>
            {
                content.push(line.with_text(line.text.trim_start()));
                continue;
            }
            (None, Some(Block::Text(content))) if inside => {
                content.push(*line);
                continue;
            }
            _ => {}
        }
        blanks.clear();
        item = None;
        if plain && lines::is_rule(line.text) {
            text_open = false;
        } else if let Some(bullet) = lines::bullet(line.text) {
            item = Some((bullet.indent, bullet.width));
            text_open = false;
            blocks.push(Block::Item(vec![line.with_text(bullet.content)]));
        } else {
            match blocks.last_mut() {
                Some(Block::Text(content)) if text_open => content.push(*line),
                _ => blocks.push(Block::Text(vec![*line])),
            }
            text_open = true;
        }
    }
    blocks
}

/// The text of an item, without its checkbox.
pub(super) fn item_text(item: &[Line<'_>]) -> String {
    let mut lines = item.to_vec();
    if let Some(first) = lines.first_mut()
        && !first.is_code()
        && let Some((_, rest)) = lines::checkbox(first.text)
    {
        first.text = rest;
    }
    decode(&lines)
}

/// The text of a gate: as that of an item, and a single span of code is taken for what is in it.
pub(super) fn gate_text(item: &[Line<'_>]) -> String {
    match item {
        [line] if !line.is_code() => match names::code_span(line.text) {
            Some(code) => code.to_owned(),
            None => item_text(item),
        },
        _ => item_text(item),
    }
}

/// The text of a section, without rules that only separate it from the next.
pub(super) fn section_text(lines: &[Line<'_>]) -> String {
    let says_something =
        |line: &Line<'_>| !(line.is_blank() || !line.is_code() && lines::is_rule(line.text));
    match (lines.iter().position(says_something), lines.iter().rposition(says_something)) {
        (Some(first), Some(last)) => decode(&lines[first..=last]),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_told_from_text() {
        let text = "intro\nmore\n\n- a\n  b\n\n  c\nlazy\n* * *\n 1. d\n\nend\n- ```\n  - code\n  ```\n  - [ ] e\nStatus: x";
        let shown: Vec<String> = blocks(&lines::split(text).0)
            .iter()
            .map(|block| match block {
                Block::Item(lines) => format!("item {:?}", item_text(lines)),
                Block::Text(lines) => format!("text {:?}", decode(lines)),
            })
            .collect();
        assert_eq!(
            shown,
            [
                r#"text "intro\nmore""#,
                r#"item "a\nb\n\nc\nlazy""#,
                r#"item "d""#,
                r#"text "end""#,
                r#"item "```\n- code\n```\n- [ ] e""#,
                r#"text "Status: x""#,
            ]
        );
    }

    #[test]
    fn a_gate_in_backticks_is_the_command() {
        for (line, expected) in [
            ("- `make test`", "make test"),
            ("- [ ] a", "a"),
            ("- `a` and `b`", "`a` and `b`"),
            (r"- \`a`", "`a`"),
        ] {
            let (lines, _) = lines::split(line);
            let [Block::Item(item)] = &blocks(&lines)[..] else { panic!("{line}") };
            assert_eq!(gate_text(item), expected, "{line}");
        }
    }
}
