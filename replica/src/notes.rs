//! What an agent may leave in `.smith/` for the next iteration: a handoff and what it used.
//!
//! Both are claims of the agent. They are read bounded, shown as the agent's words, and decide
//! nothing but the budgets, which can only end an attempt earlier.

use serde::Deserialize;
use smith_model::printable::{Lines, printable};
use smith_model::redact::Secrets;
use smith_model::story::Usage;

use crate::excerpt::cut;

/// The directory in the workspace that belongs to Smith; it never enters a commit.
pub const DIRECTORY: &str = ".smith";
/// Where the prompt is.
pub const PROMPT: &str = ".smith/prompt.md";
/// Where an agent leaves its handoff.
pub const HANDOFF: &str = ".smith/handoff.json";
/// Where an agent reports what it used, as `{"input_tokens", "output_tokens", "cost_microusd"}`;
/// each may be left out, and the numbers are of this iteration alone.
pub const USAGE: &str = ".smith/usage.json";

/// The most bytes that are read of either.
pub const MOST_BYTES: u64 = 64 * 1024;
/// The most sentences that are kept of one list.
const MOST_ITEMS: usize = 20;
/// The most bytes of one sentence.
const MOST_ITEM: usize = 400;

/// What an agent says for those who come after it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Notes {
    /// What it did.
    pub done: Vec<String>,
    /// What it left.
    pub remaining: Vec<String>,
    /// What it decided.
    pub decisions: Vec<String>,
    /// What it isn't sure of.
    pub uncertain: Vec<String>,
    /// What it learnt.
    pub learnings: Vec<String>,
}

impl Notes {
    /// Reads a handoff file: bounded, on single printable lines, without secrets.
    pub fn parse(bytes: &[u8], secrets: &Secrets) -> Result<Self, serde_json::Error> {
        let mut notes: Self = serde_json::from_slice(bytes)?;
        for list in notes.lists() {
            list.truncate(MOST_ITEMS);
            for item in list.iter_mut() {
                *item = sentence(item, secrets);
            }
            list.retain(|item| !item.is_empty());
        }
        Ok(notes)
    }

    /// Adds what a later agent says: its lists of what is done and what remains replace the older,
    /// the others grow, without repetition, by dropping the oldest.
    pub fn absorb(&mut self, later: Self) {
        let Self { done, remaining, decisions, uncertain, learnings } = later;
        self.done = done;
        self.remaining = remaining;
        grow(&mut self.decisions, decisions);
        grow(&mut self.uncertain, uncertain);
        grow(&mut self.learnings, learnings);
    }

    fn lists(&mut self) -> [&mut Vec<String>; 5] {
        let Self { done, remaining, decisions, uncertain, learnings } = self;
        [done, remaining, decisions, uncertain, learnings]
    }
}

fn grow(list: &mut Vec<String>, more: Vec<String>) {
    for item in more {
        list.retain(|known| *known != item);
        list.push(item);
    }
    let over = list.len().saturating_sub(MOST_ITEMS);
    list.drain(..over);
}

fn sentence(text: &str, secrets: &Secrets) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = secrets.redact_text(&text);
    cut(&printable(&text, Lines::One), MOST_ITEM).to_owned()
}

/// Reads a usage file. Unknown fields are left alone, since agents may report more than is counted.
pub fn usage(bytes: &[u8]) -> Result<Usage, serde_json::Error> {
    serde_json::from_slice(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_handoff_is_bounded_printable_and_without_secrets() {
        let secrets = Secrets::new(["hunter2hunter2"]);
        let long = "x".repeat(10_000);
        let text = serde_json::json!({
            "done": ["one\n two\u{1b}[31m", "  ", "hunter2hunter2 is the key", long],
            "learnings": vec!["l"; 1000], "unknown": 1,
        });
        let notes = Notes::parse(text.to_string().as_bytes(), &secrets).expect("reads");
        assert_eq!(notes.done[0], "one two\\x1b[31m");
        assert_eq!(notes.done[1], "[redacted] is the key");
        assert_eq!(notes.done[2].len(), MOST_ITEM);
        assert_eq!(notes.learnings.len(), MOST_ITEMS);
        assert!(Notes::parse(b"[1]", &secrets).is_err());
        assert!(Notes::parse(br#"{"done": "all"}"#, &secrets).is_err());
    }

    #[test]
    fn later_notes_are_added_without_repetition() {
        let mut notes = Notes { learnings: vec!["a".into(), "b".into()], ..Notes::default() };
        notes.absorb(Notes { learnings: vec!["a".into(), "c".into()], ..Notes::default() });
        assert_eq!(notes.learnings, ["b", "a", "c"]);
    }

    #[test]
    fn usage_may_be_partial() {
        assert_eq!(
            usage(br#"{"output_tokens": 3, "model": "m"}"#).expect("reads").output_tokens,
            3
        );
        assert!(usage(br#"{"output_tokens": -3}"#).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_get_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Notes::parse(&bytes, &Secrets::new(["secret-secret"]));
            let _ = usage(&bytes);
        }
    }
}
