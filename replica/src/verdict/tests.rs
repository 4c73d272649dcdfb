//! Stalls and oscillations.

use proptest::prelude::*;

use super::*;

fn tree(n: u8) -> TreeId {
    format!("{n:040x}").parse().expect("40 hex digits")
}

fn gate(code: i32) -> GateResult {
    GateResult { run: "t".into(), exit: Exit::Code(code), millis: 1, output: None }
}

fn check(
    agent: Exit,
    tree_after: u8,
    gates: &[GateResult],
    after_gates: u8,
    expected: IterationOutcome,
) {
    let (committed, tree, after) = (tree(0), tree(tree_after), tree(after_gates));
    let facts = Facts {
        broken: None,
        agent,
        committed: &committed,
        tree: Some(&tree),
        gates,
        gate_count: 2,
        tree_after_gates: Some(&after),
    };
    assert_eq!(outcome(&facts), expected, "{facts:?}");
}

#[test]
fn gates_decide() {
    use IterationOutcome::*;
    let (green, red) = ([gate(0), gate(0)], [gate(0), gate(1)]);
    check(Exit::Code(0), 1, &green, 1, Green);
    check(Exit::Code(1), 1, &green, 1, Green);
    check(Exit::Code(0), 0, &green, 0, Unchanged);
    check(Exit::Code(1), 0, &green, 0, AgentFailed);
    check(Exit::Code(0), 1, &red, 1, GatesFailed);
    check(Exit::Code(3), 1, &red, 1, AgentFailed);
    check(Exit::Code(0), 1, &red[..1], 1, GatesFailed);
    check(Exit::Code(0), 1, &green, 2, GatesChangedTree);
    check(Exit::Code(0), 0, &green, 2, GatesChangedTree);
    check(Exit::TimedOut, 1, &green, 1, TimedOut);
    check(Exit::Stalled, 1, &[], 1, Stalled);
    check(Exit::NotStarted, 0, &[], 0, AgentFailed);
}

#[test]
fn what_broke_off_comes_first() {
    let (committed, tree) = (tree(0), tree(1));
    for (broken, expected) in [
        (Break::Interrupted, IterationOutcome::Interrupted),
        (Break::HostLost, IterationOutcome::HostLost),
        (Break::Unreadable, IterationOutcome::Unreadable),
    ] {
        let facts = Facts {
            broken: Some(broken),
            agent: Exit::Code(0),
            committed: &committed,
            tree: Some(&tree),
            gates: &[],
            gate_count: 0,
            tree_after_gates: Some(&tree),
        };
        assert_eq!(outcome(&facts), expected);
    }
}

#[test]
fn used_up_tries_are_named_by_their_cause() {
    use IterationOutcome::*;
    assert_eq!(class_of(&[AgentFailed, AgentFailed]), FailureClass::AgentFailed);
    assert_eq!(class_of(&[AgentFailed, TimedOut]), FailureClass::AgentFailed);
    assert_eq!(class_of(&[AgentFailed, GatesFailed]), FailureClass::GatesFailed);
    assert_eq!(class_of(&[GatesFailed, AgentFailed]), FailureClass::GatesFailed);
    assert_eq!(class_of(&[GatesFailed, Stalled]), FailureClass::Stalled);
    assert_eq!(class_of(&[Unchanged]), FailureClass::AgentFailed);
}

#[test]
fn circles_are_found() {
    let check = |walk: &[u8], expected: Option<usize>| {
        let mut trees = Trees::default();
        let found = walk.iter().position(|n| trees.oscillates(&tree(*n)));
        assert_eq!(found, expected, "{walk:?}");
    };
    check(&[1, 2, 1, 2], Some(3));
    check(&[1, 2, 1, 3, 1], Some(4));
    check(&[1, 2, 3, 1, 2], Some(4));
    check(&[1, 2, 1, 3, 4], None);
    check(&[1, 1, 1, 1, 1], None);
    check(&[1, 2, 2, 1, 1, 1], None);
}

proptest! {
    #[test]
    fn progress_never_oscillates(walk in prop::collection::vec(any::<u8>(), 0..40)) {
        // Each tree is new, or the one just before.
        let mut trees = Trees::default();
        let mut next = 0u8;
        for step in walk {
            if step % 3 != 0 {
                next = next.wrapping_add(1);
            }
            if next == 255 { break }
            prop_assert!(!trees.oscillates(&tree(next)));
        }
    }

    #[test]
    fn the_verdict_is_the_second_non_adjacent_return(walk in prop::collection::vec(0u8..6, 0..30)) {
        let mut trees = Trees::default();
        let mut returns = 0;
        for (i, n) in walk.iter().enumerate() {
            if i > 0 && walk[i - 1] != *n && walk[..i].contains(n) {
                returns += 1;
            }
            prop_assert_eq!(trees.oscillates(&tree(*n)), returns >= 2);
        }
    }

    #[test]
    fn an_agent_that_shows_life_is_never_stalled(
        steps in prop::collection::vec((1u64..50, 0u8..3), 1..60),
    ) {
        let mut silence = Silence::new(Duration::from_millis(100), Sample::default());
        let mut sample = Sample { alive: 1, ..Sample::default() };
        for (millis, sign) in steps {
            sample.at += Duration::from_millis(millis);
            match sign {
                0 => sample.printed += 1,
                1 => sample.cpu_millis += millis,
                _ => sample.changed += 1,
            }
            prop_assert_eq!(silence.look(sample), Quiet::No);
        }
    }
}

#[test]
fn silence_is_suspected_at_half_and_told_with_its_evidence() {
    let at = |millis| Sample { at: Duration::from_millis(millis), alive: 2, ..Sample::default() };
    let mut silence = Silence::new(Duration::from_secs(10), at(0));
    assert_eq!(silence.look(at(4_000)), Quiet::No);
    assert_eq!(silence.look(at(5_000)), Quiet::Suspect);
    let Quiet::Stalled(why) = silence.look(at(10_000)) else { panic!("not stalled") };
    assert_eq!(why, "no output, no CPU and no file change for 10.0 s, with 2 processes waiting");
    let stopped = Sample { stopped: 2, ..at(11_000) };
    let Quiet::Stalled(why) = silence.look(stopped) else { panic!("not stalled") };
    assert!(why.contains("all of its 2 processes are stopped"), "{why}");
}

#[test]
fn an_idle_runtime_s_wakeups_are_no_work() {
    let mut silence = Silence::new(Duration::from_secs(10), Sample::default());
    let mut found = Quiet::No;
    for n in 1..=10 {
        let sample =
            Sample { at: Duration::from_secs(n), cpu_millis: n * 5, alive: 1, ..Sample::default() };
        found = silence.look(sample);
    }
    assert!(matches!(found, Quiet::Stalled(_)), "{found:?}");
}
