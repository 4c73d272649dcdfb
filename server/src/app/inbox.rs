//! The inbox: what stands in it, and what people mark it with.
//!
//! A mark is an act like any other: one transaction with its journal entry and its audit record. It is for
//! an occurrence, which is judged on what is stored when the mark is written.

use std::time::Duration;

use jiff::Timestamp;
use smith_model::access::Role;
use smith_model::duration::Span;
use smith_model::id::{LoopId, Revision};
use smith_model::inbox::{
    Act, ClaimRequest, Item, Mark, NoteRequest, Occurrence, Page, SnoozeRequest,
};
use smith_model::journal::{Draft, Phase};
use smith_model::problem::{Code, FieldError, Problem};

use super::{App, Caller, Error, checked_words, now};
use crate::store::change::{Change, Decision, Snapshot};
use crate::view::inbox::{Filter, Subscription};
use crate::view::{BadCursor, EventId};

/// How long an act, or a list of at least some revision, waits for this process to be current.
const PATIENCE: Duration = Duration::from_secs(5);
/// Nothing sleeps for longer: what is to be quiet for good is acknowledged.
const LONGEST_SNOOZE: Span = Span::seconds(90 * 24 * 3600);

impl App {
    /// A page of the inbox.
    pub async fn inbox(
        &self,
        caller: &Caller,
        filter: &Filter,
        cursor: Option<&str>,
        limit: usize,
        at_least: Option<Revision>,
    ) -> Result<Page, Error> {
        if let Some(revision) = at_least {
            self.inbox_at(revision).await?;
        }
        let page = self.inbox.list(filter, &caller.identity.scope, cursor, limit);
        page.map_err(|BadCursor| {
            let rule = "a cursor of an earlier answer to the same request";
            let given = cursor.unwrap_or_default();
            Problem::fields(vec![FieldError::new("cursor", given, rule)]).into()
        })
    }

    /// A stream of the inbox, from the id of the last event that was received.
    pub fn follow_inbox(
        &self,
        caller: &Caller,
        filter: Filter,
        from: Option<EventId>,
    ) -> Subscription {
        let from = from.map(|id| (id.generation, id.revision));
        self.inbox.subscribe(filter, caller.identity.scope.clone(), from)
    }

    /// Takes care of an item.
    pub async fn claim_item(
        &self,
        caller: &Caller,
        id: &LoopId,
        request: ClaimRequest,
    ) -> Result<Item, Error> {
        let ClaimRequest { occurrence, reason } = request;
        let act = Act::Claim { reason: words("reason", reason)? };
        self.mark(caller, id, &occurrence, act).await
    }

    /// Gives that up.
    pub async fn unclaim_item(
        &self,
        caller: &Caller,
        id: &LoopId,
        request: ClaimRequest,
    ) -> Result<Item, Error> {
        let ClaimRequest { occurrence, reason } = request;
        let act = Act::Unclaim { reason: words("reason", reason)? };
        self.mark(caller, id, &occurrence, act).await
    }

    /// Has seen it.
    pub async fn acknowledge_item(
        &self,
        caller: &Caller,
        id: &LoopId,
        request: NoteRequest,
    ) -> Result<Item, Error> {
        let NoteRequest { occurrence, note } = request;
        let act = Act::Acknowledge { note: words("note", note)? };
        self.mark(caller, id, &occurrence, act).await
    }

    /// Wants it quiet for a while.
    pub async fn snooze_item(
        &self,
        caller: &Caller,
        id: &LoopId,
        request: SnoozeRequest,
    ) -> Result<Item, Error> {
        let SnoozeRequest { occurrence, until, span, note } = request;
        let until = wake(until, span, now())?;
        let act = Act::Snooze { until, note: words("note", note)? };
        self.mark(caller, id, &occurrence, act).await
    }

    /// Wants it back.
    pub async fn unsnooze_item(
        &self,
        caller: &Caller,
        id: &LoopId,
        request: NoteRequest,
    ) -> Result<Item, Error> {
        let NoteRequest { occurrence, note } = request;
        let act = Act::Unsnooze { note: words("note", note)? };
        self.mark(caller, id, &occurrence, act).await
    }

    async fn mark(
        &self,
        caller: &Caller,
        id: &LoopId,
        occurrence: &Occurrence,
        act: Act,
    ) -> Result<Item, Error> {
        caller.needs(Role::Operator)?;
        self.visible(caller, id).await?;
        // What it depends on and what its worker said is read from the view.
        self.inbox_at(Revision(self.store.revision().await?)).await?;
        let now = now();
        let changed = self
            .store
            .change(id, now, |snapshot| self.decide(caller, snapshot, occurrence, &act, now));
        let changed = changed.await?;
        // So that whoever acts sees it in the list that they ask this process for next. It is done either way.
        drop(self.inbox.wait_for(Revision(changed.revision), PATIENCE).await);
        Ok(changed.answer)
    }

    fn decide(
        &self,
        caller: &Caller,
        snapshot: &Snapshot,
        occurrence: &Occurrence,
        act: &Act,
        now: Timestamp,
    ) -> Result<Decision<Item>, Problem> {
        let id = &snapshot.state.value.loop_id;
        let stale = |what: String| {
            let detail = format!("loop {id} {what}, not as {occurrence}: look at the inbox again");
            Problem::new(Code::StaleOccurrence, detail)
        };
        let judged = self.inbox.judge(&snapshot.state);
        let (standing, item) = judged.ok_or_else(|| stale("doesn't stand in the inbox".into()))?;
        let (condition, since) =
            standing.find(occurrence).ok_or_else(|| match standing.worst() {
                Some((now, _)) => stale(format!("stands in the inbox as {}", now.occurrence)),
                None => stale("doesn't stand in the inbox any more".into()),
            })?;
        let since = since.unwrap_or(item.record.updated_at);
        let before = snapshot.mark.as_ref().map(|mark| &mark.value);
        let by = &caller.identity.name;
        let next = Mark::after(before, occurrence, act, by, now).map_err(|refused| {
            let detail = format!("the item of loop {id}: {refused}");
            Problem::new(Code::ItemClaimed, detail)
        })?;
        let Some(next) = next else {
            return Ok(Decision::Done(Item::new(&item, condition, since, before)));
        };
        let answer = Item::new(&item, condition, since, Some(&next));
        let mut audit = caller.act(&format!("inbox.{}", act.name()), act.words());
        audit.before = serde_json::json!({ "mark": before });
        audit.after = serde_json::json!({ "mark": next });
        let until = match act {
            Act::Snooze { until, .. } => format!(" until {until}"),
            Act::Claim { .. }
            | Act::Unclaim { .. }
            | Act::Acknowledge { .. }
            | Act::Unsnooze { .. } => String::new(),
        };
        let words = act.words().map_or(String::new(), |words| format!(": {words}"));
        let message = format!("inbox: {}{until} by {by} ({}){words}", act.name(), condition.kind);
        let attempt = snapshot.state.value.current_attempt();
        let change = Change {
            entries: vec![(caller.actor(), attempt, Draft::info(Phase::Operator, message))],
            act: Some(audit),
            mark: Some(next),
            ..Change::default()
        };
        Ok(Decision::Write(Box::new(change), answer))
    }

    /// Waits, within bounds, until the inbox is at least as new as `revision`.
    async fn inbox_at(&self, revision: Revision) -> Result<(), Error> {
        if self.inbox.wait_for(revision, PATIENCE).await.is_ok() {
            return Ok(());
        }
        let detail = format!("this process hasn't seen revision {revision} yet: try again");
        Err(Problem::new(Code::Unavailable, detail).into())
    }
}

/// A reason or a note, where one was given.
fn words(field: &str, words: Option<String>) -> Result<Option<String>, Error> {
    words.map(|words| Ok(checked_words(field, &words)?.to_owned())).transpose()
}

/// Until when something sleeps.
fn wake(
    until: Option<Timestamp>,
    span: Option<Span>,
    now: Timestamp,
) -> Result<Timestamp, Problem> {
    let refuse = |field, given: String, rule: &str| {
        Err(Problem::fields(vec![FieldError::new(field, given, rule)]))
    };
    let latest = now.checked_add(LONGEST_SNOOZE.signed()).unwrap_or(Timestamp::MAX);
    let in_time = |at: &Timestamp| *at > now && *at <= latest;
    const RULE: &str =
        "later than now, and within 90 days (to be quiet for good is to acknowledge)";
    match (until, span) {
        (Some(until), None) if in_time(&until) => Ok(until),
        (Some(until), None) => refuse("until", until.to_string(), RULE),
        (None, Some(span)) => match now.checked_add(span.signed()).ok().filter(in_time) {
            Some(until) => Ok(until),
            None => refuse("for", span.to_string(), RULE),
        },
        (Some(_), Some(span)) => refuse("for", span.to_string(), "left out where until is given"),
        (None, None) => refuse("until", String::new(), "given, or else for"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snooze_ends_within_bounds() {
        let now: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        let later = |seconds: u32| now + Span::seconds(seconds).signed();
        let hour = Span::seconds(3600);
        assert_eq!(wake(None, Some(hour), now).unwrap(), later(3600));
        assert_eq!(wake(Some(later(5)), None, now).unwrap(), later(5));
        let day = 24 * 3600;
        for (until, span, field) in [
            (None, None, "until"),
            (Some(later(5)), Some(hour), "for"),
            (Some(now), None, "until"),
            (None, Some(Span::seconds(0)), "for"),
            (Some(later(91 * day)), None, "until"),
            (None, Some(Span::seconds(91 * day)), "for"),
        ] {
            let problem = wake(until, span, now).unwrap_err();
            assert_eq!(problem.errors[0].field, field, "{problem}");
        }
    }
}
