//! The core without processes: how long a backlog of loops takes to run through, and how that grows.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use smith_model::access::{Identity, Role, Scope};
use smith_model::chain::Key;
use smith_model::id::Revision;
use smith_model::policy::PolicyRequest;
use smith_model::redact::Secrets;
use smith_model::spec::{LoopRequest, Rules};
use smith_model::state::State;
use smith_server::app::{App, Caller, Settings};
use smith_server::controller::{Config, Core, fleet, plan};
use smith_server::outbound::artifacts::Artifacts;
use smith_server::store::Store;
use smith_server::store::lease::Candidate;
use smith_server::view::audits::Audits;
use smith_server::view::journals::Journals;
use smith_server::view::{Inbox, View};
use tokio_util::sync::CancellationToken;

use super::runtime::{Noop, Shared, Work};
use super::stage::{ROOT_KEY, Stage};
use super::stats::Rounds;
use super::table::{Row, Section};
use super::{Scale, create};

/// Loops that run at once.
const AT_ONCE: u32 = 64;
/// The longest that a backlog may take.
const MOST: Duration = Duration::from_secs(180);

/// A core as smithd has it, with a runtime of the measurement's own.
pub fn core(store: Store, view: View, noop: Arc<Noop>, at_once: u32) -> Core {
    let config = Config {
        candidate: Candidate { holder: "smith-bench".into(), seat: None },
        leader_ttl: Duration::from_secs(5),
        settings: plan::Settings::default(),
        limits: fleet::Limits::of_fleet(at_once),
        api_url: "http://127.0.0.1:1".into(),
        agent_env: vec![],
        secrets: vec![],
        worker_key: Key::derive(&ROOT_KEY, "worker"),
        terminal_key: Key::derive(&ROOT_KEY, "terminal"),
    };
    Core::new(config, store, view, Arc::new(Shared(noop)))
}

struct Run {
    /// From the core's start to the last worker's removal.
    took: Duration,
    /// Transactions of etcd meanwhile.
    writes: i64,
}

/// One backlog of `n` loops, under a prefix of its own.
async fn run(stage: &Stage, etcd: &super::stage::Etcd, prefix: &str, n: usize) -> Result<Run> {
    let shutdown = CancellationToken::new();
    let store = etcd.store(prefix).await?;
    let (view, feeding) = View::start(store.clone(), shutdown.clone()).await?;
    let (journals, following) = Journals::start(store.clone(), shutdown.clone());
    let (audits, auditing) = Audits::start(store.clone(), view.generation(), shutdown.clone());
    let feeding = tokio::spawn(async { drop(feeding.await) });
    let (inbox, watching) = Inbox::start(view.clone(), shutdown.clone());
    let tasks = [feeding, tokio::spawn(following), tokio::spawn(auditing), tokio::spawn(watching)];
    let artifacts = Artifacts::in_directory(&stage.dir().join("artifacts"))?;
    let limits = fleet::Limits::of_fleet(AT_ONCE);
    let secrets = Secrets::new::<&str>([]);
    let settings =
        Settings { rules: Rules::default(), worker_ttl: Duration::from_secs(30), limits, secrets };
    let followed = (journals, audits, inbox);
    let app = App::new(store.clone(), view.clone(), followed, artifacts, &ROOT_KEY, settings);
    let identity = Identity {
        token_id: "aaaaaaaaaaaa".parse()?,
        name: "smith-bench".into(),
        role: Role::Admin,
        scope: Scope::All,
        expires_at: None,
    };
    let caller = Caller { identity, request_id: None };
    let creating = stream::iter(0..n as u64).map(|i| {
        let (app, caller) = (&app, &caller);
        async move {
            let mut request: LoopRequest = serde_json::from_value(create::request(i))?;
            request.policy = Some(PolicyRequest { attempts: Some(1), ..PolicyRequest::default() });
            app.create(caller, request, None).await.map_err(|e| anyhow::anyhow!("{e:?}"))?;
            anyhow::Ok(())
        }
    });
    creating.buffer_unordered(64).try_collect::<Vec<()>>().await?;
    let created = Revision(store.revision().await?);
    view.wait_for(created, MOST).await.context("the view doesn't catch up")?;
    anyhow::ensure!(view.len() == n, "{} of {n} loops are in the view", view.len());

    let noop = Noop::new(Work::Fail(OnceLock::new()));
    noop.speak_to(Box::new(app));
    let before = view.revision().0;
    let core = core(store, view.clone(), noop.clone(), AT_ONCE);
    let leading = tokio::spawn(core.run(shutdown.clone()));
    let (begun, mut removed) = (Instant::now(), noop.removed());
    let all = tokio::time::timeout(MOST, removed.wait_for(|removed| *removed == n)).await;
    let took = begun.elapsed();
    let missing = || format!("{} of {n} loops ran through", *noop.removed().borrow());
    all.with_context(missing)??;
    let writes = view.revision().0 - before;
    let states: BTreeSet<State> =
        view.counts().into_iter().filter(|(_, count)| *count > 0).map(|(state, _)| state).collect();
    anyhow::ensure!(states == BTreeSet::from([State::Flatline]), "loops ended as {states:?}");
    shutdown.cancel();
    leading.await??;
    for task in tasks {
        task.await?;
    }
    Ok(Run { took, writes })
}

/// Measures it.
pub async fn measure(stage: &Stage, scale: &Scale) -> Result<Section> {
    let etcd = stage.etcd("etcd-core").await?;
    let mut rows = vec![];
    let (few, many) = scale.backlogs;
    let mut a_loop = vec![];
    for (n, rounds) in [(few, scale.rounds), (many, 1)] {
        let mut runs = vec![];
        for round in 0..rounds {
            runs.push(run(stage, &etcd, &format!("/bench-core-{n}-{round}"), n).await?);
        }
        let each = Rounds::new(runs.iter().map(|r| r.took.as_secs_f64() * 1e3 / n as f64));
        a_loop.push(each.median());
        let growth = a_loop[a_loop.len() - 1] / a_loop[0];
        let writes = runs[0].writes as f64 / n as f64;
        rows.push(Row::new(
            format!("{n} loops"),
            "",
            format!("{:.2} s", Rounds::new(runs.iter().map(|r| r.took.as_secs_f64()))),
            format!("{each:.2} ms a loop; {growth:.2} times the first row's; {writes:.1} revisions a loop"),
        ));
    }
    etcd.stop().await?;
    Ok(Section {
        title: "Core without processes",
        how: format!(
            "A backlog of loops, {AT_ONCE} at once, in a process with store, view, API use cases and core as in smithd. A worker is no process: its runtime claims and finishes for it, as failed for good. \
             From the core's start: leadership, reading the backlog, then for each loop admission, creation of the worker, its claim and finish, and its removal."
        ),
        peer: "",
        rows,
        notes: vec![],
    })
}
