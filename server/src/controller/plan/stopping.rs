//! Workers that should be gone: of an earlier attempt, or of a loop that has ended.
//!
//! Their heartbeats are answered with cancel, so they end by themselves; one that doesn't is killed after
//! a while, and one whose attempt the core declared lost at once. What is gone is removed.

use jiff::Timestamp;
use smith_model::failure::FailureClass;

use super::sightings::is_current;
use super::{Action, Draft, Read, after};
use crate::runtime::{Stop, WorkerPhase, WorkerReport};

/// What earlier attempts mean for the next one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Earlier {
    /// Why nothing may be admitted, in one sentence.
    pub(super) blocked: Option<String>,
    /// When that changes by itself.
    pub(super) until: Option<Timestamp>,
    /// What the journal should say of workers that are left behind unasked.
    pub(super) note: Option<String>,
}

impl Earlier {
    fn block(&mut self, why: String, until: Option<Timestamp>) {
        self.blocked.get_or_insert(why);
        self.until = self.until.max(until);
    }
}

impl Draft<'_> {
    /// Sees to the end of workers that should be gone.
    pub(super) fn stop_earlier_workers(&mut self) -> Earlier {
        let observed = self.observed;
        let mut earlier = Earlier::default();
        for worker in &observed.workers {
            if !is_current(&observed.record, worker) {
                self.stop_earlier(worker, &mut earlier);
            }
        }
        self.mark_newest_gone(&mut earlier);
        if let Some(lock) = &observed.lock
            && !observed.record.is_running(lock.no)
        {
            earlier.block(format!("attempt {} still holds the lock", lock.no), None);
        }
        earlier
    }

    fn stop_earlier(&mut self, worker: &WorkerReport, earlier: &mut Earlier) {
        let (name, no) = (worker.labels.name.clone(), worker.labels.no);
        let since = self.observed.seen.stopping_since(&name).unwrap_or(self.now);
        let due = if self.was_declared_lost(worker) {
            since
        } else {
            after(since, self.settings.removal_delay)
        };
        match &worker.phase {
            WorkerPhase::Exited { .. } => {
                // In this order: a crash in between leaves the worker there to tell it again.
                if self.is_this_loops(worker) && !self.is_known_gone(worker) {
                    self.act(Action::MarkGone { no });
                }
                earlier.block(format!("the worker of attempt {no} is being removed"), None);
                self.act(Action::RemoveWorker { name });
            }
            WorkerPhase::Running if self.now >= due => {
                earlier.block(format!("the worker of attempt {no} is being killed"), None);
                self.act(Action::StopWorker { name, no, how: Stop::Kill });
                // Its end will be told; should that get lost, the kill is repeated.
                self.wake(after(self.now, self.settings.removal_delay));
            }
            WorkerPhase::Running => {
                let why = format!("the worker of attempt {no} is stopping");
                earlier.block(why, Some(due));
                self.wake(due);
            }
            WorkerPhase::Unknown { why } if self.now >= due => {
                // It has lost its lock, so it can change nothing. It is removed when it can be asked again.
                let note = format!(
                    "went on without knowing that the worker of attempt {no} is gone: {why}"
                );
                earlier.note.get_or_insert(note);
            }
            WorkerPhase::Unknown { why } => {
                let why = format!("the worker of attempt {no} can't be asked: {why}");
                earlier.block(why, Some(due));
                self.wake(due);
            }
        }
    }

    /// The newest attempt is over and no worker of it is known: makes sure, and records it.
    fn mark_newest_gone(&mut self, earlier: &mut Earlier) {
        let observed = self.observed;
        let Some(attempt) = &observed.attempt else { return };
        let is_its = |worker: &WorkerReport| {
            worker.labels.no == attempt.no && worker.labels.uid == attempt.uid
        };
        if attempt.gone_at.is_some()
            || observed.record.is_running(attempt.no)
            || observed.workers.iter().any(is_its)
        {
            return;
        }
        match observed.read {
            Read::Direct => self.act(Action::MarkGone { no: attempt.no }),
            Read::Cached => {
                let why =
                    format!("whether attempt {} left a worker is being looked at", attempt.no);
                earlier.block(why, None);
                self.check();
            }
        }
    }

    fn is_this_loops(&self, worker: &WorkerReport) -> bool {
        worker.labels.uid == self.observed.record.uid
    }

    fn is_known_gone(&self, worker: &WorkerReport) -> bool {
        let newest = self.observed.attempt.as_ref();
        newest.is_some_and(|a| a.no == worker.labels.no && a.gone_at.is_some())
    }

    /// The core ended this worker's attempt itself: nothing that it still does is wanted.
    fn was_declared_lost(&self, worker: &WorkerReport) -> bool {
        let newest = self.observed.attempt.as_ref().filter(|a| a.no == worker.labels.no);
        let end = newest.filter(|a| a.uid == worker.labels.uid).and_then(|a| a.end.as_ref());
        end.is_some_and(|end| end.class == Some(FailureClass::WorkerLost))
    }
}
