//! The one way to change a loop: snapshot, decision, transaction.
//!
//! A use case gives [`Store::change`] a pure function from a [`Snapshot`] to a [`Change`]. The store adds
//! numbers, times and the chain, and commits in one transaction that compares the journal's head (which
//! every change moves, so it stands for state, attempt and stories too) and, where the change asks for
//! it, the lock and the leader. If the compare fails, the transaction's other branch has read what is
//! there now, and the function decides again. If the answer is lost, the entry at the first number that
//! was tried tells: the own transaction id means committed, another's means never, none means that the
//! same transaction may be sent again.

mod build;

use etcd_client::{GetOptions, GetResponse, SortOrder, SortTarget, Txn, TxnOp, TxnOpResponse};
use jiff::Timestamp;
use smith_failpoint as failpoint;
use smith_model::attempt::{AttemptRecord, LockRecord};
use smith_model::failure::FailureClass;
use smith_model::handoff::HandoffDraft;
use smith_model::id::{AttemptNo, LoopId};
use smith_model::inbox::Mark;
use smith_model::journal::{Actor, Draft, Head};
use smith_model::state::{State, StateRecord};
use smith_model::story::{IterationRecord, StoriesRecord};
use tokio::time::{Instant, timeout_at};

pub(super) use build::{link_act, put_audit};

use super::record::{Versioned, versioned};
use super::txn::{DEADLINE, Pauses, Sent};
use super::{Error, Store};

/// What a decision is made on.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The journal's head.
    pub head: Versioned<Head>,
    /// The state.
    pub state: Versioned<StateRecord>,
    /// The lock, if a worker holds it.
    pub lock: Option<Versioned<LockRecord>>,
    /// The newest attempt of the newest round that had one.
    pub attempt: Option<Versioned<AttemptRecord>>,
    /// The stories.
    pub stories: Option<Versioned<StoriesRecord>>,
    /// What people marked it with in the inbox.
    pub mark: Option<Versioned<Mark>>,
}

/// What a change does to the lock. A step that the newest snapshot forbids is an error,
/// [`Error::Locked`] or [`Error::NotLocked`].
#[derive(Clone, Debug, Default)]
pub enum LockStep {
    /// Nothing, and it doesn't matter whose it is.
    #[default]
    Ignore,
    /// Nothing, but there must be one, that of the snapshot.
    Hold,
    /// There must be none.
    Absent,
    /// There must be none; this one is put on its lease.
    Take(Box<LockRecord>),
    /// It must be the one of the snapshot, and goes.
    Release,
}

/// A person's act: the change's first entry is linked with its audit record.
#[derive(Clone, Debug)]
pub struct Act {
    /// The identity, from the credential.
    pub actor: String,
    /// What is done, such as `loop.cancel`.
    pub action: String,
    /// Why, in the person's words.
    pub reason: Option<String>,
    /// As far as it changes.
    pub before: serde_json::Value,
    /// The same after.
    pub after: serde_json::Value,
    /// The request, as in the log.
    pub request_id: Option<String>,
}

/// A person's change of the state, kept under the number of the change's first entry.
#[derive(Clone, Debug)]
pub struct OverrideDraft {
    /// What is done, such as `cancel`.
    pub action: String,
    /// The state before.
    pub from: State,
    /// The state after.
    pub to: State,
    /// Why.
    pub reason: String,
}

/// What a use case decided.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// Journal entries, with who wrote each and for which attempt.
    pub entries: Vec<(Actor, Option<AttemptNo>, Draft)>,
    /// The audit record of the first entry.
    pub act: Option<Act>,
    /// The override record of the first entry.
    pub over: Option<OverrideDraft>,
    /// The new state.
    pub state: Option<StateRecord>,
    /// The new record of an attempt.
    pub attempt: Option<AttemptRecord>,
    /// The new stories.
    pub stories: Option<StoriesRecord>,
    /// The new mark in the inbox; it needs an act.
    pub mark: Option<Mark>,
    /// Iterations that ended.
    pub iterations: Vec<IterationRecord>,
    /// A handoff, under the number of the entry whose payload is [`smith_model::journal::Payload::Handoff`].
    pub handoff: Option<(AttemptNo, Option<FailureClass>, HandoffDraft)>,
    /// The lock.
    pub lock: LockStep,
    /// The core's leadership, which must still be this one; its create revision.
    pub leader: Option<i64>,
    /// Forgets the worker's progress.
    pub drop_progress: bool,
    /// The attempt and the highest client sequence that is now taken.
    pub accepted: Option<(AttemptNo, u64)>,
    /// More bytes of excerpts.
    pub excerpt_bytes: u64,
    /// Whether excerpts are left out from now on; `None`: as before.
    pub without_excerpts: Option<bool>,
    /// More bytes of artifacts.
    pub artifact_bytes: u64,
}

/// What a decision comes to.
#[derive(Debug)]
pub enum Decision<T> {
    /// Write this, then answer.
    Write(Box<Change>, T),
    /// It is so already: answer.
    Done(T),
}

/// What was committed.
#[derive(Clone, Debug)]
pub struct Committed<T> {
    /// The decision's answer.
    pub answer: T,
    /// The state after, with its revision.
    pub state: Versioned<StateRecord>,
    /// The revision of the transaction (or of the read, where nothing was written).
    pub revision: i64,
}

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError<E> {
    /// The use case refused it.
    #[error(transparent)]
    Refused(E),
    /// The store could not do it.
    #[error(transparent)]
    Store(#[from] Error),
}

impl Store {
    /// Changes a loop as `decide` says; see the module's head.
    pub async fn change<T: Clone, E>(
        &self,
        loop_id: &LoopId,
        now: Timestamp,
        mut decide: impl FnMut(&Snapshot) -> Result<Decision<T>, E>,
    ) -> Result<Committed<T>, ChangeError<E>> {
        let slot = self.slot(loop_id);
        let deadline = Instant::now() + DEADLINE;
        // Those before may each wait for an etcd that is away.
        let cached = timeout_at(deadline, slot.lock()).await;
        let mut cached = cached.map_err(|_| Error::Contended)?;
        // A refusal must not come of what was remembered.
        let mut fresh = false;
        loop {
            let snapshot = match cached.take() {
                Some(snapshot) => snapshot,
                None => {
                    fresh = true;
                    self.snapshot_by(loop_id, deadline).await?
                }
            };
            let (change, answer) = match decide(&snapshot) {
                Ok(Decision::Write(change, answer)) => (change, answer),
                Ok(Decision::Done(_)) | Err(_) if !fresh => continue,
                Ok(Decision::Done(answer)) => {
                    let (state, revision) = (snapshot.state.clone(), snapshot.head.revision);
                    *cached = Some(snapshot);
                    return Ok(Committed { answer, state, revision });
                }
                Err(refused) => {
                    *cached = Some(snapshot);
                    return Err(ChangeError::Refused(refused));
                }
            };
            let leader = change.leader;
            let built = match self.build(&snapshot, *change, now) {
                Err(_) if !fresh => continue,
                built => built?,
            };
            if failpoint::hit!("store.change.before-commit") {
                return Err(Error::Contended.into());
            }
            match self.send("change a loop", &built.sealed, deadline).await? {
                Sent::Committed(revision) => {
                    let _ = failpoint::hit!("store.change.after-commit");
                    let after = built.settle(revision);
                    let state = after.state.clone();
                    *cached = Some(after);
                    return Ok(Committed { answer, state, revision });
                }
                Sent::Outdated(found) => {
                    let leads = leader.is_none_or(|created| leader_of(&found) == Some(created));
                    // `None`: the loop is gone; the next read says so.
                    *cached = parse_snapshot(&found)?;
                    if !leads {
                        return Err(Error::NotLeading.into());
                    }
                    fresh = true;
                }
            }
            if Instant::now() > deadline {
                return Err(Error::Contended.into());
            }
        }
    }

    /// Reads what decisions are made on.
    pub async fn snapshot(&self, loop_id: &LoopId) -> Result<Snapshot, Error> {
        let txn = Txn::new().and_then(self.snapshot_ops(loop_id));
        let answer = self.kv().txn(txn).await;
        let answer = answer.map_err(|source| Error::unavailable("read a loop", source))?;
        parse_snapshot(&answer.op_responses())?.ok_or_else(|| Error::NoSuchLoop(loop_id.clone()))
    }

    /// The same, tried until a deadline: a connection that was cut is no reason to refuse a change.
    async fn snapshot_by(&self, loop_id: &LoopId, deadline: Instant) -> Result<Snapshot, Error> {
        let mut pauses = Pauses::default();
        loop {
            match self.snapshot(loop_id).await {
                Err(error) if error.is_transient() && Instant::now() < deadline => {
                    tracing::debug!(%loop_id, error = %crate::telemetry::chain(&error), "can't read yet");
                    pauses.next().await;
                }
                read => return read,
            }
        }
    }

    fn snapshot_ops(&self, loop_id: &LoopId) -> Vec<TxnOp> {
        let newest = GetOptions::new()
            .with_prefix()
            .with_sort(SortTarget::Key, SortOrder::Descend)
            .with_limit(1);
        vec![
            TxnOp::get(self.keys.head(loop_id.as_str()), None),
            TxnOp::get(self.keys.state(loop_id), None),
            TxnOp::get(self.keys.lock(loop_id), None),
            TxnOp::get(self.keys.attempts(loop_id), Some(newest)),
            TxnOp::get(self.keys.stories(loop_id), None),
            TxnOp::get(self.keys.attention(loop_id), None),
        ]
    }
}

pub(super) fn revision(header: Option<&etcd_client::ResponseHeader>) -> i64 {
    header.map_or(0, etcd_client::ResponseHeader::revision)
}

/// The create revision of the leader's key, which was read last.
fn leader_of(answers: &[TxnOpResponse]) -> Option<i64> {
    match answers.last() {
        Some(TxnOpResponse::Get(get)) => {
            get.kvs().first().map(etcd_client::KeyValue::create_revision)
        }
        _ => None,
    }
}

fn parse_snapshot(answers: &[TxnOpResponse]) -> Result<Option<Snapshot>, Error> {
    let mut gets = answers.iter().map(|answer| match answer {
        TxnOpResponse::Get(get) => Some(get),
        _ => None,
    });
    let mut next = || gets.next().flatten();
    fn read<T: serde::de::DeserializeOwned>(
        get: Option<&GetResponse>,
    ) -> Result<Option<Versioned<T>>, Error> {
        get.and_then(|get| get.kvs().first()).map(versioned).transpose()
    }
    let (head, state) = (read(next())?, read(next())?);
    let (lock, attempt, stories) = (read(next())?, read(next())?, read(next())?);
    let mark = read(next())?;
    let (Some(head), Some(state)) = (head, state) else { return Ok(None) };
    Ok(Some(Snapshot { head, state, lock, attempt, stories, mark }))
}
