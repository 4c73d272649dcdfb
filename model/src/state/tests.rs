//! The state machine under any sequence of steps.

use proptest::prelude::*;

use super::*;

fn now(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + seconds).expect("in range")
}

fn record() -> StateRecord {
    let summary = Summary {
        project: ProjectName::default_project(),
        title: "t".into(),
        source_type: SourceType::Prompt,
        source_ref: "r".into(),
        provider_id: "command".into(),
        repository: "file:///r".into(),
        priority: 0,
        depends_on: vec![],
        labels: BTreeMap::new(),
        policy: Policy::default(),
    };
    StateRecord::created("a".parse().expect("valid"), Uuid::nil(), summary, now(0))
}

fn steps() -> impl Strategy<Value = Step> {
    let class = prop::sample::select(FailureClass::ALL.to_vec());
    let failure = class.prop_map(|class| Failure { class, message: "m".into() });
    prop_oneof![
        3 => Just(Step::Admit),
        1 => Just(Step::Complete {
            branch: "b".into(),
            commit: "0".repeat(40).try_into().expect("valid"),
        }),
        3 => (failure.clone(), prop::sample::select(vec![By::Finish, By::Core]))
            .prop_map(|(failure, by)| Step::Fail { by, failure }),
        1 => failure.prop_map(Step::Reject),
        1 => Just(Step::Cancel { reason: "r".into() }),
        1 => Just(Step::Flatline { reason: "r".into() }),
        1 => Just(Step::Accept { reason: "r".into() }),
        1 => prop::sample::select(vec![RetryFrom::Checkpoint, RetryFrom::Fresh])
            .prop_map(|from| Step::Retry { reason: "r".into(), from }),
    ]
}

proptest! {
    #[test]
    fn any_sequence_of_steps_keeps_the_rules(steps in prop::collection::vec(steps(), 0..60)) {
        let mut record = record();
        for (i, step) in steps.iter().enumerate() {
            let Ok(next) = record.step(step, now(i as i64)) else { continue };
            let by_someone = [By::Core, By::Finish, By::Operator]
                .into_iter()
                .any(|by| legal(Some(record.state), next.state, by));
            prop_assert!(by_someone);
            prop_assert!((next.round, next.attempt) >= (record.round, record.attempt));
            prop_assert!(next.used_attempts <= next.summary.policy.attempts);
            prop_assert!(next.uncounted_attempts <= next.summary.policy.uncounted_attempts);
            prop_assert!(next.used_attempts + next.uncounted_attempts <= next.attempt);
            if next.state == State::Unresolved {
                // A loop that waits by itself always has an attempt left, so it never waits for ever.
                prop_assert!(next.used_attempts < next.summary.policy.attempts);
                prop_assert!(next.uncounted_attempts < next.summary.policy.uncounted_attempts);
            }
            prop_assert!(next.not_before.is_none() || next.state == State::Unresolved);
            let json = serde_json::to_vec(&next).expect("serializes");
            prop_assert_eq!(&serde_json::from_slice::<StateRecord>(&json).expect("reads"), &next);
            record = next;
        }
    }
}

#[test]
fn only_finish_completes_and_only_core_admits() {
    for t in TRANSITIONS {
        match (t.from, t.to) {
            (Some(State::Overwriting), State::Synced) => {
                assert!(matches!(t.by, By::Finish | By::Operator));
            }
            (_, State::Overwriting) => assert_eq!(t.by, By::Core),
            _ => {}
        }
    }
}

#[test]
fn a_cancelled_loop_is_not_finished_later() {
    let running = record().step(&Step::Admit, now(1)).expect("legal");
    let cancelled = running.step(&Step::Cancel { reason: "stop".into() }, now(2)).expect("legal");
    let branch = "b".to_owned();
    let commit = "0".repeat(40).try_into().expect("valid");
    let late = cancelled.step(&Step::Complete { branch, commit }, now(3));
    assert_eq!(late, Err(Illegal::NoSuchTransition { from: State::Cancelled, to: State::Synced }));
}

#[test]
fn a_synced_loop_is_only_retried_fresh() {
    let synced = record().step(&Step::Accept { reason: "ok".into() }, now(1)).expect("legal");
    let retry = |from| synced.step(&Step::Retry { reason: "again".into(), from }, now(2));
    assert_eq!(retry(RetryFrom::Checkpoint), Err(Illegal::SyncedNeedsFresh));
    let fresh = retry(RetryFrom::Fresh).expect("legal");
    assert_eq!((fresh.round, fresh.attempt, fresh.fresh), (2, 0, true));
}

#[test]
fn attempts_are_used_up_with_backoff_between() {
    let mut record = record();
    let failure = Failure { class: FailureClass::GatesFailed, message: "red".into() };
    for n in 1..=3 {
        record = record.step(&Step::Admit, now(n)).expect("legal");
        let step = Step::Fail { by: By::Finish, failure: failure.clone() };
        record = record.step(&step, now(n)).expect("legal");
        assert_eq!(record.used_attempts, n as u32);
    }
    assert_eq!(record.state, State::Flatline);
    assert_eq!(record.reason, Reason::Failure(FailureClass::GatesFailed));
    assert_eq!(record.message, "red; 3 of 3 attempts used");
}

#[test]
fn unknown_fields_survive_a_rewrite() {
    let mut json = serde_json::to_value(record()).expect("serializes");
    json["later"] = serde_json::json!({"a": 1});
    let read: StateRecord = serde_json::from_value(json).expect("reads");
    let next = read.step(&Step::Admit, now(1)).expect("legal");
    let written = serde_json::to_value(next).expect("serializes");
    assert_eq!(written["later"]["a"], 1);
}
