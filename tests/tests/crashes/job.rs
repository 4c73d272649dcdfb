//! The small job that is crashed: a scripted agent, stories that build on each other, and what must be there at its end.

use std::path::Path;

use serde_json::json;
use smith_model::api::LoopItem;
use smith_model::duration::Span;
use smith_model::id::LoopId;
use smith_model::policy::PolicyRequest;
use smith_model::spec::LoopRequest;
use smith_model::state::{Reason, State};
use smith_tests::{AliveFile, Repository, World, world};

/// One loop's job, with all that is looked at when it is done.
pub(crate) struct Job {
    pub(crate) id: LoopId,
    pub(crate) request: LoopRequest,
    repository: Repository,
    base: String,
    stories: usize,
    alive: AliveFile,
    agent: String,
}

/// How a loop is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// All stories done by one counted attempt at most.
    Synced,
    /// A gate that never passes uses up all attempts.
    Flatline,
}

impl Job {
    /// A job of so many stories. Each writes a file, after the one before it; a process stays behind every agent.
    pub(crate) fn new(world: &World, id: &str, stories: usize, expected: Expected) -> Self {
        let repository = world.repository(id);
        let base = repository.id("main");
        let alive = AliveFile::create(&world.file(&format!("{id}.alive")));
        let lines = format!(
            "{}\nsleep 600 &\nsleep 0.2\ntest ! -e \"$SMITH_STORY_ID.txt\" || echo again\n\
             echo \"done: $SMITH_STORY_ID\" >\"$SMITH_STORY_ID.txt\"\nls",
            alive.take(),
        );
        let command = world.agent(id, &lines);
        let gate = match expected {
            Expected::Synced => "ls US-*.txt",
            Expected::Flatline => "echo never; false",
        };
        let mut request = LoopRequest {
            prompt: None,
            prd: Some(prd(stories)),
            ..world::request(id, &repository, &command, &[gate])
        };
        request.policy = Some(PolicyRequest {
            // What is killed isn't counted, and isn't tried for ever either.
            uncounted_attempts: Some(100),
            story_tries: Some(1),
            backoff_max: Some(Span::millis(50)),
            ..request.policy.unwrap_or_default()
        });
        let id = id.parse().expect("an id");
        Self { id, request, repository, base, stories, alive, agent: lines }
    }

    /// The same job, whose last story isn't worked on before the file is there.
    pub(crate) fn waits_for(self, world: &World, file: &Path) -> Self {
        let wait = format!(
            "case \"$SMITH_STORY_ID\" in US-{:03}) until test -e '{}'; do sleep 0.1; done;; esac",
            self.stories,
            file.display(),
        );
        world.agent(self.id.as_str(), &format!("{}\n{wait}\n{}", self.alive.take(), self.agent));
        self
    }

    /// Waits for the end, which must be as expected.
    pub(crate) async fn ends(&self, client: &smith_client::Client, expected: Expected) -> LoopItem {
        let state = match expected {
            Expected::Synced => State::Synced,
            Expected::Flatline => State::Flatline,
        };
        let item = smith_tests::wait::ends(client, &self.id, state).await;
        match expected {
            Expected::Synced => {
                assert_eq!(item.record.reason, Reason::Completed);
                assert_eq!(item.record.used_attempts, 0, "a kill was counted: {item:#?}");
            }
            Expected::Flatline => assert_eq!(item.record.used_attempts, 2, "{item:#?}"),
        }
        item
    }

    /// The branch has each story once, in order, and nothing of the agent is left.
    pub(crate) async fn check(&self, expected: Expected) {
        self.alive.released().await;
        let branch = format!("smith/{}", self.id);
        if expected == Expected::Flatline {
            assert!(!self.repository.has(&branch), "nothing may be published");
            return;
        }
        let range = format!("{}..{branch}", self.base);
        let wanted: Vec<String> = (1..=self.stories).map(|n| format!("US-{n:03}")).collect();
        assert_eq!(self.repository.stories(&range), wanted);
        let commits = self.repository.commits(&range);
        assert_eq!(commits.len(), wanted.len(), "{commits:#?}");
        let mut trees: Vec<_> = commits.iter().map(|c| &c.tree).collect();
        trees.sort();
        trees.dedup();
        assert_eq!(trees.len(), commits.len(), "a tree was committed twice: {commits:#?}");
        let files = self.repository.files(&branch);
        let work: Vec<_> = wanted.iter().map(|story| format!("{story}.txt")).collect();
        assert_eq!(files[1..], work, "{files:?}");
    }
}

/// A PRD of stories, each depending on the one before it.
fn prd(stories: usize) -> serde_json::Value {
    let story = |n: usize| {
        json!({
            "id": format!("US-{n:03}"),
            "title": format!("Story {n}"),
            "status": "open",
            "dependsOn": if n == 1 { vec![] } else { vec![format!("US-{:03}", n - 1)] },
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
        "stories": (1..=stories).map(story).collect::<Vec<_>>(),
    })
}
