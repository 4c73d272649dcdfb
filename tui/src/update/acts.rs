//! Acts: asked about, ordered, and what came of them. Pure.

use smith_model::id::LoopId;

use crate::acts::{ActAction, Order, Outcome, Verb};
use crate::effect::Effect;
use crate::layers::Layer;
use crate::layers::confirm::Confirm;
use crate::layers::history::History;
use crate::look::Role;
use crate::state::State;

/// Does what was asked for.
pub(super) fn act(state: &mut State, action: ActAction) -> Vec<Effect> {
    match action {
        ActAction::Ask { verb, reason } => ask(state, verb, &reason),
        ActAction::ToggleHold => {
            let fleet = &state.world.fleet;
            let targets = state.tabs.current().place.targets(&state.world);
            let is_held = |id: &LoopId| fleet.get(id).is_some_and(|row| row.hold.is_some());
            let all_held = targets.iter().all(is_held);
            ask(state, if all_held { Verb::Release } else { Verb::Hold }, "");
        }
        ActAction::Do(order) => return order_it(state, order),
        ActAction::History => state.layers.push(Layer::History(History::default())),
    }
    vec![]
}

fn ask(state: &mut State, verb: Verb, reason: &str) {
    if let Err(why) = state.world.session.may_act() {
        return state.say(why, Role::Bad);
    }
    let targets = state.tabs.current().place.targets(&state.world);
    let Some(confirm) = Confirm::new(verb, reason, &targets, &state.world) else {
        return state.say(format!("there is no loop here to {}", verb.name()), Role::Dim);
    };
    match confirm.refusal() {
        Some(why) => state.say(why, Role::Bad),
        None => state.layers.push(Layer::Confirm(confirm)),
    }
}

fn order_it(state: &mut State, order: Order) -> Vec<Effect> {
    // The identity may have come while the dialog was open.
    if let Err(why) = state.world.session.may_act() {
        state.say(why, Role::Bad);
        return vec![];
    }
    let number = state.world.acts.begin(&order);
    vec![Effect::Act(number, order)]
}

/// An answer came.
pub(super) fn landed(state: &mut State, order: u64, id: LoopId, outcome: Outcome) {
    state.is_leaving = false;
    let is_stale = matches!(outcome, Outcome::Stale(_));
    let now = state.world.now;
    let Some(progress) = state.world.acts.land(now, order, id, outcome) else { return };
    let mut line = progress.line();
    match (is_stale, progress.asked) {
        (true, 1) => line.push_str("; ask again to decide on what it is now"),
        (_, 2..) if progress.failed > 0 => line.push_str("; :acts shows each"),
        _ => {}
    }
    let role = if progress.failed > 0 { Role::Bad } else { Role::Good };
    state.say(line, role);
}
