//! Runtimes without processes, so that what is measured is the server alone.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

use futures::future::BoxFuture;
use smith_model::attempt::Exit;
use smith_model::failure::FailureClass;
use smith_model::handoff::HandoffDraft;
use smith_model::id::LoopId;
use smith_model::state::Failure;
use smith_model::worker::{Bearer, ClaimRequest, FinishRequest, Launch, Outcome, PROTOCOLS};
use smith_server::app::App;
use smith_server::runtime::{
    Duplex, Error, NoTerminal, Runtime, Stop, WorkerLabels, WorkerPhase, WorkerReport,
};
use tokio::sync::{mpsc, watch};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

/// What workers of [`Noop`] do.
pub enum Work {
    /// Nothing: whoever finds the launch may be the worker.
    Wait,
    /// Claim, finish as failed for good, end.
    Fail(OnceLock<Box<App>>),
}

/// A runtime whose workers are no processes.
pub struct Noop {
    work: Work,
    workers: Mutex<HashMap<String, (WorkerReport, Launch)>>,
    launched: watch::Sender<usize>,
    removed: watch::Sender<usize>,
    tasks: TaskTracker,
    events: (mpsc::Sender<LoopId>, Mutex<Option<mpsc::Receiver<LoopId>>>),
}

/// As the local runtime's: it wakes the core, which looks for itself.
const EVENTS: usize = 1024;

impl Noop {
    /// With nothing in it.
    pub fn new(work: Work) -> Arc<Self> {
        let (tx, rx) = mpsc::channel(EVENTS);
        Arc::new(Self {
            work,
            workers: Mutex::default(),
            launched: watch::Sender::new(0),
            removed: watch::Sender::new(0),
            tasks: TaskTracker::new(),
            events: (tx, Mutex::new(Some(rx))),
        })
    }

    /// The API that failing workers speak to.
    pub fn speak_to(&self, app: Box<App>) {
        if let Work::Fail(slot) = &self.work {
            let _ = slot.set(app);
        }
    }

    /// How many workers the core had created.
    pub fn launched(&self) -> watch::Receiver<usize> {
        self.launched.subscribe()
    }

    /// How many workers the core had removed.
    pub fn removed(&self) -> watch::Receiver<usize> {
        self.removed.subscribe()
    }

    /// What workers were launched with.
    pub fn launches(&self) -> Vec<Launch> {
        self.lock().values().map(|(_, launch)| launch.clone()).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, (WorkerReport, Launch)>> {
        self.workers.lock().unwrap_or_else(|e| e.into_inner())
    }
}

/// A session secret, and the credential that bears it, of whoever was launched so.
pub fn session(launch: &Launch) -> Option<(Bearer, Bearer)> {
    let claim: Bearer = launch.claim_token.parse().ok()?;
    let secret = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    let session = Bearer { secret, ..claim.clone() };
    Some((claim, session))
}

async fn fail(app: &App, launch: &Launch) -> Option<()> {
    let (claim, session) = session(launch)?;
    let request = ClaimRequest { protocols: PROTOCOLS.to_vec(), session: session.secret.clone() };
    app.claim(&claim, &request).await.ok()?;
    let message = "it does nothing but to be measured".into();
    let failure = Failure { class: FailureClass::AgentFailed, message };
    let request = FinishRequest {
        outcome: Outcome::Failed(failure),
        handoff: HandoffDraft::default(),
        processes_gone: true,
    };
    app.finish(&session, &request).await.ok()?;
    Some(())
}

/// A runtime as a core takes it.
pub struct Shared(pub Arc<Noop>);

impl Runtime for Shared {
    fn id(&self) -> &str {
        "bench"
    }

    fn create(&self, labels: WorkerLabels, launch: Launch) -> BoxFuture<'_, Result<(), Error>> {
        let name = labels.name.clone();
        let loop_id = labels.loop_id.clone();
        let report = WorkerReport { labels, phase: WorkerPhase::Running };
        let known = self.0.lock().insert(name.clone(), (report, launch.clone())).is_some();
        if !known {
            self.0.launched.send_modify(|launched| *launched += 1);
        }
        let this = self.0.clone();
        if !known && matches!(this.work, Work::Fail(_)) {
            self.0.tasks.spawn(async move {
                if let Work::Fail(app) = &this.work
                    && let Some(app) = app.get()
                    && fail(app, &launch).await.is_none()
                {
                    eprintln!("a worker could not do its part: {loop_id}");
                }
                if let Some((report, _)) = this.lock().get_mut(&name) {
                    let exit = Exit::Code(0);
                    report.phase = WorkerPhase::Exited { exit, tail: vec![] };
                }
                // The core has ended where nobody listens.
                let _ = this.events.0.send(loop_id).await;
            });
        }
        Box::pin(async { Ok(()) })
    }

    fn observe(&self, name: &str) -> BoxFuture<'_, Result<Option<WorkerReport>, Error>> {
        let found = self.0.lock().get(name).map(|(report, _)| report.clone());
        Box::pin(async { Ok(found) })
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<WorkerReport>, Error>> {
        let all = self.0.lock().values().map(|(report, _)| report.clone()).collect();
        Box::pin(async { Ok(all) })
    }

    fn stop(&self, _: &str, _: Stop) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }

    fn terminal(&self, name: &str) -> BoxFuture<'_, Result<Box<dyn Duplex>, NoTerminal>> {
        let name = name.to_owned();
        Box::pin(async { Err(NoTerminal::NotYet { name }) })
    }

    fn remove(&self, name: &str) -> BoxFuture<'_, Result<(), Error>> {
        if self.0.lock().remove(name).is_some() {
            self.0.removed.send_modify(|removed| *removed += 1);
        }
        Box::pin(async { Ok(()) })
    }

    fn events(&self) -> mpsc::Receiver<LoopId> {
        let mut slot = self.0.events.1.lock().unwrap_or_else(|e| e.into_inner());
        slot.take().unwrap_or_else(|| mpsc::channel(1).1)
    }
}
