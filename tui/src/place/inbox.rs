//! The inbox: which loops wait for a person, the worst first.

mod detail;
mod list;
mod rows;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;

use ratatui::layout::Rect;
use serde::{Deserialize, Serialize};
use smith_model::id::LoopId;
use smith_model::inbox::Item;

use crate::action::{Action, Destination, Motion};
use crate::draw::Canvas;
use crate::effect::Effect;
use crate::fleet::{FleetAction, Marking};
use crate::layers::words::Asking;
use crate::place::Handled;
use crate::world::World;
use crate::world::inbox::{Act, Filter, Openness, Order, Trust};
use list::Areas;
use rows::Rows;

/// Something to be done in the inbox, or about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InboxAction {
    /// Go to the next item that asks for the person, from wherever they are.
    NextNeeded,
    /// Put the cursor on a loop.
    Point(LoopId),
    /// Show what was acknowledged or sleeps, too, or not any more.
    Quiet,
    /// Copy what leads others there.
    Link,
    /// Do it about the marked items, else the one of the cursor.
    Mark(Act),
    /// Ask for the words of an act about them.
    Ask(Asking),
    /// Do it about exactly these.
    Do(Order),
}

/// What is seen of the inbox.
#[derive(Clone, Debug, Default)]
pub struct View {
    filter: Filter,
    quiet: Quiet,
    rows: Rows,
    /// Of which version of the inbox the rows are; nothing: others are asked for.
    version: Option<u64>,
    /// The loop of the cursor; nothing: the first, whichever that is.
    selected: Option<LoopId>,
    /// The row of the cursor, and the first line that is seen.
    cursor: usize,
    top: usize,
    height: usize,
    marked: BTreeSet<LoopId>,
    /// The one that was marked last.
    last_marked: Option<LoopId>,
}

/// What becomes of items that ask for nobody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Quiet {
    #[default]
    Hidden,
    Shown,
}

impl View {
    /// The filter in use.
    pub fn filter(&self) -> &Filter {
        &self.filter
    }

    /// The loop of the cursor.
    pub fn selected(&self) -> Option<&LoopId> {
        self.under_cursor().map(|item| &item.loop_id)
    }

    /// The items that an act is for, as they are shown: the marked ones, else the one of the cursor.
    pub fn targets(&self, world: &World) -> Vec<Arc<Item>> {
        if self.marked.is_empty() {
            return self.under_cursor().cloned().into_iter().collect();
        }
        self.marked.iter().filter_map(|id| world.inbox.get(id)).cloned().collect()
    }

    fn under_cursor(&self) -> Option<&Arc<Item>> {
        self.rows.get(self.cursor)
    }

    pub(super) fn title(&self, world: &World) -> String {
        let count = world.inbox.open();
        match (world.inbox.trust(), self.filter.text()) {
            (Trust::Unknown, _) => "Inbox".to_owned(),
            (Trust::Lost { .. }, _) => format!("Inbox {count}?"),
            (_, "") => format!("Inbox {count}"),
            (_, filter) => format!("Inbox {count} {filter}"),
        }
    }

    pub(super) fn act(&mut self, world: &World, action: &Action) -> Handled {
        match action {
            Action::Move(motion) => self.go(*motion),
            Action::Open => match self.selected() {
                Some(id) => return Handled::Instead(Action::Go(Destination::Loop(id.clone()))),
                None => return Handled::Refused("there is no loop here".to_owned()),
            },
            Action::Dismiss if self.hides_by_filter() => self.filter_by(Filter::default()),
            Action::Fleet(action) => return self.list_otherwise(world, action),
            Action::Inbox(InboxAction::Point(id)) => {
                if let Some(at) = self.rows.position(id) {
                    self.go(Motion::To(at));
                }
            }
            Action::Inbox(InboxAction::Quiet) => {
                self.quiet = match self.quiet {
                    Quiet::Hidden => Quiet::Shown,
                    Quiet::Shown => Quiet::Hidden,
                };
                self.version = None;
            }
            Action::Inbox(InboxAction::Link) => {
                let Some(item) = self.under_cursor() else {
                    return Handled::Refused("there is no loop here".to_owned());
                };
                return Handled::Yes(vec![Effect::Copy(link(item, world))]);
            }
            _ => return Handled::No,
        }
        Handled::done()
    }

    /// What lists have in common is asked for in the fleet's words.
    fn list_otherwise(&mut self, world: &World, action: &FleetAction) -> Handled {
        let parsed = match action {
            FleetAction::Filter(text) | FleetAction::Preview(text) => Filter::parse(text),
            FleetAction::Word(word) => Filter::parse(&self.filter.toggled(word)),
            FleetAction::Mark(marking) => return self.mark(world, *marking),
            _ => return Handled::No,
        };
        match parsed {
            Ok(filter) => self.filter_by(filter),
            Err(error) => return Handled::Refused(error),
        }
        Handled::done()
    }

    fn filter_by(&mut self, filter: Filter) {
        self.filter = filter;
        self.version = None;
    }

    fn hides_by_filter(&self) -> bool {
        !self.filter.is_empty()
    }

    fn mark(&mut self, world: &World, marking: Marking) -> Handled {
        match marking {
            Marking::Toggle => {
                let Some(id) = self.selected().cloned() else {
                    return Handled::Refused("there is no loop here to mark".to_owned());
                };
                if !self.marked.remove(&id) {
                    self.last_marked = Some(id.clone());
                    self.marked.insert(id);
                }
                self.go(Motion::Rows(1));
            }
            Marking::Range => {
                let last = self.last_marked.as_ref().and_then(|id| self.rows.position(id));
                let Some(from) = last else {
                    let why = "mark an item that is shown first: this marks what is between";
                    return Handled::Refused(why.to_owned());
                };
                let (first, last) = (from.min(self.cursor), from.max(self.cursor));
                let ids = (first..=last).filter_map(|at| self.rows.get(at));
                self.marked.extend(ids.map(|item| item.loop_id.clone()));
            }
            Marking::All => {
                self.marked.extend(self.rows.items().map(|item| item.loop_id.clone()));
            }
            Marking::None => self.marked.clear(),
        }
        self.marked.retain(|id| world.inbox.get(id).is_some());
        Handled::done()
    }

    /// Puts the cursor on the next item that asks for this person; answers whether there is one.
    pub fn next_needed(&mut self, world: &World) -> bool {
        let from = self.selected().cloned();
        let Some(next) = next_needed(world, from.as_ref()) else { return false };
        if self.rows.position(&next).is_none() {
            self.filter = Filter::default();
        }
        self.version = None;
        self.selected = Some(next);
        true
    }

    fn go(&mut self, motion: Motion) {
        let last = self.rows.len().saturating_sub(1);
        let Some(to) = motion.lands(self.cursor, last, self.height) else { return };
        self.cursor = to;
        self.selected = self.selected().cloned();
        self.scroll_to_cursor();
    }

    fn scroll_to_cursor(&mut self) {
        let line = self.rows.line_of(self.cursor);
        // The heading above the first of a group is seen with it.
        let lowest = if self.rows.is_first_of_group(self.cursor) { line - 1 } else { line };
        let highest = (line + 1).saturating_sub(self.height);
        self.top = self.top.clamp(highest.min(lowest), lowest);
    }

    pub(super) fn settle(&mut self, world: &World, area: Rect) {
        self.height = Areas::new(world, area).rows.height.into();
        let is_asked = self.version.is_none();
        let is_other = self.version != Some(world.inbox.version());
        // While the whole is told anew, what was shown before stays.
        if world.inbox.is_known() && (is_asked || is_other && world.inbox.trust() != Trust::Loading)
        {
            self.version = Some(world.inbox.version());
            let viewer = world.session.viewer();
            self.rows = Rows::of(world.inbox.items().filter(|(item, openness)| {
                let is_quiet = *openness == Openness::Quiet;
                (!is_quiet || self.quiet == Quiet::Shown) && self.filter.matches(item, viewer)
            }));
            self.marked.retain(|id| world.inbox.get(id).is_some());
            self.follow();
        }
        self.scroll_to_cursor();
    }

    /// The cursor stays on its loop, and that where it stands on the screen; where it is gone, the cursor stays.
    fn follow(&mut self) {
        let last = self.rows.len().saturating_sub(1);
        let before = self.rows.line_of(self.cursor.min(last));
        let found = self.selected.as_ref().and_then(|id| self.rows.position(id));
        self.cursor = found.unwrap_or(self.cursor).min(last);
        let line = self.rows.line_of(self.cursor);
        // At the top what comes is seen.
        if self.top > 0 {
            self.top = (self.top + line).saturating_sub(before);
        }
        self.top = self.top.min(self.rows.lines().saturating_sub(self.height));
        self.selected = self.selected().cloned();
    }

    pub(super) fn draw(&self, world: &World, area: Rect, canvas: &mut Canvas<'_>) {
        let areas = Areas::new(world, area);
        list::draw(self, world, &areas, canvas);
        if let Some(item) = self.under_cursor() {
            detail::draw(item, world, &areas, canvas);
        }
    }
}

/// The next item behind this one, round and round, that asks for this person: nobody else takes care of it.
fn next_needed(world: &World, from: Option<&LoopId>) -> Option<LoopId> {
    let me = world.session.viewer().name;
    let mut first = None;
    let mut is_behind = false;
    for (item, openness) in world.inbox.items() {
        let by = item.mark.as_ref().and_then(|mark| mark.claimed_by.as_deref());
        let is_needed = openness == Openness::Open && by.is_none_or(|by| Some(by) == me);
        if is_needed && is_behind {
            return Some(item.loop_id.clone());
        }
        if is_needed && first.is_none() {
            first = Some(item.loop_id.clone());
        }
        is_behind |= from == Some(&item.loop_id);
    }
    first
}

/// What leads others to an item: a command that shows its loop, and which occurrence was meant.
fn link(item: &Item, world: &World) -> String {
    let Item { loop_id, kind, occurrence, since, .. } = item;
    let context = world.session.context.as_ref();
    let context = context.map(|name| format!(" --context {name}")).unwrap_or_default();
    format!("smithctl{context} loop get {loop_id}  # {kind} since {since}, {occurrence}")
}
