//! Changes: decided on what is there, committed once, in the order of their numbers.

use std::sync::Arc;

use smith_model::attempt::AttemptRecord;
use smith_model::handoff::HandoffDraft;
use smith_model::inbox::Mark;
use smith_model::story::IterationRecord;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::delete::iteration;
use super::proxy::Proxy;
use super::*;

#[tokio::test]
async fn a_change_on_what_is_remembered_is_one_round_trip() {
    let lab = Lab::new().await;
    let id = lab.create("a").await;
    let proxy = Proxy::to(&lab.etcd.url).await;
    let store = lab.through(&proxy).await;
    let before = proxy.requests();
    append(&store, &id, "the first reads").await.unwrap();
    assert_eq!(proxy.requests() - before, 2);
    for n in 0..5 {
        append(&store, &id, &n.to_string()).await.unwrap();
    }
    assert_eq!(proxy.requests() - before, 2 + 5);
    // Another's change costs the one that failed, which brings what is there.
    append(&lab.store, &id, "another's").await.unwrap();
    append(&store, &id, "mine").await.unwrap();
    assert_eq!(proxy.requests() - before, 2 + 5 + 2);
    assert_eq!(lab.journal(&id).await.len(), 1 + 1 + 5 + 2);
}

#[tokio::test]
async fn a_change_is_decided_again_after_a_conflict() {
    let lab = Lab::new().await;
    let (id, other) = (lab.create("a").await, lab.another().await);
    append(&lab.store, &id, "remembered").await.unwrap();
    append(&other, &id, "unknown to the first").await.unwrap();
    let mut seen = vec![];
    let decide = |snapshot: &Snapshot| {
        seen.push(snapshot.head.value.next);
        Ok::<_, No>(write(says(format!("after {}", snapshot.head.value.next - 1)), ()))
    };
    let committed = lab.store.change(&id, now(), decide).await.unwrap();
    assert_eq!(seen, [3, 4]);
    assert_eq!(lab.messages(&id).await[3], "after 3");
    assert_eq!(committed.state.value.state, State::Unresolved);
}

#[tokio::test]
async fn neither_a_refusal_nor_a_done_comes_of_what_was_remembered() {
    let lab = Lab::new().await;
    let (id, other) = (lab.create("a").await, lab.another().await);
    append(&lab.store, &id, "remembered").await.unwrap();
    let cancelled = take_step(&other, &id, cancel()).await.unwrap();
    // To the first store it is still unresolved, which can't be retried.
    let retry = Step::Retry { reason: "r".into(), from: smith_model::state::RetryFrom::Checkpoint };
    let retried = take_step(&lab.store, &id, retry.clone()).await.unwrap();
    assert_eq!((retried.state.value.state, retried.state.value.round), (State::Unresolved, 2));
    assert!(retried.revision > cancelled.revision);
    // What it answers as done is what is there now, too.
    let done = |snapshot: &Snapshot| {
        Ok::<_, No>(Decision::Done((snapshot.state.value.round, snapshot.head.value.next)))
    };
    let answer = other.change(&id, now(), done).await.unwrap();
    assert_eq!((answer.answer, answer.revision), ((2, 5), retried.revision));
    let refused = take_step(&other, &id, retry).await;
    assert!(matches!(refused, Err(ChangeError::Refused(No))), "{refused:?}");
    assert_eq!(lab.journal(&id).await.len(), 4);
}

#[tokio::test]
async fn what_a_change_leaves_is_what_the_next_one_remembers() {
    let lab = Lab::new().await;
    let id = lab.create("a").await;
    let admit = |snapshot: &Snapshot| {
        let mut change = stepped(snapshot, &Step::Admit)?;
        let state = change.state.as_ref().unwrap();
        change.attempt = Some(AttemptRecord::admitted(state, None, now()));
        change.accepted = Some((NO, 7));
        change.excerpt_bytes = 5;
        Ok::<_, No>(write(change, ()))
    };
    lab.store.change(&id, now(), admit).await.unwrap();
    // An earlier attempt's record is no newer one.
    let no = AttemptNo { round: 1, attempt: 0 };
    let earlier = |snapshot: &Snapshot| {
        let newest = snapshot.attempt.as_ref().unwrap().value.clone();
        let attempt = Some(AttemptRecord { no, ..newest });
        Ok::<_, No>(write(Change { attempt, ..says("an earlier one") }, ()))
    };
    lab.store.change(&id, now(), earlier).await.unwrap();
    let mut remembered = None;
    let look = |snapshot: &Snapshot| {
        remembered.get_or_insert_with(|| snapshot.clone());
        Ok::<_, No>(write(says("looked"), ()))
    };
    lab.store.change(&id, now(), look).await.unwrap();
    let slot = lab.store.slot(&id);
    let after = slot.lock().await.clone().unwrap();
    let stored = lab.store.snapshot(&id).await.unwrap();
    assert_eq!(format!("{after:?}"), format!("{stored:?}"));
    let remembered = remembered.unwrap();
    assert_eq!(remembered.attempt.unwrap().value.no.attempt, 1);
    assert_eq!((stored.head.value.accepted, stored.head.value.excerpt_bytes), (7, 5));
}

#[tokio::test]
async fn many_writers_make_one_gapless_chain() {
    const WRITERS: usize = 4;
    const EACH: usize = 60;
    let lab = Lab::new().await;
    let id = lab.create("a").await;
    let (mut tasks, barrier) = (JoinSet::new(), Arc::new(Barrier::new(WRITERS)));
    for w in 0..WRITERS {
        let (store, id, barrier) = (lab.another().await, id.clone(), barrier.clone());
        tasks.spawn(async move {
            barrier.wait().await;
            let mut revisions = vec![];
            for n in 0..EACH {
                // Some changes are of several entries.
                let texts = (0..=n % 3).map(|i| format!("{w} {n} {i}"));
                let change =
                    Change { entries: texts.flat_map(entry).collect(), ..Change::default() };
                revisions.push((write_always(&store, &id, change).await.unwrap().revision, w, n));
            }
            revisions
        });
    }
    let mut commits: Vec<_> = in_time(tasks.join_all()).await.into_iter().flatten().collect();
    commits.sort_unstable();
    let expected =
        commits.into_iter().flat_map(|(_, w, n)| (0..=n % 3).map(move |i| format!("{w} {n} {i}")));
    let expected: Vec<_> = ["created".to_owned()].into_iter().chain(expected).collect();
    assert_eq!(lab.messages(&id).await, expected);
}

#[tokio::test]
async fn a_loop_that_isnt_there_is_named() {
    let lab = Lab::new().await;
    let id: LoopId = "nobody".parse().unwrap();
    let error = store_error(append(&lab.store, &id, "x").await);
    assert!(matches!(&error, Error::NoSuchLoop(missing) if *missing == id), "{error:?}");
}

#[tokio::test]
async fn a_change_without_evidence_is_refused() {
    let lab = Lab::new().await;
    let id = lab.create("a").await;
    let before = lab.all_keys().await;
    let check = async |edit: &dyn Fn(&Snapshot) -> Change| {
        let outcome = lab.store.change(&id, now(), |s| Ok::<_, No>(write(edit(s), ()))).await;
        let error = store_error(outcome);
        assert!(matches!(error, Error::Unfounded { .. }), "{error:?}");
    };
    let cancelled = |s: &Snapshot| stepped(s, &cancel()).unwrap();
    // A step that the journal doesn't tell, or an act that nothing chains.
    check(&|s| Change { entries: vec![], ..cancelled(s) }).await;
    check(&|s| Change { entries: entry("something else"), ..cancelled(s) }).await;
    check(&|s| Change { state: None, ..cancelled(s) }).await;
    check(&|_| Change { act: Some(act("loop.hold")), ..Change::default() }).await;
    // A step that the table lacks.
    let jump = |s: &Snapshot| {
        let mut change = cancelled(s);
        let next = StateRecord { attempt: 5, ..s.state.value.clone() };
        change.entries[0].2.payload = Some(told(&s.state.value, &next));
        Change { state: Some(next), ..change }
    };
    check(&jump).await;
    assert_eq!(lab.all_keys().await, before);
    assert_eq!(lab.journal(&id).await.len(), 1);
}

#[tokio::test]
async fn what_a_claim_answers_is_one_read() {
    let lab = Lab::new().await;
    let (id, dependency) = (lab.create("a").await, lab.create("dependency").await);
    let no = |attempt| AttemptNo { round: 1, attempt };
    for attempt in [1, 2] {
        let admit = |snapshot: &Snapshot| {
            let state = StateRecord { attempt, ..snapshot.state.value.clone() };
            let record = AttemptRecord::admitted(&state, None, now());
            let iterations =
                [9, 10].map(|n| IterationRecord { no: no(attempt), ..iteration(n, "") });
            let change = Change {
                attempt: Some(record),
                iterations: iterations.into_iter().take(attempt as usize).collect(),
                handoff: Some((no(attempt), None, HandoffDraft::default())),
                ..says("admitted")
            };
            Ok::<_, No>(write(change, ()))
        };
        lab.store.change(&id, now(), admit).await.unwrap();
    }
    let proxy = Proxy::to(&lab.etcd.url).await;
    let store = lab.through(&proxy).await;
    let before = proxy.requests();
    let depends_on = ["gone".parse().unwrap(), dependency.clone()];
    let read = store.claim_records(&id, no(2), &depends_on).await.unwrap().unwrap();
    assert_eq!(proxy.requests() - before, 1);
    assert_eq!(read.spec.loop_id, id);
    assert_eq!(read.before.unwrap().no, no(1));
    assert_eq!(read.iteration.unwrap().iteration, 10, "as numbers sort, not as texts");
    assert_eq!(read.handoff.unwrap().no, no(2));
    let found: Vec<_> = read.dependencies.into_iter().map(|state| state.loop_id).collect();
    assert_eq!(found, [dependency]);
    let first = store.claim_records(&id, no(1), &[]).await.unwrap().unwrap();
    assert!(first.before.is_none());
    assert_eq!(first.iteration.unwrap().iteration, 9);
    let missing = store.claim_records(&"missing".parse().unwrap(), no(1), &[]).await;
    assert!(missing.unwrap().is_none());
}

#[tokio::test]
async fn a_mark_is_an_act_and_is_remembered() {
    let lab = Lab::new().await;
    let id = lab.create("a").await;
    let mark = |note: &str| {
        let blank = Mark::blank("held.00000000.t1".parse().unwrap());
        Some(Mark { note: Some(note.into()), ..blank })
    };
    let alone = Change { mark: mark("nobody did it"), ..says("x") };
    let error = store_error(write_always(&lab.store, &id, alone).await);
    assert!(matches!(error, Error::Unfounded { .. }), "{error:?}");
    for note in ["first", "second"] {
        let act = Some(act("inbox.snooze"));
        let change = Change { act, mark: mark(note), ..says(note) };
        write_always(&lab.store, &id, change).await.unwrap();
        let mut seen = None;
        let look = |snapshot: &Snapshot| {
            seen = snapshot.mark.clone();
            Ok::<_, No>(Decision::Done(()))
        };
        lab.store.change(&id, now(), look).await.unwrap();
        let stored = lab.store.snapshot(&id).await.unwrap().mark;
        assert_eq!(seen, stored, "what is remembered is what is there");
        assert_eq!(stored.unwrap().value.note.as_deref(), Some(note));
    }
    let entry = lab.journal(&id).await.pop().unwrap();
    assert!(
        matches!(entry.draft.payload, Some(Payload::Act { action, .. }) if action == "inbox.snooze")
    );
}
