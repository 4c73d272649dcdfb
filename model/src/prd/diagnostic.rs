//! What a PRD's reader has to say: diagnostics with stable codes, and the report that carries them.
//!
//! The codes are a closed set with a fixed level each; [`CODES`] is the table that documentation and
//! `smithctl` print. The codes of the original project keep their names and levels.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::MAX_DIAGNOSTICS;

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// The PRD is refused.
    Error,
    /// The PRD is accepted, and probably worth another look.
    Warning,
}

/// One line of the table of codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeRule {
    /// The code.
    pub code: Code,
    /// Its name in JSON.
    pub name: &'static str,
    /// Its level.
    pub level: Level,
    /// The rule that is broken, in one line.
    pub rule: &'static str,
}

macro_rules! codes {
    ($($variant:ident $name:literal $level:ident $rule:literal)*) => {
        /// What is wrong, as a name that does not change.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        pub enum Code {
            $(#[doc = $rule] #[serde(rename = $name)] $variant,)*
        }

        /// Every code with its level and rule.
        pub const CODES: &[CodeRule] = &[
            $(CodeRule { code: Code::$variant, name: $name, level: Level::$level, rule: $rule },)*
        ];
    };
}

codes! {
    MalformedJson "prd_malformed_json" Error "the text is JSON, with at most 127 levels of nesting"
    TooLarge "prd_too_large" Error "the text has at most 4 MiB, and the PRD at most 512 KiB as compact JSON"
    WrongType "prd_wrong_type" Error "every field has the type of the schema"
    UnknownField "prd_unknown_field" Error "an object has only fields that the schema knows"
    DuplicateField "prd_duplicate_field" Error "an object has each field once"
    InvalidVersion "prd_invalid_version" Error "version is given, and is at least 1"
    UnsupportedVersion "prd_unsupported_version" Error "version is one that Smith knows, which is 1"
    MissingProject "prd_missing_project" Error "project is not blank"
    MissingOverview "prd_missing_overview" Error "overview is not blank"
    MissingQualityGates "prd_missing_quality_gates" Error "there is at least one quality gate"
    EmptyQualityGate "prd_empty_quality_gate" Error "a quality gate is not blank"
    MissingStories "prd_missing_stories" Error "there is at least one story"
    TooManyItems "prd_too_many_items" Error "a list has at most 200 entries"
    TextTooLong "prd_text_too_long" Error "a name has at most 300 characters, a list entry 4000, a text 20000"
    ControlCharacter "prd_control_character" Error "a text has no control characters but tabs and line ends, and a name not even these"
    EmptyItem "prd_empty_item" Warning "an entry of an optional list is not blank, and has a name or path"
    NonCanonicalStoryId "prd_non_canonical_story_id" Error "story ids are US-001, US-002 and so on, in the order of the list"
    DuplicateStoryId "prd_duplicate_story_id" Error "a story id is used once"
    MissingStoryTitle "prd_missing_story_title" Error "a story's title is not blank"
    MissingStoryDescription "prd_missing_story_description" Error "a story's description is not blank"
    MissingAcceptanceCriteria "prd_missing_acceptance_criteria" Error "a story has at least one acceptance criterion"
    EmptyAcceptanceCriterion "prd_empty_acceptance_criterion" Error "an acceptance criterion is not blank"
    InvalidStoryStatus "prd_invalid_story_status" Error "a story's status is open, in_progress or done"
    MultipleInProgressStories "prd_multiple_in_progress_stories" Error "at most one story is in_progress"
    UnknownStoryDependency "prd_unknown_story_dependency" Error "dependsOn names stories of this PRD"
    FutureStoryDependency "prd_future_story_dependency" Error "a story depends on earlier stories only"
    RepeatedStoryDependency "prd_repeated_story_dependency" Warning "dependsOn names a story once"
    BundledStorySurfaces "prd_bundled_story_surfaces" Error "a story that depends on nothing does not touch command line, API and user interface at once"
    OversizedStory "prd_oversized_story" Warning "a story has at most 5 criteria, and 900 characters in title, description and criteria"
    WeakAcceptanceCriteria "prd_weak_acceptance_criteria" Warning "a criterion says what can be observed, in at least 4 words and without vague ones"
    MissingNegativeCase "prd_missing_negative_case" Warning "a story has a criterion for a failure"
    MarkdownUnknownSection "prd_markdown_unknown_section" Warning "headings are those of the Markdown form"
    MarkdownRepeatedSection "prd_markdown_repeated_section" Warning "a section or label is given once"
    MarkdownStrayText "prd_markdown_stray_text" Warning "a section of lists or tables has nothing else in it"
    MarkdownUnclosedFence "prd_markdown_unclosed_fence" Warning "a code fence is closed"
}

impl Code {
    /// The code's line in [`CODES`].
    pub fn rule(self) -> &'static CodeRule {
        // `CODES` is made from the same list as the enum, in the same order.
        &CODES[self as usize]
    }

    /// The name in JSON.
    pub fn name(self) -> &'static str {
        self.rule().name
    }

    /// The level.
    pub fn level(self) -> Level {
        self.rule().level
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One problem of a PRD.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Diagnostic {
    /// What is wrong.
    pub code: Code,
    /// Where, as a JSON path from `$`; of Markdown: the field that the text would have become.
    pub path: String,
    /// Line in the text, from 1, where there is a text and the line is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Column in the line, from 1; of malformed JSON only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// The story that it is about, as the document names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub story_id: Option<String>,
    /// What is wrong, for people.
    pub message: String,
    /// The way out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
}

impl Diagnostic {
    pub(super) fn new(code: Code, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code,
            path: path.into(),
            line: None,
            column: None,
            story_id: None,
            message: message.into(),
            suggestion: None,
        }
    }

    pub(super) fn suggest(mut self, suggestion: impl Into<String>) -> Self {
        self.suggestion = Some(suggestion.into());
        self
    }

    pub(super) fn at_line(mut self, line: u32) -> Self {
        self.line = Some(line);
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, path, line, column, story_id: _, message, suggestion } = self;
        match (line, column) {
            (Some(line), Some(column)) => write!(f, "line {line}, column {column}: ")?,
            (Some(line), None) => write!(f, "line {line}: ")?,
            (None, _) => {}
        }
        write!(f, "{path}: {message} ({code})")?;
        match suggestion {
            Some(suggestion) => write!(f, "; {suggestion}"),
            None => Ok(()),
        }
    }
}

/// Whether a PRD can be worked on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Readiness {
    /// Nothing to say.
    Pass,
    /// Warnings only.
    Warn,
    /// At least one error.
    Fail,
}

/// Everything that was found in a PRD.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Whether there is no error.
    pub valid: bool,
    /// The errors, at most [`MAX_DIAGNOSTICS`].
    pub errors: Vec<Diagnostic>,
    /// The warnings, at most as many.
    pub warnings: Vec<Diagnostic>,
    /// The report in one word.
    pub readiness: Readiness,
    /// How many more problems were found than are listed.
    #[serde(default, skip_serializing_if = "none_omitted")]
    pub omitted: u32,
}

fn none_omitted(omitted: &u32) -> bool {
    *omitted == 0
}

/// Diagnostics while they are being collected.
#[derive(Debug, Default)]
pub(super) struct Findings {
    errors: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
    omitted: u32,
}

impl Findings {
    pub(super) fn add(&mut self, diagnostic: Diagnostic) {
        self.add_with(diagnostic.code, || diagnostic);
    }

    /// For what a hostile document can have millions of: made only if there is room for it.
    pub(super) fn add_with(&mut self, code: Code, diagnostic: impl FnOnce() -> Diagnostic) {
        let list = match code.level() {
            Level::Error => &mut self.errors,
            Level::Warning => &mut self.warnings,
        };
        if list.len() < MAX_DIAGNOSTICS {
            list.push(diagnostic());
        } else {
            self.omitted = self.omitted.saturating_add(1);
        }
    }

    pub(super) fn into_report(self) -> Report {
        let Self { errors, warnings, omitted } = self;
        let readiness = match (errors.is_empty(), warnings.is_empty()) {
            (false, _) => Readiness::Fail,
            (true, false) => Readiness::Warn,
            (true, true) => Readiness::Pass,
        };
        Report { valid: errors.is_empty(), errors, warnings, readiness, omitted }
    }
}

/// A value of a document in a message: quoted, on one line, not longer than a line.
pub(super) fn shown(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut start: String = text.chars().take(LONGEST).collect();
    if start.len() < text.len() {
        start.push('…');
    }
    format!("{start:?}")
}
