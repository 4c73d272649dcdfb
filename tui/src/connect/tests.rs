//! Another server while the workstation runs; none at its start.

use std::path::PathBuf;

use jiff::Timestamp;
use smith_model::access::{Identity, Role, Scope};
use smith_model::state::State as LoopState;

use super::*;
use crate::action::Action;
use crate::effect::Effect;
use crate::fleet::Link;
use crate::layers::Layer;
use crate::look::Look;
use crate::msg::{Msg, Stream};
use crate::state::{Source, State};
use crate::testing::{press, row, said, screen, send, type_text, workstation};
use crate::world::Session;

fn identity() -> Identity {
    Identity {
        token_id: "abcdefghijkl".parse().unwrap(),
        name: "ann".into(),
        role: Role::Operator,
        scope: Scope::All,
        expires_at: None,
    }
}

fn news(state: &mut State, news: ConnectNews) {
    assert!(send(state, Msg::Connect(news)).is_empty());
}

fn nobody() -> State {
    let mut state =
        State::new(Timestamp::UNIX_EPOCH, Session::default(), Look::default(), (80, 24));
    news(&mut state, ConnectNews::Nobody);
    state
}

fn contexts() -> ConnectNews {
    let item = |name: &str| ContextItem { name: name.into(), server: format!("http://{name}") };
    ConnectNews::Contexts(vec![item("local"), item("prod")])
}

#[test]
fn another_context_is_chosen_and_everything_of_the_one_before_is_forgotten() {
    let mut state = workstation([row("a", LoopState::Overwriting)]);
    send(&mut state, Msg::Action(Action::Tab(crate::action::TabAction::New)));
    let before = state.tabs.current().id;
    assert!(matches!(press(&mut state, "@").as_slice(), [Effect::Contexts]));
    news(&mut state, contexts());
    let effects = press(&mut state, "p enter");
    let asked = Asked { context: Some("prod".into()), ..Asked::default() };
    assert!(matches!(effects.as_slice(), [Effect::Connect(to)] if *to == asked), "{effects:?}");
    assert_eq!(state.world.fleet.len(), 1, "until it answers nothing changes");
    let connected = Connected {
        context: Some("prod".into()),
        server: "http://prod".into(),
        project: None,
        identity: identity(),
    };
    news(&mut state, ConnectNews::Connected(connected));
    assert!(state.world.fleet.is_empty());
    assert_eq!(state.tabs.all().len(), 1);
    assert!(state.tabs.current().id > before, "orders of earlier tabs aren't for this one");
    assert!(screen(&state, 80, 24).starts_with(" Smith  prod  ann (operator)"));
    assert!(!state.wanted().contains(&Source::Identity), "it is known");
}

#[test]
fn what_fails_is_said_and_one_stays_where_one_was() {
    let mut state = workstation([row("a", LoopState::Overwriting)]);
    news(&mut state, ConnectNews::Failed("there is no context \"nope\"".into()));
    assert_eq!(said(&state), "there is no context \"nope\"");
    assert_eq!(state.world.session.server, "http://smith");
    assert_eq!(state.world.fleet.len(), 1);
    news(&mut state, ConnectNews::Contexts(vec![]));
    assert!(state.layers.is_empty());
}

#[test]
fn a_token_that_isn_t_taken_is_said_with_the_way_out() {
    let mut state = workstation([]);
    assert!(state.wanted().contains(&Source::Identity));
    news(&mut state, ConnectNews::Refused(Refusal::Token("the token isn't known".into())));
    assert!(!state.wanted().contains(&Source::Identity));
    insta::assert_snapshot!(screen(&state, 60, 20));
}

#[test]
fn what_answers_and_isn_t_smith_isn_t_said_to_refuse_the_token() {
    let mut state = workstation([]);
    let why = "http://smith answered something that isn't an identity".to_owned();
    news(&mut state, ConnectNews::Refused(Refusal::Answer(why)));
    let screen = screen(&state, 60, 20);
    assert!(screen.contains("http://smith doesn't answer as Smith does"), "{screen}");
    assert!(screen.contains("isn't an identity") && !screen.contains("token"), "{screen}");
}

#[test]
fn a_server_that_doesn_t_answer_at_the_start_is_said_and_a_lost_one_leaves_the_rows() {
    let lost = || {
        let why = "connection refused".to_owned();
        Msg::Fleet(Stream::Lost { since: Timestamp::UNIX_EPOCH, why })
    };
    let session = Session {
        context: Some("local".into()),
        server: "http://127.0.0.1:1".into(),
        ..Session::default()
    };
    let mut state = State::new(Timestamp::UNIX_EPOCH, session, Look::default(), (80, 24));
    send(&mut state, lost());
    insta::assert_snapshot!(screen(&state, 60, 20));
    let mut state = workstation([row("a", LoopState::Overwriting)]);
    send(&mut state, lost());
    assert!(matches!(state.world.fleet.link(), Link::Lost { .. }));
    assert!(screen(&state, 80, 24).contains("the title of a"));
}

#[test]
fn without_a_server_smithd_is_offered_first_and_its_start_is_followed() {
    let mut state = nobody();
    insta::assert_snapshot!("nobody_60x20", screen(&state, 60, 20));
    assert!(matches!(press(&mut state, "enter").as_slice(), [Effect::StartSmithd]));
    assert!(press(&mut state, "enter").is_empty(), "once is enough");
    let (program, log) = (PathBuf::from("/usr/bin/smithd"), PathBuf::from("/s/smithd.log"));
    news(&mut state, ConnectNews::Starting { program, log });
    insta::assert_snapshot!("starting_60x20", screen(&state, 60, 20));
    let said = vec!["error: the port is taken".to_owned()];
    news(&mut state, ConnectNews::NotStarted { why: "smithd ended at once".into(), said });
    insta::assert_snapshot!("not_started_60x20", screen(&state, 60, 20));
    assert!(press(&mut state, "esc").is_empty());
    assert_eq!(state.layers.len(), 1, "there is nothing behind it");
    assert!(matches!(press(&mut state, "enter").as_slice(), [Effect::StartSmithd]));
    press(&mut state, "ctrl-c");
    assert!(state.is_over);
}

#[test]
fn a_server_is_named_with_the_file_of_its_token() {
    let mut state = nobody();
    press(&mut state, "3");
    type_text(&mut state, "https://smith.example");
    press(&mut state, "enter");
    send(&mut state, Msg::Paste("/run/token\n".into()));
    let effects = press(&mut state, "enter");
    let [Effect::Connect(asked)] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(asked.server.as_deref(), Some("https://smith.example"));
    assert_eq!(asked.token_file.as_deref(), Some("/run/token".as_ref()));
    news(&mut state, ConnectNews::Failed("can't reach https://smith.example".into()));
    assert!(matches!(state.layers.last(), Some(Layer::Prompt(_))));
    insta::assert_snapshot!(screen(&state, 80, 24));
    for (columns, rows) in [(1, 1), (3, 3), (20, 5)] {
        screen(&state, columns, rows);
    }
}
