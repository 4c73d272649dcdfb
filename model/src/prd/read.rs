//! The rules: a JSON value becomes a PRD, or a report of everything that is wrong with it.
//!
//! JSON and Markdown both end here, so a rule is written once. Nothing stops at the first problem: a field
//! that can't be read is reported and the rest is still looked at.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::diagnostic::{Code, Diagnostic, Findings, shown};
use super::{Entity, EntityField, MAX_ITEMS, MAX_PRD_BYTES, Prd, Report, Route, Stack, VERSION};

mod fields;
mod stories;
mod suggest;

use fields::{Reported, Shape};

/// Lines of the text that values came from, by JSON path.
#[derive(Debug, Default)]
pub(super) struct SourceLines(HashMap<String, u32>);

impl SourceLines {
    pub(super) fn insert(&mut self, path: impl Into<String>, line: u32) {
        self.0.entry(path.into()).or_insert(line);
    }

    /// The line of a path, or of the nearest thing around it.
    fn find(&self, path: &str) -> Option<u32> {
        let mut path = path;
        loop {
            if let Some(line) = self.0.get(path) {
                return Some(*line);
            }
            path = &path[..path.rfind(['.', '['])?];
        }
    }
}

/// The path of a field.
pub(super) fn member(path: &str, key: &str) -> String {
    const LONGEST: usize = 60;
    let plain = key.chars().all(|c| c.is_alphanumeric() || c == '_') && key.len() <= LONGEST;
    if plain && !key.is_empty() {
        format!("{path}.{key}")
    } else {
        format!("{path}[{}]", shown(key))
    }
}

pub(super) fn read(
    value: &Value,
    lines: &SourceLines,
    findings: Findings,
) -> Result<(Prd, Report), Report> {
    let mut reader = Reader { lines, findings, story: None };
    let prd = reader.prd(value);
    reader.size(value);
    let report = reader.findings.into_report();
    match prd {
        Ok(prd) if report.valid => Ok((prd, report)),
        _ => Err(report),
    }
}

struct Reader<'l> {
    lines: &'l SourceLines,
    findings: Findings,
    /// The story that is being read.
    story: Option<String>,
}

impl Reader<'_> {
    fn add(
        &mut self,
        code: Code,
        path: &str,
        message: impl Into<String>,
        suggestion: impl Into<String>,
    ) {
        let mut diagnostic = Diagnostic::new(code, path, message).suggest(suggestion);
        diagnostic.line = self.lines.find(path);
        diagnostic.story_id.clone_from(&self.story);
        self.findings.add(diagnostic);
    }

    fn size(&mut self, value: &Value) {
        let bytes = compact_length(value);
        if bytes > MAX_PRD_BYTES {
            let message = format!(
                "the PRD has {bytes} bytes as compact JSON; at most {MAX_PRD_BYTES} are stored"
            );
            self.add(Code::TooLarge, "$", message, "split the PRD into several");
        }
    }

    fn prd(&mut self, value: &Value) -> Result<Prd, Reported> {
        const FIELDS: &[&str] = &[
            "version",
            "project",
            "overview",
            "goals",
            "nonGoals",
            "successMetrics",
            "openQuestions",
            "stack",
            "routes",
            "uiNotes",
            "dataModel",
            "importFormat",
            "rules",
            "qualityGates",
            "stories",
        ];
        let root = self.object(value, "$", FIELDS)?;
        let version = self.version(root);
        let project = self.required(root, "$", "project", Shape::Name, Code::MissingProject);
        let overview = self.required(root, "$", "overview", Shape::Text, Code::MissingOverview);
        let goals = self.strings(root, "$", "goals", Code::EmptyItem);
        let non_goals = self.strings(root, "$", "nonGoals", Code::EmptyItem);
        let success_metrics = self.strings(root, "$", "successMetrics", Code::EmptyItem);
        let open_questions = self.strings(root, "$", "openQuestions", Code::EmptyItem);
        let stack = self.stack(root);
        let routes = self.objects(root, "$", "routes", MAX_ITEMS, Self::route);
        let ui_notes = self.optional(root, "$", "uiNotes", Shape::Text);
        let data_model = self.objects(root, "$", "dataModel", MAX_ITEMS, Self::entity);
        let import_format = self.optional(root, "$", "importFormat", Shape::Text);
        let rules = self.strings(root, "$", "rules", Code::EmptyItem);
        let quality_gates = self.strings(root, "$", "qualityGates", Code::EmptyQualityGate);
        if matches!(&quality_gates, Ok(gates) if gates.is_empty()) {
            self.add(
                Code::MissingQualityGates,
                "$.qualityGates",
                "there is no quality gate, so nothing could decide whether a story is done",
                "add the commands that have to succeed, for example \"make test\"",
            );
        }
        let stories = self.stories(root);
        Ok(Prd {
            version: version?,
            project: project?.to_owned(),
            overview: overview?.to_owned(),
            goals: owned(&goals?),
            non_goals: owned(&non_goals?),
            success_metrics: owned(&success_metrics?),
            open_questions: owned(&open_questions?),
            stack: stack?,
            routes: routes?,
            ui_notes: ui_notes?.to_owned(),
            data_model: data_model?,
            import_format: import_format?.to_owned(),
            rules: owned(&rules?),
            quality_gates: owned(&quality_gates?),
            stories: stories?,
        })
    }

    fn version(&mut self, root: &Map<String, Value>) -> Result<u32, Reported> {
        const PATH: &str = "$.version";
        let way_out = format!("set it to {VERSION}");
        match root.get("version") {
            None | Some(Value::Null) => {
                self.add(Code::InvalidVersion, PATH, "the version is missing", way_out);
            }
            Some(Value::Number(number)) => match (number.as_u64(), number.as_i64()) {
                (Some(version), _) if version == u64::from(VERSION) => return Ok(VERSION),
                (Some(0), _) | (None, Some(_)) => {
                    self.add(
                        Code::InvalidVersion,
                        PATH,
                        format!("version {number} is below 1"),
                        way_out,
                    );
                }
                (Some(_), _) => {
                    let message =
                        format!("version {number} is not known; Smith reads version {VERSION}");
                    self.add(Code::UnsupportedVersion, PATH, message, way_out);
                }
                (None, None) => {
                    self.add(
                        Code::WrongType,
                        PATH,
                        format!("the version is {number}, not a whole number"),
                        way_out,
                    );
                }
            },
            Some(other) => return Err(self.wrong_type(PATH, "a whole number", other)),
        }
        Err(Reported)
    }

    fn stack(&mut self, root: &Map<String, Value>) -> Result<Stack, Reported> {
        const PATH: &str = "$.stack";
        let Some(value) = root.get("stack").filter(|value| !value.is_null()) else {
            return Ok(Stack::default());
        };
        let stack = self.object(value, PATH, &["framework", "hosting", "database", "auth"])?;
        let framework = self.optional(stack, PATH, "framework", Shape::Item);
        let hosting = self.optional(stack, PATH, "hosting", Shape::Item);
        let database = self.optional(stack, PATH, "database", Shape::Item);
        let auth = self.optional(stack, PATH, "auth", Shape::Item);
        Ok(Stack {
            framework: framework?.to_owned(),
            hosting: hosting?.to_owned(),
            database: database?.to_owned(),
            auth: auth?.to_owned(),
        })
    }

    fn route(&mut self, value: &Value, path: &str) -> Result<Route, Reported> {
        let route = self.object(value, path, &["path", "name", "purpose"])?;
        let place = self.labelled(route, path, "path");
        let name = self.optional(route, path, "name", Shape::Name);
        let purpose = self.optional(route, path, "purpose", Shape::Item);
        Ok(Route { path: place?.to_owned(), name: name?.to_owned(), purpose: purpose?.to_owned() })
    }

    fn entity(&mut self, value: &Value, path: &str) -> Result<Entity, Reported> {
        let entity = self.object(value, path, &["name", "fields"])?;
        let name = self.labelled(entity, path, "name");
        let fields = self.objects(entity, path, "fields", MAX_ITEMS, Self::entity_field);
        Ok(Entity { name: name?.to_owned(), fields: fields? })
    }

    fn entity_field(&mut self, value: &Value, path: &str) -> Result<EntityField, Reported> {
        let field = self.object(value, path, &["name", "type", "note"])?;
        let name = self.labelled(field, path, "name");
        let type_name = self.optional(field, path, "type", Shape::Name);
        let note = self.optional(field, path, "note", Shape::Item);
        Ok(EntityField {
            name: name?.to_owned(),
            type_name: type_name?.to_owned(),
            note: note?.to_owned(),
        })
    }

    /// A name that an entry should have.
    fn labelled<'v>(
        &mut self,
        object: &'v Map<String, Value>,
        path: &str,
        key: &str,
    ) -> Result<&'v str, Reported> {
        let text = self.optional(object, path, key, Shape::Name)?;
        if text.trim().is_empty() {
            let message = format!("the {key} is blank");
            self.add(
                Code::EmptyItem,
                &member(path, key),
                message,
                "fill it in or remove the entry",
            );
        }
        Ok(text)
    }
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// The length of the compact JSON form, without building it.
fn compact_length(value: &Value) -> usize {
    struct Counter(usize);

    impl std::io::Write for Counter {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    let mut counter = Counter(0);
    serde_json::to_writer(&mut counter, value)
        .expect("a JSON value is JSON, and counting cannot fail");
    counter.0
}
