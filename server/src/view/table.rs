//! All loops, locks and tokens as of one revision, and what a batch of events does to them. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::mem::size_of;
use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use smith_model::access::TokenRecord;
use smith_model::api::{LoopEvent, LoopItem};
use smith_model::attempt::LockRecord;
use smith_model::id::{LoopId, Revision, TokenId};
use smith_model::inbox::Mark;
use smith_model::state::StateRecord;
use smith_model::worker::Progress;

use crate::store::keys::LiveKey;
use crate::store::lease::LeaderRecord;
use crate::store::live::{LiveBatch, LiveEvent, LiveList, LiveValue};
use crate::store::record::Versioned;

use super::encoded::Encoded;

/// Everything that changed at one revision, or (after history was compacted away) within a span of them.
#[derive(Debug)]
pub struct Batch {
    /// The batch holds what changed after this revision …
    pub since: Revision,
    /// … up to this one.
    pub revision: Revision,
    /// Loops that are new, changed (also in progress or claim), or gone.
    pub loops: Vec<LoopChange>,
    /// Loops whose lock was taken, written or lost; the loop itself may be gone.
    pub locks: Vec<LoopId>,
    /// Loops whose mark in the inbox changed.
    pub marks: Vec<LoopId>,
    /// Tokens that are new, changed or revoked.
    pub tokens: Vec<TokenId>,
    /// Whether another core leads, or none.
    pub leader: LeaderChange,
}

/// What a batch says about the core that leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaderChange {
    /// Nothing.
    Same,
    /// Look again.
    Changed,
}

/// One loop before and after a batch. Both share the records of the view.
#[derive(Clone, Debug)]
pub struct LoopChange {
    /// The loop.
    pub loop_id: LoopId,
    /// `None`: it is new.
    pub before: Option<Arc<LoopItem>>,
    /// `None`: it was deleted.
    pub after: Option<Arc<LoopItem>>,
    /// What streams tell of `after`, once one of them has.
    told: OnceLock<Arc<Encoded<LoopEvent>>>,
}

impl LoopChange {
    fn new(loop_id: LoopId, before: Option<Arc<LoopItem>>, after: Option<Arc<LoopItem>>) -> Self {
        Self { loop_id, before, after, told: OnceLock::new() }
    }

    /// The event that tells `item`, which is `after`: the same for all who may see it.
    pub(super) fn updated(&self, item: &LoopItem) -> Arc<Encoded<LoopEvent>> {
        let tell = || Arc::new(Encoded::new(LoopEvent::Updated(Box::new(item.clone()))));
        self.told.get_or_init(tell).clone()
    }
}

impl Batch {
    /// Does it say nothing that anyone waits for (a tick, a process that came or went)?
    pub(super) fn is_empty(&self) -> bool {
        self.loops.is_empty()
            && self.locks.is_empty()
            && self.marks.is_empty()
            && self.tokens.is_empty()
            && self.leader == LeaderChange::Same
    }

    /// About how many bytes it keeps in memory.
    pub(super) fn weight(&self) -> usize {
        // Of each change only one item counts: what is after one is before the next.
        let item = |change: &LoopChange| {
            let item = change.after.as_ref().or(change.before.as_ref());
            // And it is there three times once a stream told it: the item, the event and its JSON.
            size_of::<LoopChange>() + 3 * item.map_or(0, |item| weight(item))
        };
        let ids = (self.locks.len() + self.marks.len() + self.tokens.len()) * 64;
        size_of::<Self>() + ids + self.loops.iter().map(item).sum::<usize>()
    }
}

/// About how many bytes an item takes: its long texts, and a flat sum for the short ones.
fn weight(item: &LoopItem) -> usize {
    let summary = &item.record.summary;
    let labels = summary.labels.iter().map(|(name, value)| name.len() + value.len() + 64);
    size_of::<LoopItem>()
        + 512
        + summary.title.len()
        + summary.source_ref.len()
        + summary.repository.len()
        + item.record.message.len()
        + summary.depends_on.len() * 64
        + labels.sum::<usize>()
}

/// Where a loop stands in lists: by age, and by id among equals.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) created_at: Timestamp,
    pub(super) loop_id: LoopId,
}

impl Place {
    pub(super) fn of(item: &LoopItem) -> Self {
        Self { created_at: item.record.created_at, loop_id: item.record.loop_id.clone() }
    }
}

/// Everything under `live/`, joined.
#[derive(Debug, Default)]
pub(super) struct Table {
    loops: HashMap<LoopId, Arc<LoopItem>>,
    order: BTreeMap<Place, Arc<LoopItem>>,
    dependents: HashMap<LoopId, BTreeSet<LoopId>>,
    /// Kept apart from the items, because either can be there without the other: a lock outlives its
    /// loop's deletion until its lease ends.
    progress: HashMap<LoopId, Progress>,
    locks: HashMap<LoopId, Arc<Versioned<LockRecord>>>,
    marks: HashMap<LoopId, Arc<Mark>>,
    tokens: HashMap<TokenId, Arc<TokenRecord>>,
    leader: Option<LeaderRecord>,
}

impl Table {
    pub(super) fn new(list: LiveList) -> Self {
        let mut table = Self::default();
        let event = |(key, value)| LiveEvent { key, value: Some(value) };
        let events = list.items.into_iter().map(event).collect();
        table.apply(LiveBatch { revision: list.revision, events });
        table
    }

    pub(super) fn get(&self, id: &LoopId) -> Option<&Arc<LoopItem>> {
        self.loops.get(id)
    }

    pub(super) fn len(&self) -> usize {
        self.loops.len()
    }

    /// All loops, newest first, from behind a place on.
    pub(super) fn newest(&self, behind: Option<&Place>) -> impl Iterator<Item = &Arc<LoopItem>> {
        let range = match behind {
            Some(place) => self.order.range(..place),
            None => self.order.range::<Place, _>(..),
        };
        range.rev().map(|(_, item)| item)
    }

    pub(super) fn dependents(&self, id: &LoopId) -> Vec<LoopId> {
        self.dependents.get(id).into_iter().flatten().cloned().collect()
    }

    pub(super) fn lock(&self, id: &LoopId) -> Option<&Arc<Versioned<LockRecord>>> {
        self.locks.get(id)
    }

    pub(super) fn mark(&self, id: &LoopId) -> Option<&Arc<Mark>> {
        self.marks.get(id)
    }

    pub(super) fn locked(&self) -> Vec<LoopId> {
        self.locks.keys().cloned().collect()
    }

    pub(super) fn tokens(&self) -> Vec<TokenRecord> {
        let mut tokens: Vec<_> = self.tokens.values().map(|token| (**token).clone()).collect();
        tokens.sort_by(|a, b| a.id.cmp(&b.id));
        tokens
    }

    pub(super) fn token(&self, id: &TokenId) -> Option<&Arc<TokenRecord>> {
        self.tokens.get(id)
    }

    pub(super) fn leader(&self) -> Option<&LeaderRecord> {
        self.leader.as_ref()
    }

    /// Takes in what happened at one revision.
    pub(super) fn apply(&mut self, batch: LiveBatch) -> Batch {
        let revision = batch.revision;
        let mut change = Batch {
            since: Revision(revision - 1),
            revision: Revision(revision),
            loops: vec![],
            locks: vec![],
            marks: vec![],
            tokens: vec![],
            leader: LeaderChange::Same,
        };
        // A transaction writes state, progress and lock of a loop together: they make one item.
        let mut states: HashMap<LoopId, Option<Box<Versioned<StateRecord>>>> = HashMap::new();
        let mut touched = vec![];
        for LiveEvent { key, value } in batch.events {
            match (key, value) {
                (LiveKey::State(id), value) => {
                    let state = match value {
                        Some(LiveValue::State(state)) => Some(state),
                        _ => None,
                    };
                    states.insert(id.clone(), state);
                    touched.push(id);
                }
                (LiveKey::Progress(id), value) => {
                    match value {
                        Some(LiveValue::Progress(p)) => self.progress.insert(id.clone(), p),
                        _ => self.progress.remove(&id),
                    };
                    touched.push(id);
                }
                (LiveKey::Lock(id), value) => {
                    match value {
                        Some(LiveValue::Lock(lock)) => {
                            self.locks.insert(id.clone(), Arc::new(lock))
                        }
                        _ => self.locks.remove(&id),
                    };
                    change.locks.push(id.clone());
                    touched.push(id);
                }
                (LiveKey::Attention(id), value) => {
                    match value {
                        Some(LiveValue::Mark(m)) => self.marks.insert(id.clone(), Arc::new(*m)),
                        _ => self.marks.remove(&id),
                    };
                    change.marks.push(id);
                }
                (LiveKey::Token(id), value) => {
                    match value {
                        Some(LiveValue::Token(t)) => self.tokens.insert(id.clone(), Arc::new(*t)),
                        _ => self.tokens.remove(&id),
                    };
                    change.tokens.push(id);
                }
                (LiveKey::Leader, value) => {
                    self.leader = match value {
                        Some(LiveValue::Leader(leader)) => Some(leader),
                        _ => None,
                    };
                    change.leader = LeaderChange::Changed;
                }
                (LiveKey::Member(_) | LiveKey::Tick, _) => {}
            }
        }
        let mut done = BTreeSet::new();
        for id in touched {
            if done.insert(id.clone()) {
                let state = states.remove(&id);
                change.loops.extend(self.join(id, state));
            }
        }
        change
    }

    /// Joins a loop's parts; `state` is its new state record, if that changed (`Some(None)`: deleted).
    fn join(
        &mut self,
        id: LoopId,
        state: Option<Option<Box<Versioned<StateRecord>>>>,
    ) -> Option<LoopChange> {
        let before = self.loops.get(&id).cloned();
        let (record, revision) = match (state, &before) {
            (Some(Some(state)), _) => (state.value, Revision(state.revision)),
            (Some(None), _) => return self.remove(id, before),
            (None, Some(item)) => (item.record.clone(), item.revision),
            (None, None) => return None,
        };
        let after = Arc::new(LoopItem {
            record,
            revision,
            progress: self.progress.get(&id).cloned(),
            claimed: self.locks.contains_key(&id),
        });
        if before.as_ref() == Some(&after) {
            return None;
        }
        if let Some(before) = &before {
            self.order.remove(&Place::of(before));
        } else {
            for dependency in &after.record.summary.depends_on {
                self.dependents.entry(dependency.clone()).or_default().insert(id.clone());
            }
        }
        self.order.insert(Place::of(&after), after.clone());
        self.loops.insert(id.clone(), after.clone());
        Some(LoopChange::new(id, before, Some(after)))
    }

    fn remove(&mut self, id: LoopId, before: Option<Arc<LoopItem>>) -> Option<LoopChange> {
        let before = before?;
        self.loops.remove(&id);
        self.order.remove(&Place::of(&before));
        for dependency in &before.record.summary.depends_on {
            if let Some(dependents) = self.dependents.get_mut(dependency) {
                dependents.remove(&id);
                if dependents.is_empty() {
                    self.dependents.remove(dependency);
                }
            }
        }
        Some(LoopChange::new(id, Some(before), None))
    }

    /// Takes in a whole new list, read at `revision`; `since` is the revision that was known until now.
    pub(super) fn replace(&mut self, new: Self, since: Revision, revision: Revision) -> Batch {
        let old = std::mem::replace(self, new);
        let mut ids: BTreeSet<&LoopId> = old.loops.keys().collect();
        ids.extend(self.loops.keys());
        let change = |id: &LoopId| {
            let (before, after) = (old.loops.get(id).cloned(), self.loops.get(id).cloned());
            (before != after).then(|| LoopChange::new(id.clone(), before, after))
        };
        let same_leader = old.leader == self.leader;
        Batch {
            since,
            revision,
            loops: ids.into_iter().filter_map(change).collect(),
            locks: differences(&old.locks, &self.locks),
            marks: differences(&old.marks, &self.marks),
            tokens: differences(&old.tokens, &self.tokens),
            leader: if same_leader { LeaderChange::Same } else { LeaderChange::Changed },
        }
    }
}

/// The keys whose values aren't the same in both.
fn differences<K, V>(old: &HashMap<K, V>, new: &HashMap<K, V>) -> Vec<K>
where
    K: Clone + Eq + std::hash::Hash,
    V: PartialEq,
{
    let changed = new.iter().filter(|(key, value)| old.get(*key) != Some(*value));
    let gone = old.keys().filter(|key| !new.contains_key(*key));
    changed.map(|(key, _)| key).chain(gone).cloned().collect()
}
