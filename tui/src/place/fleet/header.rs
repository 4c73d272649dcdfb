//! What stands above the lines: that something is wrong, what is shown of what, and the columns' titles.

use ratatui::layout::Rect;
use smith_model::state::State;

use super::View;
use super::cell;
use super::widths::Placed;
use crate::action::Action;
use crate::draw::{Canvas, Region};
use crate::fleet::{Direction, FleetAction, Grouping, Link, Marking, Scope, Tally};
use crate::look::{Look, Role};
use crate::text;
use crate::world::World;

/// That what is shown isn't how it is: as of when, and why.
pub(super) fn banner(world: &World, area: Rect, canvas: &mut Canvas<'_>) {
    if area.is_empty() {
        return;
    }
    let as_of = world.fleet.stale().map(|at| {
        let ago = text::age(world.now.duration_since(at));
        format!("as of {} UTC ({ago} ago)", text::clock(at))
    });
    let as_of = as_of.as_deref().unwrap_or("nothing was ever heard");
    let (said, role) = match world.fleet.link() {
        Link::Lost { why, .. } => {
            (format!(" CONNECTION LOST: {as_of}; trying again: {why}"), Role::Bad)
        }
        Link::Refused { why } => (format!(" REFUSED: {as_of}; {why}"), Role::Bad),
        Link::Connecting | Link::Loading | Link::Live => {
            (format!(" LOADING ANEW: {as_of} until it is done"), Role::Warning)
        }
    };
    canvas.clear(area, role);
    canvas.text(area, &said, role);
}

/// How much is shown of what, by which rules, and what is marked.
pub(super) fn status(view: &View, world: &World, area: Rect, canvas: &mut Canvas<'_>) {
    if area.is_empty() {
        return;
    }
    if view.is_behind() {
        // Beside the rest, which would jump with every key of a filter otherwise.
        canvas.text(Rect { width: 1, ..area }, canvas.look.ellipsis(), Role::Warning);
    }
    let mut left = Rect { x: area.x + 1, width: area.width.saturating_sub(1), ..area };
    if let Some(said) = view.marks.said() {
        let width = u16::try_from(said.len() + 1).unwrap_or(u16::MAX).min(left.width);
        let at = Rect { x: area.right() - width, width, ..area };
        canvas.text(at, &said, Role::Marked);
        canvas.region(Region::click(at, Action::Fleet(FleetAction::Mark(Marking::None))));
        left.width = left.width.saturating_sub(width + 1);
    }
    let (shown, all) = (view.shown.counts(), world.fleet.counts());
    let mut put = |text: &str, role: Role, act: Option<FleetAction>| {
        let used = canvas.text(left, text, role);
        if let Some(act) = act {
            let at = Rect { width: used, ..left };
            canvas.region(Region::click(at, Action::Fleet(act)));
        }
        left = Rect { x: left.x + used, width: left.width - used, ..left };
    };
    let total = all.by_state().total();
    let is_known = world.fleet.stale().is_some() || *world.fleet.link() == Link::Live;
    if !is_known {
        // Nobody knows yet how many there are.
        put(&format!("{} so far", counted(total, "loop")), Role::Warning, None);
    } else if view.hides_something() || view.shown.look != view.look {
        put(&format!("{} of {total}", shown.by_state().total()), Role::Text, None);
    } else {
        put(&counted(total, "loop"), Role::Text, None);
    }
    match view.look.scope {
        Scope::All => {}
        Scope::Faults => put("  faults only", Role::Warning, Some(FleetAction::Faults)),
    }
    if !view.look.filter.is_empty() {
        put("  /", Role::Key, None);
        put(view.look.filter.text(), Role::Hit, Some(FleetAction::EditFilter));
    }
    match view.look.grouping {
        Grouping::None => {}
        Grouping::Project => put("  by project", Role::Dim, None),
        Grouping::State => put("  by state", Role::Dim, None),
    }
    // What decides the order is always seen: in its title, or here.
    let by = view.look.sort.column;
    if view.widths.placed().iter().all(|placed| placed.column != by) {
        let turned = match view.look.sort.direction {
            Direction::Natural => "",
            Direction::Reversed => ", turned around",
        };
        put(&format!("  sorted by {}{turned}", by.name()), Role::Dim, Some(FleetAction::Sort(by)));
    }
    let look = world.look;
    for state in LOOKED_AT {
        let count = shown.by_state().of(state);
        if count > 0 {
            let text = format!("  {} {count} {state}", look.sign_of(state));
            let word = FleetAction::Word(format!("state:={state}"));
            put(&text, look.role_of(state), Some(word));
        }
    }
    let faults = all.faults();
    if view.look.scope == Scope::All && faults > 0 {
        put(&format!("  {}", counted(faults, "fault")), Role::Warning, Some(FleetAction::Faults));
    }
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// What a person looks at first comes first.
pub(super) const LOOKED_AT: [State; 5] =
    [State::Flatline, State::Overwriting, State::Unresolved, State::Cancelled, State::Synced];

/// How many of a group are in which state.
pub(super) fn tally(tally: &Tally, mut put: impl FnMut(&str, Role), look: Look) {
    for state in LOOKED_AT {
        let count = tally.of(state);
        if count > 0 {
            put(&format!("  {} {count}", look.sign_of(state)), look.role_of(state));
        }
    }
}

/// The columns' titles, with an arrow for what decides; a click sorts.
pub(super) fn titles(view: &View, area: Rect, canvas: &mut Canvas<'_>) {
    if area.is_empty() {
        return;
    }
    for Placed { column, x, width } in view.widths.placed() {
        let title = cell::title(*column);
        let by = view.look.sort;
        // Where the arrow points, values grow smaller or bigger; ages are what is seen of times.
        let is_up = column.is_descending() == (by.direction == Direction::Reversed);
        let arrow = match (by.column == *column, is_up, canvas.look.ascii) {
            (false, _, _) => "",
            (true, true, false) => "↑",
            (true, false, false) => "↓",
            (true, true, true) => "^",
            (true, false, true) => "v",
        };
        let mut at = Rect { x: area.x + x, width: *width, ..area };
        if cell::is_right(*column) {
            let used =
                u16::try_from(title.len() + usize::from(!arrow.is_empty())).unwrap_or(*width);
            let free = width.saturating_sub(used);
            at = Rect { x: at.x + free, width: width - free, ..at };
        }
        let used = canvas.text(at, title, Role::Title);
        canvas.text(Rect { x: at.x + used, width: at.width - used, ..at }, arrow, Role::Key);
        let cell = Rect { x: area.x + x, width: *width, ..area };
        canvas.region(Region::click(cell, Action::Fleet(FleetAction::Sort(*column))));
    }
    // Columns that aren't seen are said to be there.
    if view.left > 0 {
        canvas.text(Rect { width: 1, ..area }, "<", Role::Key);
        let at = Rect { width: 2.min(area.width), ..area };
        canvas.region(Region::click(at, Action::Move(crate::action::Motion::Columns(-1))));
    }
    if view.widths.beyond() > 0 {
        let said = format!(" {}>", view.widths.beyond());
        let width = u16::try_from(said.len()).unwrap_or(u16::MAX).min(area.width);
        let at = Rect { x: area.right() - width, width, ..area };
        canvas.text(at, &said, Role::Key);
        canvas.region(Region::click(at, Action::Move(crate::action::Motion::Columns(1))));
    }
}
