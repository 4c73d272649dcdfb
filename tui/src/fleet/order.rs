//! Which rows a view shows, in which order: all at once elsewhere ([`OrderJob`]), or one row's change at a time. Pure.
//!
//! A filter may ask for ages, so an order holds for a time ([`Shown::as_of`]): what changes only by time passing is
//! found by the next job, and not by looking at every row every second.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::fleet::column::rank;
use crate::fleet::{Column, Counts, Direction, Filter, Row, Slot, Touched};

/// What comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sort {
    /// By this column.
    pub column: Column,
    /// Which way.
    #[serde(default)]
    pub direction: Direction,
}

impl Default for Sort {
    fn default() -> Self {
        Self { column: Column::State, direction: Direction::Natural }
    }
}

/// Under which headings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grouping {
    /// None.
    #[default]
    None,
    /// One a project.
    Project,
    /// One a state.
    State,
}

/// Whether a view shows everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Everything.
    #[default]
    All,
    /// Only what went wrong, or may have.
    Faults,
}

/// Which rows a view shows, and how.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Look {
    /// Which.
    pub filter: Filter,
    /// Of all, or of faults.
    pub scope: Scope,
    /// In which order.
    pub sort: Sort,
    /// Under which headings.
    pub grouping: Grouping,
}

/// A view, and which of its questions: an answer to an older one is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ViewId {
    /// The tab's number, which is never used again.
    pub tab: u64,
    /// Higher with each question, and of no two views of a tab the same.
    pub generation: u64,
}

/// To be found out, away from the task that draws.
#[derive(Debug)]
pub struct OrderJob {
    /// For whom.
    pub view: ViewId,
    /// What is to be shown.
    pub look: Look,
    /// At which time.
    pub as_of: Timestamp,
    /// Of these.
    pub rows: Vec<Option<Arc<Row>>>,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ordered {
    /// For whom.
    pub view: ViewId,
    /// The slots in their order.
    pub order: Vec<Slot>,
    /// How many of what they are.
    pub counts: Counts,
}

impl OrderJob {
    /// Finds the order.
    pub fn run(self) -> Ordered {
        let Self { view, look, as_of, rows } = self;
        let mut counts = Counts::default();
        let mut shown: Vec<(Slot, Arc<Row>)> = rows
            .into_iter()
            .enumerate()
            .filter_map(|(slot, row)| Some((Slot::try_from(slot).ok()?, row?)))
            .filter(|(_, row)| look.shows(row, as_of))
            .inspect(|(_, row)| counts.add(row))
            .collect();
        shown.sort_unstable_by(|(_, one), (_, other)| look.compare(one, other));
        Ordered { view, order: shown.into_iter().map(|(slot, _)| slot).collect(), counts }
    }
}

impl Look {
    /// Is the row shown, at a time?
    pub fn shows(&self, row: &Row, now: Timestamp) -> bool {
        let is_in_scope = match self.scope {
            Scope::All => true,
            Scope::Faults => row.is_fault(),
        };
        is_in_scope && self.filter.matches(row, now)
    }

    /// Which comes first. No two loops are equal: the id decides last, and the same way however one sorts.
    pub fn compare(&self, one: &Row, other: &Row) -> Ordering {
        let group = match self.grouping {
            Grouping::None => Ordering::Equal,
            Grouping::Project => one.project.cmp(&other.project),
            Grouping::State => rank(one.state).cmp(&rank(other.state)),
        };
        let Sort { column, direction } = self.sort;
        group
            .then_with(|| column.compare(one, other, direction))
            .then_with(|| match column {
                // Within a state, what came last is what one waits for.
                Column::State => other.created_at.cmp(&one.created_at),
                _ => Ordering::Equal,
            })
            .then_with(|| one.id.cmp(&other.id))
    }
}

/// The rows that a look shows at a time, in order, and counted.
#[derive(Clone, Debug)]
pub struct Shown {
    /// What they were found by.
    pub look: Look,
    /// And for when.
    pub as_of: Timestamp,
    order: Vec<Slot>,
    counts: Counts,
}

impl Shown {
    /// Nothing yet.
    pub fn new(look: Look) -> Self {
        Self { look, as_of: Timestamp::UNIX_EPOCH, order: vec![], counts: Counts::default() }
    }

    /// What was found.
    pub fn of(look: Look, as_of: Timestamp, found: Ordered) -> Self {
        let Ordered { view: _, order, counts } = found;
        Self { look, as_of, order, counts }
    }

    /// The slots in their order.
    pub fn order(&self) -> &[Slot] {
        &self.order
    }

    /// How many of what they are.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Where a row stands. `at` is how rows are looked up.
    pub fn place<'a>(
        &self,
        row: &Row,
        at: impl Fn(Slot) -> Option<&'a Arc<Row>>,
    ) -> Result<usize, usize> {
        self.order.binary_search_by(|slot| match at(*slot) {
            Some(other) => self.look.compare(other, row),
            None => Ordering::Less,
        })
    }

    /// Takes a row's change into an order that was right before it. `at` is how rows are looked up now, for every slot
    /// but the one that changed.
    pub fn touch<'a>(&mut self, touched: &Touched, at: impl Fn(Slot) -> Option<&'a Arc<Row>>) {
        let was = touched.old.as_deref().filter(|old| self.look.shows(old, self.as_of));
        let is = touched.new.as_deref().filter(|new| self.look.shows(new, self.as_of));
        if let Some(old) = was {
            self.counts.remove(old);
        }
        if let Some(new) = is {
            self.counts.add(new);
        }
        match (was, is) {
            (Some(old), Some(new)) if self.look.compare(old, new) == Ordering::Equal => return,
            (None, None) => return,
            _ => {}
        }
        if let Some(old) = was {
            match self.find(old, touched.slot, &at) {
                Ok(place) if self.order[place] == touched.slot => {
                    self.order.remove(place);
                }
                Ok(_) | Err(_) => self.order.retain(|slot| *slot != touched.slot),
            }
        }
        if let Some(new) = is {
            let (Ok(place) | Err(place)) = self.find(new, touched.slot, &at);
            self.order.insert(place, touched.slot);
        }
    }

    /// Takes changes that happened while the order was found: of each slot, only what is there now counts. `old` is
    /// what the order was found with.
    pub fn catch_up<'a>(
        &mut self,
        missed: &HashMap<Slot, Option<Arc<Row>>>,
        at: impl Fn(Slot) -> Option<&'a Arc<Row>>,
    ) {
        if missed.is_empty() {
            return;
        }
        self.order.retain(|slot| !missed.contains_key(slot));
        for old in missed.values().flatten() {
            if self.look.shows(old, self.as_of) {
                self.counts.remove(old);
            }
        }
        for slot in missed.keys() {
            let touched = Touched { slot: *slot, old: None, new: at(*slot).cloned() };
            self.touch(&touched, &at);
        }
    }

    fn find<'a>(
        &self,
        row: &Row,
        changed: Slot,
        at: &impl Fn(Slot) -> Option<&'a Arc<Row>>,
    ) -> Result<usize, usize> {
        self.order.binary_search_by(|slot| match at(*slot) {
            Some(other) if *slot != changed => self.look.compare(other, row),
            // The one that changed stands where it stood: the search is for its old self.
            _ => Ordering::Equal,
        })
    }
}
