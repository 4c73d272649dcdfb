//! The line at the bottom: what was said last, else which keys do what here, from the keys as they are bound now.

use ratatui::layout::Rect;
use smith_model::state::State as LoopState;

use crate::action::Action;
use crate::acts::ActAction;
use crate::command;
use crate::draw::{Canvas, Region};
use crate::fleet::Row;
use crate::keys::{Context, keys_text};
use crate::layers::dialog::wrapped;
use crate::look::Role;
use crate::place::inbox::InboxAction;
use crate::state::{Said, State};
use crate::text;

/// The most lines of what was said.
const MOST_SAID: usize = 4;

/// What the line teaches.
#[derive(Clone, Debug, PartialEq)]
struct Hint {
    keys: String,
    label: String,
    action: Action,
    /// What comes first into a line that is too short for all.
    rank: u8,
}

pub(super) fn foot(state: &State, area: Rect, canvas: &mut Canvas<'_>) {
    if let Some(Said { text, role, .. }) = &state.said {
        say(text, *role, area, canvas);
        return;
    }
    if let Some(progress) = state.world.acts.under_way().next() {
        canvas.text(area, &progress.line(), Role::Active);
        return;
    }
    // What lies over the place takes its keys, and says itself which it knows.
    if !state.layers.is_empty() {
        return;
    }
    let mut x = area.x;
    for hint in fitted(hints(state), area.width) {
        let room = Rect { x, width: hint.width().min(area.right().saturating_sub(x)), ..area };
        canvas.spans(room, &[(&hint.keys, Role::Key), (" ", Role::Text), (&hint.label, Role::Dim)]);
        x = x.saturating_add(hint.width());
        canvas.region(Region::click(room, hint.action));
    }
}

/// What was said, in as many lines as it needs, up from the last one: what is cut off would be the reason.
fn say(text: &str, role: Role, area: Rect, canvas: &mut Canvas<'_>) {
    let lines = wrapped(text, area.width.into());
    let seen = lines.len().min(MOST_SAID).min(usize::from(area.bottom()));
    let top = area.bottom().saturating_sub(u16::try_from(seen).unwrap_or(u16::MAX));
    for (line, y) in lines.iter().take(seen).zip(top..) {
        let row = Rect { y, height: 1, ..area };
        canvas.clear(row, Role::Text);
        canvas.text(row, line, role);
    }
}

impl Hint {
    fn width(&self) -> u16 {
        let width = text::width(&self.keys) + text::width(&self.label) + 3;
        u16::try_from(width).unwrap_or(u16::MAX)
    }
}

/// Those that fit, in the order in which they stand.
fn fitted(hints: Vec<Hint>, width: u16) -> Vec<Hint> {
    let mut by_rank: Vec<usize> = (0..hints.len()).collect();
    by_rank.sort_by_key(|at| hints[*at].rank);
    let (mut used, mut fits) = (0_u16, vec![false; hints.len()]);
    for at in by_rank {
        let with = used.saturating_add(hints[at].width());
        // What stands last needs no room behind it.
        if with <= width.saturating_add(2) {
            used = with;
            fits[at] = true;
        }
    }
    hints.into_iter().zip(fits).filter(|(_, fits)| *fits).map(|(hint, _)| hint).collect()
}

/// What can be done here, most useful first.
fn hints(state: &State) -> Vec<Hint> {
    let place = &state.tabs.current().place;
    let contexts = place.contexts();
    let may_act = state.world.session.may_act().is_ok();
    let mut hints: Vec<Hint> = vec![];
    let mut teach = |command: &str, label: &str, rank: u8| {
        let Ok(action) = command::parse(command) else { return };
        if !may_act && is_act(&action) {
            return;
        }
        let Some(keys) = state.keymap.keys_of(contexts, &action).map(keys_text) else { return };
        if !hints.iter().any(|hint| hint.action == action) {
            hints.push(Hint { keys, label: label.to_owned(), action, rank });
        }
    };
    teach("open", "open", 1);
    if let Some(row) = place.subject(&state.world) {
        for (command, label) in suited(row) {
            teach(command, label, 3);
        }
    }
    // What the place itself binds, in the order in which it lists them.
    let own = contexts.iter().filter(|c| !matches!(c, Context::List | Context::Everywhere));
    for context in own {
        for binding in state.keymap.bindings().iter().filter(|b| b.context == *context) {
            // Pages have their numbers on their own line.
            let rank =
                if matches!(binding.command.split_once(' '), Some(("page", _))) { 7 } else { 4 };
            teach(&binding.command, &binding.command, rank);
        }
    }
    teach("help", "help", 0);
    teach("palette", "everything", 2);
    teach("back", "back", 5);
    teach("quit", "quit", 6);
    hints
}

/// Would it change something?
fn is_act(action: &Action) -> bool {
    match action {
        Action::Act(action) => *action != ActAction::History,
        Action::Inbox(action) => {
            matches!(action, InboxAction::Mark(_) | InboxAction::Ask(_) | InboxAction::Do(_))
        }
        _ => false,
    }
}

/// The commands that one reaches for first with such a loop, of those that there are, and what they do with it.
fn suited(row: &Row) -> &'static [(&'static str, &'static str)] {
    match row.state {
        LoopState::Flatline => &[("journal", "journal"), ("retry", "retry")],
        LoopState::Overwriting if row.suspect => {
            &[("journal", "journal"), ("attach", "attach"), ("cancel", "cancel")]
        }
        LoopState::Overwriting => {
            &[("attach", "attach"), ("journal", "journal"), ("cancel", "cancel")]
        }
        LoopState::Unresolved if row.hold.is_some() => {
            &[("hold-or-release", "release"), ("journal", "journal")]
        }
        LoopState::Unresolved => &[("journal", "journal"), ("hold-or-release", "hold")],
        LoopState::Synced => &[("journal", "journal"), ("copy", "copy")],
        LoopState::Cancelled => &[("retry", "retry"), ("journal", "journal")],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_line_keeps_help_and_what_is_done_most() {
        let hint = |label: &str, rank| Hint {
            keys: "x".to_owned(),
            label: label.to_owned(),
            action: Action::Quit,
            rank,
        };
        let labels = |width| {
            let hints = vec![hint("open", 1), hint("filter", 4), hint("help", 0), hint("quit", 6)];
            let fitted = fitted(hints, width);
            fitted.into_iter().map(|hint| hint.label).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(labels(80), "open filter help quit");
        assert_eq!(labels(26), "open filter help");
        assert_eq!(labels(14), "open help");
        assert_eq!(labels(7), "help");
        assert_eq!(labels(1), "");
    }
}
