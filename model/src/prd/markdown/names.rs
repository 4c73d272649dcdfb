//! What headings are called: sections, parts of a story, and story ids in headings.

/// A section of the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Section {
    Overview,
    Goals,
    NonGoals,
    SuccessMetrics,
    OpenQuestions,
    Stack,
    Routes,
    UiNotes,
    DataModel,
    ImportFormat,
    Rules,
    QualityGates,
    Stories,
}

/// What a section holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    Text,
    List,
    Table,
    Entities,
    Stories,
}

impl Section {
    /// The section of a heading.
    pub(super) fn named(heading: &str) -> Option<Self> {
        Some(match plain(heading).as_str() {
            "overview" | "summary" | "description" => Self::Overview,
            "goals" | "objectives" => Self::Goals,
            "non goals" | "nongoals" => Self::NonGoals,
            "success metrics" => Self::SuccessMetrics,
            "open questions" => Self::OpenQuestions,
            "stack" | "tech stack" => Self::Stack,
            "routes" => Self::Routes,
            "ui notes" => Self::UiNotes,
            "data model" => Self::DataModel,
            "import format" => Self::ImportFormat,
            "rules" | "guardrails" => Self::Rules,
            "quality gates" => Self::QualityGates,
            "stories" | "user stories" => Self::Stories,
            _ => return None,
        })
    }

    /// The heading that is written.
    pub(super) fn heading(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Goals => "Goals",
            Self::NonGoals => "Non-Goals",
            Self::SuccessMetrics => "Success Metrics",
            Self::OpenQuestions => "Open Questions",
            Self::Stack => "Stack",
            Self::Routes => "Routes",
            Self::UiNotes => "UI Notes",
            Self::DataModel => "Data Model",
            Self::ImportFormat => "Import Format",
            Self::Rules => "Rules",
            Self::QualityGates => "Quality Gates",
            Self::Stories => "Stories",
        }
    }

    /// The field of the JSON form.
    pub(super) fn field(self) -> &'static str {
        match self {
            Self::Overview => "overview",
            Self::Goals => "goals",
            Self::NonGoals => "nonGoals",
            Self::SuccessMetrics => "successMetrics",
            Self::OpenQuestions => "openQuestions",
            Self::Stack => "stack",
            Self::Routes => "routes",
            Self::UiNotes => "uiNotes",
            Self::DataModel => "dataModel",
            Self::ImportFormat => "importFormat",
            Self::Rules => "rules",
            Self::QualityGates => "qualityGates",
            Self::Stories => "stories",
        }
    }

    pub(super) fn content(self) -> Content {
        match self {
            Self::Overview | Self::UiNotes | Self::ImportFormat => Content::Text,
            Self::Goals
            | Self::NonGoals
            | Self::SuccessMetrics
            | Self::OpenQuestions
            | Self::Rules
            | Self::QualityGates => Content::List,
            Self::Stack | Self::Routes => Content::Table,
            Self::DataModel => Content::Entities,
            Self::Stories => Content::Stories,
        }
    }
}

/// A part of a story that has a heading of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Description,
    Criteria,
    DependsOn,
    Status,
}

impl Part {
    /// The part of a heading.
    pub(super) fn named(heading: &str) -> Option<Self> {
        Some(match plain(heading).as_str() {
            "description" => Self::Description,
            "acceptance criteria" | "acceptance" | "criteria" => Self::Criteria,
            "depends on" | "dependencies" => Self::DependsOn,
            "status" => Self::Status,
            _ => return None,
        })
    }
}

/// A heading in lower case, without emphasis, punctuation and a number in front.
fn plain(heading: &str) -> String {
    let unnumbered = heading.trim_start_matches(|c: char| c.is_ascii_digit());
    let heading = match unnumbered.strip_prefix(['.', ')']) {
        Some(rest) if unnumbered.len() < heading.len() => rest,
        _ => heading,
    };
    let lower = heading.to_lowercase();
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

/// Where a story id (or what looks like one) is in a text: `US-` and digits or letters.
pub(super) fn story_id(text: &str) -> Option<std::ops::Range<usize>> {
    let bytes = text.as_bytes();
    let start = (0..bytes.len().saturating_sub(3)).find(|start| {
        bytes[*start..start + 3].eq_ignore_ascii_case(b"US-")
            && bytes[start + 3].is_ascii_digit()
            && !text[..*start].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '-' | '_'))
    })?;
    let length = bytes[start + 3..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    Some(start..start + 3 + length)
}

/// The inside of a text that is one span of code: `` `make test` ``.
pub(super) fn code_span(text: &str) -> Option<&str> {
    let inside = text.trim().strip_prefix('`')?.strip_suffix('`')?;
    (!inside.is_empty() && !inside.contains('`')).then_some(inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_are_read_loosely() {
        for (heading, expected) in [
            ("**Non-Goals**", Some(Section::NonGoals)),
            ("3. Quality gates:", Some(Section::QualityGates)),
            ("OBJECTIVES", Some(Section::Goals)),
            ("Goals and more", None),
            ("", None),
            ("3", None),
        ] {
            assert_eq!(Section::named(heading), expected, "{heading:?}");
        }
    }

    #[test]
    fn story_ids_are_found() {
        for (text, expected) in [
            ("US-001: Title", Some("US-001")),
            ("Story [us-1]", Some("us-1")),
            ("ä US-0001x", Some("US-0001x")),
            ("BUS-001", None),
            ("US-", None),
            ("US-abc", None),
            ("äUS-1", None),
        ] {
            assert_eq!(story_id(text).map(|range| &text[range]), expected, "{text:?}");
        }
    }
}
