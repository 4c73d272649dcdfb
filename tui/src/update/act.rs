//! What a person asks for, done: by the place first, else here.

use crate::action::{Action, ConfigAction, Destination, TabAction};
use crate::acts::Progress;
use crate::effect::Effect;
use crate::fleet::FleetAction;
use crate::journal::{self, JournalAction};
use crate::layers::Layer;
use crate::layers::line::{Filtered, Line, Purpose};
use crate::layers::page::Page;
use crate::layers::themes::Themes;
use crate::look::Role;
use crate::place::detail::DetailAction;
use crate::place::{Handled, Place, detail, fleet, terminals as panes};
use crate::state::State;
use crate::update::{acts, connect, create, key, terminals};

/// The most filters that are remembered.
const MOST_FILTERS: usize = 50;

/// Does it.
pub(super) fn act(state: &mut State, action: Action) -> Vec<Effect> {
    let mut effects = vec![];
    if state.hints.used(&action) {
        effects.push(Effect::KeepHints(state.hints.clone()));
    }
    effects.extend(do_it(state, action));
    effects
}

fn do_it(state: &mut State, action: Action) -> Vec<Effect> {
    let tab = state.tabs.current_mut();
    if let (Action::Fleet(FleetAction::Filter(text)), Place::Fleet(_)) = (&action, &tab.place) {
        remember(&mut state.world.filters, text);
    }
    let over = state.layers.iter_mut().rev().map(|layer| layer.act(&state.world, &action));
    let handled = over.into_iter().find(|handled| !matches!(handled, Handled::No));
    let tab = state.tabs.current_mut();
    match handled.unwrap_or_else(|| tab.place.act(tab.id, &state.world, &action)) {
        Handled::Yes(effects) => effects,
        Handled::Instead(action) => by_itself(state, action),
        Handled::Over(layer) => {
            state.layers.push(*layer);
            vec![]
        }
        Handled::Refused(why) => {
            state.say(why, Role::Bad);
            vec![]
        }
        Handled::No => by_itself(state, action),
    }
}

/// Closes the topmost layer, in which something was chosen, and remembers what.
pub(super) fn close_chosen(state: &mut State) {
    let command = match state.layers.pop() {
        Some(Layer::Line(line)) => line.command().map(str::to_owned),
        Some(Layer::Palette(palette)) => palette.command().map(str::to_owned),
        _ => None,
    };
    if let Some(command) = command {
        state.remember(&command);
    }
}

fn by_itself(state: &mut State, action: Action) -> Vec<Effect> {
    match action {
        Action::Quit => quit(state),
        Action::Suspend => return vec![Effect::Suspend],
        Action::Redraw => return vec![Effect::Redraw],
        Action::CommandLine(text) => {
            let line = Line::new(Purpose::Command, &text).with_history(&state.typed);
            state.layers.push(Layer::Line(line));
        }
        Action::Fleet(FleetAction::EditFilter) => {
            let line = match &state.tabs.current().place {
                Place::Fleet(view) => Line::filter(Filtered::Fleet, view.filter().text())
                    .with_history(&state.world.filters),
                Place::Inbox(view) => Line::filter(Filtered::Inbox, view.filter().text()),
                Place::Journal(_) | Place::Detail(_) | Place::Terminals(_) => {
                    let why = "only the fleet and the inbox are filtered; / looks for words here";
                    state.say(why, Role::Dim);
                    return vec![];
                }
            };
            state.layers.push(Layer::Line(line));
        }
        Action::Dismiss => {
            if state.layers.pop().is_some() {
                return vec![];
            }
            if !state.pending.is_empty() {
                state.pending.clear();
            } else if state.tip().is_some() && state.hints.let_go() {
                return vec![Effect::KeepHints(state.hints.clone())];
            }
        }
        Action::Back => {
            if state.tabs.current_mut().back() {
                seen_again(state);
            } else {
                state.say("nothing was shown before; Q leaves", Role::Dim);
            }
        }
        Action::Forward => {
            if state.tabs.current_mut().forward() {
                seen_again(state);
            } else {
                state.say("there is no step to take again", Role::Dim);
            }
        }
        Action::Go(destination) => {
            let place = match destination {
                Destination::Fleet => Place::Fleet(Box::new(fleet::View::new())),
                Destination::Journal(loops) => Place::Journal(Box::new(journal::View::new(loops))),
                Destination::Loop(id) => Place::Detail(Box::new(detail::View::new(id))),
                Destination::Inbox => Place::Inbox(Box::default()),
                Destination::Terminal(subject) => {
                    Place::Terminals(Box::new(panes::View::new(subject)))
                }
            };
            state.tabs.current_mut().go(place);
        }
        Action::Inbox(action) => return super::inbox::act(state, action),
        Action::Tab(action) => tab(state, action),
        Action::Terminal(action) => return terminals::act(state, action),
        Action::Help => state.layers.push(Layer::Help(Box::default())),
        Action::Palette => state.layers.push(Layer::Palette(Box::default())),
        Action::Choose(at) => {
            let Some(Layer::Palette(palette)) = state.layers.last_mut() else { return vec![] };
            let answer = palette.choose(at);
            return super::answered(state, answer).unwrap_or_default();
        }
        Action::Themes => {
            let themes = Themes::new(state.world.look.theme);
            state.layers.push(Layer::Themes(themes));
        }
        Action::Theme(theme) => {
            state.setup.theme = Some(theme);
            state.world.look = state.setup.look();
        }
        Action::Mouse(switch) => {
            let has_mouse = switch.of(state.setup.has_mouse());
            state.setup.mouse = Some(has_mouse);
            let whose = if has_mouse { "Smith's" } else { "the terminal's: it selects text" };
            state.say(format!("the mouse is {whose}"), Role::Text);
            return vec![Effect::Mouse(has_mouse)];
        }
        Action::Config(ConfigAction::Show) => {
            state.layers.push(Layer::Page(Page::new("settings", state.setup.report())));
        }
        Action::Hints(switch) => {
            state.hints.set(switch.of(state.hints.tip().is_some()));
            return vec![Effect::KeepHints(state.hints.clone())];
        }
        Action::Config(ConfigAction::Reload) => return vec![Effect::ReadConfig],
        Action::Fleet(FleetAction::Views) => {
            let names: Vec<&str> = state.world.views.views.keys().map(String::as_str).collect();
            let said = match names.is_empty() {
                true => "no view is kept: `keep NAME` keeps this one".to_owned(),
                false => format!("views: {}; `view NAME` shows one", names.join(", ")),
            };
            state.say(said, Role::Text);
        }
        Action::Act(action) => return acts::act(state, action),
        Action::Create(action) => return create::act(state, action),
        Action::Connect(action) => return connect::act(state, action),
        Action::Press(chord) => return key(state, chord),
        Action::Detail(DetailAction::Refresh) => {
            if let Place::Detail(view) = &state.tabs.current().place {
                state.world.loops.expire(view.id());
            }
        }
        Action::Journal(JournalAction::Open) => {
            let loops = state.tabs.current().place.targets(&state.world);
            if loops.is_empty() {
                state.say("there is no loop here; :journal ID names one", Role::Dim);
                return vec![];
            }
            return by_itself(state, Action::Go(Destination::Journal(loops)));
        }
        Action::Move(_)
        | Action::Open
        | Action::Fleet(_)
        | Action::Pager(_)
        | Action::Journal(_)
        | Action::Detail(_) => {
            state.say("there is nothing here to do that with", Role::Dim);
        }
    }
    vec![]
}

/// Leaves, once it was said that acts have no answer yet.
fn quit(state: &mut State) {
    let missing: usize = state.world.acts.under_way().map(Progress::missing).sum();
    if missing == 0 || state.is_leaving {
        state.is_over = true;
        return;
    }
    state.is_leaving = true;
    state.say(
        format!("{missing} acts have no answer yet; once more leaves without it"),
        Role::Warning,
    );
}

fn tab(state: &mut State, action: TabAction) {
    match action {
        TabAction::New => {
            let place = state.tabs.current().place.clone();
            state.tabs.open(place);
        }
        TabAction::Close => {
            if !state.tabs.close() {
                state.say("this is the only tab; Q leaves", Role::Dim);
            }
        }
        TabAction::Next => state.tabs.step(1),
        TabAction::Previous => state.tabs.step(-1),
        TabAction::Name(name) => state.tabs.current_mut().name = name,
        TabAction::Show(number) => {
            if !state.tabs.show(number - 1) {
                state.say(format!("there is no tab {number}"), Role::Dim);
            }
        }
    }
    seen_again(state);
}

/// What is seen again may have missed something.
fn seen_again(state: &mut State) {
    match &mut state.tabs.current_mut().place {
        Place::Fleet(view) => view.return_to(),
        Place::Journal(_) => {}
        Place::Detail(_) | Place::Inbox(_) | Place::Terminals(_) => {}
    }
}

/// Keeps a filter that was used, once, as the newest.
fn remember(filters: &mut Vec<String>, text: &str) {
    let text = text.trim();
    if text.is_empty() {
        return;
    }
    filters.retain(|used| used != text);
    filters.push(text.to_owned());
    if filters.len() > MOST_FILTERS {
        filters.remove(0);
    }
}
