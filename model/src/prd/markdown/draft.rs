//! What was read so far, before any rule is applied: values as they stand, each with its line.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::blocks::section_text;
use super::lines::Line;
use super::names::Section;
use crate::prd::read::SourceLines;
use crate::prd::{StoryStatus, VERSION};

/// A value and the line that it stands on.
pub(super) type At<T> = (T, u32);

#[derive(Debug, Default)]
pub(super) struct Draft<'t> {
    pub(super) project: Option<At<String>>,
    pub(super) version: Option<At<Value>>,
    /// Lines before the first section.
    pub(super) preamble: Vec<Line<'t>>,
    /// Sections that were begun, with the line of their heading.
    pub(super) sections: BTreeMap<Section, u32>,
    pub(super) texts: BTreeMap<Section, Vec<Line<'t>>>,
    pub(super) lists: BTreeMap<Section, Vec<At<String>>>,
    pub(super) stack: BTreeMap<&'static str, At<String>>,
    pub(super) routes: Vec<At<Record>>,
    pub(super) entities: Vec<EntityDraft>,
    pub(super) stories: Vec<StoryDraft<'t>>,
}

/// A row of a table, by field.
pub(super) type Record = BTreeMap<&'static str, String>;

#[derive(Debug)]
pub(super) struct EntityDraft {
    pub(super) name: At<String>,
    pub(super) fields: Vec<At<Record>>,
}

#[derive(Debug, Default)]
pub(super) struct StoryDraft<'t> {
    pub(super) id: At<String>,
    pub(super) title: String,
    /// Ticked in a list of stories.
    pub(super) ticked: bool,
    pub(super) status: Option<At<String>>,
    pub(super) depends_on: Vec<At<String>>,
    pub(super) description: Vec<Line<'t>>,
    pub(super) criteria: Vec<At<String>>,
}

impl Draft<'_> {
    /// The JSON form, and where its parts stand in the document.
    pub(super) fn into_value(self) -> (Value, SourceLines) {
        let mut lines = SourceLines::default();
        let mut root = Map::new();
        let Self {
            project,
            version,
            preamble,
            sections,
            texts,
            lists,
            stack,
            routes,
            entities,
            stories,
        } = self;
        for (section, line) in &sections {
            lines.insert(format!("$.{}", section.field()), *line);
        }
        let (version, line) = version.unwrap_or((VERSION.into(), 1));
        lines.insert("$.version", line);
        root.insert("version".into(), version);
        if let Some((project, line)) = project {
            lines.insert("$.project", line);
            root.insert("project".into(), project.into());
        }
        if !texts.contains_key(&Section::Overview) {
            root.insert(Section::Overview.field().into(), section_text(&preamble).into());
        }
        for (section, text) in texts {
            root.insert(section.field().into(), section_text(&text).into());
        }
        for (section, items) in lists {
            let path = format!("$.{}", section.field());
            root.insert(section.field().into(), list(items, &path, &mut lines));
        }
        if !stack.is_empty() {
            let mut object = Map::new();
            for (part, (choice, line)) in stack {
                lines.insert(format!("$.stack.{part}"), line);
                object.insert(part.into(), choice.into());
            }
            root.insert("stack".into(), object.into());
        }
        root.insert("routes".into(), records(routes, "$.routes", &mut lines));
        let entities = entities.into_iter().enumerate().map(|(index, EntityDraft { name, fields })| {
            let path = format!("$.dataModel[{index}]");
            lines.insert(path.as_str(), name.1);
            json!({ "name": name.0, "fields": records(fields, &format!("{path}.fields"), &mut lines) })
        });
        let entities: Vec<Value> = entities.collect();
        root.insert("dataModel".into(), entities.into());
        let stories = stories.into_iter().enumerate();
        let stories: Vec<Value> = stories
            .map(|(index, story)| story.into_value(&format!("$.stories[{index}]"), &mut lines))
            .collect();
        root.insert("stories".into(), stories.into());
        (root.into(), lines)
    }
}

impl StoryDraft<'_> {
    fn into_value(self, path: &str, lines: &mut SourceLines) -> Value {
        let Self { id: (id, line), title, ticked, status, depends_on, description, criteria } =
            self;
        lines.insert(path, line);
        let status = match status {
            Some((status, line)) => {
                lines.insert(format!("{path}.status"), line);
                status
            }
            None if ticked => StoryStatus::Done.name().to_owned(),
            None => StoryStatus::Open.name().to_owned(),
        };
        if let Some(first) = description.iter().find(|line| !line.is_blank()) {
            lines.insert(format!("{path}.description"), first.number);
        }
        json!({
            "id": id,
            "title": title,
            "status": status,
            "dependsOn": list(depends_on, &format!("{path}.dependsOn"), lines),
            "description": section_text(&description),
            "acceptanceCriteria": list(criteria, &format!("{path}.acceptanceCriteria"), lines),
        })
    }
}

fn list(items: Vec<At<String>>, path: &str, lines: &mut SourceLines) -> Value {
    let items = items.into_iter().enumerate().map(|(index, (text, line))| {
        lines.insert(format!("{path}[{index}]"), line);
        Value::String(text)
    });
    Value::Array(items.collect())
}

fn records(records: Vec<At<Record>>, path: &str, lines: &mut SourceLines) -> Value {
    let records = records.into_iter().enumerate().map(|(index, (record, line))| {
        lines.insert(format!("{path}[{index}]"), line);
        let fields: Map<String, Value> =
            record.into_iter().map(|(field, text)| (field.to_owned(), text.into())).collect();
        Value::Object(fields)
    });
    Value::Array(records.collect())
}
