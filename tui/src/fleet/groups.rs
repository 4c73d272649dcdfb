//! Rows under headings, as lines of a table: where each group begins follows from how many rows it has. Pure.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use smith_model::id::ProjectName;
use smith_model::state::State;

use crate::fleet::column::rank;
use crate::fleet::counts::{Counts, Tally};
use crate::fleet::order::Grouping;

/// Which group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GroupKey {
    /// The loops of a project.
    Project(ProjectName),
    /// The loops in a state.
    State(State),
}

/// A heading, and the rows beneath it.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Which.
    pub key: GroupKey,
    /// Its rows.
    pub tally: Tally,
    /// Its rows aren't shown.
    pub is_folded: bool,
    /// The line of its heading.
    pub line: usize,
    /// The place of its first row in the order.
    pub first: usize,
}

/// What stands in a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Line<'a> {
    /// A heading.
    Heading(&'a Group),
    /// The row at this place of the order.
    Row(usize),
}

/// The lines of a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lines {
    groups: Vec<Group>,
    count: usize,
}

impl Lines {
    /// Of rows that are ordered under these headings, which were counted.
    pub fn new(grouping: Grouping, counts: &Counts, folded: &BTreeSet<GroupKey>) -> Self {
        let keys: Vec<(GroupKey, Tally)> = match grouping {
            Grouping::None => {
                return Self { groups: vec![], count: counts.by_state().total() };
            }
            Grouping::Project => {
                let all = counts.by_project().iter();
                all.map(|(name, tally)| (GroupKey::Project(name.clone()), *tally)).collect()
            }
            Grouping::State => {
                let mut states = State::ALL;
                states.sort_by_key(|state| rank(*state));
                let tally = |state| {
                    let tally = counts.by_state().only(state);
                    (tally.total() > 0).then_some((GroupKey::State(state), tally))
                };
                states.into_iter().filter_map(tally).collect()
            }
        };
        let (mut line, mut first) = (0, 0);
        let mut groups = Vec::with_capacity(keys.len());
        for (key, tally) in keys {
            let is_folded = folded.contains(&key);
            groups.push(Group { key, tally, is_folded, line, first });
            line += 1 + if is_folded { 0 } else { tally.total() };
            first += tally.total();
        }
        Self { groups, count: line }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// What stands in a line.
    pub fn at(&self, line: usize) -> Option<Line<'_>> {
        if line >= self.count {
            return None;
        }
        let Some(group) = self.before(|group| group.line <= line) else {
            return Some(Line::Row(line));
        };
        Some(match line - group.line {
            0 => Line::Heading(group),
            within => Line::Row(group.first + within - 1),
        })
    }

    /// The line of a row by its place in the order: that of its heading, where it is folded away.
    pub fn of_row(&self, place: usize) -> usize {
        match self.before(|group| group.first <= place) {
            None => place,
            Some(group) if group.is_folded => group.line,
            Some(group) => group.line + 1 + place - group.first,
        }
    }

    /// The group of a row by its place in the order.
    pub fn group_of_row(&self, place: usize) -> Option<&Group> {
        self.before(|group| group.first <= place)
    }

    /// A group.
    pub fn group(&self, key: &GroupKey) -> Option<&Group> {
        self.groups.iter().find(|group| group.key == *key)
    }

    /// All groups, in their order.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// The last group for which that holds; it holds for none behind one for which it doesn't.
    fn before(&self, holds: impl Fn(&Group) -> bool) -> Option<&Group> {
        let behind = self.groups.partition_point(holds);
        self.groups.get(behind.checked_sub(1)?)
    }
}
