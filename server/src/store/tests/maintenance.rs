//! An etcd that is full, and a history that is compacted.

use super::*;
use crate::store::keys::LiveKey;
use crate::store::live::WatchEnd;

#[tokio::test]
async fn a_full_etcd_says_so_gives_locks_back_and_takes_writes_again() {
    let lab = Lab::on(Etcd::private_with(&["--quota-backend-bytes", "4194304"]).await).await;
    let (store, id) = (&lab.store, lab.create("a").await);
    let lease = store.grant(std::time::Duration::from_secs(60)).await.unwrap();
    let change = Change { lock: lock_on(lease), ..says("took the lock") };
    write_always(store, &id, change).await.unwrap();
    assert!(!store.fill().await.unwrap().full);
    let filler = format!("{}/filler", lab.prefix);
    while lab.raw.clone().put(filler.as_str(), vec![b'x'; 500_000], None).await.is_ok() {}
    let fill = store.fill().await.unwrap();
    assert!(fill.full && fill.file > 3_000_000, "{fill:?}");
    // Refused at once, remembered or not, and nothing of it is written.
    for store in [store, &lab.another().await] {
        let error = store_error(promptly(append(store, &id, "x")).await);
        assert!(matches!(error, Error::Full), "{error:?}");
    }
    let created = promptly(store.create(&new_loop("b", json!({})))).await;
    assert!(matches!(created, Err(Error::Full)), "{created:?}");
    let snapshot = store.snapshot(&id).await.unwrap();
    let (_, seen) = store.dependents(&id).await.unwrap();
    let deleted = store.delete(&snapshot, seen, actor(), act("loop.delete"), now());
    let deleted = promptly(deleted).await;
    assert!(matches!(deleted, Err(Error::Full) | Ok(None)), "{deleted:?}");
    assert_eq!(lab.messages(&id).await, ["created", "took the lock"]);
    // A lock can be deleted all the same.
    store.drop_lock(&id).await.unwrap();
    assert_eq!(store.lock(&id).await.unwrap(), None);
    store.compact(store.revision().await.unwrap()).await.unwrap();
    store.make_room().await.unwrap();
    let after = store.fill().await.unwrap();
    assert!(!after.full && after.file < fill.file, "{after:?}");
    append(store, &id, "again").await.unwrap();
    assert!(matches!(store.create(&new_loop("b", json!({}))).await, Ok(Created::New(_))));
    assert_eq!(lab.messages(&id).await[2..], ["again"]);
    // On one that isn't full it does no harm.
    store.make_room().await.unwrap();
    append(store, &id, "still").await.unwrap();
}

#[tokio::test]
async fn a_watch_that_fell_behind_a_compaction_is_told() {
    let lab = Lab::on(Etcd::private().await).await;
    let (store, id) = (&lab.store, lab.create("a").await);
    let from = store.revision().await.unwrap();
    for _ in 0..5 {
        store.tick().await.unwrap();
    }
    let last = store.revision().await.unwrap();
    store.compact(last).await.unwrap();
    // Another process may have done it before.
    store.compact(last).await.unwrap();
    let mut watch = store.watch_live(from).await.unwrap();
    let end = in_time(watch.next()).await;
    assert!(matches!(end, Err(WatchEnd::Compacted(at)) if at == last), "{end:?}");
    let mut watch = store.watch_journal(&id, from).await.unwrap();
    let end = in_time(watch.next()).await;
    assert!(matches!(end, Err(WatchEnd::Compacted(at)) if at == last), "{end:?}");
    // The way back: a list, and the watch from there.
    let list = store.list_live().await.unwrap();
    assert!(list.items.iter().any(|(key, _)| *key == LiveKey::State(id.clone())));
    let mut watch = store.watch_live(list.revision + 1).await.unwrap();
    let tick = store.tick().await.unwrap();
    let batch = loop {
        let batch = in_time(watch.next()).await.unwrap();
        if !batch.events.is_empty() {
            break batch;
        }
    };
    assert_eq!((batch.revision, &batch.events[0].key), (tick, &LiveKey::Tick));
}

#[tokio::test]
async fn a_watch_shows_a_transaction_as_one_batch_and_a_journal_to_its_end() {
    let lab = Lab::new().await;
    let list = lab.store.list_live().await.unwrap();
    let mut live = lab.store.watch_live(list.revision + 1).await.unwrap();
    let id = lab.create("a").await;
    let mut journal = lab.store.watch_journal(&id, list.revision + 1).await.unwrap();
    let lease = lab
        .store
        .lead(&candidate("c", None), std::time::Duration::from_secs(60))
        .await
        .unwrap()
        .unwrap();
    let step = take_step(&lab.store, &id, cancel()).await.unwrap();
    let snapshot = lab.store.snapshot(&id).await.unwrap();
    let deleted = lab.store.delete(&snapshot, step.revision, actor(), act("d"), now());
    let deleted = deleted.await.unwrap().unwrap();
    let mut seen: Vec<(i64, LiveKey, bool)> = vec![];
    while seen.last().is_none_or(|(revision, ..)| *revision < deleted) {
        let batch = in_time(live.next()).await.unwrap();
        for event in batch.events {
            seen.push((batch.revision, event.key, event.value.is_some()));
        }
    }
    let state = LiveKey::State(id.clone());
    let expected = [(step.revision, state.clone(), true), (deleted, state.clone(), false)];
    assert_eq!(seen[0].1, state);
    assert_eq!(seen[1], (lease.created, LiveKey::Leader, true));
    assert_eq!(seen[2..], expected);
    // What was written before the delete is told before it.
    let mut messages = vec![];
    loop {
        let entries = in_time(journal.next()).await.unwrap();
        if entries.is_empty() {
            break;
        }
        messages.extend(entries.into_iter().map(|entry| entry.seq));
    }
    assert_eq!(messages, [1, 2]);
}
