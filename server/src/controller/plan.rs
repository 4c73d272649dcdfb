//! What to do about a loop, from what is known of it: pure, so that every case can be tried.
//!
//! The same function answers `why`. It is told what was read and when; it reads nothing, keeps nothing
//! ([`Sightings`] does), and is safe to follow twice, or half.

mod admission;
mod attempt;
mod sightings;
mod stopping;

use jiff::Timestamp;
use smith_model::api::{Why, WhyCode};
use smith_model::attempt::{AttemptRecord, Exit, LockRecord};
use smith_model::duration::Span;
use smith_model::id::{AttemptNo, CommitId, LoopId, Revision};
use smith_model::state::{Failure, State, StateRecord};

use super::fleet::Room;
use crate::runtime::{Stop, WorkerReport};
pub use sightings::Sightings;

/// How long the core waits for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The lock's time to live; also the grace for a worker that lost it to claim again.
    pub lock_ttl: Span,
    /// How long a worker may take from its admission to its claim.
    pub start_deadline: Span,
    /// How long a worker that should be gone may take to go by itself.
    pub removal_delay: Span,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            lock_ttl: Span::seconds(30),
            start_deadline: Span::seconds(5 * 60),
            removal_delay: Span::seconds(30),
        }
    }
}

/// Where the list of workers comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// From what the runtime told before: a worker may be missing in it, or be gone since.
    Cached,
    /// From the runtime, just now.
    Direct,
}

/// What is known of a loop that another one depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DependencyState {
    /// Done; its commit is merged into the base. One accepted without a commit merges nothing.
    Synced {
        /// The published branch.
        branch: Option<String>,
        /// The published commit.
        commit: Option<CommitId>,
    },
    /// It may still be synced by itself.
    Pending,
    /// It ended otherwise: a person decides.
    Ended {
        /// How.
        state: State,
    },
    /// There is no such loop.
    Missing,
}

impl DependencyState {
    /// What a loop's record means for those that depend on it; `None`: there is no such loop.
    pub fn of(record: Option<&StateRecord>) -> Self {
        let Some(record) = record else { return Self::Missing };
        match record.state {
            State::Synced => {
                Self::Synced { branch: record.branch.clone(), commit: record.commit.clone() }
            }
            State::Unresolved | State::Overwriting => Self::Pending,
            State::Flatline | State::Cancelled => Self::Ended { state: record.state },
        }
    }
}

/// Everything that a plan is made of, read in one go.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// The state.
    pub record: StateRecord,
    /// The state's revision: what `Admit` and `EndAttempt` compare.
    pub revision: Revision,
    /// The newest attempt, of whatever round.
    pub attempt: Option<AttemptRecord>,
    /// The lock, whoever holds it.
    pub lock: Option<LockRecord>,
    /// Workers of this loop, of all attempts. One whose runtime belongs to another core, or can't be
    /// asked, is here as unknown: never left out.
    pub workers: Vec<WorkerReport>,
    /// Where `workers` comes from.
    pub read: Read,
    /// The loops that it depends on, in the order of the spec.
    pub dependencies: Vec<(LoopId, DependencyState)>,
    /// Whether it may be admitted, as far as limits go.
    pub room: Room,
    /// Since when things are as they are; noted with the same facts.
    pub seen: Sightings,
}

/// What becomes of the lock in the transaction that ends an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockAtEnd {
    /// It is gone; the transaction compares that.
    Absent,
    /// All processes of the attempt are gone: the transaction deletes the lock if it is still this attempt's.
    Release,
}

/// One thing to do. A plan's actions are done in order; the first that fails ends the pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Begin the next attempt: state and attempt record in one transaction that compares the lock's absence.
    Admit {
        /// Something that the journal should say, such as an earlier worker that can't be asked.
        note: Option<String>,
    },
    /// Start the worker of the running attempt.
    CreateWorker {
        /// The attempt.
        no: AttemptNo,
    },
    /// End the running attempt without its worker; what follows is the state machine's policy.
    EndAttempt {
        /// The attempt.
        no: AttemptNo,
        /// What was found.
        failure: Failure,
        /// How the worker's process ended, where that is known.
        exit: Option<Exit>,
        /// The last lines of its log, for the journal.
        tail: Vec<String>,
        /// What becomes of the lock.
        lock: LockAtEnd,
    },
    /// Ask the runtime about this loop's workers, and plan again with the answer.
    CheckWorker,
    /// Ask a worker to end.
    StopWorker {
        /// The worker.
        name: String,
        /// The attempt that it is of.
        no: AttemptNo,
        /// How.
        how: Stop,
    },
    /// Remove what is left of a worker.
    RemoveWorker {
        /// The worker.
        name: String,
    },
    /// Record that the processes of an attempt are gone.
    MarkGone {
        /// The attempt.
        no: AttemptNo,
    },
}

/// What a loop waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// For programs.
    pub code: WhyCode,
    /// For people.
    pub message: String,
    /// When it goes on by itself, where that is known.
    pub until: Option<Timestamp>,
    /// Loops that it waits for.
    pub waits_for: Vec<LoopId>,
}

impl Reason {
    fn new(code: WhyCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), until: None, waits_for: Vec::new() }
    }

    fn until(self, until: Timestamp) -> Self {
        Self { until: Some(until), ..self }
    }
}

/// What to do, why nothing more, and when to look again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// To be done in this order.
    pub actions: Vec<Action>,
    /// What the loop waits for.
    pub why: Reason,
    /// When to look again, if no event comes before.
    pub wake_at: Option<Timestamp>,
}

impl Plan {
    /// The answer to `GET /v1/loops/{id}/why`.
    pub fn answer(self, observed: &Observed) -> Why {
        let Reason { code, message, until, waits_for } = self.why;
        let (loop_id, state) = (observed.record.loop_id.clone(), observed.record.state);
        Why { loop_id, state, code, message, until, waits_for, revision: observed.revision }
    }
}

/// What to do about a loop now.
pub fn plan(observed: &Observed, settings: &Settings, now: Timestamp) -> Plan {
    let mut draft = Draft { observed, settings, now, actions: Vec::new(), wake_at: None };
    let earlier = draft.stop_earlier_workers();
    let why = match observed.record.state {
        State::Unresolved => draft.unresolved(earlier),
        State::Overwriting => draft.overwriting(),
        State::Synced | State::Flatline | State::Cancelled => {
            Reason::new(WhyCode::Ended, observed.record.message.clone())
        }
    };
    let Draft { actions, wake_at, .. } = draft;
    Plan { actions, why, wake_at }
}

/// A plan in the making.
struct Draft<'a> {
    observed: &'a Observed,
    settings: &'a Settings,
    now: Timestamp,
    actions: Vec<Action>,
    wake_at: Option<Timestamp>,
}

impl Draft<'_> {
    fn act(&mut self, action: Action) {
        self.actions.push(action);
    }

    /// Asks for a direct read, once.
    fn check(&mut self) {
        if !self.actions.contains(&Action::CheckWorker) {
            self.act(Action::CheckWorker);
        }
    }

    /// Looks again at `at`, or earlier.
    fn wake(&mut self, at: Timestamp) {
        self.wake_at = Some(self.wake_at.map_or(at, |earlier| earlier.min(at)));
    }
}

/// `at` and `span` later.
fn after(at: Timestamp, span: Span) -> Timestamp {
    at.checked_add(span.signed()).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
