//! Which items of the inbox a list or a stream shows. Pure.

use std::collections::BTreeSet;

use jiff::Timestamp;
use smith_model::access::Scope;
use smith_model::id::ProjectName;
use smith_model::inbox::{Item, Kind, Severity};

/// Which items are asked for. Every field that is given must match; the default matches all that ask for
/// somebody now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of one of these severities; empty: of any.
    pub severities: BTreeSet<Severity>,
    /// Of one of these kinds; empty: of any.
    pub kinds: BTreeSet<Kind>,
    /// Of this project.
    pub project: Option<ProjectName>,
    /// Also those that sleep.
    pub snoozed: bool,
    /// Also those that somebody has acknowledged.
    pub acknowledged: bool,
}

/// A filter and the projects of whoever asks.
#[derive(Clone, Debug)]
pub(super) struct Sight {
    pub(super) filter: Filter,
    pub(super) scope: Scope,
}

impl Sight {
    /// Is the item seen?
    pub(super) fn sees(&self, item: &Item, now: Timestamp) -> bool {
        let Filter { snoozed, acknowledged, .. } = &self.filter;
        let quiet = item.mark.as_ref().is_some_and(|mark| {
            (mark.acknowledged_at.is_some() && !acknowledged) || (mark.snoozes(now) && !snoozed)
        });
        self.can_see(item) && !quiet
    }

    /// Is it seen at some time, whatever it is marked with?
    pub(super) fn can_see(&self, item: &Item) -> bool {
        let Filter { severities, kinds, project, snoozed: _, acknowledged: _ } = &self.filter;
        self.scope.allows(&item.project)
            && (severities.is_empty() || severities.contains(&item.severity))
            && (kinds.is_empty() || kinds.contains(&item.kind))
            && project.as_ref().is_none_or(|project| *project == item.project)
    }
}
