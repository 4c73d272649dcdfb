//! What people do to a loop: override, retry, hold, release. Each is a transition or a hold, with its
//! journal entry and its audit record in one transaction.

use smith_failpoint as failpoint;
use smith_model::access::Role;
use smith_model::api::{LoopItem, TargetState};
use smith_model::id::{LoopId, Revision};
use smith_model::journal::{Draft, Level, Payload, Phase};
use smith_model::problem::{Code, Problem};
use smith_model::state::{Hold, RetryFrom, StateRecord, Step};

use super::loops::item;
use super::{App, Caller, Error, checked_reason, now};
use crate::store;
use crate::store::change::{Change, Decision, OverrideDraft};

impl App {
    /// Changes a loop's state as a person says.
    pub async fn override_state(
        &self,
        caller: &Caller,
        id: &LoopId,
        target: TargetState,
        reason: &str,
        if_match: Option<Revision>,
    ) -> Result<LoopItem, Error> {
        let reason = checked_reason(reason)?.to_owned();
        let (action, step) = match target {
            TargetState::Cancelled => ("cancel", Step::Cancel { reason: reason.clone() }),
            TargetState::Flatline => ("flatline", Step::Flatline { reason: reason.clone() }),
            TargetState::Synced => ("accept", Step::Accept { reason: reason.clone() }),
            TargetState::Unresolved => {
                let from = RetryFrom::Checkpoint;
                ("retry", Step::Retry { reason: reason.clone(), from })
            }
        };
        let done = self.step(caller, id, action, step, &reason, if_match).await;
        match (done, target) {
            (Err(Error::Store(store::Error::Full)), TargetState::Cancelled) => {
                self.stop_unrecorded(caller, id).await
            }
            (done, _) => done,
        }
    }

    /// Begins another round.
    pub async fn retry(
        &self,
        caller: &Caller,
        id: &LoopId,
        reason: &str,
        from: RetryFrom,
        if_match: Option<Revision>,
    ) -> Result<LoopItem, Error> {
        let reason = checked_reason(reason)?.to_owned();
        let step = Step::Retry { reason: reason.clone(), from };
        self.step(caller, id, "retry", step, &reason, if_match).await
    }

    async fn step(
        &self,
        caller: &Caller,
        id: &LoopId,
        action: &str,
        step: Step,
        reason: &str,
        if_match: Option<Revision>,
    ) -> Result<LoopItem, Error> {
        caller.needs(Role::Operator)?;
        self.visible(caller, id).await?;
        let now = now();
        let _ = failpoint::hit!("app.override.before");
        let committed = self
            .store
            .change(id, now, |snapshot| {
                let state = &snapshot.state.value;
                check_match(snapshot.state.revision, if_match)?;
                let next = state.step(&step, now).map_err(|illegal| {
                    let detail = format!("loop {id} can't be changed so: {illegal}");
                    Problem::new(Code::IllegalTransition, detail)
                })?;
                let mut act = caller.act(&format!("loop.{action}"), Some(reason));
                act.before = serde_json::json!({ "state": state.state, "round": state.round });
                act.after = serde_json::json!({ "state": next.state, "round": next.round });
                let payload = Payload::transition(Some(state), &next);
                let message =
                    format!("{} → {} by {}: {reason}", state.state, next.state, act.actor);
                let entry = Draft::info(Phase::Operator, message).at(Level::Warn).with(payload);
                let change = Change {
                    entries: vec![(caller.actor(), state.current_attempt(), entry)],
                    act: Some(act),
                    over: Some(OverrideDraft {
                        action: action.to_owned(),
                        from: state.state,
                        to: next.state,
                        reason: reason.to_owned(),
                    }),
                    drop_progress: next.state.ended(),
                    state: Some(next),
                    ..Change::default()
                };
                Ok::<_, Problem>(Decision::Write(Box::new(change), ()))
            })
            .await?;
        let _ = failpoint::hit!("app.override.after");
        Ok(item(committed.state))
    }

    /// Puts a stop sign beside the state. A loop that is held already keeps its first one.
    pub async fn hold(
        &self,
        caller: &Caller,
        id: &LoopId,
        reason: &str,
        if_match: Option<Revision>,
    ) -> Result<LoopItem, Error> {
        let reason = checked_reason(reason)?;
        let hold = Hold { by: caller.identity.name.clone(), reason: reason.into(), since: now() };
        self.set_hold(caller, id, "hold", reason, if_match, |state| {
            if state.hold.is_some() { None } else { Some(Some(hold.clone())) }
        })
        .await
    }

    /// Takes the stop sign away.
    pub async fn release(
        &self,
        caller: &Caller,
        id: &LoopId,
        reason: &str,
        if_match: Option<Revision>,
    ) -> Result<LoopItem, Error> {
        let reason = checked_reason(reason)?;
        self.set_hold(caller, id, "release", reason, if_match, |state| {
            state.hold.is_some().then_some(None)
        })
        .await
    }

    /// `decide` answers the new hold, or nothing if it is so already.
    async fn set_hold(
        &self,
        caller: &Caller,
        id: &LoopId,
        action: &str,
        reason: &str,
        if_match: Option<Revision>,
        decide: impl Fn(&StateRecord) -> Option<Option<Hold>>,
    ) -> Result<LoopItem, Error> {
        caller.needs(Role::Operator)?;
        self.visible(caller, id).await?;
        let now = now();
        let _ = failpoint::hit!("app.hold.before");
        let committed = self
            .store
            .change(id, now, |snapshot| {
                let state = &snapshot.state.value;
                check_match(snapshot.state.revision, if_match)?;
                if state.state.ended() {
                    let detail =
                        format!("loop {id} is {}: there is nothing to {action}", state.state);
                    return Err(Problem::new(Code::IllegalTransition, detail));
                }
                let Some(hold) = decide(state) else { return Ok(Decision::Done(())) };
                let mut act = caller.act(&format!("loop.{action}"), Some(reason));
                act.before = serde_json::json!({ "hold": state.hold });
                act.after = serde_json::json!({ "hold": hold });
                let message = format!("{action} by {}: {reason}", act.actor);
                let next = StateRecord { hold, updated_at: now, ..state.clone() };
                let entry = Draft::info(Phase::Operator, message).at(Level::Warn);
                let change = Change {
                    entries: vec![(caller.actor(), state.current_attempt(), entry)],
                    act: Some(act),
                    over: Some(OverrideDraft {
                        action: action.to_owned(),
                        from: state.state,
                        to: state.state,
                        reason: reason.to_owned(),
                    }),
                    state: Some(next),
                    ..Change::default()
                };
                Ok(Decision::Write(Box::new(change), ()))
            })
            .await?;
        let _ = failpoint::hit!("app.hold.after");
        Ok(item(committed.state))
    }

    /// The last resort when nothing can be written: without its lock the worker stops.
    async fn stop_unrecorded(&self, caller: &Caller, id: &LoopId) -> Result<LoopItem, Error> {
        self.store.drop_lock(id).await?;
        tracing::warn!(loop_id = %id, by = %caller.identity.name, "stopped, but etcd is full: not recorded");
        let detail = format!(
            "loop {id} was stopped (its lock is deleted), but etcd is full and can't record it: \
             make room, then cancel it again"
        );
        Err(Problem::new(Code::StoppedNotRecorded, detail).into())
    }
}

fn check_match(revision: i64, if_match: Option<Revision>) -> Result<(), Problem> {
    match if_match {
        Some(Revision(asked)) if asked != revision => {
            let detail = format!("it is at revision {revision}, not {asked}: read it again");
            Err(Problem::new(Code::RevisionMismatch, detail))
        }
        _ => Ok(()),
    }
}
