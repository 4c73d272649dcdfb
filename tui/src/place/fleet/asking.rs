//! How a view comes to its order: it asks for it, and meanwhile takes what changes.

use std::collections::HashMap;

use jiff::SignedDuration;
use ratatui::layout::Rect;

use super::{Asked, Stale, View};
use crate::effect::Effect;
use crate::fleet::{Lines, OrderJob, Ordered, Shown, Table, Touched, ViewId};
use crate::place::fleet::areas::Areas;
use crate::world::World;

/// How old an order may be where time alone changes it.
const TIMELY: SignedDuration = SignedDuration::from_secs(5);

impl View {
    /// A row changed. For the view that is seen; others look anew when they are.
    pub fn touch(&mut self, table: &Table, touched: &Touched) {
        if let Some(asked) = &mut self.asked {
            asked.missed.entry(touched.slot).or_insert_with(|| touched.old.clone());
        }
        if self.is_exact {
            self.marks.touch(&self.shown, touched);
            self.shown.touch(touched, |slot| table.at(slot));
        }
    }

    /// Rows came or went without this being told of each.
    pub fn expire(&mut self) {
        self.is_exact = false;
        if let Some(asked) = &mut self.asked {
            asked.is_partial = true;
        }
        if self.stale == Stale::Fresh {
            self.stale = Stale::Rows;
        }
    }

    /// It is seen again, after it wasn't told what changed for a while.
    pub fn return_to(&mut self) {
        // What was asked before has an answer that lacks what changed since.
        self.asked = None;
        self.expire();
    }

    /// An order was found.
    pub fn take(&mut self, world: &World, ordered: Ordered) {
        if ordered.view.generation != self.generation {
            return;
        }
        let Some(Asked { look, as_of, missed, is_partial }) = self.asked.take() else { return };
        let is_other = look != self.shown.look;
        self.shown = Shown::of(look, as_of, ordered);
        self.shown.catch_up(&missed, |slot| world.fleet.at(slot));
        self.is_exact = !is_partial;
        self.marks.recount(&world.fleet, &self.shown);
        if is_other {
            self.select_among_others(&world.fleet);
        }
    }

    /// Makes it fit its area, and asks for what it needs to show.
    pub(in crate::place) fn settle(&mut self, tab: u64, world: &World, area: Rect) -> Vec<Effect> {
        let areas = Areas::new(self, world, area);
        self.rows = usize::from(areas.rows.height);
        self.width = areas.rows.width;
        self.lines = Lines::new(self.shown.look.grouping, self.shown.counts(), &self.folded);
        self.follow(&world.fleet);
        self.scroll_to_cursor();
        self.settle_columns(world);
        self.settle_facets(world);
        let is_old = self.shown.look.filter.is_timely()
            && world.now.duration_since(self.shown.as_of) >= TIMELY;
        match self.stale {
            Stale::Look => {}
            // One after the other: whoever asks anew with every change never hears an answer.
            Stale::Fresh | Stale::Rows if self.asked.is_some() => return vec![],
            Stale::Rows => {}
            Stale::Fresh if is_old => {}
            Stale::Fresh => return vec![],
        }
        self.stale = Stale::Fresh;
        // Views of one tab, one behind the other, must not take each other's answers: a time is of one only.
        let now = u64::try_from(world.now.as_nanosecond()).unwrap_or_default();
        self.generation = now.max(self.generation + 1);
        let (look, as_of) = (self.look.clone(), world.now);
        let missed = HashMap::new();
        self.asked = Some(Asked { look: look.clone(), as_of, missed, is_partial: false });
        let view = ViewId { tab, generation: self.generation };
        vec![Effect::Order(OrderJob { view, look, as_of, rows: world.fleet.snapshot() })]
    }

    /// Is something else asked for than what is shown?
    pub(super) fn is_behind(&self) -> bool {
        self.asked.as_ref().is_some_and(|asked| asked.look != self.shown.look)
    }
}
