//! The inbox's items, drawn: only the lines that are seen.

use jiff::Timestamp;
use ratatui::layout::Rect;
use smith_model::inbox::{Item, Severity};

use super::rows::{Group, Line};
use super::{InboxAction, Quiet, View};
use crate::action::Action;
use crate::draw::{Canvas, Region};
use crate::fleet::{FleetAction, Marking};
use crate::look::Role;
use crate::text;
use crate::world::World;
use crate::world::inbox::{Openness, Trust};

/// Cells before a row for its signs.
const SIGNS: u16 = 4;
/// From so many columns on the detail stands beside the list.
const BESIDE: u16 = 150;
/// From so many rows on there is a detail beneath it.
const BENEATH: u16 = 14;

/// Where things are.
#[derive(Debug)]
pub(super) struct Areas {
    banner: Rect,
    status: Rect,
    pub(super) rows: Rect,
    pub(super) detail: Rect,
}

impl Areas {
    pub(super) fn new(world: &World, area: Rect) -> Self {
        let has_banner = matches!(world.inbox.trust(), Trust::Lost { .. } | Trust::Loading);
        let line = |y: u16, height: u16| Rect {
            y: y.min(area.bottom()),
            height: height.min(area.bottom().saturating_sub(y)),
            ..area
        };
        let banner = line(area.y, u16::from(has_banner));
        let status = line(banner.bottom(), 1);
        let rest = line(status.bottom(), area.height);
        let (rows, detail) = if area.width >= BESIDE {
            let width = area.width * 2 / 5;
            let rows = Rect { width: area.width - width, ..rest };
            (rows, Rect { x: rows.right(), width, ..rest })
        } else {
            let height = if rest.height >= BENEATH { (rest.height / 2).min(11) } else { 0 };
            let rows = Rect { height: rest.height - height, ..rest };
            (rows, Rect { y: rows.bottom(), height, ..rest })
        };
        Self { banner, status, rows, detail }
    }
}

pub(super) fn draw(view: &View, world: &World, areas: &Areas, canvas: &mut Canvas<'_>) {
    banner(world, areas.banner, canvas);
    status(view, world, areas.status, canvas);
    canvas.region(Region::wheel(areas.rows));
    if view.rows.is_empty() {
        return empty(view, world, areas.rows, canvas);
    }
    let is_old = world.inbox.trust() != Trust::Live;
    for (line, y) in (view.top..view.rows.lines()).zip(areas.rows.y..areas.rows.bottom()) {
        let at = Rect { y, height: 1, ..areas.rows };
        match view.rows.line(line) {
            Some(Line::Heading(group)) => heading(group, at, canvas),
            Some(Line::Item(row, item, openness)) => {
                cells(item, openness, world, at, canvas);
                if is_old || openness == Openness::Quiet {
                    canvas.restyle(at, Role::Dim);
                }
                signs(view, world, item, at, canvas);
                let act = if row == view.cursor {
                    canvas.restyle(at, Role::Cursor);
                    sign(2, if canvas.look.ascii { ">" } else { "▸" }, Role::Key, at, canvas);
                    Action::Open
                } else {
                    Action::Inbox(InboxAction::Point(item.loop_id.clone()))
                };
                canvas.region(Region::click(at, act));
            }
            None => break,
        }
    }
}

/// That what is shown isn't how it is: as of when, since when, and why.
fn banner(world: &World, area: Rect, canvas: &mut Canvas<'_>) {
    let (said, role) = match world.inbox.trust() {
        Trust::Lost { since, why } => {
            let ago = text::age(world.now.duration_since(since));
            let known = match world.inbox.is_known() {
                true => format!("as of {} UTC, ", text::clock(since)),
                false => String::new(),
            };
            (format!(" {known}source lost {ago} ago: {why}"), Role::Bad)
        }
        Trust::Loading => (" as it was before: it is being told anew".to_owned(), Role::Warning),
        Trust::Unknown | Trust::Live => return,
    };
    canvas.clear(area, role);
    canvas.text(area, &said, role);
}

/// How many ask for somebody, what is hidden by what, and what is marked.
fn status(view: &View, world: &World, area: Rect, canvas: &mut Canvas<'_>) {
    let mut left = Rect { x: area.x + 1, width: area.width.saturating_sub(1), ..area };
    if !view.marked.is_empty() {
        let said = format!("{} marked", view.marked.len());
        let width = u16::try_from(said.len() + 1).unwrap_or(u16::MAX).min(left.width);
        let at = Rect { x: area.right() - width, width, ..area };
        canvas.text(at, &said, Role::Marked);
        canvas.region(Region::click(at, Action::Fleet(FleetAction::Mark(Marking::None))));
        left.width = left.width.saturating_sub(width + 1);
    }
    let mut put = |text: &str, role: Role, act: Option<Action>, canvas: &mut Canvas<'_>| {
        let used = canvas.text(left, text, role);
        if let Some(act) = act {
            canvas.region(Region::click(Rect { width: used, ..left }, act));
        }
        left = Rect { x: left.x + used, width: left.width - used, ..left };
    };
    let inbox = &world.inbox;
    if inbox.trust() == Trust::Unknown {
        return put("loading", Role::Dim, None, canvas);
    }
    let open = inbox.open();
    let verb = match (inbox.trust(), open) {
        (Trust::Live, 1) => "needs",
        (Trust::Live, _) => "need",
        _ => "needed",
    };
    put(&format!("{open} {verb} somebody"), Role::Text, None, canvas);
    for severity in Severity::ALL {
        let count = inbox.open_of(severity);
        if count > 0 {
            let text = format!("  {} {count} {severity}", canvas.look.sign_of_severity(severity));
            let word = Action::Fleet(FleetAction::Word(format!("severity:{severity}")));
            put(&text, canvas.look.role_of_severity(severity), Some(word), canvas);
        }
    }
    let quiet = inbox.len() - open;
    if quiet > 0 {
        let said = match view.quiet {
            Quiet::Hidden => format!("  {quiet} quiet, hidden"),
            Quiet::Shown => format!("  {quiet} quiet"),
        };
        put(&said, Role::Dim, Some(Action::Inbox(InboxAction::Quiet)), canvas);
    }
    if !view.filter.is_empty() {
        put("  /", Role::Key, None, canvas);
        let edit = Action::Fleet(FleetAction::EditFilter);
        put(view.filter.text(), Role::Hit, Some(edit), canvas);
        put(&format!("  {} of {}", view.rows.len(), inbox.len()), Role::Dim, None, canvas);
    }
}

fn heading(group: &Group, line: Rect, canvas: &mut Canvas<'_>) {
    let Group { severity, count, .. } = group;
    let role = canvas.look.role_of_severity(*severity);
    let name = match severity {
        Severity::Critical => "Critical",
        Severity::Warning => "Warning",
        Severity::Notice => "Notice",
    };
    let text = format!("{} {name} {count}", canvas.look.sign_of_severity(*severity));
    let at = Rect { x: line.x + 1, width: line.width.saturating_sub(1), ..line };
    let used = canvas.text(at, &text, role);
    let rest = Rect { x: at.x + used + 1, width: at.width.saturating_sub(used + 1), ..line };
    canvas.text(rest, &"─".repeat(rest.width.into()), Role::Border);
}

fn cells(item: &Item, openness: Openness, world: &World, line: Rect, canvas: &mut Canvas<'_>) {
    let wide = line.width;
    let mut left = Rect { x: line.x + SIGNS, width: line.width.saturating_sub(SIGNS), ..line };
    let mut put = |width: u16, text: &str, role: Role, canvas: &mut Canvas<'_>| {
        if width == 0 {
            return;
        }
        canvas.text(Rect { width: width.min(left.width), ..left }, text, role);
        let used = (width + 1).min(left.width);
        left = Rect { x: left.x + used, width: left.width - used, ..left };
    };
    let role = canvas.look.role_of_severity(item.severity);
    let sign = canvas.look.sign_of_severity(item.severity);
    let by = item.mark.as_ref().and_then(|mark| mark.claimed_by.as_deref());
    match wide {
        0..110 => put(1, sign, role, canvas),
        110.. => put(10, &format!("{sign} {}", item.severity), role, canvas),
    }
    put(if wide < 80 { 13 } else { 16 }, item.kind.as_str(), role, canvas);
    put(
        wide_enough(wide, &[(0, 16), (80, 20), (110, 24), (140, 28)]),
        item.loop_id.as_str(),
        Role::Text,
        canvas,
    );
    put(wide_enough(wide, &[(100, 10), (140, 14)]), item.project.as_str(), Role::Dim, canvas);
    let age = text::age(world.now.duration_since(item.since));
    put(4, &format!("{age:>4}"), Role::Dim, canvas);
    match (wide, by) {
        (0..100, by) => put(1, if by.is_some() { "@" } else { "" }, Role::Active, canvas),
        (100.., Some(by)) => put(12, &format!("@{by}"), Role::Active, canvas),
        (100.., None) => put(12, "", Role::Text, canvas),
    }
    let quiet = match openness {
        Openness::Open => None,
        Openness::Quiet => item.mark.as_ref().and_then(|mark| {
            let asleep = mark.snoozed_until.filter(|until| world.now < *until);
            asleep
                .map(|until| format!("sleeps until {}: ", moment(until, world.now)))
                .or(mark.acknowledged_by.as_ref().map(|by| format!("seen by {by}: ")))
        }),
    };
    match quiet {
        Some(quiet) => put(u16::MAX - 1, &format!("{quiet}{}", item.message), Role::Dim, canvas),
        None => put(u16::MAX - 1, &item.message, Role::Text, canvas),
    }
}

/// The width for a line so wide: of the last step that it reaches; 0: there is no room.
fn wide_enough(wide: u16, steps: &[(u16, u16)]) -> u16 {
    steps.iter().rev().find(|(from, _)| wide >= *from).map_or(0, |(_, width)| *width)
}

/// Before a row: that it is marked, and that it came just now.
fn signs(view: &View, world: &World, item: &Item, line: Rect, canvas: &mut Canvas<'_>) {
    if view.marked.contains(&item.loop_id) {
        canvas.restyle(line, Role::Marked);
        sign(0, "*", Role::Marked, line, canvas);
    }
    if world.inbox.is_new(&item.loop_id, world.now) {
        sign(1, "+", Role::Warning, line, canvas);
    }
}

fn sign(at: u16, sign: &str, role: Role, line: Rect, canvas: &mut Canvas<'_>) {
    let width = line.width.saturating_sub(at).min(1);
    canvas.text(Rect { x: line.x + at, width, ..line }, sign, role);
}

/// Why there is no item, and what to do about it. Nothing is said to be fine that isn't known to be.
fn empty(view: &View, world: &World, area: Rect, canvas: &mut Canvas<'_>) {
    let inbox = &world.inbox;
    let quiet = inbox.len() - inbox.open();
    let watched = format!("{} loops are watched.", world.fleet.len());
    let said: Vec<(String, Role)> = match inbox.trust() {
        Trust::Unknown => vec![(format!("Asking {}…", world.session.server), Role::Text)],
        Trust::Lost { .. } | Trust::Loading => vec![
            ("Nobody knows what needs you now.".to_owned(), Role::Warning),
            ("Nothing did, as far as it was heard.".to_owned(), Role::Dim),
        ],
        Trust::Live if view.hides_by_filter() && !inbox.is_empty() => vec![
            (
                format!("None of {} items is let through by /{}", inbox.len(), view.filter.text()),
                Role::Text,
            ),
            ("esc shows all of them; / changes the filter".to_owned(), Role::Dim),
        ],
        Trust::Live => {
            let since = inbox.calm_since().map(|at| {
                format!(
                    "Since {} UTC, {} ago.",
                    text::clock(at),
                    text::age(world.now.duration_since(at))
                )
            });
            let mut said = vec![
                ("Nothing needs you.".to_owned(), Role::Good),
                (since.unwrap_or_default(), Role::Dim),
                (watched, Role::Dim),
            ];
            if quiet > 0 {
                let keys = canvas.keys_of(&Action::Inbox(InboxAction::Quiet));
                let keys = keys.unwrap_or_else(|| ":quiet".to_owned());
                said.push((
                    format!("{quiet} were acknowledged or sleep: {keys} shows them."),
                    Role::Dim,
                ));
            }
            said
        }
    };
    let y = area.y + area.height / 3;
    for ((text, role), y) in said.iter().zip(y..area.bottom()) {
        let line = Rect { x: area.x + 2, y, width: area.width.saturating_sub(4), height: 1 };
        canvas.text(line, text, *role);
    }
}

/// A time that may be days away.
pub(super) fn moment(at: Timestamp, now: Timestamp) -> String {
    let is_near = at.duration_since(now).abs() < jiff::SignedDuration::from_hours(20);
    at.strftime(if is_near { "%H:%M UTC" } else { "%Y-%m-%d %H:%M UTC" }).to_string()
}
