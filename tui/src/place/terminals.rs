//! Terminals in panes: live ones that are watched or typed into, lists of recordings, and recordings that are played.
//!
//! What a pane shows is a [`Subject`]; what is known of that is in [`crate::world::terminals`], and what its program
//! printed on a stage there. A view here is only where one looks: the panes, the focus, how far back.

mod act;
mod draw;
mod mouse;
mod pane;
mod status;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use ratatui::layout::Rect;
use smith_term::input::{self, Focus};
use smith_term::size::Size;

use crate::draw::Canvas;
use crate::effect::Effect;
use crate::keys::{Chord, Context};
use crate::panes::{Laid, Lease, Order, PaneNo, Subject, Tree, bytes_of};
use crate::world::World;
use crate::world::terminals::Terminal;
use mouse::Held;
use pane::Pane;

/// The most panes of a tab: more than fit on a wall of a screen.
const MOST_PANES: usize = 32;
/// Who types doesn't stop at once where the keyboard is lost; so long there must be no key before one means anything
/// to the workstation.
const SPILL: SignedDuration = SignedDuration::from_millis(1200);

/// A tab's panes.
#[derive(Debug)]
pub struct View {
    tree: Tree,
    panes: BTreeMap<PaneNo, Pane>,
    focus: PaneNo,
    next: u32,
    /// Only the pane of the focus is shown.
    is_zoomed: bool,
    /// The keyboard is there, but keys are for the workstation.
    is_aside: bool,
    /// Keys go to the program in the pane of the focus.
    is_typing: bool,
    area: Rect,
    held: Held,
    /// The size that was asked for, while a keyboard is ours.
    wished: Option<(Subject, Size)>,
    /// Whose program was told that it has the focus.
    told: Option<Subject>,
    /// What was typed into at last.
    typed: Option<Subject>,
    /// When the keyboard was lost while one typed, or a key came after that.
    spilled: Option<Timestamp>,
}

impl Clone for View {
    /// The same panes, looked at from the end.
    fn clone(&self) -> Self {
        let panes = self.panes.iter().map(|(no, pane)| (*no, Pane::new(pane.subject.clone())));
        Self {
            tree: self.tree.clone(),
            panes: panes.collect(),
            focus: self.focus,
            next: self.next,
            is_zoomed: self.is_zoomed,
            is_aside: true,
            is_typing: false,
            area: self.area,
            held: Held::default(),
            wished: None,
            told: None,
            typed: None,
            spilled: None,
        }
    }
}

impl View {
    /// One pane.
    pub fn new(subject: Subject) -> Self {
        let first = PaneNo(1);
        Self {
            tree: Tree::new(first),
            panes: BTreeMap::from([(first, Pane::new(subject))]),
            focus: first,
            next: 2,
            is_zoomed: false,
            is_aside: false,
            is_typing: false,
            area: Rect::ZERO,
            held: Held::default(),
            wished: None,
            told: None,
            typed: None,
            spilled: None,
        }
    }

    /// What the pane of the focus shows.
    pub fn subject(&self) -> &Subject {
        &self.pane().subject
    }

    /// What all panes show, and whether it is seen.
    pub fn subjects(&self) -> Vec<(Subject, bool)> {
        let is_seen = |no: &PaneNo| !self.is_zoomed || *no == self.focus;
        self.panes.iter().map(|(no, pane)| (pane.subject.clone(), is_seen(no))).collect()
    }

    /// Was the keyboard lost so shortly ago that a key now may still be meant for the program?
    pub fn spills(&self, now: Timestamp) -> bool {
        !self.is_typing && self.spilled.is_some_and(|at| now.duration_since(at) < SPILL)
    }

    /// A key came that may still be meant for the program: it is dropped, and so are those close behind it.
    pub fn spill(&mut self, now: Timestamp) {
        self.spilled = Some(now);
    }

    /// A key for the program; answers what has to be done outside.
    pub fn type_key(&mut self, world: &World, chord: Chord) -> Vec<Effect> {
        let modes = self.terminal(world).and_then(|t| t.stage.look(|engine| engine.modes()));
        let bytes = bytes_of(chord, &modes.unwrap_or_default());
        self.type_bytes(bytes)
    }

    /// A paste for the program; nothing, where a person has to be asked first: it would take each line as a command.
    pub fn type_paste(&mut self, world: &World, text: &str, asks: Asks) -> Option<Vec<Effect>> {
        let modes = self.terminal(world).and_then(|t| t.stage.look(|engine| engine.modes()));
        let modes = modes.unwrap_or_default();
        let is_lines = text.trim_end_matches(['\r', '\n']).contains(['\r', '\n']);
        if asks == Asks::Before && is_lines && !modes.bracketed_paste {
            return None;
        }
        Some(self.type_bytes(input::paste(text, &modes)))
    }

    fn type_bytes(&mut self, bytes: Vec<u8>) -> Vec<Effect> {
        let pane = self.pane_mut();
        pane.look.to_end();
        pane.look.deselect();
        if bytes.is_empty() {
            return vec![];
        }
        vec![Effect::Terminal(pane.subject.clone(), Order::Type(bytes))]
    }

    pub(super) fn contexts(&self) -> &'static [Context] {
        if self.is_typing {
            return &[Context::Typing];
        }
        match self.subject() {
            Subject::Agent(_) | Subject::Shell(_) => &[Context::Terminal, Context::Everywhere],
            Subject::Recording(..) => &[Context::Playing, Context::Terminal, Context::Everywhere],
            Subject::Recordings(_) => &[Context::List, Context::Terminal, Context::Everywhere],
        }
    }

    pub(super) fn title(&self, world: &World) -> String {
        let mine = self.panes.values().filter_map(|pane| world.terminals.get(&pane.subject));
        let sign = if mine.into_iter().any(|t| t.lease.is_mine()) { "*" } else { "" };
        match self.panes.len() {
            1 => format!("{sign}{}", self.subject()),
            n => format!("{sign}{} +{}", self.subject(), n - 1),
        }
    }

    pub(super) fn settle(&mut self, world: &World, area: Rect) -> Vec<Effect> {
        self.area = area;
        let laid = self.laid();
        for (no, area) in &laid.panes {
            if let Some(pane) = self.panes.get_mut(no) {
                pane.settle(world, pane::content(*area));
            }
        }
        let lease = self.terminal(world).map(|terminal| &terminal.lease);
        let is_mine = lease.is_some_and(Lease::is_mine);
        let was_handed_back = lease.is_some_and(Lease::was_handed_back);
        if !is_mine {
            self.is_aside = false;
            self.wished = None;
        }
        let was_typing = std::mem::replace(&mut self.is_typing, is_mine && !self.is_aside);
        let is_lost = was_typing && !is_mine && !was_handed_back;
        if is_lost && self.typed.as_ref() == Some(self.subject()) {
            self.spilled = Some(world.now);
        }
        self.typed = self.is_typing.then(|| self.subject().clone());
        let mut effects = vec![];
        if is_mine {
            effects.extend(self.wish(world, pane::content(laid.of(self.focus))));
        }
        effects.extend(self.tell_focus(world));
        effects
    }

    /// Who types decides how large the terminal is.
    fn wish(&mut self, world: &World, content: Rect) -> Option<Effect> {
        if content.is_empty() {
            return None;
        }
        let size = Size::nearest(content.width, content.height);
        let wish = Some((self.subject().clone(), size));
        let is = self.terminal(world)?.stage.look(|engine| engine.size());
        let is_new = self.wished != wish;
        self.wished = wish;
        (is_new && is != Some(size))
            .then(|| Effect::Terminal(self.subject().clone(), Order::Resize(size)))
    }

    /// Programs that want to are told when the keyboard comes to them and when it goes.
    fn tell_focus(&mut self, world: &World) -> Vec<Effect> {
        let has = self.is_typing && !world.terminals.is_elsewhere;
        let has = has.then(|| self.subject().clone());
        if self.told == has {
            return vec![];
        }
        let before = std::mem::replace(&mut self.told, has.clone());
        let tell = |subject: Option<Subject>, focus: Focus| {
            let subject = subject?;
            let terminal = world.terminals.get(&subject).filter(|t| t.lease.is_mine())?;
            let modes = terminal.stage.look(|engine| engine.modes())?;
            let bytes = input::focus(focus, &modes)?.to_vec();
            Some(Effect::Terminal(subject, Order::Type(bytes)))
        };
        tell(before, Focus::Out).into_iter().chain(tell(has, Focus::In)).collect()
    }

    pub(super) fn draw(&self, world: &World, area: Rect, canvas: &mut Canvas<'_>) {
        draw::panes(self, world, area, canvas);
    }

    /// Where the panes are; of a zoomed one, only that.
    fn laid(&self) -> Laid {
        match self.is_zoomed {
            true => Laid { panes: vec![(self.focus, self.area)], dividers: vec![] },
            false => self.tree.lay(self.area),
        }
    }

    fn pane(&self) -> &Pane {
        &self.panes[&self.focus]
    }

    fn pane_mut(&mut self) -> &mut Pane {
        self.panes.get_mut(&self.focus).expect("the focus is on a pane")
    }

    fn terminal<'a>(&self, world: &'a World) -> Option<&'a Terminal> {
        world.terminals.get(self.subject())
    }
}

/// Whether a person is asked before lines are pasted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    /// They are.
    Before,
    /// They were.
    Nobody,
}
