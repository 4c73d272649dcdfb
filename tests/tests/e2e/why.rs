//! What a loop waits for, now.

use smith_model::api::{ReasonRequest, Why, WhyCode};
use smith_model::duration::Span;
use smith_model::policy::PolicyRequest;
use smith_model::spec::LoopRequest;
use smith_model::state::State;
use smith_tests::{Fifo, Layout, Options, Repository, World, wait, world};

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
