//! Followers of journals that are written at the same time.

use jiff::Timestamp;
use serde_json::json;
use smith_model::id::LoopId;
use smith_model::journal::{Actor, ActorKind, Draft, Phase};
use smith_model::spec::{Birth, LoopRequest, Rules};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{LONG, in_time};
use crate::store::Store;
use crate::store::change::{Act, Change, Decision};
use crate::store::create::{Created, NewLoop};
use crate::testing::Etcd;
use crate::view::Journals;

fn actor() -> Actor {
    Actor { kind: ActorKind::Operator, id: "t".into() }
}

fn act(action: &str) -> Act {
    Act {
        actor: "t".into(),
        action: action.into(),
        reason: None,
        before: json!(null),
        after: json!(null),
        request_id: None,
    }
}

pub(super) async fn create(store: &Store, name: &str) -> LoopId {
    let request: LoopRequest = serde_json::from_value(json!({
        "loop_id": name, "repository": "file:///r", "prompt": "p", "gates": ["true"], "command": "c",
    }))
    .unwrap();
    let rules = Rules { file_roots: vec!["/".into()], ..Rules::default() };
    let birth = Birth { uid: Uuid::new_v4(), by: "t".into(), now: Timestamp::UNIX_EPOCH };
    let accepted = request.accept(&rules, birth).unwrap();
    let new = NewLoop {
        spec: accepted.spec,
        key: accepted.key,
        fingerprint: accepted.fingerprint,
        actor: actor(),
        entry: Draft::info(Phase::Ingress, "created"),
        act: act("loop.create"),
    };
    assert!(matches!(store.create(&new).await.unwrap(), Created::New(_)));
    name.parse().unwrap()
}

async fn append(store: &Store, id: &LoopId, n: usize) {
    let decide = |_: &_| {
        let entries = (0..n).map(|i| (actor(), None, Draft::info(Phase::Iteration, i.to_string())));
        let change = Change { entries: entries.collect(), ..Change::default() };
        Ok::<_, ()>(Decision::Write(Box::new(change), ()))
    };
    store.change(id, Timestamp::UNIX_EPOCH, decide).await.unwrap();
}

struct Running {
    journals: Journals,
    tasks: JoinSet<()>,
    shutdown: CancellationToken,
}

fn start(store: &Store) -> Running {
    let shutdown = CancellationToken::new();
    let (journals, task) = Journals::start(store.clone(), shutdown.clone());
    let mut tasks = JoinSet::new();
    tasks.spawn(task);
    Running { journals, tasks, shutdown }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn followers_get_every_entry_once_while_others_append() {
    const ENTRIES: u64 = 1 + 600;
    let etcd = Etcd::shared().await;
    let store = etcd.open(&format!("/t/{}", Uuid::new_v4())).await.unwrap();
    let id = create(&store, "a").await;
    let mut running = start(&store);
    let mut following = JoinSet::new();
    let follow = |after: u64| {
        let mut follower = running.journals.follow(id.clone(), after);
        async move {
            for seq in after + 1..=ENTRIES {
                assert_eq!(in_time(follower.next()).await.unwrap().seq, seq);
            }
        }
    };
    for after in [0, 0, 1, 7, 300, 600] {
        following.spawn(follow(after));
    }
    let mut appending = JoinSet::new();
    for _ in 0..3 {
        let (store, id) = (store.clone(), id.clone());
        appending.spawn(async move {
            for _ in 0..40 {
                append(&store, &id, 5).await;
            }
        });
    }
    in_time(appending.join_next()).await.unwrap().unwrap();
    // One more in the middle, whose beginning isn't shared any more.
    following.spawn(follow(0));
    in_time(appending.join_all()).await;
    in_time(following.join_all()).await;
    assert_eq!(running.journals.len(), 0, "the watch ends with its last follower");
    running.shutdown.cancel();
    in_time(running.tasks.join_next()).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_follower_ends_with_its_loop() {
    let etcd = Etcd::shared().await;
    let store = etcd.open(&format!("/t/{}", Uuid::new_v4())).await.unwrap();
    let id = create(&store, "a").await;
    let running = start(&store);
    let mut follower = running.journals.follow(id.clone(), 0);
    let mut ahead = running.journals.follow(id.clone(), u64::MAX);
    assert_eq!(in_time(follower.next()).await.unwrap().seq, 1);
    assert_eq!(running.journals.len(), 1);
    let snapshot = store.snapshot(&id).await.unwrap();
    let seen = store.revision().await.unwrap();
    let delete = async {
        store.delete(&snapshot, seen, actor(), act("loop.delete"), Timestamp::UNIX_EPOCH).await
    };
    let (end, deleted) = tokio::join!(in_time(follower.next()), delete);
    assert!(deleted.unwrap().is_some());
    assert!(end.is_none());
    assert!(in_time(ahead.next()).await.is_none());
    let mut never = running.journals.follow("never".parse().unwrap(), 0);
    assert!(in_time(never.next()).await.is_none());
}

#[tokio::test]
async fn a_follower_goes_on_after_an_outage_and_a_compaction() {
    let mut etcd = Etcd::private().await;
    let store = etcd.open("/t").await.unwrap();
    let id = create(&store, "a").await;
    let running = start(&store);
    let mut follower = running.journals.follow(id.clone(), 0);
    assert_eq!(in_time(follower.next()).await.unwrap().seq, 1);
    etcd.down();
    etcd.up().await;
    append(&store, &id, 3).await;
    store.compact(store.revision().await.unwrap()).await.unwrap();
    append(&store, &id, 3).await;
    for seq in 2..=7 {
        assert_eq!(in_time(follower.next()).await.unwrap().seq, seq);
    }
    running.shutdown.cancel();
    assert!(tokio::time::timeout(LONG, follower.next()).await.unwrap().is_none());
}
