//! The fleet as a table.

mod draw;

use std::collections::BTreeSet;

use ratatui::layout::Rect;
use smith_model::id::LoopId;

use crate::action::{Action, Destination, Motion};
use crate::draw::Canvas;
use crate::effect::Effect;
use crate::fleet::{
    Filter, FleetAction, Grouping, Look, OrderJob, Ordered, Slot, Sort, Table, Touched, ViewId,
};
use crate::place::Handled;
use crate::world::World;

/// What is seen of the fleet.
#[derive(Clone, Debug, Default)]
pub struct View {
    look: Look,
    order: Vec<Slot>,
    /// The newest question.
    generation: u64,
    /// The slots that changed since a question was asked that isn't answered yet.
    asked: Option<Vec<Slot>>,
    /// The order has to be found anew.
    is_stale: bool,
    /// The loop of the cursor; none: the first one, whichever that is.
    selected: Option<LoopId>,
    cursor: usize,
    top: usize,
    rows: usize,
    marked: BTreeSet<LoopId>,
}

impl View {
    /// The fleet as a new tab shows it.
    pub fn new() -> Self {
        Self { is_stale: true, ..Self::default() }
    }

    /// The filter in use.
    pub fn filter(&self) -> &Filter {
        &self.look.filter
    }

    /// The loops that an act is for: the marked ones, else the one of the cursor.
    pub fn targets(&self, table: &Table) -> Vec<LoopId> {
        if self.marked.is_empty() {
            self.under_cursor(table).into_iter().collect()
        } else {
            self.marked.iter().filter(|id| table.get(id).is_some()).cloned().collect()
        }
    }

    fn under_cursor(&self, table: &Table) -> Option<LoopId> {
        let slot = self.order.get(self.cursor)?;
        table.at(*slot).map(|row| row.id.clone())
    }

    pub(super) fn title(&self, world: &World) -> String {
        match self.look.filter.text() {
            "" => format!("Fleet {}", world.fleet.len()),
            filter => format!("Fleet {filter}"),
        }
    }

    pub(super) fn act(&mut self, _tab: u64, world: &World, action: &Action) -> Handled {
        match action {
            Action::Move(motion) => self.go(world, *motion),
            Action::Open => match self.under_cursor(&world.fleet) {
                Some(id) => return Handled::Instead(Action::Go(Destination::Loop(id))),
                None => return Handled::Refused("there is no loop here".to_owned()),
            },
            Action::Fleet(action) => return self.look_otherwise(world, action),
            _ => return Handled::No,
        }
        Handled::done()
    }

    fn look_otherwise(&mut self, world: &World, action: &FleetAction) -> Handled {
        match action {
            FleetAction::Filter(text) => match Filter::parse(text) {
                Ok(filter) => self.look.filter = filter,
                Err(error) => return Handled::Refused(error),
            },
            FleetAction::EditFilter => return Handled::No,
            FleetAction::Sort(column) => {
                let Sort { column: by, is_reversed } = self.look.sort;
                self.look.sort =
                    Sort { column: *column, is_reversed: by == *column && !is_reversed };
            }
            FleetAction::Group(grouping) => {
                let is_same = self.look.grouping == *grouping;
                self.look.grouping = if is_same { Grouping::None } else { *grouping };
            }
            FleetAction::Faults => self.look.faults_only = !self.look.faults_only,
            FleetAction::Mark => {
                if let Some(id) = self.under_cursor(&world.fleet)
                    && !self.marked.remove(&id)
                {
                    self.marked.insert(id);
                }
                self.go(world, Motion::Rows(1));
                return Handled::done();
            }
        }
        self.is_stale = true;
        Handled::done()
    }

    fn go(&mut self, world: &World, motion: Motion) {
        let last = self.order.len().saturating_sub(1);
        let page = i32::try_from(self.rows.max(1)).unwrap_or(i32::MAX);
        let by = |rows: i32| {
            let to = i64::try_from(self.cursor).unwrap_or(i64::MAX) + i64::from(rows);
            usize::try_from(to.max(0)).unwrap_or(last).min(last)
        };
        self.cursor = match motion {
            Motion::Rows(rows) => by(rows),
            Motion::HalfPages(times) => by((page / 2).max(1).saturating_mul(times)),
            Motion::Pages(times) => by(page.saturating_mul(times)),
            Motion::Top => 0,
            Motion::Bottom => last,
            Motion::To(row) => row.min(last),
            Motion::Columns(_) => return,
        };
        self.selected = self.under_cursor(&world.fleet);
        self.scroll_to_cursor();
    }

    fn scroll_to_cursor(&mut self) {
        let highest = self.cursor.saturating_sub(self.rows.saturating_sub(1));
        self.top = self.top.clamp(highest, self.cursor.max(highest));
    }

    /// A row changed. For the view that is seen; others look anew when they are.
    pub fn touch(&mut self, table: &Table, touched: &Touched) {
        if let Some(missed) = &mut self.asked {
            missed.push(touched.slot);
        }
        if touched.new.is_none()
            && let Some(old) = &touched.old
        {
            self.marked.remove(&old.id);
        }
        self.look.touch(&mut self.order, touched, |slot| table.at(slot));
    }

    /// The order has to be found anew before it is shown again.
    pub fn expire(&mut self) {
        self.is_stale = true;
    }

    /// An order was found.
    pub fn take(&mut self, world: &World, ordered: Ordered) {
        if ordered.view.generation != self.generation {
            return;
        }
        let Some(missed) = self.asked.take() else { return };
        self.order = ordered.order;
        let missed: BTreeSet<Slot> = missed.into_iter().collect();
        if !missed.is_empty() {
            self.order.retain(|slot| !missed.contains(slot));
            for slot in missed {
                let new = world.fleet.at(slot).cloned();
                let touched = Touched { slot, old: None, new };
                self.look.touch(&mut self.order, &touched, |slot| world.fleet.at(slot));
            }
        }
    }

    pub(super) fn settle(&mut self, tab: u64, world: &World, area: Rect) -> Vec<Effect> {
        self.rows = usize::from(area.height.saturating_sub(1));
        self.follow_selected(&world.fleet);
        self.scroll_to_cursor();
        if !self.is_stale {
            return vec![];
        }
        self.is_stale = false;
        self.generation += 1;
        self.asked = Some(vec![]);
        let view = ViewId { tab, generation: self.generation };
        let rows = world.fleet.snapshot();
        vec![Effect::Order(OrderJob { view, look: self.look.clone(), rows })]
    }

    /// The cursor stays on its loop, and that where it stands on the screen, whatever is sorted in above it.
    fn follow_selected(&mut self, table: &Table) {
        let found = self.selected.as_ref().and_then(|id| table.get(id)).and_then(|row| {
            let found = self.order.binary_search_by(|slot| match table.at(*slot) {
                Some(other) => self.look.compare(other, row),
                None => std::cmp::Ordering::Less,
            });
            found.ok()
        });
        let last = self.order.len().saturating_sub(1);
        let at = match (&self.selected, found) {
            (None, _) => 0,
            (Some(_), Some(at)) => at,
            // It is gone: the cursor stays where it was.
            (Some(_), None) => self.cursor.min(last),
        };
        self.top = (self.top + at).saturating_sub(self.cursor);
        self.cursor = at;
        if self.selected.is_some() && found.is_none() && self.asked.is_none() {
            self.selected = self.under_cursor(table);
        }
        self.top = self.top.min((last + 1).saturating_sub(self.rows));
    }

    pub(super) fn draw(&self, world: &World, area: Rect, canvas: &mut Canvas<'_>) {
        draw::table(self, world, area, canvas);
    }
}
