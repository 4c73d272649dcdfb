//! Failures that aren't the agent's or the gates': the spec's, the machine's, and those that nobody counts.

use smith_model::attempt::{AttemptRecord, Exit};
use smith_model::failure::{Counted, FailureClass};
use smith_model::handoff::Handoff;
use smith_model::journal::Payload;
use smith_model::policy::PolicyRequest;
use smith_model::spec::LoopRequest;
use smith_model::state::{Reason, State, StateRecord};
use smith_tests::process::{self, Held};
use smith_tests::{Options, Repository, World, in_time, wait, world};

use crate::crash::Scene;

/// What is there when a loop has come to its flatline.
struct Flat {
    record: StateRecord,
    attempts: Vec<AttemptRecord>,
    handoffs: Vec<Handoff>,
    told: String,
}

/// Runs a loop into its flatline, which must be of `class`, counted, and say all of `words`.
async fn flatline(
    world: &World,
    request: &LoopRequest,
    class: FailureClass,
    words: &[&str],
) -> Flat {
    let id = world.create(request).await;
    let record = world.ends(&id, State::Flatline).await.record;
    let client = world.client();
    let told = wait::told(&wait::journal(&client, &id).await);
    assert_eq!(record.reason, Reason::Failure(class), "{told}");
    for words in words {
        assert!(record.message.contains(words), "{:?} lacks {words:?}\n{told}", record.message);
    }
    let attempts = client.attempts(&id).await.unwrap().items;
    for attempt in &attempts {
        let end = attempt.end.as_ref().unwrap();
        assert_eq!((end.class, end.counted), (Some(class), Some(Counted::Yes)), "{told}");
    }
    assert_eq!(record.used_attempts as usize, attempts.len(), "{told}");
    assert_eq!(record.uncounted_attempts, 0, "{told}");
    let handoffs = client.handoffs(&id).await.unwrap().items;
    Flat { record, attempts, handoffs, told }
}

fn plain(repository: &Repository) -> LoopRequest {
    world::request("f", repository, "echo x >x", &["true"])
}

#[tokio::test]
async fn a_spec_that_can_never_run_is_not_tried_again() {
    let world = World::start(Options::default()).await;
    let repository = world.repository("r");
    repository.commit(".smith/notes.txt", "ours\n", "a directory that Smith keeps for itself");
    let words = ["tracks .smith", "remove it from the repository"];
    let flat = flatline(&world, &plain(&repository), FailureClass::SpecInvalid, &words).await;
    // Two attempts are allowed: another one would end the same way.
    assert_eq!((flat.attempts.len(), flat.record.attempt), (1, 1), "{}", flat.told);
    let classes: Vec<_> = flat.handoffs.iter().map(|h| h.class).collect();
    assert_eq!(classes, [Some(FailureClass::SpecInvalid)], "{}", flat.told);
    world.finish().await;
}

#[tokio::test]
async fn a_machine_without_git_is_the_environments_failure() {
    // A PATH with all that an agent needs, and without git.
    let tools = tempfile::tempdir().unwrap();
    for tool in ["sh", "true", "echo"] {
        std::os::unix::fs::symlink(format!("/bin/{tool}"), tools.path().join(tool)).unwrap();
    }
    let env = vec![("PATH".to_owned(), tools.path().display().to_string())];
    let world = World::start(Options { env, ..Options::default() }).await;
    let repository = world.repository("r");
    let words = ["git"];
    let flat = flatline(&world, &plain(&repository), FailureClass::EnvironmentFailed, &words).await;
    // It may be repaired meanwhile: every attempt is used.
    assert_eq!(flat.attempts.len(), 2, "{}", flat.told);
    let classes: Vec<_> = flat.handoffs.iter().map(|h| h.class).collect();
    assert_eq!(classes, [Some(FailureClass::EnvironmentFailed); 2], "{}", flat.told);
    world.finish().await;
}

#[tokio::test]
async fn a_worker_that_cannot_be_started_is_the_environments_failure() {
    let program = tempfile::NamedTempFile::new().unwrap();
    let args = ["--replica-program".to_owned(), program.path().display().to_string()].to_vec();
    let world = World::start(Options { args, ..Options::default() }).await;
    let repository = world.repository("r");
    let request = LoopRequest {
        policy: Some(PolicyRequest { attempts: Some(1), ..PolicyRequest::default() }),
        ..plain(&repository)
    };
    let words = ["could not be started"];
    let flat = flatline(&world, &request, FailureClass::EnvironmentFailed, &words).await;
    // Nobody was there to hand anything over; the journal has the reason instead.
    assert!(flat.handoffs.is_empty(), "{}", flat.told);
    let end = flat.attempts[0].end.as_ref().unwrap();
    assert_eq!(end.exit, Some(Exit::NotStarted));
    let journal = wait::journal(&world.client(), &crate::id("f")).await;
    let tail = journal.iter().find_map(|entry| match &entry.draft.payload {
        Some(Payload::WorkerEnded { tail, .. }) => Some(tail.join("\n")),
        _ => None,
    });
    let name = program.path().display().to_string();
    assert!(tail.as_ref().is_some_and(|tail| tail.contains(&name)), "{tail:?}\n{}", flat.told);
    world.finish().await;
}

/// Kills the process above the agent of a second story whose command line is as wanted; the loop goes on uncounted.
async fn host_lost(name: &str, wanted: impl Fn(&str) -> bool, words: &str) {
    let mut scene = Scene::at_its_second_story(name, Options::default()).await;
    let agent = process::below(scene.world.dir());
    let agent = agent.into_iter().find(|seen| seen.line.contains("agents/waits")).expect("it runs");
    let mut above = std::iter::successors(Some(agent), |seen| process::parent(seen.pid));
    let victim = above.find(|seen| wanted(&seen.line)).expect("one of the host's processes");
    assert!(Held::take(&victim).expect("it runs").kill().await);
    // The next one begins where the first one stood.
    assert_eq!(scene.began.line().await, "US-002");
    let client = scene.world.client();
    let attempts = client.attempts(&scene.id).await.unwrap().items;
    let told = wait::told(&wait::journal(&client, &scene.id).await);
    let end = attempts[0].end.as_ref().expect("an end");
    let lost = (Some(FailureClass::HostLost), Some(Counted::No));
    assert_eq!((end.class, end.counted), lost, "{told}");
    assert!(end.message.contains(words), "{}\n{told}", end.message);
    let handoffs = client.handoffs(&scene.id).await.unwrap().items;
    assert_eq!(handoffs[0].class, Some(FailureClass::HostLost), "{told}");
    assert_eq!(handoffs[0].draft.done.len(), 1, "{told}");
    scene.go.say("on").await;
    let ended = in_time("the end", scene.world.ends(&scene.id, State::Synced)).await.record;
    assert_eq!((ended.attempt, ended.used_attempts, ended.uncounted_attempts), (2, 0, 1), "{told}");
    scene.ends_well().await;
}

#[tokio::test]
async fn a_killed_host_ends_the_attempt_uncounted() {
    host_lost("host", |line| line.contains(" host --socket "), "host").await;
}

#[tokio::test]
async fn a_killed_keeper_ends_the_attempt_uncounted() {
    host_lost("keeper", |line| line.ends_with(" keep"), "was killed").await;
}
