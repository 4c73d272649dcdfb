//! smithd: API, core and an etcd of its own in one process.
//!
//! Beside lib.rs the only place where rooms meet.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use smith_model::access::Role;
use smith_model::redact::Secrets;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::app::why::RuntimeView;
use crate::config::SmithdConfig;
use crate::controller::Core;
use crate::embedded::etcd::{Connection, Etcd, EtcdConfig};
use crate::embedded::first_token;
use crate::embedded::ports::{Asked, Which};
use crate::embedded::state_dir::StateDir;
use crate::outbound::artifacts::Artifacts;
use crate::process::{Signals, Tasks};
use crate::runtime::{Duplex, NoTerminal, Runtime, Stop, WorkerPhase, WorkerReport};
use crate::store::{Store, Tls};
use crate::view::View;
use crate::{
    Error, STORE_TIMEOUT, app, bind, core_config, embedded, limits, open_local, settings,
    start_api, store, telemetry,
};

/// How long workers may take to land when smithd stops.
const LANDING: Duration = Duration::from_secs(30);
/// The lease of smithd's own core, which has no rival: an earlier smithd's it ends by itself.
const SMITHD_LEADER_TTL: Duration = Duration::from_secs(5);

/// What the API of smithd knows of workers.
struct LocalView(Arc<dyn Runtime>);

impl RuntimeView for LocalView {
    fn worker(&self, name: String) -> BoxFuture<'_, Option<WorkerReport>> {
        Box::pin(async move { self.0.observe(&name).await.ok().flatten() })
    }

    fn terminal(&self, name: String) -> BoxFuture<'_, Result<Box<dyn Duplex>, NoTerminal>> {
        Box::pin(async move { self.0.terminal(&name).await })
    }
}

/// `smithd`, until a signal. A second signal leaves workers to be adopted by the next start.
pub async fn run_smithd(config: SmithdConfig) -> Result<(), Error> {
    let mut signals = crate::process::begin()?;
    let state = StateDir::open(&config.state_dir)?;
    let ports = state.ports(&Asked { api: config.port, ..Asked::default() })?;
    let address = SocketAddr::from(([127, 0, 0, 1], ports.api));
    let listener = TcpListener::bind(address).await;
    let listener = listener.map_err(|e| state.not_free(Which::Api, ports.api, e))?;
    let metrics_listener = match config.metrics_listen {
        Some(address) => Some(bind(address).await?),
        None => None,
    };
    // Before there is any data of etcd, which without a key would mean that the key was lost.
    state.root_key()?;
    let mut etcd = None;
    if config.etcd_endpoints.is_empty() {
        let mut told =
            EtcdConfig { quota_backend_bytes: config.etcd_quota, ..EtcdConfig::default() };
        if config.etcd.is_some() {
            told.search.named.clone_from(&config.etcd);
        }
        let starting = Etcd::start(&state, &ports, &told, probe);
        let Some(started) = signals.unless(starting).await? else { return Ok(()) };
        etcd = Some(started);
    }
    let listeners = (listener, metrics_listener);
    let ended = run_on_etcd(&config, &mut signals, &state, listeners, etcd.as_ref()).await;
    if let Some(etcd) = etcd {
        etcd.stop().await?;
    }
    ended
}

/// smithd, as long as its etcd is there.
async fn run_on_etcd(
    config: &SmithdConfig,
    signals: &mut Signals,
    state: &StateDir,
    listeners: (TcpListener, Option<TcpListener>),
    etcd: Option<&Etcd>,
) -> Result<(), Error> {
    let (serving, working) = (CancellationToken::new(), CancellationToken::new());
    let mut tasks = Tasks::new();
    let starting = start_smithd(config, state, listeners, etcd, &mut tasks, &serving, &working);
    let Some(runtime) = signals.unless(starting).await? else { return Ok(()) };
    let etcd_end = async {
        match etcd {
            Some(etcd) => etcd.ended().await.to_string(),
            None => std::future::pending().await,
        }
    };
    let ended = tokio::select! {
        () = signals.next() => Ok(()),
        ended = tasks.first_end() => ended,
        why = etcd_end => Err(Error::Ended { part: "etcd", why }),
    };
    // The core first, so that nothing new begins; workers need the API to land.
    working.cancel();
    if ended.is_ok() {
        tokio::select! {
            () = land(&*runtime) => {}
            () = signals.next() => {
                tracing::warn!("workers are left to be adopted by the next start");
            }
        }
    }
    serving.cancel();
    tasks.drain(Duration::from_secs(10)).await;
    ended
}

/// Starts API and core, and says that they are there. `working` ends the core, `serving` the rest.
async fn start_smithd(
    config: &SmithdConfig,
    state: &StateDir,
    listeners: (TcpListener, Option<TcpListener>),
    etcd: Option<&Etcd>,
    tasks: &mut Tasks,
    serving: &CancellationToken,
    working: &CancellationToken,
) -> Result<Arc<dyn Runtime>, Error> {
    let root = state.root_key()?;
    let address = listeners.0.local_addr().map_err(Error::Serve)?;
    let told = store::Config {
        prefix: config.etcd_prefix.clone(),
        quota: config.etcd_quota,
        ..match etcd {
            Some(etcd) => store_config(etcd.connection()),
            None => store::Config {
                endpoints: config.etcd_endpoints.clone(),
                prefix: String::new(),
                tls: None,
                timeout: STORE_TIMEOUT,
                quota: config.etcd_quota,
            },
        }
    };
    let store = Store::open(&told, root.bytes()).await?;
    let program = config.replica_program.as_deref();
    let runtime = open_local(state.path(), &store, program, Some(state.path())).await?;
    let artifacts = Artifacts::in_directory(&state.path().join("artifacts"))?;
    let all_limits = limits(&config.limits);
    let secrets = Secrets::new(config.agent_env.iter().filter_map(|name| std::env::var(name).ok()));
    let view = start_api(
        tasks,
        &store,
        root.bytes(),
        artifacts,
        settings(&config.worker, all_limits.clone(), secrets),
        Arc::new(LocalView(runtime.clone())),
        config.allow_origins.clone(),
        listeners,
        serving,
    )
    .await?;
    let api_url = format!("http://{address}");
    ensure_token(state, &store, &view, &api_url, config.context_file.as_deref()).await?;
    let told = core_config(
        root.bytes(),
        &config.agent_env,
        api_url.clone(),
        all_limits,
        state.seat(),
        (SMITHD_LEADER_TTL, config.worker.ttl),
    )?;
    let core = Core::new(told, store, view, runtime.clone());
    tasks.spawn("the core", working, core.run(working.clone()));
    tracing::info!(api = %api_url, state = %state.path().display(), "smithd is ready");
    println!("smithd is ready: {api_url} (state in {})", state.path().display());
    Ok(runtime)
}

fn store_config(connection: &Connection) -> store::Config {
    let Connection { endpoints, ca, cert, key } = connection.clone();
    let tls = Some(Tls { ca, cert, key });
    // Whoever needs the quota says which it is.
    store::Config { endpoints, prefix: String::new(), tls, timeout: STORE_TIMEOUT, quota: 0 }
}

/// Is the own etcd there? It must answer a linearizable read.
async fn probe(connection: &Connection) -> Result<(), embedded::etcd::ProbeError> {
    let mut config = store_config(connection);
    config.prefix = "/smith-probe".into();
    config.timeout = Duration::from_secs(1);
    store::ping(&config).await.map_err(Into::into)
}

/// Keeps an admin token that works in the state directory, and the context that names it.
async fn ensure_token(
    state: &StateDir,
    store: &Store,
    view: &View,
    api_url: &str,
    context_file: Option<&Path>,
) -> Result<(), Error> {
    let kept = first_token::read_token(state)?;
    let known = kept.as_deref().is_some_and(|token| app::tokens::is_known(view, token));
    if !known {
        let token = app::tokens::bootstrap(store, "local-admin", Role::Admin).await?;
        first_token::write_token(state, &token)?;
    }
    if let Some(file) = context_file {
        first_token::write_context(file, smith_model::context::LOCAL, api_url, state)?;
    }
    Ok(())
}

/// Asks all workers to land, and waits, within bounds, until they are gone.
async fn land(runtime: &dyn Runtime) {
    let running = async {
        let workers = runtime.list().await.unwrap_or_default();
        let running = |w: &WorkerReport| w.phase == WorkerPhase::Running;
        workers.into_iter().filter(running).map(|w| w.labels.name).collect::<Vec<_>>()
    };
    let names = running.await;
    if names.is_empty() {
        return;
    }
    tracing::info!(workers = names.len(), "workers land");
    for name in &names {
        if let Err(error) = runtime.stop(name, Stop::Land).await {
            tracing::warn!(%name, error = %telemetry::chain(&error), "can't ask a worker to land");
        }
    }
    let gone = async {
        for name in &names {
            // The runtime's one event receiver is the core's, which has ended: this asks.
            while let Ok(Some(WorkerReport { phase: WorkerPhase::Running, .. })) =
                runtime.observe(name).await
            {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    };
    if tokio::time::timeout(LANDING, gone).await.is_err() {
        tracing::warn!("workers that did not land in {LANDING:?} are left to be adopted");
    }
}
