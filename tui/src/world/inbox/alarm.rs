//! When a person is told: on an occurrence that wasn't there before, or that has slept long enough. Once for each, many at
//! once in one notice, and not before it is known that it is so. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use smith_model::id::LoopId;
use smith_model::inbox::{Item, Kind, Occurrence, Severity};

use crate::host::{Notice, Urgency};

/// The time between two notices.
const APART: SignedDuration = SignedDuration::from_secs(10);
/// The occurrences of a loop that are known again.
const MOST_OF_ONE: usize = 8;
/// The loops that have left the inbox whose occurrences are known again.
const MOST_GONE: usize = 4096;
/// The loops that a notice names.
const NAMED: usize = 3;

/// What is known of it, and what is to be told.
#[derive(Debug, Default)]
pub(super) struct Alarm {
    /// What is told from here on is news.
    is_begun: bool,
    known: HashMap<LoopId, Known>,
    gone: VecDeque<LoopId>,
    pending: BTreeSet<LoopId>,
    fired: Option<Timestamp>,
}

#[derive(Debug, Default)]
struct Known {
    /// The newest last.
    occurrences: VecDeque<Occurrence>,
    is_gone: bool,
}

/// What an item is for somebody who has heard everything before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    New,
    Known,
}

impl Alarm {
    /// What stood in the inbox at the start was told.
    pub(super) fn begin(&mut self) {
        self.is_begun = true;
    }

    pub(super) fn hears(&mut self, item: &Item, is_open: bool) -> Heard {
        let known = self.known.entry(item.loop_id.clone()).or_default();
        known.is_gone = false;
        if known.occurrences.contains(&item.occurrence) {
            return Heard::Known;
        }
        if known.occurrences.len() == MOST_OF_ONE {
            known.occurrences.pop_front();
        }
        known.occurrences.push_back(item.occurrence.clone());
        if !self.is_begun {
            return Heard::Known;
        }
        if is_open {
            self.pending.insert(item.loop_id.clone());
        }
        Heard::New
    }

    /// It has slept long enough.
    pub(super) fn wakes(&mut self, id: &LoopId) {
        if self.is_begun {
            self.pending.insert(id.clone());
        }
    }

    pub(super) fn leaves(&mut self, id: &LoopId) {
        self.pending.remove(id);
        let Some(known) = self.known.get_mut(id) else { return };
        known.is_gone = true;
        self.gone.push_back(id.clone());
        if self.gone.len() > MOST_GONE
            && let Some(oldest) = self.gone.pop_front()
            && self.known.get(&oldest).is_some_and(|known| known.is_gone)
        {
            self.known.remove(&oldest);
        }
    }

    /// What is to be told now, of items that still ask for somebody.
    pub(super) fn fire<'a>(
        &mut self,
        now: Timestamp,
        open: impl Fn(&LoopId) -> Option<&'a Item>,
    ) -> Option<Notice> {
        if self.pending.is_empty() || self.fired.is_some_and(|at| now.duration_since(at) < APART) {
            return None;
        }
        let pending = std::mem::take(&mut self.pending);
        let mut items: Vec<&Item> = pending.iter().filter_map(open).collect();
        items.sort_by_key(|item| item.place());
        let first = items.first()?;
        self.fired = Some(now);
        let urgency = match first.severity {
            Severity::Critical => Urgency::Critical,
            Severity::Warning => Urgency::Normal,
            Severity::Notice => Urgency::Low,
        };
        Some(match items.as_slice() {
            [item] => Notice {
                title: format!("{} {}", item.loop_id, happened(item.kind)),
                text: item.message.clone(),
                urgency,
            },
            items => Notice { title: counted(items), text: named(items), urgency },
        })
    }
}

/// `12 loops flatlined`, or `12 loops need you: 9 flatlined, 3 suspect`.
fn counted(items: &[&Item]) -> String {
    let mut kinds: BTreeMap<Kind, usize> = BTreeMap::new();
    for item in items {
        *kinds.entry(item.kind).or_default() += 1;
    }
    let count = items.len();
    if let [kind] = kinds.keys().collect::<Vec<_>>().as_slice() {
        return format!("{count} loops {}", happened_to_many(**kind));
    }
    let each: Vec<String> = kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    format!("{count} loops need you: {}", each.join(", "))
}

fn named(items: &[&Item]) -> String {
    let names: Vec<&str> = items.iter().take(NAMED).map(|item| item.loop_id.as_str()).collect();
    let names = names.join(", ");
    match items.len().saturating_sub(NAMED) {
        0 => names,
        more => format!("{names} and {more} more"),
    }
}

fn happened(kind: Kind) -> &'static str {
    match kind {
        Kind::Flatlined => "flatlined",
        Kind::DependencyEnded => "waits for a loop that ended",
        Kind::WorkerSilent => "has a silent worker",
        Kind::Suspect => "may be stalled",
        Kind::Retrying => "tries again",
        Kind::Held => "is held",
    }
}

fn happened_to_many(kind: Kind) -> &'static str {
    match kind {
        Kind::Flatlined => "flatlined",
        Kind::DependencyEnded => "wait for loops that ended",
        Kind::WorkerSilent => "have silent workers",
        Kind::Suspect => "may be stalled",
        Kind::Retrying => "try again",
        Kind::Held => "are held",
    }
}
