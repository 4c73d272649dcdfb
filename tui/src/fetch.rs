//! What is asked of the server once and answered once, and the answers: as data, so that they are messages like any other.
//!
//! A stream is a source ([`crate::state::Source`]) instead.

use std::fmt;

use serde::{Deserialize, Serialize};
use smith_model::api::{ChainState, Cost, LoopDetail, Why};
use smith_model::attempt::AttemptRecord;
use smith_model::audit::{AuditRecord, Override};
use smith_model::handoff::Handoff;
use smith_model::id::{Digest, LoopId};
use smith_model::story::{IterationRecord, StoriesRecord};

use crate::paper::{Paper, Subject};
use crate::world::Moment;

/// A question.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Fetch {
    /// About which loop.
    pub loop_id: LoopId,
    /// About what of it.
    pub topic: Topic,
}

/// What can be asked about a loop.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Topic {
    /// The loop itself, with its spec.
    Detail,
    /// What it waits for.
    Why,
    /// Its attempts.
    Attempts,
    /// Its stories.
    Stories,
    /// Its iterations.
    Iterations,
    /// Its handoffs.
    Handoffs,
    /// What people changed of it.
    Overrides,
    /// What people did to it.
    Audit,
    /// What it has cost.
    Cost,
    /// Everything at once, for whether its journal is what was written.
    Chain,
    /// Its journal behind an entry, as moments.
    Moments {
        /// The number of the newest entry that is known; 0: none.
        after: u64,
    },
    /// One of its artifacts.
    Artifact {
        /// Which.
        digest: Digest,
        /// What it is, which says how it is read.
        subject: Subject,
    },
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// To [`Topic::Detail`].
    Detail(Box<LoopDetail>),
    /// To [`Topic::Why`].
    Why(Box<Why>),
    /// To [`Topic::Attempts`].
    Attempts(Vec<AttemptRecord>),
    /// To [`Topic::Stories`].
    Stories(Option<Box<StoriesRecord>>),
    /// To [`Topic::Iterations`].
    Iterations(Vec<IterationRecord>),
    /// To [`Topic::Handoffs`].
    Handoffs(Vec<Handoff>),
    /// To [`Topic::Overrides`].
    Overrides(Vec<Override>),
    /// To [`Topic::Audit`]: newest first, and whether there are older ones.
    Audit(Vec<AuditRecord>, More),
    /// To [`Topic::Cost`].
    Cost(Box<Cost>),
    /// To [`Topic::Chain`].
    Chain(ChainState),
    /// To [`Topic::Moments`]: those behind the entry, and whether there are more.
    Moments(Vec<Moment>, More),
    /// To [`Topic::Artifact`].
    Artifact(Box<Paper>),
}

/// Whether an answer is the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum More {
    /// It is.
    None,
    /// There is more.
    Some,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Why, for people.
    pub why: String,
    /// What was asked about isn't there.
    pub is_absent: bool,
}

/// A question with what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fetched {
    /// The question.
    pub fetch: Fetch,
    /// The answer.
    pub answer: Result<Answer, Failure>,
}

impl Fetch {
    /// The same for all questions of which the newest answer is enough.
    pub fn kind(&self) -> Self {
        let topic = match &self.topic {
            Topic::Moments { .. } => Topic::Moments { after: 0 },
            topic => topic.clone(),
        };
        Self { loop_id: self.loop_id.clone(), topic }
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Detail => "the loop",
            Self::Why => "why it waits",
            Self::Attempts => "the attempts",
            Self::Stories => "the stories",
            Self::Iterations => "the iterations",
            Self::Handoffs => "the handoffs",
            Self::Overrides => "the overrides",
            Self::Audit => "the audit",
            Self::Cost => "the cost",
            Self::Chain => "whether the journal is intact",
            Self::Moments { .. } => "the journal",
            Self::Artifact { .. } => "the artifact",
        })
    }
}
