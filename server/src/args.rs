//! The command lines of the three binaries, turned into [`crate::config`] once and for all.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use smith_model::duration::Span;
use smith_model::id::ProjectName;

use crate::config::{ApiConfig, CoreConfig, Limits, Logs, SmithdConfig, StoreConfig, Worker};
use crate::telemetry::Format;

/// How logs are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

#[derive(Args, Debug)]
struct LogArgs {
    /// What is logged, as in `info,smith_server=debug`.
    #[arg(long, env = "SMITH_LOG", default_value = "info", value_name = "FILTER")]
    log: String,
    /// How logs are written.
    #[arg(long, value_enum, default_value = "text", value_name = "FORMAT")]
    log_format: LogFormat,
}

impl LogArgs {
    fn resolve(self) -> Logs {
        let format = match self.log_format {
            LogFormat::Text => Format::Text,
            LogFormat::Json => Format::Json,
        };
        Logs { filter: self.log, format }
    }
}

/// etcd's own default, and more than ten thousand loops take.
const QUOTA: u64 = 2 * 1024 * 1024 * 1024;

#[derive(Args, Debug)]
struct StoreArgs {
    /// etcd's client addresses, separated by commas.
    #[arg(long, env = "SMITH_ETCD_ENDPOINTS", value_delimiter = ',', required = true)]
    etcd_endpoints: Vec<String>,
    /// All keys lie under it.
    #[arg(long, env = "SMITH_ETCD_PREFIX", default_value = "/smith/v1")]
    etcd_prefix: String,
    /// The bytes that etcd may take (its --quota-backend-bytes), where it doesn't tell itself, as those before 3.6.
    #[arg(long, default_value_t = QUOTA, value_name = "BYTES")]
    etcd_quota: u64,
    /// The authority that signed etcd's certificate (PEM).
    #[arg(long, value_name = "FILE", requires = "etcd_cert")]
    etcd_ca: Option<PathBuf>,
    /// The client certificate for etcd (PEM).
    #[arg(long, value_name = "FILE", requires = "etcd_key")]
    etcd_cert: Option<PathBuf>,
    /// Its key (PEM).
    #[arg(long, value_name = "FILE", requires = "etcd_ca")]
    etcd_key: Option<PathBuf>,
    /// The root key: 32 bytes that chain, worker and ticket keys are derived from. The same for every process.
    #[arg(long, env = "SMITH_ROOT_KEY_FILE", value_name = "FILE")]
    root_key_file: PathBuf,
}

impl StoreArgs {
    fn resolve(self) -> StoreConfig {
        let tls = match (self.etcd_ca, self.etcd_cert, self.etcd_key) {
            (Some(ca), Some(cert), Some(key)) => Some((ca, cert, key)),
            _ => None,
        };
        StoreConfig {
            endpoints: self.etcd_endpoints,
            prefix: self.etcd_prefix,
            quota: self.etcd_quota,
            tls,
            root_key_file: self.root_key_file,
        }
    }
}

#[derive(Args, Debug)]
struct LimitArgs {
    /// How many loops run at once, in all.
    #[arg(long, default_value_t = 4, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_loops: u32,
    /// How many in one project; may be repeated.
    #[arg(long, value_name = "PROJECT=N", value_parser = pair)]
    max_project_loops: Vec<(ProjectName, u32)>,
}

fn pair(text: &str) -> Result<(ProjectName, u32), String> {
    let (name, n) = text.split_once('=').ok_or("write it like web=2")?;
    let name = name.parse().map_err(|e| format!("{e}"))?;
    Ok((name, n.parse().map_err(|e| format!("{n:?}: {e}"))?))
}

impl LimitArgs {
    fn resolve(self) -> Limits {
        Limits { fleet: self.max_loops, projects: self.max_project_loops.into_iter().collect() }
    }
}

#[derive(Args, Debug)]
struct WorkerArgs {
    /// A directory below which `file` repositories may lie; may be repeated.
    #[arg(long, value_name = "DIR")]
    file_root: Vec<PathBuf>,
    /// The agent's command line where a request names none.
    #[arg(long, env = "SMITH_AGENT", value_name = "COMMAND")]
    default_agent: Option<String>,
    /// The time to live of a worker's lease.
    #[arg(long, default_value = "30s", value_name = "DURATION")]
    worker_ttl: Span,
}

impl WorkerArgs {
    fn resolve(self) -> Worker {
        let roots = self.file_root.iter().map(|root| root.display().to_string()).collect();
        Worker {
            file_roots: roots,
            default_agent: self.default_agent,
            ttl: self.worker_ttl.std().max(Duration::from_secs(1)),
        }
    }
}

#[derive(Args, Debug)]
struct OriginArgs {
    /// An origin of web pages that may open terminals besides the API's own, as in https://smith.example.org; may be
    /// repeated.
    #[arg(long, value_name = "ORIGIN", value_parser = origin)]
    allow_origin: Vec<String>,
}

/// As browsers write one: scheme, host, port, and nothing behind.
fn origin(text: &str) -> Result<String, String> {
    let rule = "write it as browsers do, like https://smith.example.org or http://localhost:3000";
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let plain = |c: char| c.is_ascii_alphanumeric() || "-.:[]".contains(c);
    let fits = host.is_some_and(|host| !host.is_empty() && host.chars().all(plain));
    if fits { Ok(text.to_ascii_lowercase()) } else { Err(rule.to_owned()) }
}

#[derive(Args, Debug)]
struct LocalArgs {
    /// A variable of this process's environment that agents and gates get too; may be repeated. Its value is
    /// taken out of every output.
    #[arg(long, value_name = "NAME")]
    agent_env: Vec<String>,
    /// The program that workers run; found beside this one, or on the PATH.
    #[arg(long, env = "SMITH_REPLICA", value_name = "FILE")]
    replica_program: Option<PathBuf>,
}

/// The HTTP API.
#[derive(Parser, Debug)]
#[command(name = "smith-api", version)]
struct ApiArgs {
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    worker: WorkerArgs,
    #[command(flatten)]
    limits: LimitArgs,
    /// Where to listen.
    #[arg(long, env = "SMITH_API_LISTEN", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Where to serve metrics, without a token.
    #[arg(long)]
    metrics_listen: Option<SocketAddr>,
    /// Where artifacts are kept; every API process must see the same.
    #[arg(long, value_name = "DIR")]
    artifacts_dir: PathBuf,
    /// The --workers-dir of a core on this machine (or smithd's state directory), so that its workers' terminals can be
    /// attached to through this process; may be repeated.
    #[arg(long, value_name = "DIR")]
    workers_dir: Vec<PathBuf>,
    #[command(flatten)]
    origins: OriginArgs,
    #[command(flatten)]
    logs: LogArgs,
    #[command(subcommand)]
    command: Option<ApiCommand>,
}

/// What smith-api does instead of serving.
#[derive(Subcommand, Debug)]
enum ApiCommand {
    /// Make an admin token for a new installation, and write it to a file of mode 0600.
    BootstrapToken {
        /// The file; it must not exist.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Print the OpenAPI document.
    Openapi,
}

/// What smith-api is asked to do.
pub enum ApiTask {
    /// Serve.
    Serve(ApiConfig),
    /// Make the first token.
    BootstrapToken(ApiConfig, PathBuf),
    /// Print the OpenAPI document.
    Openapi,
}

/// Reads smith-api's command line; ends the process on a usage error.
pub fn api() -> ApiTask {
    // The document needs no etcd, so it is asked for before anything is required.
    if std::env::args().nth(1).as_deref() == Some("openapi") {
        return ApiTask::Openapi;
    }
    let ApiArgs {
        store,
        worker,
        limits,
        listen,
        metrics_listen,
        artifacts_dir,
        workers_dir,
        origins,
        logs,
        command,
    } = ApiArgs::parse();
    let config = ApiConfig {
        store: store.resolve(),
        worker: worker.resolve(),
        limits: limits.resolve(),
        listen,
        metrics_listen,
        artifacts_dir,
        workers_dirs: workers_dir,
        allow_origins: origins.allow_origin,
        logs: logs.resolve(),
    };
    match command {
        None => ApiTask::Serve(config),
        Some(ApiCommand::BootstrapToken { out }) => ApiTask::BootstrapToken(config, out),
        Some(ApiCommand::Openapi) => ApiTask::Openapi,
    }
}

/// The scheduler.
#[derive(Parser, Debug)]
#[command(name = "smith-core", version)]
struct CoreArgs {
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    limits: LimitArgs,
    #[command(flatten)]
    local: LocalArgs,
    /// The API's address for workers.
    #[arg(long, env = "SMITH_API_URL")]
    api_url: String,
    /// Where workers of the local runtime keep their files.
    #[arg(long, value_name = "DIR")]
    workers_dir: PathBuf,
    /// The time to live of a worker's lease, as the API's.
    #[arg(long, default_value = "30s", value_name = "DURATION")]
    worker_ttl: Span,
    /// The time to live of the leader's lease.
    #[arg(long, default_value = "10s", value_name = "DURATION")]
    leader_ttl: Span,
    #[command(flatten)]
    logs: LogArgs,
}

/// Reads smith-core's command line; ends the process on a usage error.
pub fn core() -> CoreConfig {
    let CoreArgs { store, limits, local, api_url, workers_dir, worker_ttl, leader_ttl, logs } =
        CoreArgs::parse();
    CoreConfig {
        store: store.resolve(),
        limits: limits.resolve(),
        agent_env: local.agent_env,
        replica_program: local.replica_program,
        api_url,
        workers_dir,
        worker_ttl: worker_ttl.std(),
        leader_ttl: leader_ttl.std(),
        logs: logs.resolve(),
    }
}

/// Smith on one machine: API and core in one process, with an etcd of its own.
#[derive(Parser, Debug)]
#[command(name = "smithd", version)]
struct SmithdArgs {
    /// Where everything is kept: $XDG_STATE_HOME/smith, or ~/.local/state/smith.
    #[arg(long, env = "SMITH_STATE_DIR", value_name = "DIR")]
    state_dir: Option<PathBuf>,
    /// The API's port; a free one is chosen at the first start, and kept.
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
    /// Where to serve metrics, without a token.
    #[arg(long)]
    metrics_listen: Option<SocketAddr>,
    /// Use this etcd instead of starting one.
    #[arg(long, env = "SMITH_ETCD_ENDPOINTS", value_delimiter = ',')]
    etcd_endpoints: Vec<String>,
    /// All keys lie under it.
    #[arg(long, env = "SMITH_ETCD_PREFIX", default_value = "/smith/v1")]
    etcd_prefix: String,
    /// The bytes that etcd may take; above 80 % of it no loop begins.
    #[arg(long, default_value_t = QUOTA, value_name = "BYTES")]
    etcd_quota: u64,
    /// The etcd program; found on the PATH, or in .tools/bin.
    #[arg(long, env = "SMITH_ETCD", value_name = "FILE")]
    etcd: Option<PathBuf>,
    #[command(flatten)]
    worker: WorkerArgs,
    #[command(flatten)]
    limits: LimitArgs,
    #[command(flatten)]
    local: LocalArgs,
    #[command(flatten)]
    origins: OriginArgs,
    /// Do not write the context `local` for smithctl and smith.
    #[arg(long)]
    no_context: bool,
    #[command(flatten)]
    logs: LogArgs,
}

/// Reads smithd's command line; ends the process on a usage error.
pub fn smithd() -> SmithdConfig {
    let SmithdArgs {
        state_dir,
        port,
        metrics_listen,
        etcd_endpoints,
        etcd_prefix,
        etcd_quota,
        etcd,
        worker,
        limits,
        local,
        origins,
        no_context,
        logs,
    } = SmithdArgs::parse();
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let xdg = |name: &str, below: &str| {
        let set = std::env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
        set.or_else(|| home.as_ref().map(|home| home.join(below)))
    };
    let state_dir =
        state_dir.or_else(|| Some(xdg("XDG_STATE_HOME", ".local/state")?.join("smith")));
    let Some(state_dir) = state_dir else {
        let text = "where to keep everything? set --state-dir, or HOME\n";
        clap::Error::raw(clap::error::ErrorKind::MissingRequiredArgument, text).exit()
    };
    let context_file = xdg("XDG_CONFIG_HOME", ".config").map(|dir| dir.join("smith/config.json"));
    let mut worker = worker.resolve();
    if worker.file_roots.is_empty() {
        worker.file_roots.extend(home.map(|home| home.display().to_string()));
    }
    SmithdConfig {
        state_dir,
        port,
        metrics_listen,
        etcd_endpoints,
        etcd_prefix,
        etcd_quota,
        etcd,
        worker,
        allow_origins: origins.allow_origin,
        limits: limits.resolve(),
        agent_env: local.agent_env,
        replica_program: local.replica_program,
        context_file: context_file.filter(|_| !no_context),
        logs: logs.resolve(),
    }
}
