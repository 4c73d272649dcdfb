//! What stands over a loop's pages: how it stands, live, and the names of the pages.

use ratatui::layout::Rect;

use super::{DetailAction, Page, View};
use crate::action::Action;
use crate::draw::{Canvas, Region};
use crate::fleet::{Link, Row};
use crate::look::Role;
use crate::text;
use crate::world::{Known, World};

pub(super) fn head(view: &View, world: &World, area: Rect, canvas: &mut Canvas<'_>) {
    let line = |y: u16| Rect { y: area.y + y, height: u16::from(area.height > y), ..area };
    match world.fleet.get(&view.id) {
        Some(row) => standing(view, world, row, line(0), canvas),
        None => absent(view, world, line(0), canvas),
    }
    pages(view, line(1), canvas);
}

fn standing(view: &View, world: &World, row: &Row, line: Rect, canvas: &mut Canvas<'_>) {
    let look = canvas.look;
    let state = format!("  {} {}", look.sign_of(row.state), row.state);
    let reason = format!(" ({})", row.reason);
    let age = text::age(world.now.duration_since(row.updated_at));
    let attempt =
        format!("  r{}a{} {} of {} used  {age}", row.round, row.attempt, row.used, row.allowed);
    let hold = row.hold.as_ref().map(|hold| format!("  HELD by {}", hold.by)).unwrap_or_default();
    let silent = if row.suspect { "  SILENT" } else { "" };
    let worker = match row.phase {
        Some(phase) if row.iteration > 0 => format!("  {} #{}", text::word(&phase), row.iteration),
        Some(phase) => format!("  {}", text::word(&phase)),
        None => String::new(),
    };
    let title = format!("  {}", row.title);
    let used = canvas.spans(
        line,
        &[
            (view.id.as_str(), Role::Title),
            (&state, look.role_of(row.state)),
            (&reason, Role::Text),
            (&hold, Role::Warning),
            (silent, Role::Warning),
            (&attempt, Role::Dim),
            (&worker, Role::Active),
        ],
    );
    let rest = Rect { x: line.x + used, width: line.width.saturating_sub(used), ..line };
    canvas.text(rest, &title, Role::Text);
}

/// It isn't in the fleet, or not yet.
fn absent(view: &View, world: &World, line: Rect, canvas: &mut Canvas<'_>) {
    let known = world.loops.get(&view.id);
    let is_absent = known.is_some_and(Known::is_absent);
    let was_there = known.is_some_and(|known| known.detail.value().is_some());
    let (text, role) = match world.fleet.link() {
        Link::Live if was_there => {
            ("  was deleted; what was known of it stands below", Role::Warning)
        }
        Link::Live if is_absent => ("  isn't there: it was deleted, or never existed", Role::Bad),
        Link::Live => ("  isn't in the fleet", Role::Warning),
        Link::Connecting | Link::Loading => ("  the fleet is being read …", Role::Dim),
        Link::Lost { .. } | Link::Refused { .. } => {
            ("  isn't among what was known when the connection was lost", Role::Warning)
        }
    };
    canvas.spans(line, &[(view.id.as_str(), Role::Title), (text, role)]);
}

fn pages(view: &View, line: Rect, canvas: &mut Canvas<'_>) {
    let mut x = line.x;
    // " 1 Overview " and so on; where that is too much, only the shown one has its whole name.
    let needed: usize = Page::ALL.iter().map(|page| page.title().len() + 4).sum();
    let is_tight = needed > usize::from(line.width);
    for (at, page) in Page::ALL.into_iter().enumerate() {
        let role = if page == view.page { Role::Cursor } else { Role::Dim };
        let room = Rect { x, width: line.right().saturating_sub(x), ..line };
        let title = page.title();
        let title =
            if is_tight && page != view.page { title.get(..4).unwrap_or(title) } else { title };
        let width = canvas.text(room, &format!(" {} {title} ", at + 1), role);
        let click = Action::Detail(DetailAction::Page(page));
        canvas.region(Region::click(Rect { width, ..room }, click));
        x += width;
    }
    let finding = match view.page {
        Page::Overview => view.standing.finding().or_else(|| view.facts.finding()),
        Page::Iterations | Page::Journal => None,
        Page::Handoffs => view.handoffs.finding(),
        Page::Acts => view.acts.finding(),
        Page::Spec => view.spec.finding(),
        Page::Timeline => view.timeline.finding(),
    };
    if let Some(finding) = finding {
        let room = Rect { x: x + 1, width: line.right().saturating_sub(x + 1), ..line };
        canvas.text(room, &finding, Role::Hit);
    }
}

/// A line between two columns, left of the second.
pub(super) fn divider(area: Rect, second: u16, canvas: &mut Canvas<'_>) {
    for y in area.y..area.bottom() {
        canvas.text(
            Rect { x: second.saturating_sub(1), y, width: 1, height: 1 },
            "│",
            Role::Border,
        );
    }
}
