//! Views on a real etcd, compared with a plain model of its whole history.

mod audit;
mod inbox;
mod journal;
mod model;
mod recovery;
mod stream;

use std::collections::BTreeSet;
use std::time::Duration;

use smith_model::access::Scope;
use smith_model::id::Revision;
use smith_model::state::State;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{Behind, Changed, Filter, ROOM, Room, Settings, View};
use crate::store::{Error, Store};
use crate::testing::Etcd;
use model::Writer;

/// Far longer than anything takes: it only turns a hang into a failure.
const LONG: Duration = Duration::from_secs(30);

async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONG, future).await.expect("in time")
}

/// A running view, whose task is ended with it.
struct Running {
    view: View,
    tasks: JoinSet<Result<(), Error>>,
    shutdown: CancellationToken,
}

impl Running {
    async fn start(store: &Store, room: Room) -> Self {
        let settings = Settings { silence: Duration::from_millis(300), room };
        let shutdown = CancellationToken::new();
        let (view, task) =
            View::start_with(store.clone(), shutdown.clone(), settings).await.unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(task);
        Self { view, tasks, shutdown }
    }
}

const TINY: Room = Room { batches: 4, bytes: 1 << 20 };

#[tokio::test]
async fn a_list_is_paged_newest_first_and_none_is_missed() {
    let etcd = Etcd::shared().await;
    let mut writer = Writer::new(&etcd, 1).await;
    for n in 0..25 {
        writer.create(n).await;
    }
    let running = Running::start(&writer.store, ROOM).await;
    let view = &running.view;
    let (mut ids, mut cursor) = (vec![], None);
    let first = view.revision();
    loop {
        let page = view.list(&Filter::default(), &Scope::All, cursor.as_deref(), 10).unwrap();
        assert_eq!(page.revision, first);
        ids.extend(page.items.into_iter().map(|item| item.record.loop_id));
        // Newer loops stand before the first page.
        let revision = writer.create(100 + ids.len()).await;
        in_time(view.wait_for(Revision(revision), LONG)).await.unwrap();
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    let expected: Vec<_> = (0..25).rev().map(model::id).collect();
    assert_eq!(ids, expected);
    assert!(view.list(&Filter::default(), &Scope::All, Some("x"), 1).is_err());
}

#[tokio::test]
async fn filters_and_counts() {
    let etcd = Etcd::shared().await;
    let mut writer = Writer::new(&etcd, 1).await;
    for n in 0..6 {
        writer.create(n).await;
    }
    writer.set_state(0, State::Overwriting).await;
    let running = Running::start(&writer.store, ROOM).await;
    let view = &running.view;
    let check = |filter: Filter, scope: Scope, expected: &[usize]| {
        let found: BTreeSet<_> =
            view.items(&filter, &scope).0.iter().map(|item| item.record.loop_id.clone()).collect();
        assert_eq!(found, expected.iter().map(|n| model::id(*n)).collect(), "{filter:?}");
    };
    let all = Filter::default;
    check(all(), Scope::All, &[0, 1, 2, 3, 4, 5]);
    check(Filter { states: [State::Overwriting].into(), ..all() }, Scope::All, &[0]);
    check(Filter { q: Some("TITLE 3".into()), ..all() }, Scope::All, &[3]);
    check(Filter { project: Some(model::project(1)), ..all() }, Scope::All, &[1, 3, 5]);
    check(all(), Scope::Projects([model::project(0)].into()), &[0, 2, 4]);
    check(Filter { held: Some(true), ..all() }, Scope::All, &[]);
    check(Filter { depends_on: Some(model::id(2)), ..all() }, Scope::All, &[3]);
    check(Filter { labels: [("n".into(), "4".into())].into(), ..all() }, Scope::All, &[4]);
    assert_eq!(view.dependents(&model::id(2)), [model::id(3)]);
    assert_eq!((view.counts()[&State::Overwriting], view.counts()[&State::Unresolved]), (1, 5));
    assert_eq!(view.len(), 6);
}

#[tokio::test]
async fn who_waits_for_a_revision_of_other_keys_gets_it() {
    let etcd = Etcd::shared().await;
    let mut writer = Writer::new(&etcd, 1).await;
    let running = Running::start(&writer.store, ROOM).await;
    let view = &running.view;
    let other = writer.write_elsewhere().await;
    assert!(view.revision() < Revision(other));
    let mut waiting = JoinSet::new();
    for _ in 0..100 {
        let view = view.clone();
        waiting.spawn(async move { view.wait_for(Revision(other), LONG).await.unwrap() });
    }
    for seen in in_time(waiting.join_all()).await {
        assert!(seen >= Revision(other));
    }
    let future = in_time(view.wait_for(Revision(i64::MAX), LONG)).await;
    assert!(matches!(future, Err(Behind::Future { .. })), "{future:?}");
    running.shutdown.cancel();
    let ended = in_time(view.wait_for(Revision(i64::MAX), LONG)).await;
    assert!(matches!(ended, Err(Behind::Ended)), "{ended:?}");
}

#[tokio::test]
async fn a_receiver_gets_every_change_or_is_told_to_look_at_all() {
    let etcd = Etcd::shared().await;
    let mut writer = Writer::new(&etcd, 1).await;
    let running = Running::start(&writer.store, TINY).await;
    let mut changes = running.view.changes();
    let revision = writer.create(0).await;
    match in_time(changes.next()).await {
        Some(Changed::Batch(batch)) => {
            assert_eq!(batch.revision, Revision(revision));
            assert_eq!(batch.loops[0].loop_id, model::id(0));
        }
        other => panic!("{other:?}"),
    }
    let mut last = 0;
    for n in 1..20 {
        last = writer.create(n).await;
    }
    in_time(running.view.wait_for(Revision(last), LONG)).await.unwrap();
    assert!(matches!(in_time(changes.next()).await, Some(Changed::Everything)));
    running.shutdown.cancel();
    assert!(in_time(changes.next()).await.is_none());
}
