//! The PRD: what a loop is asked to build, as stories with criteria and gates.
//!
//! The shape and the JSON names are fixed (version 1), so that documents of other tools can be read.
//! Everything from outside comes in through [`Prd::from_json`], [`Prd::from_value`] or
//! [`Prd::from_markdown`], which report every problem at once and return a [`Prd`] only if there is no
//! error. One set of rules (`read`) serves all three, and [`Prd::check`].
//!
//! Pure: no file, clock or environment is known here.

mod diagnostic;
mod format;
mod heuristics;
mod json;
mod markdown;
mod read;
mod story_id;
mod template;

use serde::{Deserialize, Serialize};

pub use diagnostic::{CODES, Code, CodeRule, Diagnostic, Level, Readiness, Report};
pub use format::{Format, ParseFormatError, format_of};
pub use heuristics::{
    API_WORDS, CLI_WORDS, ENGLISH_WORDS, MAX_STORY_CHARS, MAX_STORY_CRITERIA, MIN_CRITERION_WORDS,
    NEGATIVE_WORDS, UI_WORDS, VAGUE_WORDS,
};
pub use story_id::{ParseStoryIdError, StoryId};
pub use template::{Kind, ParseKindError, template};

/// The only version of the schema.
pub const VERSION: u32 = 1;

/// Longest text that is looked at, in bytes, before it is parsed.
///
/// Far above [`MAX_PRD_BYTES`], since Markdown may need several bytes to escape one.
pub const MAX_INPUT_BYTES: usize = 4 * 1024 * 1024;

/// Largest PRD, in bytes of its compact JSON: it has to fit into one etcd record with room to spare.
pub const MAX_PRD_BYTES: usize = 512 * 1024;

/// Most stories in a PRD.
pub const MAX_STORIES: usize = 200;

/// Most entries in any other list.
pub const MAX_ITEMS: usize = 200;

/// Longest name or title, in characters; these have one line.
pub const MAX_NAME_CHARS: usize = 300;

/// Longest list entry, criterion or gate, in characters.
pub const MAX_ITEM_CHARS: usize = 4_000;

/// Longest overview, description or note, in characters.
pub const MAX_TEXT_CHARS: usize = 20_000;

/// Most diagnostics of one level in a report; further ones are only counted.
pub const MAX_DIAGNOSTICS: usize = 200;

/// A product requirements document.
///
/// The serde form is for records that Smith wrote itself: it checks types only, ignores unknown fields
/// and fails at the first problem. Read what comes from outside with [`Prd::from_json`] or its siblings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Prd {
    /// Always [`VERSION`].
    pub version: u32,
    /// Name of the project or of the change.
    pub project: String,
    /// What is wanted and why.
    pub overview: String,
    /// What will be better.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub goals: Vec<String>,
    /// What is left out on purpose.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub non_goals: Vec<String>,
    /// How success will be measured.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub success_metrics: Vec<String>,
    /// What nobody has decided yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub open_questions: Vec<String>,
    /// Technology that is given.
    #[serde(default, skip_serializing_if = "Stack::is_empty")]
    pub stack: Stack,
    /// Pages or endpoints.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<Route>,
    /// Notes on what users see.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub ui_notes: String,
    /// Entities and their fields.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data_model: Vec<Entity>,
    /// The format of data that is to be imported.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub import_format: String,
    /// What every story has to keep to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
    /// Commands that decide whether a story is done.
    pub quality_gates: Vec<String>,
    /// The work, in the order in which it is done.
    pub stories: Vec<Story>,
}

/// Technology that is given; empty where it is not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Stack {
    /// Framework.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub framework: String,
    /// Where it runs.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hosting: String,
    /// Where data is kept.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub database: String,
    /// How users prove who they are.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub auth: String,
}

impl Stack {
    /// Whether nothing is given.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A page or an endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Route {
    /// Where it is found.
    pub path: String,
    /// What it is called.
    #[serde(default)]
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub purpose: String,
}

/// One kind of thing in the data model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Entity {
    /// Its name.
    pub name: String,
    /// Its fields.
    #[serde(default)]
    pub fields: Vec<EntityField>,
}

/// A field of an [`Entity`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct EntityField {
    /// Its name.
    pub name: String,
    /// Its type, in the words of the author.
    #[serde(default, rename = "type")]
    pub type_name: String,
    /// Anything else.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// One piece of work that fits one iteration of an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Story {
    /// Its place in the list, as `US-001`.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub id: StoryId,
    /// What it is about, in one line.
    pub title: String,
    /// How far it is, as the document says.
    pub status: StoryStatus,
    /// Stories that have to be done before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub depends_on: Vec<StoryId>,
    /// Who wants what, and why.
    pub description: String,
    /// What has to be true when it is done.
    pub acceptance_criteria: Vec<String>,
}

/// How far a story is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum StoryStatus {
    /// Not begun.
    #[default]
    Open,
    /// Being worked on; at most one story is.
    InProgress,
    /// Done.
    Done,
}

impl StoryStatus {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Open, Self::InProgress, Self::Done];

    /// The name in documents.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::InProgress => "in_progress",
            Self::Done => "done",
        }
    }
}

impl Prd {
    /// Reads a PRD in either format.
    pub fn from_text(format: Format, text: &str) -> Result<(Self, Report), Report> {
        match format {
            Format::Json => Self::from_json(text),
            Format::Markdown => Self::from_markdown(text),
        }
    }

    /// Reads JSON. The report of a PRD that is returned holds warnings only.
    pub fn from_json(text: &str) -> Result<(Self, Report), Report> {
        json::read(text)
    }

    /// Reads JSON that is already parsed, for example a field of a request.
    pub fn from_value(value: &serde_json::Value) -> Result<(Self, Report), Report> {
        read::read(value, &read::SourceLines::default(), diagnostic::Findings::default())
    }

    /// Like [`Prd::from_value`], for those who have no place to show warnings.
    pub fn accept(value: &serde_json::Value) -> Result<Self, Report> {
        Self::from_value(value).map(|(prd, _)| prd)
    }

    /// Reads Markdown: what [`Prd::to_markdown`] writes, and what people write by hand.
    pub fn from_markdown(text: &str) -> Result<(Self, Report), Report> {
        markdown::read(text)
    }

    /// Holds a PRD that was built in code against all rules.
    pub fn check(&self) -> Report {
        let value =
            serde_json::to_value(self).expect("a PRD is made of strings, lists and numbers");
        match Self::from_value(&value) {
            Ok((_, report)) | Err(report) => report,
        }
    }

    /// The one JSON form: two spaces, fields in the order of the schema, empty optional fields left out.
    pub fn canonical_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self)
            .expect("a PRD is made of strings, lists and numbers");
        text.push('\n');
        text
    }

    /// Markdown from which [`Prd::from_markdown`] makes the same PRD again.
    ///
    /// Also writes a PRD that has errors, so that a draft can be looked at.
    pub fn to_markdown(&self) -> String {
        markdown::write(self)
    }
}

#[cfg(test)]
mod tests;
