//! Stop means stop.

use std::time::{Duration, Instant};

use smith_model::journal::Payload;
use smith_model::state::{Reason, State};
use smith_tests::{AliveFile, Fifo, Options, World, wait, world};

#[tokio::test]
async fn a_cancel_leaves_no_process_of_an_agent_that_ignores_it_and_hides() {
    let world = World::start(Options::default()).await;
    let repository = world.repository("cancel");
    let alive = AliveFile::create(&world.file("alive"));
    let mut began = Fifo::create(&world.file("began"));
    let fifo = began.path();
    let lines = format!(
        r#"{}
        trap '' TERM HUP INT
        (setsid sh -c 'trap "" TERM HUP INT; cd /; echo daemon >{fifo}; while :; do sleep 1; done' &)
        echo agent >{fifo}
        while :; do sleep 1; done"#,
        alive.take()
    );
    let agent = world.agent("stubborn", &lines);
    let id = world.create(&world::request("cancel", &repository, &agent, &["true"])).await;
    let mut said = [began.line().await, began.line().await];
    said.sort();
    assert_eq!(said, ["agent", "daemon"]);
    assert!(alive.is_held());

    let at = Instant::now();
    let item = world.cancel(&id).await;
    assert_eq!(
        (item.record.state, item.record.reason),
        (State::Cancelled, Reason::OperatorCancelled)
    );
    alive.released().await;
    let took = at.elapsed();
    assert!(took < Duration::from_secs(5), "its processes were gone after {took:?}");
    // And Smith says so.
    let is_gone =
        |e: &smith_model::journal::Entry| matches!(e.draft.payload, Some(Payload::ProcessesGone));
    wait::entry(&world.client(), &id, "that the processes are gone", is_gone).await;
    assert!(!repository.has("smith/cancel"), "nothing was published");
    let history = world.finish().await;
    assert_eq!(history.states(&id), [State::Unresolved, State::Overwriting, State::Cancelled]);
}

#[tokio::test]
async fn a_hold_and_a_cancel_land_at_once_beside_a_worker_that_journals_as_fast_as_it_may() {
    let world = World::start(Options::default()).await;
    let repository = world.repository("fast");
    let alive = AliveFile::create(&world.file("alive"));
    let agent = world.agent("loud", &format!("{}\nwhile :; do seq 1 200; done", alive.take()));
    let id = world.create(&world::request("fast", &repository, &agent, &["true"])).await;
    let client = world.client();
    let is_output =
        |e: &smith_model::journal::Entry| matches!(e.draft.payload, Some(Payload::Output { .. }));
    wait::entry(&client, &id, "of output", is_output).await;
    let at = Instant::now();
    let reason = smith_model::api::ReasonRequest { reason: "a look".into() };
    client.hold_loop(&id, &reason, None).await.unwrap();
    client.release_loop(&id, &reason, None).await.unwrap();
    world.cancel(&id).await;
    let took = at.elapsed();
    assert!(took < Duration::from_secs(1), "three acts took {took:?}");
    alive.released().await;
    world.finish().await;
}

#[tokio::test]
async fn a_loop_that_waits_is_cancelled_where_it_stands() {
    let layout = smith_tests::Layout::Apart { apis: 1, cores: 0 };
    let world = World::start(Options { layout, ..Options::default() }).await;
    let repository = world.repository("waits");
    let id = world.create(&world::request("waits", &repository, "true", &["true"])).await;
    assert_eq!(world.cancel(&id).await.record.state, State::Cancelled);
    let again = world.client().why(&id).await.unwrap();
    assert_eq!(again.code, smith_model::api::WhyCode::Ended);
    let history = world.finish().await;
    assert_eq!(history.states(&id), [State::Unresolved, State::Cancelled]);
}
