//! Who may write: a worker under its lock and epoch, a core while it leads.

use smith_model::attempt::{AttemptRecord, LockRecord};
use smith_model::handoff::Handoff;
use smith_model::id::{AttemptNo, LoopId};
use smith_model::journal::{ActorKind, Entry, Payload};
use smith_model::story::{IterationRecord, StoriesRecord};
use smith_model::worker::Progress;

use super::Rule;
use super::check::{Look, Loop};
use super::keys::Kind;

/// Something that only a worker writes.
struct Work {
    what: String,
    /// The attempt that it says it is of.
    no: Option<AttemptNo>,
    needs: Needs,
}

/// What must stand there when it is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Needs {
    /// The lock.
    Lock,
    /// The lock, and the attempt must be the overwriting one.
    LockAndState,
}

/// The worker's writes of one loop at this revision.
pub(super) fn check(look: &mut Look<'_>, before: &Loop, id: &LoopId) {
    let taken = lock(look, before, id);
    let held = match &taken {
        Some(lock) => Some((lock.clone(), look.revision)),
        None => before.lock.clone(),
    };
    for Work { what, no, needs } in work(look, before, id) {
        let Some((lock, epoch)) = &held else {
            look.breaks(Rule::OneWriter, format!("{what} was written by a worker without a lock"));
            continue;
        };
        look.holds(no.is_none_or(|no| no == lock.no), Rule::OneWriter, || {
            format!("{what} is of {no:?}, and the lock is of {}", lock.no)
        });
        look.holds(*epoch >= before.last_epoch, Rule::OneWriter, || {
            format!(
                "{what} was written in epoch {epoch}, after a write in epoch {}",
                before.last_epoch
            )
        });
        if needs == Needs::LockAndState {
            let running = before.state.as_ref().is_some_and(|s| s.is_running(lock.no));
            look.holds(running, Rule::OneWriter, || {
                format!("{what} was written when {} wasn't the overwriting attempt", lock.no)
            });
        }
    }
}

/// The epoch of a worker's write at this revision, once it is applied.
pub(super) fn epoch(look: &mut Look<'_>, id: &LoopId) -> Option<i64> {
    let locks = look.written::<LockRecord>(|kind| matches!(kind, Kind::Lock(l) if l == id));
    locks.iter().any(|(lock, _)| lock.is_some()).then_some(look.revision)
}

/// A lock that is taken at this revision.
fn lock(look: &mut Look<'_>, before: &Loop, id: &LoopId) -> Option<LockRecord> {
    let locks = look.written::<LockRecord>(|kind| matches!(kind, Kind::Lock(l) if l == id));
    let mut taken = None;
    for (lock, write) in locks {
        let Some(lock) = lock else { continue };
        look.holds(before.lock.is_none() && write.version == 1, Rule::OneWriter, || {
            format!("the lock of {id} was taken from {:?}", before.lock)
        });
        look.holds(write.lease != 0, Rule::OneWriter, || {
            format!("the lock of {id} is on no lease")
        });
        let records =
            look.written::<AttemptRecord>(|k| matches!(k, Kind::Attempt(l, _) if l == id));
        let record = records.into_iter().find_map(|(record, _)| record.filter(|r| r.no == lock.no));
        match record {
            None => look.breaks(
                Rule::Evidence,
                format!("the lock of {id} was taken without a record of it"),
            ),
            Some(record) => {
                let same = record.session_hash.as_ref() == Some(&lock.session_hash);
                let before = before.attempt.as_ref().filter(|a| a.no == lock.no);
                let first = before.and_then(|a| a.session_hash.clone());
                let kept = first.is_none_or(|hash| hash == lock.session_hash);
                look.holds(same && kept, Rule::OneWriter, || {
                    format!("{} of {id} was claimed by two sessions", lock.no)
                });
                look.holds(before.is_some_and(|a| a.end.is_none()), Rule::OneWriter, || {
                    format!(
                        "{} of {id} was claimed after its end, or before its admission",
                        lock.no
                    )
                });
            }
        }
        let newest = before.attempt.as_ref().map(|a| a.no);
        look.holds(newest == Some(lock.no), Rule::OneWriter, || {
            format!("the lock of {id} is of {}, and its newest attempt is {newest:?}", lock.no)
        });
        taken = Some(lock);
    }
    taken
}

fn work(look: &mut Look<'_>, before: &Loop, id: &LoopId) -> Vec<Work> {
    let mut work = vec![];
    for entry in look.entries_of(id) {
        let Entry { seq, attempt, actor, draft, .. } = entry;
        if actor.kind == ActorKind::Worker {
            let published =
                matches!(draft.payload, Some(Payload::Prepared { .. } | Payload::Pushed { .. }));
            let needs = if published { Needs::LockAndState } else { Needs::Lock };
            work.push(Work { what: format!("entry {seq} of {id}"), no: attempt, needs });
        }
    }
    let mut add = |what: String, no, needs| work.push(Work { what, no, needs });
    for (record, write) in
        look.written::<IterationRecord>(|k| matches!(k, Kind::Iteration(l) if l == id))
    {
        if let Some(record) = record {
            add(write.key, Some(record.no), Needs::LockAndState);
        }
    }
    for (record, write) in
        look.written::<StoriesRecord>(|k| matches!(k, Kind::Stories(l) if l == id))
    {
        if record.is_some() {
            add(write.key, None, Needs::LockAndState);
        }
    }
    for (record, write) in look.written::<Progress>(|k| matches!(k, Kind::Progress(l) if l == id)) {
        if let Some(record) = record {
            add(write.key, Some(record.no), Needs::Lock);
        }
    }
    for (record, write) in look.written::<Handoff>(|k| matches!(k, Kind::Handoff(l, _) if l == id))
    {
        if let Some(record) = record {
            add(write.key, Some(record.no), Needs::Lock);
        }
    }
    for (record, write) in
        look.written::<AttemptRecord>(|k| matches!(k, Kind::Attempt(l, _) if l == id))
    {
        let known = before.attempt.as_ref();
        if let (Some(record), Some(known)) = (record, known)
            && record.no == known.no
        {
            let found = |a: &AttemptRecord| {
                (a.base.clone(), a.checkpoint.clone(), a.prepared.clone(), a.pushed_at)
            };
            if found(&record) != found(known) {
                add(write.key, Some(record.no), Needs::LockAndState);
            }
        }
    }
    work
}

/// A core writes only while it leads.
pub(super) fn check_core(look: &mut Look<'_>, leader: Option<&str>) {
    for (scope, entries) in look.entries.clone() {
        for entry in entries.iter().filter(|e| e.actor.kind == ActorKind::Core) {
            look.holds(leader == Some(entry.actor.id.as_str()), Rule::OneWriter, || {
                format!(
                    "entry {} of journal {scope} is the core {}'s, and {leader:?} leads",
                    entry.seq, entry.actor.id
                )
            });
        }
    }
}
