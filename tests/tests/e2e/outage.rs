//! etcd goes away in the middle of the work, or fills up, and comes back.

use std::time::Duration;

use etcd_client::{CompactionOptions, DeleteOptions};
use smith_model::journal::{Entry, Payload};
use smith_model::problem::Code;
use smith_model::state::State;
use smith_tests::world::Proxied;
use smith_tests::{Etcd, Fifo, Layout, Options, World, wait, world};

use crate::crash::Scene;

/// Longer than a worker's lease, so that etcd has forgotten it when it can be asked again.
const BEYOND_THE_LEASE: Duration = Duration::from_secs(4);

fn proxied() -> Options {
    Options { proxied: Proxied::Yes, ..Options::default() }
}

/// Nothing was lost: the same worker finished, in the same attempt.
async fn goes_on(mut scene: Scene) {
    scene.go.say("on").await;
    let item = scene.world.ends(&scene.id, smith_model::state::State::Synced).await;
    let record = &item.record;
    assert_eq!((record.attempt, record.used_attempts, record.uncounted_attempts), (1, 0, 0));
    scene.ends_well().await;
}

#[tokio::test]
async fn an_etcd_that_cannot_be_reached_for_longer_than_the_lease_loses_nothing() {
    let scene = Scene::at_its_second_story("cut", proxied()).await;
    let proxy = scene.world.proxy.as_ref().unwrap();
    proxy.cut();
    let refused = scene.world.client().get_loop(&scene.id).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::Unavailable), "{refused}");
    assert!(refused.retry_after().is_some());
    tokio::time::sleep(BEYOND_THE_LEASE).await;
    proxy.open();
    goes_on(scene).await;
}

#[tokio::test]
async fn an_etcd_that_says_nothing_for_longer_than_the_lease_loses_nothing() {
    let scene = Scene::at_its_second_story("stall", proxied()).await;
    let proxy = scene.world.proxy.as_ref().unwrap();
    proxy.stall();
    tokio::time::sleep(BEYOND_THE_LEASE).await;
    proxy.open();
    goes_on(scene).await;
}

#[tokio::test]
async fn a_killed_etcd_that_is_started_again_loses_nothing() {
    let etcd = Some(Etcd::private(&[]).await);
    let mut scene =
        Scene::at_its_second_story("killed", Options { etcd, ..Options::default() }).await;
    scene.world.etcd.stop().await;
    tokio::time::sleep(BEYOND_THE_LEASE).await;
    scene.world.etcd.start_again().await;
    goes_on(scene).await;
}

#[tokio::test]
async fn whoever_is_asked_to_stop_while_it_starts_ends_well() {
    for layout in [Layout::Together, Layout::Apart { apis: 1, cores: 1 }] {
        let mut world = World::start(Options { layout, ..proxied() }).await;
        let World { proxy, servers, cores, settings, .. } = &mut world;
        for server in servers.iter_mut().chain(cores.iter_mut()) {
            server.stop().await;
        }
        // None of them gets any further than to its first question to etcd.
        proxy.as_ref().unwrap().stall();
        for server in servers.iter_mut().chain(cores.iter_mut()) {
            server.begin_again(settings);
            server.stop().await;
        }
        proxy.as_ref().unwrap().open();
        world.finish().await;
    }
}

#[tokio::test]
async fn an_etcd_that_is_nearly_full_gets_no_excerpts_until_there_is_room_again() {
    // Smith is told less than etcd really takes: how much of a file is in use can't be steered so exactly that
    // it is above 90 % of a small quota and the file below all of it.
    const QUOTA: i64 = 16 << 20;
    let etcd = Some(Etcd::private(&["--quota-backend-bytes", &(8 * QUOTA).to_string()]).await);
    let args = vec!["--etcd-quota".into(), QUOTA.to_string()];
    let world = World::start(Options { etcd, args, ..Options::default() }).await;
    let repository = world.repository("room");
    let (mut began, stop) = (Fifo::create(&world.file("began")), world.file("stop"));
    let lines = format!(
        "echo yes >{}; until test -e {}; do echo tick; sleep 0.1; done; echo x >x.txt",
        began.path(),
        stop.display()
    );
    let agent = world.agent("talks", &lines);
    let id = world.create(&world::request("room", &repository, &agent, &["true"])).await;
    began.line().await;
    let mut etcd = world.etcd.client().await;
    for n in 0.. {
        if etcd.status().await.unwrap().raft_used_db_size() > QUOTA / 100 * 92 {
            break;
        }
        etcd.put(format!("/fill/{n}"), vec![0; 256 << 10], None).await.expect("there is room");
    }
    let client = world.client();
    let says = |what: &'static str| move |entry: &Entry| entry.draft.message.contains(what);
    let (full, room) = ("etcd is nearly full", "there is room in etcd again");
    let from = wait::entry(&client, &id, full, says(full)).await.seq;
    let everything = DeleteOptions::new().with_prefix();
    let deleted = etcd.delete("/fill/", Some(everything)).await.expect("deleted");
    let revision = deleted.header().expect("a header").revision();
    let options = CompactionOptions::new().with_physical();
    etcd.compact(revision, Some(options)).await.expect("compacted");
    let until = wait::entry(&client, &id, room, says(room)).await.seq;
    std::fs::write(stop, "").unwrap();
    world.ends(&id, State::Synced).await;
    let journal = wait::journal(&client, &id).await;
    let outputs = journal.iter().filter_map(|entry| match &entry.draft.payload {
        Some(Payload::Output { text, .. }) => Some((entry.seq, text.as_str())),
        _ => None,
    });
    let (meanwhile, shown): (Vec<_>, Vec<_>) =
        outputs.partition(|(seq, _)| (from..until).contains(seq));
    assert_eq!(meanwhile, []);
    assert!(shown.iter().any(|(seq, _)| *seq > until), "{}", wait::told(&journal));
    for said in [full, room] {
        let times = journal.iter().filter(|entry| says(said)(entry)).count();
        assert_eq!(times, 1, "{}", wait::told(&journal));
    }
    // Nothing is missing where all of it is.
    let iterations = client.iterations(&id).await.unwrap().items;
    let output = iterations[0].output.as_ref().expect("the agent's output is kept");
    let whole = client.artifact(&id, &output.digest).await.unwrap();
    let ticks = |text: &str| text.matches("tick").count();
    let shown: usize = shown.iter().map(|(_, text)| ticks(text)).sum();
    assert!(ticks(&String::from_utf8_lossy(&whole)) > shown, "{shown}");
    world.finish().await;
}
