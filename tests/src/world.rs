//! A whole installation of Smith for one test, and the check of everything that it did.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use smith_client::{Client, Config, Secret};
use smith_model::api::{LoopItem, OverrideRequest, TargetState};
use smith_model::duration::Span;
use smith_model::gate::{GateForm, Gates, NoGates};
use smith_model::id::LoopId;
use smith_model::policy::PolicyRequest;
use smith_model::spec::LoopRequest;
use smith_model::state::State;
use tempfile::TempDir;
use tokio::process::Command;
use uuid::Uuid;

use crate::etcd::Etcd;
use crate::history::{History, Recorder};
use crate::process;
use crate::proxy::Proxy;
use crate::repository::Repository;
use crate::servers::{self, Layout, Server, Settings};
use crate::{agent, binaries, desk, wait};

/// What a world is made of.
#[derive(Debug)]
pub struct Options {
    /// Which processes.
    pub layout: Layout,
    /// An etcd; `None`: the run's.
    pub etcd: Option<Etcd>,
    /// Whether a [`Proxy`] stands between Smith and etcd.
    pub proxied: Proxied,
    /// The lease of a worker.
    pub worker_ttl: &'static str,
    /// More arguments for smithd, or for both smith-api and smith-core.
    pub args: Vec<String>,
    /// More of the environment of all of them.
    pub env: Vec<(String, String)>,
}

/// Whether a proxy stands between Smith and etcd.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proxied {
    /// One does.
    Yes,
    /// None does.
    No,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            layout: Layout::Together,
            etcd: None,
            proxied: Proxied::No,
            worker_ttl: "2s",
            args: vec![],
            env: vec![],
        }
    }
}

/// A running installation.
#[derive(Debug)]
pub struct World {
    /// Its etcd.
    pub etcd: Etcd,
    /// What stands before it, where that was asked for.
    pub proxy: Option<Proxy>,
    /// smithd, or the APIs.
    pub servers: Vec<Server>,
    /// The cores, where they are processes of their own.
    pub cores: Vec<Server>,
    /// What they are told.
    pub settings: Settings,
    token: String,
    recorder: Option<Recorder>,
    dir: TempDir,
}

impl World {
    /// Starts an installation; its API answers when this does.
    pub async fn start(options: Options) -> Self {
        let Options { layout, etcd, proxied, worker_ttl, args, env } = options;
        let etcd = match etcd {
            Some(etcd) => etcd,
            None => Etcd::shared().await,
        };
        // Sockets lie below it, and their names must be short.
        let dir = tempfile::Builder::new().prefix("smith-").tempdir().unwrap();
        let path = dir.path().canonicalize().unwrap();
        std::fs::create_dir_all(path.join("home")).unwrap();
        let prefix = format!("/smith-test/{}", Uuid::new_v4().simple());
        let recorder = Recorder::start(etcd.client().await, &prefix).await;
        let proxy = match proxied {
            Proxied::Yes => Some(Proxy::start(etcd.url()).await),
            Proxied::No => None,
        };
        let url = proxy.as_ref().map_or(etcd.url(), Proxy::url).to_owned();
        let cores = match layout {
            Layout::Together => 0,
            Layout::Apart { cores, .. } => cores,
        };
        let settings = Settings { dir: path, etcd: url, prefix, cores, worker_ttl, args, env };
        let mut world = Self {
            etcd,
            proxy,
            servers: vec![],
            cores: vec![],
            settings,
            token: String::new(),
            recorder: Some(recorder),
            dir,
        };
        let settings = &world.settings;
        match layout {
            Layout::Together => {
                world.servers.push(Server::smithd(settings).await);
                let token = settings.state().join("admin.token");
                world.token = std::fs::read_to_string(token).unwrap().trim().to_owned();
            }
            Layout::Apart { apis, cores } => {
                settings.make_root_key();
                world.token = settings.bootstrap_token().await;
                for _ in 0..apis {
                    world.servers.push(Server::api(settings).await);
                }
                for n in 0..cores {
                    let api = world.servers[n % apis].url.clone().unwrap();
                    world.cores.push(Server::core(settings, n, &api).await);
                }
            }
        }
        world
    }

    /// The world's directory; repositories may lie anywhere below it.
    pub fn dir(&self) -> &Path {
        &self.settings.dir
    }

    /// The `n`-th API's address.
    pub fn url(&self, n: usize) -> &str {
        self.servers[n].url.as_deref().expect("an API")
    }

    /// The admin's token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The admin, at the first API.
    pub fn client(&self) -> Client {
        self.client_at(0, &self.token)
    }

    /// Whoever bears a token, at the `n`-th API.
    pub fn client_at(&self, n: usize, token: &str) -> Client {
        let config = Config::new(self.url(n), "smith-tests");
        Client::new(config.with_token(Secret::new(token))).unwrap()
    }

    /// A new repository.
    pub fn repository(&self, name: &str) -> Repository {
        Repository::create(&self.dir().join("repositories").join(name))
    }

    /// Writes an agent; answers its command line.
    pub fn agent(&self, name: &str, lines: &str) -> String {
        agent::script(&self.dir().join("agents"), name, lines)
    }

    /// smithctl as the admin, at the first API. Dropped, it is killed.
    pub fn smithctl(&self, args: &[&str]) -> Command {
        let mut command = Command::new(binaries::program("smithctl"));
        command.args(["--server", self.url(0), "--token-file"]);
        command.arg(self.settings.state().join("admin.token")).args(args);
        command.env("HOME", self.dir()).env_remove("SMITH_CONTEXT").kill_on_drop(true);
        command
    }

    /// smith as the admin, at the first API; its home is empty. Dropped, it is killed.
    pub fn smith(&self, args: &[&str]) -> Command {
        let token = self.settings.state().join("admin.token");
        let mut command = desk::program(&self.home());
        command.args(["--server", self.url(0), "--token-file"]).arg(token).args(args);
        command
    }

    /// The home directory of programs that a person starts.
    pub fn home(&self) -> PathBuf {
        self.dir().join("home")
    }

    /// A file with everything that hostile programs print at who looks.
    pub fn hostile_corpus(&self) -> PathBuf {
        let mut bytes = vec![];
        for (_, hostile) in smith_term::corpus::HOSTILE {
            bytes.extend_from_slice(hostile);
            // Ends a sequence that has no end.
            bytes.extend_from_slice(b"\x18\r\n");
        }
        let corpus = self.file("corpus");
        std::fs::write(&corpus, bytes).unwrap();
        corpus
    }

    /// A place for a file of the test.
    pub fn file(&self, name: &str) -> PathBuf {
        self.dir().join(name)
    }

    /// The workers that run, by their processes.
    pub fn replicas(&self) -> Vec<process::Seen> {
        let dirs = self.settings.workers();
        let mut seen = process::below(self.dir());
        let is_replica = |line: &str| {
            dirs.iter().any(|dir| line.contains(&format!(" run --dir {}/", dir.display())))
        };
        seen.retain(|p| is_replica(&p.line));
        seen
    }

    /// Creates a loop.
    pub async fn create(&self, request: &LoopRequest) -> LoopId {
        let created = self.client().create_loop(request, None).await;
        created.unwrap_or_else(|e| panic!("{e}")).item.record.loop_id
    }

    /// Waits for the loop's end, which must be this one.
    pub async fn ends(&self, id: &LoopId, state: State) -> LoopItem {
        wait::ends(&self.client(), id, state).await
    }

    /// Cancels a loop.
    pub async fn cancel(&self, id: &LoopId) -> LoopItem {
        let request = OverrideRequest {
            loop_id: id.clone(),
            target_state: TargetState::Cancelled,
            reason: "the test asked for it".into(),
        };
        self.client().override_loop(&request, None).await.unwrap_or_else(|e| panic!("{e}"))
    }

    /// Stops everything in order, and checks what must always hold. Every test ends with it.
    pub async fn finish(mut self) -> History {
        for core in &mut self.cores {
            core.stop().await;
        }
        if !self.cores.is_empty() {
            // smithd lets its workers land before its API goes; here nobody does. One whose finish was committed
            // and not answered asks until it is.
            for replica in self.replicas() {
                process::gone(replica.pid).await;
            }
        }
        for server in &mut self.servers {
            server.stop().await;
        }
        // What a worker does behind its last word is bounded, and short.
        let workers = process::below(self.dir());
        for worker in &workers {
            process::gone(worker.pid).await;
        }
        let left = process::below(self.dir());
        assert!(left.is_empty(), "processes are left: {left:#?}");
        let recorder = self.recorder.take().expect("a world finishes once");
        let history = recorder.stop(&self.etcd).await;
        let root = std::fs::read(self.settings.state().join("root.key")).unwrap();
        let violations = history.check(&root);
        let told: String = violations.iter().map(|v| format!("\n  {v}")).collect();
        assert!(violations.is_empty(), "the history breaks what must always hold:{told}");
        history
    }

    fn kill_everything(&mut self) {
        for server in self.servers.iter_mut().chain(&mut self.cores) {
            server.process.kill_now();
        }
        let until = Instant::now() + Duration::from_secs(10);
        loop {
            let left = process::below(&self.settings.dir);
            if left.is_empty() {
                return;
            }
            for seen in &left {
                process::signal(seen.pid, Signal::KILL);
            }
            if Instant::now() > until {
                eprintln!("processes that can't be killed: {left:#?}");
                return;
            }
            // A drop can't wait for events.
            std::thread::sleep(Duration::from_millis(10));
            let all = self.servers.iter_mut().chain(&mut self.cores);
            let _: Vec<_> = all.map(|server| server.process.has_ended()).collect();
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", servers::logs(&self.settings));
        }
        self.kill_everything();
        let dir = self.dir.path().display();
        if std::thread::panicking() {
            eprintln!("(the world was in {dir}, prefix {})", self.settings.prefix);
        } else {
            assert!(self.recorder.is_none(), "a test that stores ends with World::finish");
        }
    }
}

/// A request for a loop of one story, with limits that suit tests.
pub fn request(id: &str, repository: &Repository, command: &str, gates: &[&str]) -> LoopRequest {
    let gates = match gates {
        [] => Gates::None(NoGates::None),
        lines => Gates::List(lines.iter().map(|&line| GateForm::Line(line.into())).collect()),
    };
    LoopRequest {
        loop_id: Some(id.parse().unwrap()),
        title: Some(format!("the loop {id}")),
        prompt: Some("do what the test wants".into()),
        command: Some(command.into()),
        repository: Some(repository.url().parse().unwrap()),
        gates: Some(gates),
        policy: Some(PolicyRequest {
            attempts: Some(2),
            backoff_initial: Some(Span::millis(50)),
            backoff_max: Some(Span::millis(100)),
            story_tries: Some(3),
            ..PolicyRequest::default()
        }),
        ..LoopRequest::default()
    }
}
