//! Inboxes of several processes: the same for all, complete for whoever comes and goes, quiet about others.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use smith_model::access::Scope;
use smith_model::duration::Span;
use smith_model::id::{LoopId, Revision};
use smith_model::inbox::{Act, Event, Hysteresis, Item, Kind, Mark};
use smith_model::state::State;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::model::{self, Writer};
use super::{LONG, Running, in_time};
use crate::testing::Etcd;
use crate::view::ROOM;
use crate::view::inbox::{Filter, Inbox, Settings, Subscription};
use crate::view::subscription::EventId;

const QUICK: Settings = Settings {
    times: Hysteresis { appears_after: Span::millis(3), goes_after: Span::millis(5) },
    lost_after: Duration::from_millis(50),
};

/// An inbox with its view, as a process has them.
struct Process {
    inbox: Inbox,
    running: Running,
    _tasks: JoinSet<()>,
}

impl Process {
    async fn start(writer: &Writer) -> Self {
        let running = Running::start(&writer.store, ROOM).await;
        let shutdown = CancellationToken::new();
        let (inbox, watching) = Inbox::start_with(running.view.clone(), shutdown, QUICK);
        let mut tasks = JoinSet::new();
        tasks.spawn(watching);
        Self { inbox, running, _tasks: tasks }
    }

    async fn reach(&self, revision: i64) {
        in_time(self.inbox.wait_for(Revision(revision), LONG)).await.unwrap();
    }

    fn items(&self, filter: &Filter) -> BTreeMap<LoopId, Item> {
        let page = self.inbox.list(filter, &Scope::All, None, 1000).unwrap();
        page.items.into_iter().map(|item| (item.loop_id.clone(), item)).collect()
    }
}

/// A client of a stream.
#[derive(Default)]
struct Client {
    shown: BTreeMap<LoopId, Item>,
    last: Option<EventId>,
    resets: usize,
}

impl Client {
    fn subscribe(&self, inbox: &Inbox, filter: &Filter) -> Subscription {
        let from = self.last.map(|id| (id.generation, id.revision));
        inbox.subscribe(filter.clone(), Scope::All, from)
    }

    fn take(&mut self, (id, event): (Option<EventId>, Event)) {
        match event {
            Event::Updated(item) => drop(self.shown.insert(item.loop_id.clone(), *item)),
            Event::Removed { loop_id } => drop(self.shown.remove(&loop_id)),
            Event::Reset => {
                self.resets += 1;
                self.shown.clear();
            }
            Event::Ready | Event::SourceLost { .. } | Event::SourceFound => {}
        }
        self.last = id.or(self.last);
    }

    async fn read_until(&mut self, stream: &mut Subscription, is_so: impl Fn(&Self) -> bool) {
        while !is_so(self) {
            self.take(in_time(stream.next()).await.expect("the stream goes on"));
        }
    }
}

fn all() -> Filter {
    Filter { snoozed: true, acknowledged: true, ..Filter::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_moves_between_processes_ends_with_what_the_lists_show() {
    let etcd = Etcd::shared().await;
    for seed in 0..4 {
        let mut writer = Writer::new(&etcd, seed).await;
        let mut rng = StdRng::seed_from_u64(seed);
        writer.create(2).await;
        writer.create(3).await;
        let processes = [Process::start(&writer).await, Process::start(&writer).await];
        let (mut client, filter) = (Client::default(), Filter::default());
        let mut last = 0;
        for _ in 0..60 {
            let at = &processes[rng.random_range(0..2)];
            let mut stream = client.subscribe(&at.inbox, &filter);
            for _ in 0..rng.random_range(0..5) {
                last = writer.anything().await;
            }
            at.reach(last).await;
            // Some of what there is, and then it goes elsewhere.
            for _ in 0..rng.random_range(0..8) {
                let event = tokio::time::timeout(Duration::from_millis(2), stream.next()).await;
                let Ok(event) = event else { break };
                client.take(event.unwrap());
            }
        }
        for process in &processes {
            process.reach(last).await;
        }
        let at = &processes[0].inbox;
        let mut stream = client.subscribe(at, &filter);
        // What only time changes settles, too: then both processes show the same but for ages that
        // nothing tells, and so does the client.
        let told = |items: BTreeMap<LoopId, Item>| -> BTreeMap<LoopId, (Kind, String)> {
            let what = |item: Item| (item.kind, item.occurrence.to_string());
            items.into_iter().map(|(id, item)| (id, what(item))).collect()
        };
        let settled = |client: &Client| {
            let lists = processes.each_ref().map(|process| told(process.items(&filter)));
            lists[0] == lists[1] && told(client.shown.clone()) == lists[0]
        };
        let mut ticks = tokio::time::interval(Duration::from_millis(5));
        let reading = async {
            while !settled(&client) {
                tokio::select! {
                    event = stream.next() => client.take(event.expect("the stream goes on")),
                    _ = ticks.tick() => {}
                }
            }
        };
        in_time(reading).await;
    }
}

#[tokio::test]
async fn what_ended_loops_left_waiting_is_told_with_their_step() {
    let etcd = Etcd::shared().await;
    let mut writer = Writer::new(&etcd, 1).await;
    writer.create(2).await;
    let last = writer.create(3).await;
    let process = Process::start(&writer).await;
    process.reach(last).await;
    let mut client = Client::default();
    let mut stream = client.subscribe(&process.inbox, &Filter::default());
    client.read_until(&mut stream, |client| client.last.is_some()).await;
    assert!(client.shown.is_empty());
    writer.set_state(2, State::Cancelled).await;
    client.read_until(&mut stream, |client| client.shown.len() == 1).await;
    let waiting = &client.shown[&model::id(3)];
    assert_eq!(waiting.kind, Kind::DependencyEnded);
    assert!(waiting.message.contains("l0002"), "{}", waiting.message);
    let last = writer.set_state(2, State::Synced).await;
    client.read_until(&mut stream, |client| client.shown.is_empty()).await;
    assert_eq!(client.last.unwrap().revision, Revision(last));
    assert_eq!(client.resets, 1);
}

#[tokio::test]
async fn a_mark_makes_quiet_and_a_snooze_ends_by_itself() {
    let etcd = Etcd::shared().await;
    let mut writer = Writer::new(&etcd, 1).await;
    writer.create(0).await;
    let last = writer.hold(0, Timestamp::now()).await;
    let process = Process::start(&writer).await;
    process.reach(last).await;
    let mut client = Client::default();
    let mut stream = client.subscribe(&process.inbox, &Filter::default());
    client.read_until(&mut stream, |client| client.shown.len() == 1).await;
    let id = model::id(0);
    let occurrence = client.shown[&id].occurrence.clone();
    let until = Timestamp::now() + Span::millis(500).signed();
    let snooze = Act::Snooze { until, note: None };
    let now = Timestamp::now();
    let mark = Mark::after(None, &occurrence, &snooze, "maria", now).unwrap().unwrap();
    let last = writer.mark(0, &mark).await;
    client.read_until(&mut stream, |client| client.shown.is_empty()).await;
    process.reach(last).await;
    assert_eq!(process.items(&all())[&id].mark.as_ref(), Some(&mark));
    client.read_until(&mut stream, |client| client.shown.len() == 1).await;
    assert!(Timestamp::now() >= until);
    let seen = Act::Acknowledge { note: None };
    let mark = Mark::after(Some(&mark), &occurrence, &seen, "maria", now).unwrap().unwrap();
    writer.mark(0, &mark).await;
    client.read_until(&mut stream, |client| client.shown.is_empty()).await;
    // Another hold is another occurrence.
    writer.hold(0, Timestamp::now()).await;
    client.read_until(&mut stream, |client| client.shown.len() == 1).await;
    assert_ne!(client.shown[&id].occurrence, occurrence);
    assert_eq!(client.shown[&id].mark, None);
    let last = writer.delete(0).await;
    client.read_until(&mut stream, |client| client.shown.is_empty()).await;
    process.reach(last).await;
    assert!(process.items(&all()).is_empty());
}

#[tokio::test]
async fn nothing_of_another_project_is_shown_or_told() {
    let etcd = Etcd::shared().await;
    let mut writer = Writer::new(&etcd, 1).await;
    for n in 0..4 {
        writer.create(n).await;
    }
    let process = Process::start(&writer).await;
    let scope = Scope::Projects([model::project(1)].into());
    let mut stream = process.inbox.subscribe(Filter::default(), scope.clone(), None);
    assert_eq!(in_time(stream.next()).await.unwrap().1, Event::Reset);
    assert_eq!(in_time(stream.next()).await.unwrap().1, Event::Ready);
    for n in 0..4 {
        // What comes and goes between two looks was never shown.
        let held = writer.hold(n, Timestamp::now()).await;
        process.reach(held).await;
    }
    for n in 0..3 {
        writer.delete(n).await;
    }
    let last = writer.delete(3).await;
    let mut told = vec![];
    loop {
        let (id, event) = in_time(stream.next()).await.unwrap();
        match event {
            Event::Updated(item) => told.push(item.loop_id),
            Event::Removed { loop_id } => told.push(loop_id),
            event => panic!("{event:?}"),
        }
        if id.is_some_and(|id| id.revision == Revision(last)) {
            break;
        }
    }
    assert!(told.iter().all(|id| [model::id(1), model::id(3)].contains(id)), "{told:?}");
    assert!(told.contains(&model::id(1)) && told.contains(&model::id(3)));
}

#[tokio::test]
async fn pages_go_through_the_order_of_the_inbox() {
    let etcd = Etcd::shared().await;
    let mut writer = Writer::new(&etcd, 1).await;
    let mut last = 0;
    for n in 0..9 {
        last = writer.create(n).await;
        match n % 2 {
            0 => last = writer.set_state(n, State::Flatline).await,
            _ => last = last.max(writer.hold(n, Timestamp::now()).await),
        }
    }
    let process = Process::start(&writer).await;
    process.reach(last).await;
    let (mut found, mut cursor) = (vec![], None);
    loop {
        let page = process.inbox.list(&Filter::default(), &Scope::All, cursor.as_deref(), 2);
        let page = page.unwrap();
        found.extend(page.items);
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    // Loop 3 waits for loop 2, which flatlined.
    let expected: Vec<_> = [0, 2, 3, 4, 6, 8, 1, 5, 7].map(model::id).into();
    let severe = found.iter().take(6).map(|item| item.loop_id.clone());
    assert_eq!(
        severe.chain(found[6..].iter().map(|i| i.loop_id.clone())).collect::<Vec<_>>(),
        expected
    );
    let of_kind = Filter { kinds: [Kind::Held].into(), ..Filter::default() };
    assert_eq!(process.items(&of_kind).len(), 3);
    assert!(process.inbox.list(&Filter::default(), &Scope::All, Some("x"), 1).is_err());
}

#[tokio::test]
async fn a_source_that_is_lost_is_told_and_so_is_its_return() {
    let mut etcd = Etcd::private().await;
    let mut writer = Writer::new(&etcd, 1).await;
    writer.create(0).await;
    let process = Process::start(&writer).await;
    let mut stream = process.inbox.subscribe(Filter::default(), Scope::All, None);
    assert_eq!(in_time(stream.next()).await.unwrap().1, Event::Reset);
    assert_eq!(in_time(stream.next()).await.unwrap().1, Event::Ready);
    etcd.down();
    let lost = in_time(stream.next()).await.unwrap();
    assert!(matches!(lost, (None, Event::SourceLost { .. })), "{lost:?}");
    let page = process.inbox.list(&Filter::default(), &Scope::All, None, 10).unwrap();
    assert!(page.source_lost_since.is_some());
    // Whoever comes now is told, too.
    let mut other = process.inbox.subscribe(Filter::default(), Scope::All, None);
    for _ in 0..2 {
        in_time(other.next()).await.unwrap();
    }
    let told = in_time(other.next()).await.unwrap();
    assert!(matches!(told.1, Event::SourceLost { .. }), "{told:?}");
    etcd.up().await;
    assert_eq!(in_time(stream.next()).await.unwrap().1, Event::SourceFound);
    process.running.shutdown.cancel();
    assert_eq!(in_time(stream.next()).await, None);
}
