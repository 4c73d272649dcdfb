//! A request becomes a branch, and everything on the way is evidence.

use std::process::Stdio;

use rustix::process::Signal;
use serde_json::json;
use smith_client::{Client, Config, Secret};
use smith_model::attempt::Exit;
use smith_model::journal::{Payload, Phase};
use smith_model::state::{Reason, State};
use smith_model::story::{DoneAs, IterationOutcome, StoryStatus};
use smith_tests::process::{self, Process};
use smith_tests::{Options, World, binaries, in_time, wait, world};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

/// The smallest work: one line in one file.
const WRITE: &str = "echo \"done by $SMITH_STORY_ID\" >work.txt; echo 'the agent says hello'";

#[tokio::test]
async fn a_prompt_becomes_a_branch_with_all_its_evidence() {
    let world = World::start(Options::default()).await;
    let repository = world.repository("one");
    let base = repository.id("main");
    let agent = world.agent("write", WRITE);
    let request = smith_model::spec::LoopRequest {
        correlation_id: Some("ticket-7".into()),
        ..world::request("one", &repository, &agent, &["grep -q done work.txt"])
    };
    let created = world.create(&request).await;
    let item = world.ends(&created, State::Synced).await;
    let client = world.client();

    // The branch: one commit on the base, with its trailers.
    assert_eq!(item.record.branch.as_deref(), Some("smith/one"));
    let commits = repository.commits(&format!("{base}..smith/one"));
    assert_eq!(commits.len(), 1, "{commits:#?}");
    assert_eq!(item.record.commit.as_ref().map(|c| c.as_str()), Some(commits[0].id.as_str()));
    let trailers = &commits[0].trailers;
    for (name, value) in [
        ("Loop-ID", "one"),
        ("Attempt", "r1a1"),
        ("Story", "US-001"),
        ("Correlation-ID", "ticket-7"),
    ] {
        assert_eq!(trailers.get(name).map(String::as_str), Some(value), "{trailers:?}");
    }
    assert_eq!(repository.file("smith/one", "work.txt").as_deref(), Some("done by US-001"));
    assert_eq!(repository.files("smith/one"), ["README.md", "work.txt"]);
    assert_eq!(repository.id("main"), base, "nobody else's branch moved");

    // The journal tells it in order.
    let journal = wait::journal(&client, &created).await;
    let of = |phase: Phase| journal.iter().position(|e| e.draft.phase == phase);
    let order = [Phase::Ingress, Phase::Core, Phase::Startup, Phase::Checkout, Phase::Prd];
    let order =
        [&order[..], &[Phase::Iteration, Phase::Gates, Phase::Publish, Phase::Completion]].concat();
    let places: Vec<_> = order.iter().map(|phase| of(*phase)).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{}", wait::told(&journal));
    let said = journal.iter().any(|e| {
        matches!(&e.draft.payload,
        Some(Payload::Output { text, gate: None, .. }) if text.contains("the agent says hello"))
    });
    assert!(said, "{}", wait::told(&journal));

    // One iteration, with artifacts that can be read.
    let iterations = client.iterations(&created).await.unwrap().items;
    assert_eq!(iterations.len(), 1);
    let iteration = &iterations[0];
    assert_eq!((iteration.outcome, iteration.agent), (IterationOutcome::Green, Exit::Code(0)));
    assert_eq!(iteration.commit.as_ref().map(|c| c.as_str()), Some(commits[0].id.as_str()));
    assert_eq!(iteration.tree.as_ref().map(|t| t.as_str()), Some(commits[0].tree.as_str()));
    assert_eq!(iteration.gates.len(), 1);
    let artifacts = client.artifacts(&created).await.unwrap().items;
    let mut texts = std::collections::BTreeMap::new();
    for artifact in &artifacts {
        let bytes = client.artifact(&created, &artifact.artifact.digest).await.unwrap();
        texts.insert(artifact.name.clone(), String::from_utf8_lossy(&bytes).into_owned());
    }
    assert!(texts["prompt"].contains("do what the test wants"), "{texts:#?}");
    assert!(texts["output"].contains("the agent says hello"), "{texts:#?}");
    assert!(texts["diff"].contains("+done by US-001"), "{texts:#?}");

    // Stories, handoff, attempt, chain.
    let stories = client.stories(&created).await.unwrap().expect("stories").stories;
    assert_eq!(stories.len(), 1);
    assert_eq!(
        (stories[0].status, stories[0].done_as),
        (StoryStatus::Done, Some(DoneAs::Certified))
    );
    let handoffs = client.handoffs(&created).await.unwrap().items;
    assert_eq!(handoffs.len(), 1);
    assert_eq!(handoffs[0].draft.remaining, Vec::<String>::new());
    assert_eq!(handoffs[0].draft.done.len(), 1);
    assert_eq!(handoffs[0].class, None);
    let trace = client.trace(&created).await.unwrap();
    assert!(trace.chain.intact, "{:?}", trace.chain);
    assert_eq!(trace.chain.entries, journal.len() as u64);
    assert_eq!(trace.attempts.len(), 1);
    assert!(trace.attempts[0].gone_at.is_some(), "its processes are known to be gone");
    assert_eq!(trace.attempts[0].base.as_ref().map(|c| c.as_str()), Some(base.as_str()));

    let history = world.finish().await;
    assert_eq!(history.states(&created), [State::Unresolved, State::Overwriting, State::Synced]);
}

#[tokio::test]
async fn stories_are_worked_through_in_the_order_of_their_dependencies() {
    let world = World::start(Options::default()).await;
    let repository = world.repository("prd");
    // Each story needs what the one before it left.
    let lines = r#"
        case "$SMITH_STORY_ID" in
            US-001) echo 1 >first.txt ;;
            US-002) test -e first.txt; echo 2 >second.txt ;;
            US-003) test -e first.txt; test -e second.txt; echo 3 >third.txt ;;
        esac"#;
    let agent = world.agent("stories", lines);
    let prd = prd(&[("First", &[]), ("Second", &["US-001"]), ("Third", &["US-001", "US-002"])]);
    let request = smith_model::spec::LoopRequest {
        prd: Some(prd),
        prompt: None,
        ..world::request("prd", &repository, &agent, &["true"])
    };
    let created = world.create(&request).await;
    world.ends(&created, State::Synced).await;
    assert_eq!(repository.stories("main..smith/prd"), ["US-001", "US-002", "US-003"]);
    assert_eq!(
        repository.files("smith/prd"),
        ["README.md", "first.txt", "second.txt", "third.txt"]
    );
    let history = world.finish().await;
    assert_eq!(history.states(&created).len(), 3);
}

#[tokio::test]
async fn a_red_gate_is_told_to_the_next_iteration_which_passes() {
    let world = World::start(Options::default()).await;
    let repository = world.repository("fed-back");
    // It knows no other way to find out what to write than the failure in its prompt.
    let lines = r#"
        if grep -q 'the answer must be 42' "$SMITH_PROMPT_FILE"; then
            echo 42 >answer.txt
        else
            echo 41 >answer.txt
        fi"#;
    let agent = world.agent("learn", lines);
    let gate = r#"test "$(cat answer.txt)" = 42 || { echo "the answer must be ""42"; exit 1; }"#;
    let created = world.create(&world::request("fed-back", &repository, &agent, &[gate])).await;
    let item = world.ends(&created, State::Synced).await;
    assert_eq!((item.record.attempt, item.record.reason), (1, Reason::Completed));
    let iterations = world.client().iterations(&created).await.unwrap().items;
    let outcomes: Vec<_> = iterations.iter().map(|i| i.outcome).collect();
    assert_eq!(outcomes, [IterationOutcome::GatesFailed, IterationOutcome::Green]);
    assert_eq!(repository.file("smith/fed-back", "answer.txt").as_deref(), Some("42"));
    assert_eq!(repository.stories("main..smith/fed-back"), ["US-001"]);
    world.finish().await;
}

#[tokio::test]
async fn a_repository_with_a_prd_of_its_own_is_worked_by_it() {
    let world = World::start(Options::default()).await;
    let repository = world.repository("own");
    let own = prd(&[("Read from the repository", &[])]).to_string();
    repository.commit(".agents/tasks/prd.json", &own, "a PRD");
    let agent = world.agent("write", WRITE);
    let created = world.create(&world::request("own", &repository, &agent, &["true"])).await;
    world.ends(&created, State::Synced).await;
    let stories = world.client().stories(&created).await.unwrap().expect("stories");
    assert_eq!(stories.source, smith_model::story::PrdSource::Repository);
    assert_eq!(stories.stories[0].title, "Read from the repository");
    world.finish().await;
}

#[tokio::test]
async fn a_story_with_nothing_to_change_is_done_and_shown_as_unchanged() {
    let world = World::start(Options::default()).await;
    let repository = world.repository("nothing");
    let mut prd = prd(&[("Done already", &[])]);
    // The document's word is no evidence: the story is looked at.
    prd["stories"][0]["status"] = "done".into();
    let request = smith_model::spec::LoopRequest {
        prd: Some(prd),
        prompt: None,
        ..world::request("nothing", &repository, "true", &["true"])
    };
    let created = world.create(&request).await;
    world.ends(&created, State::Synced).await;
    let client = world.client();
    let stories = client.stories(&created).await.unwrap().expect("stories").stories;
    assert_eq!(stories[0].done_as, Some(DoneAs::Unchanged));
    let iterations = client.iterations(&created).await.unwrap().items;
    let outcomes: Vec<_> = iterations.iter().map(|i| i.outcome).collect();
    assert_eq!(outcomes, [IterationOutcome::Unchanged, IterationOutcome::Unchanged]);
    world.finish().await;
}

/// A PRD of stories with titles and dependencies.
pub(crate) fn prd(stories: &[(&str, &[&str])]) -> serde_json::Value {
    let story = |(n, (title, depends_on)): (usize, &(&str, &[&str]))| {
        json!({
            "id": format!("US-{:03}", n + 1),
            "title": title,
            "status": "open",
            "dependsOn": depends_on,
            "description": "As a tester I want this story to be worked on, so that I see it done.",
            "acceptanceCriteria": [
                "The file of the story exists afterwards",
                "An unknown story is rejected with an error",
            ],
        })
    };
    json!({
        "version": 1,
        "project": "A PRD of a test",
        "overview": "Files appear, one a story, each by an agent.",
        "qualityGates": ["true"],
        "stories": stories.iter().enumerate().map(story).collect::<Vec<_>>(),
    })
}

#[tokio::test]
async fn smithd_needs_an_empty_directory_and_an_etcd_and_comes_back_to_what_it_made() {
    let home = tempfile::Builder::new().prefix("smith-").tempdir().unwrap();
    let state = home.path().join("state");
    let mut tokens = vec![];
    for _ in 0..2 {
        let mut command = Command::new(binaries::program("smithd"));
        command.env("HOME", home.path()).stdout(Stdio::piped()).arg("--no-context");
        command.arg("--state-dir").arg(&state).arg("--etcd").arg(binaries::etcd());
        let mut smithd = Process::spawn("smithd", command, &home.path().join("smithd.log"));
        let mut said = BufReader::new(smithd.child().stdout.take().unwrap()).lines();
        let ready = in_time("smithd", said.next_line()).await.unwrap();
        let ready = ready.unwrap_or_else(|| panic!("it ended:\n{}", smithd.tail()));
        let url = ready.strip_prefix("smithd is ready: ").and_then(|l| l.split(' ').next());
        let token = std::fs::read_to_string(state.join("admin.token")).unwrap();
        let config = Config::new(url.unwrap(), "smith-tests");
        let client = Client::new(config.with_token(Secret::new(token.trim()))).unwrap();
        assert_eq!(client.whoami().await.unwrap().name, "local-admin");
        tokens.push(token);
        smithd.signal(Signal::TERM);
        assert!(smithd.ended().await.success(), "{}", smithd.tail());
        assert_eq!(process::below(home.path()), [], "its etcd ended before it");
    }
    assert_eq!(tokens[0], tokens[1]);
}
