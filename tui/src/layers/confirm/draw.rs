//! The dialog before an act, drawn.

use ratatui::layout::Rect;

use super::{Confirm, Focus, Now, YES};
use crate::acts::forecast;
use crate::draw::Canvas;
use crate::fleet::Row;
use crate::keys::{Chord, Key};
use crate::layers::dialog;
use crate::look::{Look, Role};
use crate::world::World;

/// The widest that it gets.
const WIDTH: u16 = 76;
/// The most loops that are listed.
const MOST_LISTED: usize = 8;
/// The rows below the text: reason, what has to be typed, buttons, what is told, and blanks.
const CONTROLS: u16 = 6;

pub(super) fn dialog(confirm: &Confirm, world: &World, area: Rect, canvas: &mut Canvas<'_>) {
    let width = WIDTH.min(area.width);
    let columns = usize::from(width.saturating_sub(4));
    let mut lines = body(confirm, world, canvas.look, columns);
    let room = usize::from(area.height.saturating_sub(CONTROLS + 2));
    if lines.len() > room {
        lines.truncate(room.saturating_sub(1));
        lines.push((canvas.look.ellipsis().to_owned(), Role::Dim));
    }
    let rows = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    let height = rows.saturating_add(CONTROLS + 2);
    let inside = dialog::open(canvas, area, (width, height), &title(confirm));
    for ((line, role), at) in lines.iter().zip(0..) {
        canvas.text(dialog::row(inside, at), line, *role);
    }
    controls(confirm, inside, rows + 1, canvas);
}

fn title(confirm: &Confirm) -> String {
    let verb = confirm.verb.title();
    match confirm.loops.as_slice() {
        [one] => format!("{verb} {}?", one.target.id),
        all => format!("{verb} {} loops?", all.len()),
    }
}

fn body(confirm: &Confirm, world: &World, look: Look, columns: usize) -> Vec<(String, Role)> {
    let mut lines = vec![];
    let mut add = |text: &str, role: Role| {
        lines.extend(dialog::wrapped(text, columns).into_iter().map(|line| (line, role)));
    };
    if let [one] = confirm.loops.as_slice() {
        let Some(row) = world.fleet.get(&one.target.id) else {
            add("It is gone: somebody deleted it.", Role::Bad);
            return lines;
        };
        add(&row.title, Role::Text);
        add(&state_line(row, look), look.role_of(row.state));
        match &one.now {
            Now::Not(why) => {
                add(&format!("It can't be {}: {why}.", confirm.verb.done()), Role::Bad);
            }
            Now::Ready | Now::Gone => {
                for line in forecast(confirm.verb, row) {
                    add(&line, Role::Text);
                }
            }
        }
        return lines;
    }
    let ready = confirm.ready();
    add(
        &format!("{ready} of {} will be {}:", confirm.loops.len(), confirm.verb.done()),
        Role::Text,
    );
    let mut listed = 0;
    for seen in confirm.loops.iter().filter(|seen| seen.now == Now::Ready).take(MOST_LISTED) {
        listed += 1;
        if let Some(row) = world.fleet.get(&seen.target.id) {
            let line = format!("  {} {}  {}", look.sign_of(row.state), row.id, row.title);
            lines.push((line, look.role_of(row.state)));
        }
    }
    if ready > listed {
        lines.push((format!("  and {} more", ready - listed), Role::Dim));
    }
    let not = confirm.loops.iter().filter_map(|seen| match &seen.now {
        Now::Ready => None,
        Now::Not(why) => Some((&seen.target.id, why.as_str())),
        Now::Gone => Some((&seen.target.id, "it is gone")),
    });
    for (id, why) in not.clone().take(MOST_LISTED / 2) {
        lines.push((format!("  not {id}: {why}"), Role::Dim));
    }
    let more = not.count().saturating_sub(MOST_LISTED / 2);
    if more > 0 {
        lines.push((format!("  nor {more} more"), Role::Dim));
    }
    lines
}

fn state_line(row: &Row, look: Look) -> String {
    let mut line = format!("{} {}", look.sign_of(row.state), row.state);
    if row.attempt > 0 {
        line.push_str(&format!(", round {}, attempt {}", row.round, row.attempt));
    }
    if let Some(hold) = &row.hold {
        line.push_str(&format!(", held by {}", hold.by));
    }
    if !row.message.is_empty() {
        line.push_str(&format!(": {}", row.message));
    }
    line
}

fn controls(confirm: &Confirm, inside: Rect, from: u16, canvas: &mut Canvas<'_>) {
    let Confirm { verb, reason, typed, focus, told, .. } = confirm;
    let label = if verb.needs_reason() { "Reason (needed) " } else { "Reason " };
    let mut at = from;
    let mut field = |label: &str, input, here: bool, canvas: &mut Canvas<'_>| {
        let line = dialog::row(inside, at);
        let used = canvas.text(line, label, Role::Dim);
        let rest = Rect { x: line.x + used, width: line.width.saturating_sub(used), ..line };
        dialog::input(canvas, rest, input, here.into());
        at += 1;
    };
    field(label, reason, *focus == Focus::Reason, canvas);
    let word = confirm.word();
    if let Some(word) = &word {
        field(&format!("Type {word} to go on: "), typed, *focus == Focus::Typed, canvas);
    }
    let line = dialog::row(inside, at + 1);
    let no = Chord::plain(Key::Esc);
    let used = dialog::button(canvas, line, "No", (*focus == Focus::No).into(), no) + 2;
    if word.is_none() {
        let rest = Rect { x: line.x + used, width: line.width.saturating_sub(used), ..line };
        // "Cancel" alone would be what other programs call their way out.
        let yes = format!("Yes, {}", verb.name());
        dialog::button(canvas, rest, &yes, (*focus == Focus::Yes).into(), YES);
    }
    let told = told
        .as_deref()
        .map_or(("tab moves, enter takes, esc leaves", Role::Dim), |told| (told, Role::Warning));
    canvas.text(dialog::row(inside, at + 2), told.0, told.1);
}
