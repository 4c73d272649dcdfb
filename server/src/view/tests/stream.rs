//! Streams: nothing missed, nothing repeated, from wherever they go on.

use std::collections::BTreeSet;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use smith_model::access::Scope;
use smith_model::api::LoopEvent;
use smith_model::id::{LoopId, Revision};
use smith_model::state::State;
use tokio::task::JoinSet;

use super::model::{self, Shown, Told, Writer};
use super::{LONG, Running, TINY, in_time};
use crate::testing::Etcd;
use crate::view::{Filter, ROOM, StreamEvent, Subscription};

/// A client of a stream.
#[derive(Default)]
pub(super) struct Client {
    pub(super) shown: Shown,
    pub(super) ids: Vec<Revision>,
    pub(super) resets: usize,
    /// Each state that was told, as the loop and the state's revision.
    states: BTreeSet<(Revision, LoopId)>,
}

impl Client {
    pub(super) fn take(&mut self, event: StreamEvent) {
        let told: LoopEvent = serde_json::from_str(event.event.json()).unwrap();
        assert_eq!(told, **event.event, "the JSON is that of the event");
        match told {
            LoopEvent::Updated(item) => {
                self.states.insert((item.revision, item.record.loop_id.clone()));
                self.shown.insert(item.record.loop_id.clone(), *item);
            }
            LoopEvent::Removed { loop_id } => drop(self.shown.remove(&loop_id)),
            LoopEvent::Reset => {
                self.resets += 1;
                self.shown.clear();
            }
            LoopEvent::Ready => {}
        }
        if let Some(id) = event.id {
            assert!(self.ids.last().is_none_or(|last| *last < id.revision), "an id twice");
            self.ids.push(id.revision);
        }
    }

    /// Reads until everything up to a revision was told.
    pub(super) async fn read_to(&mut self, stream: &mut Subscription, revision: Revision) {
        while self.ids.last().is_none_or(|last| *last < revision) {
            let event = in_time(stream.next()).await.expect("the stream goes on");
            self.take(event);
        }
    }
}

fn sights() -> [(Filter, Scope); 3] {
    let states = [State::Overwriting, State::Unresolved].into();
    [
        (Filter::default(), Scope::All),
        (Filter { states, ..Filter::default() }, Scope::All),
        (
            Filter { held: Some(false), ..Filter::default() },
            Scope::Projects([model::project(1)].into()),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_and_its_watch_meet_while_others_write() {
    let etcd = Etcd::shared().await;
    let prefix = format!("/t/{}", uuid::Uuid::new_v4());
    let mut writing = JoinSet::new();
    for n in 0..3 {
        let mut writer = Writer::of(&etcd, &prefix, n as u64, n, 3).await;
        writing.spawn(async move {
            let mut last = 0;
            for _ in 0..150 {
                last = writer.anything().await;
            }
            last
        });
    }
    let store = etcd.open(&prefix).await.unwrap();
    let mut views = vec![];
    for _ in 0..5 {
        let running = Running::start(&store, ROOM).await;
        for (filter, scope) in sights() {
            let mut stream = running.view.subscribe(filter.clone(), scope.clone(), None);
            // The list is taken now.
            let mut client = Client::default();
            client.take(in_time(stream.next()).await.unwrap());
            views.push((running.view.clone(), stream, client, filter, scope));
        }
        writing.spawn(async move {
            let mut running = running;
            running.tasks.join_next().await.unwrap().unwrap().unwrap();
            0
        });
    }
    let mut last = 0;
    for _ in 0..3 {
        last = last.max(in_time(writing.join_next()).await.unwrap().unwrap());
    }
    for (view, mut stream, mut client, filter, scope) in views {
        let told = Told::read(&store, last, &filter, &scope).await;
        in_time(view.wait_for(Revision(last), LONG)).await.unwrap();
        client.read_to(&mut stream, told.last()).await;
        assert_eq!(client.shown, told.at(Revision(last)));
        let items = view.items(&filter, &scope).0;
        let listed: Shown =
            items.into_iter().map(|i| (i.record.loop_id.clone(), (*i).clone())).collect();
        assert_eq!(listed, client.shown);
        let ready = client.ids[0];
        let expected: Vec<_> = told.changes.keys().filter(|r| **r > ready).copied().collect();
        assert_eq!(client.ids[1..], expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_goes_on_from_any_id_on_any_process() {
    let seed: u64 = rand::random();
    println!("seed {seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    let etcd = Etcd::shared().await;
    let mut writer = Writer::new(&etcd, seed).await;
    let first = writer.create(0).await;
    let whole = Running::start(&writer.store, ROOM).await;
    let mut last = first;
    for _ in 0..250 {
        last = writer.anything().await;
    }
    // This process started late and remembers little: it needs etcd's history.
    let late = Running::start(&writer.store, TINY).await;
    for _ in 0..50 {
        last = writer.anything().await;
    }
    for (filter, scope) in sights() {
        let told = Told::read(&writer.store, last, &filter, &scope).await;
        for _ in 0..12 {
            let cut = Revision(rng.random_range(first..=last));
            let due: Vec<_> = told.changes.keys().filter(|r| **r > cut).copied().collect();
            let from = Some((whole.view.generation(), cut));

            let mut client = Client { shown: told.at(cut), ..Client::default() };
            let mut stream = whole.view.subscribe(filter.clone(), scope.clone(), from);
            while client.ids.len() < due.len() {
                client.take(in_time(stream.next()).await.unwrap());
                if let Some(id) = client.ids.last() {
                    let partial = *id == due[client.ids.len() - 1];
                    assert!(partial, "after {cut}: {id} isn't due");
                }
            }
            assert_eq!((client.ids, client.resets), (due.clone(), 0), "after {cut}");
            assert_eq!(client.shown, told.at(told.last()), "after {cut}");

            let mut client = Client { shown: told.at(cut), ..Client::default() };
            let mut stream = late.view.subscribe(filter.clone(), scope.clone(), from);
            if let Some(last) = due.last() {
                client.read_to(&mut stream, *last).await;
            }
            assert_eq!(client.shown, told.at(told.last()), "late, after {cut}");
            if scope == Scope::All {
                assert_eq!(client.resets, 0);
                let states = |revision: &Revision| {
                    let shown = told.changes[revision].values();
                    shown
                        .filter(|i| i.revision == *revision)
                        .map(|i| i.record.loop_id.clone())
                        .map(|id| (*revision, id))
                        .collect::<Vec<_>>()
                };
                let expected: BTreeSet<_> = due.iter().flat_map(states).collect();
                client.states.retain(|(revision, _)| *revision > cut);
                assert_eq!(client.states, expected, "late, after {cut}");
            }
        }
    }
}

#[tokio::test]
async fn a_loop_that_leaves_the_filter_is_removed() {
    let etcd = Etcd::shared().await;
    let mut writer = Writer::new(&etcd, 1).await;
    writer.create(0).await;
    let running = Running::start(&writer.store, ROOM).await;
    let filter = Filter { states: [State::Unresolved].into(), ..Filter::default() };
    let mut stream = running.view.subscribe(filter, Scope::All, None);
    let mut next = async || in_time(stream.next()).await.unwrap();
    assert_eq!(**next().await.event, LoopEvent::Reset);
    assert!(matches!(**next().await.event, LoopEvent::Updated(_)));
    let ready = next().await;
    assert_eq!((&**ready.event, ready.id.is_some()), (&LoopEvent::Ready, true));
    let removed = |n| LoopEvent::Removed { loop_id: model::id(n) };
    let left = writer.set_state(0, State::Overwriting).await;
    let event = next().await;
    assert_eq!((&**event.event, event.id.unwrap().revision), (&removed(0), Revision(left)));
    // Nothing is told of what isn't seen.
    writer.set_state(0, State::Synced).await;
    writer.set_state(0, State::Unresolved).await;
    assert!(
        matches!(&**next().await.event, LoopEvent::Updated(i) if i.record.state == State::Unresolved)
    );
    writer.delete(0).await;
    assert_eq!(**next().await.event, removed(0));
}

#[tokio::test]
async fn an_id_of_another_history_begins_anew() {
    let etcd = Etcd::shared().await;
    let mut writer = Writer::new(&etcd, 1).await;
    let revision = Revision(writer.create(0).await);
    let running = Running::start(&writer.store, ROOM).await;
    let view = &running.view;
    let generation = view.generation();
    for from in [(generation + 1, revision), (generation, Revision(i64::MAX))] {
        let mut stream = view.subscribe(Filter::default(), Scope::All, Some(from));
        assert_eq!(**in_time(stream.next()).await.unwrap().event, LoopEvent::Reset);
    }
    // A process that doesn't know a revision yet waits for it.
    let other = Revision(writer.write_elsewhere().await);
    let from = Some((generation, other));
    let mut stream = view.subscribe(Filter::default(), Scope::All, from);
    let later = async {
        in_time(view.wait_for(other, LONG)).await.unwrap();
        writer.create(1).await
    };
    let (event, later) = tokio::join!(in_time(stream.next()), later);
    let event = event.unwrap();
    assert_eq!(event.id.unwrap().revision, Revision(later));
    assert!(matches!(**event.event, LoopEvent::Updated(_)));
    assert_eq!(event.id.unwrap().to_string().parse(), Ok(event.id.unwrap()));
    assert!("1-+5".parse::<crate::view::EventId>().is_err());
}
