//! One start, as the replica holds it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::net::unix::pipe;
use tokio::sync::watch;

use super::Signal;
use super::handle::{Error, Shared};
use super::wire::{Exit, Report, Request, Scope};

/// Beyond a grace: what the host itself bounds its killing with, and more.
const END_MARGIN: Duration = Duration::from_secs(20);
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// A process that a host runs, with everything that comes of it.
///
/// Dropped without [`Self::end`] or [`Self::sweep`], all of it is killed.
#[derive(Debug)]
pub struct Process {
    pub(super) pid: u32,
    pub(super) exit: watch::Receiver<Option<Exit>>,
    pub(super) ticket: Ticket,
}

/// The pipes of a process, apart.
#[derive(Debug)]
pub struct Piped {
    /// Standard output.
    pub stdout: pipe::Receiver,
    /// Standard error.
    pub stderr: pipe::Receiver,
    /// Standard input, when it was asked for. Dropping it is its end of file.
    pub stdin: Option<pipe::Sender>,
}

/// How the processes of a start were ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndReport {
    /// How the process that was started ended; `None` when it can't be killed.
    pub exit: Option<Exit>,
    /// How many got SIGTERM.
    pub asked: u32,
    /// How many had to be killed.
    pub killed: u32,
    /// How many are left because they can't be killed.
    pub remaining: u32,
}

/// What is alive of a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Living processes.
    pub alive: u32,
    /// Those of them that are stopped (by SIGSTOP, or a debugger).
    pub stopped: u32,
    /// CPU time of all so far; zero when nothing is left.
    pub cpu: Duration,
}

impl Process {
    /// Its process id in the host's own PID namespace: for people, not for signals.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits until the process that was started has ended; what it left may go on.
    pub async fn wait(&self) -> Result<Exit, Error> {
        let exit = self.exit.clone().wait_for(Option::is_some).await.ok().and_then(|exit| *exit);
        match exit {
            Some(exit) => Ok(exit),
            None => Err(self.ticket.shared.lost_error().await),
        }
    }

    /// Sends a signal; to how many processes.
    pub async fn signal(&self, signal: Signal, scope: Scope) -> Result<u32, Error> {
        let id = self.ticket.id;
        let signal = signal.as_raw();
        let request = |call| Request::Signal { call, id, signal, scope };
        match self.ticket.shared.call(CALL_TIMEOUT, request).await? {
            Report::Signalled { processes, .. } => Ok(processes),
            _ => Err(self.ticket.shared.wrong_answer().await),
        }
    }

    /// What is alive of it.
    pub async fn stat(&self) -> Result<Stat, Error> {
        let id = self.ticket.id;
        match self.ticket.shared.call(CALL_TIMEOUT, |call| Request::Stat { call, id }).await? {
            Report::Stat { alive, stopped, cpu_ms, .. } => {
                Ok(Stat { alive, stopped, cpu: Duration::from_millis(cpu_ms) })
            }
            _ => Err(self.ticket.shared.wrong_answer().await),
        }
    }

    /// Ends all of it: SIGTERM, `grace`, SIGKILL. Also what has gone into another session, or was
    /// left by a process that has ended.
    pub async fn end(&self, grace: Duration) -> Result<EndReport, Error> {
        let id = self.ticket.id;
        let grace_ms = u64::try_from(grace.as_millis()).unwrap_or(u64::MAX);
        let request = |call| Request::End { call, id, grace_ms };
        match self.ticket.shared.call(grace.saturating_add(END_MARGIN), request).await? {
            Report::Swept { asked, killed, remaining, .. } => {
                if remaining == 0 {
                    self.ticket.settle();
                }
                Ok(EndReport { exit: *self.exit.borrow(), asked, killed, remaining })
            }
            _ => Err(self.ticket.shared.wrong_answer().await),
        }
    }

    /// Kills what is left of it; after its end, that is what it left running.
    pub async fn sweep(&self) -> Result<EndReport, Error> {
        self.end(Duration::ZERO).await
    }
}

/// A start that is not known to be over; dropped, it is ended.
#[derive(Debug)]
pub(super) struct Ticket {
    pub(super) id: u64,
    pub(super) shared: Arc<Shared>,
    settled: AtomicBool,
}

impl Ticket {
    pub(super) fn new(id: u64, shared: Arc<Shared>) -> Self {
        Self { id, shared, settled: AtomicBool::new(false) }
    }

    pub(super) fn settle(&self) {
        self.settled.store(true, Ordering::Relaxed);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.shared.forget(self.id);
        if !self.settled.load(Ordering::Relaxed) {
            self.shared.end_unasked(self.id);
        }
    }
}
