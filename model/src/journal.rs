//! The journal of a loop: what happened, in order, each entry chained to the one before.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Extra;
use crate::attempt::{ArtifactRef, Exit};
use crate::id::{AttemptNo, CommitId, TreeId};
use crate::state::{Reason, State, StateRecord};
use crate::story::{DoneAs, IterationOutcome, PrdSource};
use crate::terminal::{Intervention, Recording};

/// What kind of thing wrote an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ActorKind {
    /// A person or program with a token.
    Operator,
    /// The API itself.
    Api,
    /// The scheduler.
    Core,
    /// A worker.
    Worker,
}

/// Who wrote an entry: from the credential, never from a body.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Actor {
    /// What kind of thing it is.
    pub kind: ActorKind,
    /// The token's name, the core's or the worker's.
    pub id: String,
}

/// Which part of a loop's life an entry belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// The request came in.
    Ingress,
    /// Scheduling.
    Core,
    /// The worker prepares itself.
    Startup,
    /// The repository is brought in.
    Checkout,
    /// Which stories, and why.
    Prd,
    /// The agent works.
    Iteration,
    /// The gates judge.
    Gates,
    /// The branch goes out.
    Publish,
    /// The attempt ends.
    Completion,
    /// A person acts.
    Operator,
}

impl Phase {
    /// The name on the wire and on screens.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ingress => "ingress",
            Self::Core => "core",
            Self::Startup => "startup",
            Self::Checkout => "checkout",
            Self::Prd => "prd",
            Self::Iteration => "iteration",
            Self::Gates => "gates",
            Self::Publish => "publish",
            Self::Completion => "completion",
            Self::Operator => "operator",
        }
    }
}

/// How much an entry matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// An excerpt of output.
    Output,
    /// Normal.
    Info,
    /// Worth a look.
    Warn,
    /// Something failed.
    Error,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Output => "output",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        })
    }
}

/// What an entry says to programs; its `message` says it to people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Payload {
    /// The state changed, in the transaction of this entry.
    Transition {
        /// Before; `None`: the loop was created.
        from: Option<State>,
        /// After.
        to: State,
        /// Why.
        reason: Reason,
        /// The round after.
        round: u32,
        /// The attempt after.
        attempt: u32,
        /// The audit record of a person's act.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        audit: Option<AuditLink>,
    },
    /// A person's act that changes no state.
    Act {
        /// What was done, such as `hold`.
        action: String,
        /// The audit record.
        audit: AuditLink,
    },
    /// A worker claimed the attempt.
    Claimed {
        /// The worker's name.
        worker: String,
    },
    /// The worker's process was seen to end, by the core.
    WorkerEnded {
        /// How.
        exit: Exit,
        /// The last lines of its log.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        tail: Vec<String>,
    },
    /// The commit that the round starts from.
    Base {
        /// The commit.
        commit: CommitId,
    },
    /// Which stories, and where they came from.
    Stories {
        /// Where they came from.
        source: PrdSource,
        /// How many.
        total: u32,
        /// How many of them are done.
        done: u32,
    },
    /// An iteration began.
    IterationStarted {
        /// Counted from 1 in its attempt.
        iteration: u32,
        /// The story.
        story: String,
    },
    /// A piece of output: of the agent, or of the gate whose line is given.
    Output {
        /// The iteration.
        iteration: u32,
        /// The gate's command line; `None`: the agent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        gate: Option<String>,
        /// The text, made printable by whoever shows it.
        text: String,
        /// Bytes left out before this piece.
        #[serde(default, skip_serializing_if = "crate::attempt::is_zero")]
        omitted: u64,
        /// Where the whole output is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        artifact: Option<ArtifactRef>,
    },
    /// A gate ran.
    Gate {
        /// The iteration.
        iteration: u32,
        /// Its command line.
        run: String,
        /// How it ended.
        exit: Exit,
        /// Milliseconds that it took.
        millis: u64,
    },
    /// An iteration ended.
    IterationEnded {
        /// Counted from 1 in its attempt.
        iteration: u32,
        /// The story.
        story: String,
        /// What it came to.
        outcome: IterationOutcome,
        /// The commit, if one was made.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        commit: Option<CommitId>,
        /// The tree, if it could be read.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tree: Option<TreeId>,
    },
    /// A story is done.
    StoryDone {
        /// The story.
        story: String,
        /// On what evidence.
        done_as: DoneAs,
    },
    /// A publish was allowed.
    Prepared {
        /// The branch.
        branch: String,
        /// Where it must be before.
        old: Option<CommitId>,
        /// Where it is to be.
        new: CommitId,
    },
    /// The prepared commit is on the branch.
    Pushed {
        /// The branch.
        branch: String,
        /// The commit.
        new: CommitId,
    },
    /// A part of a terminal's recording is complete.
    Recording(Recording),
    /// A person had the lease of a terminal, and did something with it.
    Intervention(Intervention),
    /// A handoff was written, under this entry's sequence number.
    Handoff,
    /// The worker's processes are gone.
    ProcessesGone,
}

impl Payload {
    /// The step from `before` (`None`: the loop was created) to `after`.
    pub fn transition(before: Option<&StateRecord>, after: &StateRecord) -> Self {
        Self::Transition {
            from: before.map(|record| record.state),
            to: after.state,
            reason: after.reason,
            round: after.round,
            attempt: after.attempt,
            audit: None,
        }
    }
}

/// Ties an entry to the audit record that the same transaction wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditLink {
    /// The record's id.
    pub id: Uuid,
    /// The SHA-256 of the record as stored.
    pub sha256: String,
}

/// What a writer says; the store adds number, time, transaction and chain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Draft {
    /// Which part of a loop's life.
    pub phase: Phase,
    /// How much it matters.
    pub level: Level,
    /// One line for people.
    pub message: String,
    /// The same for programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Payload>,
}

impl Draft {
    /// A normal entry without a payload.
    pub fn info(phase: Phase, message: impl Into<String>) -> Self {
        Self { phase, level: Level::Info, message: message.into(), payload: None }
    }

    /// The same at another level.
    pub fn at(self, level: Level) -> Self {
        Self { level, ..self }
    }

    /// The same with a payload.
    pub fn with(self, payload: Payload) -> Self {
        Self { payload: Some(payload), ..self }
    }
}

/// An entry as stored under `journal/{loop}/{seq}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Entry {
    /// Major version of the record.
    pub schema_version: u32,
    /// 1, 2, 3 … without a gap.
    pub seq: u64,
    /// The transaction that wrote it; entries of one transaction share it.
    pub tx: Uuid,
    /// The server's clock. Order is by `seq`, never by this.
    pub at: Timestamp,
    /// The attempt that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<AttemptNo>,
    /// Who wrote it.
    pub actor: Actor,
    /// What is said.
    #[serde(flatten)]
    pub draft: Draft,
    /// The hash of the entry before; the loop's uid for the first.
    pub prev_hash: String,
    /// Which key the hash was made with.
    pub key_id: String,
    /// See [`crate::chain`].
    pub hash: String,
}

/// The head of a journal as stored under `heads/{loop}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Major version of the record.
    pub schema_version: u32,
    /// The number of the next entry.
    pub next: u64,
    /// The hash of the last entry.
    pub hash: String,
    /// The attempt whose client sequence is counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<AttemptNo>,
    /// The highest client sequence of that attempt that was taken; 0: none.
    #[serde(default)]
    pub accepted: u64,
    /// Bytes of output excerpts that the journal holds.
    #[serde(default)]
    pub excerpt_bytes: u64,
    /// Excerpts are left out, because etcd is nearly full.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub without_excerpts: bool,
    /// Bytes of artifacts that the loop names.
    #[serde(default)]
    pub artifact_bytes: u64,
    /// Fields of a later version.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Head {
    /// The head of a journal without an entry.
    pub fn empty(uid: Uuid) -> Self {
        Self {
            schema_version: crate::SCHEMA_VERSION,
            next: 1,
            hash: crate::chain::genesis(uid),
            attempt: None,
            accepted: 0,
            excerpt_bytes: 0,
            without_excerpts: false,
            artifact_bytes: 0,
            extra: Extra::new(),
        }
    }
}

/// The most bytes of one entry as encoded.
pub const MOST_ENTRY_BYTES: usize = 8 * 1024;
/// The most bytes of output excerpts of one iteration.
pub const MOST_EXCERPT_BYTES_ITERATION: u64 = 64 * 1024;
/// The most bytes of output excerpts of one loop.
pub const MOST_EXCERPT_BYTES_LOOP: u64 = 4 * 1024 * 1024;
