//! Another round: from where the last one stood, or from the beginning.

use smith_model::api::{OverrideRequest, RetryRequest, TargetState};
use smith_model::failure::FailureClass;
use smith_model::policy::PolicyRequest;
use smith_model::problem::Code;
use smith_model::spec::LoopRequest;
use smith_model::state::{Reason, RetryFrom, State};
use smith_tests::{Options, Repository, World, world};

use crate::life::prd;

/// A loop whose second story fails until the file `works` is there, at its flatline. Every run of the agent is a line of `runs`.
async fn failed(world: &World, name: &str) -> (Repository, smith_model::id::LoopId) {
    let repository = world.repository(name);
    let (runs, works) = (world.file("runs"), world.file("works"));
    let lines = format!(
        r#"echo "$SMITH_STORY_ID" >>'{}'
        echo x >"$SMITH_STORY_ID.txt"
        test "$SMITH_STORY_ID" = US-001 || test -e '{}' || rm "$SMITH_STORY_ID.txt""#,
        runs.display(),
        works.display()
    );
    let agent = world.agent("half", &lines);
    let gate = r#"test -e "$SMITH_STORY_ID.txt""#;
    let policy =
        PolicyRequest { attempts: Some(1), story_tries: Some(1), ..PolicyRequest::default() };
    let request = LoopRequest {
        prd: Some(prd(&[("First", &[]), ("Second", &["US-001"])])),
        prompt: None,
        policy: Some(policy),
        ..world::request(name, &repository, &agent, &[gate])
    };
    let id = world.create(&request).await;
    let item = world.ends(&id, State::Flatline).await;
    assert_eq!(item.record.reason, Reason::Failure(FailureClass::GatesFailed));
    assert!(!repository.has(&format!("smith/{name}")), "only whole work is published");
    std::fs::write(works, "").unwrap();
    (repository, id)
}

fn runs(world: &World) -> Vec<String> {
    let text = std::fs::read_to_string(world.file("runs")).unwrap();
    text.lines().map(str::to_owned).collect()
}

fn retry(from: RetryFrom) -> RetryRequest {
    RetryRequest { reason: "it works now".into(), from }
}

#[tokio::test]
async fn a_retry_keeps_what_was_certified() {
    let world = World::start(Options::default()).await;
    let (repository, id) = failed(&world, "again").await;
    world.client().retry_loop(&id, &retry(RetryFrom::Checkpoint), None).await.unwrap();
    let item = world.ends(&id, State::Synced).await;
    assert_eq!((item.record.round, item.record.attempt), (2, 1));
    assert_eq!(runs(&world), ["US-001", "US-002", "US-002"]);
    assert_eq!(repository.stories("main..smith/again"), ["US-001", "US-002"]);
    world.finish().await;
}

#[tokio::test]
async fn a_fresh_retry_drops_it_and_is_the_only_way_on_from_synced() {
    let world = World::start(Options::default()).await;
    let (repository, id) = failed(&world, "fresh").await;
    let client = world.client();
    client.retry_loop(&id, &retry(RetryFrom::Fresh), None).await.unwrap();
    world.ends(&id, State::Synced).await;
    assert_eq!(runs(&world), ["US-001", "US-002", "US-001", "US-002"]);
    assert_eq!(repository.stories("main..smith/fresh"), ["US-001", "US-002"]);
    let refused = client.retry_loop(&id, &retry(RetryFrom::Checkpoint), None).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::IllegalTransition));
    let before = repository.id("smith/fresh");
    client.retry_loop(&id, &retry(RetryFrom::Fresh), None).await.unwrap();
    let third =
        |item: &smith_model::api::LoopItem| item.record.round == 3 && item.record.state.ended();
    let item = smith_tests::wait::until(&client, &id, "ended in round 3", third).await;
    assert_eq!(item.record.state, State::Synced, "{}", item.record.message);
    assert_eq!(runs(&world).len(), 6);
    assert_eq!(Some(repository.id("smith/fresh")), item.record.commit.map(String::from));
    assert_ne!(repository.id("smith/fresh"), before, "the branch went on to the new commit");
    world.finish().await;
}

#[tokio::test]
async fn a_person_may_accept_what_the_system_gave_up() {
    let world = World::start(Options::default()).await;
    let (_, id) = failed(&world, "accepted").await;
    let request = OverrideRequest {
        loop_id: id.clone(),
        target_state: TargetState::Synced,
        reason: "good enough".into(),
    };
    let item = world.client().override_loop(&request, None).await.unwrap();
    assert_eq!((item.record.state, item.record.reason), (State::Synced, Reason::Accepted));
    let refused = world.client().override_loop(&request, None).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::IllegalTransition));
    // What was read before is not what is changed.
    let stale = smith_model::id::Revision(1);
    let request = OverrideRequest { target_state: TargetState::Unresolved, ..request };
    let refused = world.client().override_loop(&request, Some(stale)).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::RevisionMismatch));
    world.finish().await;
}
