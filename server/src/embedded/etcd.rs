//! smithd's own etcd: a child that dies with it, on loopback, behind certificates.
//!
//! Its life: found and asked for its version; an orphan of an earlier run taken over if it was started in
//! exactly the same way and is healthy, else ended; a new one started where none was taken over; healthy
//! by the caller's own probe, because only the store knows etcd's protocol; watched until its end.
//!
//! An etcd that was taken over isn't a child of this process: if smithd is killed again, it is an orphan
//! again, and the next start finds it again.

mod binary;
mod flags;
mod log;
mod process;
mod running;

use std::fmt::Write as _;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use self::binary::Lifeline;
use self::log::Log;
use self::process::Found;
use self::running::{KILLED_WITHIN, Running, Source};
use super::certs::{self, Certs};
use super::ports::{self, Ports, Which};
use super::state_dir::StateDir;

pub use self::binary::{Error as BinaryError, Search, Version};

/// An orphan has been up for a while, so that it answers soon or not at all.
const ORPHAN_HEALTHY_WITHIN: Duration = Duration::from_secs(5);

/// What a caller can choose.
#[derive(Clone, Debug)]
pub struct EtcdConfig {
    /// Where to find the programs.
    pub search: Search,
    /// The most its file may hold; beyond it etcd takes no more writes.
    pub quota_backend_bytes: u64,
    /// The largest request; at least 1.5 MiB, so that a transaction of 1 MiB fits with its envelope.
    pub max_request_bytes: u32,
    /// How long a start may take; a large data directory is read first.
    pub healthy_within: Duration,
    /// How long it has at SIGTERM before it is killed.
    pub stop_within: Duration,
}

impl Default for EtcdConfig {
    fn default() -> Self {
        Self {
            search: Search::from_environment(),
            quota_backend_bytes: 2 * 1024 * 1024 * 1024,
            max_request_bytes: 2 * 1024 * 1024,
            healthy_within: Duration::from_secs(60),
            stop_within: Duration::from_secs(10),
        }
    }
}

/// How a client reaches this etcd: PEM texts, and endpoints whose certificate is for `localhost` too.
#[derive(Clone)]
pub struct Connection {
    /// `https://127.0.0.1:port`.
    pub endpoints: Vec<String>,
    /// The authority that signed the server's certificate.
    pub ca: String,
    /// The client's certificate.
    pub cert: String,
    /// Its key.
    pub key: String,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Connection({:?})", self.endpoints)
    }
}

/// What a probe says when etcd isn't healthy (yet).
pub type ProbeError = Box<dyn std::error::Error + Send + Sync>;

/// Why there is no etcd.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No program that can be started.
    #[error(transparent)]
    Binary(#[from] BinaryError),
    /// No certificates.
    #[error(transparent)]
    Certs(#[from] certs::Error),
    /// A port is taken.
    #[error(transparent)]
    Port(#[from] ports::Error),
    /// The data directory or the log can't be prepared.
    #[error("can't prepare {} for etcd", path.display())]
    Prepare {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The list of processes can't be read, so that an etcd of an earlier run can't be ruled out.
    #[error("can't look for an etcd that an earlier run left behind")]
    FindOrphan(#[source] io::Error),
    /// It can't be started.
    #[error("can't start etcd ({})", program.display())]
    Spawn {
        /// The program.
        program: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It ended before it was healthy.
    #[error(transparent)]
    EndedEarly(Ended),
    /// It runs, and doesn't become healthy.
    #[error("etcd isn't healthy after {}{}", seconds(*within), listed(log_tail, log))]
    NotHealthy {
        /// How long was waited.
        within: Duration,
        /// Its last lines.
        log_tail: Vec<String>,
        /// Its log.
        log: PathBuf,
        /// What the last probe said.
        #[source]
        source: ProbeError,
    },
    /// It can't be signalled.
    #[error("can't end etcd (pid {pid})")]
    Signal {
        /// Its pid.
        pid: u32,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is still there after SIGKILL.
    #[error(
        "etcd (pid {pid}) is still there {} after SIGKILL; its disk may hang",
        seconds(KILLED_WITHIN)
    )]
    WontEnd {
        /// Its pid.
        pid: u32,
    },
}

/// How etcd ended.
#[derive(Clone, Debug, thiserror::Error)]
#[error("etcd ended ({exit}){}", listed(log_tail, log))]
pub struct Ended {
    /// Its exit status or signal, as far as it is known.
    pub exit: String,
    /// The last lines of its log, oldest first.
    pub log_tail: Vec<String>,
    /// Its log.
    pub log: PathBuf,
}

/// An etcd that runs and was healthy at start.
#[derive(Debug)]
pub struct Etcd {
    running: Running,
    connection: Connection,
    version: Version,
    origin: Origin,
    stop_within: Duration,
}

/// Where a running etcd comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// This process started it.
    Started,
    /// An earlier smithd did, and was killed.
    TakenOver,
}

impl Etcd {
    /// Starts etcd on the data of this state directory, or takes over the one that runs on it.
    ///
    /// `health` is asked until it succeeds; it should read something linearizably, so that there is a
    /// leader and the data is there.
    pub async fn start(
        state: &StateDir,
        ports: &Ports,
        config: &EtcdConfig,
        health: impl AsyncFn(&Connection) -> Result<(), ProbeError>,
    ) -> Result<Self, Error> {
        let program = config.search.etcd()?;
        let version = binary::check_version(&program).await?;
        let certs = Certs::open(&state.certs(), Timestamp::now())?;
        let log = Log::new(state.etcd_log());
        let arguments = flags::all(state, ports, config, &certs);
        let connection = Connection {
            endpoints: vec![flags::client_url(ports)],
            ca: certs.ca().to_owned(),
            cert: certs.client().to_owned(),
            key: certs.client_key().to_owned(),
        };
        let etcd = |running, origin| Self {
            running,
            connection: connection.clone(),
            version,
            origin,
            stop_within: config.stop_within,
        };

        for orphan in process::with_argument(&flags::data_dir(state)).map_err(Error::FindOrphan)? {
            let Found { process, arguments: its_arguments } = orphan;
            let pid = process.pid();
            let same = its_arguments.first().is_some_and(|it| Path::new(it) == program)
                && its_arguments[1..] == arguments;
            let running = Running::watch(Source::Orphan(process), log.clone()).await?;
            if same && running.healthy(&connection, &health, ORPHAN_HEALTHY_WITHIN).await.is_ok() {
                tracing::info!(pid, "took over the etcd of an earlier run");
                return Ok(etcd(running, Origin::TakenOver));
            }
            tracing::warn!(
                pid,
                same_arguments = same,
                "ending the etcd of an earlier run, to start a new one"
            );
            running.stop(config.stop_within).await?;
        }

        state.require_free(Which::EtcdClient, ports.etcd_client)?;
        state.require_free(Which::EtcdPeer, ports.etcd_peer)?;
        let data = state.etcd_data();
        // etcd itself warns of a data directory that others can read.
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&data)
            .map_err(|source| Error::Prepare { path: data, source })?;
        let lifeline = Lifeline::find(&config.search).await;
        if let Lifeline::None = lifeline {
            tracing::info!(
                "no usable setpriv: if smithd is killed, etcd stays until the next start takes it over"
            );
        }
        let mut command = lifeline.command(&program);
        command.args(&arguments);
        let running =
            Running::watch(Source::New { program, command: Box::new(command) }, log).await?;
        match running.healthy(&connection, &health, config.healthy_within).await {
            Ok(()) => Ok(etcd(running, Origin::Started)),
            Err(error) => {
                // The reason why it isn't healthy is what people need; that it also won't end, is second.
                if let Err(stop) = running.stop(config.stop_within).await {
                    tracing::warn!(error = %stop, "etcd that isn't healthy can't be ended");
                }
                Err(error)
            }
        }
    }

    /// How to reach it.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Its version.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Its pid.
    pub fn pid(&self) -> u32 {
        self.running.process.pid()
    }

    /// Whether this process started it.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// Ends when etcd does, whoever ended it. smithd can't go on without it.
    pub fn ended(&self) -> impl Future<Output = Ended> + Send + 'static {
        self.running.end()
    }

    /// Ends it: SIGTERM, then, if it takes too long, SIGKILL (which loses nothing that it acknowledged).
    pub async fn stop(self) -> Result<(), Error> {
        self.running.stop(self.stop_within).await
    }
}

fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs_f32())
}

/// The last lines of a log, as an error shows them.
fn listed(lines: &[String], log: &Path) -> String {
    let mut text = format!("; its log is {}", log.display());
    if !lines.is_empty() {
        text.push_str(", and ends with:");
    }
    for line in lines {
        // Writing to a String can't fail.
        let _ = write!(text, "\n  {line}");
    }
    text
}
