//! A loop with an attempt under way: its worker is started, watched, and given up in time.

use jiff::Timestamp;
use smith_model::api::WhyCode;
use smith_model::attempt::{AttemptRecord, Exit};
use smith_model::failure::FailureClass;
use smith_model::id::AttemptNo;
use smith_model::state::Failure;

use super::sightings::is_current;
use super::{Action, Draft, LockAtEnd, Read, Reason, after};
use crate::runtime::{Stop, WorkerPhase};

impl Draft<'_> {
    pub(super) fn overwriting(&mut self) -> Reason {
        let observed = self.observed;
        let attempt = observed.attempt.as_ref().filter(|a| observed.record.is_running(a.no));
        let Some(attempt) = attempt else {
            // State and attempt are written in one transaction, but not read in one.
            self.wake(after(self.now, self.settings.lock_ttl));
            return Reason::new(WhyCode::WorkerStarting, "its attempt is being read");
        };
        let worker = observed.workers.iter().find(|worker| is_current(&observed.record, worker));
        let worker = worker.map(|worker| &worker.phase);
        let holds = |lock: &smith_model::attempt::LockRecord| {
            lock.no == attempt.no && lock.uid == attempt.uid
        };
        let locked = observed.lock.as_ref().is_some_and(holds);
        if locked {
            self.working(attempt, worker)
        } else if attempt.claimed_at.is_some() {
            self.silent(attempt, worker)
        } else {
            self.starting(attempt, worker)
        }
    }

    /// Not claimed yet.
    fn starting(&mut self, attempt: &AttemptRecord, worker: Option<&WorkerPhase>) -> Reason {
        let no = attempt.no;
        let deadline = after(attempt.admitted_at, self.settings.start_deadline);
        let late = self.now >= deadline;
        let too_late = format!("its worker did not begin within {}", self.settings.start_deadline);
        match worker {
            Some(WorkerPhase::Exited { exit, tail }) => {
                let (class, message) = match exit {
                    Exit::NotStarted => (
                        FailureClass::EnvironmentFailed,
                        "its worker could not be started".to_owned(),
                    ),
                    Exit::Code(_)
                    | Exit::Signal(_)
                    | Exit::TimedOut
                    | Exit::Stalled
                    | Exit::Unknown => (
                        FailureClass::WorkerLost,
                        format!("its worker ended before it began ({exit})"),
                    ),
                };
                self.end(no, class, message, Some((*exit, tail)), LockAtEnd::Absent)
            }
            None if late => {
                self.end(no, FailureClass::WorkerLost, too_late, None, LockAtEnd::Absent)
            }
            Some(WorkerPhase::Running) if late => {
                let why = self.end(no, FailureClass::WorkerLost, too_late, None, LockAtEnd::Absent);
                self.kill(attempt);
                why
            }
            Some(WorkerPhase::Unknown { why }) if late => {
                let message = format!("{too_late}, and can't be asked: {why}");
                self.end(no, FailureClass::WorkerLost, message, None, LockAtEnd::Absent)
            }
            None => {
                self.act(Action::CreateWorker { no });
                self.starts("its worker is being started".into(), deadline)
            }
            Some(WorkerPhase::Running) => self.starts("its worker begins".into(), deadline),
            Some(WorkerPhase::Unknown { why }) => {
                self.starts(format!("its worker can't be asked: {why}"), deadline)
            }
        }
    }

    fn starts(&mut self, message: String, deadline: Timestamp) -> Reason {
        self.wake(deadline);
        Reason::new(WhyCode::WorkerStarting, message).until(deadline)
    }

    /// Claimed, and its lock is held.
    fn working(&mut self, attempt: &AttemptRecord, worker: Option<&WorkerPhase>) -> Reason {
        match worker {
            Some(WorkerPhase::Running) | Some(WorkerPhase::Unknown { .. }) => {
                self.maybe_held(attempt)
            }
            // Its finish would have deleted the lock.
            Some(WorkerPhase::Exited { .. }) | None => {
                self.gone(attempt, worker, LockAtEnd::Release)
            }
        }
    }

    /// Claimed, and its lock is gone.
    fn silent(&mut self, attempt: &AttemptRecord, worker: Option<&WorkerPhase>) -> Reason {
        let since = self.observed.seen.lock_gone_since().unwrap_or(self.now);
        let until = after(since, self.settings.lock_ttl);
        let waits = self.now < until;
        let lost = FailureClass::WorkerLost;
        match worker {
            Some(WorkerPhase::Exited { .. }) | None => {
                self.gone(attempt, worker, LockAtEnd::Absent)
            }
            Some(WorkerPhase::Running) | Some(WorkerPhase::Unknown { .. }) if waits => {
                self.wake(until);
                let message = "its worker's lease ran out; it may claim again";
                Reason::new(WhyCode::WorkerSilent, message).until(until)
            }
            Some(WorkerPhase::Running) => {
                let message = "its worker was silent for too long and is stopped".to_owned();
                let why = self.end(attempt.no, lost, message, None, LockAtEnd::Absent);
                self.kill(attempt);
                why
            }
            Some(WorkerPhase::Unknown { why }) => {
                let message =
                    format!("its worker was silent for too long, and can't be asked: {why}");
                self.end(attempt.no, lost, message, None, LockAtEnd::Absent)
            }
        }
    }

    /// No process of it is left, as far as is known: ends the attempt when that was read directly.
    fn gone(
        &mut self,
        attempt: &AttemptRecord,
        worker: Option<&WorkerPhase>,
        lock: LockAtEnd,
    ) -> Reason {
        if self.observed.read == Read::Cached {
            self.check();
            return Reason::new(
                WhyCode::WorkerSilent,
                "whether its worker is gone is being looked at",
            );
        }
        let lost = FailureClass::WorkerLost;
        match worker {
            Some(WorkerPhase::Exited { exit, tail }) => {
                let message = format!("its worker ended without finishing ({exit})");
                self.end(attempt.no, lost, message, Some((*exit, tail)), lock)
            }
            Some(WorkerPhase::Running | WorkerPhase::Unknown { .. }) | None => {
                self.end(attempt.no, lost, "its worker is gone".into(), None, lock)
            }
        }
    }

    fn maybe_held(&mut self, attempt: &AttemptRecord) -> Reason {
        let no = attempt.no;
        let Some(hold) = &self.observed.record.hold else {
            return Reason::new(WhyCode::Running, format!("attempt {no} is under way"));
        };
        let held = format!("held by {}: {}", hold.by, hold.reason);
        let limit = self.observed.record.summary.policy.hold_limit;
        let until = after(hold.since, limit);
        if self.now < until {
            self.wake(until);
            let message = format!("{held}; pauses before its next iteration");
            return Reason::new(WhyCode::Held, message).until(until);
        }
        if !self.observed.seen.is_landing(no) {
            self.act(Action::StopWorker { name: attempt.worker.clone(), no, how: Stop::Land });
        }
        Reason::new(
            WhyCode::Held,
            format!("{held}; for longer than {limit}, so attempt {no} lands"),
        )
    }

    fn end(
        &mut self,
        no: AttemptNo,
        class: FailureClass,
        message: String,
        exit: Option<(Exit, &Vec<String>)>,
        lock: LockAtEnd,
    ) -> Reason {
        let (exit, tail) = exit.map(|(exit, tail)| (exit, tail.clone())).unzip();
        let why = Reason::new(WhyCode::WorkerSilent, message.clone());
        let failure = Failure { class, message };
        let tail = tail.unwrap_or_default();
        self.act(Action::EndAttempt { no, failure, exit, tail, lock });
        why
    }

    /// Only after its attempt's end is committed: until then it could still have claimed again.
    fn kill(&mut self, attempt: &AttemptRecord) {
        let (name, no) = (attempt.worker.clone(), attempt.no);
        self.act(Action::StopWorker { name, no, how: Stop::Kill });
    }
}
