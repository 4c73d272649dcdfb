//! The server: API, core, and both in one process with an etcd of its own.
//!
//! Rooms know as little of each other as they can; this file and smithd.rs are the only places where they
//! meet, and [`run_api`], [`run_core`] and [`run_smithd`] are what the three binaries do.

pub mod api;
pub mod app;
pub mod args;
pub mod config;
pub mod controller;
pub mod embedded;
pub mod outbound;
mod process;
pub mod runtime;
mod smithd;
pub mod store;
pub mod telemetry;
#[cfg(test)]
mod testing;
pub mod view;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use smith_model::access::Role;
use smith_model::chain::Key;
use smith_model::duration::Span;
use smith_model::redact::Secrets;
use smith_model::spec::Rules;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use api::Api;
use api::metrics::Metrics;
use app::App;
use app::why::{NoRuntime, RuntimeView};
use config::{ApiConfig, CoreConfig, StoreConfig};
use controller::{Core, fleet, plan};
use embedded::first_token;
use outbound::artifacts::Artifacts;
use process::{Signals, Tasks};
use runtime::local::nearby::Nearby;
use runtime::local::{self, Local};
use runtime::{Duplex, NoTerminal, Runtime, WorkerReport};
pub use smithd::run_smithd;
use store::lease::Candidate;
use store::{Store, Tls};
use view::audits::Audits;
use view::journals::Journals;
use view::{Inbox, View};

/// How long a request to etcd may take.
const STORE_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a server could not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file can't be read or written.
    #[error("can't {act} {}", path.display())]
    File {
        /// What was tried.
        act: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The root key is too short.
    #[error("the root key in {} has {found} bytes; it must have at least 32 random ones", path.display())]
    RootKey {
        /// The file.
        path: PathBuf,
        /// Its size.
        found: usize,
    },
    /// An address can't be listened on.
    #[error("can't listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// No program for workers.
    #[error(
        "can't find the program smith-replica beside this one or on the PATH; name it with --replica-program"
    )]
    NoReplica,
    /// A variable that agents shall get isn't set.
    #[error("--agent-env {name}: the variable isn't set (or isn't UTF-8)")]
    AgentEnv {
        /// Its name.
        name: String,
    },
    /// etcd and the store.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// Artifacts.
    #[error(transparent)]
    Artifacts(#[from] outbound::artifacts::Error),
    /// The local runtime.
    #[error(transparent)]
    Local(#[from] local::OpenError),
    /// The state directory.
    #[error(transparent)]
    StateDir(#[from] embedded::state_dir::Error),
    /// The ports.
    #[error(transparent)]
    Ports(#[from] embedded::ports::Error),
    /// The own etcd.
    #[error(transparent)]
    Etcd(#[from] embedded::etcd::Error),
    /// The first token.
    #[error(transparent)]
    FirstToken(#[from] first_token::Error),
    /// A part that must not end did.
    #[error("{part} ended: {why}")]
    Ended {
        /// Which.
        part: &'static str,
        /// Why.
        why: String,
    },
    /// Serving failed.
    #[error("can't serve requests")]
    Serve(#[source] std::io::Error),
    /// The process can't be told of signals.
    #[error("can't listen for SIGTERM and SIGINT")]
    Signals(#[source] std::io::Error),
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let act = "read";
    std::fs::read(path).map_err(|source| Error::File { act, path: path.to_path_buf(), source })
}

fn root_key(path: &Path) -> Result<Vec<u8>, Error> {
    let key = read(path)?;
    if key.len() < 32 {
        return Err(Error::RootKey { path: path.to_path_buf(), found: key.len() });
    }
    Ok(key)
}

async fn open_store(config: &StoreConfig, root: &[u8]) -> Result<Store, Error> {
    let text = |path: &Path| -> Result<String, Error> {
        Ok(String::from_utf8_lossy(&read(path)?).into_owned())
    };
    let tls = match &config.tls {
        Some((ca, cert, key)) => Some(Tls { ca: text(ca)?, cert: text(cert)?, key: text(key)? }),
        None => None,
    };
    let StoreConfig { endpoints, prefix, quota, .. } = config.clone();
    let config = store::Config { endpoints, prefix, tls, timeout: STORE_TIMEOUT, quota };
    Ok(Store::open(&config, root).await?)
}

async fn bind(address: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(address).await.map_err(|source| Error::Listen { address, source })
}

fn limits(limits: &config::Limits) -> fleet::Limits {
    let mut found = fleet::Limits::of_fleet(limits.fleet);
    found.projects.clone_from(&limits.projects);
    found
}

fn settings(worker: &config::Worker, limits: fleet::Limits, secrets: Secrets) -> app::Settings {
    let rules = Rules {
        file_roots: worker.file_roots.clone(),
        default_command: worker.default_agent.clone(),
        ..Rules::default()
    };
    app::Settings { rules, worker_ttl: worker.ttl, limits, secrets }
}

/// Starts what serves the API: view, journals, listeners. `draining` ends it.
#[allow(clippy::too_many_arguments)] // The parts meet here, and only here.
async fn start_api(
    tasks: &mut Tasks,
    store: &Store,
    root: &[u8],
    artifacts: Artifacts,
    settings: app::Settings,
    runtime: Arc<dyn RuntimeView>,
    origins: Vec<String>,
    listeners: (TcpListener, Option<TcpListener>),
    shutdown: &CancellationToken,
) -> Result<View, Error> {
    let (view, feeding) = View::start(store.clone(), shutdown.clone()).await?;
    tasks.spawn("the view", shutdown, feeding);
    let (journals, following) = Journals::start(store.clone(), shutdown.clone());
    tasks.spawn("the journals", shutdown, async move {
        following.await;
        Ok::<(), Error>(())
    });
    let (audits, following) = Audits::start(store.clone(), view.generation(), shutdown.clone());
    tasks.spawn("the audit", shutdown, async move {
        following.await;
        Ok::<(), Error>(())
    });
    let (inbox, watching) = Inbox::start(view.clone(), shutdown.clone());
    tasks.spawn("the inbox", shutdown, async move {
        watching.await;
        Ok::<(), Error>(())
    });
    let followed = (journals, audits, inbox);
    let app = App::new(store.clone(), view.clone(), followed, artifacts, root, settings);
    let metrics = Arc::new(Metrics::new(app.clone()));
    let api = Api::new(app, metrics.clone(), runtime, shutdown.clone()).allow_origins(origins);
    let ended = api.ended();
    let (listener, metrics_listener) = listeners;
    let serving = api::serve(listener, api::router(api), shutdown.clone());
    tasks.spawn("the API", shutdown, async move {
        serving.await.map_err(Error::Serve)?;
        ended.await;
        Ok::<(), Error>(())
    });
    if let Some(listener) = metrics_listener {
        let serving = api::serve(listener, api::metrics::router(metrics), shutdown.clone());
        tasks.spawn("metrics", shutdown, async move { serving.await.map_err(Error::Serve) });
    }
    Ok(view)
}

/// `smith-api`, until a signal.
pub async fn run_api(config: ApiConfig) -> Result<(), Error> {
    let mut signals = process::begin()?;
    let (shutdown, mut tasks) = (CancellationToken::new(), Tasks::new());
    if signals.unless(start_smith_api(&config, &mut tasks, &shutdown)).await?.is_none() {
        return Ok(());
    }
    tracing::info!(address = %config.listen, "serving");
    run(signals, tasks, shutdown).await
}

async fn start_smith_api(
    config: &ApiConfig,
    tasks: &mut Tasks,
    shutdown: &CancellationToken,
) -> Result<(), Error> {
    let root = root_key(&config.store.root_key_file)?;
    let store = open_store(&config.store, &root).await?;
    let artifacts = Artifacts::in_directory(&config.artifacts_dir)?;
    let listener = bind(config.listen).await?;
    let metrics_listener = match config.metrics_listen {
        Some(address) => Some(bind(address).await?),
        None => None,
    };
    let secrets = Secrets::new::<&str>([]);
    let settings = settings(&config.worker, limits(&config.limits), secrets);
    let listeners = (listener, metrics_listener);
    let runtime: Arc<dyn RuntimeView> = match config.workers_dirs.clone() {
        dirs if dirs.is_empty() => Arc::new(NoRuntime),
        dirs => Arc::new(NearbyView(Nearby::new(dirs, store.installation()))),
    };
    let origins = config.allow_origins.clone();
    start_api(tasks, &store, &root, artifacts, settings, runtime, origins, listeners, shutdown)
        .await?;
    Ok(())
}

/// What an API without a core knows of workers on its machine.
struct NearbyView(Nearby);

impl RuntimeView for NearbyView {
    fn worker(&self, _: String) -> BoxFuture<'_, Option<WorkerReport>> {
        Box::pin(async { None })
    }

    fn terminal(&self, name: String) -> BoxFuture<'_, Result<Box<dyn Duplex>, NoTerminal>> {
        Box::pin(async move { self.0.terminal(&name).await })
    }
}

/// Lets a process run until a signal, or until a part of it ends that must not.
async fn run(
    mut signals: Signals,
    mut tasks: Tasks,
    shutdown: CancellationToken,
) -> Result<(), Error> {
    let ended = tokio::select! {
        () = signals.next() => Ok(()),
        ended = tasks.first_end() => ended,
    };
    shutdown.cancel();
    tasks.drain(Duration::from_secs(10)).await;
    ended
}

/// `smith-api bootstrap-token`: the first token of an installation that others run.
pub async fn bootstrap_token(config: ApiConfig, out: &Path) -> Result<(), Error> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let failed = |source| Error::File { act: "write", path: out.to_path_buf(), source };
    let options = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(out);
    let mut file = options.map_err(failed)?;
    let root = root_key(&config.store.root_key_file)?;
    let store = open_store(&config.store, &root).await?;
    let token = app::tokens::bootstrap(&store, "admin", Role::Admin).await?;
    writeln!(file, "{token}").and_then(|()| file.sync_all()).map_err(failed)
}

/// `smith-core`, until a signal.
pub async fn run_core(config: CoreConfig) -> Result<(), Error> {
    let mut signals = process::begin()?;
    let (shutdown, mut tasks) = (CancellationToken::new(), Tasks::new());
    if signals.unless(start_smith_core(&config, &mut tasks, &shutdown)).await?.is_none() {
        return Ok(());
    }
    run(signals, tasks, shutdown).await
}

async fn start_smith_core(
    config: &CoreConfig,
    tasks: &mut Tasks,
    shutdown: &CancellationToken,
) -> Result<(), Error> {
    let root = root_key(&config.store.root_key_file)?;
    let store = open_store(&config.store, &root).await?;
    let runtime =
        open_local(&config.workers_dir, &store, config.replica_program.as_deref(), None).await?;
    let (view, feeding) = View::start(store.clone(), shutdown.clone()).await?;
    tasks.spawn("the view", shutdown, feeding);
    let told = core_config(
        &root,
        &config.agent_env,
        config.api_url.clone(),
        limits(&config.limits),
        // Nothing says that no other process has what this one has.
        None,
        (config.leader_ttl, config.worker_ttl),
    )?;
    let core = Core::new(told, store, view, runtime);
    tasks.spawn("the core", shutdown, core.run(shutdown.clone()));
    Ok(())
}

fn core_config(
    root: &[u8],
    agent_env: &[String],
    api_url: String,
    limits: fleet::Limits,
    seat: Option<String>,
    (leader_ttl, worker_ttl): (Duration, Duration),
) -> Result<controller::Config, Error> {
    let mut env = vec![];
    for name in agent_env {
        let value = std::env::var(name).map_err(|_| Error::AgentEnv { name: name.clone() })?;
        env.push((name.clone(), value));
    }
    let secrets = env.iter().map(|(_, value)| value.clone()).collect();
    let ttl = Span::millis(u32::try_from(worker_ttl.as_millis()).unwrap_or(u32::MAX));
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    Ok(controller::Config {
        candidate: Candidate { holder: format!("{host}-{}", std::process::id()), seat },
        leader_ttl,
        settings: plan::Settings { lock_ttl: ttl, ..plan::Settings::default() },
        limits,
        api_url,
        agent_env: env,
        secrets,
        worker_key: Key::derive(root, "worker"),
        terminal_key: Key::derive(root, "terminal"),
    })
}

/// Variables of this process that workers get too. None of them is secret.
const WORKER_ENV: [&str; 10] =
    ["PATH", "HOME", "LANG", "LC_ALL", "TERM", "USER", "LOGNAME", "SHELL", "TMPDIR", "TZ"];

async fn open_local(
    dir: &Path,
    store: &Store,
    program: Option<&Path>,
    private: Option<&Path>,
) -> Result<Arc<dyn Runtime>, Error> {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let machine = std::fs::read_to_string("/etc/machine-id").unwrap_or(host);
    // Two cores on one machine with different directories can't see each other's workers: two runtimes.
    let place = std::path::absolute(dir).unwrap_or_else(|_| dir.to_path_buf());
    let place = smith_model::id::Digest::of(place.as_os_str().as_encoded_bytes());
    let machine = format!("{}:{:.8}", machine.trim(), place.as_str());
    let set = |name: &&str| Some(((*name).to_owned(), std::env::var(name).ok()?));
    let mut env: Vec<(String, String)> = WORKER_ENV.iter().filter_map(set).collect();
    if cfg!(debug_assertions) {
        // The harness arms the workers' failpoints apart from this process's own.
        for name in ["SMITH_FAILPOINTS", "SMITH_FAILPOINTS_LOG"] {
            if let Ok(value) = std::env::var(format!("SMITH_WORKER_{}", &name["SMITH_".len()..])) {
                env.push((name.into(), value));
            }
        }
    }
    let config = local::Config {
        dir: dir.to_path_buf(),
        machine,
        installation: store.installation(),
        replica_program: replica_program(program)?,
        env,
        hidden: private.map(Path::to_path_buf).into_iter().chain(contexts_dir()).collect(),
    };
    Ok(Arc::new(Local::open(config).await?))
}

/// Where smithctl keeps its contexts, which may hold tokens.
fn contexts_dir() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
    let config = set("XDG_CONFIG_HOME").or_else(|| Some(set("HOME")?.join(".config")))?;
    Some(config.join("smith"))
}

fn replica_program(named: Option<&Path>) -> Result<PathBuf, Error> {
    if let Some(named) = named {
        let absolute = std::path::absolute(named);
        return absolute.map_err(|source| Error::File { act: "find", path: named.into(), source });
    }
    let beside = std::env::current_exe().ok().and_then(|p| Some(p.parent()?.to_path_buf()));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let candidates = beside.into_iter().chain(std::env::split_paths(&path));
    let mut candidates = candidates.map(|dir| dir.join("smith-replica"));
    candidates.find(|program| program.is_file()).ok_or(Error::NoReplica)
}
