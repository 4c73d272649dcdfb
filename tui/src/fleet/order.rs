//! Which rows a view shows, in which order: all at once elsewhere ([`OrderJob`]), or one row's change at a time. Pure.

use std::cmp::Ordering;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smith_model::state::State;

use crate::fleet::{Filter, Row, Slot, Touched};

/// A column of the fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Column {
    /// The loop's id.
    Loop,
    /// Its project.
    Project,
    /// Its state.
    State,
    /// How long ago its state changed.
    Age,
    /// Its title.
    Title,
}

/// What comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sort {
    /// By this column.
    pub column: Column,
    /// The other way round.
    pub is_reversed: bool,
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

/// Which rows a view shows, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    /// Which.
    pub filter: Filter,
    /// Only what went wrong, or may have.
    pub faults_only: bool,
    /// In which order.
    pub sort: Sort,
    /// Under which headings.
    pub grouping: Grouping,
}

impl Default for Look {
    fn default() -> Self {
        Self {
            filter: Filter::default(),
            faults_only: false,
            sort: Sort { column: Column::State, is_reversed: false },
            grouping: Grouping::None,
        }
    }
}

/// A view, and which of its looks: an answer to an older question is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ViewId {
    /// The tab's number, which is never used again.
    pub tab: u64,
    /// One more with each question.
    pub generation: u64,
}

/// To be found out, away from the task that draws.
#[derive(Debug)]
pub struct OrderJob {
    /// For whom.
    pub view: ViewId,
    /// What is to be shown.
    pub look: Look,
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
}

impl OrderJob {
    /// Finds the order.
    pub fn run(self) -> Ordered {
        let Self { view, look, rows } = self;
        let mut shown: Vec<(Slot, Arc<Row>)> = rows
            .into_iter()
            .enumerate()
            .filter_map(|(slot, row)| Some((slot as Slot, row?)))
            .filter(|(_, row)| look.shows(row))
            .collect();
        shown.sort_unstable_by(|(_, one), (_, other)| look.compare(one, other));
        Ordered { view, order: shown.into_iter().map(|(slot, _)| slot).collect() }
    }
}

impl Look {
    /// Is the row shown?
    pub fn shows(&self, row: &Row) -> bool {
        (!self.faults_only || row.is_fault()) && self.filter.matches(row)
    }

    /// Which comes first. No two loops are equal: the id decides last.
    pub fn compare(&self, one: &Row, other: &Row) -> Ordering {
        let group = match self.grouping {
            Grouping::None => Ordering::Equal,
            Grouping::Project => one.project.cmp(&other.project),
            Grouping::State => rank(one.state).cmp(&rank(other.state)),
        };
        let sorted = match self.sort.column {
            Column::Loop => Ordering::Equal,
            Column::Project => one.project.cmp(&other.project),
            Column::State => {
                rank(one.state).cmp(&rank(other.state)).then(other.created_at.cmp(&one.created_at))
            }
            Column::Age => other.updated_at.cmp(&one.updated_at),
            Column::Title => one.title.cmp(&other.title),
        };
        let sorted = sorted.then_with(|| one.id.cmp(&other.id));
        group.then(if self.sort.is_reversed { sorted.reverse() } else { sorted })
    }

    /// Takes a row's change into an order that was right before it. `at` is how rows are looked up now, for every slot
    /// but the one that changed.
    pub fn touch<'a>(
        &self,
        order: &mut Vec<Slot>,
        touched: &Touched,
        at: impl Fn(Slot) -> Option<&'a Arc<Row>>,
    ) {
        let find = |order: &[Slot], row: &Row| {
            order.binary_search_by(|slot| match at(*slot) {
                Some(other) if *slot != touched.slot => self.compare(other, row),
                // The one that changed stands where it stood: the search is for its old self.
                _ => Ordering::Equal,
            })
        };
        let was = touched.old.as_deref().filter(|old| self.shows(old));
        let is = touched.new.as_deref().filter(|new| self.shows(new));
        match (was, is) {
            (Some(old), Some(new)) if self.compare(old, new) == Ordering::Equal => return,
            (None, None) => return,
            _ => {}
        }
        if let Some(old) = was {
            match find(order, old) {
                Ok(position) if order[position] == touched.slot => {
                    order.remove(position);
                }
                _ => order.retain(|slot| *slot != touched.slot),
            }
        }
        if let Some(new) = is {
            let (Ok(position) | Err(position)) = find(order, new);
            order.insert(position, touched.slot);
        }
    }
}

/// What a person looks at first comes first.
fn rank(state: State) -> u8 {
    match state {
        State::Flatline => 0,
        State::Overwriting => 1,
        State::Unresolved => 2,
        State::Cancelled => 3,
        State::Synced => 4,
    }
}
