//! What is wrong with a loop, read off its records and off those that it depends on.

use jiff::Timestamp;

use super::{Kind, Occurrence};
use crate::api::LoopItem;
use crate::id::{Digest, LoopId};
use crate::state::{Reason, State, StateRecord};

/// So many failed attempts of a round are more than bad luck.
const FAILURES: u32 = 2;

/// Something that is wrong with a loop, or that it waits for a person with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// What.
    pub kind: Kind,
    /// Which time.
    pub occurrence: Occurrence,
    /// Since when; `None`: the records don't say.
    pub since: Option<Timestamp>,
    /// One sentence for people.
    pub message: String,
    /// What a person can do about it, in one sentence.
    pub next: String,
}

/// A loop that another one depends on.
#[derive(Clone, Copy, Debug)]
pub struct Dependency<'a> {
    /// The loop.
    pub loop_id: &'a LoopId,
    /// `None`: there is no such loop.
    pub record: Option<&'a StateRecord>,
}

/// Everything that is so with a loop, the worst first. `dependencies` are those of its spec, in their order.
pub fn conditions(item: &LoopItem, dependencies: &[Dependency<'_>]) -> Vec<Condition> {
    let found = [
        flatlined(&item.record),
        dependency_ended(&item.record, dependencies),
        worker_silent(item),
        suspect(item),
        retrying(&item.record),
        held(&item.record),
    ];
    found.into_iter().flatten().collect()
}

fn of(
    record: &StateRecord,
    kind: Kind,
    what: &str,
    since: impl Into<Option<Timestamp>>,
    message: String,
    next: impl Into<String>,
) -> Condition {
    let occurrence = Occurrence::new(record.uid, kind, what);
    Condition { kind, occurrence, since: since.into(), message, next: next.into() }
}

fn flatlined(record: &StateRecord) -> Option<Condition> {
    if record.state != State::Flatline || record.reason == Reason::OperatorFlatlined {
        return None;
    }
    // A round flatlines once: only a retry leads away, into the next one.
    let what = format!("r{}", record.round);
    let message = format!("given up ({}): {}", record.reason, record.message);
    let next = "Retry it from its checkpoint or fresh, accept it as done, or delete it.";
    Some(of(record, Kind::Flatlined, &what, record.updated_at, message, next))
}

fn dependency_ended(record: &StateRecord, dependencies: &[Dependency<'_>]) -> Option<Condition> {
    if record.state != State::Unresolved {
        return None;
    }
    let ended = |dependency: &&Dependency<'_>| match dependency.record.map(|r| r.state) {
        Some(State::Flatline | State::Cancelled) | None => true,
        Some(State::Unresolved | State::Overwriting | State::Synced) => false,
    };
    let ended: Vec<_> = dependencies.iter().filter(ended).collect();
    let first = ended.first()?;
    // Which of them ended, and in which of their rounds.
    let key = |d: &&Dependency<'_>| format!("{} {}\n", d.loop_id, d.record.map_or(0, |r| r.round));
    let key: String = ended.iter().map(key).collect();
    let what = format!("{:.12}", Digest::of(key.as_bytes()).as_str());
    let since = ended.iter().filter_map(|d| d.record).map(|r| r.updated_at).min();
    let since = since.map(|since| since.max(record.created_at));
    let id = first.loop_id;
    let more = match ended.len() {
        1 => String::new(),
        n => format!(" ({} more of its dependencies ended, too)", n - 1),
    };
    let how = first.record.map_or("doesn't exist".into(), |r| format!("is {}", r.state));
    let message = format!("{id}, which it depends on, {how}{more}");
    let next = match first.record.map(|r| r.state) {
        Some(State::Flatline) => format!("Retry or accept {id}, or cancel this one."),
        Some(State::Cancelled) => format!("Retry {id}, or cancel this one."),
        _ => "Cancel it.".to_owned(),
    };
    Some(of(record, Kind::DependencyEnded, &what, since, message, next))
}

fn worker_silent(item: &LoopItem) -> Option<Condition> {
    let no = item.record.current_attempt().filter(|no| item.record.is_running(*no))?;
    // Progress of the attempt says that a worker was there; before that, one is being started.
    let was_there = item.progress.as_ref().is_some_and(|progress| progress.no == no);
    if item.claimed || !was_there {
        return None;
    }
    let what = format!("r{}a{}", no.round, no.attempt);
    let message = format!("the worker of attempt {no} doesn't answer: its lease ran out");
    let next =
        "Wait: unless it comes back, the core ends the attempt and tries again; or cancel it.";
    Some(of(&item.record, Kind::WorkerSilent, &what, None, message, next))
}

fn suspect(item: &LoopItem) -> Option<Condition> {
    let no = item.record.current_attempt().filter(|no| item.record.is_running(*no))?;
    let progress = item.progress.as_ref().filter(|progress| progress.no == no)?;
    if !progress.suspect {
        return None;
    }
    // Another iteration is another agent.
    let what = format!("r{}a{}i{}", no.round, no.attempt, progress.iteration);
    let story = progress.story.as_ref().map_or(String::new(), |story| format!(" on {story}"));
    let message = format!(
        "the agent of iteration {}{story} has done nothing for a while; it counts as stalled after {}",
        progress.iteration, item.record.summary.policy.stall_after
    );
    let next = "Attach to its terminal and look, leave it to the stall limit, or cancel it.";
    Some(of(&item.record, Kind::Suspect, &what, progress.suspect_since, message, next))
}

fn retrying(record: &StateRecord) -> Option<Condition> {
    let failed = record.used_attempts + record.uncounted_attempts;
    let message = match record.state {
        State::Unresolved if failed >= FAILURES => record.message.clone(),
        State::Overwriting if failed >= FAILURES => {
            format!("{}; {failed} before it failed", record.message)
        }
        _ => return None,
    };
    let what = format!("r{}", record.round);
    let next = "Read how the last attempt ended; hold it or cancel it, or let it go on.";
    Some(of(record, Kind::Retrying, &what, record.updated_at, message, next))
}

fn held(record: &StateRecord) -> Option<Condition> {
    let hold = record.hold.as_ref()?;
    let what = format!("t{}", hold.since.as_nanosecond());
    let message = format!("held by {}: {}", hold.by, hold.reason);
    let next = "Release it, or cancel it.";
    Some(of(record, Kind::Held, &what, hold.since, message, next))
}
