//! What each binary is told, after its command line and environment were read: nothing is left to guess.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use smith_model::id::ProjectName;

use crate::telemetry::Format;

/// How and what to log.
#[derive(Clone, Debug)]
pub struct Logs {
    /// As in `RUST_LOG`.
    pub filter: String,
    /// How.
    pub format: Format,
}

/// How to reach an etcd that somebody else runs.
#[derive(Clone, Debug)]
pub struct StoreConfig {
    /// Client addresses.
    pub endpoints: Vec<String>,
    /// All keys lie under it.
    pub prefix: String,
    /// Authority, certificate and key files for mutual TLS.
    pub tls: Option<(PathBuf, PathBuf, PathBuf)>,
    /// The bytes that it may take, where it doesn't tell itself.
    pub quota: u64,
    /// The root key.
    pub root_key_file: PathBuf,
}

/// How many loops run at once.
#[derive(Clone, Debug)]
pub struct Limits {
    /// In all.
    pub fleet: u32,
    /// In projects by name.
    pub projects: HashMap<ProjectName, u32>,
}

/// What requests may ask of workers.
#[derive(Clone, Debug)]
pub struct Worker {
    /// Directories below which `file` repositories may lie.
    pub file_roots: Vec<String>,
    /// The agent's command line where a request names none.
    pub default_agent: Option<String>,
    /// The time to live of a worker's lease.
    pub ttl: Duration,
}

/// `smith-api`.
#[derive(Clone, Debug)]
pub struct ApiConfig {
    /// etcd.
    pub store: StoreConfig,
    /// What requests may ask.
    pub worker: Worker,
    /// What `why` compares with; the core's own count.
    pub limits: Limits,
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where to serve metrics.
    pub metrics_listen: Option<SocketAddr>,
    /// Where artifacts are kept.
    pub artifacts_dir: PathBuf,
    /// Directories of cores on this machine, whose workers' terminals can be attached to.
    pub workers_dirs: Vec<PathBuf>,
    /// Origins of web pages, besides the API's own, that may open terminals.
    pub allow_origins: Vec<String>,
    /// Logs.
    pub logs: Logs,
}

/// `smith-core`.
#[derive(Clone, Debug)]
pub struct CoreConfig {
    /// etcd.
    pub store: StoreConfig,
    /// Where admission stops.
    pub limits: Limits,
    /// Variables that agents and gates get.
    pub agent_env: Vec<String>,
    /// The program that workers run.
    pub replica_program: Option<PathBuf>,
    /// The API's address for workers.
    pub api_url: String,
    /// Where workers keep their files.
    pub workers_dir: PathBuf,
    /// The time to live of a worker's lease.
    pub worker_ttl: Duration,
    /// The time to live of the leader's lease.
    pub leader_ttl: Duration,
    /// Logs.
    pub logs: Logs,
}

/// `smithd`.
#[derive(Clone, Debug)]
pub struct SmithdConfig {
    /// Where everything is kept.
    pub state_dir: PathBuf,
    /// The API's port, if it is to be another than the kept one.
    pub port: Option<u16>,
    /// Where to serve metrics.
    pub metrics_listen: Option<SocketAddr>,
    /// An etcd that somebody else runs; empty: an own one.
    pub etcd_endpoints: Vec<String>,
    /// All keys lie under it.
    pub etcd_prefix: String,
    /// The bytes that etcd may take: its own is started with it.
    pub etcd_quota: u64,
    /// The etcd program.
    pub etcd: Option<PathBuf>,
    /// What requests may ask.
    pub worker: Worker,
    /// Origins of web pages, besides the API's own, that may open terminals.
    pub allow_origins: Vec<String>,
    /// Where admission stops.
    pub limits: Limits,
    /// Variables that agents and gates get.
    pub agent_env: Vec<String>,
    /// The program that workers run.
    pub replica_program: Option<PathBuf>,
    /// Where the context `local` is written.
    pub context_file: Option<PathBuf>,
    /// Logs.
    pub logs: Logs,
}
