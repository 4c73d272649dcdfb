//! The state machine of a loop: states, who may take which step, and the record that steps produce.
//!
//! `unresolved → overwriting → synced | flatline | cancelled`. [`TRANSITIONS`] is the whole table;
//! [`StateRecord::step`] is the only code that makes a new state, and it refuses what the table lacks.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Extra;
use crate::duration::Span;
use crate::failure::{Counted, FailureClass, Retry};
use crate::id::{AttemptNo, CommitId, LoopId, ProjectName};
use crate::policy::Policy;
use crate::spec::SourceType;

/// Where a loop stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Waits to be admitted.
    Unresolved,
    /// An attempt is under way.
    Overwriting,
    /// Done, with evidence.
    Synced,
    /// Given up; a person may retry it.
    Flatline,
    /// Stopped by a person; a person may retry it.
    Cancelled,
}

impl State {
    /// All states, in the order of a loop's life.
    pub const ALL: [Self; 5] =
        [Self::Unresolved, Self::Overwriting, Self::Synced, Self::Flatline, Self::Cancelled];

    /// Will nothing more happen by itself?
    pub fn ended(self) -> bool {
        match self {
            Self::Unresolved | Self::Overwriting => false,
            Self::Synced | Self::Flatline | Self::Cancelled => true,
        }
    }

    /// The name in records, on the wire and on screens.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unresolved => "unresolved",
            Self::Overwriting => "overwriting",
            Self::Synced => "synced",
            Self::Flatline => "flatline",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl std::str::FromStr for State {
    type Err = UnknownState;
    fn from_str(text: &str) -> Result<Self, UnknownState> {
        let found = Self::ALL.into_iter().find(|s| s.as_str() == text);
        found.ok_or_else(|| UnknownState(text.chars().take(40).collect()))
    }
}

/// A text that names no state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} isn't a state: use unresolved, overwriting, synced, flatline or cancelled")]
pub struct UnknownState(String);

/// Why the loop is in its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Reason {
    /// Just created.
    Created,
    /// Admitted by the core.
    Admitted,
    /// Every story is done and the branch is published.
    Completed,
    /// A person said that it is done.
    Accepted,
    /// A person cancelled it.
    OperatorCancelled,
    /// A person gave it up.
    OperatorFlatlined,
    /// A person asked for another round.
    RetryRequested,
    /// The last attempt ended so.
    Failure(FailureClass),
}

impl Reason {
    /// The name in records, on the wire and on screens.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Admitted => "admitted",
            Self::Completed => "completed",
            Self::Accepted => "accepted",
            Self::OperatorCancelled => "operator-cancelled",
            Self::OperatorFlatlined => "operator-flatlined",
            Self::RetryRequested => "retry-requested",
            Self::Failure(class) => class.as_str(),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl From<Reason> for String {
    fn from(reason: Reason) -> Self {
        reason.as_str().into()
    }
}

impl TryFrom<String> for Reason {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let plain = [
            Self::Created,
            Self::Admitted,
            Self::Completed,
            Self::Accepted,
            Self::OperatorCancelled,
            Self::OperatorFlatlined,
            Self::RetryRequested,
        ];
        let failures = FailureClass::ALL.into_iter().map(Self::Failure);
        let mut all = plain.into_iter().chain(failures);
        all.find(|r| r.as_str() == text).ok_or(format!("{text:?} isn't a reason"))
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for Reason {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        String::schema()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for Reason {}

/// Who takes a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum By {
    /// The API, at creation.
    Api,
    /// The scheduler.
    Core,
    /// A worker's `finish`, as judged by the server.
    Finish,
    /// A person.
    Operator,
}

/// One legal step: from (`None` = the loop doesn't exist), to, and by whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The state before.
    pub from: Option<State>,
    /// The state after.
    pub to: State,
    /// Who may do it.
    pub by: By,
}

const fn row(from: State, to: State, by: By) -> Transition {
    Transition { from: Some(from), to, by }
}

/// Every legal step. What isn't here can't be written.
pub const TRANSITIONS: [Transition; 18] = [
    Transition { from: None, to: State::Unresolved, by: By::Api },
    row(State::Unresolved, State::Overwriting, By::Core),
    row(State::Unresolved, State::Flatline, By::Core),
    row(State::Unresolved, State::Flatline, By::Operator),
    row(State::Unresolved, State::Cancelled, By::Operator),
    row(State::Unresolved, State::Synced, By::Operator),
    row(State::Overwriting, State::Synced, By::Finish),
    row(State::Overwriting, State::Unresolved, By::Finish),
    row(State::Overwriting, State::Unresolved, By::Core),
    row(State::Overwriting, State::Flatline, By::Finish),
    row(State::Overwriting, State::Flatline, By::Core),
    row(State::Overwriting, State::Flatline, By::Operator),
    row(State::Overwriting, State::Cancelled, By::Operator),
    row(State::Overwriting, State::Synced, By::Operator),
    row(State::Synced, State::Unresolved, By::Operator),
    row(State::Flatline, State::Unresolved, By::Operator),
    row(State::Flatline, State::Synced, By::Operator),
    row(State::Cancelled, State::Unresolved, By::Operator),
];

/// Is the step in the table?
pub fn legal(from: Option<State>, to: State, by: By) -> bool {
    TRANSITIONS.contains(&Transition { from, to, by })
}

/// A stop sign that a person puts beside the state; see [`StateRecord::hold`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Hold {
    /// The identity that set it.
    pub by: String,
    /// Why, in the person's words.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}

/// What lists and the scheduler need of the spec.
///
/// It is copied into the state record, because all that is listed or reconciled lies under one watched
/// prefix, and a spec may be 512 KiB. It never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Summary {
    /// The project, which scopes visibility and limits.
    pub project: ProjectName,
    /// One line for people.
    pub title: String,
    /// Where the request came from.
    pub source_type: SourceType,
    /// Its place there, such as `owner/repo#12`.
    pub source_ref: String,
    /// What runs the model.
    pub provider_id: String,
    /// The repository as asked for.
    pub repository: String,
    /// Higher goes first.
    pub priority: i32,
    /// Loops that must be synced first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<LoopId>,
    /// Free labels for filters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// The policy after defaults and bounds.
    pub policy: Policy,
}

/// How far the stories of a loop are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StoryCounts {
    /// Stories done.
    pub done: u32,
    /// Stories in all.
    pub total: u32,
}

/// The state of a loop as stored under `live/state/{loop}`.
///
/// It changes only by [`Step`]s and people's acts, so that its revision is an honest ETag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StateRecord {
    /// Major version of the record.
    pub schema_version: u32,
    /// The loop.
    pub loop_id: LoopId,
    /// Distinguishes it from any other loop that ever was.
    pub uid: Uuid,
    /// The unchanging part that lists show.
    pub summary: Summary,
    /// Where it stands.
    pub state: State,
    /// Why, for programs.
    pub reason: Reason,
    /// Why, in one sentence for people.
    pub message: String,
    /// Counted from 1; one more with every retry.
    pub round: u32,
    /// The newest attempt of the round; 0 before the first.
    pub attempt: u32,
    /// Attempts of this round that count against `policy.attempts`.
    pub used_attempts: u32,
    /// Attempts of this round that ended without the loop's fault.
    pub uncounted_attempts: u32,
    /// The end of the backoff.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
    /// The published branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// The published commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<CommitId>,
    /// A held unresolved loop isn't admitted; a held overwriting one pauses before its next iteration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
    /// Stories done, of how many, as of the end of the newest attempt; what is under way is in the progress.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stories: Option<StoryCounts>,
    /// Whether this round began without the certificates and checkpoint of the one before.
    #[serde(default)]
    pub fresh: bool,
    /// When the loop was created.
    pub created_at: Timestamp,
    /// When this record was written.
    pub updated_at: Timestamp,
    /// Fields of a later version.
    #[serde(flatten)]
    #[cfg_attr(feature = "openapi", schema(ignore))]
    pub extra: Extra,
}

/// What the end of an attempt found, and what it means for the loop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Failure {
    /// The class.
    pub class: FailureClass,
    /// One sentence for people.
    pub message: String,
}

/// A step of a loop; [`StateRecord::step`] applies it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Begin the next attempt (core).
    Admit,
    /// All stories done, gates green for the published commit (finish).
    Complete {
        /// The published branch.
        branch: String,
        /// Its commit.
        commit: CommitId,
    },
    /// The attempt ended without success; whether it may be tried again is policy (finish, core).
    Fail {
        /// Who found it: [`By::Finish`] or [`By::Core`].
        by: By,
        /// What was found.
        failure: Failure,
    },
    /// A loop that waits can never run (core).
    Reject(Failure),
    /// Stop it (operator).
    Cancel {
        /// Why, in the person's words.
        reason: String,
    },
    /// Give it up (operator).
    Flatline {
        /// Why, in the person's words.
        reason: String,
    },
    /// Declare it done (operator).
    Accept {
        /// Why, in the person's words.
        reason: String,
    },
    /// Begin another round (operator).
    Retry {
        /// Why, in the person's words.
        reason: String,
        /// What the round starts from.
        from: RetryFrom,
    },
}

/// What a new round starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum RetryFrom {
    /// The newest checkpoint and the certificates of the last round.
    Checkpoint,
    /// The base: nothing is kept.
    Fresh,
}

/// A step that the state doesn't allow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Illegal {
    /// The table has no such row.
    #[error("a loop that is {from} can't become {to} this way")]
    NoSuchTransition {
        /// The state it is in.
        from: State,
        /// The state asked for.
        to: State,
    },
    /// A synced loop has nothing left to go on with.
    #[error("a synced loop can only be retried fresh")]
    SyncedNeedsFresh,
}

impl StateRecord {
    /// The record of a loop that was just created.
    pub fn created(loop_id: LoopId, uid: Uuid, summary: Summary, now: Timestamp) -> Self {
        Self {
            schema_version: crate::SCHEMA_VERSION,
            loop_id,
            uid,
            summary,
            state: State::Unresolved,
            reason: Reason::Created,
            message: "waits to be admitted".into(),
            round: 1,
            attempt: 0,
            used_attempts: 0,
            uncounted_attempts: 0,
            not_before: None,
            branch: None,
            commit: None,
            hold: None,
            stories: None,
            fresh: false,
            created_at: now,
            updated_at: now,
            extra: Extra::new(),
        }
    }

    /// The newest attempt, if there was one in this round.
    pub fn current_attempt(&self) -> Option<AttemptNo> {
        let no = AttemptNo { round: self.round, attempt: self.attempt };
        (self.attempt > 0).then_some(no)
    }

    /// Is `no` the attempt that may change this loop now?
    pub fn is_running(&self, no: AttemptNo) -> bool {
        self.state == State::Overwriting && self.current_attempt() == Some(no)
    }

    /// The record after `step`, or why the step isn't legal.
    pub fn step(&self, step: &Step, now: Timestamp) -> Result<Self, Illegal> {
        let mut next = self.clone();
        next.updated_at = now;
        let by = match step {
            Step::Admit => {
                next.attempt += 1;
                next.not_before = None;
                next.enter(State::Overwriting, Reason::Admitted);
                next.message = format!("attempt {} of round {} began", next.attempt, next.round);
                By::Core
            }
            Step::Complete { branch, commit } => {
                next.enter(State::Synced, Reason::Completed);
                next.message = format!("published {branch} at {:.12}", commit.as_str());
                next.branch = Some(branch.clone());
                next.commit = Some(commit.clone());
                By::Finish
            }
            Step::Fail { by, failure } => {
                next.fail(failure, now);
                *by
            }
            Step::Reject(failure) => {
                next.enter(State::Flatline, Reason::Failure(failure.class));
                next.message = failure.message.clone();
                By::Core
            }
            Step::Cancel { reason } => {
                next.enter(State::Cancelled, Reason::OperatorCancelled);
                next.message = reason.clone();
                By::Operator
            }
            Step::Flatline { reason } => {
                next.enter(State::Flatline, Reason::OperatorFlatlined);
                next.message = reason.clone();
                By::Operator
            }
            Step::Accept { reason } => {
                next.enter(State::Synced, Reason::Accepted);
                next.message = reason.clone();
                By::Operator
            }
            Step::Retry { reason, from } => {
                if self.state == State::Synced && *from == RetryFrom::Checkpoint {
                    return Err(Illegal::SyncedNeedsFresh);
                }
                next.enter(State::Unresolved, Reason::RetryRequested);
                next.message = reason.clone();
                next.round += 1;
                (next.attempt, next.used_attempts, next.uncounted_attempts) = (0, 0, 0);
                next.fresh = *from == RetryFrom::Fresh;
                By::Operator
            }
        };
        // The table alone would let a worker's end stand for a rejection: both go to flatline.
        let begins_right = match step {
            Step::Complete { .. } | Step::Fail { .. } => self.state == State::Overwriting,
            Step::Admit | Step::Reject(_) => self.state == State::Unresolved,
            Step::Cancel { .. } | Step::Flatline { .. } => true,
            Step::Accept { .. } | Step::Retry { .. } => true,
        };
        if !begins_right || !legal(Some(self.state), next.state, by) {
            return Err(Illegal::NoSuchTransition { from: self.state, to: next.state });
        }
        Ok(next)
    }

    fn enter(&mut self, state: State, reason: Reason) {
        self.state = state;
        self.reason = reason;
        self.not_before = None;
        if state.ended() {
            self.hold = None;
        }
    }

    /// The one place that decides what follows a failed attempt.
    fn fail(&mut self, failure: &Failure, now: Timestamp) {
        let policy = &self.summary.policy;
        let Failure { class, message } = failure;
        let (n, most, what) = match class.counted() {
            Counted::Yes => {
                self.used_attempts += 1;
                (self.used_attempts, policy.attempts, "attempts")
            }
            Counted::No => {
                self.uncounted_attempts += 1;
                (self.uncounted_attempts, policy.uncounted_attempts, "interrupted attempts")
            }
        };
        let backoff: Span = policy.backoff(n);
        if class.retry() == Retry::Never {
            self.enter(State::Flatline, Reason::Failure(*class));
            self.message = format!("{message}; a failure of this kind isn't tried again");
        } else if n >= most {
            self.enter(State::Flatline, Reason::Failure(*class));
            self.message = format!("{message}; {n} of {most} {what} used");
        } else {
            self.enter(State::Unresolved, Reason::Failure(*class));
            self.not_before = now.checked_add(backoff.signed()).ok();
            self.message = format!("{message}; {n} of {most} {what} used, next in {backoff}");
        }
    }
}

#[cfg(test)]
mod tests;
