//! Where workers run: one trait, with the local machine and (in a cluster) Kubernetes behind it.
//!
//! A runtime starts, reports and ends workers; it knows nothing of states, attempts or the store. Every
//! act is idempotent, because a core repeats it after a crash at any point.

pub mod local;

use futures::future::BoxFuture;
use smith_model::attempt::Exit;
use smith_model::id::{AttemptNo, LoopId};
use smith_model::worker::Launch;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use uuid::Uuid;

/// Which worker: its deterministic name, and the labels that tell it from any other of that name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct WorkerLabels {
    /// `smith-{loop}-r{round}a{attempt}`.
    pub name: String,
    /// The installation that it belongs to.
    pub installation: Uuid,
    /// The loop.
    pub loop_id: LoopId,
    /// The loop's uid.
    pub uid: Uuid,
    /// The attempt.
    pub no: AttemptNo,
}

/// What a runtime knows of a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkerPhase {
    /// Its process exists, or is being made.
    Running,
    /// Its process and every process under it are gone.
    Exited {
        /// How.
        exit: Exit,
        /// The last lines of its log, oldest first.
        tail: Vec<String>,
    },
    /// It can't be asked (another machine's, or a node that doesn't answer).
    Unknown {
        /// Why, in one sentence.
        why: String,
    },
}

/// A worker as its runtime sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerReport {
    /// Which one.
    pub labels: WorkerLabels,
    /// What is known of it.
    pub phase: WorkerPhase,
}

/// Why a runtime could not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A worker of that name exists, with other labels.
    #[error("a worker named {name} exists already, and isn't this installation's or this loop's")]
    NameTaken {
        /// The name.
        name: String,
    },
    /// It could not be started; trying again may help.
    #[error("can't start the worker {name}")]
    Start {
        /// The name.
        name: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It could not be asked, stopped or removed; trying again may help.
    #[error("can't {act} the worker {name}")]
    Act {
        /// What was tried.
        act: &'static str,
        /// The name.
        name: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// A stream of bytes to a worker's terminal server and back.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// Why a worker's terminal server can't be reached.
#[derive(Debug, thiserror::Error)]
pub enum NoTerminal {
    /// There is nothing of that worker.
    #[error("there is no worker {name} here")]
    NoWorker {
        /// The name.
        name: String,
    },
    /// It ended.
    #[error("the worker {name} has ended")]
    Ended {
        /// The name.
        name: String,
    },
    /// It can't be asked.
    #[error("the worker {name} can't be asked: {why}")]
    Unknown {
        /// The name.
        name: String,
        /// Why, in one sentence.
        why: String,
    },
    /// It runs, and nobody listens at its socket: it is just starting, or just ending.
    #[error("the worker {name} doesn't serve its terminals yet: try again in a moment")]
    NotYet {
        /// The name.
        name: String,
    },
    /// Something else is wrong; trying again may help.
    #[error("can't connect to the terminals of the worker {name}")]
    Connect {
        /// The name.
        name: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// How a worker is asked to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// SIGTERM: it lands (checkpoint, handoff) within its own bounds.
    Land,
    /// SIGKILL to it; the kernel ends everything under it.
    Kill,
}

/// A place where workers run.
pub trait Runtime: Send + Sync + 'static {
    /// Tells this runtime from others, also after a restart: `local:{machine}` or the cluster's name.
    fn id(&self) -> &str;

    /// Starts a worker. One that exists with the same labels is success.
    fn create(&self, labels: WorkerLabels, launch: Launch) -> BoxFuture<'_, Result<(), Error>>;

    /// A direct read of one worker; `None`: there is nothing of it (any more).
    fn observe(&self, name: &str) -> BoxFuture<'_, Result<Option<WorkerReport>, Error>>;

    /// All workers of this installation that are here.
    fn list(&self) -> BoxFuture<'_, Result<Vec<WorkerReport>, Error>>;

    /// Asks a worker to end; answers at once. One that is gone is success.
    fn stop(&self, name: &str, how: Stop) -> BoxFuture<'_, Result<(), Error>>;

    /// Kills what is left of a worker and removes its traces (workspace, outbox, log). Idempotent.
    fn remove(&self, name: &str) -> BoxFuture<'_, Result<(), Error>>;

    /// A connection to a worker's terminal server.
    fn terminal(&self, name: &str) -> BoxFuture<'_, Result<Box<dyn Duplex>, NoTerminal>>;

    /// The names of loops whose workers changed by themselves. One receiver; it wakes, and may repeat.
    fn events(&self) -> mpsc::Receiver<LoopId>;
}
