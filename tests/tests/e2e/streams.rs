//! A stream goes on where it was, on any API process: it misses nothing and repeats nothing.

use futures::StreamExt as _;
use smith_client::stream::{EventId, Signal};
use smith_client::{JournalEvent, LoopFilter};
use smith_model::api::LoopEvent;
use smith_model::state::State;
use smith_tests::{Layout, Options, World, in_time, wait, world};

#[tokio::test]
async fn a_journal_is_followed_from_process_to_process() {
    let layout = Layout::Apart { apis: 2, cores: 1 };
    let world = World::start(Options { layout, ..Options::default() }).await;
    let repository = world.repository("journal");
    let agent = world.agent("write", "echo x >x.txt");
    let id = world.create(&world::request("journal", &repository, &agent, &["true"])).await;
    let clients = [0, 1].map(|n| world.client_at(n, world.token()));
    let (mut seen, mut last): (Vec<u64>, Option<EventId>) = (vec![], None);
    let mut ended = false;
    // Another process after every second entry.
    for turn in 0.. {
        if ended {
            break;
        }
        let mut events = clients[turn % 2].journal_stream(&id, 0, last.clone());
        for _ in 0..2 {
            let signal = in_time("an entry", events.next()).await;
            match signal.unwrap().unwrap() {
                Signal::Event { id, event: JournalEvent::Entry(entry) } => {
                    seen.push(entry.seq);
                    last = id;
                }
                Signal::Event { event: JournalEvent::Ended, .. } => {
                    ended = true;
                    break;
                }
                other => panic!("{other:?}"),
            }
        }
    }
    let journal = wait::journal(&clients[0], &id).await;
    assert_eq!(seen, (1..=journal.len() as u64).collect::<Vec<_>>());
    world.finish().await;
}

#[tokio::test]
async fn the_loops_are_followed_from_process_to_process() {
    let layout = Layout::Apart { apis: 2, cores: 1 };
    let world = World::start(Options { layout, ..Options::default() }).await;
    let repository = world.repository("loops");
    let agent = world.agent("write", "echo x >x.txt");
    let clients = [0, 1].map(|n| world.client_at(n, world.token()));
    let filter = LoopFilter::default();
    let mut events = clients[0].loops_stream(&filter, None);
    let mut last = None;
    loop {
        let signal = in_time("the list", events.next()).await.unwrap().unwrap();
        let Signal::Event { id, event } = signal else { panic!("{signal:?}") };
        last = id.or(last);
        if event == LoopEvent::Ready {
            break;
        }
    }
    let id = world.create(&world::request("loops", &repository, &agent, &["true"])).await;
    let mut revisions = vec![];
    let mut states = vec![];
    for turn in 1.. {
        if states.last() == Some(&State::Synced) {
            break;
        }
        let mut events = clients[turn % 2].loops_stream(&filter, last.clone());
        loop {
            let signal = in_time("an event", events.next()).await.unwrap().unwrap();
            let Signal::Event { id: at, event } = signal else { panic!("{signal:?}") };
            match event {
                LoopEvent::Updated(item) => {
                    assert_eq!(item.record.loop_id, id);
                    revisions.push(item.revision);
                    states.push(item.record.state);
                }
                LoopEvent::Ready => {}
                other => panic!("{other:?}"),
            }
            if let Some(at) = at {
                last = Some(at);
                break;
            }
        }
    }
    assert!(revisions.is_sorted(), "{revisions:?}");
    states.dedup();
    assert_eq!(states, [State::Unresolved, State::Overwriting, State::Synced]);
    world.finish().await;
}

#[tokio::test]
async fn a_foreign_id_is_refused_by_name() {
    let layout = Layout::Apart { apis: 1, cores: 0 };
    let world = World::start(Options { layout, ..Options::default() }).await;
    let mut events = world.client().loops_stream(&LoopFilter::default(), Some(EventId::new("x")));
    let refused = in_time("an answer", events.next()).await.unwrap().unwrap_err();
    assert_eq!(refused.problem().unwrap().errors[0].field, "Last-Event-ID");
    world.finish().await;
}

#[tokio::test]
async fn a_server_may_open_as_many_files_as_a_thousand_streams_need() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    // What most systems begin with; this process has nothing but this test in it.
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(1024), maximum }).unwrap();
    let world = World::start(Options::default()).await;
    let pid = world.servers[0].process.pid().unwrap();
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let soft: u64 = line.split_whitespace().nth(3).unwrap().parse().unwrap();
    assert_eq!(soft, maximum.map_or(65_536, |most| most.min(65_536)), "{line}");
    world.finish().await;
}
