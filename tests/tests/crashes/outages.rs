//! etcd away, compacted, full: nothing is lost, the reason is shown, and work goes on afterwards.

use std::time::Duration;

use etcd_client::{AlarmAction, AlarmOptions, AlarmType, CompactionOptions, DeleteOptions};
use futures::StreamExt as _;
use smith_client::stream::Signal;
use smith_client::{Client, Config, JournalEvent, Retries, Secret};
use smith_model::api::{OverrideRequest, ReasonRequest, TargetState};
use smith_model::journal::Payload;
use smith_model::problem::Code;
use smith_model::state::State;
use smith_tests::servers::{Server, Settings};
use smith_tests::world::Proxied;
use smith_tests::{Etcd, Layout, Options, World, in_time, wait};

use crate::job::{Expected, Job};
use crate::survive::insist;

/// How long etcd is away.
const OUTAGE: Duration = Duration::from_secs(10);

/// Starts a job in a world of this lease, takes etcd away while its agent runs, and answers the attempts that it took.
async fn outage(worker_ttl: &'static str) -> u32 {
    let etcd = Some(Etcd::private(&[]).await);
    let mut world = World::start(Options { etcd, worker_ttl, ..Options::default() }).await;
    let client = world.client();
    let job = Job::new(&world, "job", 3, Expected::Synced);
    world.create(&job.request).await;
    iterates(&client, &job).await;
    world.etcd.stop().await;
    let while_away = Job::new(&world, "while-away", 1, Expected::Synced);
    let away = async {
        let refused = impatient(&world).create_loop(&while_away.request, None).await;
        let told = refused.expect_err("nothing can be stored").to_string();
        assert!(told.contains("etcd"), "the reason is shown: {told}");
    };
    tokio::join!(away, tokio::time::sleep(OUTAGE));
    world.etcd.start_again().await;
    insist(|| client.create_loop(&while_away.request, None)).await.expect("a loop");
    let item = job.ends(&client, Expected::Synced).await;
    while_away.ends(&client, Expected::Synced).await;
    job.check(Expected::Synced).await;
    while_away.check(Expected::Synced).await;
    world.finish().await;
    item.record.attempt
}

/// A client that asks once.
fn impatient(world: &World) -> Client {
    let config = Config::new(world.url(0), "smith-tests");
    let config = config.with_token(Secret::new(world.token()));
    let retries = Retries { most: 0, ..config.retries };
    Client::new(Config { retries, ..config }).expect("a client")
}

/// Waits until an agent of the job runs.
async fn iterates(client: &Client, job: &Job) {
    wait::entry(client, &job.id, "of an iteration", |entry| {
        matches!(entry.draft.payload, Some(Payload::IterationStarted { .. }))
    })
    .await;
}

#[tokio::test]
async fn an_outage_shorter_than_the_lease_costs_nothing() {
    assert_eq!(outage("30s").await, 1);
}

#[tokio::test]
async fn an_outage_longer_than_the_lease_is_survived() {
    outage("2s").await;
}

#[tokio::test]
async fn a_watch_whose_history_was_compacted_lists_again() {
    // The first API lags, behind the proxy; the second one, without it, goes on.
    let layout = Layout::Apart { apis: 1, cores: 0 };
    let etcd = Some(Etcd::private(&[]).await);
    let options = Options { layout, etcd, proxied: Proxied::Yes, ..Options::default() };
    let mut world = World::start(options).await;
    let direct = Settings { etcd: world.etcd.url().to_owned(), ..world.settings.clone() };
    world.servers.push(Server::api(&direct).await);
    let (lagging, current) = (world.client(), world.client_at(1, world.token()));
    let job = Job::new(&world, "job", 1, Expected::Synced);
    let id = &job.id;
    lagging.create_loop(&job.request, None).await.expect("a loop");
    let mut journal = lagging.journal_stream(id, 0, None);
    let first = in_time("the first entry", journal.next()).await;
    assert!(matches!(first, Some(Ok(Signal::Event { .. }))), "{first:?}");

    world.proxy.as_ref().expect("a proxy").cut();
    let reason = ReasonRequest { reason: "the test asked for it".into() };
    for _ in 0..10 {
        current.hold_loop(id, &reason, None).await.expect("held");
        current.release_loop(id, &reason, None).await.expect("released");
    }
    let held = current.hold_loop(id, &reason, None).await.expect("held");
    let mut etcd = world.etcd.client().await;
    let revision = etcd.get("x", None).await.expect("an answer").header().expect("one").revision();
    let options = CompactionOptions::new().with_physical();
    etcd.compact(revision, Some(options)).await.expect("compacted");
    world.proxy.as_ref().expect("a proxy").open();

    // The list and the journal's stream of the one that lagged have it all, without a gap.
    let seen = wait::until(&lagging, id, "held", |item| item.revision == held.revision).await;
    assert!(seen.record.hold.is_some());
    let mut seqs = vec![1];
    while seqs.len() < 22 {
        match in_time("an entry", journal.next()).await {
            Some(Ok(Signal::Event { event: JournalEvent::Entry(entry), .. })) => {
                seqs.push(entry.seq)
            }
            Some(Ok(_)) => {}
            other => panic!("the stream ended: {other:?}"),
        }
    }
    assert_eq!(seqs, (1..=22).collect::<Vec<u64>>());
    world.finish().await;
}

#[tokio::test]
async fn a_full_etcd_is_said_to_be_full_and_work_goes_on_when_there_is_room() {
    let etcd = Some(Etcd::private(&["--quota-backend-bytes", "16777216"]).await);
    let world = World::start(Options { etcd, ..Options::default() }).await;
    let client = world.client();
    let job = Job::new(&world, "job", 3, Expected::Synced);
    let doomed = Job::new(&world, "doomed", 3, Expected::Synced);
    let later = Job::new(&world, "later", 1, Expected::Synced);
    for job in [&job, &doomed] {
        world.create(&job.request).await;
        iterates(&client, job).await;
    }
    let mut etcd = world.etcd.client().await;
    for n in 0..100 {
        if etcd.put(format!("/fill/{n}"), vec![0; 1 << 20], None).await.is_err() {
            break;
        }
        assert!(n < 50, "etcd is never full");
    }
    let refused = client.create_loop(&later.request, None).await;
    let told = refused.expect_err("nothing can be stored").to_string();
    assert!(told.contains("etcd is full"), "the reason is shown: {told}");
    let cancel = OverrideRequest {
        loop_id: doomed.id.clone(),
        target_state: TargetState::Cancelled,
        reason: "the test asked for it".into(),
    };
    let stopped = client.override_loop(&cancel, None).await.expect_err("it can't be recorded");
    let smith_client::Error::Problem { problem, .. } = &stopped else { panic!("{stopped}") };
    assert_eq!((problem.status, problem.code), (507, Code::StoppedNotRecorded), "{stopped}");

    let everything = DeleteOptions::new().with_prefix();
    let revision = etcd.delete("/fill/", Some(everything)).await.expect("deleted");
    let revision = revision.header().expect("a header").revision();
    let options = CompactionOptions::new().with_physical();
    etcd.compact(revision, Some(options)).await.expect("compacted");
    etcd.defragment().await.expect("defragmented");
    let alarms = etcd.alarm(AlarmAction::Get, AlarmType::Nospace, None).await.expect("alarms");
    for alarm in alarms.alarms() {
        let mut member = AlarmOptions::new();
        member.with_member(alarm.member_id());
        let done = etcd.alarm(AlarmAction::Deactivate, AlarmType::Nospace, Some(member)).await;
        done.expect("the alarm is cleared");
    }

    insist(|| client.override_loop(&cancel, None)).await.expect("cancelled");
    insist(|| client.create_loop(&later.request, None)).await.expect("a loop");
    wait::ends(&client, &doomed.id, State::Cancelled).await;
    job.ends(&client, Expected::Synced).await;
    later.ends(&client, Expected::Synced).await;
    job.check(Expected::Synced).await;
    later.check(Expected::Synced).await;
    world.finish().await;
}
