//! The handoff: what an attempt leaves for the next one and for people.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::failure::FailureClass;
use crate::id::{AttemptNo, CommitId};
use crate::story::{DiffStat, Usage};
use crate::terminal::Intervention;

/// Where the work stood in git.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GitSnapshot {
    /// The loop's branch.
    pub branch: String,
    /// The commit that the attempt started from.
    pub base: Option<CommitId>,
    /// The newest commit.
    pub head: Option<CommitId>,
    /// From base to head.
    pub stat: DiffStat,
}

/// What a gate last said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GateState {
    /// Its command line.
    pub run: String,
    /// Did it pass?
    pub green: bool,
    /// The end of its output, where it didn't.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tail: Option<String>,
}

/// What a worker hands on at every end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HandoffDraft {
    /// Stories that are done.
    pub done: Vec<String>,
    /// Stories that are not.
    pub remaining: Vec<String>,
    /// Decisions taken, from the agent.
    pub decisions: Vec<String>,
    /// What is uncertain, from the agent.
    pub uncertain: Vec<String>,
    /// What was learnt, from the agent.
    pub learnings: Vec<String>,
    /// Where the work stood in git.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git: Option<GitSnapshot>,
    /// What the gates last said.
    pub gates: Vec<GateState>,
    /// Iterations of the attempt.
    pub iterations: u32,
    /// Tokens and money of the attempt.
    pub usage: Usage,
    /// What people did at the worker's terminals.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interventions: Vec<Intervention>,
    /// What comes next, in one sentence.
    pub next_step: String,
}

/// A handoff as stored under `handoffs/{loop}/{seq}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Handoff {
    /// Major version of the record.
    pub schema_version: u32,
    /// The number of its journal entry.
    pub seq: u64,
    /// When it was written.
    pub at: Timestamp,
    /// The attempt.
    #[serde(flatten)]
    pub no: AttemptNo,
    /// Why the attempt failed; `None`: it didn't.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<FailureClass>,
    /// What is handed on.
    #[serde(flatten)]
    pub draft: HandoffDraft,
}

/// The most bytes of a handoff as encoded.
pub const MOST_HANDOFF_BYTES: usize = 64 * 1024;
