//! What happens becomes what is: the one place where a [`State`] changes. Pure.

mod act;
mod acts;
mod connect;
mod create;
mod inbox;
pub(crate) mod terminals;

use jiff::Timestamp;

use crate::action::{Action, Motion};
use crate::config::{Config, Setup};
use crate::effect::Effect;
use crate::fleet::{Link, ViewsSaid};
use crate::keys::{Chord, Context, Key, Resolved};
use crate::layers::{Answer, Layer};
use crate::look::Role;
use crate::msg::{Button, FleetChange, Mouse, MouseKind, Msg, Stream};
use crate::pager::PagerAction;
use crate::place::Place;
use crate::state::State;
use crate::world::World;

/// Rows that one step of the wheel moves.
const WHEEL: i32 = 3;

/// Takes what happened at a time; answers what has to be done outside.
pub fn update(state: &mut State, now: Timestamp, msg: Msg) -> Vec<Effect> {
    state.world.now = now;
    let mut effects = match msg {
        Msg::Tick => tick(state),
        // What is as it was before isn't drawn anew.
        Msg::Fetched(fetched) => {
            if !state.world.loops.take(*fetched) {
                return vec![];
            }
            vec![]
        }
        Msg::Key(chord) => key(state, chord),
        Msg::Paste(text) => match state.layers.last_mut().map(|layer| layer.paste(&text)) {
            Some(answer) => answered(state, answer).unwrap_or_default(),
            None => terminals::paste(state, &text),
        },
        Msg::Mouse(mouse) => mouse_did(state, mouse),
        Msg::Resize { columns, rows } => {
            state.size = (columns, rows);
            vec![]
        }
        Msg::Focus(is_here) => {
            state.world.terminals.is_elsewhere = !is_here;
            vec![]
        }
        Msg::Terminal(subject, news) => {
            terminals::news(state, &subject, news);
            vec![]
        }
        Msg::Found(found) => {
            for layer in &mut state.layers {
                if let Layer::Palette(palette) = layer {
                    palette.take(found.clone());
                }
            }
            vec![]
        }
        Msg::Ground(ground) => {
            state.setup.surroundings.ground = Some(ground);
            state.world.look = state.setup.look();
            vec![]
        }
        Msg::Config(Ok(text)) => {
            let path = state.setup.config.path.clone();
            let config = Config::read(path, text.as_deref());
            state.say("the settings were read again", Role::Good);
            // What the file says now counts for more than what was asked for before.
            let setup = Setup { config, theme: None, mouse: None, ..state.setup.clone() };
            state.set_up(setup)
        }
        Msg::Config(Err(why)) => {
            state.say(why, Role::Bad);
            vec![]
        }
        Msg::Copied(Ok(done)) | Msg::Told(Ok(done)) => {
            state.say(done, Role::Good);
            vec![]
        }
        Msg::Copied(Err(why)) | Msg::Told(Err(why)) => {
            state.say(why, Role::Warning);
            vec![]
        }
        Msg::Action(action) => act::act(state, action),
        Msg::Inbox(said) => {
            inbox::heard(state, said);
            vec![]
        }
        Msg::Marked { order, target, outcome } => {
            inbox::landed(state, order, target, outcome);
            vec![]
        }
        Msg::Fleet(said) => {
            fleet(state, said);
            vec![]
        }
        Msg::Views(ViewsSaid { views, text, is_wrong }) => {
            if let Some(views) = views {
                state.world.views = views;
            }
            if let Some(text) = text {
                state.say(text, if is_wrong { Role::Bad } else { Role::Text });
            }
            vec![]
        }
        Msg::Journal(heard) => {
            state.world.journals.hear(now, heard);
            vec![]
        }
        Msg::Ordered(ordered) => {
            let tab = state.tabs.all_mut().iter_mut().find(|tab| tab.id == ordered.view.tab);
            if let Some(tab) = tab {
                match &mut tab.place {
                    Place::Fleet(view) => view.take(&state.world, ordered),
                    Place::Journal(_) => {}
                    Place::Detail(_) | Place::Inbox(_) | Place::Terminals(_) => {}
                }
            }
            vec![]
        }
        Msg::Acted { order, id, outcome } => {
            acts::landed(state, order, id, outcome);
            vec![]
        }
        Msg::Edited { edit, after } => create::edited(state, edit, after),
        Msg::Created { key, document, answer } => create::answered(state, &key, document, answer),
        Msg::Connect(news) => {
            connect::heard(state, news);
            vec![]
        }
    };
    state.is_dirty = true;
    effects.extend(settle(state));
    terminals::ordered(state, &effects);
    effects.extend(inbox::title(state));
    effects
}

/// Makes what is shown fit the window, and asks for what it needs.
fn settle(state: &mut State) -> Vec<Effect> {
    terminals::keep(state);
    let layout = state.layout();
    let tab = state.tabs.current_mut();
    state.world.journals.attend(tab.place.journals(), &state.world.fleet);
    let mut effects = tab.place.settle(tab.id, &state.world, layout.body);
    if let Place::Detail(view) = &tab.place {
        let topics = view.topics(&state.world);
        let World { now, fleet, loops, .. } = &mut state.world;
        let row = fleet.get(view.id()).map(AsRef::as_ref);
        effects.extend(loops.look(*now, view.id(), row, &topics).into_iter().map(Effect::Fetch));
    }
    // Each sees the state without the layers: none is for another to know.
    let mut layers = std::mem::take(&mut state.layers);
    effects.extend(layers.iter_mut().flat_map(|layer| layer.settle(state)));
    state.layers = layers;
    effects
}

fn tick(state: &mut State) -> Vec<Effect> {
    state.world.fleet.fade(state.world.now);
    if state.said.as_ref().is_some_and(|said| said.until <= state.world.now) {
        state.said = None;
    }
    inbox::tick(state)
}

fn key(state: &mut State, chord: Chord) -> Vec<Effect> {
    state.said = None;
    // Stopping and drawing anew are never what a layer is asked for.
    if let Resolved::Bound(binding) = state.keymap.resolve(&[Context::Everywhere], &[chord])
        && matches!(binding.action, Action::Suspend | Action::Redraw)
        && chord.typed().is_none()
        && !state.layers.is_empty()
    {
        let action = binding.action.clone();
        return act::act(state, action);
    }
    if let Some(answer) = state.layers.last_mut().map(|layer| layer.key(chord))
        && let Some(effects) = answered(state, answer)
    {
        return effects;
    }
    if let Some(effects) = terminals::key(state, chord) {
        return effects;
    }
    // What was begun can be let go of, whatever it was.
    if chord.key == Key::Esc && !state.pending.is_empty() {
        state.pending.clear();
        return vec![];
    }
    state.pending.push(chord);
    let contexts = state.contexts();
    match state.keymap.resolve(contexts, &state.pending) {
        Resolved::Prefix(_) => vec![],
        Resolved::Bound(binding) => {
            let action = binding.action.clone();
            state.pending.clear();
            act::act(state, action)
        }
        Resolved::Nothing => {
            let keys: Vec<String> = state.pending.drain(..).map(|c| c.to_string()).collect();
            state.say(
                format!("{} means nothing here; ? shows what does", keys.join(" ")),
                Role::Dim,
            );
            vec![]
        }
    }
}

/// What the topmost layer answered; nothing, where it left the key to what is behind.
fn answered(state: &mut State, answer: Answer) -> Option<Vec<Effect>> {
    match answer {
        Answer::Ignored => None,
        Answer::Taken => Some(vec![]),
        Answer::Do(action) => Some(act::act(state, action)),
        Answer::Close => {
            state.layers.pop();
            Some(vec![])
        }
        Answer::CloseAnd(action) => {
            act::close_chosen(state);
            Some(act::act(state, action))
        }
    }
}

fn mouse_did(state: &mut State, mouse: Mouse) -> Vec<Effect> {
    let Mouse { kind, column, row, .. } = mouse;
    let wheel = match kind {
        MouseKind::WheelUp => Some(Key::Up),
        MouseKind::WheelDown => Some(Key::Down),
        _ => None,
    };
    if let (Some(key), Some(layer)) = (wheel, state.layers.last_mut())
        && layer.is_looked_through()
    {
        let answers: Vec<Answer> = (0..WHEEL).map(|_| layer.key(Chord::plain(key))).collect();
        return answers
            .into_iter()
            .filter_map(|answer| answered(state, answer))
            .flatten()
            .collect();
    }
    if state.layers.is_empty()
        && let Some(view) = state.tabs.current_mut().place.terminals_mut()
        && let Some(effects) = view.mouse(&state.world, mouse)
    {
        return effects;
    }
    let text = state.hits.text_row(column, row);
    let action = match kind {
        MouseKind::Down(Button::Left) => {
            state.pending.clear();
            let click = state.hits.click(column, row).cloned();
            click.or(text.map(|row| Action::Pager(PagerAction::Press(row))))
        }
        MouseKind::Drag(Button::Left) => text.map(|row| Action::Pager(PagerAction::Drag(row))),
        MouseKind::Up(Button::Left) => text.map(|_| Action::Pager(PagerAction::Release)),
        MouseKind::WheelUp if text.is_some() => Some(Action::Pager(PagerAction::Scroll(-WHEEL))),
        MouseKind::WheelDown if text.is_some() => Some(Action::Pager(PagerAction::Scroll(WHEEL))),
        MouseKind::WheelUp if state.hits.takes_wheel(column, row) => {
            Some(Action::Move(Motion::Rows(-WHEEL)))
        }
        MouseKind::WheelDown if state.hits.takes_wheel(column, row) => {
            Some(Action::Move(Motion::Rows(WHEEL)))
        }
        MouseKind::Down(_) | MouseKind::Up(_) | MouseKind::Drag(_) => None,
        MouseKind::WheelUp | MouseKind::WheelDown => None,
    };
    action.map(|action| act::act(state, action)).unwrap_or_default()
}

fn fleet(state: &mut State, said: Stream<FleetChange>) {
    let now = state.world.now;
    match said {
        Stream::Reset => {
            state.world.fleet.reset(now);
            expire(state);
        }
        Stream::Changes(changes) => {
            let is_live = *state.world.fleet.link() == Link::Live;
            for change in changes {
                let Some(touched) = state.world.fleet.change(now, change) else { continue };
                match &mut state.tabs.current_mut().place {
                    // While the whole is loaded, one order of all is cheaper than a place for each.
                    Place::Fleet(view) if is_live => view.touch(&state.world.fleet, &touched),
                    Place::Fleet(_)
                    | Place::Journal(_)
                    | Place::Detail(_)
                    | Place::Inbox(_)
                    | Place::Terminals(_) => {}
                }
            }
            if !is_live {
                expire(state);
            }
        }
        Stream::Ready => {
            state.world.fleet.ready(now);
            expire(state);
        }
        Stream::Back => state.world.fleet.set_link(now, Link::Live),
        Stream::Lost { since, why } => state.world.fleet.set_link(now, Link::Lost { since, why }),
        Stream::Refused { why } => state.world.fleet.set_link(now, Link::Refused { why }),
    }
}

/// Every order has to be found anew.
fn expire(state: &mut State) {
    for tab in state.tabs.all_mut() {
        match &mut tab.place {
            Place::Fleet(view) => view.expire(),
            Place::Journal(_) => {}
            Place::Detail(_) | Place::Inbox(_) | Place::Terminals(_) => {}
        }
    }
}
