//! The worker's standing with the server: the claim, the lease, and what the server wants.
//!
//! One task beats and counts the lease, one listens for directives. What they find is a level that
//! others watch: [`Standing`] and the newest [`Directive`].

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::StreamExt;
use smith_model::worker::{ClaimAnswer, Directive, HeartbeatRequest, Progress};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::api::{Api, Error as ApiError};
use crate::clock::{Moment, sleep_until};
use crate::lease::Lease;

/// Does the attempt belong to this worker?
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Yes.
    Held,
    /// Not as far as can be known: nothing may go on until it is claimed again.
    Lost,
    /// No, for good: change nothing any more.
    Fenced(String),
    /// Nobody can be asked any more, for too long.
    Away(String),
}

/// Progress is told at most so often.
const PROGRESS: Duration = Duration::from_secs(1);
/// The first and the longest wait between tries while the API is away.
const RETRY: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

/// Claims the attempt, trying again while the API is away, for at most `patience`. Also answers when
/// the call was sent that took the lease.
pub async fn claim(api: &dyn Api, patience: Duration) -> Result<(ClaimAnswer, Moment), ApiError> {
    let begun = Moment::now();
    let mut wait = RETRY.0;
    loop {
        let sent = Moment::now();
        let error = match api.claim().await {
            Ok(answer) => return Ok((answer, sent)),
            Err(error @ (ApiError::Unreachable(_) | ApiError::LockLost)) => error,
            Err(error) => return Err(error),
        };
        if Moment::now().since(begun) + wait > patience {
            return Err(error);
        }
        tracing::warn!(%error, "can't claim yet");
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(RETRY.1);
    }
}

/// What the rest of the worker holds of the session.
#[derive(Clone, Debug)]
pub struct Session {
    standing: watch::Receiver<Standing>,
    directive: watch::Receiver<Directive>,
    progress: watch::Sender<Progress>,
    ask: Arc<Notify>,
}

/// The tasks of a session; [`Keeper::run`] it.
pub struct Keeper {
    api: Arc<dyn Api>,
    lease: Lease,
    /// The last moment at which the server answered.
    heard: Moment,
    patience: Duration,
    standing: watch::Sender<Standing>,
    directive: watch::Sender<Directive>,
    progress: watch::Receiver<Progress>,
    /// Counts directives that came by the stream: a heartbeat's answer is older than those that came
    /// while it was on its way.
    streamed: Arc<AtomicU64>,
    ask: Arc<Notify>,
}

/// Sets up the session of a claim whose call was sent at `sent`. Without any answer for `patience`
/// the standing becomes [`Standing::Away`].
pub fn open(
    api: Arc<dyn Api>,
    claim: &ClaimAnswer,
    sent: Moment,
    patience: Duration,
    progress: Progress,
) -> (Session, Keeper) {
    let (standing_tx, standing) = watch::channel(Standing::Held);
    let (directive_tx, directive) = watch::channel(claim.directive.clone());
    let (progress_tx, progress) = watch::channel(progress);
    let ask = Arc::new(Notify::new());
    let keeper = Keeper {
        api,
        lease: Lease::new(Duration::from_millis(claim.ttl_millis.max(1)), sent),
        heard: Moment::now(),
        patience,
        standing: standing_tx,
        directive: directive_tx,
        progress,
        streamed: Arc::default(),
        ask: Arc::clone(&ask),
    };
    (Session { standing, directive, progress: progress_tx, ask }, keeper)
}

impl Session {
    /// The standing, to be watched.
    pub fn standing(&self) -> watch::Receiver<Standing> {
        self.standing.clone()
    }

    /// The newest directive, to be watched.
    pub fn directive(&self) -> watch::Receiver<Directive> {
        self.directive.clone()
    }

    /// Another call was told something about the standing: a heartbeat finds out what holds.
    pub fn ask_now(&self) {
        self.ask.notify_one();
    }

    /// Changes what the server is told of the progress.
    pub fn report(&self, change: impl FnOnce(&mut Progress)) {
        self.progress.send_if_modified(|progress| {
            let before = progress.clone();
            change(progress);
            *progress != before
        });
    }

    /// What the server is told.
    pub fn progress(&self) -> Progress {
        self.progress.borrow().clone()
    }
}

enum Beat {
    Go,
    Stop,
}

impl Keeper {
    /// Keeps the lease until `stop`, or until the standing can't change any more.
    pub async fn run(mut self, stop: CancellationToken) {
        let api = Arc::clone(&self.api);
        let listen = listen(api, self.directive.clone(), Arc::clone(&self.streamed));
        tokio::select! { biased;
            () = stop.cancelled() => {}
            () = self.beat() => {}
            () = listen => {}
        }
    }

    async fn beat(&mut self) {
        let mut told: Option<Progress> = None;
        let mut told_at = Moment::now();
        let mut wait = RETRY.0;
        let mut due = self.lease.beat();
        loop {
            self.until_due(due, told_at).await;
            let progress = self.progress.borrow_and_update().clone();
            let news = (told.as_ref() != Some(&progress)).then(|| progress.clone());
            let sent = Moment::now();
            let streamed = self.streamed.load(Ordering::SeqCst);
            let call = self.api.heartbeat(HeartbeatRequest { progress: news });
            let answer = self.answered(self.lease.patience(), call).await;
            told_at = Moment::now();
            match answer {
                Ok(answer) => {
                    self.renewed(sent);
                    told = Some(progress);
                    if self.streamed.load(Ordering::SeqCst) == streamed {
                        set(&self.directive, answer.directive);
                    }
                    wait = RETRY.0;
                    due = self.lease.beat();
                }
                Err(error) => {
                    if let Beat::Stop = self.failed(error).await {
                        return;
                    }
                    // Tries are counted from now; what is due by the lease may be long past.
                    due = Moment::now().plus(wait.min(self.lease.patience()));
                    wait = (wait * 2).min(RETRY.1);
                }
            }
        }
    }

    /// Waits until a heartbeat is due, or there is progress to tell and the last was long enough ago;
    /// notices when the lease is over meanwhile.
    async fn until_due(&mut self, due: Moment, told_at: Moment) {
        let ends = self.lease.ends();
        let held = *self.standing.borrow() == Standing::Held;
        let news = async {
            if self.progress.changed().await.is_err() {
                // The worker is ending; what it last said was told.
                std::future::pending::<()>().await;
            }
            sleep_until(told_at.plus(PROGRESS)).await;
        };
        tokio::select! { biased;
            () = sleep_until(ends), if held => self.lost(),
            () = sleep_until(due) => {}
            () = self.ask.notified() => {}
            () = news, if held => {}
        }
    }

    /// Waits for an answer, for at most `patience`, and notices when the lease is over meanwhile.
    async fn answered<T>(
        &self,
        patience: Duration,
        call: impl Future<Output = Result<T, ApiError>>,
    ) -> Result<T, ApiError> {
        let ends = self.lease.ends();
        let mut held = *self.standing.borrow() == Standing::Held;
        let call = tokio::time::timeout(patience, call);
        tokio::pin!(call);
        loop {
            tokio::select! { biased;
                answer = &mut call => {
                    let late = || ApiError::Unreachable(format!("no answer within {patience:?}"));
                    return answer.unwrap_or_else(|_| Err(late()));
                }
                () = sleep_until(ends), if held => {
                    self.lost();
                    held = false;
                }
            }
        }
    }

    fn lost(&self) {
        tracing::warn!("the lease is over: the work pauses until it is claimed again");
        self.standing.send_replace(Standing::Lost);
    }

    fn renewed(&mut self, sent: Moment) {
        self.lease.renew(sent);
        self.heard = Moment::now();
        if !self.lease.over(Moment::now()) && *self.standing.borrow() != Standing::Held {
            tracing::info!("the lease is held again");
            self.standing.send_replace(Standing::Held);
        }
    }

    async fn failed(&mut self, error: ApiError) -> Beat {
        let error = match error {
            ApiError::LockLost => {
                if *self.standing.borrow() == Standing::Held {
                    self.lost();
                }
                let sent = Moment::now();
                match self.answered(self.lease.patience(), self.api.claim()).await {
                    Ok(_) => {
                        self.renewed(sent);
                        return Beat::Go;
                    }
                    Err(error) => error,
                }
            }
            error => error,
        };
        match error {
            ApiError::Fenced(why) | ApiError::Claimed(why) => {
                self.standing.send_replace(Standing::Fenced(why));
                return Beat::Stop;
            }
            // A credential that was good and isn't: somebody else decides about this attempt.
            ApiError::Refused(problem) if matches!(problem.status, 401 | 403 | 404 | 410) => {
                self.standing.send_replace(Standing::Fenced(problem.detail));
                return Beat::Stop;
            }
            ApiError::LockLost => self.heard = Moment::now(),
            error => tracing::warn!(%error, "no heartbeat"),
        }
        let silent = Moment::now().since(self.heard);
        if silent >= self.patience {
            let why = format!("the API was away for {} s", silent.as_secs());
            self.standing.send_replace(Standing::Away(why));
            return Beat::Stop;
        }
        Beat::Go
    }
}

/// Hands on what the stream says. Ends never: a stream that ended is opened again.
async fn listen(api: Arc<dyn Api>, directive: watch::Sender<Directive>, streamed: Arc<AtomicU64>) {
    let mut wait = RETRY.0;
    loop {
        match api.directives().await {
            Ok(mut stream) => {
                while let Some(found) = stream.next().await {
                    wait = RETRY.0;
                    streamed.fetch_add(1, Ordering::SeqCst);
                    set(&directive, found);
                }
            }
            Err(error) => tracing::debug!(%error, "no stream of directives"),
        }
        // Heartbeats bring them too, meanwhile.
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(RETRY.1);
    }
}

fn set(directive: &watch::Sender<Directive>, found: Directive) {
    directive.send_if_modified(|now| {
        let changed = *now != found;
        *now = found;
        changed
    });
}

#[cfg(test)]
mod tests;
