//! All rows, by slot and by id, and what changed lately. Pure.

use std::borrow::Borrow;
use std::collections::{HashMap, HashSet};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use smith_model::id::LoopId;

use crate::fleet::{Counts, Row};
use crate::msg::FleetChange;

/// Where a row is kept for as long as it is there.
pub type Slot = u32;

/// How long a change stays marked.
const MARKED: SignedDuration = SignedDuration::from_secs(8);

/// What a mark at a row says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delta {
    /// It is new.
    New,
    /// Its state is another one.
    State,
    /// Something else of it changed.
    Progress,
}

/// How a stream of the server does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Link {
    /// Nothing came yet.
    #[default]
    Connecting,
    /// What is shown is not the whole yet.
    Loading,
    /// What is shown is how it is.
    Live,
    /// The connection was lost; what is shown is how it was then.
    Lost {
        /// Since when.
        since: Timestamp,
        /// Why.
        why: String,
    },
    /// It won't come back by itself.
    Refused {
        /// Why.
        why: String,
    },
}

/// A row that changed: what it was, and what it is.
#[derive(Clone, Debug)]
pub struct Touched {
    /// Where.
    pub slot: Slot,
    /// Before; nothing: it is new.
    pub old: Option<Arc<Row>>,
    /// Now; nothing: it is gone.
    pub new: Option<Arc<Row>>,
}

/// A row that is found by its id, which is not kept another time for that.
#[derive(Debug)]
struct ById {
    row: Arc<Row>,
    slot: Slot,
}

impl Borrow<LoopId> for ById {
    fn borrow(&self) -> &LoopId {
        &self.row.id
    }
}

impl Hash for ById {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.row.id.hash(state);
    }
}

impl PartialEq for ById {
    fn eq(&self, other: &Self) -> bool {
        self.row.id == other.row.id
    }
}

impl Eq for ById {}

/// The fleet.
#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<Option<Arc<Row>>>,
    free: Vec<Slot>,
    by_id: HashSet<ById>,
    deltas: HashMap<Slot, (Timestamp, Delta)>,
    counts: Counts,
    link: Link,
    heard: Option<Timestamp>,
    /// Since when what is shown isn't how it is, once it was.
    stale: Option<Timestamp>,
    /// While the whole comes anew: what wasn't part of it yet.
    unseen: HashSet<Slot>,
}

impl Table {
    /// How the stream does.
    pub fn link(&self) -> &Link {
        &self.link
    }

    /// When the stream said something last.
    pub fn heard(&self) -> Option<Timestamp> {
        self.heard
    }

    /// How many loops there are.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// How many there are of what.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The time that what is shown is from, where it was live before and isn't now.
    pub fn stale(&self) -> Option<Timestamp> {
        self.stale
    }

    /// The row in a slot.
    pub fn at(&self, slot: Slot) -> Option<&Arc<Row>> {
        self.rows.get(slot as usize)?.as_ref()
    }

    /// A loop.
    pub fn get(&self, id: &LoopId) -> Option<&Arc<Row>> {
        self.by_id.get(id).map(|found| &found.row)
    }

    /// All rows with their slots, in no order.
    pub fn rows(&self) -> impl Iterator<Item = (Slot, &Arc<Row>)> {
        let slots = self.rows.iter().enumerate();
        slots.filter_map(|(slot, row)| Some((slot as Slot, row.as_ref()?)))
    }

    /// All rows as they are now, for somebody who works on them elsewhere.
    pub fn snapshot(&self) -> Vec<Option<Arc<Row>>> {
        self.rows.clone()
    }

    /// What changed of a row lately.
    pub fn delta(&self, slot: Slot) -> Option<Delta> {
        self.deltas.get(&slot).map(|(_, delta)| *delta)
    }

    /// Forgets marks that are old; answers whether there were any.
    pub fn fade(&mut self, now: Timestamp) -> bool {
        let before = self.deltas.len();
        self.deltas.retain(|_, (at, _)| now.duration_since(*at) < MARKED);
        before != self.deltas.len()
    }

    /// The whole follows. Until it is there what was known stays, as what it was: a screen that empties itself whenever
    /// a server restarts would be of no use just then.
    pub fn reset(&mut self, now: Timestamp) {
        self.unseen = self.rows().map(|(slot, _)| slot).collect();
        self.deltas.clear();
        self.set_link(now, Link::Loading);
        self.heard = Some(now);
    }

    /// The whole is there: what wasn't part of it is gone.
    pub fn ready(&mut self, now: Timestamp) {
        for slot in std::mem::take(&mut self.unseen) {
            if let Some(row) = self.at(slot) {
                let id = row.id.clone();
                self.remove(&id);
            }
        }
        self.set_link(now, Link::Live);
    }

    /// Notes how the stream does.
    pub fn set_link(&mut self, now: Timestamp, link: Link) {
        match &link {
            Link::Live => (self.heard, self.stale) = (Some(now), None),
            Link::Lost { since, .. } if self.link == Link::Live => self.stale = Some(*since),
            Link::Connecting | Link::Loading | Link::Refused { .. } if self.link == Link::Live => {
                self.stale = Some(now);
            }
            _ => {}
        }
        self.link = link;
    }

    /// Takes a change; answers which row it touched.
    pub fn change(&mut self, now: Timestamp, change: FleetChange) -> Option<Touched> {
        self.heard = Some(now);
        match change {
            FleetChange::Updated(row) => {
                let slot = match self.by_id.get(&row.id) {
                    Some(found) => found.slot,
                    None => self.new_slot(),
                };
                let new = Arc::<Row>::from(row);
                self.by_id.replace(ById { row: Arc::clone(&new), slot });
                let old = self.rows[slot as usize].replace(Arc::clone(&new));
                if let Some(old) = &old {
                    self.counts.remove(old);
                }
                self.counts.add(&new);
                self.unseen.remove(&slot);
                if self.link == Link::Live {
                    let delta = match &old {
                        None => Delta::New,
                        Some(old) if old.state != new.state => Delta::State,
                        Some(_) => Delta::Progress,
                    };
                    self.deltas.insert(slot, (now, delta));
                }
                Some(Touched { slot, old, new: Some(new) })
            }
            FleetChange::Removed(id) => self.remove(&id),
        }
    }

    fn remove(&mut self, id: &LoopId) -> Option<Touched> {
        let slot = self.by_id.take(id)?.slot;
        let old = self.rows[slot as usize].take();
        if let Some(old) = &old {
            self.counts.remove(old);
        }
        self.deltas.remove(&slot);
        self.unseen.remove(&slot);
        self.free.push(slot);
        Some(Touched { slot, old, new: None })
    }

    fn new_slot(&mut self) -> Slot {
        self.free.pop().unwrap_or_else(|| {
            self.rows.push(None);
            Slot::try_from(self.rows.len() - 1).expect("fewer loops than fit into memory")
        })
    }
}
