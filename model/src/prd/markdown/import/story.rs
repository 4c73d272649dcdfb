//! Stories: their headings or list items, labels, and parts.

use super::{Importer, Place, Slot, paragraph};
use crate::prd::StoryStatus;
use crate::prd::diagnostic::{Code, shown};
use crate::prd::markdown::blocks::{Block, blocks, item_text, section_text};
use crate::prd::markdown::draft::StoryDraft;
use crate::prd::markdown::escape::decode_inline;
use crate::prd::markdown::lines::{self, Label, LabelKind, Line};
use crate::prd::markdown::names::{self, Part};

/// A heading or list item that begins a story.
pub(super) struct StoryHeading {
    id: String,
    title: String,
    ticked: bool,
}

impl StoryHeading {
    /// Looks for a story id anywhere in a heading.
    pub(super) fn find(heading: &str) -> Option<Self> {
        let (ticked, text) = lines::checkbox(heading).unwrap_or((false, heading));
        let range = names::story_id(text)?;
        let id = text[range.clone()].to_owned();
        let (before, after) = (&text[..range.start], &text[range.end..]);
        let title = match after.strip_prefix(':') {
            // What the export writes, and most people.
            Some(title) if before.is_empty() => decode_inline(title),
            _ => {
                let around = |c: char| c.is_whitespace() || ":-–—.()[]*_|`".contains(c);
                let title = after.trim_matches(around);
                decode_inline(if title.is_empty() { before.trim_matches(around) } else { title })
            }
        };
        Some(Self { id, title, ticked })
    }

    /// Looks for a story id at the start of a list item.
    fn find_in_item(item: &str) -> Option<Self> {
        let (_, text) = lines::checkbox(item).unwrap_or((false, item));
        let range = names::story_id(text)?;
        let before = text[..range.start].trim_matches(|c: char| !c.is_alphanumeric());
        (before.is_empty() || before.eq_ignore_ascii_case("story"))
            .then(|| Self::find(item))
            .flatten()
    }
}

impl<'t> Importer<'t, '_> {
    pub(super) fn begin_story(&mut self, heading: StoryHeading, number: u32) {
        let StoryHeading { id, title, ticked } = heading;
        self.draft.stories.push(StoryDraft {
            id: (id, number),
            title,
            ticked,
            ..StoryDraft::default()
        });
    }

    /// The body of the section Stories: stories as list items.
    pub(super) fn listed_stories(&mut self, level: usize, body: &[Line<'t>]) {
        let mut listed = false;
        for block in blocks(body) {
            let heading = match &block {
                Block::Item(item) if !item[0].is_code() => StoryHeading::find_in_item(item[0].text),
                _ => None,
            };
            match (heading, &block) {
                (Some(heading), Block::Item(item)) => {
                    listed = true;
                    self.begin_story(heading, block.number());
                    self.blocks(&blocks(&item[1..]));
                }
                _ if listed => self.blocks(&[block]),
                _ => self.stray(
                    block.number(),
                    "this text in Stories",
                    "begin a story with its id: US-001: title",
                ),
            }
        }
        if listed {
            // A heading below belongs to the last story.
            self.place = Place::Story(level, Slot::Head);
        }
    }

    pub(super) fn story_body(&mut self, slot: Slot, body: &[Line<'t>]) {
        match slot {
            Slot::Head => self.blocks(&blocks(body)),
            Slot::Part(Part::Description) => {
                let end = body.iter().position(ends_description).unwrap_or(body.len());
                let (text, rest) = body.split_at(end);
                if let Some(story) = self.draft.stories.last_mut() {
                    story.description.extend(paragraph(text));
                }
                self.blocks(&blocks(rest));
            }
            Slot::Part(Part::Criteria) => self.criteria(body),
            Slot::Part(Part::DependsOn) => {
                for block in blocks(body) {
                    let (Block::Item(lines) | Block::Text(lines)) = &block;
                    for line in lines {
                        self.depends_on(line.text, line.number);
                    }
                }
            }
            Slot::Part(Part::Status) => {
                let mut lines =
                    body.iter().filter(|line| !line.is_blank() && !lines::is_rule(line.text));
                if let Some(line) = lines.next() {
                    let text = lines::bullet(line.text).map_or(line.text, |bullet| bullet.content);
                    self.status(text, line.number);
                }
                if let Some(line) = lines.next() {
                    self.stray(line.number, "text behind the status", "a status is one word");
                }
            }
        }
    }

    /// Blocks below a story's heading: labels, criteria, and otherwise the description.
    fn blocks(&mut self, blocks: &[Block<'t>]) {
        for block in blocks {
            match block {
                Block::Item(item) => match active_label(&item[0]) {
                    Some(label) => self.label(label, item[0], &item[1..]),
                    None => self.criterion(item_text(item), item[0].number),
                },
                Block::Text(lines) => {
                    let text = self.labels(lines);
                    if let Some(story) = self.draft.stories.last_mut() {
                        story.description.extend(paragraph(&text));
                    }
                }
            }
        }
    }

    /// Takes labelled lines out of a paragraph and returns the rest.
    fn labels(&mut self, lines: &[Line<'t>]) -> Vec<Line<'t>> {
        let mut rest = Vec::new();
        for line in lines {
            match active_label(line) {
                Some(label) => self.label(label, *line, &[]),
                None => rest.push(*line),
            }
        }
        rest
    }

    fn label(&mut self, label: Label<'t>, line: Line<'t>, below: &[Line<'t>]) {
        let Label { kind, value, .. } = label;
        match kind {
            LabelKind::Status => {
                self.status(value, line.number);
                if let Some(line) = below.iter().find(|line| !line.is_blank()) {
                    self.stray(line.number, "text behind the status", "a status is one word");
                }
            }
            LabelKind::DependsOn => {
                self.depends_on(value, line.number);
                for line in below {
                    self.depends_on(line.text, line.number);
                }
            }
            LabelKind::Criteria => {
                if !value.is_empty() {
                    self.criterion(decode_inline(value), line.number);
                }
                self.criteria(below);
            }
            LabelKind::Description => {
                if let Some(story) = self.draft.stories.last_mut() {
                    let text: Vec<_> =
                        [line.with_text(value)].iter().chain(below).copied().collect();
                    story.description.extend(if below.is_empty() {
                        text
                    } else {
                        paragraph(&text)
                    });
                }
            }
        }
    }

    /// Lines that are criteria: items, or paragraphs.
    fn criteria(&mut self, lines: &[Line<'t>]) {
        for block in blocks(lines) {
            match &block {
                Block::Item(item) => self.criterion(item_text(item), block.number()),
                Block::Text(lines) => {
                    let rest = self.labels(lines);
                    let Some(first) = rest.first() else { continue };
                    let text = section_text(&rest);
                    if text.ends_with(':') {
                        let way_out = "it ends with a colon and introduces something; begin it with \"- \" if it is a criterion";
                        self.stray(first.number, "this line", way_out);
                    } else {
                        self.criterion(text, first.number);
                    }
                }
            }
        }
    }

    fn criterion(&mut self, text: String, number: u32) {
        if let Some(story) = self.draft.stories.last_mut() {
            story.criteria.push((text, number));
        }
    }

    fn status(&mut self, text: &str, number: u32) {
        let word = decode_inline(text.trim().trim_matches(['*', '_', '`', '"']));
        let status = status_named(&word).map_or(word, |status| status.name().to_owned());
        let Some(story) = self.draft.stories.last_mut() else {
            return;
        };
        let Some((first, line)) = &story.status else {
            story.status = Some((status, number));
            return;
        };
        let message =
            format!("the status is already {} in line {line}; that is kept", shown(first));
        self.add(
            Code::MarkdownRepeatedSection,
            number,
            message,
            "keep one status; write Status\\: for a text",
        );
    }

    fn depends_on(&mut self, text: &str, number: u32) {
        let content = lines::bullet(text).map_or(text, |bullet| bullet.content);
        let text = decode_inline(content.trim_matches(['*', '_', '`']));
        let Some(story) = self.draft.stories.last_mut() else {
            return;
        };
        let words = text
            .split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '&'))
            .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
            .filter(|word| !word.is_empty() && !word.eq_ignore_ascii_case("and"))
            .collect::<Vec<_>>();
        match words.as_slice() {
            [] => {}
            [none] if none.eq_ignore_ascii_case("none") => {}
            [n, a] if n.eq_ignore_ascii_case("n") && a.eq_ignore_ascii_case("a") => {}
            // With an id, each word is one; a sentence without any is one wrong id.
            words if words.iter().any(|word| names::story_id(word).is_some()) => {
                story.depends_on.extend(words.iter().map(|word| ((*word).to_owned(), number)));
            }
            _ => story.depends_on.push((text, number)),
        }
    }
}

/// The label of a line that is not code and not escaped.
fn active_label<'t>(line: &Line<'t>) -> Option<Label<'t>> {
    lines::label(line.text).filter(|label| label.backslashes == 0 && !line.is_code())
}

/// Whether a line below the heading Description is certainly a label, and no sentence that begins like one.
fn ends_description(line: &Line<'_>) -> bool {
    active_label(line).is_some_and(|label| match label.kind {
        LabelKind::Status => status_named(label.value).is_some(),
        LabelKind::DependsOn => names::story_id(label.value).is_some_and(|range| range.start == 0),
        LabelKind::Criteria => label.value.is_empty(),
        LabelKind::Description => false,
    })
}

/// A status, loosely written: `In Progress`.
fn status_named(text: &str) -> Option<StoryStatus> {
    let name = text.trim().to_lowercase().replace([' ', '-'], "_");
    StoryStatus::ALL.into_iter().find(|status| status.name() == name)
}
