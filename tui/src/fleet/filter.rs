//! Which loops a view shows: words that all have to hold. Pure.
//!
//! - `fix`: in id, title or message, whatever the case; `"two words"` with what would mean something otherwise.
//! - `/^fix-\d+/`: a regular expression; `~fxdt`: fuzzy; both in id, title or message.
//! - `state:flatline`, `age:>1h`, `label:env=prod`: a field, see [`field`]; several behind commas: any of them.
//! - `!` before any of them turns it around.

mod field;
mod fuzzy;
pub(crate) mod words;

#[cfg(test)]
mod tests;

use std::ops::Range;

use jiff::Timestamp;
use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use crate::fleet::{Column, Row};
use field::{Field, Test};
use fuzzy::Fuzzy;
use words::Raw;

/// The columns in which a word without a field is looked for.
const SEARCHED: [Column; 3] = [Column::Loop, Column::Title, Column::Message];

/// What has to hold.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Filter {
    text: String,
    words: Vec<Word>,
}

#[derive(Clone, Debug)]
struct Word {
    is_inverse: bool,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    /// Somewhere in what is searched.
    Somewhere(Pattern),
    /// A field, for which one of the tests holds.
    Field(Field, Vec<Test>),
}

/// What a text has to be like.
#[derive(Clone, Debug)]
pub(crate) enum Pattern {
    /// To contain that, in lower case here, whatever the case there.
    Contains(String),
    /// To be that, whatever the case.
    Is(String),
    Regex(Regex),
    Fuzzy(Fuzzy),
}

impl PartialEq for Filter {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl From<Filter> for String {
    fn from(filter: Filter) -> Self {
        filter.text
    }
}

impl TryFrom<String> for Filter {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
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

    /// May what it lets through change by time passing alone?
    pub fn is_timely(&self) -> bool {
        self.words.iter().any(|word| match &word.what {
            What::Somewhere(_) => false,
            What::Field(_, tests) => tests.iter().any(Test::is_timely),
        })
    }

    /// Does it let this one through, at a time?
    pub fn matches(&self, row: &Row, now: Timestamp) -> bool {
        self.words.iter().all(|word| word.holds(row, now) != word.is_inverse)
    }

    /// Is a word part of it, as it is written?
    pub fn has(&self, word: &str) -> bool {
        words::written(&self.text).any(|written| written == word)
    }

    /// The same with a word more, or without it, if it was there: as text.
    pub fn toggled(&self, word: &str) -> String {
        words::toggled(&self.text, word)
    }

    /// The parts of a column's text that the words were found in.
    pub fn hits(&self, column: Column, text: &str, found: &mut Vec<Range<usize>>) {
        for word in self.words.iter().filter(|word| !word.is_inverse) {
            match &word.what {
                What::Somewhere(pattern) if SEARCHED.contains(&column) => pattern.find(text, found),
                What::Field(field, tests) if field.column() == Some(column) => {
                    tests.iter().filter_map(Test::pattern).for_each(|p| p.find(text, found));
                }
                What::Somewhere(_) | What::Field(..) => {}
            }
        }
    }
}

impl Word {
    fn of(raw: Raw<'_>) -> Result<Self, String> {
        let Raw { written, is_inverse, field, text, is_quoted } = raw;
        let about = |error: String| format!("{written}: {error}");
        let what = match field {
            None => What::Somewhere(Pattern::parse(text, is_quoted).map_err(about)?),
            Some(name) => {
                let field = Field::named(name).map_err(about)?;
                What::Field(field, field.tests(text, is_quoted).map_err(about)?)
            }
        };
        Ok(Self { is_inverse, what })
    }

    fn holds(&self, row: &Row, now: Timestamp) -> bool {
        match &self.what {
            What::Somewhere(pattern) => {
                pattern.holds(row.id.as_str())
                    || pattern.holds(&row.title)
                    || pattern.holds(&row.message)
            }
            What::Field(field, tests) => tests.iter().any(|test| test.holds(*field, row, now)),
        }
    }
}

impl Pattern {
    pub(crate) fn parse(text: &str, is_quoted: bool) -> Result<Self, String> {
        if is_quoted {
            return Ok(Self::Contains(text.to_lowercase()));
        }
        if let Some(pattern) = text.strip_prefix('/') {
            let pattern = pattern.strip_suffix('/').unwrap_or(pattern);
            let mut regex = RegexBuilder::new(pattern);
            return match regex.case_insensitive(true).size_limit(1 << 20).build() {
                Ok(regex) => Ok(Self::Regex(regex)),
                Err(regex::Error::CompiledTooBig(_)) => {
                    Err("the regular expression is too big".to_owned())
                }
                // The last line of regex's own message says what, the others draw where.
                Err(error) => {
                    let text = error.to_string();
                    let last = text.lines().last().unwrap_or_default();
                    let what = last.trim_start_matches("error: ");
                    Err(format!("not a regular expression: {what}"))
                }
            };
        }
        if let Some(letters) = text.strip_prefix('~') {
            return match letters {
                "" => Err("letters that have to appear in this order follow ~".to_owned()),
                letters => Ok(Self::Fuzzy(Fuzzy::new(letters))),
            };
        }
        if let Some(whole) = text.strip_prefix('=') {
            return Ok(Self::Is(whole.to_lowercase()));
        }
        Ok(Self::Contains(text.to_lowercase()))
    }

    pub(crate) fn holds(&self, text: &str) -> bool {
        match self {
            Self::Contains(part) => contains(text, part),
            Self::Is(whole) => is_same(text, whole),
            Self::Regex(regex) => regex.is_match(text),
            Self::Fuzzy(fuzzy) => fuzzy.matches(text),
        }
    }

    fn find(&self, text: &str, found: &mut Vec<Range<usize>>) {
        match self {
            Self::Contains(part) if part.is_empty() => {}
            Self::Contains(part) if text.is_ascii() && part.is_ascii() => {
                let mut from = 0;
                while let Some(at) = position(&text.as_bytes()[from..], part.as_bytes()) {
                    found.push(from + at..from + at + part.len());
                    from += at + part.len();
                }
            }
            // Lower case may be longer or shorter: only what stands there as it was written is shown.
            Self::Contains(part) => {
                found.extend(text.match_indices(part.as_str()).map(|(at, p)| at..at + p.len()));
            }
            Self::Is(_) if self.holds(text) => found.push(0..text.len()),
            Self::Is(_) => {}
            Self::Regex(regex) => {
                found
                    .extend(regex.find_iter(text).map(|hit| hit.range()).filter(|r| !r.is_empty()));
            }
            Self::Fuzzy(fuzzy) => fuzzy.find(text, found),
        }
    }
}

fn contains(text: &str, lower: &str) -> bool {
    if text.is_ascii() {
        return position(text.as_bytes(), lower.as_bytes()).is_some();
    }
    text.to_lowercase().contains(lower)
}

fn is_same(text: &str, lower: &str) -> bool {
    text.eq_ignore_ascii_case(lower) || (!text.is_ascii() && text.to_lowercase() == lower)
}

/// Where ASCII stands in ASCII, whatever the case.
fn position(text: &[u8], part: &[u8]) -> Option<usize> {
    if part.is_empty() {
        return Some(0);
    }
    text.windows(part.len()).position(|window| window.eq_ignore_ascii_case(part))
}
