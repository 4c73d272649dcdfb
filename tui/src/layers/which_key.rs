//! What may follow keys that were begun: drawn over the rest for as long as they wait.

use ratatui::layout::Rect;

use crate::command;
use crate::draw::{Canvas, Region};
use crate::keys::{Resolved, keys_text};
use crate::layers::frame;
use crate::look::Role;
use crate::state::State;
use crate::text;

/// Draws it, if something is begun.
pub fn draw(state: &State, area: Rect, canvas: &mut Canvas<'_>) {
    if state.pending.is_empty() {
        return;
    }
    let contexts = state.contexts();
    let Resolved::Prefix(follow) = state.keymap.resolve(contexts, &state.pending) else { return };
    let lines: Vec<(String, String)> = follow
        .iter()
        .map(|binding| {
            let keys = keys_text(&binding.keys[state.pending.len()..]);
            let help = command::find(&binding.command).map(|command| command.help.to_owned());
            (keys, help.unwrap_or_else(|| binding.command.clone()))
        })
        .collect();
    let keys = lines.iter().map(|(keys, _)| text::width(keys)).max().unwrap_or(0);
    let widest = lines.iter().map(|(_, does)| text::width(does)).max().unwrap_or(0);
    // At the lower right, so that what is looked at mostly stays to be seen.
    let inner = frame::centred(area, keys + 2 + widest, lines.len());
    let inner = Rect {
        x: area.right().saturating_sub(inner.width + 2).max(area.x),
        y: area.bottom().saturating_sub(inner.height + 2).max(area.y),
        ..inner
    };
    frame::draw(inner, &keys_text(&state.pending), canvas);
    for ((binding, (key, does)), y) in follow.iter().zip(&lines).zip(inner.y..inner.bottom()) {
        let pad = " ".repeat(keys + 2 - text::width(key));
        let line = Rect { y, height: 1, ..inner };
        canvas.spans(line, &[(key, Role::Key), (&pad, Role::Text), (does, Role::Text)]);
        canvas.region(Region::click(line, binding.action.clone()));
    }
}
