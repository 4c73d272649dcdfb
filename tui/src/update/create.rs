//! Requests for loops: written in a form or an editor, sent, answered. Pure.

use crate::create::{
    Answered, CreateAction, Draft, Fields, Refusal, is_nothing, named, read, with_errors, write,
};
use crate::effect::{Edit, EditFor, Effect};
use crate::layers::Layer;
use crate::layers::form::Form;
use crate::look::Role;
use crate::state::State;

/// Does what was asked for.
pub(super) fn act(state: &mut State, action: CreateAction) -> Vec<Effect> {
    if let Err(why) = state.world.session.may_act() {
        state.say(why, Role::Bad);
        return vec![];
    }
    match action {
        CreateAction::Form => {
            let key = state.draw_key();
            state.layers.push(Layer::Form(Form::new(key, here(state))));
            vec![]
        }
        CreateAction::EditorHere => edit(state.draw_key(), write(&here(state))),
        CreateAction::Editor { key, fields } => edit(key, write(&fields)),
        CreateAction::Send(draft) => vec![Effect::Create(draft)],
    }
}

/// What is likely for another loop: the clone that one is in, else the repository of the loop that one looks at; and its
/// project.
fn here(state: &State) -> Fields {
    let world = &state.world;
    let targets = state.tabs.current().place.targets(world);
    let row = targets.first().and_then(|id| world.fleet.get(id));
    let repository = state.here.clone().or_else(|| row.map(|row| row.repository.to_string()));
    let project = row.map(|row| row.project.to_string());
    let project = project.or_else(|| world.session.project.as_ref().map(ToString::to_string));
    Fields {
        repository: repository.unwrap_or_default(),
        project: project.unwrap_or_default(),
        ..Fields::default()
    }
}

fn edit(key: String, text: String) -> Vec<Effect> {
    vec![Effect::Edit(Edit { what: EditFor::Loop { key }, name: "loop.yaml".to_owned(), text })]
}

/// The editor was left.
pub(super) fn edited(state: &mut State, edit: Edit, after: Result<String, String>) -> Vec<Effect> {
    let Edit { what: EditFor::Loop { key }, name: _, text: before } = edit;
    match after {
        Err(why) => state.say(why, Role::Bad),
        Ok(after) if is_nothing(&before, &after) => {
            state.say("nothing was changed: no loop is asked for", Role::Dim);
        }
        Ok(after) => match read(&after) {
            Ok(request) => {
                state.say("asked the server for a loop", Role::Active);
                let request = Box::new(named(request));
                return vec![Effect::Create(Draft { key, request, document: Some(after) })];
            }
            Err(refusal) => return self::edit(key, with_errors(&after, &refusal)),
        },
    }
    vec![]
}

/// The server answered.
pub(super) fn answered(
    state: &mut State,
    key: &str,
    document: Option<String>,
    answer: Answered,
) -> Vec<Effect> {
    let form = state
        .layers
        .iter_mut()
        .position(|layer| matches!(layer, Layer::Form(form) if form.key_of_request() == key));
    match answer {
        Answered::Created { id, is_new } => {
            if let Some(at) = form {
                state.layers.remove(at);
            }
            let what = if is_new { "is created" } else { "was there already" };
            state.say(format!("{id} {what}; :loop {id} opens it"), Role::Good);
        }
        Answered::Refused(refusal) => match (form, document) {
            (_, Some(document)) => {
                return edit(key.to_owned(), with_errors(&document, &refusal));
            }
            (Some(at), None) => {
                if let Some(Layer::Form(form)) = state.layers.get_mut(at) {
                    form.refuse(refusal);
                }
            }
            (None, None) => {
                let Refusal { why, .. } = refusal;
                state.say(format!("no loop was created: {why}"), Role::Bad);
            }
        },
    }
    vec![]
}
