//! Which loops a view shows: words that all have to hold. Pure.
//!
//! `fix` (in id, title or message), `/^fix-\d+/` (a regular expression), `~fxdt` (fuzzy), `state:flatline` (a field),
//! and any of them with `!` before it, which turns it around.

use regex::{Regex, RegexBuilder};
use smith_model::state::State;

use crate::fleet::Row;

/// What has to hold.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    text: String,
    words: Vec<Word>,
}

#[derive(Clone, Debug)]
struct Word {
    is_inverse: bool,
    test: Test,
}

#[derive(Clone, Debug)]
enum Test {
    Text(String),
    Regex(Regex),
    State(State),
    Project(String),
}

impl PartialEq for Filter {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Filter {
    /// Reads a filter; an empty one lets everything through.
    pub fn parse(text: &str) -> Result<Self, String> {
        let words: Result<Vec<_>, _> = text.split_whitespace().map(word).collect();
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

    /// Does it let this one through?
    pub fn matches(&self, row: &Row) -> bool {
        self.words.iter().all(|word| word.test.holds(row) != word.is_inverse)
    }
}

fn word(text: &str) -> Result<Word, String> {
    let (is_inverse, text) = match text.strip_prefix('!') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let test = match text.strip_prefix('/') {
        Some(pattern) => {
            let pattern = pattern.strip_suffix('/').unwrap_or(pattern);
            let regex = RegexBuilder::new(pattern).case_insensitive(true).build();
            Test::Regex(regex.map_err(|error| format!("/{pattern}/: {error}"))?)
        }
        None => match text.split_once(':') {
            Some(("state", name)) => {
                Test::State(name.parse().map_err(|_| format!("{name:?} isn't a state"))?)
            }
            Some(("project", name)) => Test::Project(name.to_owned()),
            _ => Test::Text(text.to_lowercase()),
        },
    };
    Ok(Word { is_inverse, test })
}

impl Test {
    fn holds(&self, row: &Row) -> bool {
        match self {
            Self::Text(text) => {
                row.id.as_str().contains(text)
                    || row.title.to_lowercase().contains(text)
                    || row.message.to_lowercase().contains(text)
            }
            Self::Regex(regex) => regex.is_match(row.id.as_str()) || regex.is_match(&row.title),
            Self::State(state) => row.state == *state,
            Self::Project(project) => row.project.as_str() == project,
        }
    }
}
