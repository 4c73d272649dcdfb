//! Which items a view shows: words that all have to hold, written as in the fleet's filter. Pure.
//!
//! A word alone is looked for in id, title and message. Fields: `severity:`, `kind:`, `project:`, `id:`, `title:`,
//! `message:` and `claimed:`, which is `me`, `none`, `any`, or whom.

use smith_model::inbox::{Item, Kind, Severity};

use crate::fleet::{Pattern, Raw, words};

/// What has to hold.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    text: String,
    words: Vec<Word>,
}

/// Who looks.
#[derive(Clone, Copy, Debug)]
pub struct Viewer<'a> {
    /// The name, once it is known.
    pub name: Option<&'a str>,
}

#[derive(Clone, Debug)]
struct Word {
    is_inverse: bool,
    /// One of them has to hold.
    tests: Vec<Test>,
}

#[derive(Clone, Debug)]
enum Test {
    Somewhere(Pattern),
    Id(Pattern),
    Title(Pattern),
    Message(Pattern),
    Project(Pattern),
    Severity(Severity),
    Kind(Kind),
    Mine,
    Claimed,
    Unclaimed,
    ClaimedBy(Pattern),
}

impl Filter {
    /// Reads a filter; an empty one lets everything through. What is wrong names the word and the rule.
    pub fn parse(text: &str) -> Result<Self, String> {
        let words: Result<Vec<_>, _> = words::split(text)?.into_iter().map(Word::of).collect();
        Ok(Self { text: text.trim().to_owned(), words: words? })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Does it let everything through?
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// The same with a word more, or without it, if it was there: as text.
    pub fn toggled(&self, word: &str) -> String {
        words::toggled(&self.text, word)
    }

    /// Does it let this one through?
    pub fn matches(&self, item: &Item, viewer: Viewer<'_>) -> bool {
        self.words
            .iter()
            .all(|word| word.tests.iter().any(|test| test.holds(item, viewer)) != word.is_inverse)
    }
}

impl Word {
    fn of(raw: Raw<'_>) -> Result<Self, String> {
        let Raw { written, is_inverse, field, text, is_quoted } = raw;
        let about = |error: String| format!("{written}: {error}");
        let Some(field) = field else {
            let pattern = Pattern::parse(text, is_quoted).map_err(about)?;
            return Ok(Self { is_inverse, tests: vec![Test::Somewhere(pattern)] });
        };
        if text.is_empty() && !is_quoted {
            return Err(about("what it has to be follows the colon".to_owned()));
        }
        // Neither a regular expression nor text in quotes is a list.
        let tests: Result<Vec<_>, _> = match is_quoted || text.starts_with('/') {
            true => vec![test(field, text, is_quoted)].into_iter().collect(),
            false => text.split(',').map(|part| test(field, part, false)).collect(),
        };
        Ok(Self { is_inverse, tests: tests.map_err(about)? })
    }
}

fn test(field: &str, text: &str, is_quoted: bool) -> Result<Test, String> {
    let pattern = || Pattern::parse(text, is_quoted);
    // As in the fleet: the whole name behind `=`.
    let name = text.strip_prefix('=').unwrap_or(text);
    Ok(match field.to_ascii_lowercase().as_str() {
        "severity" => Test::Severity(name.parse().map_err(|error| format!("{error}"))?),
        "kind" => Test::Kind(name.parse().map_err(|error| format!("{error}"))?),
        "project" => Test::Project(pattern()?),
        "id" | "loop" => Test::Id(pattern()?),
        "title" => Test::Title(pattern()?),
        "message" => Test::Message(pattern()?),
        "claimed" if is_quoted => Test::ClaimedBy(pattern()?),
        "claimed" => match text {
            "me" => Test::Mine,
            "none" | "no" => Test::Unclaimed,
            "any" | "yes" => Test::Claimed,
            _ => Test::ClaimedBy(pattern()?),
        },
        _ => {
            return Err(format!(
                "{field:?} isn't a field of the inbox: severity, kind, project, claimed, id, title \
                 and message are"
            ));
        }
    })
}

impl Test {
    fn holds(&self, item: &Item, viewer: Viewer<'_>) -> bool {
        let claimed = item.mark.as_ref().and_then(|mark| mark.claimed_by.as_deref());
        match self {
            Self::Somewhere(pattern) => {
                pattern.holds(item.loop_id.as_str())
                    || pattern.holds(&item.title)
                    || pattern.holds(&item.message)
            }
            Self::Id(pattern) => pattern.holds(item.loop_id.as_str()),
            Self::Title(pattern) => pattern.holds(&item.title),
            Self::Message(pattern) => pattern.holds(&item.message),
            Self::Project(pattern) => pattern.holds(item.project.as_str()),
            Self::Severity(severity) => item.severity == *severity,
            Self::Kind(kind) => item.kind == *kind,
            Self::Mine => claimed.is_some() && claimed == viewer.name,
            Self::Claimed => claimed.is_some(),
            Self::Unclaimed => claimed.is_none(),
            Self::ClaimedBy(pattern) => claimed.is_some_and(|by| pattern.holds(by)),
        }
    }
}
