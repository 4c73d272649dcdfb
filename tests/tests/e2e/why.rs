//! What a loop waits for, now.

use smith_model::api::{ReasonRequest, RetryRequest, Why, WhyCode};
use smith_model::duration::Span;
use smith_model::policy::PolicyRequest;
use smith_model::spec::LoopRequest;
use smith_model::state::{RetryFrom, State};
use smith_tests::process::Held;
use smith_tests::servers::Server;
use smith_tests::{Etcd, Fifo, Layout, Options, Repository, World, wait, world};

async fn check(world: &World, id: &str, code: WhyCode, words: &str) -> Why {
    let why = world.client().why(&crate::id(id)).await.unwrap();
    assert_eq!(why.code, code, "{why:?}");
    assert!(why.message.contains(words), "{why:?}");
    why
}

fn plain(name: &str, repository: &Repository) -> LoopRequest {
    world::request(name, repository, "true", &["true"])
}

#[tokio::test]
async fn without_a_core_nothing_is_started() {
    let layout = Layout::Apart { apis: 1, cores: 0 };
    let world = World::start(Options { layout, ..Options::default() }).await;
    let repository = world.repository("r");
    world.create(&plain("a", &repository)).await;
    check(&world, "a", WhyCode::NoCore, "no core leads").await;
    let depends_on = vec![crate::id("a")];
    world.create(&LoopRequest { depends_on, ..plain("b", &repository) }).await;
    let why = check(&world, "b", WhyCode::DependencyPending, "a").await;
    assert_eq!(why.waits_for, [crate::id("a")]);
    assert_eq!(world.client().stories(&crate::id("b")).await.unwrap(), None, "none, not an error");
    world.cancel(&crate::id("a")).await;
    check(&world, "a", WhyCode::Ended, "the test asked for it").await;
    let why = check(&world, "b", WhyCode::DependencyEnded, "retry or accept").await;
    assert_eq!(why.waits_for, [crate::id("a")]);
    let reason = ReasonRequest { reason: "lunch".into() };
    world.client().hold_loop(&crate::id("b"), &reason, None).await.unwrap();
    check(&world, "b", WhyCode::Held, "lunch").await;
    world.finish().await;
}

#[tokio::test]
async fn limits_and_backoff_are_named() {
    let args = ["--max-loops", "2", "--max-project-loops", "web=1"].map(str::to_owned).to_vec();
    let world = World::start(Options { args, ..Options::default() }).await;
    let repository = world.repository("r");
    let mut began = Fifo::create(&world.file("began"));
    let agent = world.agent("waits", &format!("echo x >{}; sleep 1000", began.path()));
    let request = |name: &str, project: &str| LoopRequest {
        project: Some(project.parse().unwrap()),
        ..world::request(name, &repository, &agent, &["true"])
    };
    world.create(&request("a", "web")).await;
    began.line().await;
    check(&world, "a", WhyCode::Running, "").await;
    world.create(&request("b", "web")).await;
    check(&world, "b", WhyCode::ProjectLimit, "web").await;
    world.create(&request("c", "other")).await;
    began.line().await;
    world.create(&request("d", "other")).await;
    check(&world, "d", WhyCode::FleetLimit, "2 of 2").await;
    // The narrowest is named: it is what a person can do most about.
    check(&world, "b", WhyCode::ProjectLimit, "1 of 1").await;
    for name in ["b", "d", "a", "c"] {
        world.cancel(&crate::id(name)).await;
    }
    // What failed waits for its backoff.
    let policy = PolicyRequest {
        attempts: Some(2),
        story_tries: Some(1),
        backoff_initial: Some(Span::seconds(3000)),
        backoff_max: Some(Span::seconds(3000)),
        ..PolicyRequest::default()
    };
    let failing = world::request("e", &repository, "exit 1", &["true"]);
    let failing = world.create(&LoopRequest { policy: Some(policy), ..failing }).await;
    let waits = |item: &smith_model::api::LoopItem| {
        item.record.attempt == 1 && item.record.state == State::Unresolved
    };
    let item = wait::until(&world.client(), &failing, "in its backoff", waits).await;
    // The worker that failed is removed first, which no stream tells: it is asked until it is so.
    let removed = async {
        while world.client().why(&failing).await.unwrap().code == WhyCode::PreviousWorkerStopping {
            tokio::task::yield_now().await;
        }
    };
    smith_tests::in_time("the worker's removal", removed).await;
    let why = check(&world, "e", WhyCode::Backoff, "1 of 2 attempts").await;
    assert_eq!(why.until, item.record.not_before);
    world.finish().await;
}

#[tokio::test]
async fn a_worker_that_begins_and_one_that_fell_silent_are_told_apart() {
    // A worker that takes its time between its start and its claim.
    let dir = tempfile::tempdir().unwrap();
    let mut begins = Fifo::create(&dir.path().join("begins"));
    let mut claim = Fifo::create(&dir.path().join("claim"));
    let replica = smith_tests::binaries::program("smith-replica");
    let lines = format!(
        "echo begins >'{}'; read word <'{}'; exec '{}' \"$@\"",
        begins.path(),
        claim.path(),
        replica.display()
    );
    let program = smith_tests::agent::script(dir.path(), "smith-replica", &lines);
    let args = ["--replica-program".to_owned(), program].to_vec();
    // Long enough to be asked about within it.
    let world = World::start(Options { args, worker_ttl: "4s", ..Options::default() }).await;
    let repository = world.repository("r");
    let mut began = Fifo::create(&world.file("began"));
    let mut go = Fifo::create(&world.file("go"));
    let lines = format!("echo x >'{}'; read word <'{}'; echo x >x", began.path(), go.path());
    let agent = world.agent("waits", &lines);
    let id = world.create(&world::request("a", &repository, &agent, &["true"])).await;
    assert_eq!(begins.line().await, "begins");
    let why = check(&world, "a", WhyCode::WorkerStarting, "its worker begins").await;
    assert!(why.until.is_some());
    claim.say("on").await;
    began.line().await;
    check(&world, "a", WhyCode::Running, "").await;

    let replicas = world.replicas();
    assert_eq!(replicas.len(), 1, "{replicas:#?}");
    let worker = Held::take(&replicas[0]).unwrap();
    assert!(worker.stop().await);
    let is_silent = |item: &smith_model::api::LoopItem| !item.claimed;
    wait::until(&world.client(), &id, "without its lock", is_silent).await;
    let why = check(&world, "a", WhyCode::WorkerSilent, "it may claim again").await;
    assert!(why.until.is_some());
    worker.go_on();
    let is_back = |item: &smith_model::api::LoopItem| item.claimed;
    wait::until(&world.client(), &id, "claimed again", is_back).await;
    check(&world, "a", WhyCode::Running, "").await;
    go.say("on").await;
    let record = world.ends(&id, State::Synced).await.record;
    assert_eq!((record.attempt, record.uncounted_attempts), (1, 0));
    world.finish().await;
}

#[tokio::test]
async fn nothing_begins_beside_a_worker_that_should_be_gone() {
    let world = World::start(Options::default()).await;
    let repository = world.repository("r");
    let mut began = Fifo::create(&world.file("began"));
    let mut go = Fifo::create(&world.file("go"));
    let lines = format!("echo x >'{}'; read word <'{}'; echo x >x", began.path(), go.path());
    let agent = world.agent("waits", &lines);
    let id = world.create(&world::request("a", &repository, &agent, &["true"])).await;
    began.line().await;
    let replicas = world.replicas();
    assert_eq!(replicas.len(), 1, "{replicas:#?}");
    let worker = Held::take(&replicas[0]).unwrap();
    assert!(worker.stop().await);
    world.cancel(&id).await;
    let again = RetryRequest { reason: "once more".into(), from: RetryFrom::Checkpoint };
    world.client().retry_loop(&id, &again, None).await.unwrap();
    check(&world, "a", WhyCode::PreviousWorkerStopping, "r1a1 is stopping").await;
    assert!(!began.has_line().await, "the second round waits");
    worker.go_on();
    began.line().await;
    go.say("on").await;
    let record = world.ends(&id, State::Synced).await.record;
    assert_eq!((record.round, record.attempt), (2, 1));
    world.finish().await;
}

#[tokio::test]
async fn a_store_that_is_nearly_full_begins_nothing() {
    const QUOTA: &str = "104857600";
    let etcd = Etcd::private(&["--quota-backend-bytes", QUOTA]).await;
    let mut client = etcd.client().await;
    for n in 0..85 {
        client.put(format!("/fill/{n}"), vec![0; 1 << 20], None).await.unwrap();
    }
    let layout = Layout::Apart { apis: 1, cores: 0 };
    let args = ["--etcd-quota", QUOTA].map(str::to_owned).to_vec();
    let mut world =
        World::start(Options { layout, etcd: Some(etcd), args, ..Options::default() }).await;
    let repository = world.repository("r");
    let id = world.create(&plain("a", &repository)).await;
    check(&world, "a", WhyCode::NoCore, "no core leads").await;
    world.cores.push(Server::core(&world.settings, 0, world.url(0)).await);
    let leads = async {
        while world.client().why(&id).await.unwrap().code == WhyCode::NoCore {
            tokio::task::yield_now().await;
        }
    };
    smith_tests::in_time("a core that leads", leads).await;
    check(&world, "a", WhyCode::StoreFull, "nearly full").await;
    // A nudge more: it is looked at, and still not begun.
    let reason = ReasonRequest { reason: "a moment".into() };
    world.client().hold_loop(&id, &reason, None).await.unwrap();
    world.client().release_loop(&id, &reason, None).await.unwrap();
    check(&world, "a", WhyCode::StoreFull, "nearly full").await;
    world.cancel(&id).await;
    let history = world.finish().await;
    assert_eq!(history.states(&id), [State::Unresolved, State::Cancelled]);
}
