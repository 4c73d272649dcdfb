//! What each server process is made of: tasks that must not end by themselves, and signals that end it in order.
//!
//! Knows no room.

use std::future::Future;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::Error;

/// Open files that are asked for: each stream and each worker takes one or two, and 1,024 (what most systems begin with)
/// is less than a thousand streams need. Not the hard limit, which can be a billion: programs that close every
/// possible file before they start another inherit it.
const OPEN_FILES: u64 = 65_536;

/// What every server process does first.
pub(crate) fn begin() -> Result<Signals, Error> {
    let signals = Signals::register()?;
    raise_open_files();
    Ok(signals)
}

/// Raises the limit of open files as far as it may be raised, up to [`OPEN_FILES`].
fn raise_open_files() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = maximum.map_or(OPEN_FILES, |most| most.min(OPEN_FILES));
    if current.is_some_and(|now| now < wanted)
        && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum })
    {
        tracing::warn!(%error, wanted, "the limit of open files can't be raised");
    }
}

/// SIGTERM and SIGINT. Registered before anything else is done: a process that is asked to stop while it starts would
/// otherwise die of the signal, as if it had failed.
#[derive(Debug)]
pub(crate) struct Signals {
    term: Signal,
    int: Signal,
}

impl Signals {
    fn register() -> Result<Self, Error> {
        let register = |kind| signal(kind).map_err(Error::Signals);
        Ok(Self {
            term: register(SignalKind::terminate())?,
            int: register(SignalKind::interrupt())?,
        })
    }

    /// The next of them. Cancel-safe.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.term.recv() => {}
            _ = self.int.recv() => {}
        }
    }

    /// What `start` comes to; `None`: a signal came first, and what had begun is dropped.
    pub(crate) async fn unless<T, E>(
        &mut self,
        start: impl Future<Output = Result<T, E>>,
    ) -> Result<Option<T>, E> {
        tokio::select! {
            // The signal first: it is never overlooked because the start was as quick.
            biased;
            () = self.next() => {
                tracing::info!("asked to stop before everything had started");
                Ok(None)
            }
            started = start => started.map(Some),
        }
    }
}

/// The tasks of a process. One that ends before the shutdown ends the process.
pub(crate) struct Tasks {
    set: JoinSet<Result<(), Error>>,
}

impl Tasks {
    pub(crate) fn new() -> Self {
        Self { set: JoinSet::new() }
    }

    pub(crate) fn spawn<E: Into<Error>>(
        &mut self,
        part: &'static str,
        shutdown: &CancellationToken,
        task: impl Future<Output = Result<(), E>> + Send + 'static,
    ) {
        let shutdown = shutdown.clone();
        self.set.spawn(async move {
            match task.await {
                Err(error) => Err(error.into()),
                Ok(()) if shutdown.is_cancelled() => Ok(()),
                Ok(()) => Err(Error::Ended { part, why: "unexpectedly".into() }),
            }
        });
    }

    /// The first end of a task; for ever while all go on.
    pub(crate) async fn first_end(&mut self) -> Result<(), Error> {
        match self.set.join_next().await {
            None => std::future::pending().await,
            Some(Ok(ended)) => ended,
            Some(Err(panic)) => {
                Err(Error::Ended { part: "a task", why: format!("it panicked: {panic}") })
            }
        }
    }

    /// Waits for the rest, within bounds.
    pub(crate) async fn drain(mut self, most: Duration) {
        let all = async { while self.set.join_next().await.is_some() {} };
        if tokio::time::timeout(most, all).await.is_err() {
            tracing::warn!("parts that did not end in {most:?} were cut");
        }
    }
}
