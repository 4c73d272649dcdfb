//! Requests from the form and from the editor.

use smith_model::state::State as LoopState;

use super::*;
use crate::action::Action;
use crate::effect::{Edit, EditFor, Effect};
use crate::layers::Layer;
use crate::msg::Msg;
use crate::state::State;
use crate::testing::{press, row, said, screen, send, type_text, workstation};

fn drafted(effects: Vec<Effect>) -> Draft {
    match effects.as_slice() {
        [Effect::Create(draft)] => draft.clone(),
        other => panic!("{other:?}"),
    }
}

fn edited(effects: Vec<Effect>) -> Edit {
    match effects.as_slice() {
        [Effect::Edit(edit)] => edit.clone(),
        other => panic!("{other:?}"),
    }
}

fn answer(state: &mut State, draft: Draft, answer: Answered) -> Vec<Effect> {
    let Draft { key, request: _, document } = draft;
    send(state, Msg::Created { key, document, answer })
}

fn filled() -> State {
    let mut state = workstation([row("a", LoopState::Synced)]);
    press(&mut state, "+");
    type_text(&mut state, "Fix the typo");
    press(&mut state, "tab");
    send(&mut state, Msg::Paste("Fix it.\nAll of it.".into()));
    press(&mut state, "tab tab tab");
    type_text(&mut state, "agent --go");
    press(&mut state, "tab");
    type_text(&mut state, "make test");
    state
}

#[test]
fn a_form_becomes_a_request_and_a_second_enter_isn_t_another_one() {
    let mut state = filled();
    let draft = drafted(press(&mut state, "ctrl-s"));
    insta::assert_json_snapshot!(draft.request, @r#"
    {
      "project": "web",
      "title": "Fix the typo",
      "source_type": "prompt",
      "source_ref": "Fix the typo",
      "command": "agent --go",
      "repository": "file:///srv/repo",
      "prompt": "Fix it.\nAll of it.",
      "gates": [
        "make test"
      ]
    }
    "#);
    assert!(press(&mut state, "ctrl-s enter").is_empty(), "it is under way");
    let id = "fix-the-typo".parse().unwrap();
    answer(&mut state, draft.clone(), Answered::Created { id, is_new: true });
    assert!(state.layers.is_empty());
    assert!(said(&state).starts_with("fix-the-typo is created"));
    let mut state = filled();
    press(&mut state, "esc esc");
    press(&mut state, "+");
    assert_ne!(drafted(press(&mut state, "ctrl-s")).key, draft.key, "another form, another key");
}

#[test]
fn what_the_server_refuses_stands_at_the_fields_and_the_key_stays() {
    let mut state = filled();
    let draft = drafted(press(&mut state, "ctrl-s"));
    let fields = vec![
        FieldError::new("repository", "/srv/repo", "below /home/ann"),
        FieldError::new("gates[0].run", "make test", "a command line of 1 to 4096 bytes"),
    ];
    let refusal = Refusal { why: "the request breaks a rule".into(), fields };
    answer(&mut state, draft.clone(), Answered::Refused(refusal));
    insta::assert_snapshot!("refused_60x20", screen(&state, 60, 20));
    insta::assert_snapshot!("refused_120x40", screen(&state, 120, 40));
    type_text(&mut state, "x");
    assert_eq!(drafted(press(&mut state, "ctrl-s")).key, draft.key);
    for (columns, rows) in [(1, 1), (3, 3), (20, 5)] {
        screen(&state, columns, rows);
    }
}

#[test]
fn what_can_t_be_read_isn_t_sent_and_what_was_written_isn_t_lost_by_one_key() {
    let mut state = filled();
    press(&mut state, "tab tab");
    type_text(&mut state, "high");
    assert!(press(&mut state, "ctrl-s").is_empty());
    assert!(screen(&state, 80, 30).contains("must be a number from -100 to 100"));
    press(&mut state, "esc");
    assert!(matches!(state.layers.last(), Some(Layer::Form(_))));
    press(&mut state, "esc");
    assert!(state.layers.is_empty());
}

#[test]
fn the_editor_begins_with_what_was_typed_and_what_it_leaves_is_read() {
    let mut state = filled();
    let edit = edited(press(&mut state, "ctrl-o"));
    insta::assert_snapshot!(edit.text);
    let again = edit.clone();
    assert!(send(&mut state, Msg::Edited { edit: again, after: Ok(edit.text.clone()) }).is_empty());
    assert_eq!(said(&state), "nothing was changed: no loop is asked for");
    assert!(matches!(state.layers.last(), Some(Layer::Form(_))), "what was typed is still there");
    let after = edit.text.replace("Fix the typo", "Fix both") + "labels: {team: a}\n";
    let draft = drafted(send(&mut state, Msg::Edited { edit, after: Ok(after) }));
    assert_eq!(draft.request.title.as_deref(), Some("Fix both"));
    assert_eq!(draft.request.prompt.as_deref(), Some("Fix it.\nAll of it.\n"));
    assert_eq!(draft.request.labels["team"], "a");
    let id = "fix-both".parse().unwrap();
    answer(&mut state, draft, Answered::Created { id, is_new: true });
    assert!(state.layers.is_empty());
}

#[test]
fn what_is_wrong_with_a_file_opens_the_editor_again_and_says_so_at_its_top() {
    let mut state = workstation([]);
    let edit = edited(send(&mut state, Msg::Action(Action::Create(CreateAction::EditorHere))));
    let EditFor::Loop { key } = edit.what.clone();
    let after = "titel: x\n".to_owned();
    let edit = edited(send(&mut state, Msg::Edited { edit, after: Ok(after) }));
    assert!(edit.text.contains("#! this isn't a request: unknown field `titel`"), "{}", edit.text);
    assert_eq!(edit.what, EditFor::Loop { key: key.clone() }, "it is one request");
    let after = edit.text.replace("titel: x", "title: x");
    let draft = drafted(send(&mut state, Msg::Edited { edit, after: Ok(after) }));
    let fields = vec![FieldError::new("command", "", "the agent's command line")];
    let refusal = Refusal { why: "no".into(), fields };
    let edit = edited(answer(&mut state, draft, Answered::Refused(refusal)));
    assert_eq!(
        edit.text,
        "#! It wasn't taken. Change it, or leave it as it is to give up:\n\
         #! command: must be the agent's command line\ntitle: x\n"
    );
    let after = Ok(edit.text.clone());
    assert!(send(&mut state, Msg::Edited { edit, after }).is_empty(), "left as it is: given up");
}

#[test]
fn every_text_of_a_form_is_read_back_from_its_file() {
    for prompt in ["  set in\nnot", "a: b # c\n\n- d", "quote \" and \\", "日本語"] {
        let fields = Fields {
            title: "\"x\": - # y".into(),
            prompt: prompt.into(),
            command: "sh -c 'echo \"$1\"'".into(),
            gates: "make test # all\n- x".into(),
            priority: "-5".into(),
            ..Fields::default()
        };
        let read = read(&write(&fields)).unwrap();
        assert_eq!(read.prompt.as_deref().map(str::trim_end), Some(prompt), "{}", write(&fields));
        let typed = fields.request().unwrap();
        assert_eq!(LoopRequest { prompt: typed.prompt.clone(), ..read }, typed);
    }
}

#[test]
fn an_empty_file_asks_for_nothing() {
    assert!(is_nothing("a: 1", ""));
    assert!(is_nothing("a: 1", "# a\n\n  # b\n"));
    assert!(!is_nothing("a: 1", "a: 2"));
}

#[test]
fn the_path_of_a_directory_names_a_repository() {
    let fields = Fields { repository: "/srv/repo".to_owned(), ..Fields::default() };
    let request = fields.request().unwrap();
    assert_eq!(request.repository.unwrap().to_string(), "file:///srv/repo");
}

#[test]
fn keys_of_the_place_behind_a_form_are_not_taught() {
    let mut state = workstation([row("a", LoopState::Synced)]);
    assert!(screen(&state, 80, 24).contains("? help"));
    press(&mut state, "+");
    assert!(!screen(&state, 80, 24).contains("? help"));
    press(&mut state, "esc");
    assert!(screen(&state, 80, 24).contains("? help"));
}
