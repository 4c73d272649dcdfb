//! The table, row by row; [`world`] tries what nobody thought of.

mod world;

use smith_model::attempt::{End, LockRecord};
use smith_model::failure::FailureClass;
use smith_model::policy::Policy;
use smith_model::spec::SourceType;
use smith_model::state::{Hold, Step, Summary};
use uuid::Uuid;

use super::*;
use crate::controller::fleet::Group;
use crate::runtime::{WorkerLabels, WorkerPhase};

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

pub(super) fn record() -> StateRecord {
    let summary = Summary {
        project: "web".parse().unwrap(),
        title: "t".into(),
        source_type: SourceType::Prompt,
        source_ref: "s".into(),
        provider_id: "command".into(),
        repository: "r".into(),
        priority: 0,
        depends_on: vec!["dep".parse().unwrap()],
        labels: Default::default(),
        policy: Policy { uncounted_attempts: 3, ..Policy::default() },
    };
    StateRecord::created("l".parse().unwrap(), Uuid::from_u128(7), summary, at(0))
}

pub(super) fn lock_of(record: &StateRecord, no: AttemptNo) -> LockRecord {
    LockRecord {
        schema_version: 1,
        uid: record.uid,
        no,
        holder: no.worker_name(&record.loop_id),
        session_hash: "h".into(),
        lease: 1,
        ttl_millis: 30_000,
    }
}

pub(super) fn report(record: &StateRecord, no: AttemptNo, phase: WorkerPhase) -> WorkerReport {
    let labels = WorkerLabels {
        name: no.worker_name(&record.loop_id),
        installation: Uuid::nil(),
        loop_id: record.loop_id.clone(),
        uid: record.uid,
        no,
    };
    WorkerReport { labels, phase }
}

fn exited(exit: Exit) -> WorkerPhase {
    WorkerPhase::Exited { exit, tail: vec!["last".into()] }
}

fn unknown() -> WorkerPhase {
    WorkerPhase::Unknown { why: "node n1 doesn't answer".into() }
}

const FIRST: AttemptNo = AttemptNo { round: 1, attempt: 1 };

/// A loop that waits, with nothing in its way.
fn waiting() -> Observed {
    Observed {
        record: record(),
        revision: Revision(5),
        attempt: None,
        lock: None,
        workers: Vec::new(),
        read: Read::Cached,
        dependencies: vec![("dep".parse().unwrap(), synced())],
        room: Room::Yes,
        seen: Sightings::default(),
    }
}

fn synced() -> DependencyState {
    DependencyState::Synced { branch: None, commit: None }
}

/// A loop whose first attempt was admitted at 0.
fn admitted() -> Observed {
    let mut observed = waiting();
    observed.record = observed.record.step(&Step::Admit, at(0)).unwrap();
    observed.attempt = Some(AttemptRecord::admitted(&observed.record, None, at(0)));
    observed
}

/// The same, claimed at 1 and working.
fn working() -> Observed {
    let mut observed = admitted();
    observed.attempt.as_mut().unwrap().claimed_at = Some(at(1));
    observed.lock = Some(lock_of(&observed.record, FIRST));
    observed.workers = vec![report(&observed.record, FIRST, WorkerPhase::Running)];
    observed
}

/// Plans at `now`, as a core that has looked at these facts at each of `looks` before.
fn plan_after(mut observed: Observed, looks: &[i64], now: i64) -> Plan {
    for look in looks.iter().chain([&now]) {
        let Observed { record, attempt, lock, workers, seen, .. } = &mut observed;
        seen.note(record, attempt.as_ref(), lock.as_ref(), workers, at(*look));
    }
    plan(&observed, &Settings::default(), at(now))
}

fn check(observed: Observed, looks: &[i64], now: i64, code: WhyCode, actions: &[Action]) -> Plan {
    let plan = plan_after(observed, looks, now);
    assert_eq!((plan.why.code, &plan.actions[..]), (code, actions), "{plan:#?}");
    plan
}

fn ends(plan: &Plan) -> (FailureClass, Option<Exit>, LockAtEnd) {
    match &plan.actions[0] {
        Action::EndAttempt { failure, exit, lock, .. } => (failure.class, *exit, *lock),
        other => panic!("{other:?}"),
    }
}

fn kill() -> Action {
    Action::StopWorker { name: "smith-l-r1a1".into(), no: FIRST, how: Stop::Kill }
}

#[test]
fn a_ready_loop_is_admitted() {
    check(waiting(), &[], 0, WhyCode::AboutToStart, &[Action::Admit { note: None }]);
}

#[test]
fn what_is_in_the_way_of_an_admission_is_named() {
    let with = |change: fn(&mut Observed)| {
        let mut observed = waiting();
        change(&mut observed);
        observed
    };
    let held = with(|o| {
        o.record.hold = Some(Hold { by: "ada".into(), reason: "wait".into(), since: at(0) });
    });
    check(held, &[], 0, WhyCode::Held, &[]);
    let pending = with(|o| o.dependencies[0].1 = DependencyState::Pending);
    let plan = check(pending, &[], 0, WhyCode::DependencyPending, &[]);
    assert_eq!(plan.why.waits_for, ["dep".parse().unwrap()]);
    let ended = with(|o| o.dependencies[0].1 = DependencyState::Ended { state: State::Flatline });
    let plan = check(ended, &[], 0, WhyCode::DependencyEnded, &[]);
    assert!(plan.why.message.starts_with("dep, which it depends on, is flatline"));
    let missing = with(|o| o.dependencies[0].1 = DependencyState::Missing);
    check(missing, &[], 0, WhyCode::DependencyEnded, &[]);
    let backoff = with(|o| o.record.not_before = Some(at(9)));
    let plan = check(backoff.clone(), &[], 0, WhyCode::Backoff, &[]);
    assert_eq!((plan.why.until, plan.wake_at), (Some(at(9)), Some(at(9))));
    check(backoff, &[], 9, WhyCode::AboutToStart, &[Action::Admit { note: None }]);
    let full = with(|o| {
        o.room = Room::Full { group: Group::Fleet, taken: 5, most: 5, ahead: 3 };
    });
    let plan = check(full, &[], 0, WhyCode::FleetLimit, &[]);
    assert_eq!(plan.why.message, "all slots of the fleet are taken: 5 of 5 running, 3 ahead");
    let full = with(|o| o.room = Room::StoreFull);
    check(full, &[], 0, WhyCode::StoreFull, &[]);
    let behind = with(|o| o.room = Room::Behind { ahead: 0 });
    check(behind, &[], 0, WhyCode::AboutToStart, &[]);
    let locked = with(|o| o.lock = Some(lock_of(&o.record, FIRST)));
    check(locked, &[], 0, WhyCode::PreviousWorkerStopping, &[]);
}

#[test]
fn an_admitted_attempt_gets_its_worker_within_the_deadline() {
    let create = Action::CreateWorker { no: FIRST };
    let plan = check(admitted(), &[], 0, WhyCode::WorkerStarting, &[create]);
    assert_eq!(plan.wake_at, Some(at(300)));
    let plan = plan_after(admitted(), &[], 300);
    assert_eq!(ends(&plan), (FailureClass::WorkerLost, None, LockAtEnd::Absent));

    let mut running = admitted();
    running.workers = vec![report(&running.record, FIRST, WorkerPhase::Running)];
    check(running.clone(), &[], 299, WhyCode::WorkerStarting, &[]);
    let plan = plan_after(running, &[], 300);
    assert_eq!(ends(&plan).0, FailureClass::WorkerLost);
    assert_eq!(plan.actions[1..], [kill()]);
}

#[test]
fn a_worker_that_ends_before_its_claim_ends_the_attempt_with_its_class() {
    for (exit, class) in [
        (Exit::NotStarted, FailureClass::EnvironmentFailed),
        (Exit::Code(3), FailureClass::WorkerLost),
        (Exit::Unknown, FailureClass::WorkerLost),
    ] {
        let mut observed = admitted();
        observed.workers = vec![report(&observed.record, FIRST, exited(exit))];
        let plan = plan_after(observed, &[], 1);
        assert_eq!(ends(&plan), (class, Some(exit), LockAtEnd::Absent));
        assert!(matches!(&plan.actions[0], Action::EndAttempt { tail, .. } if tail == &["last"]));
    }
}

#[test]
fn a_lost_lock_gets_one_grace_then_the_end_then_the_kill() {
    check(working(), &[], 2, WhyCode::Running, &[]);
    let mut silent = working();
    silent.lock = None;
    let plan = check(silent.clone(), &[10], 39, WhyCode::WorkerSilent, &[]);
    assert_eq!(plan.wake_at, Some(at(40)));
    let plan = plan_after(silent.clone(), &[10], 40);
    assert_eq!(ends(&plan), (FailureClass::WorkerLost, None, LockAtEnd::Absent));
    assert_eq!(plan.actions[1..], [kill()]);
    // A core that is new to it waits its own grace.
    check(silent, &[], 40, WhyCode::WorkerSilent, &[]);
}

#[test]
fn a_claimed_attempt_without_a_worker_ends_after_a_direct_read() {
    for lock in [LockAtEnd::Release, LockAtEnd::Absent] {
        let mut gone = working();
        gone.workers.clear();
        if lock == LockAtEnd::Absent {
            gone.lock = None;
        }
        check(gone.clone(), &[], 2, WhyCode::WorkerSilent, &[Action::CheckWorker]);
        gone.read = Read::Direct;
        assert_eq!(ends(&plan_after(gone.clone(), &[], 2)), (FailureClass::WorkerLost, None, lock));
        gone.workers = vec![report(&gone.record, FIRST, exited(Exit::Signal(9)))];
        let expected = (FailureClass::WorkerLost, Some(Exit::Signal(9)), lock);
        assert_eq!(ends(&plan_after(gone, &[], 2)), expected);
    }
}

#[test]
fn a_host_that_cant_be_asked_is_waited_for_and_named() {
    let mut lost = working();
    lost.workers = vec![report(&lost.record, FIRST, unknown())];
    check(lost.clone(), &[], 2, WhyCode::Running, &[]);
    lost.lock = None;
    check(lost.clone(), &[10], 39, WhyCode::WorkerSilent, &[]);
    let plan = plan_after(lost, &[10], 40);
    assert_eq!(plan.actions.len(), 1);
    let Action::EndAttempt { failure, .. } = &plan.actions[0] else { panic!() };
    assert!(failure.message.ends_with("can't be asked: node n1 doesn't answer"), "{failure:?}");

    // The next attempt waits once more, and then says what it left behind.
    let mut next = after_end(None);
    next.workers = vec![report(&next.record, FIRST, unknown())];
    check(next.clone(), &[100], 129, WhyCode::PreviousWorkerStopping, &[]);
    let plan = plan_after(next, &[100], 130);
    let [Action::Admit { note: Some(note) }] = &plan.actions[..] else { panic!("{plan:?}") };
    assert!(note.contains("attempt r1a1") && note.contains("n1"), "{note}");
}

/// A loop whose first attempt ended at 10 and may be tried again.
fn after_end(class: Option<FailureClass>) -> Observed {
    let mut observed = working();
    observed.lock = None;
    let failure = Failure { class: FailureClass::GatesFailed, message: "red".into() };
    let step = Step::Fail { by: smith_model::state::By::Finish, failure };
    observed.record = observed.record.step(&step, at(10)).unwrap();
    let attempt = observed.attempt.as_mut().unwrap();
    attempt.end = Some(End { class, counted: None, message: "m".into(), exit: None, at: at(10) });
    observed
}

#[test]
fn an_earlier_worker_is_waited_for_then_killed_then_removed() {
    let plan = check(after_end(None), &[100], 129, WhyCode::PreviousWorkerStopping, &[]);
    assert_eq!((plan.why.until, plan.wake_at), (Some(at(130)), Some(at(130))));
    check(after_end(None), &[100], 130, WhyCode::PreviousWorkerStopping, &[kill()]);
    // One that the core gave up itself isn't waited for.
    let lost = after_end(Some(FailureClass::WorkerLost));
    check(lost, &[], 100, WhyCode::PreviousWorkerStopping, &[kill()]);

    let mut over = after_end(None);
    over.workers = vec![report(&over.record, FIRST, exited(Exit::Code(0)))];
    let gone = Action::MarkGone { no: FIRST };
    let remove = Action::RemoveWorker { name: "smith-l-r1a1".into() };
    let actions = [gone.clone(), remove];
    check(over.clone(), &[], 100, WhyCode::PreviousWorkerStopping, &actions);
    // Removed, and the core crashed before it had told: it is looked at, not believed.
    over.workers.clear();
    check(over.clone(), &[], 100, WhyCode::PreviousWorkerStopping, &[Action::CheckWorker]);
    over.read = Read::Direct;
    let admit = Action::Admit { note: None };
    check(over.clone(), &[], 100, WhyCode::AboutToStart, &[gone, admit.clone()]);
    over.read = Read::Cached;
    over.attempt.as_mut().unwrap().gone_at = Some(at(50));
    check(over, &[], 100, WhyCode::AboutToStart, &[admit]);
}

#[test]
fn workers_of_ended_loops_are_cleared_too() {
    let mut observed = working();
    let step = Step::Cancel { reason: "no".into() };
    observed.record = observed.record.step(&step, at(10)).unwrap();
    let plan = check(observed.clone(), &[10], 39, WhyCode::Ended, &[]);
    assert_eq!(plan.wake_at, Some(at(40)));
    check(observed, &[10], 40, WhyCode::Ended, &[kill()]);
}

#[test]
fn a_hold_beyond_its_limit_lands_the_worker_once() {
    let mut held = working();
    held.record.hold = Some(Hold { by: "ada".into(), reason: "wait".into(), since: at(0) });
    let plan = check(held.clone(), &[], 5, WhyCode::Held, &[]);
    assert_eq!(plan.wake_at, Some(at(24 * 3600)));
    let land = Action::StopWorker { name: "smith-l-r1a1".into(), no: FIRST, how: Stop::Land };
    check(held.clone(), &[], 24 * 3600, WhyCode::Held, &[land]);
    held.seen.told_to_land(FIRST);
    check(held, &[], 24 * 3600 + 1, WhyCode::Held, &[]);
}
