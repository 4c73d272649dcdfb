//! What is measured on: release binaries beside this one, a directory on a real disk, etcd, servers.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use rustix::process::Signal;
use smith_server::embedded::etcd::Search;
use smith_server::store::{self, Store};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use super::http::Connection;
use crate::etcd::free_port;
use crate::process::{self, Process};

/// How long a program may take until it serves.
const READY_WITHIN: Duration = Duration::from_secs(30);
/// How long it has at SIGTERM: workers land first.
const STOP_WITHIN: Duration = Duration::from_secs(40);
/// The root key of the servers that don't make their own.
pub const ROOT_KEY: [u8; 32] = *b"a root key for measurements only";

/// Programs and a directory of its own for one run.
#[derive(Debug)]
pub struct Stage {
    programs: PathBuf,
    /// The etcd program.
    pub etcd: PathBuf,
    dir: TempDir,
}

impl Stage {
    /// Finds the programs and makes the directory, on the disk of the build.
    pub fn set() -> Result<Self> {
        let own = std::env::current_exe()?;
        let programs = own.parent().context("a program lies in a directory")?.to_path_buf();
        for name in ["smithd", "smith-api", "smith-replica"] {
            if !programs.join(name).is_file() {
                bail!("{} isn't built: run this by `make bench`", programs.join(name).display());
            }
        }
        let etcd = Search::from_environment().etcd()?;
        let dir = tempfile::Builder::new().prefix("bench-").tempdir_in(&programs)?;
        Ok(Self { programs, etcd, dir })
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Where a program of this build is.
    pub fn built(&self, name: &str) -> PathBuf {
        self.programs.join(name)
    }

    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.built(name));
        // What agents and servers of this shell were told is not for these.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("SMITH_") {
                command.env_remove(name);
            }
        }
        command.env("SMITH_LOG", "warn").env("XDG_CONFIG_HOME", self.dir().join("config"));
        command
    }

    /// An etcd without certificates, with its data below the directory.
    pub async fn etcd(&self, name: &str) -> Result<Etcd> {
        let (client, peer) = (free_port(), free_port());
        let url = format!("http://127.0.0.1:{client}");
        let peer_url = format!("http://127.0.0.1:{peer}");
        let mut command = Command::new(&self.etcd);
        command.arg("--data-dir").arg(self.dir().join(name)).args([
            "--listen-client-urls",
            &url,
            "--advertise-client-urls",
            &url,
            "--listen-peer-urls",
            &peer_url,
            "--initial-advertise-peer-urls",
            &peer_url,
            "--initial-cluster",
            &format!("default={peer_url}"),
            "--quota-backend-bytes=4294967296",
            "--max-request-bytes=2097152",
            "--log-level=warn",
        ]);
        let process = spawn("etcd", command, &self.dir().join(format!("{name}.log")));
        let etcd = Etcd { process, url };
        let config = etcd.store_config("/probe");
        patiently("etcd", || store::ping(&config)).await?;
        Ok(etcd)
    }

    /// smith-api on an etcd, under a prefix. It schedules nothing.
    pub async fn api(&self, etcd: &Etcd, prefix: &str) -> Result<Server> {
        let name = prefix.trim_start_matches('/');
        let (key, token) = (self.dir().join("root.key"), self.dir().join(format!("{name}.token")));
        std::fs::write(&key, ROOT_KEY)?;
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let command = || {
            let mut command = self.program("smith-api");
            command.args(["--etcd-endpoints", &etcd.url, "--etcd-prefix", prefix]);
            command.arg("--root-key-file").arg(&key);
            command.arg("--artifacts-dir").arg(self.dir().join("artifacts"));
            // Simulated workers send no heartbeats.
            command.args(["--worker-ttl", "30m", "--listen", &address.to_string()]);
            command
        };
        let made = command().arg("bootstrap-token").arg("--out").arg(&token).status().await?;
        if !made.success() {
            bail!("smith-api bootstrap-token: {made}");
        }
        let process = spawn("smith-api", command(), &self.dir().join(format!("{name}.log")));
        let token = std::fs::read_to_string(&token)?.trim().to_owned();
        let server = Server { process, address, token };
        patiently("smith-api", async || {
            let status = server.connect().await?.get("/readyz").await?.status;
            anyhow::ensure!((200..300).contains(&status), "it answers {status}");
            Ok(())
        })
        .await?;
        Ok(server)
    }

    /// smithd with an etcd of its own, as people run it, for at most `loops` loops at once.
    pub async fn smithd(&self, name: &str, loops: usize) -> Result<Server> {
        let state = self.dir().join(name);
        let mut command = self.program("smithd");
        command.arg("--state-dir").arg(&state).arg("--etcd").arg(&self.etcd);
        command.arg("--file-root").arg(self.dir()).arg("--no-context");
        command.args(["--max-loops", &loops.to_string()]);
        let log = self.dir().join(format!("{name}.log"));
        let mut process = spawn("smithd", command, &log);
        let address = tokio::time::timeout(READY_WITHIN, says_its_address(&mut process)).await;
        let address = address.context("smithd isn't ready in time").flatten();
        let address = address.with_context(|| std::fs::read_to_string(&log).unwrap_or_default())?;
        let token = std::fs::read_to_string(state.join("admin.token"))?.trim().to_owned();
        Ok(Server { process, address, token })
    }
}

/// Asks again until there is an answer, within bounds.
async fn patiently<T, E: Into<anyhow::Error>>(
    who: &str,
    mut ask: impl AsyncFnMut() -> Result<T, E>,
) -> Result<()> {
    let deadline = tokio::time::Instant::now() + READY_WITHIN;
    loop {
        match ask().await {
            Ok(_) => return Ok(()),
            Err(error) if tokio::time::Instant::now() > deadline => {
                return Err(error.into()).with_context(|| format!("{who} isn't ready in time"));
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

/// An etcd.
#[derive(Debug)]
pub struct Etcd {
    process: Process,
    /// Its address.
    pub url: String,
}

impl Etcd {
    fn store_config(&self, prefix: &str) -> store::Config {
        store::Config {
            endpoints: vec![self.url.clone()],
            prefix: prefix.to_owned(),
            tls: None,
            timeout: Duration::from_secs(5),
            quota: 4 << 30,
        }
    }

    /// Smith's store on it.
    pub async fn store(&self, prefix: &str) -> Result<Store> {
        Ok(Store::open(&self.store_config(prefix), &ROOT_KEY).await?)
    }

    /// A client of its own connection.
    pub async fn client(&self) -> Result<etcd_client::Client> {
        Ok(etcd_client::Client::connect([&self.url], None).await?)
    }

    /// Ends it.
    pub async fn stop(self) -> Result<()> {
        stop(self.process).await
    }
}

/// A server of the API.
#[derive(Debug)]
pub struct Server {
    process: Process,
    /// Where it listens.
    pub address: SocketAddr,
    /// An admin's token.
    pub token: String,
}

impl Server {
    /// A connection that bears the admin's token.
    pub async fn connect(&self) -> Result<Connection> {
        Connection::open(self.address, &self.token).await
    }

    /// Its process.
    pub fn pid(&self) -> Option<i32> {
        self.process.pid()
    }

    /// Asks it to stop, and waits for that.
    pub async fn stop(self) -> Result<()> {
        stop(self.process).await
    }
}

fn spawn(name: &str, mut command: Command, log: &Path) -> Process {
    command.stdout(Stdio::piped());
    Process::spawn(name, command, log)
}

/// From smithd's first line on stdout.
async fn says_its_address(smithd: &mut Process) -> Result<SocketAddr> {
    let stdout = smithd.child().stdout.take().context("its output is piped")?;
    let mut lines = BufReader::new(stdout).lines();
    while let Some(line) = lines.next_line().await? {
        if let Some((_, rest)) = line.split_once("http://") {
            return Ok(rest.split(' ').next().unwrap_or_default().parse()?);
        }
    }
    bail!("smithd ended before it was ready")
}

async fn stop(mut process: Process) -> Result<()> {
    process.signal(Signal::TERM);
    let ended = tokio::time::timeout(STOP_WITHIN, process.child().wait()).await;
    ended.with_context(|| format!("{} did not stop in time", process.name()))??;
    Ok(())
}

impl Drop for Stage {
    /// Where a measurement failed: ends what it left.
    fn drop(&mut self) {
        for seen in process::below(self.dir()) {
            process::signal(seen.pid, Signal::KILL);
        }
    }
}
