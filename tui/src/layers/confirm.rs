//! Asks whether an act is to be done: says what will happen to which loops as they are now, and does nothing by default.
//!
//! The dialog follows the fleet while it is open. Where a loop changes, what is said changes with it, and a person who was
//! about to say yes has to look again. More than one loop, and what can't be undone, has to be typed.

mod draw;

use ratatui::layout::Rect;
use smith_model::id::LoopId;
use tui_input::Input;

use crate::action::Action;
use crate::acts::{ActAction, Order, Target, Verb, allowed};
use crate::draw::Canvas;
use crate::keys::{Chord, Key};
use crate::layers::{Answer, dialog};
use crate::state::State;
use crate::world::World;

/// The chord that says yes from anywhere in the dialog. Not one with Alt: behind a slow line an Escape and a letter come
/// as one.
pub(super) const YES: Chord = Chord { key: Key::Char('y'), ctrl: true, alt: false, shift: false };

/// The dialog.
#[derive(Clone, Debug)]
pub struct Confirm {
    verb: Verb,
    loops: Vec<Seen>,
    reason: Input,
    typed: Input,
    focus: Focus,
    /// What the person has to know before going on.
    told: Option<String>,
}

/// A loop as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    target: Target,
    now: Now,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Now {
    Ready,
    Not(String),
    Gone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Focus {
    Reason,
    Typed,
    No,
    Yes,
}

impl Confirm {
    /// For these loops; nothing, where none of them is known.
    pub fn new(verb: Verb, reason: &str, loops: &[LoopId], world: &World) -> Option<Self> {
        let seen = loops.iter().filter_map(|id| {
            let row = world.fleet.get(id)?;
            let target = Target { id: id.clone(), revision: row.revision };
            Some(Seen { target, now: now(verb, id, world) })
        });
        let loops: Vec<Seen> = seen.collect();
        if loops.is_empty() {
            return None;
        }
        let (reason, typed) = (Input::new(reason.to_owned()), Input::default());
        Some(Self { verb, loops, reason, typed, focus: Focus::No, told: None })
    }

    /// Why it can't be done to any of the loops, where that is so.
    pub fn refusal(&self) -> Option<String> {
        let first = self.loops.first()?;
        let id = &first.target.id;
        match (self.ready(), &first.now, self.loops.len()) {
            (1.., ..) => None,
            (0, Now::Not(why), 1) => Some(format!("{id} can't be {}: {why}", self.verb.done())),
            (0, Now::Not(why), count) => {
                Some(format!("none of the {count} can be {}; {id}: {why}", self.verb.done()))
            }
            (0, ..) => Some(format!("{id} is gone")),
        }
    }

    /// The fleet may have changed.
    pub(super) fn settle(&mut self, world: &World) {
        let is_one = self.loops.len() == 1;
        let mut changed: Option<&LoopId> = None;
        for seen in &mut self.loops {
            let Target { id, revision } = &mut seen.target;
            let is = now(self.verb, id, world);
            let revision_is = world.fleet.get(id).map_or(*revision, |row| row.revision);
            // Of many it matters which can be done; they are counted, and a busy fleet must not take the count away.
            if is != seen.now || (is_one && revision_is != *revision) {
                changed = Some(id);
            }
            (seen.now, *revision) = (is, revision_is);
        }
        if let Some(id) = changed {
            self.told = Some(format!("{id} changed just now: look again"));
            self.typed.reset();
            if self.focus == Focus::Yes {
                self.focus = Focus::No;
            }
        }
    }

    fn ready(&self) -> usize {
        self.loops.iter().filter(|seen| seen.now == Now::Ready).count()
    }

    /// What has to be typed, where a key isn't enough.
    fn word(&self) -> Option<String> {
        // Who asked for many goes on typing, also when one is left of them.
        match (self.verb, self.loops.as_slice()) {
            (Verb::Delete, [one]) => Some(one.target.id.to_string()),
            (_, [_]) => None,
            (Verb::Delete, _) => Some(format!("delete {}", self.ready())),
            (_, _) => Some(self.ready().to_string()),
        }
    }

    fn ring(&self) -> &'static [Focus] {
        match self.word() {
            Some(_) => &[Focus::Reason, Focus::Typed, Focus::No],
            None => &[Focus::Reason, Focus::No, Focus::Yes],
        }
    }

    fn step(&mut self, by: isize) {
        let ring = self.ring();
        let at = ring.iter().position(|focus| *focus == self.focus).unwrap_or_default();
        let to = (at.cast_signed() + by).rem_euclid(ring.len().cast_signed());
        self.focus = ring[to.unsigned_abs()];
    }

    pub(super) fn key(&mut self, chord: Chord) -> Answer {
        if let Some(by) = dialog::moves(chord) {
            self.step(by);
            return Answer::Taken;
        }
        match (chord, self.focus) {
            (Chord { key: Key::Esc, .. }, _) => return Answer::Close,
            (Chord { key: Key::Char('c'), ctrl: true, .. }, _) => return Answer::Close,
            (YES, _) => return self.yes(),
            (Chord { key: Key::Enter, .. }, focus) => {
                return match focus {
                    Focus::No => Answer::Close,
                    Focus::Yes | Focus::Typed => self.yes(),
                    Focus::Reason => {
                        self.step(1);
                        Answer::Taken
                    }
                };
            }
            (Chord { key: Key::Left | Key::Right, .. }, Focus::No | Focus::Yes) => {
                self.focus = match self.focus {
                    Focus::No if self.word().is_none() => Focus::Yes,
                    _ => Focus::No,
                };
                return Answer::Taken;
            }
            (chord, Focus::No | Focus::Yes) if chord.typed().is_some() => self.focus_text(),
            _ => {}
        }
        match self.focus {
            Focus::Reason => dialog::type_into(&mut self.reason, chord),
            Focus::Typed => dialog::type_into(&mut self.typed, chord),
            Focus::No | Focus::Yes => false,
        };
        Answer::Taken
    }

    /// What is typed at a button belongs into the text that is missing.
    fn focus_text(&mut self) {
        let needs_reason = self.verb.needs_reason() && self.reason.value().trim().is_empty();
        let is_typed = self.word().is_some() && !needs_reason;
        self.focus = if is_typed { Focus::Typed } else { Focus::Reason };
    }

    pub(super) fn paste(&mut self, text: &str) -> Answer {
        if matches!(self.focus, Focus::No | Focus::Yes) {
            self.focus_text();
        }
        match self.focus {
            Focus::Typed => dialog::paste_into(&mut self.typed, text),
            _ => dialog::paste_into(&mut self.reason, text),
        }
        Answer::Taken
    }

    fn yes(&mut self) -> Answer {
        let reason = self.reason.value().trim();
        if self.ready() == 0 {
            self.told = Some("there is nothing left to do".to_owned());
        } else if self.verb.needs_reason() && reason.is_empty() {
            self.told = Some("say why: it goes into the journal and the audit".to_owned());
            self.focus = Focus::Reason;
        } else if let Some(word) = self.word()
            && word != self.typed.value().trim()
        {
            self.told = Some(format!("type {word} to go on"));
            self.focus = Focus::Typed;
        } else {
            let reason = match reason {
                "" => format!("{} in the workstation", self.verb.done()),
                reason => reason.to_owned(),
            };
            let ready = self.loops.iter().filter(|seen| seen.now == Now::Ready);
            let targets = ready.map(|seen| seen.target.clone()).collect();
            let order = Order { verb: self.verb, reason, targets };
            return Answer::CloseAnd(Action::Act(ActAction::Do(order)));
        }
        Answer::Taken
    }

    pub(super) fn draw(&self, state: &State, area: Rect, canvas: &mut Canvas<'_>) {
        draw::dialog(self, &state.world, area, canvas);
    }
}

fn now(verb: Verb, id: &LoopId, world: &World) -> Now {
    match world.fleet.get(id) {
        None => Now::Gone,
        Some(row) => match allowed(verb, row) {
            Ok(()) => Now::Ready,
            Err(why) => Now::Not(why),
        },
    }
}
