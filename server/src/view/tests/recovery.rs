//! What a view does when etcd compacts, stops, or isn't the one that it was.

use smith_model::access::Scope;
use smith_model::api::LoopEvent;
use smith_model::id::Revision;
use smith_model::state::State;
use tokio_util::sync::CancellationToken;

use super::model::{self, Told, Writer};
use super::stream::Client;
use super::{LONG, Running, TINY, in_time};
use crate::store::Error;
use crate::testing::Etcd;
use crate::view::{Changed, Filter, ROOM, Settings, View};

#[tokio::test]
async fn a_stream_that_lags_behind_a_compaction_begins_anew() {
    let etcd = Etcd::private().await;
    let mut writer = Writer::new(&etcd, 1).await;
    for n in 0..5 {
        writer.create(n).await;
    }
    let running = Running::start(&writer.store, TINY).await;
    let view = &running.view;
    let mut stream = view.subscribe(Filter::default(), Scope::All, None);
    let mut client = Client::default();
    client.read_to(&mut stream, Revision(1)).await;
    let mut last = writer.delete(4).await;
    for _ in 0..50 {
        last = writer.anything().await;
    }
    in_time(view.wait_for(Revision(last), LONG)).await.unwrap();
    let told = Told::read(&writer.store, last, &Filter::default(), &Scope::All).await;
    // The ring holds four changes, and the history is gone.
    writer.store.compact(last).await.unwrap();
    client.read_to(&mut stream, told.last()).await;
    assert_eq!(client.resets, 2);
    assert_eq!(client.shown, told.at(told.last()));
}

#[tokio::test]
async fn a_view_that_missed_a_compaction_tells_the_difference() {
    let etcd = Etcd::private().await;
    let mut writer = Writer::new(&etcd, 1).await;
    for n in 0..3 {
        writer.create(n).await;
    }
    let settings = Settings { silence: LONG, room: ROOM };
    let (view, task) =
        View::start_with(writer.store.clone(), CancellationToken::new(), settings).await.unwrap();
    let mut changes = view.changes();
    let mut stream = view.subscribe(Filter::default(), Scope::All, None);
    let mut client = Client::default();
    client.read_to(&mut stream, Revision(1)).await;
    // Its task doesn't run yet: it will watch from a revision that is gone.
    writer.delete(1).await;
    writer.set_state(0, State::Overwriting).await;
    let last = Revision(writer.create(3).await);
    writer.store.compact(last.0).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(task);
    client.read_to(&mut stream, last).await;
    assert_eq!(client.resets, 1, "no reset was needed");
    let told = Told::read_now(&writer.store, &Filter::default(), &Scope::All).await;
    assert_eq!(client.shown, told);
    assert!(!client.shown.contains_key(&model::id(1)));
    let Some(Changed::Batch(batch)) = in_time(changes.next()).await else { panic!("a batch") };
    let ids: Vec<_> = batch.loops.iter().map(|change| change.loop_id.clone()).collect();
    assert_eq!(ids, [model::id(0), model::id(1), model::id(3)]);
    // One who stands within the span can't be told by the difference.
    let from = Some((view.generation(), Revision(last.0 - 1)));
    let mut stream = view.subscribe(Filter::default(), Scope::All, from);
    let event = in_time(stream.next()).await.unwrap();
    assert!(matches!(**event.event, LoopEvent::Updated(_) | LoopEvent::Reset), "{event:?}");
}

#[tokio::test]
async fn a_view_and_its_streams_go_on_after_an_outage() {
    let mut etcd = Etcd::private().await;
    let mut writer = Writer::new(&etcd, 1).await;
    writer.create(0).await;
    let running = Running::start(&writer.store, ROOM).await;
    let view = &running.view;
    let mut stream = view.subscribe(Filter::default(), Scope::All, None);
    let mut client = Client::default();
    client.read_to(&mut stream, Revision(1)).await;
    assert_eq!(view.age(), None);
    etcd.down();
    until(|| view.age().is_some()).await;
    etcd.up().await;
    let last = Revision(writer.create(1).await);
    client.read_to(&mut stream, last).await;
    assert_eq!((client.shown.len(), client.resets), (2, 1));
    until(|| view.age().is_none()).await;
}

#[tokio::test]
async fn another_etcd_ends_the_task() {
    let mut etcd = Etcd::private().await;
    let mut writer = Writer::new(&etcd, 1).await;
    for n in 0..20 {
        writer.create(n).await;
    }
    let mut running = Running::start(&writer.store, ROOM).await;
    let mut stream = running.view.subscribe(Filter::default(), Scope::All, None);
    let mut client = Client::default();
    client.read_to(&mut stream, Revision(1)).await;
    etcd.down();
    etcd.forget();
    etcd.up().await;
    let ended = in_time(running.tasks.join_next()).await.unwrap().unwrap();
    assert!(matches!(ended, Err(Error::OtherCluster)), "{ended:?}");
    assert_eq!(in_time(stream.next()).await, None);
}

#[tokio::test]
async fn a_silent_view_gives_signs_of_life() {
    let etcd = Etcd::shared().await;
    let writer = Writer::new(&etcd, 1).await;
    let running = Running::start(&writer.store, ROOM).await;
    let mut seen = running.view.inner.seen.subscribe();
    // Nobody writes: what moves the view are its own ticks.
    let before = running.view.revision();
    for n in 1..3 {
        in_time(seen.wait_for(|seen| seen.0 >= before.0 + n)).await.unwrap();
    }
    assert_eq!(running.view.age(), None);
}

/// Waits for what no event tells.
async fn until(condition: impl Fn() -> bool) {
    let wait = async {
        while !condition() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    in_time(wait).await;
}
