//! A piece of what is known: its newest answer, when it was asked for, and what went wrong. Pure.

use jiff::{SignedDuration, Timestamp};
use smith_model::id::Revision;
use smith_model::state::StoryCounts;
use smith_model::story::Usage;
use smith_model::worker::WorkerPhase;
use uuid::Uuid;

use crate::fetch::Failure;
use crate::fleet::Row;

/// After so long what failed is tried again.
const RETRY: SignedDuration = SignedDuration::from_secs(5);

/// What of a row says that more than the row may have changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    uid: Uuid,
    revision: Revision,
    phase: Option<WorkerPhase>,
    iteration: u32,
    stories: Option<StoryCounts>,
    usage: Usage,
    claimed: bool,
}

impl Stamp {
    /// Of a row.
    pub(super) fn of(row: &Row) -> Self {
        Self {
            uid: row.uid,
            revision: row.revision,
            phase: row.phase,
            iteration: row.iteration,
            stories: row.stories,
            usage: row.usage,
            claimed: row.claimed,
        }
    }

    /// Of which loop of that name.
    pub(super) fn uid(&self) -> Uuid {
        self.uid
    }
}

/// A piece of what is known.
#[derive(Clone, Debug)]
pub struct Slot<T> {
    value: Option<T>,
    failure: Option<Failure>,
    asked: Option<Asked>,
    is_open: bool,
}

#[derive(Clone, Debug)]
struct Asked {
    at: Timestamp,
    stamp: Option<Stamp>,
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self { value: None, failure: None, asked: None, is_open: false }
    }
}

impl<T: PartialEq> Slot<T> {
    /// The newest answer.
    pub fn value(&self) -> Option<&T> {
        self.value.as_ref()
    }

    /// Why there is no newer one.
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    /// Whether to ask: never asked, asked of another stamp, failed a while ago, or answered longer than `old` ago.
    /// If so, it counts as asked.
    pub(super) fn ask(
        &mut self,
        now: Timestamp,
        stamp: Option<&Stamp>,
        old: Option<SignedDuration>,
    ) -> bool {
        let is_due = match &self.asked {
            None => true,
            Some(asked) if asked.stamp.as_ref() != stamp => true,
            Some(_) if self.is_open => false,
            Some(asked) => {
                let since = now.duration_since(asked.at);
                let has_failed = self.failure.as_ref().is_some_and(|failure| !failure.is_absent);
                has_failed && since >= RETRY || old.is_some_and(|old| since >= old)
            }
        };
        if is_due {
            self.asked = Some(Asked { at: now, stamp: stamp.cloned() });
            self.is_open = true;
        }
        is_due
    }

    /// It is to be asked again.
    pub(super) fn expire(&mut self) {
        self.asked = None;
    }

    /// Takes an answer; answers whether it is another than before.
    pub(super) fn take(&mut self, value: T) -> bool {
        self.is_open = false;
        let is_same = self.failure.is_none() && self.value.as_ref() == Some(&value);
        (self.value, self.failure) = (Some(value), None);
        !is_same
    }

    /// There is no answer; answers whether that is new. What was known stays.
    pub(super) fn fail(&mut self, failure: Failure) -> bool {
        self.is_open = false;
        let is_same = self.failure.as_ref() == Some(&failure);
        self.failure = Some(failure);
        !is_same
    }

    /// What is known, to be added to.
    pub(super) fn known(&mut self) -> Option<T> {
        self.value.take()
    }
}
