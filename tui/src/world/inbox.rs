//! The inbox as it is known here: which loops wait for a person, how many, and when somebody is told. Pure.
//!
//! A whole that is told anew after a reconnect doesn't empty what is shown: what isn't told again goes when it is whole.

mod alarm;
mod filter;
mod marking;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use smith_model::id::LoopId;
use smith_model::inbox::{Item, Place, Severity};

use crate::fleet::Link;
use crate::host::Notice;
use alarm::{Alarm, Heard};

pub use filter::{Filter, Viewer};
pub use marking::{Act, Marking, Order, Outcome, Progress, Target, Until};

/// How long what is new is marked.
const NEW: SignedDuration = SignedDuration::from_secs(60);

/// A change of the inbox.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InboxChange {
    /// An item is new, or changed.
    Updated(Box<Item>),
    /// A loop doesn't stand in it any more.
    Removed(LoopId),
    /// The server has lost its store: what was told may be outdated.
    StoreLost(Timestamp),
    /// It has found it again.
    StoreFound,
}

/// How far what is known can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust<'a> {
    /// Nothing whole was told yet.
    Unknown,
    /// It is how it is.
    Live,
    /// It is how it was then; the whole is being told anew.
    Loading,
    /// It is how it was then.
    Lost {
        /// Since when.
        since: Timestamp,
        /// Why.
        why: &'a str,
    },
}

/// The inbox.
#[derive(Debug, Default)]
pub struct Inbox {
    items: BTreeMap<Place, Kept>,
    places: HashMap<LoopId, Place>,
    /// When what sleeps wakes up.
    wakes: BTreeSet<(Timestamp, LoopId)>,
    /// How many ask for somebody, by severity.
    open: [usize; 3],
    link: Link,
    /// Since when the link is as it is.
    linked: Timestamp,
    store_lost: Option<Timestamp>,
    /// Since when the whole is known; nothing: it never was.
    whole_since: Option<Timestamp>,
    /// What was told of a whole that is told anew.
    retold: Option<HashSet<LoopId>>,
    /// Since when nothing has asked for anybody.
    calm_since: Option<Timestamp>,
    version: u64,
    alarm: Alarm,
}

#[derive(Debug)]
struct Kept {
    item: Arc<Item>,
    is_open: bool,
    /// When this occurrence came, if that was seen.
    came: Option<Timestamp>,
}

impl Inbox {
    /// Another number whenever something else is to be seen.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// How far it can be trusted.
    pub fn trust(&self) -> Trust<'_> {
        match (&self.link, self.store_lost) {
            (Link::Lost { since, why }, _) => Trust::Lost { since: *since, why },
            (Link::Refused { why }, _) => Trust::Lost { since: self.linked, why },
            (_, Some(since)) => Trust::Lost { since, why: "the server has lost its store" },
            (Link::Live, None) => Trust::Live,
            (Link::Connecting | Link::Loading, None) if self.whole_since.is_some() => {
                Trust::Loading
            }
            (Link::Connecting | Link::Loading, None) => Trust::Unknown,
        }
    }

    /// Was it whole once, so that what is shown was so at some time?
    pub fn is_known(&self) -> bool {
        self.whole_since.is_some()
    }

    /// How many loops stand in it, quiet ones too.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Does none?
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// How many ask for somebody.
    pub fn open(&self) -> usize {
        self.open.iter().sum()
    }

    /// How many of a severity do.
    pub fn open_of(&self, severity: Severity) -> usize {
        self.open[severity as usize]
    }

    /// Since when nobody is asked for; nothing, where somebody is, or nobody knows.
    pub fn calm_since(&self) -> Option<Timestamp> {
        self.calm_since
    }

    /// All items with whether they ask for somebody, the worst first, then the oldest.
    pub fn items(&self) -> impl DoubleEndedIterator<Item = (&Arc<Item>, Openness)> {
        self.items.values().map(|kept| (&kept.item, Openness::from(kept.is_open)))
    }

    /// A loop's item.
    pub fn get(&self, id: &LoopId) -> Option<&Arc<Item>> {
        Some(&self.items.get(self.places.get(id)?)?.item)
    }

    /// Does a loop ask for somebody?
    pub fn is_open(&self, id: &LoopId) -> bool {
        let kept = self.places.get(id).and_then(|place| self.items.get(place));
        kept.is_some_and(|kept| kept.is_open)
    }

    /// Did its occurrence come just now?
    pub fn is_new(&self, id: &LoopId, now: Timestamp) -> bool {
        let kept = self.places.get(id).and_then(|place| self.items.get(place));
        kept.and_then(|kept| kept.came).is_some_and(|came| now.duration_since(came) < NEW)
    }

    /// The whole follows.
    pub fn reset(&mut self) {
        self.link = Link::Loading;
        self.store_lost = None;
        self.retold = Some(HashSet::new());
        self.version += 1;
    }

    /// The whole was told. Answers how many ask for somebody, if it was for the first time.
    pub fn ready(&mut self, now: Timestamp) -> Option<usize> {
        if let Some(retold) = self.retold.take() {
            let gone: Vec<LoopId> =
                self.places.keys().filter(|id| !retold.contains(*id)).cloned().collect();
            for id in gone {
                self.remove(&id);
            }
        }
        let is_first = self.whole_since.is_none();
        self.whole_since.get_or_insert(now);
        self.link = Link::Live;
        self.alarm.begin();
        self.look(now);
        is_first.then(|| self.open())
    }

    /// Notes how the stream does.
    pub fn set_link(&mut self, now: Timestamp, link: Link) {
        self.linked = now;
        self.link = link;
        if self.link == Link::Live {
            // Another process may answer: it says itself what it has lost.
            self.store_lost = None;
            if self.retold.is_some() {
                self.link = Link::Loading;
            }
        }
        self.version += 1;
    }

    /// Takes changes.
    pub fn change(&mut self, now: Timestamp, changes: Vec<InboxChange>) {
        for change in changes {
            match change {
                InboxChange::Updated(item) => self.update(now, *item),
                InboxChange::Removed(id) => self.remove(&id),
                InboxChange::StoreLost(since) => self.store_lost = Some(since),
                InboxChange::StoreFound => self.store_lost = None,
            }
        }
        self.look(now);
    }

    /// Time went on: what slept too long wakes up. Answers what is to be said to a person who looks elsewhere.
    pub fn tick(&mut self, now: Timestamp) -> Option<Notice> {
        while let Some((until, _)) = self.wakes.first()
            && *until <= now
            && let Some((_, id)) = self.wakes.pop_first()
        {
            let Some(kept) = self.places.get(&id).and_then(|place| self.items.get_mut(place))
            else {
                continue;
            };
            if !kept.is_open && kept.item.is_open(now) {
                kept.is_open = true;
                kept.came = Some(now);
                self.open[kept.item.severity as usize] += 1;
                self.alarm.wakes(&id);
                self.look(now);
            }
        }
        if self.trust() != Trust::Live {
            return None;
        }
        let Self { alarm, items, places, .. } = self;
        alarm.fire(now, |id| {
            let kept = items.get(places.get(id)?)?;
            kept.is_open.then_some(&*kept.item)
        })
    }

    fn update(&mut self, now: Timestamp, item: Item) {
        if let Some(retold) = &mut self.retold {
            retold.insert(item.loop_id.clone());
        }
        let old = self.take(&item.loop_id);
        let is_open = item.is_open(now);
        let came = match (self.alarm.hears(&item, is_open), &old) {
            (Heard::New, _) => Some(now),
            (Heard::Known, Some(old)) if old.item.occurrence == item.occurrence => old.came,
            (Heard::Known, _) => None,
        };
        let until = item.mark.as_ref().and_then(|mark| mark.snoozed_until);
        if let Some(until) = until.filter(|until| !is_open && now < *until) {
            self.wakes.insert((until, item.loop_id.clone()));
        }
        self.open[item.severity as usize] += usize::from(is_open);
        let place = item.place();
        self.places.insert(item.loop_id.clone(), place.clone());
        self.items.insert(place, Kept { item: Arc::new(item), is_open, came });
    }

    fn remove(&mut self, id: &LoopId) {
        if self.take(id).is_some() {
            self.alarm.leaves(id);
        }
    }

    fn take(&mut self, id: &LoopId) -> Option<Kept> {
        let kept = self.items.remove(&self.places.remove(id)?)?;
        self.open[kept.item.severity as usize] -= usize::from(kept.is_open);
        if let Some(until) = kept.item.mark.as_ref().and_then(|mark| mark.snoozed_until) {
            self.wakes.remove(&(until, id.clone()));
        }
        Some(kept)
    }

    fn look(&mut self, now: Timestamp) {
        self.version += 1;
        match self.open() {
            0 if self.whole_since.is_some() => drop(self.calm_since.get_or_insert(now)),
            _ => self.calm_since = None,
        }
    }
}

/// Whether an item asks for somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Openness {
    /// It does.
    Open,
    /// It was acknowledged, or sleeps.
    Quiet,
}

impl From<bool> for Openness {
    fn from(is_open: bool) -> Self {
        if is_open { Self::Open } else { Self::Quiet }
    }
}
