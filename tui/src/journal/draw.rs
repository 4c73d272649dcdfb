//! The page of a journal, drawn: chips of levels and phases, entries, and a line that says how it stands.

use ratatui::layout::Rect;

use super::filter::{LEVELS, PHASES};
use super::{Clock, JournalAction, View, entry};
use crate::action::{Action, Motion};
use crate::draw::{Canvas, Region};
use crate::fleet::Link;
use crate::look::Role;
use crate::pager;
use crate::text;
use crate::world::World;
use crate::world::journals::Journal;

/// Rows of chips, at most.
const CHIP_ROWS: u16 = 2;

/// Where things are on the page.
pub(super) struct Layout {
    chips: Rect,
    pub(super) body: Rect,
    foot: Rect,
}

pub(super) fn layout(view: &View, world: &World, area: Rect) -> Layout {
    let foot_height = u16::from(area.height > 2);
    let most = if area.height > 10 { CHIP_ROWS } else { u16::from(area.height > 4) };
    let rows = match flow(&chips(view, world), area.width).last() {
        Some((row, _)) => (row + 1).min(most),
        None => 0,
    };
    let chips = Rect { height: rows, ..area };
    let height = area.height.saturating_sub(rows + foot_height);
    let body = Rect { y: chips.bottom(), height, ..area };
    let foot = Rect { y: body.bottom(), height: foot_height, ..area };
    Layout { chips, body, foot }
}

pub(super) fn page(view: &View, world: &World, area: Rect, canvas: &mut Canvas<'_>) {
    let layout = layout(view, world, area);
    let chips = chips(view, world);
    for (chip, (row, x)) in chips.iter().zip(flow(&chips, area.width)) {
        if row < layout.chips.height {
            let room = Rect {
                x: area.x + x,
                y: layout.chips.y + row,
                width: area.width.saturating_sub(x),
                height: 1,
            };
            let width = canvas.text(room, &chip.text, chip.role);
            canvas.region(Region::click(Rect { width, ..room }, chip.action.clone()));
        }
    }
    if view.index.len() == 0 {
        canvas.region(Region::wheel(layout.body));
        let line = Rect { height: 1.min(layout.body.height), ..layout.body };
        let line =
            Rect { x: line.x + 1.min(line.width), width: line.width.saturating_sub(1), ..line };
        canvas.text(line, &empty(view, world), Role::Dim);
    } else {
        view.pager.draw(&view.shown(world), layout.body, canvas);
    }
    foot(view, world, layout.foot, canvas);
}

struct Chip {
    text: String,
    role: Role,
    action: Action,
}

fn chips(view: &View, world: &World) -> Vec<Chip> {
    let count = |of: &dyn Fn(&Journal) -> usize| -> usize {
        view.loops().iter().filter_map(|id| world.journals.get(id)).map(of).sum()
    };
    let chip = |name: &str, is_chosen: Option<bool>, count: usize, role, action| {
        let (text, role) = match is_chosen {
            Some(true) => (format!("[{name} {count}]"), Role::Cursor),
            Some(false) => (format!(" {name} {count} "), Role::Dim),
            None => (format!(" {name} {count} "), role),
        };
        Chip { text, role, action: Action::Journal(action) }
    };
    let levels = LEVELS.iter().map(|level| {
        let name = format!("{}{level}", entry::sign(*level).trim());
        let of = count(&|journal| journal.of_level(*level));
        let role = if of > 0 { entry::role_of(*level) } else { Role::Dim };
        let action = JournalAction::Level(Some(*level));
        chip(&name, view.filter.has_level(*level), of, role, action)
    });
    let phases = PHASES.iter().filter_map(|phase| {
        let is_chosen = view.filter.has_phase(*phase);
        let of = count(&|journal| journal.of_phase(*phase));
        let action = JournalAction::Phase(Some(*phase));
        let chip = chip(phase.as_str(), is_chosen, of, Role::Title, action);
        (of > 0 || is_chosen == Some(true)).then_some(chip)
    });
    levels.chain(phases).collect()
}

/// The row and column of each chip; one that has no room begins the next row.
fn flow(chips: &[Chip], width: u16) -> Vec<(u16, u16)> {
    let (mut row, mut x) = (0, 0);
    let place = |chip: &Chip| {
        let cells = u16::try_from(text::width(&chip.text)).unwrap_or(width);
        if x > 0 && x + cells > width {
            (row, x) = (row + 1, 0);
        }
        let at = (row, x);
        x += cells;
        at
    };
    chips.iter().map(place).collect()
}

/// Why there is nothing to see.
fn empty(view: &View, world: &World) -> String {
    let journals = || view.loops().iter().filter_map(|id| world.journals.get(id));
    let known: usize = journals().map(|journal| journal.entries().len()).sum();
    if known > 0 && !view.filter.is_empty() {
        return format!("what is chosen hides all {known} entries: l a, p a and & show them");
    }
    for journal in journals() {
        match journal.link() {
            Link::Connecting | Link::Loading => return "connecting".to_owned(),
            Link::Lost { why, .. } | Link::Refused { why } => return why.clone(),
            Link::Live => {}
        }
    }
    "no entry yet".to_owned()
}

/// How it stands: following or not, what is looked for, what is known, and how the streams do.
fn foot(view: &View, world: &World, area: Rect, canvas: &mut Canvas<'_>) {
    canvas.clear(area, Role::Dim);
    let (mut link, link_role) = link(view, world);
    // What one does here is of more use than a whole sentence.
    if area.width < 80 {
        link = link.trim_start_matches("the loop has ").to_owned();
    }
    let link = format!(" {link}");
    let width = u16::try_from(text::width(&link)).unwrap_or(area.width).min(area.width);
    let right = Rect { x: area.right() - width, width, ..area };
    canvas.text(right, &link, link_role);
    let left = Rect { width: area.width - width, ..area };
    let (mode, role) = match (view.pager.is_following(), view.unseen) {
        (true, _) if is_over(view, world) => ("at the end".to_owned(), Role::Text),
        (true, _) => ("following".to_owned(), Role::Good),
        (false, 0) => ("paused: G follows".to_owned(), Role::Warning),
        (false, count) => (format!("paused, {count} new: G follows"), Role::Warning),
    };
    let chosen = view.pager.chosen().map(|lines| {
        let count = lines.end() - lines.start() + 1;
        format!("  {count} lines chosen: y copies")
    });
    let found = view.pager.finding().map(|(text, at, count)| pager::found(text, at, count));
    let found = found.map(|found| format!("  {found}")).unwrap_or_default();
    let filter = match view.filter.text() {
        "" => String::new(),
        words => format!("  only {words}"),
    };
    let used = canvas.spans(
        left,
        &[
            (" ", Role::Dim),
            (&mode, role),
            (&chosen.unwrap_or_default(), Role::Marked),
            (&found, Role::Key),
            (&filter, Role::Key),
            ("  ", Role::Dim),
            (&extent(view, world), Role::Dim),
        ],
    );
    let click = Action::Move(Motion::Bottom);
    canvas.region(Region::click(Rect { width: used, ..left }, click));
}

/// Will nothing more come?
fn is_over(view: &View, world: &World) -> bool {
    view.loops().iter().all(|id| {
        world.journals.get(id).is_some_and(|journal| match journal.link() {
            Link::Refused { .. } => true,
            Link::Live => journal.is_ended(),
            Link::Connecting | Link::Loading | Link::Lost { .. } => false,
        })
    })
}

/// Which entries are known.
fn extent(view: &View, world: &World) -> String {
    let journals: Vec<&Journal> =
        view.loops().iter().filter_map(|id| world.journals.get(id)).collect();
    let clock = match view.clock {
        Clock::Day | Clock::Date => "UTC",
        Clock::Ago => "ago",
    };
    let [journal] = journals.as_slice() else {
        let known: usize = journals.iter().map(|journal| journal.entries().len()).sum();
        return format!("{known} entries of {} loops, {clock}", view.loops().len());
    };
    let (Some(first), Some(last)) = (journal.first(), journal.last()) else {
        return String::new();
    };
    let older = match (journal.no_older(), journal.is_full()) {
        (Some(why), _) => format!(" (older: {why})"),
        (None, true) => " (older ones take too much memory: S saves all)".to_owned(),
        (None, false) => String::new(),
    };
    format!("entries {first} to {last}{older}, {clock}")
}

/// How the streams do: the worst of them.
fn link(view: &View, world: &World) -> (String, Role) {
    let loops = view.loops();
    let mut ended = 0;
    for id in loops {
        let Some(journal) = world.journals.get(id) else { return ("connecting".into(), Role::Dim) };
        let whose = if loops.len() > 1 { format!("{id}: ") } else { String::new() };
        match journal.link() {
            Link::Connecting | Link::Loading => return (format!("{whose}connecting"), Role::Dim),
            Link::Lost { since, .. } => {
                let age = text::age(world.now.duration_since(*since));
                return (format!("{whose}CONNECTION LOST {age} ago"), Role::Bad);
            }
            Link::Refused { why } => return (format!("{whose}{why}"), Role::Bad),
            Link::Live => ended += usize::from(journal.is_ended()),
        }
    }
    match (ended, loops.len()) {
        (1, 1) => ("the loop has ended: this is all".to_owned(), Role::Text),
        (ended, all) if ended == all => ("all have ended: this is all".to_owned(), Role::Text),
        (0, _) => ("live".to_owned(), Role::Good),
        (ended, all) => (format!("live, {ended} of {all} have ended"), Role::Good),
    }
}
