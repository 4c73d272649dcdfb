//! Acts from the key to the server and back: dialogs that do nothing by themselves, outcomes as they land.

use jiff::Timestamp;
use smith_model::access::{Identity, Role, Scope};
use smith_model::state::{Hold, State as LoopState};

use super::*;
use crate::action::Action;
use crate::effect::Effect;
use crate::fleet::{FleetAction, Marking, Row};
use crate::layers::Layer;
use crate::msg::Msg;
use crate::state::State;
use crate::testing::{change, press, row, said, screen, send, type_text, workstation};

const VERBS: [Verb; 8] = [
    Verb::Cancel,
    Verb::Retry,
    Verb::RetryFresh,
    Verb::Hold,
    Verb::Release,
    Verb::Flatline,
    Verb::Accept,
    Verb::Delete,
];

fn ask(state: &mut State, verb: Verb) -> Vec<Effect> {
    send(state, Msg::Action(Action::Act(ActAction::Ask { verb, reason: "because".into() })))
}

fn ordered(effects: Vec<Effect>) -> (u64, Order) {
    match effects.as_slice() {
        [Effect::Act(number, order)] => (*number, order.clone()),
        other => panic!("{other:?}"),
    }
}

fn is_asking(state: &State) -> bool {
    matches!(state.layers.last(), Some(Layer::Confirm(_)))
}

#[test]
fn every_act_is_asked_about_where_it_is_legal_and_refused_with_the_reason_elsewhere() {
    let mut table = String::new();
    for verb in VERBS {
        for loop_state in LoopState::ALL {
            for is_held in [false, true] {
                let hold =
                    Hold { by: "ann".into(), reason: "wait".into(), since: Timestamp::UNIX_EPOCH };
                let hold = (is_held && !loop_state.ended()).then(|| Box::new(hold));
                if is_held && hold.is_none() {
                    continue;
                }
                let mut state = workstation([Row { hold, ..row("a", loop_state) }]);
                let effects = ask(&mut state, verb);
                assert!(effects.is_empty(), "{verb:?} needs a yes");
                let held = if is_held { " (held)" } else { "" };
                let is = if is_asking(&state) { "asks" } else { said(&state) };
                table.push_str(&format!("{} {loop_state}{held}: {is}\n", verb.name()));
            }
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn enter_does_nothing_and_only_yes_does_it() {
    for leave in ["enter", "esc", "tab left enter", "right left enter"] {
        let mut state = workstation([row("a", LoopState::Overwriting)]);
        press(&mut state, "x");
        assert!(is_asking(&state));
        assert!(press(&mut state, leave).is_empty(), "{leave}");
        assert!(state.layers.is_empty(), "{leave}");
    }
    for go in ["right enter", "tab enter", "ctrl-y"] {
        let mut state = workstation([row("a", LoopState::Overwriting)]);
        press(&mut state, "x");
        let (_, order) = ordered(press(&mut state, go));
        let target = Target { id: "a".parse().unwrap(), revision: Revision(7) };
        let reason = "cancelled in the workstation".to_owned();
        assert_eq!(order, Order { verb: Verb::Cancel, reason, targets: vec![target] }, "{go}");
        assert!(state.layers.is_empty());
    }
}

#[test]
fn letters_at_a_button_are_the_reason_and_a_paste_says_no_yes() {
    let mut state = workstation([row("a", LoopState::Overwriting)]);
    press(&mut state, "x");
    type_text(&mut state, "yes");
    assert!(send(&mut state, Msg::Paste(" it must\nend\n".into())).is_empty());
    let (_, order) = ordered(press(&mut state, "ctrl-y"));
    assert_eq!(order.reason, "yes it must end");
}

#[test]
fn a_person_s_word_needs_a_reason() {
    let mut state = workstation([row("a", LoopState::Flatline)]);
    press(&mut state, "alt-a");
    assert!(press(&mut state, "ctrl-y").is_empty());
    assert!(is_asking(&state));
    type_text(&mut state, "seen by eye");
    assert_eq!(ordered(press(&mut state, "ctrl-y")).1.reason, "seen by eye");
}

#[test]
fn several_loops_have_to_be_counted_and_those_that_can_t_are_left_out() {
    let rows =
        [("a", LoopState::Overwriting), ("b", LoopState::Unresolved), ("c", LoopState::Synced)];
    let mut state = workstation(rows.map(|(id, loop_state)| row(id, loop_state)));
    for _ in 0..3 {
        send(&mut state, Msg::Action(Action::Fleet(FleetAction::Mark(Marking::Toggle))));
    }
    press(&mut state, "x");
    assert!(press(&mut state, "ctrl-y").is_empty(), "a key isn't enough");
    type_text(&mut state, "3");
    assert!(press(&mut state, "enter").is_empty(), "three were marked, two can be cancelled");
    press(&mut state, "backspace");
    type_text(&mut state, "2");
    change(&mut state, Row { revision: Revision(8), ..row("b", LoopState::Overwriting) });
    let (_, order) = ordered(press(&mut state, "enter"));
    let ids: Vec<&str> = order.targets.iter().map(|target| target.id.as_str()).collect();
    assert_eq!(ids, ["a", "b"]);
    assert_eq!(order.targets[1].revision, Revision(8));
    press(&mut state, "x");
    type_text(&mut state, "2");
    change(&mut state, row("b", LoopState::Flatline));
    assert!(press(&mut state, "enter").is_empty(), "it isn't two any more");
}

#[test]
fn a_loop_is_deleted_by_its_name() {
    let mut state = workstation([row("old-one", LoopState::Synced)]);
    press(&mut state, "D");
    type_text(&mut state, "no use");
    press(&mut state, "tab");
    type_text(&mut state, "old");
    assert!(press(&mut state, "enter").is_empty());
    type_text(&mut state, "-one");
    let (_, order) = ordered(press(&mut state, "enter"));
    assert_eq!((order.verb, order.reason.as_str()), (Verb::Delete, "no use"));
}

#[test]
fn a_change_under_the_dialog_takes_the_yes_back() {
    let mut state = workstation([row("a", LoopState::Unresolved)]);
    press(&mut state, "x right");
    change(&mut state, Row { revision: Revision(8), ..row("a", LoopState::Overwriting) });
    assert!(press(&mut state, "enter").is_empty(), "enter falls on No");
    press(&mut state, "x");
    change(&mut state, Row { revision: Revision(9), ..row("a", LoopState::Synced) });
    assert!(press(&mut state, "ctrl-y").is_empty(), "there is nothing to cancel any more");
    assert!(is_asking(&state));
    change(&mut state, Row { revision: Revision(10), ..row("a", LoopState::Unresolved) });
    let (_, order) = ordered(press(&mut state, "ctrl-y"));
    assert_eq!(order.targets[0].revision, Revision(10), "what was seen last");
}

#[test]
fn outcomes_are_told_as_they_land_and_nothing_before() {
    let rows = ["a", "b", "c"].map(|id| row(id, LoopState::Overwriting));
    let mut state = workstation(rows);
    for _ in 0..3 {
        send(&mut state, Msg::Action(Action::Fleet(FleetAction::Mark(Marking::Toggle))));
    }
    press(&mut state, "x 3");
    let (order, Order { targets, .. }) = ordered(press(&mut state, "enter"));
    assert!(screen(&state, 80, 24).contains("0 of 3 are cancelled"));
    let outcomes = [
        (Outcome::Done, "1 of 3 are cancelled"),
        (Outcome::Refused("not now".into()), "1 of 3 are cancelled, 1 aren't: b: not now; :acts"),
        (Outcome::Done, "2 of 3 are cancelled, 1 aren't: b: not now; :acts"),
    ];
    for (Target { id, .. }, (outcome, expect)) in targets.into_iter().zip(outcomes) {
        send(&mut state, Msg::Acted { order, id, outcome });
        assert!(said(&state).starts_with(expect), "{}", said(&state));
    }
    assert_eq!(state.world.acts.under_way().count(), 0);
    send(&mut state, Msg::Action(Action::Act(ActAction::History)));
    insta::assert_snapshot!(screen(&state, 60, 10));
}

#[test]
fn whoever_leaves_is_told_of_acts_without_an_answer() {
    let mut state = workstation([row("a", LoopState::Overwriting)]);
    press(&mut state, "x");
    let (order, _) = ordered(press(&mut state, "ctrl-y"));
    press(&mut state, "Q");
    assert!(!state.is_over && said(&state).starts_with("1 acts have no answer yet"));
    send(&mut state, Msg::Acted { order, id: "a".parse().unwrap(), outcome: Outcome::Done });
    press(&mut state, "Q");
    assert!(state.is_over);
}

#[test]
fn a_stale_decision_is_refused_and_can_be_taken_again() {
    let mut state = workstation([row("a", LoopState::Overwriting)]);
    press(&mut state, "x");
    let (order, _) = ordered(press(&mut state, "ctrl-y"));
    let outcome = Outcome::Stale("loop a is at revision 9".into());
    send(&mut state, Msg::Acted { order, id: "a".parse().unwrap(), outcome });
    assert_eq!(
        said(&state),
        "a isn't cancelled: loop a is at revision 9; ask again to decide on what it is now"
    );
    press(&mut state, "x");
    assert!(is_asking(&state));
}

#[test]
fn who_may_only_read_is_told_so_and_offered_no_acts() {
    let mut state = workstation([row("a", LoopState::Overwriting)]);
    assert!(screen(&state, 80, 24).contains("x cancel"));
    state.world.session.identity = Some(Identity {
        token_id: "abcdefghijkl".parse().unwrap(),
        name: "ann".into(),
        role: Role::Viewer,
        scope: Scope::All,
        expires_at: None,
    });
    press(&mut state, "x");
    assert!(state.layers.is_empty());
    assert!(said(&state).contains("role viewer"), "{}", said(&state));
    let order = Order { verb: Verb::Cancel, reason: "x".into(), targets: vec![] };
    assert!(send(&mut state, Msg::Action(Action::Act(ActAction::Do(order)))).is_empty());
    state.said = None;
    assert!(!screen(&state, 80, 24).contains("cancel"));
    assert!(screen(&state, 80, 24).contains("READ ONLY"));
    state.world.session.identity = None;
    state.world.session.read_only = true;
    press(&mut state, "x");
    assert!(said(&state).contains("--read-only"), "{}", said(&state));
}

#[test]
fn dialogs_say_what_will_happen() {
    let mut state = workstation([row("fix-the-readme", LoopState::Overwriting)]);
    press(&mut state, "x");
    insta::assert_snapshot!("cancel_60x20", screen(&state, 60, 20));
    let many = (0..20).map(|n| row(&format!("l{n:02}"), LoopState::ALL[n % 4]));
    let mut state = workstation(many);
    for _ in 0..20 {
        send(&mut state, Msg::Action(Action::Fleet(FleetAction::Mark(Marking::Toggle))));
    }
    press(&mut state, "r");
    insta::assert_snapshot!("retry_many_120x40", screen(&state, 120, 40));
    for (columns, rows) in [(1, 1), (3, 3), (20, 5)] {
        screen(&state, columns, rows);
    }
}
