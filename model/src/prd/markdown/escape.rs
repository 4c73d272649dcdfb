//! Text to Markdown lines and back. The two directions are inverse for every text; see the tests.

use super::lines::{self, Fenced, Line};
use super::names::{Section, story_id};

/// Where a text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// On lines of its own.
    Lines,
    /// Behind a list marker.
    Item,
}

/// The lines of a text, without indentation or marker; none for the empty text.
pub(super) fn encode(text: &str, place: Place) -> Vec<String> {
    if text.is_empty() {
        return Vec::new();
    }
    let lines: Vec<&str> = text.split('\n').collect();
    let code = code_lines(&lines, place);
    let is_blank = |line: &&str| line.is_empty();
    let leading = lines.iter().take_while(|line| is_blank(line)).count();
    let trailing = lines.iter().rev().take_while(|line| is_blank(line)).count();
    let content = leading..lines.len() - trailing.min(lines.len() - leading);
    let encode_line = |(index, line): (usize, &&str)| match (code[index], content.contains(&index))
    {
        (true, _) => (*line).to_owned(),
        // Blank lines at the ends would be dropped.
        (false, false) => "\\".to_owned(),
        (false, true) => encode_line(line, (index == 0).then_some(place)),
    };
    lines.iter().enumerate().map(encode_line).collect()
}

/// Which lines can be written as they are since they are fenced code.
fn code_lines(lines: &[&str], place: Place) -> Vec<bool> {
    let (fenced, _) = lines::fences(lines);
    let mut code: Vec<bool> = fenced.iter().map(|fenced| *fenced != Fenced::No).collect();
    let mut end = lines.len();
    for start in (0..lines.len()).rev().filter(|index| fenced[*index] == Fenced::Open) {
        let end_of_block =
            (start + 1..end).find(|index| fenced[*index] != Fenced::Inside).unwrap_or(end);
        let block = start..end_of_block;
        let unsafe_start = start == 0
            && (lines[0].starts_with(char::is_whitespace)
                || place == Place::Item && lines::bullet(lines[0]).is_some());
        let has_control = lines[block.clone()]
            .iter()
            .any(|line| line.contains(|c: char| c.is_control() && c != '\t'));
        if unsafe_start || has_control {
            code[block].fill(false);
        }
        end = start;
    }
    code
}

fn encode_line(line: &str, first_in: Option<Place>) -> String {
    let mut text = String::with_capacity(line.len());
    let last = line.char_indices().last().map(|(index, _)| index);
    for (index, c) in line.char_indices() {
        let at_edge = first_in.is_some() && index == 0 || Some(index) == last;
        if c.is_control() && c != '\t'
            || at_edge && c.is_whitespace()
            || begins_entity(&line[index..])
        {
            push_entity(&mut text, c);
        } else {
            text.push(c);
        }
    }
    let body = text.trim_start();
    let start = text.len() - body.len();
    let structure = lines::heading(&text).is_some()
        || lines::underline(&text).is_some()
        || lines::is_rule(&text)
        || lines::opens_fence(&text).is_some()
        || is_escaped(body)
        || first_in == Some(Place::Item)
            && (lines::bullet(&text).is_some()
                || lines::checkbox(&text).is_some()
                // Behind its marker, `--` becomes a rule: `- --`.
                || lines::is_rule(&format!("- {text}")));
    if structure {
        match body.chars().next() {
            Some(c) if c.is_ascii_punctuation() => text.insert(start, '\\'),
            // A numbered item with code in it; no backslash can stand before a digit.
            Some(c) => {
                let rest = text.split_off(start);
                push_entity(&mut text, c);
                text.push_str(&rest[c.len_utf8()..]);
            }
            None => {}
        }
    } else if let Some(label) = lines::label(&text) {
        text.insert(label.colon, '\\');
    }
    text
}

/// The text of lines that are a text of their own, or an item whose marker and indentation were taken off.
pub(super) fn decode(lines: &[Line<'_>]) -> String {
    let start = lines.iter().position(|line| !line.is_blank()).unwrap_or(lines.len());
    let end = lines.iter().rposition(|line| !line.is_blank()).map_or(start, |index| index + 1);
    let mut text = String::new();
    for (index, line) in lines[start..end].iter().enumerate() {
        if index > 0 {
            text.push('\n');
        }
        match line.fenced {
            Fenced::No => {
                decode_line(if index == 0 { line.text.trim_start() } else { line.text }, &mut text)
            }
            Fenced::Open | Fenced::Inside => text.push_str(line.text),
        }
    }
    text
}

fn decode_line(line: &str, text: &mut String) {
    let line = line.trim_end();
    let body = line.trim_start();
    if is_escaped(body) {
        text.push_str(&line[..line.len() - body.len()]);
        decode_entities(&body[1..], text);
    } else if let Some(label) = lines::label(line).filter(|label| label.backslashes > 0) {
        decode_entities(&line[..label.colon - 1], text);
        decode_entities(&line[label.colon..], text);
    } else {
        decode_entities(line, text);
    }
}

/// Whether the backslash at the start of a line is an escape.
fn is_escaped(body: &str) -> bool {
    body.strip_prefix('\\')
        .is_some_and(|rest| rest.chars().next().is_none_or(|next| next.is_ascii_punctuation()))
}

/// A text on one line, whatever it holds.
pub(super) fn encode_inline(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    let last = text.char_indices().last().map(|(index, _)| index);
    for (index, c) in text.char_indices() {
        let at_edge = index == 0 || Some(index) == last;
        if c.is_control() || at_edge && c.is_whitespace() || begins_entity(&text[index..]) {
            push_entity(&mut encoded, c);
        } else {
            encoded.push(c);
        }
    }
    encoded
}

/// A text as a heading that is not taken for a section or a story.
pub(super) fn encode_heading(text: &str) -> String {
    let mut encoded = encode_title(text);
    while let Some(range) = story_id(&encoded) {
        encoded.replace_range(range.start..=range.start, "&#85;");
    }
    if Section::named(&encoded).is_some() {
        let mut chars = encoded.chars();
        let mut escaped = String::new();
        chars.by_ref().take(1).for_each(|c| push_entity(&mut escaped, c));
        encoded = escaped + chars.as_str();
    }
    encoded
}

/// A text as the end of a heading.
pub(super) fn encode_title(text: &str) -> String {
    let mut encoded = encode_inline(text);
    if encoded.ends_with('#') {
        encoded.pop();
        push_entity(&mut encoded, '#');
    }
    encoded
}

/// The text of a line that [`encode_inline`] or one of its siblings wrote.
pub(super) fn decode_inline(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    decode_entities(line.trim(), &mut text);
    text
}

/// Whether the text begins like a numeric entity.
fn begins_entity(text: &str) -> bool {
    text.strip_prefix("&#").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

fn push_entity(text: &mut String, c: char) {
    text.push_str(&format!("&#{};", u32::from(c)));
}

fn decode_entities(mut line: &str, text: &mut String) {
    while let Some(start) = line.find("&#") {
        let digits = line[start + 2..].bytes().take_while(u8::is_ascii_digit).count();
        let end = start + 2 + digits;
        let c = (line[end..].starts_with(';'))
            .then(|| line[start + 2..end].parse().ok().and_then(char::from_u32))
            .flatten();
        text.push_str(&line[..start]);
        match c {
            Some(c) => text.push(c),
            None => text.push_str(&line[start..end]),
        }
        line = &line[if c.is_some() { end + 1 } else { end }..];
    }
    text.push_str(line);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::prd::tests::nasty_text;

    fn round_trip(text: &str, place: Place) -> String {
        // Not at the start of the document, where a byte order mark would be dropped.
        let document = format!("#\n{}", encode(text, place).join("\n"));
        let (lines, _) = lines::split(&document);
        decode(&lines[1..])
    }

    #[test]
    fn escapes_are_used_only_where_needed() {
        for (text, expected) in [
            ("A plain *text* with `code` & more.", "A plain *text* with `code` & more."),
            ("- a list\n- of two\n\n1. a", "- a list\n- of two\n\n1. a"),
            ("# A heading", "\\# A heading"),
            ("a\n---", "a\n\\---"),
            ("Status: open", "Status\\: open"),
            ("Status\\: open", "Status\\\\: open"),
            ("\\# no heading", "\\\\# no heading"),
            ("\\alpha", "\\alpha"),
            ("a  ", "a &#32;"),
            ("\na\n", "\\\na\n\\"),
            ("```\n# code\n```", "```\n# code\n```"),
            ("```\n# no code", "\\```\n\\# no code"),
            ("1. ```x\n", "&#49;. ```x\n\\"),
            ("&#10;&#xa;", "&#38;#10;&#xa;"),
        ] {
            assert_eq!(encode(text, Place::Lines).join("\n"), expected, "{text:?}");
            assert_eq!(round_trip(text, Place::Lines), text);
            assert_eq!(round_trip(text, Place::Item), text);
        }
    }

    proptest! {
        #[test]
        fn every_text_comes_back(text in nasty_text()) {
            for place in [Place::Lines, Place::Item] {
                prop_assert_eq!(round_trip(&text, place), text.as_str());
            }
            prop_assert_eq!(decode_inline(&encode_inline(&text)), text.as_str());
            prop_assert_eq!(decode_inline(&encode_heading(&text)), text.as_str());
        }
    }
}
