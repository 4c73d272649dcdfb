//! What stands around a place: the bar at the top, the tabs, the line at the bottom.

use ratatui::layout::Rect;

use crate::action::{Action, TabAction};
use crate::draw::{Canvas, Region};
use crate::fleet::Link;
use crate::keys::Chord;
use crate::look::Role;
use crate::state::{Said, State};
use crate::text;

pub(super) fn bar(state: &State, area: Rect, canvas: &mut Canvas<'_>) {
    canvas.clear(area, Role::Bar);
    let session = &state.world.session;
    let who = session.identity.as_ref().map(|who| format!("{} ({})", who.name, who.role));
    let place = session.context.as_deref().unwrap_or(&session.server);
    let left = format!(" Smith  {place}  {}", who.as_deref().unwrap_or("…"));
    canvas.text(area, &left, Role::Bar);
    let fleet = &state.world.fleet;
    let heard = fleet.heard().map(|at| text::age(state.world.now.duration_since(at)));
    let link = match fleet.link() {
        Link::Connecting => "connecting".to_owned(),
        Link::Loading => format!("loading {}", fleet.len()),
        Link::Live => format!("live, last event {} ago", heard.as_deref().unwrap_or("?")),
        Link::Lost { since, .. } => {
            format!("CONNECTION LOST {} ago", text::age(state.world.now.duration_since(*since)))
        }
        Link::Refused { .. } => "REFUSED".to_owned(),
    };
    let right = format!("{link} ");
    let width = u16::try_from(text::width(&right)).unwrap_or(u16::MAX).min(area.width);
    let at = Rect { x: area.right() - width, width, ..area };
    canvas.text(at, &right, Role::Bar);
    match fleet.link() {
        Link::Lost { .. } | Link::Refused { .. } => canvas.restyle(at, Role::Bad),
        Link::Connecting | Link::Loading | Link::Live => {}
    }
}

pub(super) fn tabs(state: &State, area: Rect, canvas: &mut Canvas<'_>) {
    let mut x = area.x;
    for (at, tab) in state.tabs.all().iter().enumerate() {
        let title = tab.name.clone().unwrap_or_else(|| tab.place.title(&state.world));
        let label = format!(" {} {title} ", at + 1);
        let room = Rect { x, width: area.right().saturating_sub(x).min(30), ..area };
        let role = if at == state.tabs.shown() { Role::Cursor } else { Role::Dim };
        let width = canvas.text(room, &label, role);
        let cell = Rect { width, ..room };
        canvas.region(Region::click(cell, Action::Tab(TabAction::Show(at + 1))));
        x += width + 1;
    }
}

/// What was said last, else which keys do what here.
pub(super) fn foot(state: &State, area: Rect, canvas: &mut Canvas<'_>) {
    if let Some(Said { text, role, .. }) = &state.said {
        canvas.text(area, text, *role);
        return;
    }
    let contexts = state.tabs.current().place.contexts();
    let mut x = area.x;
    for (action, label) in HINTS {
        let Some(keys) = state.keymap.keys_of(contexts, action) else { continue };
        let keys: Vec<String> = keys.iter().map(Chord::to_string).collect();
        let keys = keys.join(" ");
        let width = text::width(&keys) + text::width(label) + 3;
        let width = u16::try_from(width).unwrap_or(u16::MAX);
        if x + width > area.right() {
            break;
        }
        let room = Rect { x, width, ..area };
        canvas.spans(room, &[(&keys, Role::Key), (" ", Role::Text), (label, Role::Dim)]);
        canvas.region(Region::click(room, action.clone()));
        x += width;
    }
}

/// What the line at the bottom teaches, most useful first.
const HINTS: &[(Action, &str)] = &[
    (Action::Open, "open"),
    (Action::Help, "help"),
    (Action::Palette, "everything"),
    (Action::Back, "back"),
    (Action::Quit, "quit"),
];
