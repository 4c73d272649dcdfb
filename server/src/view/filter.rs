//! Which loops a list or a stream shows. Pure.

use std::collections::{BTreeMap, BTreeSet};

use smith_model::access::Scope;
use smith_model::api::LoopItem;
use smith_model::id::{LoopId, ProjectName};
use smith_model::spec::SourceType;
use smith_model::state::{State, StateRecord};

/// Which loops are asked for. Every field that is given must match; the default matches all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// In one of these states; empty: in any.
    pub states: BTreeSet<State>,
    /// Of this project.
    pub project: Option<ProjectName>,
    /// With all of these labels, each with this value.
    pub labels: BTreeMap<String, String>,
    /// From such a source.
    pub source_type: Option<SourceType>,
    /// With this text in its title, id or source, in upper or lower case.
    pub q: Option<Text>,
    /// Held, or not held.
    pub held: Option<bool>,
    /// That were created to depend on this loop.
    pub depends_on: Option<LoopId>,
}

/// A text to be looked for in any case; folded once, not for every loop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text(String);

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(text.to_lowercase())
    }
}

impl Text {
    fn is_in(&self, text: &str) -> bool {
        text.to_lowercase().contains(&self.0)
    }
}

impl Filter {
    /// Is the loop asked for?
    pub fn matches(&self, item: &LoopItem) -> bool {
        let record = &item.record;
        (self.states.is_empty() || self.states.contains(&record.state))
            && self.held.is_none_or(|held| held == record.hold.is_some())
            && self.can_match(record)
    }

    /// Can the loop be asked for in some state of its life? Looks only at what never changes.
    pub(super) fn can_match(&self, record: &StateRecord) -> bool {
        let Self { states: _, project, labels, source_type, q, held: _, depends_on } = self;
        let summary = &record.summary;
        project.as_ref().is_none_or(|project| *project == summary.project)
            && source_type.is_none_or(|source| source == summary.source_type)
            && depends_on.as_ref().is_none_or(|id| summary.depends_on.contains(id))
            && labels.iter().all(|(name, value)| summary.labels.get(name) == Some(value))
            && q.as_ref().is_none_or(|q| {
                q.is_in(&summary.title)
                    || q.is_in(record.loop_id.as_str())
                    || q.is_in(&summary.source_ref)
            })
    }
}

/// A filter and the projects of whoever asks: the one question that lists and streams put.
#[derive(Clone, Debug)]
pub(super) struct Sight {
    pub(super) filter: Filter,
    pub(super) scope: Scope,
}

impl Sight {
    /// Is the loop seen?
    pub(super) fn sees(&self, item: &LoopItem) -> bool {
        self.scope.allows(&item.record.summary.project) && self.filter.matches(item)
    }

    /// Can the loop be seen in some state of its life?
    pub(super) fn can_see(&self, record: &StateRecord) -> bool {
        self.scope.allows(&record.summary.project) && self.filter.can_match(record)
    }
}
