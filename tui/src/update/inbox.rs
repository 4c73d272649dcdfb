//! The inbox: what its stream says, whom that is told, and what is asked for about it. Pure.

use crate::action::{Action, Destination};
use crate::effect::Effect;
use crate::fleet::Link;
use crate::keys::{Chord, Context};
use crate::layers::Layer;
use crate::layers::words::{Asking, Words};
use crate::look::Role;
use crate::msg::Stream;
use crate::place::Place;
use crate::place::inbox::{InboxAction, View};
use crate::state::State;
use crate::world::inbox::{Act, InboxChange, Order, Outcome, Target, Trust};

/// Takes what the stream said.
pub(super) fn heard(state: &mut State, said: Stream<InboxChange>) {
    let now = state.world.now;
    let inbox = &mut state.world.inbox;
    match said {
        Stream::Reset => inbox.reset(),
        Stream::Changes(changes) => inbox.change(now, changes),
        Stream::Ready => {
            if let Some(open @ 1..) = inbox.ready(now) {
                let keys = keys(state, &Action::Go(Destination::Inbox));
                state.say(format!("{}: {keys} shows them", need(open)), Role::Warning);
            }
        }
        Stream::Back => inbox.set_link(now, Link::Live),
        Stream::Lost { since, why } => inbox.set_link(now, Link::Lost { since, why }),
        Stream::Refused { why } => inbox.set_link(now, Link::Refused { why }),
    }
}

/// Time went on. Who looks at the screen reads it there, unless something is said already.
pub(super) fn tick(state: &mut State) -> Vec<Effect> {
    let Some(notice) = state.world.inbox.tick(state.world.now) else { return vec![] };
    if state.said.is_none() {
        let keys = keys(state, &Action::Inbox(InboxAction::NextNeeded));
        state.say(format!("{}; {keys} goes there", notice.title), Role::Warning);
    }
    vec![Effect::Notify(notice)]
}

/// Names the window anew, where another name is right.
pub(super) fn title(state: &mut State) -> Option<Effect> {
    let inbox = &state.world.inbox;
    let title = match (inbox.trust(), inbox.open()) {
        (Trust::Unknown, _) => "Smith".to_owned(),
        (Trust::Live | Trust::Loading, 0) => "Smith".to_owned(),
        (Trust::Live | Trust::Loading, open) => format!("Smith: {}", need(open)),
        (Trust::Lost { .. }, 0) => "Smith: source lost".to_owned(),
        (Trust::Lost { .. }, open) => format!("Smith: {open} needed you, source lost"),
    };
    if state.titled.is_none() && !inbox.is_known() || state.titled.as_ref() == Some(&title) {
        return None;
    }
    state.titled = Some(title.clone());
    Some(Effect::Title(title))
}

fn need(open: usize) -> String {
    if open == 1 { "1 needs you".to_owned() } else { format!("{open} need you") }
}

/// The keys for something from anywhere, else the command behind `:`.
fn keys(state: &State, action: &Action) -> String {
    match state.keymap.keys_of(&[Context::Everywhere], action) {
        Some(keys) => keys.iter().map(Chord::to_string).collect::<Vec<_>>().join(" "),
        None => ":inbox".to_owned(),
    }
}

/// Does what was asked for, wherever one is.
pub(super) fn act(state: &mut State, action: InboxAction) -> Vec<Effect> {
    match action {
        InboxAction::NextNeeded => next_needed(state),
        InboxAction::Mark(act) => {
            if let Some(targets) = targets(state) {
                return order_it(state, Order { act, targets });
            }
        }
        InboxAction::Ask(asking) => {
            if let Some(targets) = targets(state) {
                state.layers.push(Layer::Words(Words::new(asking, targets)));
            }
        }
        InboxAction::Do(order) => {
            // A click chose it, where no key closed the question.
            if let Some(Layer::Words(_)) = state.layers.last() {
                state.layers.pop();
            }
            return order_it(state, order);
        }
        InboxAction::Point(_) | InboxAction::Quiet | InboxAction::Link => {
            let keys = keys(state, &Action::Go(Destination::Inbox));
            state.say(format!("that is for the inbox: {keys} goes there"), Role::Dim);
        }
    }
    vec![]
}

/// What an act is for, as it is shown; nothing, and said so, where nothing may be or can be done.
fn targets(state: &mut State) -> Option<Vec<Target>> {
    if let Err(why) = state.world.session.may_act() {
        state.say(why, Role::Bad);
        return None;
    }
    let world = &state.world;
    let targets: Vec<Target> = match &state.tabs.current().place {
        Place::Inbox(view) => {
            view.targets(world).iter().map(|item| Target::from(&**item)).collect()
        }
        place => {
            let items = place.targets(world).into_iter();
            items.filter_map(|id| world.inbox.get(&id).map(|item| Target::from(&**item))).collect()
        }
    };
    if targets.is_empty() {
        state.say("nothing here stands in the inbox", Role::Dim);
        return None;
    }
    Some(targets)
}

fn order_it(state: &mut State, order: Order) -> Vec<Effect> {
    // The identity may have come while a question was open.
    if let Err(why) = state.world.session.may_act() {
        state.say(why, Role::Bad);
        return vec![];
    }
    let number = state.world.marking.begin(&order);
    state.say("asked the server", Role::Active);
    vec![Effect::Mark(number, order)]
}

/// An answer came. What somebody else takes care of can be taken over by saying why.
pub(super) fn landed(state: &mut State, order: u64, target: Target, outcome: Outcome) {
    let Some(progress) = state.world.marking.land(order, target, outcome) else { return };
    let role = if progress.is_done() { Role::Good } else { Role::Bad };
    let asking = match progress.act {
        Act::Claim { .. } => Some(Asking::Take),
        Act::Unclaim { .. } => Some(Asking::Give),
        Act::Acknowledge { .. } | Act::Snooze { .. } | Act::Unsnooze { .. } => None,
    };
    state.say(progress.line(), role);
    // Whoever types something else now isn't interrupted.
    if let Some(asking) = asking
        && !progress.claimed.is_empty()
        && state.layers.is_empty()
    {
        let words = Words::new(asking, progress.claimed.clone()).told(progress.why());
        state.layers.push(Layer::Words(words));
    }
}

fn next_needed(state: &mut State) {
    let world = &state.world;
    let tab = state.tabs.current_mut();
    let is_there = if let Place::Inbox(view) = &mut tab.place {
        view.next_needed(world)
    } else {
        let mut view = View::default();
        let is_there = view.next_needed(world);
        if is_there {
            tab.go(Place::Inbox(Box::new(view)));
        }
        is_there
    };
    if is_there {
        return;
    }
    let (said, role) = match world.inbox.trust() {
        Trust::Live if world.inbox.open() > 0 => {
            ("others take care of all that is open", Role::Good)
        }
        Trust::Live => ("nothing needs you", Role::Good),
        Trust::Unknown => ("the inbox isn't loaded yet", Role::Dim),
        Trust::Loading => ("the inbox is being told anew", Role::Dim),
        Trust::Lost { .. } => ("the source is lost: nobody knows what needs you", Role::Warning),
    };
    state.say(said, role);
}
