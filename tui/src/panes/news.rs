//! What the task of a terminal says. Nothing that a program printed is in it, so it may be recorded.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use smith_model::id::AttemptNo;
use smith_model::terminal::{Holder, Session, ViewerId};

/// What is new about a terminal or a recording.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum News {
    /// It is attached, to the worker of this attempt.
    Attached(AttemptNo),
    /// The worker let us in.
    Welcome {
        /// Our number.
        you: ViewerId,
        /// Who is attached, by name.
        viewers: Vec<String>,
        /// Who may type.
        holder: Option<Holder>,
    },
    /// The connection was lost; it is being tried again.
    Lost {
        /// Since when.
        since: Timestamp,
        /// Why.
        why: String,
    },
    /// Nothing more comes from this worker.
    Over(Over),
    /// Who may type changed.
    Holder(Option<Holder>),
    /// Who is attached changed.
    Viewers(Vec<String>),
    /// The worker says something.
    Said(String),
    /// Another process begins.
    Began(String),
    /// The process ended.
    Exit(String),
    /// The program printed something: it is on the stage.
    Printed {
        /// How much.
        bytes: u64,
        /// How much was skipped meanwhile.
        skipped: u64,
        /// Something was typed since the last time, so somebody waits for this.
        is_echo: bool,
    },
    /// So many bytes that were typed went nowhere.
    Unsent(u64),
    /// The recordings that there are.
    Tapes(Vec<Tape>),
    /// A recording is fetched: parts that are there, and all.
    Loading(usize, usize),
    /// A recording is on the stage.
    Playing(Playing),
}

/// Why nothing more comes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Over {
    /// Why, in the words of whoever knows.
    pub why: String,
    /// The next worker is waited for.
    pub is_followed: bool,
}

/// A recording in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tape {
    /// Its number.
    pub number: usize,
    /// The attempt.
    pub no: AttemptNo,
    /// The session.
    pub session: Session,
    /// The iteration; 0: a shell's.
    pub iteration: u32,
    /// When it begins.
    pub started_at: Timestamp,
    /// Milliseconds that are recorded.
    pub millis: u64,
    /// Its parts.
    pub parts: usize,
}

/// Where a recording stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Playing {
    /// What it is called.
    pub name: String,
    /// Milliseconds from the beginning.
    pub at: u64,
    /// Milliseconds of the whole.
    pub length: u64,
    /// How many of its seconds pass in one.
    pub speed: f64,
    /// It stands still.
    pub is_paused: bool,
    /// It is on its way somewhere else.
    pub is_seeking: bool,
}
