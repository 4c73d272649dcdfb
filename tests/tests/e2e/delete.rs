//! What has ended can be deleted, and never comes back under its name.

use smith_model::problem::Code;
use smith_model::spec::LoopRequest;
use smith_model::state::State;
use smith_tests::{Fifo, Options, World, wait, world};

#[tokio::test]
async fn a_deleted_loop_is_gone_whole_and_its_name_and_key_are_used_up() {
    let world = World::start(Options::default()).await;
    let repository = world.repository("delete");
    let mut began = Fifo::create(&world.file("began"));
    let mut go = Fifo::create(&world.file("go"));
    let lines = format!("echo x >{}; read word <{}; echo x >x", began.path(), go.path());
    let agent = world.agent("waits", &lines);
    let request = world::request("delete", &repository, &agent, &["true"]);
    let client = world.client();
    let id = world.create(&request).await;
    began.line().await;
    let code = |result: Result<(), smith_client::Error>| result.unwrap_err().code();
    assert_eq!(code(client.delete_loop(&id, "too early", None).await), Some(Code::LoopActive));
    go.say("on").await;
    world.ends(&id, State::Synced).await;
    // While one that hasn't ended depends on it, it stays.
    let dependent = LoopRequest {
        depends_on: vec![id.clone()],
        ..world::request("dependent", &repository, &agent, &["true"])
    };
    let dependent = world.create(&dependent).await;
    began.line().await;
    assert_eq!(code(client.delete_loop(&id, "needed", None).await), Some(Code::HasDependents));
    world.cancel(&dependent).await;
    let is_gone = |e: &smith_model::journal::Entry| {
        matches!(e.draft.payload, Some(smith_model::journal::Payload::ProcessesGone))
    };
    wait::entry(&client, &dependent, "that its processes are gone", is_gone).await;
    client.delete_loop(&id, "not needed any more", None).await.unwrap();
    assert_eq!(client.get_loop(&id).await.unwrap_err().code(), Some(Code::Gone));
    assert_eq!(client.create_loop(&request, None).await.unwrap_err().code(), Some(Code::Gone));
    let renamed = LoopRequest { idempotency_key: Some("another".into()), ..request };
    assert_eq!(client.create_loop(&renamed, None).await.unwrap_err().code(), Some(Code::Gone));
    // The branch stays: it is the repository's.
    assert!(repository.has("smith/delete"));
    assert_eq!(std::fs::read_dir(world.settings.state().join("artifacts")).unwrap().count(), 1);
    world.finish().await;
}
