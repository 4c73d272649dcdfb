//! Locks and the leadership: who lost one changes nothing.

use std::time::Duration;

use smith_model::story::Usage;
use smith_model::worker::{Progress, WorkerPhase};

use super::proxy::{Fate, Proxy};
use super::*;
use crate::store::change::LockStep;
use crate::store::keys::LiveKey;

const TTL: Duration = Duration::from_secs(60);

async fn take_on(store: &Store, id: &LoopId, lease: i64) -> Outcome {
    let change = Change { lock: lock_on(lease), ..says("took the lock") };
    write_always(store, id, change).await
}

/// Takes the lock; answers its lease and its epoch.
async fn take(store: &Store, id: &LoopId) -> (i64, i64) {
    let lease = store.grant(TTL).await.unwrap();
    (lease, take_on(store, id, lease).await.unwrap().revision)
}

/// What a worker of this epoch would write, whatever it remembers.
async fn as_holder(store: &Store, id: &LoopId, epoch: i64) -> Outcome {
    let decide = |snapshot: &Snapshot| match &snapshot.lock {
        Some(lock) if lock.created == epoch => {
            Ok(write(Change { lock: LockStep::Hold, ..says("held") }, ()))
        }
        _ => Err(No),
    };
    store.change(id, now(), decide).await
}

fn with(lock: LockStep) -> Change {
    Change { lock, ..says("with a lock step") }
}

#[tokio::test]
async fn the_epoch_is_the_revision_of_the_claim_and_ends_with_the_lease() {
    let lab = Lab::new().await;
    let id = lab.create("a").await;
    let (lease, epoch) = take(&lab.store, &id).await;
    let lock = lab.store.lock(&id).await.unwrap().unwrap();
    assert_eq!((lock.created, lock.value.lease), (epoch, lease));
    as_holder(&lab.store, &id, epoch).await.unwrap();
    lab.store.keep_alive(lease).await.unwrap();
    // It remembers the lock; the lease ends elsewhere.
    let other = lab.another().await;
    other.revoke(lease).await.unwrap();
    other.revoke(lease).await.unwrap();
    assert!(matches!(lab.store.keep_alive(lease).await, Err(Error::LeaseGone)));
    let fenced = promptly(as_holder(&lab.store, &id, epoch)).await;
    assert!(matches!(fenced, Err(ChangeError::Refused(No))), "{fenced:?}");
    // Taken again by another: another epoch.
    let (_, later) = take(&other, &id).await;
    assert!(later > epoch);
    let fenced = promptly(as_holder(&lab.store, &id, epoch)).await;
    assert!(matches!(fenced, Err(ChangeError::Refused(No))), "{fenced:?}");
    as_holder(&other, &id, later).await.unwrap();
    assert_eq!(lab.messages(&id).await[1..], ["took the lock", "held", "took the lock", "held"]);
}

#[tokio::test]
async fn a_lease_that_nobody_keeps_frees_the_loop() {
    let lab = Lab::new().await;
    let id = lab.create("a").await;
    let lease = lab.store.grant(Duration::from_millis(10)).await.unwrap();
    let from = take_on(&lab.store, &id, lease).await.unwrap().revision;
    let mut watch = lab.store.watch_live(from + 1).await.unwrap();
    let gone = async {
        loop {
            let batch = watch.next().await.unwrap();
            let lock = LiveKey::Lock(id.clone());
            if batch.events.iter().any(|e| e.key == lock && e.value.is_none()) {
                return;
            }
        }
    };
    in_time(gone).await;
    let fenced = promptly(as_holder(&lab.store, &id, from)).await;
    assert!(matches!(fenced, Err(ChangeError::Refused(No))), "{fenced:?}");
}

#[tokio::test]
async fn a_step_that_the_lock_forbids_is_told_at_once() {
    let lab = Lab::new().await;
    let (id, other) = (lab.create("a").await, lab.another().await);
    let check = async |lock, expected: fn(&Error) -> bool| {
        let outcome = promptly(write_always(&lab.store, &id, with(lock))).await;
        let error = store_error(outcome);
        assert!(expected(&error), "{error:?}");
    };
    let not_locked = |error: &Error| matches!(error, Error::NotLocked(_));
    let locked = |error: &Error| matches!(error, Error::Locked(_));
    check(LockStep::Hold, not_locked).await;
    check(LockStep::Release, not_locked).await;
    write_always(&lab.store, &id, with(LockStep::Absent)).await.unwrap();
    // The first store doesn't know of it.
    let (lease, _) = take(&other, &id).await;
    check(LockStep::Absent, locked).await;
    assert!(matches!(
        store_error(promptly(take_on(&lab.store, &id, lease)).await),
        Error::Locked(_)
    ));
    write_always(&lab.store, &id, with(LockStep::Hold)).await.unwrap();
    // And it doesn't know of its end: what it remembers forbids nothing.
    other.revoke(lease).await.unwrap();
    write_always(&lab.store, &id, with(LockStep::Absent)).await.unwrap();
    let (lease, _) = take(&lab.store, &id).await;
    other.revoke(lease).await.unwrap();
    take(&lab.store, &id).await;
    write_always(&lab.store, &id, with(LockStep::Release)).await.unwrap();
    assert_eq!(lab.store.lock(&id).await.unwrap(), None);
    check(LockStep::Hold, not_locked).await;
    lab.journal(&id).await;
}

#[tokio::test]
async fn a_lock_cant_be_taken_on_a_lease_that_is_gone() {
    let lab = Lab::new().await;
    let id = lab.create("a").await;
    let lease = lab.store.grant(TTL).await.unwrap();
    lab.store.revoke(lease).await.unwrap();
    let error = store_error(promptly(take_on(&lab.store, &id, lease)).await);
    assert!(matches!(error, Error::LeaseGone), "{error:?}");
    assert_eq!(lab.messages(&id).await, ["created"]);
    take(&lab.store, &id).await;
}

#[tokio::test]
async fn progress_compares_the_lock_and_goes_with_it() {
    let lab = Lab::new().await;
    let id = lab.create("a").await;
    let (lease, epoch) = take(&lab.store, &id).await;
    let progress = Progress {
        no: NO,
        phase: WorkerPhase::Iterating,
        iteration: 1,
        story: None,
        stories_done: 0,
        stories_total: 3,
        usage: Usage::default(),
        suspect: false,
        suspect_since: None,
    };
    let put =
        async |epoch, lease| lab.store.put_progress(&id, epoch, lease, &progress).await.unwrap();
    assert!(put(epoch, lease).await);
    assert!(!put(epoch - 1, lease).await);
    let records = lab.store.loop_records(&id).await.unwrap().unwrap();
    assert_eq!(records.progress, Some(progress.clone()));
    lab.store.revoke(lease).await.unwrap();
    assert!(!put(epoch, lease).await);
    assert!(!lab.all_keys().await.iter().any(|key| key.starts_with("/live/progress/")));
    let (lease, later) = take(&lab.store, &id).await;
    assert!(!put(epoch, lease).await);
    assert!(put(later, lease).await);
    let change = Change { lock: LockStep::Release, drop_progress: true, ..says("done") };
    write_always(&lab.store, &id, change).await.unwrap();
    assert!(!put(later, lease).await);
    assert!(!lab.all_keys().await.iter().any(|key| key.starts_with("/live/progress/")));
}

#[tokio::test]
async fn a_deposed_leader_changes_nothing_and_is_told_at_once() {
    let lab = Lab::new().await;
    let (id, other) = (lab.create("a").await, lab.another().await);
    let first = lab.store.lead(&candidate("first", None), TTL).await.unwrap().unwrap();
    assert_eq!(other.lead(&candidate("second", None), TTL).await.unwrap(), None);
    let led = |created| Change { leader: Some(created), ..says("led") };
    for _ in 0..2 {
        write_always(&lab.store, &id, led(first.created)).await.unwrap();
    }
    other.revoke(first.lease).await.unwrap();
    let check = async || {
        let error = store_error(promptly(write_always(&lab.store, &id, led(first.created))).await);
        assert!(matches!(error, Error::NotLeading), "{error:?}");
    };
    check().await;
    let second = other.lead(&candidate("second", None), TTL).await.unwrap().unwrap();
    assert!(second.created > first.created);
    check().await;
    // Also when the loop changed besides.
    write_always(&other, &id, led(second.created)).await.unwrap();
    check().await;
    assert_eq!(lab.journal(&id).await.len(), 1 + 2 + 1);
}

#[tokio::test]
async fn what_a_leader_wrote_before_it_was_deposed_is_not_denied() {
    let lab = Lab::new().await;
    let (id, other) = (lab.create("a").await, lab.another().await);
    let proxy = Proxy::to(&lab.etcd.url).await;
    let store = lab.through(&proxy).await;
    let first = store.lead(&candidate("first", None), TTL).await.unwrap().unwrap();
    let led = Change { leader: Some(first.created), ..says("led") };
    write_always(&store, &id, led.clone()).await.unwrap();
    // The request is on its way while the core is deposed, and arrives in vain.
    proxy.nth(0, Fate::Late);
    let change = tokio::spawn({
        let (store, id, led) = (store.clone(), id.clone(), led.clone());
        async move { write_always(&store, &id, led).await }
    });
    other.revoke(first.lease).await.unwrap();
    // Either the repetition came before, or it was refused: never both, never neither.
    let outcome = in_time(change).await.unwrap();
    proxy.release().await;
    let written = lab.journal(&id).await.len() - 2;
    match outcome {
        Ok(_) => assert_eq!(written, 1),
        Err(ChangeError::Store(Error::NotLeading)) => assert_eq!(written, 0),
        other => panic!("{other:?}"),
    }
    // One that was committed, though the answer was lost and the lease ended.
    let second = store.lead(&candidate("first", None), TTL).await.unwrap().unwrap();
    let led = Change { leader: Some(second.created), ..says("led again") };
    write_always(&store, &id, led.clone()).await.unwrap();
    proxy.nth(0, Fate::LoseAnswer);
    write_always(&store, &id, led).await.unwrap();
    assert_eq!(lab.journal(&id).await.len(), 2 + written + 2);
}

#[tokio::test]
async fn who_comes_back_to_its_seat_ends_its_own_leadership_and_nobody_else_s() {
    let lab = Lab::new().await;
    let (id, other) = (lab.create("a").await, lab.another().await);
    let seated = candidate("first", Some("seat"));
    assert!(!lab.store.unseat("seat").await.unwrap(), "nobody leads");
    let first = lab.store.lead(&seated, TTL).await.unwrap().unwrap();
    assert!(!other.unseat("another").await.unwrap());
    assert_eq!(other.lead(&candidate("second", Some("another")), TTL).await.unwrap(), None);
    assert!(other.unseat("seat").await.unwrap());
    let again = other.lead(&seated, TTL).await.unwrap().unwrap();
    // The lease has lots of time left; the leadership is over all the same.
    lab.store.keep_alive(first.lease).await.unwrap();
    let led = |created| Change { leader: Some(created), ..says("led") };
    let error = store_error(promptly(write_always(&lab.store, &id, led(first.created))).await);
    assert!(matches!(error, Error::NotLeading), "{error:?}");
    write_always(&other, &id, led(again.created)).await.unwrap();
    other.revoke(again.lease).await.unwrap();
    // One without a seat is nobody's but its own.
    lab.store.lead(&candidate("third", None), TTL).await.unwrap().unwrap();
    assert!(!other.unseat("seat").await.unwrap());
}
