//! Deletes: all of a loop goes at once, and what must stay stays.

use smith_model::attempt::{AttemptRecord, Exit};
use smith_model::handoff::HandoffDraft;
use smith_model::id::Digest;
use smith_model::inbox::Mark;
use smith_model::journal::Payload;
use smith_model::story::{
    DiffStat, IterationOutcome, IterationRecord, PrdSource, StoriesRecord, Usage,
};

use super::proxy::{Fate, Proxy};
use super::*;
use crate::store::change::OverrideDraft;
use crate::store::delete::Tombstone;

pub(super) fn iteration(n: u32, message: &str) -> IterationRecord {
    IterationRecord {
        schema_version: 1,
        no: NO,
        iteration: n,
        story: "s".into(),
        started_at: now(),
        ended_at: now(),
        outcome: IterationOutcome::Green,
        message: message.into(),
        agent: Exit::Code(0),
        agent_millis: 1,
        prompt: None,
        output: None,
        diff: None,
        gates: vec![],
        gate_set: Digest::of(b""),
        tree: None,
        commit: None,
        stat: DiffStat::default(),
        usage: Usage::default(),
    }
}

pub(super) fn stories() -> StoriesRecord {
    let (source, extra) = (PrdSource::Spec, smith_model::Extra::new());
    StoriesRecord { schema_version: 1, source, round: 1, stories: vec![], extra }
}

/// A cancelled loop that has one of everything but a lock.
async fn full_loop(lab: &Lab, name: &str) -> LoopId {
    lab.create(&format!("{name}-first")).await;
    let depends = json!({ "depends_on": [format!("{name}-first")] });
    let created = lab.store.create(&new_loop(name, depends)).await.unwrap();
    assert!(matches!(created, Created::New(_)));
    let id: LoopId = name.parse().unwrap();
    let admit = |snapshot: &Snapshot| {
        let mut change = stepped(snapshot, &Step::Admit)?;
        let draft = Draft::info(Phase::Completion, "handoff").with(Payload::Handoff);
        change.entries.push((actor(), Some(NO), draft));
        change.attempt = Some(AttemptRecord::admitted(change.state.as_ref().unwrap(), None, now()));
        change.stories = Some(stories());
        change.iterations = vec![iteration(1, ""), iteration(2, "")];
        change.handoff = Some((NO, None, HandoffDraft::default()));
        Ok::<_, No>(write(change, ()))
    };
    lab.store.change(&id, now(), admit).await.unwrap();
    lab.raw.clone().put(lab.keys.progress(&id), "{}", None).await.unwrap();
    let cancelled = |snapshot: &Snapshot| {
        let over = OverrideDraft {
            action: "cancel".into(),
            from: State::Overwriting,
            to: State::Cancelled,
            reason: "enough".into(),
        };
        let act = Some(act("loop.cancel"));
        let change = Change { act, over: Some(over), ..stepped(snapshot, &cancel())? };
        Ok::<_, No>(write(change, ()))
    };
    lab.store.change(&id, now(), cancelled).await.unwrap();
    let mark = Some(Mark::blank("held.00000000.t1".parse().unwrap()));
    let marked = Change { act: Some(act("inbox.claim")), mark, ..says("claimed") };
    write_always(&lab.store, &id, marked).await.unwrap();
    let waits = new_loop(&format!("{name}-last"), json!({ "depends_on": [name] }));
    assert!(matches!(lab.store.create(&waits).await.unwrap(), Created::New(_)));
    id
}

async fn delete(store: &Store, id: &LoopId) -> Option<i64> {
    let snapshot = store.snapshot(id).await.unwrap();
    let (_, seen) = store.dependents(id).await.unwrap();
    in_time(store.delete(&snapshot, seen, actor(), act("loop.delete"), now())).await.unwrap()
}

#[tokio::test]
async fn a_delete_leaves_nothing_but_what_keeps_the_id_used() {
    let lab = Lab::new().await;
    // Another's name begins with the same letters.
    let id = full_loop(&lab, "a").await;
    let (handoffs, overrides) = (lab.store.handoffs(&id).await, lab.store.overrides(&id).await);
    assert_eq!((handoffs.unwrap()[0].seq, overrides.unwrap()[0].seq), (3, 4));
    let head = lab.store.snapshot(&id).await.unwrap().head.value;
    let before = lab.all_keys().await;
    let of_it = |key: &String| key.split('/').any(|part| part == "a");
    assert_eq!(before.iter().filter(|key| of_it(key)).count(), 18, "{before:#?}");
    let revision = delete(&lab.store, &id).await.unwrap();
    let after = lab.all_keys().await;
    let left: Vec<_> = after.iter().filter(|key| of_it(key)).collect();
    assert_eq!(left, ["/tombstones/a"]);
    let kept = |key: &&String| !of_it(key);
    for key in before.iter().filter(kept) {
        assert!(after.contains(key), "{key} went too");
    }
    let new: Vec<_> = after.iter().filter(|key| !before.contains(key)).collect();
    assert_eq!(new.len(), 4, "tombstone, audit, system entry and head: {new:?}");
    let tombstone: Tombstone =
        serde_json::from_value(lab.json(&lab.keys.tombstone(&id)).await).unwrap();
    assert_eq!((tombstone.last, &tombstone.hash), (head.next - 1, &head.hash));
    assert_eq!((tombstone.by.as_str(), tombstone.reason.as_str()), ("t", "a reason"));
    assert!(lab.store.is_deleted(&id).await.unwrap());
    let system = lab.store.system_journal(0, 10).await.unwrap();
    assert!(system.items[0].draft.message.contains(&head.hash[..16]));
    assert_eq!(system.items.len(), 1);
    lab.check_chain("_system", lab.store.installation(), &system.items).await;
    assert_eq!(lab.store.snapshot(&"a-last".parse().unwrap()).await.unwrap().head.value.next, 2);
    assert!(system.revision >= revision);
    // Nobody remembers it, and nobody can delete it twice.
    let error = store_error(append(&lab.store, &id, "x").await);
    assert!(matches!(error, Error::NoSuchLoop(_)), "{error:?}");
}

#[tokio::test]
async fn who_remembers_a_loop_that_is_gone_is_told() {
    let lab = Lab::new().await;
    let (id, other) = (lab.create("a").await, lab.another().await);
    append(&other, &id, "remembered").await.unwrap();
    delete(&lab.store, &id).await.unwrap();
    let error = store_error(promptly(append(&other, &id, "x")).await);
    assert!(matches!(error, Error::NoSuchLoop(_)), "{error:?}");
    assert!(!lab.all_keys().await.iter().any(|key| key.starts_with("/journal/a/")));
}

#[tokio::test]
async fn a_delete_is_refused_when_something_changed_meanwhile() {
    let lab = Lab::new().await;
    let id = lab.create("a").await;
    let keys = async || {
        let mut keys = lab.all_keys().await;
        keys.retain(|key| !key.starts_with("/anomalies/w"));
        keys.len()
    };
    let check = async |snapshot: &Snapshot, seen| {
        let before = keys().await;
        let new = act("loop.delete");
        let deleted = lab.store.delete(snapshot, seen, actor(), new, now()).await.unwrap();
        assert_eq!((deleted, keys().await), (None, before));
    };
    let snapshot = lab.store.snapshot(&id).await.unwrap();
    let (_, seen) = lab.store.dependents(&id).await.unwrap();
    append(&lab.store, &id, "meanwhile").await.unwrap();
    check(&snapshot, seen).await;
    // A dependent that came after the look.
    let snapshot = lab.store.snapshot(&id).await.unwrap();
    let waits = new_loop("w", json!({ "depends_on": ["a"] }));
    assert!(matches!(lab.store.create(&waits).await.unwrap(), Created::New(_)));
    check(&snapshot, seen).await;
    // A worker's lock.
    let (names, seen) = lab.store.dependents(&id).await.unwrap();
    assert_eq!(names.len(), 1);
    let lease = lab.store.grant(std::time::Duration::from_secs(60)).await.unwrap();
    let change = Change { lock: lock_on(lease), ..says("took the lock") };
    write_always(&lab.store, &id, change).await.unwrap();
    let snapshot = lab.store.snapshot(&id).await.unwrap();
    check(&snapshot, seen).await;
    lab.store.drop_lock(&id).await.unwrap();
    assert!(delete(&lab.store, &id).await.is_some());
    assert_eq!(lab.store.system_journal(0, 10).await.unwrap().items.len(), 1);
}

#[tokio::test]
async fn a_delete_whose_answer_is_lost_is_done_once() {
    let lab = Lab::new().await;
    let proxy = Proxy::to(&lab.etcd.url).await;
    let store = lab.through(&proxy).await;
    // A snapshot, the dependents, and the system's head are read first.
    for (n, fate) in [Fate::LoseAnswer, Fate::LoseRequest, Fate::Late].into_iter().enumerate() {
        let id = lab.create(&format!("l{n}")).await;
        proxy.nth(3, fate);
        assert!(delete(&store, &id).await.is_some(), "{fate:?}");
        if fate == Fate::Late {
            proxy.release().await;
        }
        let system = store.system_journal(0, 10).await.unwrap();
        assert_eq!(system.items.len(), n + 1, "{fate:?}");
        lab.check_chain("_system", store.installation(), &system.items).await;
    }
}
