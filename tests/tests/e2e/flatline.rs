//! Every way to fail that can be provoked here ends in a flatline with its class and its reason in words.

use smith_model::duration::Span;
use smith_model::failure::FailureClass;
use smith_model::policy::PolicyRequest;
use smith_model::spec::LoopRequest;
use smith_model::state::{Reason, State};
use smith_tests::{Options, World, wait, world};

/// One attempt, one try.
fn once() -> PolicyRequest {
    PolicyRequest { attempts: Some(1), story_tries: Some(1), ..PolicyRequest::default() }
}

/// Runs one loop into its flatline, which must be of `class` and say `words`.
async fn check(
    change: impl FnOnce(&World, LoopRequest) -> LoopRequest,
    agent: &str,
    gates: &[&str],
    class: FailureClass,
    words: &str,
) {
    let world = World::start(Options::default()).await;
    let repository = world.repository("r");
    let agent = world.agent("agent", agent);
    let request =
        LoopRequest { policy: Some(once()), ..world::request("f", &repository, &agent, gates) };
    let id = world.create(&change(&world, request)).await;
    let item = world.ends(&id, State::Flatline).await;
    let client = world.client();
    let told = wait::told(&wait::journal(&client, &id).await);
    assert_eq!(item.record.reason, Reason::Failure(class), "{told}");
    assert!(item.record.message.contains(words), "{}\n{told}", item.record.message);
    let handoffs = client.handoffs(&id).await.unwrap().items;
    assert_eq!(handoffs.iter().map(|h| h.class).collect::<Vec<_>>(), [Some(class)], "{told}");
    assert!(!repository.has("smith/f") || class == FailureClass::PublishConflict);
    let attempts = client.attempts(&id).await.unwrap().items;
    assert!(attempts.iter().all(|a| a.gone_at.is_some()), "{attempts:#?}");
    world.finish().await;
}

#[tokio::test]
async fn gates_that_stay_red() {
    check(|_, r| r, "echo x >x", &["exit 3"], FailureClass::GatesFailed, "exit 3").await;
}

#[tokio::test]
async fn a_gate_that_does_not_exist() {
    let gate = "no-such-gate --at-all";
    check(|_, r| r, "echo x >x", &[gate], FailureClass::GatesFailed, "127").await;
}

#[tokio::test]
async fn an_agent_that_is_not_installed() {
    let change = |_: &World, r| LoopRequest { command: Some("no-such-agent --yolo".into()), ..r };
    check(change, "true", &["true"], FailureClass::AgentFailed, "installed").await;
}

#[tokio::test]
async fn an_agent_that_fails() {
    check(|_, r| r, "exit 9", &["true"], FailureClass::AgentFailed, "exit code 9").await;
}

#[tokio::test]
async fn an_agent_that_is_too_slow() {
    let change = |_: &World, r| LoopRequest {
        policy: Some(PolicyRequest { agent_timeout: Some(Span::millis(500)), ..once() }),
        ..r
    };
    let agent = "while :; do echo x; sleep 0.1; done";
    check(change, agent, &["true"], FailureClass::AgentFailed, "500ms").await;
}

#[tokio::test]
async fn a_directory_that_is_no_repository() {
    let change = |world: &World, r| {
        let path = world.file("empty");
        std::fs::create_dir(&path).unwrap();
        LoopRequest { repository: Some(path.to_str().unwrap().parse().unwrap()), ..r }
    };
    check(change, "true", &["true"], FailureClass::RepositoryFailed, "empty").await;
}

#[tokio::test]
async fn a_ref_that_is_not_there() {
    let change = |_: &World, r| LoopRequest { reference: Some("no-such-branch".into()), ..r };
    check(change, "true", &["true"], FailureClass::RepositoryFailed, "no-such-branch").await;
}

#[tokio::test]
async fn an_agent_that_walks_in_circles() {
    let change = |_: &World, r| LoopRequest {
        policy: Some(PolicyRequest { attempts: Some(3), story_tries: Some(20), ..once() }),
        ..r
    };
    let agent = "if test -e a; then rm a; echo b >b; else rm -f b; echo a >a; fi";
    check(change, agent, &["false"], FailureClass::Oscillating, "came back").await;
}

#[tokio::test]
async fn an_agent_that_stands_still() {
    let change = |_: &World, r| LoopRequest {
        policy: Some(PolicyRequest { stall_after: Some(Span::seconds(1)), ..once() }),
        ..r
    };
    check(change, "sleep 1000", &["true"], FailureClass::Stalled, "no output").await;
}

#[tokio::test]
async fn an_attempt_that_takes_too_long() {
    let change = |_: &World, r| LoopRequest {
        policy: Some(PolicyRequest { attempt_timeout: Some(Span::seconds(2)), ..once() }),
        ..r
    };
    let agent = "while :; do echo x; sleep 0.1; done";
    check(change, agent, &["true"], FailureClass::TimedOut, "2s").await;
}

#[tokio::test]
async fn iterations_that_are_used_up() {
    let change = |_: &World, r| LoopRequest {
        policy: Some(PolicyRequest { iterations: Some(2), story_tries: Some(9), ..once() }),
        ..r
    };
    let agent = "date +%N >x";
    check(change, agent, &["false"], FailureClass::IterationsExhausted, "2").await;
}

#[tokio::test]
async fn tokens_that_are_used_up() {
    let change = |_: &World, r| LoopRequest {
        policy: Some(PolicyRequest { tokens: Some(100), story_tries: Some(9), ..once() }),
        ..r
    };
    let agent = r#"date +%N >x; echo '{"input_tokens": 60}' >.smith/usage.json"#;
    check(change, agent, &["false"], FailureClass::BudgetExhausted, "100").await;
}

#[tokio::test]
async fn a_branch_that_somebody_else_moved() {
    let world = World::start(Options::default()).await;
    let repository = world.repository("r");
    // While the agent works, somebody takes the branch.
    let lines = format!(
        "cd '{}'; git branch smith/f main; cd - >/dev/null; echo x >x",
        repository.path().display()
    );
    let agent = world.agent("agent", &lines);
    let request =
        LoopRequest { policy: Some(once()), ..world::request("f", &repository, &agent, &["true"]) };
    let id = world.create(&request).await;
    let item = world.ends(&id, State::Flatline).await;
    assert_eq!(
        item.record.reason,
        Reason::Failure(FailureClass::PublishConflict),
        "{}",
        item.record.message
    );
    assert_eq!(repository.id("smith/f"), repository.id("main"), "it is as they left it");
    world.finish().await;
}

#[tokio::test]
async fn dependencies_that_do_not_merge() {
    let world = World::start(Options::default()).await;
    let repository = world.repository("r");
    let agent = world.agent("agent", r#"echo "$SMITH_LOOP_ID" >same.txt"#);
    let one = |name: &str| world::request(name, &repository, &agent, &["true"]);
    for name in ["a", "b"] {
        world.create(&one(name)).await;
    }
    let depends_on = vec![crate::id("a"), crate::id("b")];
    let id = world.create(&LoopRequest { depends_on, ..one("c") }).await;
    let item = world.ends(&id, State::Flatline).await;
    assert_eq!(item.record.reason, Reason::Failure(FailureClass::DependencyConflict));
    assert!(item.record.message.contains("same.txt"), "{}", item.record.message);
    world.finish().await;
}
