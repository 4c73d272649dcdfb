//! What is said in the middle of the screen where there is nothing to show, because nobody answers.

use ratatui::layout::Rect;
use smith_model::context::LOCAL;

use crate::action::Action;
use crate::connect::{ConnectAction, Refusal};
use crate::draw::{Canvas, Region};
use crate::fleet::Link;
use crate::keys::{Chord, Context};
use crate::layers::dialog;
use crate::look::Role;
use crate::state::State;
use crate::text;

/// Draws it over a place, if there is a hindrance.
pub(super) fn draw(state: &State, area: Rect, canvas: &mut Canvas<'_>) {
    let Some((title, why, goes_on)) = hindrance(state) else { return };
    canvas.clear(area, Role::Text);
    let width = area.width.min(76);
    let x = area.x + (area.width - width) / 2;
    let inside = Rect { x, width, ..area };
    let mut lines = vec![(title, Role::Bad), (why, Role::Text), (goes_on, Role::Dim)];
    lines.retain(|(text, _)| !text.is_empty());
    let mut y = area.height / 4;
    for (text, role) in lines {
        for line in dialog::wrapped(&text, usize::from(width)) {
            canvas.text(dialog::row(inside, y), &line, role);
            y += 1;
        }
    }
    y += 1;
    let is_local = state.world.session.context.as_deref() == Some(LOCAL);
    let ways = [
        (is_local, ConnectAction::StartSmithd, ":smithd", "start smithd on this machine"),
        (true, ConnectAction::Pick, ":ctx", "another context"),
        (true, ConnectAction::Name, ":server", "name a server"),
    ];
    let ways = ways.into_iter().filter(|(is_offered, ..)| *is_offered);
    let ways = ways.map(|(_, action, command, label)| (Action::Connect(action), command, label));
    for (action, command, label) in ways.chain([(Action::Quit, ":quit", "leave")]) {
        let keys = state.keymap.keys_of(&[Context::Everywhere], &action);
        let keys = keys.map(|keys| keys.iter().map(Chord::to_string).collect::<Vec<_>>().join(" "));
        let key = format!("{:<8} ", keys.as_deref().unwrap_or(command));
        let line = dialog::row(inside, y);
        let width = canvas.spans(line, &[(&key, Role::Key), (label, Role::Text)]);
        canvas.region(Region::click(Rect { width, ..line }, action));
        y += 1;
    }
}

fn hindrance(state: &State) -> Option<(String, String, String)> {
    let session = &state.world.session;
    let server = &session.server;
    if let Some(refusal) = &session.refused {
        let (title, why) = match refusal {
            Refusal::Token(why) => (format!("{server} doesn't take this token"), why),
            Refusal::Answer(why) => (format!("{server} doesn't answer as Smith does"), why),
        };
        return Some((title, why.clone(), String::new()));
    }
    let fleet = &state.world.fleet;
    match fleet.link() {
        Link::Refused { why } => {
            Some((format!("{server} refuses the fleet"), why.clone(), String::new()))
        }
        // What was known is still shown, and the bar says that it is old.
        Link::Lost { since, why } if fleet.heard().is_none() => {
            let age = text::age(state.world.now.duration_since(*since));
            let goes_on = format!("It is being tried again by itself, for {age} now.");
            Some((format!("{server} doesn't answer"), why.clone(), goes_on))
        }
        Link::Connecting | Link::Loading | Link::Live | Link::Lost { .. } => None,
    }
}
