//! Live terminals from end to end: the client's terminal, through a real API, at a real worker.

mod leaks;
mod losses;
mod operator;
mod people;
mod programs;
mod rights;

use smith_client::Client;
use smith_model::access::{Role, Scope};
use smith_model::api::TokenRequest;
use smith_model::audit::AuditRecord;
use smith_model::id::{LoopId, ProjectName, TokenId};
use smith_model::journal::{Entry, Payload};
use smith_model::spec::LoopRequest;
use smith_model::terminal::{Mode, Session};
use smith_tests::{Fifo, Options, Repository, Watcher, World, wait, world};

/// A world with a loop, whose agent talks to the test through two pipes: `$began` and `$go`.
struct Scene {
    world: World,
    repository: Repository,
    id: LoopId,
    began: Fifo,
    go: Fifo,
}

/// Somebody with a token of their own.
struct Person {
    id: TokenId,
    client: Client,
}

impl Scene {
    /// The agent is these lines, and every iteration says `begun` before them. Answers when the first one has.
    async fn begun(name: &str, options: Options, lines: &str, gates: &[&str]) -> Self {
        Self::of_project(name, options, lines, gates, None).await
    }

    async fn of_project(
        name: &str,
        options: Options,
        lines: &str,
        gates: &[&str],
        project: Option<ProjectName>,
    ) -> Self {
        let world = World::start(options).await;
        let repository = world.repository(name);
        let began = Fifo::create(&world.file("began"));
        let go = Fifo::create(&world.file("go"));
        let lines =
            format!("began='{}' go='{}'\necho begun >$began\n{lines}", began.path(), go.path());
        let agent = world.agent("agent", &lines);
        let request = LoopRequest { project, ..world::request(name, &repository, &agent, gates) };
        let id = world.create(&request).await;
        let mut scene = Self { world, repository, id, began, go };
        scene.next_begun().await;
        scene
    }

    async fn next_begun(&mut self) {
        assert_eq!(self.began.line().await, "begun");
    }

    /// Somebody new, at the first API.
    async fn person(&self, name: &str, role: Role, scope: Scope) -> Person {
        let request = TokenRequest { name: name.into(), role, scope, expires_in: None };
        let created = self.world.client().create_token(&request).await.unwrap();
        let client = self.world.client_at(0, &created.token);
        Person { id: created.item.id, client }
    }

    async fn operator(&self, name: &str) -> Person {
        self.person(name, Role::Operator, Scope::All).await
    }

    /// Attached to the agent's terminal as the admin.
    async fn attach(&self, mode: Mode) -> Watcher {
        Watcher::attach(&self.world.client(), &self.id, Session::Agent, mode).await
    }

    async fn journal(&self) -> Vec<Entry> {
        wait::journal(&self.world.client(), &self.id).await
    }

    /// What was recorded of terminals, oldest first: each has its entry in the journal, under the same name.
    async fn acts(&self) -> Vec<AuditRecord> {
        let filter = smith_client::AuditFilter {
            loop_id: Some(self.id.clone()),
            ..smith_client::AuditFilter::default()
        };
        let mut records = self.world.client().audit(&filter).await.unwrap().items;
        records.retain(|record| record.action.starts_with("terminal."));
        records.sort_by_key(|record| record.id);
        let journal = self.journal().await;
        for record in &records {
            let entry = journal.iter().find(|entry| entry.seq == record.seq);
            let entry = entry.unwrap_or_else(|| panic!("no entry of {record:?}"));
            assert_eq!(entry.actor.id, record.actor, "{record:?}");
        }
        records
    }

    /// The bytes of every recording in the journal.
    async fn recordings(&self) -> Vec<Vec<u8>> {
        let mut all = vec![];
        for entry in self.journal().await {
            if let Some(Payload::Recording(recording)) = entry.draft.payload {
                let digest = &recording.artifact.digest;
                all.push(self.world.client().artifact(&self.id, digest).await.unwrap().to_vec());
            }
        }
        all
    }
}
