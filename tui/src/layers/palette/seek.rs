//! Loops that a palette's words may mean, found away from the task that draws. Pure.

use std::sync::Arc;

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use serde::{Deserialize, Serialize};
use smith_model::id::LoopId;

use crate::fleet::Row;

/// The most loops that are shown.
const MOST: usize = 30;

/// To be found.
#[derive(Debug)]
pub struct SeekJob {
    /// One more with each question: an answer to an older one is of no use.
    pub generation: u64,
    /// The words.
    pub words: String,
    /// Among these.
    pub rows: Vec<Option<Arc<Row>>>,
}

/// The best of them, best first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// Of the question.
    pub generation: u64,
    /// Which loops.
    pub loops: Vec<FoundLoop>,
}

/// A loop that may be meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundLoop {
    /// Its id.
    pub id: LoopId,
    /// Its title.
    pub title: String,
    /// How well it fits.
    pub score: u32,
}

impl SeekJob {
    /// Finds them.
    pub fn run(self) -> Found {
        let Self { generation, words, rows } = self;
        let mut score = Scores::new(&words);
        let mut best: Vec<(u32, Arc<Row>)> = vec![];
        let mut text = String::new();
        for row in rows.into_iter().flatten() {
            text.clear();
            text.push_str(row.id.as_str());
            text.push(' ');
            text.push_str(&row.title);
            let Some(score) = score.of(&text) else { continue };
            best.push((score, row));
            if best.len() > 4 * MOST {
                keep_best(&mut best);
            }
        }
        keep_best(&mut best);
        let loops = best.into_iter().map(|(score, row)| FoundLoop {
            id: row.id.clone(),
            title: row.title.to_string(),
            score,
        });
        Found { generation, loops: loops.collect() }
    }
}

fn keep_best(best: &mut Vec<(u32, Arc<Row>)>) {
    best.sort_by(|(a, one), (b, other)| b.cmp(a).then_with(|| one.id.cmp(&other.id)));
    best.truncate(MOST);
}

/// How well texts fit some words.
pub(super) struct Scores {
    pattern: Pattern,
    matcher: Matcher,
    buffer: Vec<char>,
}

impl Scores {
    pub(super) fn new(words: &str) -> Self {
        Self {
            pattern: Pattern::parse(words, CaseMatching::Smart, Normalization::Smart),
            matcher: Matcher::new(Config::DEFAULT),
            buffer: vec![],
        }
    }

    /// Nothing, where it doesn't fit.
    pub(super) fn of(&mut self, text: &str) -> Option<u32> {
        self.pattern.score(Utf32Str::new(text, &mut self.buffer), &mut self.matcher)
    }
}
