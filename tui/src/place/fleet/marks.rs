//! Marked rows: what an act on several is for. How many of them aren't seen is always known, so that it surprises nobody.

use std::collections::BTreeSet;

use smith_model::id::LoopId;

use super::View;
use crate::action::Motion;
use crate::fleet::{Marking, Shown, Table, Touched};
use crate::place::Handled;
use crate::world::World;

/// The marked loops.
#[derive(Clone, Debug, Default)]
pub(super) struct Marks {
    ids: BTreeSet<LoopId>,
    /// How many of them the filter lets through.
    shown: usize,
    /// The one that was marked last.
    last: Option<LoopId>,
}

impl Marks {
    pub(super) fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    pub(super) fn has(&self, id: &LoopId) -> bool {
        self.ids.contains(id)
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = &LoopId> {
        self.ids.iter()
    }

    /// Marks something that is shown.
    fn add(&mut self, id: LoopId) {
        self.shown += usize::from(self.ids.insert(id));
    }

    /// A row changed; called before what is shown took it.
    pub(super) fn touch(&mut self, shown: &Shown, touched: &Touched) {
        let Some(row) = touched.old.as_ref().or(touched.new.as_ref()) else { return };
        if self.ids.is_empty() || !self.ids.contains(&row.id) {
            return;
        }
        let is_shown = |row: &std::sync::Arc<_>| shown.look.shows(row, shown.as_of);
        let was = touched.old.as_ref().is_some_and(is_shown);
        let is = touched.new.as_ref().is_some_and(is_shown);
        self.shown = (self.shown + usize::from(is)).saturating_sub(usize::from(was));
        if touched.new.is_none() {
            self.ids.remove(&row.id);
        }
    }

    /// Something else is shown: what is gone isn't marked any more, and the rest is counted.
    pub(super) fn recount(&mut self, table: &Table, shown: &Shown) {
        self.ids.retain(|id| table.get(id).is_some());
        let rows = self.ids.iter().filter_map(|id| table.get(id));
        self.shown = rows.filter(|row| shown.look.shows(row, shown.as_of)).count();
    }

    /// What is said of them; nothing, where there are none.
    pub(super) fn said(&self) -> Option<String> {
        let hidden = self.ids.len() - self.shown.min(self.ids.len());
        match (self.ids.len(), hidden) {
            (0, _) => None,
            (marked, 0) => Some(format!("{marked} marked")),
            (marked, hidden) => Some(format!("{marked} marked, {hidden} not shown")),
        }
    }
}

impl View {
    pub(super) fn mark(&mut self, world: &World, marking: Marking) -> Handled {
        match marking {
            Marking::Toggle => {
                let Some(id) = self.under_cursor(world) else {
                    return Handled::Refused("there is no loop here to mark".to_owned());
                };
                if self.marks.ids.remove(&id) {
                    self.marks.shown = self.marks.shown.saturating_sub(1);
                } else {
                    self.marks.last = Some(id.clone());
                    self.marks.add(id);
                }
                self.go(world, Motion::Rows(1));
            }
            Marking::Range => {
                let last = self.marks.last.as_ref();
                let from = last.and_then(|id| self.place_of(&world.fleet, id));
                let Some(from) = from.map(|place| self.lines.of_row(place)) else {
                    let why = "mark a row that is shown first: this marks what is between";
                    return Handled::Refused(why.to_owned());
                };
                let (first, last) = (from.min(self.cursor), from.max(self.cursor));
                for line in first..=last {
                    if let Some(row) = self.slot_at(line).and_then(|slot| world.fleet.at(slot)) {
                        self.marks.add(row.id.clone());
                    }
                }
                self.marks.last = self.under_cursor(world).or(self.marks.last.take());
            }
            Marking::All => {
                // Rows in folded groups too: the filter lets them through.
                for slot in self.shown.order() {
                    if let Some(row) = world.fleet.at(*slot) {
                        self.marks.add(row.id.clone());
                    }
                }
            }
            Marking::None => self.marks = Marks::default(),
        }
        Handled::done()
    }
}
