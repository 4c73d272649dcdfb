//! Doing what a plan says. Every action is idempotent and safe to repeat after a crash at any point.

use jiff::Timestamp;
use smith_failpoint as failpoint;
use smith_model::attempt::{AttemptRecord, End, Exit};
use smith_model::id::{AttemptNo, LoopId};
use smith_model::journal::{Actor, ActorKind, Draft, Level, Payload, Phase};
use smith_model::state::{By, Failure, StateRecord, Step};
use smith_model::terminal::ticket;
use smith_model::worker::{Launch, claim_token};

use super::plan::{Action, LockAtEnd, Observed};
use super::reign::{Error, Reign};
use crate::runtime::{Stop, WorkerLabels};
use crate::store::change::{Change, ChangeError, Decision, LockStep, Snapshot};

/// The loop isn't as the plan was made for: look again.
struct Outdated;

impl From<ChangeError<Outdated>> for Error {
    fn from(error: ChangeError<Outdated>) -> Self {
        match error {
            ChangeError::Refused(Outdated) => Self::Outdated,
            ChangeError::Store(error) => Self::Store(error),
        }
    }
}

impl Reign<'_> {
    /// Does one action; true: look at the loop again at once.
    pub(super) async fn execute(
        &self,
        observed: &Observed,
        action: &Action,
    ) -> Result<bool, Error> {
        let loop_id = &observed.record.loop_id;
        match action {
            Action::Admit { note } => {
                let admitted = self.admit(observed, note.as_deref()).await;
                if admitted.is_err() {
                    self.give_back(loop_id);
                }
                self.admitted(&admitted?);
                Ok(true)
            }
            Action::CreateWorker { no } => {
                self.create_worker(&observed.record, *no).await?;
                Ok(false)
            }
            Action::EndAttempt { no, failure, exit, tail, lock } => {
                self.end_attempt(loop_id, *no, failure, *exit, tail, *lock).await?;
                Ok(true)
            }
            // Every look begins with a direct read.
            Action::CheckWorker => Ok(true),
            Action::StopWorker { name, no, how } => {
                let _ = failpoint::hit!("core.stop-worker.before");
                self.core.runtime.stop(name, *how).await?;
                let _ = failpoint::hit!("core.stop-worker.after");
                if *how == Stop::Land {
                    self.told_to_land(loop_id, *no);
                }
                Ok(false)
            }
            Action::RemoveWorker { name } => {
                let _ = failpoint::hit!("core.remove-worker.before");
                self.core.runtime.remove(name).await?;
                let _ = failpoint::hit!("core.remove-worker.after");
                self.forget_worker(loop_id, name);
                Ok(true)
            }
            Action::MarkGone { no } => {
                let _ = failpoint::hit!("core.mark-gone.before");
                self.mark_gone(loop_id, *no).await?;
                let _ = failpoint::hit!("core.mark-gone.after");
                Ok(false)
            }
        }
    }

    fn actor(&self) -> Actor {
        Actor { kind: ActorKind::Core, id: self.core.config.candidate.holder.clone() }
    }

    fn change(&self) -> Change {
        Change { leader: Some(self.leadership), ..Change::default() }
    }

    async fn admit(&self, observed: &Observed, note: Option<&str>) -> Result<StateRecord, Error> {
        let loop_id = &observed.record.loop_id;
        let planned = (observed.record.round, observed.record.attempt);
        let runtime_id = self.core.runtime.id();
        let now = Timestamp::now();
        let _ = failpoint::hit!("core.admit.before");
        let committed = self
            .core
            .store
            .change(loop_id, now, |snapshot| {
                let state = &snapshot.state.value;
                if (state.round, state.attempt) != planned || state.hold.is_some() {
                    return Err(Outdated);
                }
                let next = state.step(&Step::Admit, now).map_err(|_| Outdated)?;
                let before = snapshot.attempt.as_ref().map(|a| &a.value);
                let mut record = AttemptRecord::admitted(&next, before, now);
                record.runtime_id = Some(runtime_id.to_owned());
                let mut message = format!("{}: {}", record.no, next.message);
                if let Some(note) = note {
                    message = format!("{message}; {note}");
                }
                let entry =
                    Draft::info(Phase::Core, message).with(Payload::transition(Some(state), &next));
                let change = Change {
                    entries: vec![(self.actor(), Some(record.no), entry)],
                    state: Some(next.clone()),
                    attempt: Some(record),
                    lock: LockStep::Absent,
                    ..self.change()
                };
                Ok(Decision::Write(Box::new(change), next))
            })
            .await?;
        let _ = failpoint::hit!("core.admit.after");
        Ok(committed.answer)
    }

    async fn create_worker(&self, record: &StateRecord, no: AttemptNo) -> Result<(), Error> {
        let config = &self.core.config;
        let (loop_id, uid) = (record.loop_id.clone(), record.uid);
        let installation = self.core.store.installation();
        let labels =
            WorkerLabels { name: no.worker_name(&loop_id), installation, loop_id, uid, no };
        let claim_token = claim_token(&config.worker_key, installation, uid, &labels.loop_id, no);
        let launch = Launch {
            api_url: config.api_url.clone(),
            claim_token,
            terminal_key: ticket::secret(&config.terminal_key, installation, uid, no),
            uid,
            agent_env: config.agent_env.clone(),
            secrets: config.secrets.clone(),
        };
        let (loop_id, name) = (labels.loop_id.clone(), labels.name.clone());
        let _ = failpoint::hit!("core.create-worker.before");
        self.remember_worker(&loop_id, &name);
        self.core.runtime.create(labels, launch).await?;
        let _ = failpoint::hit!("core.create-worker.after");
        Ok(())
    }

    async fn end_attempt(
        &self,
        loop_id: &LoopId,
        no: AttemptNo,
        failure: &Failure,
        exit: Option<Exit>,
        tail: &[String],
        lock: LockAtEnd,
    ) -> Result<(), Error> {
        let now = Timestamp::now();
        let _ = failpoint::hit!("core.end-attempt.before");
        self.core
            .store
            .change(loop_id, now, |snapshot| {
                let state = &snapshot.state.value;
                let attempt = current(snapshot, no).ok_or(Outdated)?;
                if !state.is_running(no) || attempt.end.is_some() {
                    return Err(Outdated);
                }
                let step = Step::Fail { by: By::Core, failure: failure.clone() };
                let next = state.step(&step, now).map_err(|_| Outdated)?;
                let mut record = attempt.clone();
                record.end = Some(End {
                    class: Some(failure.class),
                    counted: Some(failure.class.counted()),
                    message: failure.message.clone(),
                    exit,
                    at: now,
                });
                let mut entries = vec![];
                if let Some(exit) = exit {
                    let tail: Vec<String> =
                        tail.iter().map(|line| line.chars().take(200).collect()).collect();
                    let message = format!("the worker {} ended: {exit}", record.worker);
                    let payload = Payload::WorkerEnded { exit, tail };
                    let entry = Draft::info(Phase::Core, message).at(Level::Error).with(payload);
                    entries.push((self.actor(), Some(no), entry));
                }
                let message =
                    format!("{} → {} ({}): {}", state.state, next.state, next.reason, next.message);
                let message: String = message.chars().take(1500).collect();
                let payload = Payload::transition(Some(state), &next);
                let entry = Draft::info(Phase::Core, message).at(Level::Error).with(payload);
                entries.push((self.actor(), Some(no), entry));
                let held = snapshot.lock.as_ref().is_some_and(|l| l.value.no == no);
                let lock = match lock {
                    LockAtEnd::Release if held => LockStep::Release,
                    LockAtEnd::Release | LockAtEnd::Absent => LockStep::Absent,
                };
                if matches!(lock, LockStep::Absent) && snapshot.lock.is_some() {
                    // It was claimed again meanwhile.
                    return Err(Outdated);
                }
                let change = Change {
                    entries,
                    state: Some(next),
                    attempt: Some(record),
                    lock,
                    drop_progress: true,
                    ..self.change()
                };
                Ok(Decision::Write(Box::new(change), ()))
            })
            .await?;
        let _ = failpoint::hit!("core.end-attempt.after");
        Ok(())
    }

    async fn mark_gone(&self, loop_id: &LoopId, no: AttemptNo) -> Result<(), Error> {
        let now = Timestamp::now();
        self.core
            .store
            .change(loop_id, now, |snapshot| {
                // Only the newest attempt is asked about: an earlier one's worker was gone before it.
                let Some(attempt) = current(snapshot, no) else { return Ok(Decision::Done(())) };
                if attempt.gone_at.is_some() {
                    return Ok(Decision::Done(()));
                }
                let record = AttemptRecord { gone_at: Some(now), ..attempt.clone() };
                let message = format!("every process of {} is gone", record.worker);
                let entry = Draft::info(Phase::Core, message).with(Payload::ProcessesGone);
                let change = Change {
                    entries: vec![(self.actor(), Some(no), entry)],
                    attempt: Some(record),
                    ..self.change()
                };
                Ok::<_, Outdated>(Decision::Write(Box::new(change), ()))
            })
            .await?;
        Ok(())
    }
}

fn current(snapshot: &Snapshot, no: AttemptNo) -> Option<&AttemptRecord> {
    snapshot.attempt.as_ref().map(|a| &a.value).filter(|a| a.no == no)
}
