//! The record of one attempt, and of what its worker did with the branch.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Extra;
use crate::failure::{Counted, FailureClass};
use crate::id::{AttemptNo, CommitId, Digest, LoopId, TreeId};
use crate::state::StateRecord;
use crate::worker::FinishAnswer;

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Exit {
    /// With this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// It was ended because its time was up.
    TimedOut,
    /// It was ended because it was silent for too long.
    Stalled,
    /// It could not be started.
    NotStarted,
    /// It ended, and nobody was there to see how.
    Unknown,
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(signal) => write!(f, "signal {signal}"),
            Self::TimedOut => f.write_str("timed out"),
            Self::Stalled => f.write_str("stalled"),
            Self::NotStarted => f.write_str("not started"),
            Self::Unknown => f.write_str("unknown end"),
        }
    }
}

/// Bytes that are kept outside the store, named by their digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ArtifactRef {
    /// The SHA-256 of the bytes as stored.
    pub digest: Digest,
    /// Their number.
    pub size: u64,
    /// Bytes of the original that were left out because of a cap.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub omitted: u64,
}

pub(crate) fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// A commit that later attempts of the round may start from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Checkpoint {
    /// The commit, pushed to the attempt's checkpoint ref.
    pub commit: CommitId,
    /// Its tree.
    pub tree: TreeId,
    /// The ref in the remote repository that keeps it.
    pub reference: String,
    /// Work in progress: its tree did not pass the gates.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub wip: bool,
}

/// A publish that was allowed and has to be settled before another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Prepared {
    /// The branch, without `refs/heads/`.
    pub branch: String,
    /// Where the branch must be before; `None`: it must not exist.
    pub old: Option<CommitId>,
    /// Where it is to be.
    pub new: CommitId,
    /// The tree of `new`, for which gate evidence is held.
    pub tree: TreeId,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct End {
    /// Why it failed; `None`: it finished the loop, or was stopped by a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<FailureClass>,
    /// Whether it used up an attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted: Option<Counted>,
    /// One sentence for people.
    pub message: String,
    /// How the worker's process ended, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<Exit>,
    /// When it was recorded.
    pub at: Timestamp,
}

/// An attempt as stored under `attempts/{loop}/{round}.{attempt}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AttemptRecord {
    /// Major version of the record.
    pub schema_version: u32,
    /// The loop.
    pub loop_id: LoopId,
    /// The loop's uid.
    pub uid: Uuid,
    /// Which attempt.
    #[serde(flatten)]
    pub no: AttemptNo,
    /// When it was admitted.
    pub admitted_at: Timestamp,
    /// The worker's deterministic name.
    pub worker: String,
    /// The runtime that the worker runs on; several cores may own one each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime_id: Option<String>,
    /// When a worker claimed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed_at: Option<Timestamp>,
    /// SHA-256 of the worker's session secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_hash: Option<String>,
    /// The commit that the round starts from, resolved once a round.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<CommitId>,
    /// The newest checkpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<Checkpoint>,
    /// The publish that was allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prepared: Option<Prepared>,
    /// When the prepared commit was seen on the branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pushed_at: Option<Timestamp>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<End>,
    /// What `finish` was answered, so that a repeated one gets the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<FinishAnswer>,
    /// When the worker's processes were known to be gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone_at: Option<Timestamp>,
    /// Fields of a later version.
    #[serde(flatten)]
    #[cfg_attr(feature = "openapi", schema(ignore))]
    pub extra: Extra,
}

impl AttemptRecord {
    /// The record of the attempt that `state` (already stepped to overwriting) begins after `before`.
    ///
    /// Base and checkpoint go on within a round, and into a round that isn't fresh. A publish goes on in
    /// any case: whether it came to be has to be settled before another one is prepared.
    pub fn admitted(state: &StateRecord, before: Option<&Self>, now: Timestamp) -> Self {
        let no = AttemptNo { round: state.round, attempt: state.attempt };
        let goes_on = |b: &&Self| b.no.round == no.round || !state.fresh;
        let work = before.filter(goes_on);
        Self {
            schema_version: crate::SCHEMA_VERSION,
            worker: no.worker_name(&state.loop_id),
            loop_id: state.loop_id.clone(),
            uid: state.uid,
            no,
            admitted_at: now,
            runtime_id: None,
            claimed_at: None,
            session_hash: None,
            base: work.and_then(|b| b.base.clone()),
            checkpoint: work.and_then(|b| b.checkpoint.clone()),
            prepared: before.and_then(|b| b.prepared.clone()),
            pushed_at: before.and_then(|b| b.pushed_at),
            end: None,
            answer: None,
            gone_at: None,
            extra: Extra::new(),
        }
    }

    /// The publish that may or may not have come to be.
    pub fn unsettled(&self) -> Option<&Prepared> {
        self.prepared.as_ref().filter(|_| self.pushed_at.is_none())
    }
}

/// The lock of an attempt as stored under `live/locks/{loop}`, on a lease.
///
/// Its create revision is the **epoch**, which every write of the worker compares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockRecord {
    /// Major version of the record.
    pub schema_version: u32,
    /// The loop's uid.
    pub uid: Uuid,
    /// Which attempt holds it.
    #[serde(flatten)]
    pub no: AttemptNo,
    /// The worker's name.
    pub holder: String,
    /// SHA-256 of the worker's session secret.
    pub session_hash: String,
    /// The lease, so that any API process can keep it alive.
    pub lease: i64,
    /// The lease's time to live in milliseconds.
    pub ttl_millis: u64,
}
