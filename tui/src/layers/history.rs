//! What was done from here: acts under way, and the outcome of each that is over, newest first.

use ratatui::layout::Rect;

use crate::acts::{Outcome, Progress};
use crate::draw::Canvas;
use crate::keys::{Chord, Key};
use crate::layers::{Answer, dialog};
use crate::look::Role;
use crate::state::State;
use crate::text;

/// The list.
#[derive(Clone, Debug, Default)]
pub struct History {
    top: usize,
    /// Entries that there are.
    entries: usize,
}

impl History {
    pub(super) fn settle(&mut self, entries: usize) {
        self.entries = entries;
        self.top = self.top.min(entries.saturating_sub(1));
    }

    pub(super) fn key(&mut self, chord: Chord) -> Answer {
        let to = match chord.key {
            Key::Esc | Key::Enter | Key::Char('q') => return Answer::Close,
            Key::Down | Key::Char('j') => self.top + 1,
            Key::Up | Key::Char('k') => self.top.saturating_sub(1),
            Key::PageDown => self.top + 10,
            Key::PageUp => self.top.saturating_sub(10),
            Key::Home | Key::Char('g') => 0,
            Key::End | Key::Char('G') => usize::MAX,
            _ => return Answer::Taken,
        };
        self.top = to.min(self.entries.saturating_sub(1));
        Answer::Taken
    }

    pub(super) fn draw(&self, state: &State, area: Rect, canvas: &mut Canvas<'_>) {
        let size = (area.width.saturating_sub(4).max(40), area.height.saturating_sub(2));
        let inside = dialog::open(canvas, area, size, "Acts: newest first; esc closes");
        let columns = usize::from(inside.width);
        let acts = &state.world.acts;
        let mut lines: Vec<(String, Role)> =
            acts.under_way().map(Progress::line).map(|line| (line, Role::Active)).collect();
        for landed in acts.landed().skip(self.top) {
            if lines.len() >= usize::from(inside.height) {
                break;
            }
            let age = text::age(state.world.now.duration_since(landed.at));
            let line = format!("{age:>4}  {}: {}", landed.id, landed.outcome.line(landed.verb));
            let role = match landed.outcome {
                Outcome::Done => Role::Good,
                Outcome::Refused(_) | Outcome::Stale(_) => Role::Bad,
                Outcome::Unknown(_) => Role::Warning,
            };
            lines.extend(dialog::wrapped(&line, columns).into_iter().map(|line| (line, role)));
        }
        if lines.is_empty() {
            lines.push(("nothing was done from here yet".to_owned(), Role::Dim));
        }
        for ((line, role), at) in lines.iter().zip(0..inside.height) {
            canvas.text(dialog::row(inside, at), line, *role);
        }
    }
}
