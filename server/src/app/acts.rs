//! What people do to a loop: override, retry, hold, release. Each is a transition or a hold, with its
//! journal entry and its audit record in one transaction.

use jiff::Timestamp;
use serde_json::Value;
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

/// What a person asks for.
#[derive(Clone, Copy)]
struct PersonsAct<'a> {
    action: &'a str,
    reason: &'a str,
    if_match: Option<Revision>,
}

/// What an act makes of a loop, and how that is told.
struct Told {
    next: StateRecord,
    before: Value,
    after: Value,
    message: String,
    payload: Option<Payload>,
}

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
        let now = now();
        let act = PersonsAct { action, reason, if_match };
        let _ = failpoint::hit!("app.override.before");
        let done = self.audited(caller, id, act, now, |state, actor| {
            let next = state.step(&step, now).map_err(|illegal| {
                let detail = format!("loop {id} can't be changed so: {illegal}");
                Problem::new(Code::IllegalTransition, detail)
            })?;
            Ok(Some(Told {
                before: serde_json::json!({ "state": state.state, "round": state.round }),
                after: serde_json::json!({ "state": next.state, "round": next.round }),
                message: format!("{} → {} by {actor}: {reason}", state.state, next.state),
                payload: Some(Payload::transition(Some(state), &next)),
                next,
            }))
        });
        let done = done.await?;
        let _ = failpoint::hit!("app.override.after");
        Ok(done)
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
        let act = PersonsAct { action: "hold", reason, if_match };
        self.set_hold(caller, id, act, Some(hold)).await
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
        let act = PersonsAct { action: "release", reason, if_match };
        self.set_hold(caller, id, act, None).await
    }

    async fn set_hold(
        &self,
        caller: &Caller,
        id: &LoopId,
        act: PersonsAct<'_>,
        hold: Option<Hold>,
    ) -> Result<LoopItem, Error> {
        let now = now();
        let PersonsAct { action, reason, .. } = act;
        let _ = failpoint::hit!("app.hold.before");
        let done = self.audited(caller, id, act, now, |state, actor| {
            if state.state.ended() {
                let detail = format!("loop {id} is {}: there is nothing to {action}", state.state);
                return Err(Problem::new(Code::IllegalTransition, detail));
            }
            if state.hold.is_some() == hold.is_some() {
                return Ok(None);
            }
            Ok(Some(Told {
                before: serde_json::json!({ "hold": state.hold }),
                after: serde_json::json!({ "hold": hold }),
                message: format!("{action} by {actor}: {reason}"),
                payload: None,
                next: StateRecord { hold: hold.clone(), updated_at: now, ..state.clone() },
            }))
        });
        let done = done.await?;
        let _ = failpoint::hit!("app.hold.after");
        Ok(done)
    }

    /// Changes a loop's state record by a person's act, with all its evidence in one transaction.
    /// `decide` gets the record and who acts; nothing: it is so already.
    async fn audited(
        &self,
        caller: &Caller,
        id: &LoopId,
        act: PersonsAct<'_>,
        now: Timestamp,
        decide: impl Fn(&StateRecord, &str) -> Result<Option<Told>, Problem>,
    ) -> Result<LoopItem, Error> {
        caller.needs(Role::Operator)?;
        self.visible(caller, id).await?;
        let PersonsAct { action, reason, if_match } = act;
        let change = self.store.change(id, now, |snapshot| {
            let state = &snapshot.state.value;
            check_match(snapshot.state.revision, if_match)?;
            let mut act = caller.act(&format!("loop.{action}"), Some(reason));
            let Some(told) = decide(state, &act.actor)? else { return Ok(Decision::Done(())) };
            let Told { next, before, after, message, payload } = told;
            (act.before, act.after) = (before, after);
            let entry = Draft::info(Phase::Operator, message).at(Level::Warn);
            let entry = Draft { payload, ..entry };
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
        });
        Ok(item(change.await?.state))
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
