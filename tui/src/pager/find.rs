//! What is looked for in a text, and in which lines it is. Pure.

use std::ops::Range;

use regex::{Regex, RegexBuilder};

use super::{Line, Lines};

/// What is looked for: `word`, or `/regular expression/`. Without a capital letter, capitals don't matter.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    regex: Regex,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Pattern {
    /// Reads it; an empty one is nothing to look for.
    pub fn parse(text: &str) -> Result<Option<Self>, String> {
        let is_regex = text.len() > 1 && text.starts_with('/');
        let pattern = if is_regex {
            let pattern = &text[1..];
            pattern.strip_suffix('/').unwrap_or(pattern).to_owned()
        } else {
            regex::escape(text)
        };
        if pattern.is_empty() {
            return Ok(None);
        }
        let built = RegexBuilder::new(&pattern)
            .case_insensitive(!text.chars().any(char::is_uppercase))
            .size_limit(1 << 20)
            .build();
        match built {
            Ok(regex) => Ok(Some(Self { text: text.to_owned(), regex })),
            Err(regex::Error::CompiledTooBig(_)) => Err(format!("/{pattern}/ is too big")),
            Err(error) => {
                let error = error.to_string();
                let why = error.lines().last().unwrap_or_default();
                Err(format!("/{pattern}/: {}", why.trim_start_matches("error: ")))
            }
        }
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Is it in this text?
    pub fn is_in(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// Where it is at or behind a byte; what takes no room isn't found.
    pub(super) fn next_in(&self, text: &str, from: usize) -> Option<Range<usize>> {
        let found = self.regex.find_at(text, from)?;
        (!found.is_empty()).then(|| found.range())
    }
}

/// The lines in which it is.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) pattern: Pattern,
    /// In their order.
    hits: Vec<usize>,
    /// Which lines were looked at.
    seen: Range<usize>,
}

impl Found {
    pub(super) fn new(pattern: Pattern) -> Self {
        Self { pattern, hits: vec![], seen: 0..0 }
    }

    /// Looks at every line that it hasn't seen.
    pub(super) fn look(&mut self, lines: &dyn Lines) {
        let len = lines.len();
        if self.seen == (0..len) {
            return;
        }
        let mut line = Line::default();
        let mut is_in = |at: &usize| lines.has(*at, &self.pattern, &mut line);
        let mut hits: Vec<usize> = (0..self.seen.start.min(len)).filter(&mut is_in).collect();
        hits.append(&mut self.hits);
        hits.extend((self.seen.end..len).filter(&mut is_in));
        self.hits = hits;
        self.seen = 0..len;
    }

    /// Nothing of what was seen holds any more.
    pub(super) fn forget(&mut self) {
        self.hits.clear();
        self.seen = 0..0;
    }

    /// So many lines came before the first.
    pub(super) fn came_before(&mut self, lines: usize) {
        for hit in &mut self.hits {
            *hit += lines;
        }
        self.seen = self.seen.start + lines..self.seen.end + lines;
    }

    /// The first so many lines are gone.
    pub(super) fn went_before(&mut self, lines: usize) {
        self.hits.drain(..self.hits.partition_point(|hit| *hit < lines));
        for hit in &mut self.hits {
            *hit -= lines;
        }
        self.seen = self.seen.start.saturating_sub(lines)..self.seen.end.saturating_sub(lines);
    }

    /// The first at or behind a line; behind the last comes the first.
    pub(super) fn at_or_after(&self, line: usize) -> Option<usize> {
        let at = self.hits.partition_point(|hit| *hit < line);
        self.hits.get(at).or(self.hits.first()).copied()
    }

    /// The last before a line; before the first comes the last.
    pub(super) fn before(&self, line: usize) -> Option<usize> {
        let at = self.hits.partition_point(|hit| *hit < line);
        let before = at.checked_sub(1).and_then(|at| self.hits.get(at));
        before.or(self.hits.last()).copied()
    }

    /// Which of them a line is, counted from 1, and how many there are.
    pub(super) fn place(&self, line: usize) -> (Option<usize>, usize) {
        (self.hits.binary_search(&line).ok().map(|at| at + 1), self.hits.len())
    }
}
