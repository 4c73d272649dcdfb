//! The items that a view shows, under a heading for each severity. Pure.

use std::collections::HashMap;
use std::sync::Arc;

use smith_model::id::LoopId;
use smith_model::inbox::{Item, Severity};

use crate::world::inbox::Openness;

/// The items in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    items: Vec<Shown>,
    groups: Vec<Group>,
    positions: HashMap<LoopId, usize>,
}

#[derive(Clone, Debug)]
struct Shown {
    item: Arc<Item>,
    openness: Openness,
}

/// Items of one severity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) severity: Severity,
    /// The first of them.
    first: usize,
    pub(super) count: usize,
}

/// What a line shows.
#[derive(Clone, Copy, Debug)]
pub(super) enum Line<'a> {
    Heading(&'a Group),
    Item(usize, &'a Arc<Item>, Openness),
}

impl Rows {
    /// Of items in the inbox's order.
    pub(super) fn of<'a>(items: impl Iterator<Item = (&'a Arc<Item>, Openness)>) -> Self {
        let mut rows = Self::default();
        for (item, openness) in items {
            let at = rows.items.len();
            rows.positions.insert(item.loop_id.clone(), at);
            rows.items.push(Shown { item: Arc::clone(item), openness });
            match rows.groups.last_mut() {
                Some(group) if group.severity == item.severity => group.count += 1,
                _ => rows.groups.push(Group { severity: item.severity, first: at, count: 1 }),
            }
        }
        rows
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(super) fn get(&self, at: usize) -> Option<&Arc<Item>> {
        self.items.get(at).map(|shown| &shown.item)
    }

    pub(super) fn items(&self) -> impl Iterator<Item = &Arc<Item>> {
        self.items.iter().map(|shown| &shown.item)
    }

    pub(super) fn position(&self, id: &LoopId) -> Option<usize> {
        self.positions.get(id).copied()
    }

    /// Lines, with those of headings.
    pub(super) fn lines(&self) -> usize {
        self.items.len() + self.groups.len()
    }

    /// The line of an item.
    pub(super) fn line_of(&self, at: usize) -> usize {
        at + self.groups.iter().filter(|group| group.first <= at).count()
    }

    pub(super) fn is_first_of_group(&self, at: usize) -> bool {
        self.groups.iter().any(|group| group.first == at)
    }

    /// What a line shows.
    pub(super) fn line(&self, line: usize) -> Option<Line<'_>> {
        for (before, group) in self.groups.iter().enumerate() {
            let heading = group.first + before;
            if line == heading {
                return Some(Line::Heading(group));
            }
            if line <= heading + group.count {
                let at = line - before - 1;
                let Shown { item, openness } = self.items.get(at)?;
                return Some(Line::Item(at, item, *openness));
            }
        }
        None
    }
}
