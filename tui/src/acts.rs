//! What a person does to loops: which acts there are, what each will do, and how those under way do. Pure.

mod book;
mod forecast;
#[cfg(test)]
mod tests;
mod verb;

use serde::{Deserialize, Serialize};
use smith_model::id::{LoopId, Revision};

pub use book::{Book, Landed, Progress};
pub use forecast::{allowed, forecast};
pub use verb::Verb;

/// What can be asked for about acts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActAction {
    /// Ask whether to do it to the loops that are marked, or the one of the cursor.
    Ask {
        /// What.
        verb: Verb,
        /// Why, as far as it was said; it can be changed in the dialog.
        reason: String,
    },
    /// Ask whether to hold them, or to release them where all are held.
    ToggleHold,
    /// Do it; a person said yes to exactly this.
    Do(Order),
    /// Show what was done and refused.
    History,
}

/// An act that a person said yes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// What.
    pub verb: Verb,
    /// Why, in the person's words.
    pub reason: String,
    /// To what.
    pub targets: Vec<Target>,
}

/// A loop as the person saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The loop.
    pub id: LoopId,
    /// Its revision then: the server refuses the act if it has another one by now.
    pub revision: Revision,
}

/// What came of an act on one loop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The server did it.
    Done,
    /// The server said no, in these words.
    Refused(String),
    /// The loop isn't what the person saw; in the server's words.
    Stale(String),
    /// The answer was lost: it may have been done.
    Unknown(String),
}
