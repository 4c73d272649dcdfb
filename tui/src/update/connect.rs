//! The connection: another server, or why it stays as it was. Pure.

use crate::action::Action;
use crate::connect::{ConnectAction, ConnectNews, Connected, ContextItem};
use crate::effect::Effect;
use crate::layers::Layer;
use crate::layers::picker::{Item, Picker};
use crate::layers::prompt::Prompt;
use crate::layers::start::Start;
use crate::look::Role;
use crate::place::{Place, fleet};
use crate::settings::Asked;
use crate::state::State;
use crate::world::Session;

/// Does what was asked for.
pub(super) fn act(state: &mut State, action: ConnectAction) -> Vec<Effect> {
    match action {
        ConnectAction::Pick => vec![Effect::Contexts],
        ConnectAction::Name => {
            state.layers.push(Layer::Prompt(Prompt::default()));
            vec![]
        }
        ConnectAction::To(asked) => {
            let name = asked.context.as_deref().or(asked.server.as_deref()).unwrap_or_default();
            state.say(format!("connecting to {name}"), Role::Active);
            vec![Effect::Connect(asked)]
        }
        ConnectAction::StartSmithd => {
            let now = state.world.now;
            if let Some(start) = start(state) {
                if start.is_starting() {
                    return vec![];
                }
                start.begin(now);
            } else {
                let mut start = Start::asking();
                start.begin(now);
                state.layers.push(Layer::Start(start));
            }
            vec![Effect::StartSmithd]
        }
    }
}

/// Takes news of it.
pub(super) fn heard(state: &mut State, news: ConnectNews) {
    match news {
        ConnectNews::Nobody => state.layers.push(Layer::Start(Start::asking())),
        ConnectNews::Contexts(contexts) if contexts.is_empty() => {
            state
                .say("there are no contexts: smithctl config set-context makes one", Role::Warning);
        }
        ConnectNews::Contexts(contexts) => pick(state, contexts),
        ConnectNews::Connected(connected) => take_over(state, connected),
        ConnectNews::Failed(why) => {
            if let Some(Layer::Prompt(prompt)) = state.layers.last_mut() {
                prompt.tell(&why);
            }
            state.say(why, Role::Bad);
        }
        ConnectNews::Identity(identity) => state.world.session.identity = Some(identity),
        ConnectNews::Refused(why) => state.world.session.refused = Some(why),
        ConnectNews::Starting { program, log } => {
            if let Some(start) = start(state) {
                start.begun(program, log);
            }
        }
        ConnectNews::NotStarted { why, said } => match start(state) {
            Some(start) => start.fail(why, said),
            None => state.say(why, Role::Bad),
        },
    }
}

fn start(state: &mut State) -> Option<&mut Start> {
    state.layers.iter_mut().rev().find_map(|layer| match layer {
        Layer::Start(start) => Some(start),
        _ => None,
    })
}

fn pick(state: &mut State, contexts: Vec<ContextItem>) {
    let current = state.world.session.context.as_ref();
    let cursor = contexts.iter().position(|item| Some(&item.name) == current).unwrap_or(0);
    let items = contexts.into_iter().map(|ContextItem { name, server }| {
        let is_current = Some(&name) == current;
        let detail = if is_current { format!("{server}  (in use)") } else { server };
        let asked = Asked { context: Some(name.clone()), ..Asked::default() };
        Item { label: name, detail, action: Action::Connect(ConnectAction::To(asked)) }
    });
    let items = items.collect();
    state.layers.push(Layer::Picker(Picker::new("Contexts", items, cursor)));
}

/// Another server: nothing of what is shown is true of it.
fn take_over(state: &mut State, connected: Connected) {
    let Connected { context, server, project, identity } = connected;
    let read_only = state.world.session.read_only;
    let name = context.as_deref().unwrap_or(&server).to_owned();
    let identity = Some(identity);
    let session = Session { context, server, project, identity, refused: None, read_only };
    state.world.forget(session);
    state.tabs.reset(Place::Fleet(Box::new(fleet::View::new())));
    state.layers.clear();
    state.pending.clear();
    state.say(format!("connected to {name}"), Role::Good);
}
