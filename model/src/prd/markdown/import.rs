//! The document, heading by heading, to a draft. What has no place in a PRD is reported, with its line.

use serde_json::Value;

use super::blocks::{Block, blocks, gate_text, item_text, section_text};
use super::draft::Draft;
use super::escape::decode_inline;
use super::lines::{self, Line};
use super::names::{Content, Part, Section};
use crate::prd::diagnostic::{Code, Diagnostic, Findings, shown};

mod outline;
mod story;
mod tables;

use outline::{Chunk, Heading, chunks};
use story::StoryHeading;

/// Reads the whole document.
pub(super) fn read<'t>(text: &'t str, findings: &mut Findings) -> Draft<'t> {
    let (lines, unclosed) = lines::split(text);
    let mut importer = Importer { draft: Draft::default(), findings, place: Place::Preamble };
    for number in unclosed {
        importer.add(
            Code::MarkdownUnclosedFence,
            number,
            "this code fence is never closed, so it is read as text",
            "close it with a line of the same marks, or put a backslash before it",
        );
    }
    for chunk in chunks(&lines) {
        importer.chunk(&chunk);
    }
    importer.finish();
    importer.draft
}

/// What the lines below the last heading belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Preamble,
    Section(Section, usize),
    /// The last entity of the data model, whose section has this level.
    Entity(usize),
    /// A part of the last story, whose heading has this level.
    Story(usize, Slot),
    /// Nothing of a PRD.
    Outside(usize),
}

/// Where in a story.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slot {
    /// Below its heading, where labels and criteria stand.
    Head,
    Part(Part),
}

struct Importer<'t, 'f> {
    draft: Draft<'t>,
    findings: &'f mut Findings,
    place: Place,
}

impl<'t> Importer<'t, '_> {
    fn add(
        &mut self,
        code: Code,
        line: u32,
        message: impl Into<String>,
        suggestion: impl Into<String>,
    ) {
        self.add_at("$", code, line, message, suggestion);
    }

    fn add_at(
        &mut self,
        path: &str,
        code: Code,
        line: u32,
        message: impl Into<String>,
        suggestion: impl Into<String>,
    ) {
        self.findings.add(Diagnostic::new(code, path, message).suggest(suggestion).at_line(line));
    }

    fn stray(&mut self, line: u32, what: &str, way_out: &str) {
        self.add(Code::MarkdownStrayText, line, format!("{what} is left out"), way_out);
    }

    fn chunk(&mut self, chunk: &Chunk<'t>) {
        if let Some(heading) = &chunk.heading {
            self.heading(heading, &chunk.body);
        }
        let body = &chunk.body;
        match self.place {
            Place::Preamble => self.preamble(body),
            Place::Section(section, level) => self.section_body(section, level, body),
            Place::Entity(_) => self.entity_body(body),
            Place::Story(_, slot) => self.story_body(slot, body),
            Place::Outside(_) => {}
        }
    }

    /// Decides what a heading begins.
    fn heading(&mut self, heading: &Heading<'t>, body: &[Line<'t>]) {
        let level = heading.level;
        if let Some(story) = StoryHeading::find(heading.text) {
            self.begin_story(story, heading.number);
            self.place = Place::Story(level, Slot::Head);
            return;
        }
        let section = Section::named(heading.text);
        if self.draft.project.is_none() && level == 1 && section.is_none() {
            self.draft.project = Some((decode_inline(heading.text), heading.number));
            self.place = Place::Preamble;
            return;
        }
        let story_level = match self.place {
            Place::Story(level, _) => Some(level),
            _ => None,
        };
        let in_story = story_level.is_some_and(|story_level| level > story_level);
        match (Part::named(heading.text), section, story_level) {
            (Some(part), None, Some(story_level)) => {
                self.place = Place::Story(story_level, Slot::Part(part))
            }
            (Some(part), _, Some(story_level)) if in_story => {
                self.place = Place::Story(story_level, Slot::Part(part));
            }
            (_, Some(section), _) if !in_story => self.begin_section(section, heading),
            _ => self.unknown_heading(heading, body),
        }
    }

    fn begin_section(&mut self, section: Section, heading: &Heading<'_>) {
        if let Some(first) = self.draft.sections.get(&section) {
            let message = format!(
                "the section {} was already begun in line {first}; both are kept",
                shown(heading.text)
            );
            self.add(
                Code::MarkdownRepeatedSection,
                heading.number,
                message,
                "join the two sections",
            );
        } else {
            self.draft.sections.insert(section, heading.number);
        }
        self.place = Place::Section(section, heading.level);
    }

    /// A heading that means nothing: kept where there is a text around it that it can be part of.
    fn unknown_heading(&mut self, heading: &Heading<'t>, body: &[Line<'t>]) {
        let level = heading.level;
        let name = shown(heading.text);
        let (kept, place) = match self.place {
            Place::Story(story_level, _) if level > story_level => {
                if let Some(story) = self.draft.stories.last_mut() {
                    story.description.extend(paragraph(&heading.source));
                }
                (
                    "it and its text are kept as part of the description",
                    Place::Story(story_level, Slot::Part(Part::Description)),
                )
            }
            Place::Section(section, section_level) if level > section_level => {
                match section.content() {
                    Content::Text => {
                        let text = self.draft.texts.entry(section).or_default();
                        text.extend(paragraph(&heading.source));
                        ("it and its text are kept as part of the section", self.place)
                    }
                    Content::Entities => {
                        self.begin_entity(heading, section_level);
                        return;
                    }
                    Content::List | Content::Table => {
                        ("what is below it is read as part of the section", self.place)
                    }
                    Content::Stories => {
                        ("it names no story id; stories below it are read", self.place)
                    }
                }
            }
            Place::Entity(section_level) if level > section_level => {
                self.begin_entity(heading, section_level);
                return;
            }
            _ => ("", Place::Outside(level)),
        };
        self.place = place;
        let message = match place {
            Place::Outside(_) => {
                let lines = body.iter().filter(|line| !line.is_blank()).count();
                format!(
                    "the heading {name} is not part of a PRD; it is left out, with {lines} lines below it"
                )
            }
            _ => format!("the heading {name} is not part of a PRD; {kept}"),
        };
        let way_out = "use the headings that the export writes: Overview, Goals, Non-Goals, Success Metrics, \
                       Open Questions, Stack, Routes, UI Notes, Data Model, Import Format, Rules, Quality Gates, \
                       Stories, and US-###: title for a story";
        self.add(Code::MarkdownUnknownSection, heading.number, message, way_out);
    }

    fn preamble(&mut self, body: &[Line<'t>]) {
        for line in body {
            let version =
                line.text.trim().strip_prefix("<!-- prd version ").filter(|_| !line.is_code());
            match version.and_then(|rest| rest.strip_suffix("-->")) {
                Some(version) => {
                    let version = version.trim();
                    let value =
                        version.parse::<i64>().map_or_else(|_| Value::from(version), Value::from);
                    self.draft.version = Some((value, line.number));
                }
                None => self.draft.preamble.push(*line),
            }
        }
    }

    fn section_body(&mut self, section: Section, level: usize, body: &[Line<'t>]) {
        match section.content() {
            Content::Text => {
                let text = self.draft.texts.entry(section).or_default();
                text.extend(paragraph(body));
            }
            Content::List => self.list(section, body),
            Content::Table => self.table_section(section, body),
            Content::Entities => {
                for block in blocks(body) {
                    self.stray(
                        block.number(),
                        "this text",
                        "give each entity a heading of its own below Data Model",
                    );
                }
            }
            Content::Stories => self.listed_stories(level, body),
        }
    }

    fn list(&mut self, section: Section, body: &[Line<'t>]) {
        let mut items = Vec::new();
        for block in blocks(body) {
            match &block {
                Block::Item(item) if section == Section::QualityGates => {
                    items.push((gate_text(item), block.number()));
                }
                Block::Item(item) => items.push((item_text(item), block.number())),
                Block::Text(_) => self.stray(
                    block.number(),
                    &format!("this text in {}", section.heading()),
                    "begin the line with \"- \" if it is an entry",
                ),
            }
        }
        self.draft.lists.entry(section).or_default().extend(items);
    }

    fn finish(&mut self) {
        let has_overview = self.draft.texts.contains_key(&Section::Overview);
        if has_overview
            && !section_text(&self.draft.preamble).is_empty()
            && let Some(line) = self.draft.preamble.iter().find(|line| !line.is_blank())
        {
            self.stray(line.number, "the text before the first section", "move it into Overview");
        }
    }
}

/// Lines with a blank one behind them, so that what follows begins a paragraph.
fn paragraph<'t>(lines: &[Line<'t>]) -> Vec<Line<'t>> {
    let mut lines = lines.to_vec();
    if let Some(last) = lines.last().filter(|line| !line.is_blank()) {
        lines.push(Line { number: last.number, text: "", fenced: lines::Fenced::No });
    }
    lines
}
