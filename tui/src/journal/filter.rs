//! Which entries are shown: words that all have to hold, chosen levels, chosen phases. Pure.

use smith_model::journal::{Entry, Level, Phase};

use super::entry;
use crate::pager::Pattern;

/// All levels, as chips show them.
pub(super) const LEVELS: [Level; 4] = [Level::Error, Level::Warn, Level::Info, Level::Output];

/// All phases, in the order of a loop's life.
pub(super) const PHASES: [Phase; 10] = [
    Phase::Ingress,
    Phase::Core,
    Phase::Startup,
    Phase::Checkout,
    Phase::Prd,
    Phase::Iteration,
    Phase::Gates,
    Phase::Publish,
    Phase::Completion,
    Phase::Operator,
];

/// Which entries are shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    text: String,
    words: Vec<Word>,
    /// None chosen: all.
    levels: Vec<Level>,
    /// None chosen: all.
    phases: Vec<Phase>,
}

#[derive(Clone, Debug, PartialEq)]
struct Word {
    is_inverse: bool,
    pattern: Pattern,
}

impl Filter {
    /// The words, as they were written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Does it let everything through?
    pub fn is_empty(&self) -> bool {
        self.words.is_empty() && self.levels.is_empty() && self.phases.is_empty()
    }

    /// The same levels and phases with other words: `word`, `/regex/`, and either with `!` before it.
    pub(super) fn with_words(&self, text: &str) -> Result<Self, String> {
        let (mut words, mut rest) = (vec![], text.trim());
        while !rest.is_empty() {
            let (text, behind) = first_word(rest);
            rest = behind.trim_start();
            let (is_inverse, text) = match text.strip_prefix('!') {
                Some(rest) => (true, rest),
                None => (false, text),
            };
            if let Some(pattern) = Pattern::parse(text)? {
                words.push(Word { is_inverse, pattern });
            }
        }
        Ok(Self { text: text.trim().to_owned(), words, ..self.clone() })
    }

    pub(super) fn toggle_level(&mut self, level: Option<Level>) {
        toggle(&mut self.levels, level);
    }

    pub(super) fn toggle_phase(&mut self, phase: Option<Phase>) {
        toggle(&mut self.phases, phase);
    }

    /// Is it one of several that were chosen? Nothing, where none was.
    pub(super) fn has_level(&self, level: Level) -> Option<bool> {
        (!self.levels.is_empty()).then(|| self.levels.contains(&level))
    }

    /// Is it one of several that were chosen? Nothing, where none was.
    pub(super) fn has_phase(&self, phase: Phase) -> Option<bool> {
        (!self.phases.is_empty()).then(|| self.phases.contains(&phase))
    }

    /// Does it let this one through?
    pub fn takes(&self, entry: &Entry) -> bool {
        self.has_level(entry.draft.level) != Some(false)
            && self.has_phase(entry.draft.phase) != Some(false)
            && self.words.iter().all(|word| {
                let mut texts = entry::texts(entry);
                texts.any(|text| word.pattern.is_in(text)) != word.is_inverse
            })
    }
}

/// The first word and what is behind it; between slashes blanks are part of it.
fn first_word(text: &str) -> (&str, &str) {
    let sign = if text.starts_with('!') { 1 } else { 0 };
    let ends = |from: usize, end: usize| {
        let behind = &text[from + end + 1..];
        behind.is_empty() || behind.starts_with(char::is_whitespace)
    };
    if text[sign..].starts_with('/') {
        let from = sign + 1;
        let close = text[from..].match_indices('/').find(|(end, _)| ends(from, *end));
        if let Some((end, _)) = close {
            return text.split_at(from + end + 1);
        }
    }
    text.split_at(text.find(char::is_whitespace).unwrap_or(text.len()))
}

fn toggle<T: PartialEq>(chosen: &mut Vec<T>, what: Option<T>) {
    let Some(what) = what else {
        chosen.clear();
        return;
    };
    match chosen.iter().position(|other| *other == what) {
        Some(at) => {
            chosen.remove(at);
        }
        None => chosen.push(what),
    }
}
