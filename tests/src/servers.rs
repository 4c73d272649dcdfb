//! The processes of Smith: all in one, or API and core apart and several of each.

use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use rustix::process::Signal;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{ChildStdout, Command};

use crate::process::Process;
use crate::{binaries, etcd, in_time};

/// Which processes a world has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// `smithd`.
    Together,
    /// `smith-api` and `smith-core`, so many of each.
    Apart {
        /// API processes.
        apis: usize,
        /// Core processes.
        cores: usize,
    },
}

/// What every process of Smith is told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The world's directory.
    pub dir: PathBuf,
    /// etcd's address, or that of a proxy before it.
    pub etcd: String,
    /// The world's prefix.
    pub prefix: String,
    /// How many cores have a directory of workers of their own.
    pub cores: usize,
    /// The lease of a worker.
    pub worker_ttl: &'static str,
    /// More arguments for smithd, or for both smith-api and smith-core.
    pub args: Vec<String>,
    /// More of the environment.
    pub env: Vec<(String, String)>,
}

/// One process of Smith, and how to start it again.
#[derive(Debug)]
pub struct Server {
    /// The process.
    pub process: Process,
    /// Its address, unless it is a core.
    pub url: Option<String>,
    role: Role,
    /// Read to its first line; held, so that the process never writes to nobody.
    stdout: Option<BufReader<ChildStdout>>,
}

#[derive(Clone, Debug)]
enum Role {
    Smithd,
    Api { port: u16 },
    Core { n: usize, api: String },
}

impl Settings {
    /// Where smithd, or everything apart, keeps its state.
    pub fn state(&self) -> PathBuf {
        self.dir.join("state")
    }

    /// The directory of all workers of a core.
    pub fn workers(&self) -> Vec<PathBuf> {
        let mut dirs = vec![self.state().join("workers")];
        dirs.extend((0..self.cores).map(|n| self.core(n).join("workers")));
        dirs.retain(|dir| dir.is_dir());
        dirs
    }

    /// The directory of the `n`-th core.
    fn core(&self, n: usize) -> PathBuf {
        self.dir.join(format!("core{n}"))
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(binaries::program(program));
        command.env_clear().current_dir(&self.dir);
        let path = std::env::var_os("PATH").unwrap_or_default();
        command.env("PATH", path).env("HOME", self.dir.join("home")).env("LANG", "C.UTF-8");
        command.env("SMITH_LOG", "info,smith_server=debug").envs(self.env.iter().cloned());
        command.args(["--etcd-endpoints", &self.etcd, "--etcd-prefix", &self.prefix]);
        command.args(["--worker-ttl", self.worker_ttl]).args(&self.args);
        command
    }

    fn apart(&self, program: &str) -> Command {
        let mut command = self.command(program);
        command.arg("--root-key-file").arg(self.state().join("root.key"));
        command
    }

    fn api(&self) -> Command {
        let mut command = self.apart("smith-api");
        command.arg("--artifacts-dir").arg(self.state().join("artifacts"));
        command.arg("--file-root").arg(&self.dir);
        for n in 0..self.cores {
            command.arg("--workers-dir").arg(self.core(n));
        }
        command
    }

    /// Makes the root key that the processes of [`Layout::Apart`] share.
    pub fn make_root_key(&self) {
        std::fs::create_dir_all(self.state()).unwrap();
        let halves = [uuid::Uuid::new_v4(), uuid::Uuid::new_v4()];
        let bytes: Vec<u8> = halves.iter().flat_map(|half| *half.as_bytes()).collect();
        std::fs::write(self.state().join("root.key"), bytes).unwrap();
    }

    /// Makes the first token of [`Layout::Apart`].
    pub async fn bootstrap_token(&self) -> String {
        let file = self.state().join("admin.token");
        let mut command = self.api();
        command.arg("bootstrap-token").arg("--out").arg(&file).stdout(Stdio::null());
        let mut process =
            Process::spawn("smith-api bootstrap-token", command, &self.log("bootstrap"));
        assert!(process.ended().await.success(), "no token:\n{}", process.tail());
        std::fs::read_to_string(file).unwrap().trim().to_owned()
    }

    fn log(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.log"))
    }
}

impl Server {
    /// Starts smithd; it is ready when this is.
    pub async fn smithd(settings: &Settings) -> Self {
        Self::start(settings, Role::Smithd, &mut 0).await
    }

    /// Starts an API.
    pub async fn api(settings: &Settings) -> Self {
        Self::start(settings, Role::Api { port: etcd::free_port() }, &mut 0).await
    }

    /// Starts the `n`-th core, whose workers speak to `api`.
    pub async fn core(settings: &Settings, n: usize, api: &str) -> Self {
        Self::start(settings, Role::Core { n, api: api.to_owned() }, &mut 0).await
    }

    /// Starts it once more, after it has ended: the same state, the same address. Answers how often: see `start`.
    pub async fn start_again(&mut self, settings: &Settings) -> usize {
        assert!(self.process.has_ended().is_some(), "{} runs", self.process.name());
        let mut starts = 0;
        *self = Self::start(settings, self.role.clone(), &mut starts).await;
        starts
    }

    /// Starts it once more, and doesn't wait until it is ready.
    pub fn begin_again(&mut self, settings: &Settings) {
        assert!(self.process.has_ended().is_some(), "{} runs", self.process.name());
        *self = Self::begin(settings, self.role.clone());
    }

    /// Starts it until it is ready: a failpoint can kill it on the way there.
    async fn start(settings: &Settings, role: Role, starts: &mut usize) -> Self {
        loop {
            *starts += 1;
            match Self::try_start(settings, role.clone()).await {
                Ok(server) => return server,
                Err((_, status)) if status.signal() == Some(Signal::KILL.as_raw()) => {}
                Err((process, status)) => {
                    panic!("{} ended with {status}:\n{}", process.name(), process.tail())
                }
            }
        }
    }

    async fn try_start(settings: &Settings, role: Role) -> Result<Self, (Process, ExitStatus)> {
        let mut server = Self::begin(settings, role);
        let Self { process, url, role, stdout } = &mut server;
        match role {
            Role::Smithd => {
                let stdout = stdout.as_mut().expect("its output is read");
                let mut line = String::new();
                in_time("smithd", stdout.read_line(&mut line)).await.unwrap();
                if line.is_empty() {
                    let status = process.ended().await;
                    return Err((server.process, status));
                }
                let said = line.strip_prefix("smithd is ready: ").and_then(|l| l.split(' ').next());
                let said =
                    said.unwrap_or_else(|| panic!("smithd said {line:?}:\n{}", process.tail()));
                *url = Some(said.to_owned());
            }
            Role::Api { port } => {
                let listen = format!("127.0.0.1:{port}");
                let listens = async {
                    while TcpStream::connect(&listen).await.is_err() {
                        if let Some(status) = process.has_ended() {
                            return Some(status);
                        }
                        // It can't be asked to tell when it listens.
                        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
                    }
                    None
                };
                if let Some(status) = in_time(&listen, listens).await {
                    return Err((server.process, status));
                }
            }
            Role::Core { .. } => {}
        }
        Ok(server)
    }

    /// Starts it, and doesn't wait until it is ready.
    fn begin(settings: &Settings, role: Role) -> Self {
        match &role {
            Role::Smithd => {
                let mut command = settings.command("smithd");
                command.arg("--state-dir").arg(settings.state()).arg("--no-context");
                command.arg("--file-root").arg(&settings.dir).stdout(Stdio::piped());
                let mut process = Process::spawn("smithd", command, &settings.log("smithd"));
                let stdout = process.child().stdout.take().map(BufReader::new);
                Self { process, url: None, role, stdout }
            }
            Role::Api { port } => {
                let mut command = settings.api();
                let listen = format!("127.0.0.1:{port}");
                command.args(["--listen", &listen]).stdout(Stdio::null());
                let name = format!("smith-api-{port}");
                let process = Process::spawn(&name, command, &settings.log(&name));
                Self { process, url: Some(format!("http://{listen}")), role, stdout: None }
            }
            Role::Core { n, api } => {
                let mut command = settings.apart("smith-core");
                command.args(["--api-url", api, "--leader-ttl", "1s"]).stdout(Stdio::null());
                command.arg("--workers-dir").arg(settings.core(*n));
                let name = format!("smith-core-{n}");
                let process = Process::spawn(&name, command, &settings.log(&name));
                Self { process, url: None, role, stdout: None }
            }
        }
    }

    /// Stops it in order, and sees that it ends well.
    pub async fn stop(&mut self) {
        if self.process.has_ended().is_some() {
            return;
        }
        self.process.handles(Signal::TERM).await;
        self.process.signal(Signal::TERM);
        let status = self.process.ended().await;
        assert!(
            status.success(),
            "{} ended with {status}:\n{}",
            self.process.name(),
            self.process.tail()
        );
    }
}

/// The ends of all logs below a world's directory, for people.
pub fn logs(settings: &Settings) -> String {
    let mut text = String::new();
    let mut add = |path: &Path| {
        text += &format!("\n=== {}\n{}", path.display(), crate::process::tail(path, 6 * 1024));
    };
    let files =
        |dir: &Path| std::fs::read_dir(dir).into_iter().flatten().flatten().map(|e| e.path());
    for path in files(&settings.dir).filter(|path| path.extension().is_some_and(|e| e == "log")) {
        add(&path);
    }
    for path in settings.workers().iter().flat_map(|dir| files(dir)) {
        add(&path.join("replica.log"));
    }
    text
}
