//! All that is known of the item of the cursor: what happened, what to do, what people have marked it with.

use jiff::Timestamp;
use ratatui::layout::Rect;
use smith_model::inbox::{Item, Mark};

use super::InboxAction;
use super::list::{Areas, moment};
use crate::action::Action;
use crate::draw::{Canvas, Region};
use crate::layers::dialog;
use crate::layers::words::Asking;
use crate::look::Role;
use crate::text;
use crate::world::World;
use crate::world::inbox::Act;

pub(super) fn draw(item: &Item, world: &World, areas: &Areas, canvas: &mut Canvas<'_>) {
    let area = areas.detail;
    if area.is_empty() {
        return;
    }
    let top = Rect { height: 1, ..area };
    let is_beside = area.x > areas.rows.x;
    if is_beside {
        for y in area.y..area.bottom() {
            canvas.text(Rect { y, width: 1, height: 1, ..area }, "│", Role::Border);
        }
    } else {
        canvas.text(top, &"─".repeat(area.width.into()), Role::Border);
    }
    let title = Rect { x: top.x + 2, width: top.width.saturating_sub(3), ..top };
    canvas.spans(
        title,
        &[
            (" ", Role::Text),
            (item.loop_id.as_str(), Role::Title),
            ("  ", Role::Text),
            (&item.title, Role::Text),
            (" ", Role::Text),
        ],
    );
    let inside = Rect {
        x: area.x + 2,
        y: area.y + 1,
        width: area.width.saturating_sub(3),
        height: area.height.saturating_sub(1),
    };
    // What can be done stays seen, however much was said.
    let acts = acts(item, world, canvas, inside.width);
    let acts_height = u16::try_from(acts.len()).unwrap_or(u16::MAX).min(inside.height);
    let body = Rect { height: inside.height - acts_height, ..inside };
    let arrow = if canvas.look.ascii { "> " } else { "→ " };
    let role = canvas.look.role_of_severity(item.severity);
    let mut lines: Vec<(String, Role)> = vec![];
    let mut say = |lead: &str, said: &str, role: Role| {
        let room = usize::from(body.width).saturating_sub(text::width(lead));
        for (at, line) in dialog::wrapped(said, room).into_iter().enumerate() {
            let lead = if at == 0 { lead.to_owned() } else { " ".repeat(text::width(lead)) };
            lines.push((lead + &line, role));
        }
    };
    say("", &item.message, role);
    say(arrow, &item.next, Role::Text);
    if let Some(mark) = &item.mark {
        for line in marks(mark, world.now) {
            say("", &line, Role::Active);
        }
    }
    let since = moment(item.since, world.now);
    let ago = text::age(world.now.duration_since(item.since));
    let project = item.project.as_str();
    say("", &format!("{} since {since}, {ago}, in {project}", item.kind), Role::Dim);
    for ((line, role), y) in lines.iter().zip(body.y..body.bottom()) {
        canvas.text(Rect { y, height: 1, ..body }, line, *role);
    }
    let below = body.y + u16::try_from(lines.len()).unwrap_or(u16::MAX).min(body.height);
    for (line, y) in acts.into_iter().zip(below..inside.bottom()) {
        let mut left = Rect { y, height: 1, ..inside };
        for Doable { keys, label, action, width } in line {
            canvas.spans(left, &[(&keys, Role::Key), (" ", Role::Text), (label, Role::Dim)]);
            canvas.region(Region::click(Rect { width: width.min(left.width), ..left }, action));
            let used = (width + 2).min(left.width);
            left = Rect { x: left.x + used, width: left.width - used, ..left };
        }
    }
}

/// What people have done about it.
fn marks(mark: &Mark, now: Timestamp) -> Vec<String> {
    let ago = |at: Timestamp| text::age(now.duration_since(at));
    let mut lines = vec![];
    if let (Some(by), Some(at)) = (&mark.claimed_by, mark.claimed_at) {
        lines.push(format!("claimed by {by}, {} ago", ago(at)));
    }
    if let (Some(by), Some(at)) = (&mark.acknowledged_by, mark.acknowledged_at) {
        lines.push(format!("acknowledged by {by}, {} ago", ago(at)));
    }
    if let (Some(by), Some(until)) = (&mark.snoozed_by, mark.snoozed_until) {
        lines.push(match now < until {
            true => {
                let more = text::age(until.duration_since(now));
                format!("snoozed by {by} until {}, {more} more", moment(until, now))
            }
            false => format!("was snoozed by {by} until {} UTC", text::clock(until)),
        });
    }
    if let Some(note) = &mark.note {
        lines.push(format!("note: {note}"));
    }
    lines
}

/// Something that can be done, with the keys that do it.
struct Doable {
    keys: String,
    label: &'static str,
    action: Action,
    width: u16,
}

/// What can be done about an item as it is marked, in lines of a width. What no key is bound to stands in the palette.
fn acts(item: &Item, world: &World, canvas: &Canvas<'_>, width: u16) -> Vec<Vec<Doable>> {
    let mark = item.mark.as_ref();
    let is_mine = mark.is_some_and(|mark| {
        mark.claimed_by.is_some() && mark.claimed_by.as_deref() == world.session.viewer().name
    });
    let is_claimed = mark.is_some_and(|mark| mark.claimed_by.is_some());
    let is_seen = mark.is_some_and(|mark| mark.acknowledged_at.is_some());
    let sleeps = mark.is_some_and(|mark| mark.snoozes(world.now));
    let may_act = world.session.may_act().is_ok();
    let act = |act| Action::Inbox(InboxAction::Mark(act));
    let all = [
        (true, Action::Open, "open"),
        (may_act && !is_mine, act(Act::Claim { reason: None }), "claim"),
        (may_act && is_claimed, act(Act::Unclaim { reason: None }), "unclaim"),
        (may_act && !is_seen, act(Act::Acknowledge { note: None }), "acknowledge"),
        (may_act && !is_seen, Action::Inbox(InboxAction::Ask(Asking::Note)), "with a note"),
        (may_act && !sleeps, Action::Inbox(InboxAction::Ask(Asking::Until)), "snooze"),
        (may_act && sleeps, act(Act::Unsnooze { note: None }), "unsnooze"),
        (true, Action::Inbox(InboxAction::Link), "copy a link"),
        (true, Action::Inbox(InboxAction::NextNeeded), "next"),
    ];
    let mut lines: Vec<Vec<Doable>> = vec![vec![]];
    let mut used = 0;
    for (_, action, label) in all.into_iter().filter(|(is_offered, ..)| *is_offered) {
        let Some(keys) = canvas.keys_of(&action) else { continue };
        let wide = u16::try_from(text::width(&keys) + label.len() + 1).unwrap_or(u16::MAX);
        if used > 0 && used + wide > width {
            lines.push(vec![]);
            used = 0;
        }
        used += wide + 2;
        if let Some(line) = lines.last_mut() {
            line.push(Doable { keys, label, action, width: wide });
        }
    }
    lines
}
