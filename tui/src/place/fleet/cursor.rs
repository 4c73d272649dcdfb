//! Where the cursor is: on a loop or a heading by what it is, not by where it stands.

use smith_model::id::LoopId;

use super::{Selected, View};
use crate::action::Motion;
use crate::fleet::{Folding, GroupKey, Line, Link, Slot, Table};
use crate::world::World;

impl View {
    /// The loops that an act is for: the marked ones, else the one of the cursor.
    pub fn targets(&self, table: &Table) -> Vec<LoopId> {
        if self.marks.is_empty() {
            self.loop_at(table, self.cursor).into_iter().collect()
        } else {
            self.marks.ids().filter(|id| table.get(id).is_some()).cloned().collect()
        }
    }

    pub(super) fn under_cursor(&self, world: &World) -> Option<LoopId> {
        self.loop_at(&world.fleet, self.cursor)
    }

    /// The loop in a line.
    fn loop_at(&self, table: &Table, line: usize) -> Option<LoopId> {
        let slot = self.slot_at(line)?;
        table.at(slot).map(|row| row.id.clone())
    }

    pub(super) fn slot_at(&self, line: usize) -> Option<Slot> {
        match self.lines.at(line)? {
            Line::Heading(_) => None,
            Line::Row(place) => self.shown.order().get(place).copied(),
        }
    }

    /// Where a loop stands in the order that is shown.
    pub(super) fn place_of(&self, table: &Table, id: &LoopId) -> Option<usize> {
        self.shown.place(table.get(id)?, |slot| table.at(slot)).ok()
    }

    pub(super) fn go(&mut self, world: &World, motion: Motion) {
        let last = self.lines.len().saturating_sub(1);
        let Some(to) = motion.lands(self.cursor, last, self.rows) else { return };
        self.cursor = to;
        self.select_under_cursor(&world.fleet);
        self.chosen = self.under_cursor(world);
        self.scroll_to_cursor();
    }

    /// The cursor goes to the row in a slot, if it is still shown.
    pub(super) fn point(&mut self, world: &World, slot: Slot) {
        self.facets.leave();
        let Some(row) = world.fleet.at(slot) else { return };
        if let Some(place) = self.place_of(&world.fleet, &row.id) {
            self.go(world, Motion::To(self.lines.of_row(place)));
        }
    }

    fn select_under_cursor(&mut self, table: &Table) {
        self.selected = match self.lines.at(self.cursor) {
            None => Selected::First,
            Some(Line::Heading(group)) => Selected::Group(group.key.clone()),
            Some(Line::Row(_)) => match self.loop_at(table, self.cursor) {
                Some(id) => Selected::Loop(id),
                None => return,
            },
        };
    }

    /// Something else is shown: the cursor goes to what a person put it on last, if that is part of it, stays where it
    /// is, if that is, and else goes to the first row: what was looked for stands there.
    pub(super) fn select_among_others(&mut self, table: &Table) {
        let is_shown = |id: &LoopId| self.place_of(table, id).is_some();
        match (&self.chosen, &self.selected) {
            (Some(id), _) if is_shown(id) => self.selected = Selected::Loop(id.clone()),
            (_, Selected::Loop(id)) if !is_shown(id) => self.selected = Selected::First,
            _ => {}
        }
    }

    pub(super) fn scroll_to_cursor(&mut self) {
        let highest = self.cursor.saturating_sub(self.rows.saturating_sub(1));
        self.top = self.top.clamp(highest, self.cursor.max(highest));
    }

    /// The cursor stays on what it is on, and that where it stands on the screen, whatever is sorted in above it. Only
    /// at the top of the table what is new pushes it down: whoever watches the top has to see what comes there.
    pub(super) fn follow(&mut self, table: &Table) {
        let last = self.lines.len().saturating_sub(1);
        let found = match &self.selected {
            // The first row, and not the heading above it.
            Selected::First => Some(match self.lines.at(0) {
                Some(Line::Heading(group)) if !group.is_folded => 1,
                _ => 0,
            }),
            Selected::Group(key) => self.lines.group(key).map(|group| group.line),
            // What isn't in order can't be searched: it stays where it was until it is.
            Selected::Loop(_) if !self.is_exact => Some(self.cursor.min(last)),
            Selected::Loop(id) => self.place_of(table, id).and_then(|place| {
                let is_folded = self.lines.group_of_row(place).is_some_and(|g| g.is_folded);
                (!is_folded).then(|| self.lines.of_row(place))
            }),
        };
        // It is gone: the cursor stays where it was.
        let at = found.unwrap_or(self.cursor).min(last);
        let is_at_top = self.top == 0 && at < self.rows;
        self.top = if is_at_top { 0 } else { (self.top + at).saturating_sub(self.cursor) };
        self.cursor = at;
        // The first row is one as soon as it is known which that is.
        let is_known = self.is_exact && *table.link() == Link::Live;
        if found.is_none() || (is_known && self.selected == Selected::First) {
            self.select_under_cursor(table);
        }
        self.top = self.top.min((last + 1).saturating_sub(self.rows));
    }

    pub(super) fn fold(&mut self, folding: Folding) {
        match folding {
            Folding::Toggle => {
                let Some(key) = self.group_of_cursor() else { return };
                if !self.folded.remove(&key) {
                    self.folded.insert(key.clone());
                    self.selected = Selected::Group(key);
                }
            }
            Folding::All => {
                if let Some(key) = self.group_of_cursor() {
                    self.selected = Selected::Group(key);
                }
                self.folded = self.lines.groups().iter().map(|group| group.key.clone()).collect();
            }
            Folding::None => self.folded.clear(),
        }
    }

    fn group_of_cursor(&self) -> Option<GroupKey> {
        let group = match self.lines.at(self.cursor)? {
            Line::Heading(group) => group,
            Line::Row(place) => self.lines.group_of_row(place)?,
        };
        Some(group.key.clone())
    }
}
