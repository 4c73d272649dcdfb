//! One attempt from claim to finish. Every end goes through `end`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use smith_failpoint as failpoint;
use smith_model::failure::FailureClass;
use smith_model::handoff::{GitSnapshot, HandoffDraft};
use smith_model::id::AttemptNo;
use smith_model::journal::{Draft, Level, Payload, Phase};
use smith_model::redact::Secrets;
use smith_model::state::{Failure, StoryCounts};
use smith_model::story::{DiffStat, PrdSource, Usage};
use smith_model::terminal::ticket;
use smith_model::worker::{
    ClaimAnswer, EvidenceItem, FinishAnswer, FinishRequest, Launch, Outcome, Progress, WorkerPhase,
};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::agent;
use crate::api::{Api, Error as ApiError};
use crate::checkout::checkout;
use crate::clock::{Pause, WorkClock};
use crate::handoff;
use crate::host::{Error as HostError, Gone, Hidden, Host, Local};
use crate::iterate::Attempt;
use crate::notes::Notes;
use crate::orders;
use crate::outbox;
use crate::publish::{publish, tidy};
use crate::session::{self, Standing};
use crate::stories::{self, Next, Stories};
use crate::terminals::{self, Terminals};
use crate::worker::{Places, Stop, Worker, chain, commit_id};

/// What an attempt needs from the process that it runs in.
pub struct Setting {
    /// The server.
    pub api: Arc<dyn Api>,
    /// The loop's uid, the environment for agents, and secrets.
    pub launch: Launch,
    /// More values that must not appear anywhere, such as the session's secret.
    pub secrets: Vec<String>,
    /// The worker's directory.
    pub dir: PathBuf,
    /// How to launch a host.
    pub host: Local,
    /// How many times the process was told to stop.
    pub terms: watch::Receiver<u32>,
    /// Without any answer of the API for so long everything is ended.
    pub patience: Duration,
}

/// How an attempt ended, as far as this worker knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The server took its end.
    Finished(FinishAnswer),
    /// It isn't this worker's any more; nothing was changed.
    Abandoned(String),
}

/// Why there was no attempt at all.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The attempt could not be claimed.
    #[error("cannot claim the attempt")]
    Claim(#[source] ApiError),
    /// It was told to stop before it had begun.
    #[error("told to stop before the attempt was claimed")]
    Stopped,
    /// The worker's directory can't be used.
    #[error("cannot prepare {}", path.display())]
    Directory {
        /// Which directory.
        path: PathBuf,
        /// What the kernel said.
        #[source]
        source: std::io::Error,
    },
    /// The outbox can't be used.
    #[error(transparent)]
    Outbox(#[from] outbox::Error),
}

/// How long processes have at an orderly end, between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(5);
/// The same after a cancel.
const CANCEL_GRACE: Duration = Duration::from_secs(1);
/// The longest that saving work in progress may take.
const LANDING: Duration = Duration::from_secs(30);
/// How often processes are stopped again while there is no lease: one may have been started just then.
const STOP_AGAIN: Duration = Duration::from_millis(500);

/// Runs one attempt.
pub async fn run(setting: Setting) -> Result<Ended, Error> {
    let Setting { api, launch, secrets, dir, host, mut terms, patience } = setting;
    let (claim, sent) = tokio::select! { biased;
        _ = terms.wait_for(|n| *n > 0) => return Err(Error::Stopped),
        claimed = session::claim(&*api, patience) => claimed.map_err(Error::Claim)?,
    };
    let _ = failpoint::hit!("replica.claim.after");
    let clock = WorkClock::start();
    let places = Places::below(&dir);
    for path in [&places.workspace, &places.git, &places.captures] {
        std::fs::create_dir_all(path)
            .map_err(|source| Error::Directory { path: path.clone(), source })?;
    }
    let (outbox, sender) = outbox::open(&places.outbox, claim.accepted)?;
    let progress = first_progress(claim.no);
    let (session, keeper) = session::open(Arc::clone(&api), &claim, sent, patience, progress);
    let stop = CancellationToken::new();
    let (orders, merging) =
        orders::merge(session.directive(), session.standing(), terms, stop.clone());
    let mut tasks = JoinSet::new();
    tasks.spawn(keeper.run(stop.clone()));
    tasks.spawn(merging);
    let sending = sender.run(Arc::clone(&api), stop.clone());
    let told = session.clone();
    tasks.spawn(async move {
        if let Err(error) = sending.await {
            tracing::error!(error = crate::worker::chain(&error), "the outbox stopped");
            // If it is because the attempt is over for this worker, a heartbeat says so too.
            told.ask_now();
        }
    });
    let own = [&launch.claim_token, &launch.terminal_key];
    let secrets = known(launch.secrets.iter().chain(own).chain(&secrets));
    let _ = failpoint::hit!("replica.host.before");
    let ended = match Host::spawn_local(&host).await {
        Ok(host) => {
            let _ = failpoint::hit!("replica.host.after");
            let host = Arc::new(host);
            tasks.spawn(guard(session.standing(), Arc::clone(&host), clock.clone()));
            let setting = terminals::Setting {
                host: Arc::clone(&host),
                dir,
                captures: places.captures.clone(),
                secrets: secrets.clone(),
                env: agent::surroundings(&launch.agent_env),
                key: ticket::key(&launch.terminal_key),
                loop_id: claim.spec.loop_id.clone(),
                no: claim.no,
            };
            let (terminals, serving) = Terminals::open(setting);
            tasks.spawn(serving);
            let worker = Worker {
                api,
                session,
                outbox,
                orders,
                clock,
                host,
                terminals,
                secrets,
                env: launch.agent_env,
                spec: claim.spec.clone(),
                uid: launch.uid,
                no: claim.no,
                places,
            };
            work(&worker, &claim).await
        }
        Err(error) => {
            let failure = not_started(&error);
            let request = FinishRequest {
                outcome: Outcome::Failed(failure.clone()),
                handoff: handoff::draft(&nothing_known(&failure.message)),
                processes_gone: true,
            };
            let words = format!("the host can't be started: {}", failure.message);
            let entry = Draft::info(Phase::Startup, words).at(Level::Error);
            outbox.push(vec![EvidenceItem::Journal(entry)])?;
            let _ = outbox.flushed().await;
            match insist_on_finish(&*api, &orders, &request).await {
                Ok(answer) => Ended::Finished(answer),
                Err(error) => Ended::Abandoned(error.to_string()),
            }
        }
    };
    stop.cancel();
    tasks.shutdown().await;
    Ok(ended)
}

/// A host that came up and vanished is lost, as it would be a moment later; one that can't come up is its machine's failure.
fn not_started(error: &HostError) -> Failure {
    let class = match error {
        HostError::EndedEarly(_) | HostError::NotAHost(_) | HostError::Lost(_) => {
            FailureClass::HostLost
        }
        HostError::Socket { .. }
        | HostError::Listen { .. }
        | HostError::Launch { .. }
        | HostError::NoHost(_)
        | HostError::Version { .. }
        | HostError::Refused(_)
        | HostError::Descriptors(_) => FailureClass::EnvironmentFailed,
    };
    Failure { class, message: chain(error) }
}

/// What to look for: a terminal ends lines in another way than the value does.
fn known<'a>(values: impl Iterator<Item = &'a String>) -> Secrets {
    let forms = values.flat_map(|value| [value.clone(), value.replace('\n', "\r\n")]);
    Secrets::new(forms)
}

fn first_progress(no: AttemptNo) -> Progress {
    Progress {
        no,
        phase: WorkerPhase::Starting,
        iteration: 0,
        story: None,
        stories_done: 0,
        stories_total: 0,
        usage: Usage::default(),
        suspect: false,
        suspect_since: None,
    }
}

/// Without a lease every process stands still, and so does the work's clock.
async fn guard(mut standing: watch::Receiver<Standing>, host: Arc<Host>, clock: WorkClock) {
    let mut paused: Option<Pause> = None;
    loop {
        let now = standing.borrow_and_update().clone();
        match now {
            // A host that is gone is noticed by whoever waits for its processes.
            Standing::Held => {
                if paused.take().is_some() {
                    let _ = host.resume().await;
                }
            }
            Standing::Lost => {
                paused.get_or_insert_with(|| clock.pause());
                let _ = host.suspend().await;
            }
            // What stands still is ended as it is.
            Standing::Fenced(_) | Standing::Away(_) => std::future::pending().await,
        }
        tokio::select! { biased;
            changed = standing.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(STOP_AGAIN), if now == Standing::Lost => {}
        }
    }
}

/// The attempt, once everything is at hand.
async fn work(worker: &Worker, claim: &ClaimAnswer) -> Ended {
    let mut state: Option<Attempt> = None;
    let stop = steps(worker, claim, &mut state).await.err();
    end(worker, claim, state, stop).await
}

async fn steps(
    worker: &Worker,
    claim: &ClaimAnswer,
    state: &mut Option<Attempt>,
) -> Result<(), Stop> {
    worker.phase(WorkerPhase::Checkout);
    let isolation = worker.host.isolation().map_or("none".to_owned(), |i| i.to_string());
    let hidden = match worker.host.hidden() {
        Hidden::Nothing => String::new(),
        Hidden::Covered => "; Smith's own files are hidden from them".to_owned(),
        Hidden::Refused { why } => format!("; Smith's own files aren't hidden from them: {why}"),
    };
    let words = format!("agent and gates run in a {isolation}{hidden}");
    worker.say(Draft::info(Phase::Startup, words))?;
    let ground = tokio::select! { biased;
        order = worker.orders.halted() => return Err(order.into()),
        ground = checkout(worker, claim) => ground?,
    };
    worker.terminals.checked_out(Arc::clone(&ground.repo));
    let chosen = stories::choose(&worker.spec, ground.prd.clone());
    let (source, why) = (chosen.source, chosen.why.clone());
    let gates_left = source == PrdSource::Repository && !chosen.prd.quality_gates.is_empty();
    let stories = Stories::new(chosen, worker.no.round, claim.stories.as_ref());
    let StoryCounts { done, total } = stories.record().counts();
    worker.session.report(|progress| {
        progress.stories_done = done;
        progress.stories_total = total;
    });
    let payload = Payload::Stories { source, total, done };
    let words = format!("works through {why}; {done} of {total} are done");
    let entry = Draft::info(Phase::Prd, words).with(payload);
    worker.store(vec![
        EvidenceItem::Journal(worker.fit(entry)),
        EvidenceItem::Stories(stories.record().clone()),
    ])?;
    if gates_left {
        let words = "the document's own quality gates don't count: those of the request do";
        worker.say(Draft::info(Phase::Prd, words))?;
    }
    let handoff = claim.handoff.as_ref().map(|h| h.draft.clone());
    let attempt = state.insert(Attempt::new(ground, stories, handoff, claim.iterations));
    let certified = attempt.stories.record().stories.iter().any(|s| s.certificate.is_some());
    if attempt.stories.next() == Next::AllDone && !certified {
        let why =
            "every story is called done already, and nothing was checked: there is nothing to do";
        return Err(Stop::failed(FailureClass::SpecInvalid, why));
    }
    attempt.iterate(worker).await?;
    publish(worker, &attempt.ground, claim).await
}

/// Is the work in the tree worth keeping after this end? Where the work was cut off, it is; where the
/// gates or the agent kept failing on it, the next attempt does better from the last certified commit.
fn keeps_work(class: FailureClass) -> bool {
    match class {
        FailureClass::BudgetExhausted
        | FailureClass::IterationsExhausted
        | FailureClass::TimedOut
        | FailureClass::HostLost
        | FailureClass::Interrupted
        | FailureClass::ProviderUnavailable
        | FailureClass::ProviderUnauthorized => true,
        FailureClass::AgentFailed
        | FailureClass::GatesFailed
        | FailureClass::Stalled
        | FailureClass::Oscillating
        | FailureClass::EnvironmentFailed
        | FailureClass::ImageFailed
        | FailureClass::RepositoryFailed
        | FailureClass::PublishConflict
        | FailureClass::DependencyConflict
        | FailureClass::SpecInvalid
        | FailureClass::WorkerLost => false,
    }
}

/// Ends the attempt: all processes, what is worth keeping, the handoff, the outbox, finish.
async fn end(
    worker: &Worker,
    claim: &ClaimAnswer,
    mut state: Option<Attempt>,
    stop: Option<Stop>,
) -> Ended {
    worker.phase(match &stop {
        Some(Stop::Failed(failure)) if keeps_work(failure.class) => WorkerPhase::Landing,
        _ => WorkerPhase::Finishing,
    });
    let grace = match &stop {
        None | Some(Stop::Failed(_)) => GRACE,
        Some(Stop::Stopped(_)) => CANCEL_GRACE,
        Some(Stop::Abandoned(_)) => Duration::ZERO,
    };
    let loss = worker.host.shutdown(grace).await;
    worker.terminals.close().await;
    if let Some(Stop::Abandoned(why)) = stop {
        tracing::warn!(why, "abandoned");
        return Ended::Abandoned(why);
    }
    if let (Some(Stop::Failed(failure)), Some(attempt)) = (&stop, &mut state)
        && keeps_work(failure.class)
    {
        land(worker, attempt).await;
    }
    if let Some(attempt) = &mut state
        && let Err(stop) = attempt.look_at_terminals(worker).await
    {
        tracing::warn!(%stop, "what came of the terminals isn't kept");
    }
    worker.phase(WorkerPhase::Finishing);
    let request = FinishRequest {
        outcome: match &stop {
            None => Outcome::Done,
            Some(Stop::Failed(failure)) => Outcome::Failed(failure.clone()),
            Some(Stop::Stopped(_) | Stop::Abandoned(_)) => Outcome::Stopped,
        },
        handoff: hand_off(worker, claim, state.as_ref(), stop.as_ref()).await,
        processes_gone: loss.gone == Gone::Verified,
    };
    if let Gone::Unverified { why } = &loss.gone {
        let words = format!("whether every process is gone is unknown: {why}");
        let _ = worker.say(Draft::info(Phase::Completion, words).at(Level::Warn));
    }
    let _ = failpoint::hit!("replica.finish.before");
    let flushed = tokio::select! { biased;
        why = worker.orders.abandoned() => return Ended::Abandoned(why),
        flushed = worker.outbox.flushed() => flushed,
    };
    if let Err(error) = flushed {
        tracing::error!(error = crate::worker::chain(&error), "the outbox isn't empty");
    }
    let answer = match insist_on_finish(&*worker.api, &worker.orders, &request).await {
        Ok(answer) => answer,
        Err(ApiError::Refused(problem)) if request.outcome == Outcome::Done => {
            // The server holds other evidence than this worker: the attempt failed, and says so.
            let stop = Stop::environment(&ApiError::Refused(problem));
            let Stop::Failed(failure) = stop else { unreachable!("an environment fails") };
            let request = FinishRequest { outcome: Outcome::Failed(failure), ..request };
            match insist_on_finish(&*worker.api, &worker.orders, &request).await {
                Ok(answer) => answer,
                Err(error) => return Ended::Abandoned(error.to_string()),
            }
        }
        Err(error) => return Ended::Abandoned(error.to_string()),
    };
    let _ = failpoint::hit!("replica.finish.after");
    if stop.is_none()
        && let Some(attempt) = &state
    {
        tidy(worker, &attempt.ground.repo).await;
    }
    Ended::Finished(answer)
}

/// Calls finish until it is answered, or nothing may be changed any more.
async fn insist_on_finish(
    api: &dyn Api,
    orders: &orders::Orders,
    request: &FinishRequest,
) -> Result<FinishAnswer, ApiError> {
    let mut wait = Duration::from_millis(200);
    loop {
        let answer = tokio::select! { biased;
            why = orders.abandoned() => return Err(ApiError::Fenced(why)),
            answer = api.finish(request.clone()) => answer,
        };
        match answer {
            Err(error @ (ApiError::LockLost | ApiError::Unreachable(_))) => {
                tracing::warn!(%error, "finish isn't answered");
            }
            answer => return answer,
        }
        tokio::select! { biased;
            why = orders.abandoned() => return Err(ApiError::Fenced(why)),
            () = tokio::time::sleep(wait) => {}
        }
        wait = (wait * 2).min(Duration::from_secs(5));
    }
}

/// Saves work in progress, bounded; what fails is said, and the end goes on.
async fn land(worker: &Worker, attempt: &mut Attempt) {
    let (words, level) = match tokio::time::timeout(LANDING, attempt.keep_work(worker)).await {
        Ok(Ok(None)) => return,
        Ok(Ok(Some(kept))) => {
            (format!("kept the unfinished work as {:.12}", kept.commit.as_str()), Level::Info)
        }
        Ok(Err(stop)) => (format!("the unfinished work isn't kept: {stop}"), Level::Warn),
        Err(_) => {
            let words =
                format!("the unfinished work isn't kept: not within {} s", LANDING.as_secs());
            (words, Level::Warn)
        }
    };
    let _ = worker.say(Draft::info(Phase::Completion, words).at(level));
}

async fn hand_off(
    worker: &Worker,
    claim: &ClaimAnswer,
    state: Option<&Attempt>,
    stop: Option<&Stop>,
) -> HandoffDraft {
    let failure = stop.map(Stop::to_string);
    let Some(attempt) = state else {
        let mut draft = handoff::draft(&nothing_known(failure.as_deref().unwrap_or_default()));
        if let Some(before) = &claim.handoff {
            // Nothing was found out: what was known stays known.
            draft = HandoffDraft { next_step: draft.next_step, ..before.draft.clone() };
        }
        return draft;
    };
    let ground = &attempt.ground;
    let stat = match ground.repo.tree_of(&ground.start).await {
        Ok(start) => ground.repo.diff_stat(&start, &ground.head_tree).await.ok(),
        Err(_) => None,
    };
    let stat = stat.map_or(DiffStat::default(), |s| DiffStat {
        files: s.files,
        insertions: s.insertions,
        deletions: s.deletions,
    });
    let failure = failure.map(|text| worker.secrets.redact_text(&text));
    handoff::draft(&handoff::Facts {
        stories: Some(&attempt.stories),
        notes: &attempt.notes,
        git: Some(GitSnapshot {
            branch: ground.branch.to_string(),
            base: Some(commit_id(&ground.start)),
            head: Some(commit_id(&ground.head)),
            stat,
        }),
        gates: &attempt.gates,
        red_tail: &attempt.red_tail,
        interventions: &attempt.interventions,
        iterations: attempt.iterations,
        usage: attempt.usage,
        failure: failure.as_deref(),
    })
}

fn nothing_known(failure: &str) -> handoff::Facts<'_> {
    static NONE: Notes = Notes {
        done: vec![],
        remaining: vec![],
        decisions: vec![],
        uncertain: vec![],
        learnings: vec![],
    };
    handoff::Facts {
        stories: None,
        notes: &NONE,
        git: None,
        gates: &[],
        red_tail: "",
        interventions: &[],
        iterations: 0,
        usage: Usage::default(),
        failure: Some(failure),
    }
}
