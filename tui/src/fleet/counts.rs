//! How many rows there are of what: kept as rows come and go, so that nobody has to count them. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use smith_model::id::ProjectName;
use smith_model::state::{Reason, State};

use crate::fleet::Row;

/// Rows by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally([u32; State::ALL.len()]);

impl Tally {
    /// How many are in a state.
    pub fn of(&self, state: State) -> usize {
        self.0[state as usize] as usize
    }

    /// How many there are.
    pub fn total(&self) -> usize {
        self.0.iter().map(|count| *count as usize).sum()
    }

    /// Those in one state alone.
    #[must_use]
    pub fn only(&self, state: State) -> Self {
        let mut only = Self::default();
        only.0[state as usize] = self.0[state as usize];
        only
    }

    fn add(&mut self, state: State) {
        self.0[state as usize] += 1;
    }

    fn remove(&mut self, state: State) {
        let count = &mut self.0[state as usize];
        *count = count.saturating_sub(1);
    }
}

/// Some rows, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    all: Tally,
    by_project: BTreeMap<ProjectName, Tally>,
    by_reason: Vec<(Reason, usize)>,
    faults: usize,
}

impl Counts {
    /// By state.
    pub fn by_state(&self) -> &Tally {
        &self.all
    }

    /// By project, each by state; a project without a row isn't there.
    pub fn by_project(&self) -> &BTreeMap<ProjectName, Tally> {
        &self.by_project
    }

    /// By reason, in no order; a reason without a row isn't there.
    pub fn by_reason(&self) -> &[(Reason, usize)] {
        &self.by_reason
    }

    /// How many went wrong, or may have.
    pub fn faults(&self) -> usize {
        self.faults
    }

    /// One more.
    pub fn add(&mut self, row: &Row) {
        self.all.add(row.state);
        match self.by_project.get_mut(&row.project) {
            Some(tally) => tally.add(row.state),
            None => self.by_project.entry(row.project.clone()).or_default().add(row.state),
        }
        match self.by_reason.iter_mut().find(|(reason, _)| *reason == row.reason) {
            Some((_, count)) => *count += 1,
            None => self.by_reason.push((row.reason, 1)),
        }
        self.faults += usize::from(row.is_fault());
    }

    /// One less.
    pub fn remove(&mut self, row: &Row) {
        self.all.remove(row.state);
        if let Some(tally) = self.by_project.get_mut(&row.project) {
            tally.remove(row.state);
            if tally.total() == 0 {
                self.by_project.remove(&row.project);
            }
        }
        if let Some(at) = self.by_reason.iter().position(|(reason, _)| *reason == row.reason) {
            let count = &mut self.by_reason[at].1;
            *count -= 1;
            if *count == 0 {
                self.by_reason.swap_remove(at);
            }
        }
        self.faults = self.faults.saturating_sub(usize::from(row.is_fault()));
    }

    /// With reasons in one order, whatever came first.
    #[cfg(test)]
    pub(super) fn sort(&mut self) {
        self.by_reason.sort_by_key(|(reason, _)| reason.as_str());
    }
}
