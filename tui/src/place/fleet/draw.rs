//! The place, drawn: only the lines that are seen.

use std::ops::Range;

use ratatui::layout::Rect;

use super::areas::Areas;
use super::widths::{Placed, SIGNS};
use super::{View, cell, empty, facets, header};
use crate::action::{Action, Motion};
use crate::draw::{Canvas, Region};
use crate::fleet::{Delta, FleetAction, Group, GroupKey, Line, Row, Slot};
use crate::look::Role;
use crate::text;
use crate::world::World;

pub(super) fn place(view: &View, world: &World, area: Rect, canvas: &mut Canvas<'_>) {
    let areas = Areas::new(view, world, area);
    header::banner(world, areas.banner, canvas);
    header::status(view, world, areas.status, canvas);
    header::titles(view, areas.titles, canvas);
    canvas.region(Region::wheel(areas.rows));
    if view.lines.is_empty() {
        empty::draw(view, world, areas.rows, canvas);
    } else {
        lines(view, world, areas.rows, canvas);
    }
    facets::draw(view, world, areas.facets, canvas);
}

fn lines(view: &View, world: &World, area: Rect, canvas: &mut Canvas<'_>) {
    let mut scratch = Scratch::default();
    for (line, y) in (view.top..view.lines.len()).zip(area.y..area.bottom()) {
        let at = Rect { y, height: 1, ..area };
        match view.lines.at(line) {
            Some(Line::Heading(group)) => heading(group, at, canvas),
            Some(Line::Row(place)) => {
                let Some(slot) = view.shown.order().get(place) else { continue };
                // One that is gone meanwhile leaves a blank line, until the order without it is there.
                let Some(row) = world.fleet.at(*slot) else { continue };
                cells(view, world, row, at, &mut scratch, canvas);
                signs(view, world, (*slot, row), at, canvas);
                let is_cursor = line == view.cursor && !view.facets.has_keys();
                let act =
                    if is_cursor { Action::Open } else { Action::Fleet(FleetAction::Point(*slot)) };
                canvas.region(Region::click(at, act));
            }
            None => continue,
        }
        if world.fleet.stale().is_some() {
            canvas.restyle(at, Role::Dim);
        }
        if line == view.cursor && !view.facets.has_keys() {
            canvas.restyle(at, Role::Cursor);
        }
        if line == view.cursor {
            sign(2, if canvas.look.ascii { ">" } else { "▸" }, Role::Key, at, canvas);
        }
    }
}

/// What is used again for each cell.
#[derive(Default)]
struct Scratch {
    text: String,
    hits: Vec<Range<usize>>,
}

fn cells(
    view: &View,
    world: &World,
    row: &Row,
    line: Rect,
    scratch: &mut Scratch,
    canvas: &mut Canvas<'_>,
) {
    for Placed { column, x, width } in view.widths.placed() {
        scratch.text.clear();
        cell::write(*column, row, world, &mut scratch.text);
        let mut at = Rect { x: line.x + x, width: *width, ..line };
        if cell::is_right(*column) {
            let free = width.saturating_sub(cells_of(&scratch.text));
            at = Rect { x: at.x + free, width: width - free, ..at };
        }
        canvas.text(at, &scratch.text, cell::role(*column, row, canvas.look));
        scratch.hits.clear();
        view.shown.look.filter.hits(*column, &scratch.text, &mut scratch.hits);
        for hit in &scratch.hits {
            let before = scratch.text.get(..hit.start).map_or(0, cells_of);
            let found = scratch.text.get(hit.clone()).map_or(0, cells_of);
            let left = at.width.saturating_sub(before);
            canvas.restyle(Rect { x: at.x + before, width: found.min(left), ..at }, Role::Hit);
        }
    }
}

fn cells_of(text: &str) -> u16 {
    u16::try_from(text::width(&text::clean(text))).unwrap_or(u16::MAX)
}

/// Before a row: that it is marked, and what changed of it lately.
fn signs(
    view: &View,
    world: &World,
    (slot, row): (Slot, &Row),
    line: Rect,
    canvas: &mut Canvas<'_>,
) {
    if view.marks.has(&row.id) {
        canvas.restyle(line, Role::Marked);
        sign(0, "*", Role::Marked, line, canvas);
    }
    let changed = match world.fleet.delta(slot) {
        Some(Delta::New) => "+",
        Some(Delta::State) => "!",
        Some(Delta::Progress) => ".",
        None => return,
    };
    sign(1, changed, Role::Warning, line, canvas);
}

/// One of the signs before a line.
fn sign(at: u16, text: &str, role: Role, line: Rect, canvas: &mut Canvas<'_>) {
    let width = 1.min(line.width.saturating_sub(at));
    canvas.text(Rect { x: line.x + at, width, ..line }, text, role);
}

fn heading(group: &Group, line: Rect, canvas: &mut Canvas<'_>) {
    let Group { key, tally, is_folded, line: number, first: _ } = group;
    let sign = match (is_folded, canvas.look.ascii) {
        (true, false) => "▸",
        (false, false) => "▾",
        (true, true) => "+",
        (false, true) => "-",
    };
    let mut at = Rect { x: line.x + SIGNS, width: line.width.saturating_sub(SIGNS), ..line };
    let mut put = |text: &str, role: Role, canvas: &mut Canvas<'_>| {
        let used = canvas.text(at, text, role);
        at = Rect { x: at.x + used, width: at.width - used, ..at };
    };
    put(sign, Role::Key, canvas);
    put(" ", Role::Text, canvas);
    match key {
        GroupKey::Project(name) => put(name.as_str(), Role::Title, canvas),
        GroupKey::State(state) => put(state.as_str(), Role::Title, canvas),
    }
    put(&format!("  {}", tally.total()), Role::Text, canvas);
    if let GroupKey::Project(_) = key {
        let look = canvas.look;
        header::tally(tally, |text, role| put(text, role, canvas), look);
    }
    let act = Action::Move(Motion::To(*number));
    canvas.region(Region::click(line, act));
}
