//! Followers of the audit that is written at the same time.

use smith_model::id::Revision;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::in_time;
use super::journal::create;
use crate::store::Store;
use crate::testing::Etcd;
use crate::view::audits::{AuditEvent, AuditFollower};
use crate::view::{Audits, EventId};

struct Running {
    audits: Audits,
    tasks: JoinSet<()>,
    shutdown: CancellationToken,
}

async fn start(store: &Store) -> Running {
    let shutdown = CancellationToken::new();
    let generation = store.generation().await.unwrap();
    let (audits, task) = Audits::start(store.clone(), generation, shutdown.clone());
    let mut tasks = JoinSet::new();
    tasks.spawn(task);
    Running { audits, tasks, shutdown }
}

/// The next record's loop, and the id behind it.
async fn next(follower: &mut AuditFollower) -> (EventId, String) {
    match in_time(follower.next()).await.unwrap() {
        (Some(id), AuditEvent::Record(record)) => (id, record.loop_id.clone().unwrap().to_string()),
        other => panic!("{other:?}"),
    }
}

async fn ready(follower: &mut AuditFollower) -> EventId {
    match in_time(follower.next()).await.unwrap() {
        (Some(id), AuditEvent::Ready) => id,
        other => panic!("{other:?}"),
    }
}

/// Everything that was ever recorded, in the order of the transactions.
async fn written(store: &Store) -> Vec<(Revision, String)> {
    let written = store.audit_after(0, 10_000).await.unwrap();
    let place = |r: crate::store::record::Versioned<smith_model::audit::AuditRecord>| {
        (Revision(r.created), r.value.loop_id.unwrap().to_string())
    };
    written.records.into_iter().map(place).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn followers_get_every_record_once_from_wherever_they_begin() {
    const EACH: usize = 130;
    let etcd = Etcd::shared().await;
    let prefix = format!("/t/{}", Uuid::new_v4());
    let store = etcd.open(&prefix).await.unwrap();
    let mut running = start(&store).await;
    let mut early = running.audits.follow(None);
    let begun = ready(&mut early).await;
    let mut writing = JoinSet::new();
    for writer in 0..3 {
        let store = etcd.open(&prefix).await.unwrap();
        writing.spawn(async move {
            for n in 0..EACH {
                create(&store, &format!("w{writer}-{n}")).await;
            }
        });
    }
    let mut seen = vec![];
    while seen.len() < 3 * EACH {
        seen.push(next(&mut early).await);
    }
    in_time(writing.join_all()).await;
    let written = written(&store).await;
    let told: Vec<_> = seen.iter().map(|(id, name)| (id.revision, name.clone())).collect();
    assert_eq!(told, written);
    // The newest are shared; the others are read, on this process as on one that knows none of them.
    let other = start(&store).await;
    for audits in [&running.audits, &other.audits] {
        for cut in [0, 1, 100, 3 * EACH - 2] {
            let from = if cut == 0 { begun } else { seen[cut - 1].0 };
            let mut late = audits.follow(Some(from));
            for expected in &seen[cut..] {
                assert_eq!(&next(&mut late).await, expected, "behind {cut}");
            }
        }
    }
    assert_eq!(running.audits.len(), 1, "all share one watch");
    drop(early);
    assert_eq!(running.audits.len(), 0, "it ends with the last follower");
    running.shutdown.cancel();
    in_time(running.tasks.join_next()).await.unwrap().unwrap();
    assert!(in_time(running.audits.follow(Some(begun)).next()).await.is_none());
}

#[tokio::test]
async fn an_outage_and_a_compaction_hide_no_record() {
    let mut etcd = Etcd::private().await;
    let store = etcd.open("/t").await.unwrap();
    let running = start(&store).await;
    let mut follower = running.audits.follow(None);
    ready(&mut follower).await;
    create(&store, "a").await;
    let (first, name) = next(&mut follower).await;
    assert_eq!(name, "a");
    etcd.down();
    etcd.up().await;
    for name in ["b", "c"] {
        create(&store, name).await;
    }
    store.compact(store.revision().await.unwrap()).await.unwrap();
    create(&store, "d").await;
    for expected in ["b", "c", "d"] {
        assert_eq!(next(&mut follower).await.1, expected);
    }
    // History is gone; the records aren't.
    let other = start(&store).await;
    let mut resumed = other.audits.follow(Some(first));
    for expected in ["b", "c", "d"] {
        assert_eq!(next(&mut resumed).await.1, expected);
    }
}

#[tokio::test]
async fn an_id_of_another_history_says_so_and_begins_anew() {
    let etcd = Etcd::shared().await;
    let store = etcd.open(&format!("/t/{}", Uuid::new_v4())).await.unwrap();
    let running = start(&store).await;
    create(&store, "before").await;
    let EventId { generation, revision } = ready(&mut running.audits.follow(None)).await;
    let never = Revision(i64::MAX);
    let (other, future) =
        (EventId { generation: generation + 1, revision }, EventId { generation, revision: never });
    for (from, name) in [(other, "a"), (future, "b")] {
        let mut follower = running.audits.follow(Some(from));
        assert_eq!(in_time(follower.next()).await, Some((None, AuditEvent::Reset)));
        ready(&mut follower).await;
        create(&store, name).await;
        assert_eq!(next(&mut follower).await.1, name);
    }
}
