//! Creates: one transaction, once.

use serde_json::json;
use smith_model::id::Digest;
use smith_model::journal::Payload;
use tokio::task::JoinSet;

use super::proxy::{Fate, Proxy};
use super::*;

#[tokio::test]
async fn a_create_writes_the_whole_loop_in_one_round_trip() {
    let lab = Lab::new().await;
    let proxy = Proxy::to(&lab.etcd.url).await;
    let store = lab.through(&proxy).await;
    let before = proxy.requests();
    let new = new_loop("a", json!({}));
    let Created::New(state) = store.create(&new).await.unwrap() else { panic!("new") };
    assert_eq!(proxy.requests() - before, 1);
    assert_eq!((state.value.uid, state.value.state), (new.spec.uid, State::Unresolved));
    let id = &new.spec.loop_id;
    assert_eq!(store.state(id).await.unwrap(), Some(*state.clone()));
    assert_eq!(store.loop_records(id).await.unwrap().unwrap().spec, new.spec);
    // Every key of it has the revision of the one transaction.
    let options = GetOptions::new().with_prefix();
    let all = lab.raw.clone().get(lab.prefix.as_str(), Some(options)).await.unwrap();
    let of_it = all.kvs().iter().filter(|kv| kv.mod_revision() == state.revision).count();
    assert_eq!(of_it, 6, "spec, state, head, entry, request and audit");
    assert_eq!(lab.messages(id).await, ["created"]);
}

#[tokio::test]
async fn the_audit_record_of_an_act_is_tied_to_its_entry() {
    let lab = Lab::new().await;
    let id = lab.create("a").await;
    let hold = Change { act: Some(act("loop.hold")), ..says("held") };
    write_always(&lab.store, &id, hold).await.unwrap();
    let step = |s: &Snapshot| {
        Ok::<_, No>(Change { act: Some(act("loop.cancel")), ..stepped(s, &cancel())? })
    };
    lab.store.change(&id, now(), |s| Ok::<_, No>(write(step(s)?, ()))).await.unwrap();
    let entries = lab.journal(&id).await;
    assert_eq!(entries.len(), 3);
    for (entry, action) in entries.iter().zip(["loop.create", "loop.hold", "loop.cancel"]) {
        let link = match &entry.draft.payload {
            Some(
                Payload::Transition { audit: Some(link), .. } | Payload::Act { audit: link, .. },
            ) => link,
            other => panic!("{other:?}"),
        };
        let record = lab.store.audit_record(entry.at, link.id).await.unwrap().unwrap();
        assert_eq!((record.action.as_str(), record.seq), (action, entry.seq));
        assert_eq!((record.scope.as_str(), record.loop_id.as_ref()), (id.as_str(), Some(&id)));
        assert_eq!(record.request_id.as_deref(), Some("r-1"));
        let stored = lab.bytes(&lab.keys.audit_record(entry.at, link.id)).await.unwrap();
        assert_eq!(link.sha256, Digest::of(&stored).to_string());
    }
    let newest = lab.store.audit(None, None, 2).await.unwrap();
    let actions: Vec<_> = newest.items.iter().map(|r| r.action.as_str()).collect();
    assert_eq!(actions, ["loop.cancel", "loop.hold"]);
    let last = lab.store.audit_key(&newest.items[1]);
    let older = lab.store.audit(None, Some(&last), 10).await.unwrap();
    assert_eq!(older.items.len(), 1);
}

#[tokio::test]
async fn the_same_request_two_hundred_times_at_once_is_one_loop() {
    let lab = Lab::new().await;
    let stores = [lab.store.clone(), lab.another().await, lab.another().await];
    let mut tasks = JoinSet::new();
    for n in 0..200 {
        let store = stores[n % stores.len()].clone();
        tasks.spawn(async move { store.create(&new_loop("one", json!({}))).await.unwrap() });
    }
    let (mut new, mut uids) = (0, std::collections::BTreeSet::new());
    for created in in_time(tasks.join_all()).await {
        match created {
            Created::New(state) => {
                new += 1;
                uids.insert(state.value.uid);
            }
            Created::Existing(state) => _ = uids.insert(state.value.uid),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((new, uids.len()), (1, 1));
    assert_eq!(lab.messages(&"one".parse().unwrap()).await.len(), 1);
    let keys = lab.all_keys().await;
    let count = |part: &str| keys.iter().filter(|key| key.starts_with(part)).count();
    assert_eq!((count("/anomalies/"), count("/requests/"), count("/audit/")), (1, 1, 1));
}

#[tokio::test]
async fn what_is_in_the_way_of_a_create_is_told_apart() {
    let lab = Lab::new().await;
    let store = &lab.store;
    let id = lab.create("a").await;
    // The same key for another request.
    let other = new_loop("a", json!({ "prompt": "q" }));
    let found = store.create(&other).await.unwrap();
    assert!(matches!(&found, Created::KeyConflict(first) if *first == id), "{found:?}");
    // The same id under another key.
    let taken = new_loop("a", json!({ "idempotency_key": "k" }));
    let found = store.create(&taken).await.unwrap();
    assert!(matches!(&found, Created::IdTaken(taken) if *taken == id), "{found:?}");
    assert_eq!(store.request(&taken.spec.project, "k").await.unwrap(), None);
    // Dependencies that aren't there, by name.
    let waits = new_loop("b", json!({ "depends_on": ["a", "x", "y"] }));
    let found = store.create(&waits).await.unwrap();
    let Created::NoSuchDependencies(missing) = found else { panic!("{found:?}") };
    assert_eq!(missing.iter().map(LoopId::as_str).collect::<Vec<_>>(), ["x", "y"]);
    assert_eq!(store.state(&"b".parse().unwrap()).await.unwrap(), None);
    assert_eq!(store.dependents(&id).await.unwrap().0, []);
    // A key whose loop was deleted, and an id.
    take_step(store, &id, cancel()).await.unwrap();
    let snapshot = store.snapshot(&id).await.unwrap();
    let (_, seen) = store.dependents(&id).await.unwrap();
    let deleted = store.delete(&snapshot, seen, actor(), act("loop.delete"), now()).await;
    assert!(deleted.unwrap().is_some());
    for again in [new_loop("a", json!({})), other, taken] {
        let found = store.create(&again).await.unwrap();
        assert!(matches!(&found, Created::Deleted(gone) if *gone == id), "{found:?}");
    }
    let found = store.create(&new_loop("c", json!({ "depends_on": ["a"] }))).await.unwrap();
    assert!(matches!(found, Created::NoSuchDependencies(_)), "{found:?}");
}

#[tokio::test]
async fn a_create_and_the_delete_of_its_dependency_cant_both_win() {
    let lab = Lab::new().await;
    let other = lab.another().await;
    for n in 0..30 {
        let id = lab.create(&format!("d{n}")).await;
        take_step(&lab.store, &id, cancel()).await.unwrap();
        let snapshot = lab.store.snapshot(&id).await.unwrap();
        let (_, seen) = lab.store.dependents(&id).await.unwrap();
        let waits = new_loop(&format!("w{n}"), json!({ "depends_on": [id] }));
        let delete = lab.store.delete(&snapshot, seen, actor(), act("loop.delete"), now());
        let (created, deleted) = tokio::join!(other.create(&waits), delete);
        match (created.unwrap(), deleted.unwrap()) {
            (Created::New(_), None) => {
                assert_eq!(lab.store.dependents(&id).await.unwrap().0.len(), 1);
            }
            (Created::NoSuchDependencies(missing), Some(_)) => assert_eq!(missing, [id]),
            both => panic!("{both:?}"),
        }
    }
}

#[tokio::test]
async fn a_create_whose_answer_is_lost_is_new_all_the_same() {
    let lab = Lab::new().await;
    let proxy = Proxy::to(&lab.etcd.url).await;
    let store = lab.through(&proxy).await;
    for (n, fate) in [Fate::LoseAnswer, Fate::LoseRequest].into_iter().enumerate() {
        proxy.nth(0, fate);
        let new = new_loop(&format!("l{n}"), json!({}));
        let created = in_time(store.create(&new)).await.unwrap();
        assert!(matches!(created, Created::New(_)), "{created:?}");
        assert_eq!(lab.messages(&new.spec.loop_id).await.len(), 1);
    }
    // One that arrives after its repetition.
    proxy.nth(0, Fate::Late);
    let new = new_loop("late", json!({}));
    let created = in_time(store.create(&new)).await.unwrap();
    assert!(matches!(created, Created::New(_)), "{created:?}");
    proxy.release().await;
    assert_eq!(lab.messages(&new.spec.loop_id).await.len(), 1);
    let again = store.create(&new_loop("late", json!({}))).await.unwrap();
    assert!(matches!(again, Created::Existing(_)), "{again:?}");
}

#[tokio::test]
async fn an_installation_has_one_id_however_many_begin_it() {
    let etcd = Etcd::shared().await;
    let prefix = format!("/t/{}", Uuid::new_v4());
    let opened = futures::future::join_all((0..10).map(|_| etcd.open(&prefix))).await;
    let ids: std::collections::BTreeSet<_> =
        opened.into_iter().map(|store| store.unwrap().installation()).collect();
    assert_eq!(ids.len(), 1);
}
