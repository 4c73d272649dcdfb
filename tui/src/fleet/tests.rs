//! Rows for tests, and that an order taken change by change is the one that is found at once.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use smith_model::failure::FailureClass;
use smith_model::id::Revision;
use smith_model::state::{Hold, Reason, State, StoryCounts};
use smith_model::story::Usage;
use smith_model::worker::WorkerPhase;
use uuid::Uuid;

use crate::fleet::{
    Column, Direction, Filter, GroupKey, Grouping, Line, Lines, Look, OrderJob, Row, Scope, Shown,
    Sort, Table, ViewId,
};
use crate::msg::FleetChange;

/// The time in tests.
pub(crate) fn now() -> Timestamp {
    "2026-11-24T12:00:00Z".parse().unwrap()
}

/// A loop that runs well.
pub(crate) fn row(id: &str) -> Row {
    Row {
        id: id.parse().unwrap(),
        uid: Uuid::nil(),
        revision: Revision(1),
        project: "api".parse().unwrap(),
        title: format!("Do what {id} says").into(),
        provider: "command".into(),
        source: "cli".into(),
        repository: "https://git.example/api".into(),
        priority: 0,
        labels: ["env=prod".into()].into(),
        depends_on: [].into(),
        state: State::Overwriting,
        reason: Reason::Admitted,
        message: "".into(),
        round: 1,
        attempt: 1,
        used: 0,
        allowed: 3,
        not_before: None,
        branch: None,
        commit: None,
        hold: None,
        claimed: true,
        phase: Some(WorkerPhase::Iterating),
        iteration: 4,
        story: Some("US-2".into()),
        stories: Some(StoryCounts { done: 3, total: 7 }),
        usage: Usage { input_tokens: 12_000, output_tokens: 345, cost_microusd: 1_230_000 },
        suspect: false,
        created_at: now() - SignedDuration::from_hours(3),
        updated_at: now() - SignedDuration::from_mins(12),
    }
}

/// The same in another state, as it would be there.
pub(crate) fn in_state(mut row: Row, state: State) -> Row {
    row.state = state;
    if state != State::Overwriting {
        (row.phase, row.iteration, row.story, row.claimed) = (None, 0, None, false);
        row.usage = Usage::default();
    }
    match state {
        State::Unresolved => (row.reason, row.stories, row.attempt) = (Reason::Created, None, 0),
        State::Overwriting => {}
        State::Synced => {
            row.reason = Reason::Completed;
            row.branch = Some(format!("smith/{}", row.id).into());
            row.commit = Some("3f786850e387550fdab836ed7e6dc881de23001b".into());
        }
        State::Flatline => {
            row.reason = Reason::Failure(FailureClass::GatesFailed);
            row.message = "the gate `test` failed three times".into();
            (row.attempt, row.used) = (3, 3);
        }
        State::Cancelled => row.reason = Reason::OperatorCancelled,
    }
    row
}

/// A hold, for rows that are held.
pub(crate) fn hold() -> Hold {
    Hold { by: "alice".to_owned(), reason: "look at it first".to_owned(), since: now() }
}

pub(crate) fn updated(row: Row) -> FleetChange {
    FleetChange::Updated(Box::new(row))
}

#[test]
fn a_fault_is_what_went_wrong_and_what_looks_as_if_it_might() {
    let flatline = in_state(row("a"), State::Flatline);
    let failed = Row {
        reason: Reason::Failure(FailureClass::WorkerLost),
        ..in_state(row("a"), State::Unresolved)
    };
    let silent = Row { suspect: true, ..row("a") };
    for fault in [flatline, failed, silent] {
        assert!(fault.is_fault(), "{fault:?}");
    }
    let starting = Row { claimed: false, phase: None, attempt: 2, ..row("a") };
    let held = Row { hold: Some(Box::new(hold())), ..row("a") };
    let waiting = in_state(row("a"), State::Unresolved);
    let cancelled = in_state(row("a"), State::Cancelled);
    for fine in [row("a"), starting, held, waiting, cancelled] {
        assert!(!fine.is_fault(), "{fine:?}");
    }
}

#[test]
fn every_column_sorts_both_ways_with_what_says_nothing_last_and_the_id_deciding() {
    let rows: Vec<Row> = State::ALL
        .into_iter()
        .flat_map(|state| ["b", "a"].map(|id| in_state(row(&format!("{id}-{state}")), state)))
        .collect();
    for column in Column::ALL {
        assert_eq!(Column::named(column.name()), Ok(column));
        for direction in [Direction::Natural, Direction::Reversed] {
            let look = Look { sort: Sort { column, direction }, ..Look::default() };
            let mut sorted: Vec<&Row> = rows.iter().collect();
            sorted.sort_by(|one, other| look.compare(one, other));
            let says_nothing =
                |row: &&Row| matches!(column.value(row), crate::fleet::Value::Nothing);
            let first = sorted.iter().position(says_nothing).unwrap_or(sorted.len());
            assert!(sorted[first..].iter().all(says_nothing), "{column:?} {direction:?}");
            for pair in sorted.windows(2) {
                let is_even = column.compare(pair[0], pair[1], direction).is_eq();
                assert!(!is_even || pair[0].id < pair[1].id, "{column:?} {direction:?}");
            }
        }
    }
}

#[test]
fn a_fleet_that_is_loaded_anew_stays_until_the_whole_is_there() {
    let mut table = Table::default();
    for id in ["a", "b", "c"] {
        table.change(now(), updated(row(id)));
    }
    table.ready(now());
    assert_eq!(table.stale(), None);
    table.reset(now());
    assert_eq!((table.len(), table.stale()), (3, Some(now())));
    table.change(now(), updated(row("b")));
    table.change(now(), updated(row("d")));
    table.ready(now());
    let ids: BTreeSet<String> = table.rows().map(|(_, row)| row.id.to_string()).collect();
    assert_eq!(ids, ["b", "d"].map(str::to_owned).into());
    assert_eq!(table.counts().by_state().total(), 2);
    assert_eq!(table.stale(), None);
}

/// Something that happens to a fleet and a view of it.
#[derive(Clone, Debug)]
enum Step {
    Update {
        id: u8,
        state: usize,
        project: u8,
        cost: u8,
        suspect: bool,
    },
    Remove(u8),
    Look {
        filter: usize,
        column: usize,
        direction: Direction,
        grouping: Grouping,
        scope: Scope,
    },
    /// The answer to the question that was asked last comes.
    Answer,
}

const FILTERS: [&str; 6] =
    ["", "state:flatline", "!project:=p1", "cost:>2", "~l1 project:p0,p2", "/1$/"];

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let update = (0..12u8, 0..State::ALL.len(), 0..3u8, 0..5u8, any::<bool>()).prop_map(
        |(id, state, project, cost, suspect)| Step::Update { id, state, project, cost, suspect },
    );
    let direction = prop_oneof![Just(Direction::Natural), Just(Direction::Reversed)];
    let grouping =
        prop_oneof![Just(Grouping::None), Just(Grouping::Project), Just(Grouping::State)];
    let scope = prop_oneof![3 => Just(Scope::All), 1 => Just(Scope::Faults)];
    let look = (0..FILTERS.len(), 0..Column::ALL.len(), direction, grouping, scope).prop_map(
        |(filter, column, direction, grouping, scope)| Step::Look {
            filter,
            column,
            direction,
            grouping,
            scope,
        },
    );
    let step = prop_oneof![
        6 => update,
        2 => (0..12u8).prop_map(Step::Remove),
        1 => look,
        2 => Just(Step::Answer),
    ];
    prop::collection::vec(step, 1..80)
}

/// The row of a step.
fn made(id: u8, state: usize, project: u8, cost: u8, suspect: bool) -> Row {
    let mut row = in_state(row(&format!("l{id}")), State::ALL[state]);
    row.project = format!("p{project}").parse().unwrap();
    row.usage.cost_microusd = u64::from(cost) * 1_000_000;
    row.suspect = suspect;
    row
}

/// What a look shows, found at once.
fn at_once(table: &Table, look: &Look) -> Shown {
    let view = ViewId { tab: 1, generation: 1 };
    let job = OrderJob { view, look: look.clone(), as_of: now(), rows: table.snapshot() };
    Shown::of(look.clone(), now(), job.run())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn an_order_taken_change_by_change_is_the_one_found_at_once(steps in steps()) {
        let mut table = Table::default();
        let mut shown = Shown::new(Look::default());
        // The job under way, found when it was asked for, and what changed since.
        let mut asked: Option<(Look, Shown, std::collections::HashMap<_, _>)> = None;
        for step in steps {
            let change = match step {
                Step::Update { id, state, project, cost, suspect } => {
                    updated(made(id, state, project, cost, suspect))
                }
                Step::Remove(id) => FleetChange::Removed(format!("l{id}").parse().unwrap()),
                Step::Look { filter, column, direction, grouping, scope } => {
                    let look = Look {
                        filter: Filter::parse(FILTERS[filter]).unwrap(),
                        scope,
                        sort: Sort { column: Column::ALL[column], direction },
                        grouping,
                    };
                    let found = at_once(&table, &look);
                    asked = Some((look, found, Default::default()));
                    continue;
                }
                Step::Answer => {
                    if let Some((_, found, missed)) = asked.take() {
                        shown = found;
                        shown.catch_up(&missed, |slot| table.at(slot));
                    }
                    continue;
                }
            };
            if let Some(touched) = table.change(now(), change) {
                shown.touch(&touched, |slot| table.at(slot));
                if let Some((_, _, missed)) = &mut asked {
                    missed.entry(touched.slot).or_insert(touched.old);
                }
            }
            shown.as_of = now();
            let expect = at_once(&table, &shown.look);
            prop_assert_eq!(shown.order(), expect.order());
            let (mut is, mut should) = (shown.counts().clone(), expect.counts().clone());
            is.sort();
            should.sort();
            prop_assert_eq!(is, should);
            let lines = Lines::new(shown.look.grouping, shown.counts(), &BTreeSet::new());
            for (place, slot) in shown.order().iter().enumerate() {
                prop_assert_eq!(lines.at(lines.of_row(place)), Some(Line::Row(place)));
                let row = table.at(*slot).unwrap();
                let key = match shown.look.grouping {
                    Grouping::None => None,
                    Grouping::Project => Some(GroupKey::Project(row.project.clone())),
                    Grouping::State => Some(GroupKey::State(row.state)),
                };
                prop_assert_eq!(lines.group_of_row(place).map(|group| group.key.clone()), key);
            }
        }
    }
}

#[test]
fn folded_groups_are_one_line() {
    let mut table = Table::default();
    for (id, project) in [(1, 0), (2, 0), (3, 1), (4, 2), (5, 2)] {
        table.change(now(), updated(made(id, 1, project, 0, false)));
    }
    let look = Look { grouping: Grouping::Project, ..Look::default() };
    let shown = at_once(&table, &look);
    let folded = BTreeSet::from([GroupKey::Project("p0".parse().unwrap())]);
    let lines = Lines::new(look.grouping, shown.counts(), &folded);
    let seen: Vec<String> = (0..=lines.len())
        .map(|line| match lines.at(line) {
            None => "end".to_owned(),
            Some(Line::Row(place)) => format!("row {place}"),
            Some(Line::Heading(group)) => format!("{:?} {}", group.key, group.tally.total()),
        })
        .collect();
    insta::assert_debug_snapshot!(seen, @r#"
    [
        "Project(ProjectName(p0)) 2",
        "Project(ProjectName(p1)) 1",
        "row 2",
        "Project(ProjectName(p2)) 2",
        "row 3",
        "row 4",
        "end",
    ]
    "#);
    assert_eq!(lines.of_row(1), 0);
}
