//! All rows, by slot and by id, and what changed lately. Pure.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use smith_model::id::{LoopId, ProjectName};
use smith_model::state::State;

use crate::fleet::Row;
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

/// The fleet.
#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<Option<Arc<Row>>>,
    free: Vec<Slot>,
    by_id: HashMap<LoopId, Slot>,
    deltas: HashMap<Slot, (Timestamp, Delta)>,
    by_state: BTreeMap<State, usize>,
    by_project: BTreeMap<ProjectName, usize>,
    faults: usize,
    link: Link,
    heard: Option<Timestamp>,
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

    /// How many are in each state.
    pub fn by_state(&self) -> &BTreeMap<State, usize> {
        &self.by_state
    }

    /// How many are in each project.
    pub fn by_project(&self) -> &BTreeMap<ProjectName, usize> {
        &self.by_project
    }

    /// How many went wrong, or may have.
    pub fn faults(&self) -> usize {
        self.faults
    }

    /// The row in a slot.
    pub fn at(&self, slot: Slot) -> Option<&Arc<Row>> {
        self.rows.get(slot as usize)?.as_ref()
    }

    /// The slot of a loop.
    pub fn slot(&self, id: &LoopId) -> Option<Slot> {
        self.by_id.get(id).copied()
    }

    /// A loop.
    pub fn get(&self, id: &LoopId) -> Option<&Arc<Row>> {
        self.at(self.slot(id)?)
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

    /// Is any row marked?
    pub fn is_marked(&self) -> bool {
        !self.deltas.is_empty()
    }

    /// Forgets marks that are old; answers whether there were any.
    pub fn fade(&mut self, now: Timestamp) -> bool {
        let before = self.deltas.len();
        self.deltas.retain(|_, (at, _)| now.duration_since(*at) < MARKED);
        before != self.deltas.len()
    }

    /// Forgets everything: the whole follows.
    pub fn reset(&mut self, now: Timestamp) {
        *self = Self { link: Link::Loading, heard: Some(now), ..Self::default() };
    }

    /// Notes how the stream does.
    pub fn set_link(&mut self, now: Timestamp, link: Link) {
        if link == Link::Live {
            self.heard = Some(now);
        }
        self.link = link;
    }

    /// Takes a change; answers which row it touched.
    pub fn change(&mut self, now: Timestamp, change: FleetChange) -> Option<Touched> {
        self.heard = Some(now);
        match change {
            FleetChange::Updated(row) => {
                let slot = match self.by_id.get(&row.id) {
                    Some(slot) => *slot,
                    None => self.new_slot(&row.id),
                };
                let new = Arc::<Row>::from(row);
                let old = self.rows[slot as usize].replace(Arc::clone(&new));
                self.recount(old.as_deref(), Some(&new));
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
            FleetChange::Removed(id) => {
                let slot = self.by_id.remove(&id)?;
                let old = self.rows[slot as usize].take();
                self.recount(old.as_deref(), None);
                self.deltas.remove(&slot);
                self.free.push(slot);
                Some(Touched { slot, old, new: None })
            }
        }
    }

    fn new_slot(&mut self, id: &LoopId) -> Slot {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.rows.push(None);
            Slot::try_from(self.rows.len() - 1).expect("fewer loops than fit into memory")
        });
        self.by_id.insert(id.clone(), slot);
        slot
    }

    fn recount(&mut self, old: Option<&Row>, new: Option<&Row>) {
        if let Some(old) = old {
            less(&mut self.by_state, &old.state);
            less(&mut self.by_project, &old.project);
            self.faults -= usize::from(old.is_fault());
        }
        if let Some(new) = new {
            *self.by_state.entry(new.state).or_default() += 1;
            if let Some(count) = self.by_project.get_mut(&new.project) {
                *count += 1;
            } else {
                self.by_project.insert(new.project.clone(), 1);
            }
            self.faults += usize::from(new.is_fault());
        }
    }
}

/// One less; what nothing is left of isn't counted.
fn less<K: Ord>(counts: &mut BTreeMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}
