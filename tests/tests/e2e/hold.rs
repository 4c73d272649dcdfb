//! A stop sign beside the state.

use smith_model::api::{ReasonRequest, WhyCode};
use smith_model::state::State;
use smith_model::worker::WorkerPhase;
use smith_tests::servers::Server;
use smith_tests::{Fifo, Layout, Options, World, wait, world};

fn reason(text: &str) -> ReasonRequest {
    ReasonRequest { reason: text.into() }
}

#[tokio::test]
async fn a_held_loop_is_not_admitted_until_it_is_released() {
    let layout = Layout::Apart { apis: 1, cores: 0 };
    let mut world = World::start(Options { layout, ..Options::default() }).await;
    let repository = world.repository("held");
    let agent = world.agent("write", "echo x >x.txt");
    let client = world.client();
    let held = world.create(&world::request("held", &repository, &agent, &["true"])).await;
    client.hold_loop(&held, &reason("wait for me"), None).await.unwrap();
    let core = Server::core(&world.settings, 0, world.url(0)).await;
    world.cores.push(core);
    // What was created later is through, and the held one still waits.
    let later = world.create(&world::request("later", &repository, &agent, &["true"])).await;
    world.ends(&later, State::Synced).await;
    let why = client.why(&held).await.unwrap();
    assert_eq!((why.state, why.code), (State::Unresolved, WhyCode::Held));
    assert!(why.message.contains("wait for me"), "{}", why.message);
    client.release_loop(&held, &reason("go on"), None).await.unwrap();
    world.ends(&held, State::Synced).await;
    let actions: Vec<_> =
        client.overrides(&held).await.unwrap().items.into_iter().map(|o| o.action).collect();
    assert_eq!(actions, ["hold", "release"]);
    world.finish().await;
}

#[tokio::test]
async fn a_hold_pauses_a_running_loop_before_its_next_iteration() {
    let world = World::start(Options::default()).await;
    let repository = world.repository("pause");
    let mut began = Fifo::create(&world.file("began"));
    let mut go = Fifo::create(&world.file("go"));
    let lines = format!(
        "echo $SMITH_ITERATION >{}; read word <{}; echo $word >word.txt",
        began.path(),
        go.path()
    );
    let agent = world.agent("asks", &lines);
    let request = world::request("pause", &repository, &agent, &["grep -q good word.txt"]);
    let id = world.create(&request).await;
    let client = world.client();
    assert_eq!(began.line().await, "1");
    client.hold_loop(&id, &reason("a moment"), None).await.unwrap();
    go.say("bad").await;
    let is_paused = |item: &smith_model::api::LoopItem| {
        item.progress.as_ref().is_some_and(|p| p.phase == WorkerPhase::Paused)
    };
    let item = wait::until(&client, &id, "paused", is_paused).await;
    assert_eq!(item.record.state, State::Overwriting);
    assert!(!began.has_line().await, "no iteration began");
    client.release_loop(&id, &reason("go on"), None).await.unwrap();
    assert_eq!(began.line().await, "2");
    go.say("good").await;
    world.ends(&id, State::Synced).await;
    world.finish().await;
}
