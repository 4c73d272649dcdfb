//! Terminals: keys and pastes on their way to a program, and what is new about them.

use std::collections::BTreeSet;

use smith_model::id::LoopId;

use crate::action::{Action, Destination};
use crate::effect::Effect;
use crate::keys::{Chord, Context, Resolved};
use crate::layers::Layer;
use crate::layers::ask::Ask;
use crate::look::Role;
use crate::msg::Msg;
use crate::panes::{Asked, News, Order, Subject, TerminalAction};
use crate::place::terminals::Asks;
use crate::state::State;
use crate::update::act;
use crate::world::terminals::Says;

/// Is this typed into a worker's terminal? Then no recording may hold it.
pub(crate) fn is_private(state: &State, msg: &Msg) -> bool {
    if spills(state) {
        return matches!(msg, Msg::Key(_) | Msg::Paste(_));
    }
    if !is_typing(state) {
        return false;
    }
    match msg {
        Msg::Paste(_) => true,
        Msg::Key(chord) => {
            state.pending.is_empty()
                && state.keymap.resolve(&[Context::Typing], &[*chord]) == Resolved::Nothing
        }
        _ => false,
    }
}

fn is_typing(state: &State) -> bool {
    let place = &state.tabs.current().place;
    state.layers.is_empty() && place.contexts() == [Context::Typing]
}

/// May what is typed now still be meant for a program whose keyboard was lost?
fn spills(state: &State) -> bool {
    state.layers.is_empty() && state.tabs.current().place.spills(state.world.now)
}

/// A key while one types: for the program, unless something is bound to it, or it follows the prefix.
pub(super) fn key(state: &mut State, chord: Chord) -> Option<Vec<Effect>> {
    if spills(state) {
        if let Some(view) = state.tabs.current_mut().place.terminals_mut() {
            view.spill(state.world.now);
        }
        state.say("the keyboard was lost: what you type is dropped until you pause", Role::Bad);
        return Some(vec![]);
    }
    if !is_typing(state) {
        return None;
    }
    let is_first = state.pending.is_empty();
    state.pending.push(chord);
    Some(match state.keymap.resolve(&[Context::Typing], &state.pending) {
        Resolved::Prefix(_) => vec![],
        Resolved::Bound(binding) => {
            let action = binding.action.clone();
            state.pending.clear();
            act::act(state, action)
        }
        Resolved::Nothing if is_first => {
            state.pending.clear();
            let view = state.tabs.current_mut().place.terminals_mut();
            view.map(|view| view.type_key(&state.world, chord)).unwrap_or_default()
        }
        Resolved::Nothing => {
            let keys: Vec<String> = state.pending.drain(..).map(|c| c.to_string()).collect();
            let keys = keys.join(" ");
            state.say(format!("{keys} means nothing here, and wasn't typed"), Role::Dim);
            vec![]
        }
    })
}

/// A paste that no layer took.
pub(super) fn paste(state: &mut State, text: &str) -> Vec<Effect> {
    if !is_typing(state) {
        state.say("nothing takes a paste here", Role::Dim);
        return vec![];
    }
    let Some(view) = state.tabs.current_mut().place.terminals_mut() else { return vec![] };
    if let Some(effects) = view.type_paste(&state.world, text, Asks::Before) {
        return effects;
    }
    state.layers.push(Layer::Ask(Ask::new(Asked::Paste(text.to_owned()))));
    vec![]
}

/// What the place didn't do with terminals.
pub(super) fn act(state: &mut State, action: TerminalAction) -> Vec<Effect> {
    let subject = match action {
        TerminalAction::Attach(id, session) => of(state, id).map(|id| Subject::of(id, session)),
        TerminalAction::Recordings(id) => of(state, id).map(Subject::Recordings),
        TerminalAction::Show(subject) => Some(subject),
        TerminalAction::Ask(asked) => {
            state.layers.push(Layer::Ask(Ask::new(asked)));
            return vec![];
        }
        TerminalAction::Again => {
            let view = state.tabs.current_mut().place.terminals_mut();
            let subject = view.map(|view| view.subject().clone());
            if let Some(subject) = subject {
                state.world.terminals.again(&subject);
            }
            return vec![];
        }
        _ => {
            state.say("this is for terminals: `attach` shows one", Role::Dim);
            return vec![];
        }
    };
    match subject {
        Some(subject) => act::act(state, Action::Go(Destination::Terminal(subject))),
        None => vec![],
    }
}

/// The loop that is named, else the one that is meant here.
fn of(state: &mut State, id: Option<LoopId>) -> Option<LoopId> {
    let here = || state.tabs.current().place.targets(&state.world).into_iter().next();
    let id = id.or_else(here);
    if id.is_none() {
        state.say("no loop is chosen here: name one", Role::Bad);
    }
    id
}

/// Takes what is new about a terminal.
pub(super) fn news(state: &mut State, subject: &Subject, news: News) {
    match state.world.terminals.take(state.world.now, subject, news) {
        None => {}
        Some(Says::Good(text)) => state.say(text, Role::Good),
        Some(Says::Bad(text)) => state.say(text, Role::Bad),
    }
}

/// Knows the terminals that tabs look at, and notes what they are asked to do.
pub(super) fn keep(state: &mut State) {
    let places = state.tabs.all().iter().map(|tab| &tab.place);
    let all = places.flat_map(|place| place.subjects()).map(|(subject, _)| subject);
    let all: BTreeSet<Subject> = all.collect();
    let shown = state.tabs.current().place.subjects().into_iter().filter(|(_, is_seen)| *is_seen);
    let shown: BTreeSet<Subject> = shown.map(|(subject, _)| subject).collect();
    let closed = state.world.terminals.held().find(|subject| !all.contains(subject)).cloned();
    if let Some(subject) = closed {
        state.say(format!("{subject} is closed, and its keyboard given back"), Role::Warning);
    }
    state.world.terminals.keep(all, &shown);
}

/// Notes what terminals are asked to do.
pub(super) fn ordered(state: &mut State, effects: &[Effect]) {
    for effect in effects {
        if let Effect::Terminal(subject, order) = effect
            && let Some(terminal) = state.world.terminals.get_mut(subject)
        {
            terminal.ordered(order);
        }
    }
}

/// An order that nobody took.
pub(crate) fn untaken(subject: Subject, order: &Order) -> Option<Msg> {
    match order {
        Order::Type(bytes) => Some(Msg::Terminal(subject, News::Unsent(bytes.len() as u64))),
        Order::Lease(_)
        | Order::Resize(_)
        | Order::PauseOrGo
        | Order::Faster
        | Order::Slower
        | Order::Seek(_) => None,
    }
}
