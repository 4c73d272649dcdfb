//! A loop as a row of the fleet: what lists and dialogs show of it, and no more, since there may be 100,000.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use smith_model::api::LoopItem;
use smith_model::id::{LoopId, ProjectName, Revision};
use smith_model::state::{Hold, Reason, State, StateRecord, StoryCounts, Summary};
use smith_model::story::Usage;
use smith_model::worker::WorkerPhase;
use uuid::Uuid;

/// A loop, in about half a kilobyte.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The loop.
    pub id: LoopId,
    /// Distinguishes it from any other loop that ever was.
    pub uid: Uuid,
    /// Its ETag.
    pub revision: Revision,
    /// The project.
    pub project: ProjectName,
    /// One line for people.
    pub title: Box<str>,
    /// What runs the model.
    pub provider: Box<str>,
    /// Where the request came from.
    pub source: Box<str>,
    /// The repository.
    pub repository: Box<str>,
    /// Higher goes first.
    pub priority: i32,
    /// Labels, as `name=value`.
    pub labels: Box<[Box<str>]>,
    /// Loops that must be synced first.
    pub depends_on: Box<[LoopId]>,
    /// Where it stands.
    pub state: State,
    /// Why, for programs.
    pub reason: Reason,
    /// Why, for people.
    pub message: Box<str>,
    /// Counted from 1.
    pub round: u32,
    /// Counted from 1 in its round; 0: none yet.
    pub attempt: u32,
    /// Attempts of the round that count.
    pub used: u32,
    /// Attempts that a round may use.
    pub allowed: u32,
    /// The end of the backoff.
    pub not_before: Option<Timestamp>,
    /// The published branch.
    pub branch: Option<Box<str>>,
    /// The published commit.
    pub commit: Option<Box<str>>,
    /// Who holds it, since when, and why.
    pub hold: Option<Box<Hold>>,
    /// A worker has the lock.
    pub claimed: bool,
    /// What the worker is at.
    pub phase: Option<WorkerPhase>,
    /// The iteration that runs; 0: none.
    pub iteration: u32,
    /// The story that it works on.
    pub story: Option<Box<str>>,
    /// Stories done, of how many.
    pub stories: Option<StoryCounts>,
    /// Tokens and money of the attempt.
    pub usage: Usage,
    /// Silent for half the time that counts as stalled.
    pub suspect: bool,
    /// When it was created.
    pub created_at: Timestamp,
    /// When its state changed last.
    pub updated_at: Timestamp,
}

impl From<LoopItem> for Row {
    fn from(item: LoopItem) -> Self {
        let LoopItem { record, revision, progress, claimed } = item;
        let StateRecord {
            schema_version: _,
            loop_id,
            uid,
            summary,
            state,
            reason,
            message,
            round,
            attempt,
            used_attempts,
            uncounted_attempts: _,
            not_before,
            branch,
            commit,
            hold,
            stories,
            fresh: _,
            created_at,
            updated_at,
            extra: _,
        } = record;
        let Summary {
            project,
            title,
            source_type: _,
            source_ref,
            provider_id,
            repository,
            priority,
            depends_on,
            labels,
            policy,
        } = summary;
        // Of an earlier attempt it says nothing about now.
        let progress = progress.filter(|p| state == State::Overwriting && p.no.attempt == attempt);
        let live = progress.as_ref().filter(|p| p.stories_total > 0);
        let stories =
            live.map(|p| StoryCounts { done: p.stories_done, total: p.stories_total }).or(stories);
        Self {
            id: loop_id,
            uid,
            revision,
            project,
            title: title.into(),
            provider: provider_id.into(),
            source: source_ref.into(),
            repository: repository.into(),
            priority,
            labels: labels.iter().map(|(name, value)| format!("{name}={value}").into()).collect(),
            depends_on: depends_on.into(),
            state,
            reason,
            message: message.into(),
            round,
            attempt,
            used: used_attempts,
            allowed: policy.attempts,
            not_before,
            branch: branch.map(Into::into),
            commit: commit.map(|commit| commit.to_string().into()),
            hold: hold.map(Box::new),
            claimed,
            phase: progress.as_ref().map(|p| p.phase),
            iteration: progress.as_ref().map_or(0, |p| p.iteration),
            story: progress.as_ref().and_then(|p| p.story.clone()).map(Into::into),
            stories,
            usage: progress.as_ref().map(|p| p.usage).unwrap_or_default(),
            suspect: progress.is_some_and(|p| p.suspect),
            created_at,
            updated_at,
        }
    }
}

impl Row {
    /// Did it go wrong, or does it look as if it might? Flatline, waiting after an attempt that failed, or with a worker
    /// that has been silent for long. What a person stopped or holds isn't, nor is a worker that only just begins.
    pub fn is_fault(&self) -> bool {
        match self.state {
            State::Flatline => true,
            State::Unresolved => matches!(self.reason, Reason::Failure(_)),
            State::Overwriting => self.suspect,
            State::Synced | State::Cancelled => false,
        }
    }
}
