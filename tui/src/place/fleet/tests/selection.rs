//! Whatever happens to a fleet and its view: the cursor stays on its loop for as long as that is shown.

use proptest::prelude::*;
use smith_model::state::State as LoopState;

use super::Desk;
use crate::fleet::tests::{in_state, row, updated};
use crate::fleet::{FleetAction, Line, OrderJob, Row, Shown, ViewId};
use crate::msg::{FleetChange, Msg, Stream};
use crate::place::Place;

/// Something that happens.
#[derive(Clone, Debug)]
enum Step {
    Update {
        id: u8,
        state: usize,
        project: u8,
    },
    Remove(u8),
    /// A key that moves the cursor.
    Move(&'static str),
    /// A command that changes what is shown.
    Look(&'static str),
    /// What was asked for is found.
    Find,
    /// The stream begins anew, with what is there.
    Reload,
    /// Another tab, and back to this one.
    Away,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let moves = prop::sample::select(vec!["j", "k", "G", "home", "pgdn", "pgup"]);
    let looks = prop::sample::select(vec![
        "filter state:flatline,overwriting",
        "filter !project:p1",
        "filter",
        "sort title",
        "sort state",
        "group project",
        "group state",
        "faults",
        "fold",
        "fold none",
    ]);
    let step = prop_oneof![
        8 => (0..30u8, 0..5usize, 0..3u8)
            .prop_map(|(id, state, project)| Step::Update { id, state, project }),
        2 => (0..30u8).prop_map(Step::Remove),
        4 => moves.prop_map(Step::Move),
        2 => looks.prop_map(Step::Look),
        3 => Just(Step::Find),
        1 => Just(Step::Reload),
        1 => Just(Step::Away),
    ];
    prop::collection::vec(step, 1..60)
}

fn made(id: u8, state: usize, project: u8) -> Row {
    let row = in_state(row(&format!("l-{id:02}")), LoopState::ALL[state]);
    Row { project: format!("p{project}").parse().unwrap(), ..row }
}

fn happen(desk: &mut Desk, step: &Step) {
    match step {
        Step::Update { id, state, project } => desk.update(made(*id, *state, *project)),
        Step::Remove(id) => {
            desk.change([FleetChange::Removed(format!("l-{id:02}").parse().unwrap())]);
        }
        Step::Move(key) => desk.take(Msg::Key(key.parse().unwrap())),
        Step::Look("filter") => {
            let all = FleetAction::Filter(String::new());
            desk.take(Msg::Action(crate::action::Action::Fleet(all)));
        }
        Step::Look(command) => {
            desk.take(Msg::Action(crate::command::parse(command).unwrap()));
        }
        Step::Find => desk.find(),
        Step::Reload => {
            let rows: Vec<Row> =
                desk.state.world.fleet.rows().map(|(_, row)| Row::clone(row)).collect();
            desk.take(Msg::Fleet(Stream::Reset));
            desk.change(rows.into_iter().map(updated));
            desk.take(Msg::Fleet(Stream::Ready));
        }
        Step::Away => {
            for command in ["tab new", "tab close"] {
                desk.take(Msg::Action(crate::command::parse(command).unwrap()));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn the_cursor_stays_on_its_loop_for_as_long_as_it_is_shown(steps in steps()) {
        let rows = (0..20).map(|id| made(id, usize::from(id) % 5, id % 3));
        let mut desk = Desk::with(80, 12, rows);
        // Where the person put the cursor, and where it is.
        let (mut chosen, mut on): (Option<String>, Option<String>) = (None, None);
        for step in steps {
            happen(&mut desk, &step);
            let Place::Fleet(view) = &desk.state.tabs.current().place else { panic!("the fleet is shown") };
            prop_assert!(view.cursor >= view.top, "{step:?}");
            prop_assert!(view.cursor < view.top + view.rows, "{step:?}");
            let target = desk.targets().into_iter().next();
            if let Step::Move(_) = step {
                (chosen, on) = (target.clone(), target);
                continue;
            }
            if !view.is_exact {
                continue;
            }
            let table = &desk.state.world.fleet;
            let job = OrderJob {
                view: ViewId { tab: 1, generation: 1 },
                look: view.shown.look.clone(),
                as_of: view.shown.as_of,
                rows: table.snapshot(),
            };
            let found = Shown::of(view.shown.look.clone(), view.shown.as_of, job.run());
            prop_assert_eq!(view.shown.order(), found.order(), "{:?}", step);
            let is_seen = |id: &String| {
                let place = view.place_of(table, &id.parse().unwrap());
                let line = place.map(|place| view.lines.of_row(place));
                line.is_some_and(|line| matches!(view.lines.at(line), Some(Line::Row(_))))
            };
            let stays = on.iter().chain(&chosen).filter(|id| is_seen(id)).collect::<Vec<_>>();
            if let (Some(on), Some(target)) = (&on, &target)
                && is_seen(on)
            {
                prop_assert!(stays.contains(&target), "{step:?}: {on} became {target}");
            }
            on = target;
        }
    }
}
