//! The workstation from end to end: keys and clicks on a terminal, the real program, a real smithd, and what its screen
//! says when it has settled.

mod acts;
mod commands;
mod connection;
mod create;
mod first_ten_minutes;
mod fleet;
mod inbox;
mod pages;
mod recordings;
mod terminal;
mod terminals;

use std::path::{Path, PathBuf};

use smith_client::{ListPage, LoopFilter};
use smith_model::access::{Role, Scope};
use smith_model::api::TokenRequest;
use smith_model::id::{LoopId, TokenId};
use smith_model::state::State;
use smith_tests::{Desk, Fifo, Options, Repository, World, desk, world};
use tokio::process::Command;

/// A world with a repository, and a workstation that looks at it.
struct Scene {
    world: World,
    repository: Repository,
    desk: Desk,
}

/// A loop whose agent waits for the test.
struct Waiting {
    id: LoopId,
    began: Fifo,
    go: Fifo,
}

impl Scene {
    /// The workstation is live, and was given these arguments.
    async fn open(options: Options, args: &[&str]) -> Self {
        let world = World::start(options).await;
        let repository = world.repository("work");
        let desk = Desk::open(world.smith(args)).await;
        let mut scene = Self { world, repository, desk };
        scene.desk.shows(&["live", "help"]).await;
        scene
    }

    /// A loop whose agent says `begun`, waits for a word, and then does what these lines say.
    async fn waiting(&self, name: &str, lines: &str, gates: &[&str]) -> Waiting {
        let began = Fifo::create(&self.world.file(&format!("{name}.began")));
        let go = Fifo::create(&self.world.file(&format!("{name}.go")));
        let lines =
            format!("echo begun >'{}'; read -r word <'{}'\n{lines}", began.path(), go.path());
        let agent = self.world.agent(name, &lines);
        let id = self.world.create(&world::request(name, &self.repository, &agent, gates)).await;
        Waiting { id, began, go }
    }

    /// Somebody with a token of their own: its id, and the file that holds it.
    async fn token(&self, name: &str, role: Role) -> (TokenId, PathBuf) {
        let request = TokenRequest { name: name.into(), role, scope: Scope::All, expires_in: None };
        let created = self.world.client().create_token(&request).await.unwrap();
        let file = self.world.file(name);
        std::fs::write(&file, created.token).unwrap();
        (created.item.id, file)
    }

    /// Leaves the workstation by its key, and stops everything.
    async fn finish(self) {
        self.desk.quit().await;
        finish(self.world).await;
    }
}

/// Cancels what hasn't ended, and stops everything.
async fn finish(world: World) {
    let page = world.client().list_loops(&LoopFilter::default(), &ListPage::default()).await;
    for item in page.unwrap().items {
        if !item.record.state.ended() {
            let id = item.record.loop_id;
            world.cancel(&id).await;
            world.ends(&id, State::Cancelled).await;
        }
    }
    world.finish().await;
}

/// smith with a token of this file, and these arguments.
fn smith_as(world: &World, token: &Path, args: &[&str]) -> Command {
    let mut command = desk::program(&world.home());
    command.args(["--server", world.url(0), "--token-file"]).arg(token).args(args);
    command
}

impl Waiting {
    async fn has_begun(&mut self) {
        assert_eq!(self.began.line().await, "begun");
    }
}
