//! The worker protocol: what a replica says to the API and is told (`/v1/worker/*`).
//!
//! The claim token `{loop}.{round}.{attempt}.{mac}` is good for `claim` alone; every later call bears
//! `{loop}.{round}.{attempt}.{secret}`, a 256-bit secret that the worker drew in memory.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::attempt::{Checkpoint, End, Prepared};
use crate::chain::Key;
use crate::handoff::{Handoff, HandoffDraft};
use crate::id::{AttemptNo, CommitId, LoopId};
use crate::journal::Draft;
use crate::spec::Spec;
use crate::state::{Failure, Reason, State};
use crate::story::{IterationRecord, StoriesRecord, Usage};

/// The versions of the protocol that this code speaks, newest first.
pub const PROTOCOLS: [u32; 1] = [1];

/// A worker's credential: which attempt, and a secret or MAC of 64 hex digits.
#[derive(Clone, PartialEq, Eq)]
pub struct Bearer {
    /// The loop.
    pub loop_id: LoopId,
    /// The attempt.
    pub no: AttemptNo,
    /// The secret half.
    pub secret: String,
}

impl Bearer {
    /// The header's value behind `Bearer `. It is a secret.
    pub fn token(&self) -> String {
        let AttemptNo { round, attempt } = self.no;
        format!("{}.{round}.{attempt}.{}", self.loop_id, self.secret)
    }
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bearer({} {}, …)", self.loop_id, self.no)
    }
}

/// The token that lets a worker claim an attempt, and nothing else. Any core can make it and any API check
/// it; nothing is stored.
pub fn claim_token(
    key: &Key,
    installation: Uuid,
    uid: Uuid,
    loop_id: &LoopId,
    no: AttemptNo,
) -> String {
    let secret = key.sign(&[
        installation.as_bytes(),
        uid.as_bytes(),
        &no.round.to_be_bytes(),
        &no.attempt.to_be_bytes(),
    ]);
    Bearer { loop_id: loop_id.clone(), no, secret }.token()
}

/// A text that isn't a worker's credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a worker's credential (loop.round.attempt.secret)")]
pub struct InvalidBearer;

impl FromStr for Bearer {
    type Err = InvalidBearer;
    fn from_str(text: &str) -> Result<Self, InvalidBearer> {
        let mut parts = text.splitn(4, '.');
        let mut next = || parts.next().ok_or(InvalidBearer);
        let loop_id = next()?.parse().map_err(|_| InvalidBearer)?;
        let round = next()?.parse().map_err(|_| InvalidBearer)?;
        let attempt = next()?.parse().map_err(|_| InvalidBearer)?;
        let secret = next()?;
        if secret.len() != 64 || !secret.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(InvalidBearer);
        }
        Ok(Self { loop_id, no: AttemptNo { round, attempt }, secret: secret.to_owned() })
    }
}

/// `POST /v1/worker/claim`, with the claim token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ClaimRequest {
    /// The versions that the worker speaks.
    pub protocols: Vec<u32>,
    /// The session secret, 64 hex digits, drawn by the worker. The same one asked again gets the same answer.
    pub session: String,
}

/// A dependency whose commit is merged into the base.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Dependency {
    /// The loop.
    pub loop_id: LoopId,
    /// Its published branch, which holds the commit.
    pub branch: String,
    /// Its published commit.
    pub commit: CommitId,
}

/// Everything that a worker needs to begin or to go on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ClaimAnswer {
    /// The version to speak.
    pub protocol: u32,
    /// The spec.
    pub spec: Spec,
    /// The attempt.
    #[serde(flatten)]
    pub no: AttemptNo,
    /// The lock's create revision.
    pub epoch: i64,
    /// The lease's time to live in milliseconds.
    pub ttl_millis: u64,
    /// Where the round starts, if an earlier attempt (or this one) resolved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<CommitId>,
    /// Dependencies to merge into the base, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<Dependency>,
    /// The newest checkpoint to start from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<Checkpoint>,
    /// A publish of an earlier attempt (or this one) that must be settled first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prepared: Option<Prepared>,
    /// The commit that the loop's branch is known to be at, from an earlier round.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<CommitId>,
    /// What is known of the stories.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stories: Option<StoriesRecord>,
    /// The newest handoff.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handoff: Option<Handoff>,
    /// How the attempt before ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_end: Option<End>,
    /// The highest client sequence of this attempt that was taken; 0: none.
    pub accepted: u64,
    /// Iterations of this attempt that are recorded already.
    pub iterations: u32,
    /// What the worker is to do now.
    pub directive: Directive,
}

/// What the server wants of a worker. It is a level, not an event: the newest one holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Directive {
    /// What to do.
    pub want: Want,
    /// Why, in one sentence for the journal.
    pub why: String,
}

/// See [`Directive`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Want {
    /// Work.
    Run,
    /// Pause before the next iteration (held).
    Pause,
    /// Stop soon: checkpoint, handoff, finish as interrupted.
    Land,
    /// End every process now, hand off, finish.
    Cancel,
}

/// What a worker is at, for lists: written at most once a second, and only when it changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Progress {
    /// The attempt.
    #[serde(flatten)]
    pub no: AttemptNo,
    /// The worker's phase, such as `iterating`.
    pub phase: WorkerPhase,
    /// The iteration that runs, counted from 1; 0 before the first.
    pub iteration: u32,
    /// The story that it works on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub story: Option<String>,
    /// Stories done.
    pub stories_done: u32,
    /// Stories in all.
    pub stories_total: u32,
    /// Tokens and money of the attempt.
    #[serde(default)]
    pub usage: Usage,
    /// Silent for half the time that counts as stalled, or longer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspect: bool,
    /// Since when it is suspect, by the worker's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspect_since: Option<Timestamp>,
}

impl Progress {
    /// Notes since when the agent is suspect; `None`: it isn't.
    pub fn suspect(&mut self, since: Option<Timestamp>) {
        (self.suspect, self.suspect_since) = (since.is_some(), since);
    }
}

/// See [`Progress::phase`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum WorkerPhase {
    /// Claimed, nothing begun.
    Starting,
    /// Bringing in the repository.
    Checkout,
    /// The agent works.
    Iterating,
    /// The gates judge.
    Gates,
    /// Held.
    Paused,
    /// Saving work in progress before the end.
    Landing,
    /// The branch goes out.
    Publishing,
    /// Writing the handoff.
    Finishing,
}

/// `POST /v1/worker/heartbeat`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct HeartbeatRequest {
    /// What changed since the last one, if anything did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
}

/// The answer to a heartbeat; the lease is good for another TTL, counted from before it was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HeartbeatAnswer {
    /// What the worker is to do now.
    pub directive: Directive,
}

/// One item of a worker's outbox.
// Items are made one by one and moved once into a batch: a box would save nothing.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum EvidenceItem {
    /// A journal entry.
    Journal(Draft),
    /// The stories as they are now known.
    Stories(StoriesRecord),
    /// An iteration ended. A story that is newly done needs its iteration in the same batch or before.
    Iteration(IterationRecord),
    /// The round's base was resolved.
    Base {
        /// The commit.
        commit: CommitId,
    },
    /// A checkpoint was pushed.
    Checkpoint(Checkpoint),
}

/// `POST /v1/worker/evidence`: the items numbered `first`, `first + 1`, … of one outbox.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct EvidenceRequest {
    /// The client sequence of the first item, counted from 1 in the attempt.
    pub first: u64,
    /// In order; those that were taken before are skipped.
    pub items: Vec<EvidenceItem>,
}

/// The answer to a batch of evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EvidenceAnswer {
    /// The highest client sequence that is stored; what is above it has to be sent again.
    pub accepted: u64,
}

/// The most items of one batch of evidence.
pub const MOST_EVIDENCE_ITEMS: usize = 50;

/// `POST /v1/worker/publish`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum PublishRequest {
    /// May this commit be pushed? Refused without green gates for its tree.
    Prepare(Prepared),
    /// The prepared commit was seen on the branch.
    Pushed {
        /// The commit.
        new: CommitId,
    },
    /// The prepared commit of an earlier attempt never came to be and can't any more.
    Abandoned {
        /// The commit.
        new: CommitId,
        /// Where the branch is instead.
        found: Option<CommitId>,
    },
}

/// What a worker says about its end; the server decides what it means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "result", rename_all = "kebab-case")]
pub enum Outcome {
    /// Every story is done and the branch is pushed.
    Done,
    /// It isn't.
    Failed(Failure),
    /// A directive said so (cancelled, accepted or given up by a person).
    Stopped,
}

/// `POST /v1/worker/finish`, after the outbox is empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct FinishRequest {
    /// How it ended.
    pub outcome: Outcome,
    /// What is handed on.
    pub handoff: HandoffDraft,
    /// Every process of the agent is known to be gone.
    pub processes_gone: bool,
}

/// The answer to `finish`: what became of the loop. A repeated call gets the same one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FinishAnswer {
    /// The loop's state after.
    pub state: State,
    /// Why.
    pub reason: Reason,
    /// One sentence for people.
    pub message: String,
}

/// What a runtime hands to a worker it starts, on its standard input: never in argv or environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launch {
    /// Where the API is.
    pub api_url: String,
    /// The claim token.
    pub claim_token: String,
    /// What tickets to this attempt's terminals are signed with, in hex; see [`crate::terminal::ticket::secret`].
    pub terminal_key: String,
    /// The loop's uid, for the checkpoint refs.
    pub uid: Uuid,
    /// Environment for the agent and the gates beyond the allow-listed few.
    pub agent_env: Vec<(String, String)>,
    /// Values that must not appear in any output.
    pub secrets: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_bearer_is_read_back(round in 1u32.., attempt in 1u32.., secret in "[0-9a-f]{64}") {
            let loop_id = "a-b".parse().unwrap();
            let bearer = Bearer { loop_id, no: AttemptNo { round, attempt }, secret };
            prop_assert_eq!(bearer.token().parse::<Bearer>(), Ok(bearer));
        }

        #[test]
        fn any_text_gets_an_answer(text in ".*") {
            let _ = text.parse::<Bearer>();
        }
    }
}
