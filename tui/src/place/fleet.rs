//! The fleet as a table.
//!
//! What is shown ([`Shown`]) may be older than what was asked for: while an order is found elsewhere, the one before it
//! stays and goes on taking changes, so that nothing on the screen stands still and nothing jumps.

mod areas;
mod asking;
mod cell;
mod cursor;
mod draw;
mod empty;
mod facets;
mod header;
mod marks;
mod widths;

#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use ratatui::layout::Rect;
use smith_model::id::LoopId;

use crate::action::{Action, Destination, Motion};
use crate::draw::Canvas;
use crate::effect::Effect;
use crate::fleet::{
    Columns, Filter, FleetAction, Folding, GroupKey, Grouping, Line, Lines, Look, Row, SavedView,
    Scope, Shown, Slot, Sort, Table, ViewsJob,
};
use crate::keys::Context;
use crate::place::Handled;
use crate::world::World;
use facets::Facets;
use marks::Marks;
use widths::Widths;

/// What is seen of the fleet.
#[derive(Clone, Debug)]
pub struct View {
    /// What was asked for.
    look: Look,
    /// What is shown.
    shown: Shown,
    /// What is shown is what would be found, but for time passing.
    is_exact: bool,
    /// The question that isn't answered yet.
    asked: Option<Asked>,
    stale: Stale,
    generation: u64,
    columns: Columns,
    /// Columns that are scrolled past on the left, behind the first one.
    left: usize,
    widths: Widths,
    lines: Lines,
    folded: BTreeSet<GroupKey>,
    selected: Selected,
    /// What the person put the cursor on, for when it was filtered away and is there again.
    chosen: Option<LoopId>,
    /// The line of the cursor.
    cursor: usize,
    /// The first line that is seen.
    top: usize,
    /// How many are seen.
    rows: usize,
    /// How wide the table is.
    width: u16,
    marks: Marks,
    facets: Facets,
    /// The kept view that this one was made as.
    saved: Option<String>,
}

/// A question.
#[derive(Clone, Debug)]
struct Asked {
    look: Look,
    as_of: Timestamp,
    /// The rows that changed since, as they were then.
    missed: HashMap<Slot, Option<Arc<Row>>>,
    /// Others changed too, without this being told which.
    is_partial: bool,
}

/// Whether the order has to be found anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stale {
    /// It is what was asked for.
    Fresh,
    /// Rows came or went in numbers; once the answer to an earlier question is there.
    Rows,
    /// Something else is asked for: at once, and an answer to an earlier question is of no use.
    #[default]
    Look,
}

/// What the cursor is on.
#[derive(Clone, Debug, Default, PartialEq)]
enum Selected {
    /// The first row, whichever that is.
    #[default]
    First,
    /// A loop.
    Loop(LoopId),
    /// A heading.
    Group(GroupKey),
}

impl Default for View {
    fn default() -> Self {
        let look = Look::default();
        Self {
            shown: Shown::new(look.clone()),
            look,
            is_exact: false,
            asked: None,
            stale: Stale::Look,
            generation: 0,
            columns: Columns::Default,
            left: 0,
            widths: Widths::default(),
            lines: Lines::default(),
            folded: BTreeSet::new(),
            selected: Selected::First,
            chosen: None,
            cursor: 0,
            top: 0,
            rows: 0,
            width: 0,
            marks: Marks::default(),
            facets: Facets::default(),
            saved: None,
        }
    }
}

impl View {
    /// The fleet as a new tab shows it.
    pub fn new() -> Self {
        Self::default()
    }

    /// The filter in use.
    pub fn filter(&self) -> &Filter {
        &self.look.filter
    }

    /// Where keys are looked up, nearest first.
    pub fn contexts(&self) -> &'static [Context] {
        if self.facets.has_keys() {
            &[Context::Facets, Context::Fleet, Context::List, Context::Everywhere]
        } else {
            &[Context::Fleet, Context::List, Context::Everywhere]
        }
    }

    /// The loop of the cursor.
    pub(super) fn subject<'a>(&self, table: &'a Table) -> Option<&'a Row> {
        table.at(self.slot_at(self.cursor)?).map(|row| &**row)
    }

    pub(super) fn title(&self, world: &World) -> String {
        if let Some(name) = &self.saved {
            let is_as_saved = world.views.views.get(name).is_some_and(|view| *view == self.kept());
            return format!("{name}{}", if is_as_saved { "" } else { "*" });
        }
        match (self.look.filter.text(), self.look.scope) {
            ("", Scope::All) => format!("Fleet {}", world.fleet.len()),
            ("", Scope::Faults) => "Faults".to_owned(),
            (filter, _) => format!("Fleet {filter}"),
        }
    }

    pub(super) fn act(&mut self, _tab: u64, world: &World, action: &Action) -> Handled {
        if self.facets.has_keys()
            && let Some(handled) = self.act_in_facets(world, action)
        {
            return handled;
        }
        match action {
            Action::Move(Motion::Columns(by)) => self.scroll_columns(*by),
            Action::Move(motion) => self.go(world, *motion),
            Action::Open => match (self.under_cursor(world), self.lines.at(self.cursor)) {
                (Some(id), _) => return Handled::Instead(Action::Go(Destination::Loop(id))),
                (None, Some(Line::Heading(_))) => self.fold(Folding::Toggle),
                _ => return Handled::Refused("there is no loop here".to_owned()),
            },
            Action::Dismiss if self.hides_something() => self.show_all(),
            Action::Fleet(action) => return self.look_otherwise(world, action),
            _ => return Handled::No,
        }
        Handled::done()
    }

    fn look_otherwise(&mut self, world: &World, action: &FleetAction) -> Handled {
        match action {
            FleetAction::Filter(text) | FleetAction::Preview(text) => match Filter::parse(text) {
                Ok(filter) => self.filter_by(filter),
                Err(error) => return Handled::Refused(error),
            },
            FleetAction::Word(word) => match Filter::parse(&self.look.filter.toggled(word)) {
                Ok(filter) => self.filter_by(filter),
                Err(error) => return Handled::Refused(error),
            },
            FleetAction::EditFilter => return Handled::No,
            FleetAction::Sort(column) => {
                let Sort { column: by, direction } = self.look.sort;
                let direction = if by == *column { direction.turned() } else { Default::default() };
                self.look.sort = Sort { column: *column, direction };
                self.stale = Stale::Look;
            }
            FleetAction::Group(grouping) => {
                let is_same = self.look.grouping == *grouping;
                self.look.grouping = if is_same { Grouping::None } else { *grouping };
                self.folded.clear();
                self.stale = Stale::Look;
            }
            FleetAction::Faults => {
                self.look.scope = match self.look.scope {
                    Scope::All => Scope::Faults,
                    Scope::Faults => Scope::All,
                };
                self.stale = Stale::Look;
            }
            FleetAction::Mark(marking) => return self.mark(world, *marking),
            FleetAction::Fold(folding) => {
                if self.shown.look.grouping == Grouping::None {
                    return Handled::Refused("nothing is grouped: `group project` does".to_owned());
                }
                self.fold(*folding);
            }
            FleetAction::Columns(change) => {
                self.columns.change(change, self.width);
                self.left = 0;
            }
            FleetAction::Facets => self.facets.step(),
            FleetAction::Point(slot) => self.point(world, *slot),
            FleetAction::Save(name) => {
                self.saved = Some(name.clone());
                return Handled::Yes(vec![Effect::Views(ViewsJob::Save(
                    name.clone(),
                    self.kept(),
                ))]);
            }
            FleetAction::Use(name) => match world.views.views.get(name) {
                Some(SavedView { look, columns }) => {
                    self.look = look.clone();
                    self.columns = columns.clone();
                    self.folded.clear();
                    self.left = 0;
                    self.saved = Some(name.clone());
                    self.stale = Stale::Look;
                }
                None => return Handled::Refused(no_view(world, name)),
            },
            FleetAction::Views => return Handled::No,
            FleetAction::Forget(name) => {
                if !world.views.views.contains_key(name) {
                    return Handled::Refused(no_view(world, name));
                }
                self.saved.take_if(|saved| saved == name);
                return Handled::Yes(vec![Effect::Views(ViewsJob::Forget(name.clone()))]);
            }
        }
        Handled::done()
    }

    fn filter_by(&mut self, filter: Filter) {
        if filter != self.look.filter {
            self.look.filter = filter;
            self.stale = Stale::Look;
        }
    }

    fn hides_something(&self) -> bool {
        !self.look.filter.is_empty() || self.look.scope == Scope::Faults
    }

    fn show_all(&mut self) {
        self.look.filter = Filter::default();
        self.look.scope = Scope::All;
        self.stale = Stale::Look;
    }

    /// As it would be kept.
    fn kept(&self) -> SavedView {
        SavedView { look: self.look.clone(), columns: self.columns.clone() }
    }

    pub(super) fn draw(&self, world: &World, area: Rect, canvas: &mut Canvas<'_>) {
        draw::place(self, world, area, canvas);
    }
}

fn no_view(world: &World, name: &str) -> String {
    if world.views.views.is_empty() {
        return format!("no view is kept as {name:?}: `keep NAME` keeps this one");
    }
    let names: Vec<&str> = world.views.views.keys().map(String::as_str).collect();
    format!("no view is kept as {name:?}: there are {}", names.join(", "))
}
