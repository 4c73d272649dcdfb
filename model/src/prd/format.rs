//! Which format a PRD is in.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A format that PRDs are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// The canonical form.
    Json,
    /// The form for people.
    Markdown,
}

/// The text is no name of a format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a PRD format: use json or markdown")]
pub struct ParseFormatError {
    text: String,
}

impl FromStr for Format {
    type Err = ParseFormatError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.to_ascii_lowercase().as_str() {
            "json" | "structured" => Ok(Self::Json),
            "markdown" | "md" => Ok(Self::Markdown),
            _ => Err(ParseFormatError { text: text.chars().take(40).collect() }),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Json => "json",
            Self::Markdown => "markdown",
        })
    }
}

/// Guesses the format from a path (or a format's name), and where that says nothing, from the text.
///
/// JSON PRDs are objects, so a text that begins with a brace is JSON; a whole JSON list is taken for JSON
/// too, so that its author is told what is wrong with it.
pub fn format_of(hint: Option<&str>, text: &str) -> Format {
    let named = hint.and_then(|hint| {
        let file = hint.rsplit(['/', '\\']).next().unwrap_or(hint);
        let ending = file.rsplit('.').next().unwrap_or(file);
        ending.parse().ok()
    });
    named.unwrap_or_else(|| {
        match text.trim_start_matches('\u{feff}').trim_start().chars().next() {
            Some('{') => Format::Json,
            // A Markdown document may begin with a link or a checkbox; JSON has a value or a bracket next.
            Some('[') if serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() => {
                Format::Json
            }
            _ => Format::Markdown,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hint_decides_before_the_text() {
        for (hint, text, expected) in [
            (Some(".agents/tasks/prd.json"), "# Title", Format::Json),
            (Some("docs/PRD.MD"), "{}", Format::Markdown),
            (Some("markdown"), "{}", Format::Markdown),
            (Some("json"), "", Format::Json),
            (Some("prd.txt"), "\u{feff} {\"version\": 1}", Format::Json),
            (Some("prd.json/readme"), "# Title", Format::Markdown),
            (None, "[1]", Format::Json),
            (None, "[a link](https://example.org)", Format::Markdown),
            (None, "", Format::Markdown),
        ] {
            assert_eq!(format_of(hint, text), expected, "{hint:?} {text:?}");
        }
    }
}
