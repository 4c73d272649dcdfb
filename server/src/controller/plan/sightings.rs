//! Since when: what a core remembers of a loop between two looks.
//!
//! Nothing of it is stored. A core that is new to a loop sees everything for the first time and waits its
//! full time again, which is late but never wrong.

use std::collections::BTreeMap;

use jiff::Timestamp;
use smith_model::attempt::{AttemptRecord, LockRecord};
use smith_model::id::AttemptNo;
use smith_model::state::{State, StateRecord};

use crate::runtime::WorkerReport;

/// What was seen of one loop, and when first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sightings {
    lock_gone: Option<(AttemptNo, Timestamp)>,
    stopping: BTreeMap<String, Timestamp>,
    landing: Option<AttemptNo>,
}

impl Sightings {
    /// Takes in what was read just now. To be called before every plan.
    pub fn note(
        &mut self,
        record: &StateRecord,
        attempt: Option<&AttemptRecord>,
        lock: Option<&LockRecord>,
        workers: &[WorkerReport],
        now: Timestamp,
    ) {
        let running = record.current_attempt().filter(|_| record.state == State::Overwriting);
        let claimed = attempt.is_some_and(|a| Some(a.no) == running && a.claimed_at.is_some());
        let held = lock.is_some_and(|lock| lock.uid == record.uid && Some(lock.no) == running);
        self.lock_gone = match running {
            Some(no) if claimed && !held => {
                Some(self.lock_gone.filter(|(seen, _)| *seen == no).unwrap_or((no, now)))
            }
            Some(_) | None => None,
        };
        let stopping = workers.iter().filter(|worker| !is_current(record, worker));
        let since = |name: &String| self.stopping.get(name).copied().unwrap_or(now);
        let names = stopping.map(|worker| &worker.labels.name);
        self.stopping = names.map(|name| (name.clone(), since(name))).collect();
        self.landing = self.landing.filter(|no| Some(*no) == running);
    }

    /// The worker of this attempt was asked to land; it is asked once.
    pub fn told_to_land(&mut self, no: AttemptNo) {
        self.landing = Some(no);
    }

    /// Since when the running attempt's lock is gone.
    pub(super) fn lock_gone_since(&self) -> Option<Timestamp> {
        self.lock_gone.map(|(_, since)| since)
    }

    /// Since when a worker is one that should be gone.
    pub(super) fn stopping_since(&self, name: &str) -> Option<Timestamp> {
        self.stopping.get(name).copied()
    }

    pub(super) fn is_landing(&self, no: AttemptNo) -> bool {
        self.landing == Some(no)
    }
}

/// Is it the worker of the attempt that is under way?
pub(super) fn is_current(record: &StateRecord, worker: &WorkerReport) -> bool {
    worker.labels.uid == record.uid && record.is_running(worker.labels.no)
}
