//! Deleting a loop that has ended and left nothing running.

use smith_model::access::Role;
use smith_model::id::LoopId;
use smith_model::problem::{Code, Problem};

use super::{App, Caller, Error, checked_reason, now};
use crate::store;

/// How often a delete is tried while the loop changes under it.
const TRIES: usize = 5;

impl App {
    /// Deletes a loop. Its id and its idempotency key are never used again.
    pub async fn delete(&self, caller: &Caller, id: &LoopId, reason: &str) -> Result<(), Error> {
        caller.needs(Role::Operator)?;
        let reason = checked_reason(reason)?;
        let state = self.visible(caller, id).await?;
        for _ in 0..TRIES {
            let snapshot = self.store.snapshot(id).await?;
            let now_is = snapshot.state.value.state;
            let refuse = |code, detail: String| Err(Problem::new(code, detail).into());
            if !now_is.ended() {
                let detail = format!("loop {id} is {now_is}: cancel it first");
                return refuse(Code::LoopActive, detail);
            }
            let worker = snapshot.attempt.as_ref().filter(|a| a.value.gone_at.is_none());
            if let Some(attempt) = worker {
                let name = &attempt.value.worker;
                let detail =
                    format!("the worker {name} of loop {id} isn't gone yet: try again soon");
                return refuse(Code::LoopActive, detail);
            }
            if snapshot.lock.is_some() {
                let detail = format!("a worker still holds the lock of loop {id}: try again soon");
                return refuse(Code::LoopActive, detail);
            }
            let (dependents, seen) = self.store.dependents(id).await?;
            let mut waiting = vec![];
            for dependent in dependents {
                let found = self.store.state(&dependent).await?;
                if found.is_some_and(|s| !s.value.state.ended()) {
                    waiting.push(dependent.to_string());
                }
            }
            if !waiting.is_empty() {
                let names = waiting.join(", ");
                let detail = format!("loop {id} is needed by {names}, which hasn't ended");
                return refuse(Code::HasDependents, detail);
            }
            let mut act = caller.act("loop.delete", Some(reason));
            act.before = serde_json::json!({ "state": now_is, "title": state.summary.title });
            let deleted = self.store.delete(&snapshot, seen, caller.actor(), act, now()).await?;
            if deleted.is_some() {
                // What is left behind by a crash here is named by nothing, and costs disk alone.
                self.artifacts.remove_all(snapshot.state.value.uid).await?;
                return Ok(());
            }
        }
        Err(store::Error::Contended.into())
    }
}
