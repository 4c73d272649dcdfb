//! The starts of a host: each with its keeper, and what is done to the processes below it.

use std::collections::{HashMap, HashSet};
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use rustix::process::Signal;
use smith_failpoint as failpoint;
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::channel;
use super::guard;
use super::tree::{self, Entry, Pauses, Snapshot, Strike};
use super::wire::{Command, Exit, Io, Keep, KeeperReport, Report, Scope, StartFailure};

/// How long processes are killed again and again before they are called unkillable.
const KILL_BOUND: Duration = Duration::from_secs(10);
/// Looks that a suspension takes at most until nothing runs any more.
const SUSPEND_LOOKS: usize = 50;

/// A report on its way to the replica.
pub(super) struct Outgoing {
    pub(super) report: Report,
    pub(super) fds: Vec<OwnedFd>,
}

/// All starts that have processes.
pub(super) struct Starts {
    workspace: PathBuf,
    outgoing: mpsc::Sender<Outgoing>,
    entries: Mutex<HashMap<u64, Arc<Start>>>,
}

/// One start, as long as it has processes.
struct Start {
    keeper: i32,
    leader: Mutex<Option<i32>>,
    /// Cancelled when the kernel says that nothing is left.
    over: CancellationToken,
}

/// A keeper that runs and has no order yet.
pub(super) struct Begun {
    start: Arc<Start>,
    socket: UnixStream,
}

impl Starts {
    pub(super) fn new(workspace: PathBuf, outgoing: mpsc::Sender<Outgoing>) -> Self {
        Self { workspace, outgoing, entries: Mutex::default() }
    }

    /// Starts a keeper; or the report that says why not.
    pub(super) fn begin(&self, id: u64) -> Result<Begun, Report> {
        let failed =
            |message: String| Report::StartFailed { id, kind: StartFailure::Other, message };
        if self.entries().contains_key(&id) {
            return Err(failed(format!("the start {id} exists already")));
        }
        let (socket, keeper) =
            spawn_keeper().map_err(|error| failed(format!("can't start a keeper: {error}")))?;
        let start =
            Arc::new(Start { keeper, leader: Mutex::default(), over: CancellationToken::new() });
        self.entries().insert(id, Arc::clone(&start));
        Ok(Begun { start, socket })
    }

    /// Gives a keeper its order and passes on what it reports, until nothing is left of the start.
    pub(super) async fn keep(self: Arc<Self>, id: u64, begun: Begun, command: Command, io: Io) {
        let Begun { start, socket } = begun;
        let (mut receiver, mut sender) = channel::split(socket);
        let keep = Keep { workspace: self.workspace.clone(), command, io };
        let mut stage = Stage::Starting;
        // A keeper that doesn't take its order is gone, and the loop sees that.
        if let Err(error) = sender.send(&keep, &[]).await {
            tracing::debug!(id, %error, "a keeper did not take its order");
        }
        while stage != Stage::Over {
            match receiver.recv::<KeeperReport>().await {
                Ok(Some((KeeperReport::Started { pid }, fds))) => {
                    stage = Stage::Running;
                    *lock(&start.leader) = i32::try_from(pid).ok();
                    self.post(Report::Started { id, pid }, fds).await;
                }
                Ok(Some((KeeperReport::StartFailed { kind, message }, _))) => {
                    stage = Stage::Ended;
                    self.post(Report::StartFailed { id, kind, message }, Vec::new()).await;
                }
                Ok(Some((KeeperReport::Ended { exit }, _))) => {
                    stage = Stage::Ended;
                    *lock(&start.leader) = None;
                    self.post(Report::Ended { id, exit }, Vec::new()).await;
                }
                Ok(Some((KeeperReport::Over, _))) => stage = Stage::Over,
                Ok(None) | Err(_) => break,
            }
        }
        self.entries().remove(&id);
        if stage != Stage::Over {
            self.end_strays(id).await;
        }
        match stage {
            Stage::Starting => {
                let message = "its keeper was killed before it could report the start".to_owned();
                let kind = StartFailure::Lost;
                self.post(Report::StartFailed { id, kind, message }, Vec::new()).await;
            }
            Stage::Running => {
                self.post(Report::Ended { id, exit: Exit::Unknown }, Vec::new()).await;
            }
            Stage::Ended | Stage::Over => {}
        }
        start.over.cancel();
    }

    /// Ends what a killed keeper left: it is below the host now, and below no other keeper.
    async fn end_strays(&self, id: u64) {
        tracing::warn!(id, "a keeper was killed; ending what it kept");
        let deadline = Instant::now() + KILL_BOUND;
        let mut strike = Strike::default();
        let mut pauses = Pauses::new();
        loop {
            let strays =
                |snapshot: &Snapshot| snapshot.below_except(tree::own_pid(), &self.keepers());
            match strike.once(strays) {
                Ok(0) => return,
                Ok(_) if Instant::now() < deadline => {}
                Ok(left) => return tracing::error!(id, left, "processes can't be killed"),
                Err(error) => return tracing::error!(id, %error, "can't look for processes"),
            }
            tokio::time::sleep(pauses.next()).await;
        }
    }

    pub(super) async fn signal(self: Arc<Self>, call: u64, id: u64, signal: i32, scope: Scope) {
        let signalled = match (self.get(id), Signal::from_named_raw(signal), Snapshot::take()) {
            (Some(start), Some(signal), Ok(snapshot)) => {
                let leader = *lock(&start.leader);
                let wanted = |entry: &&Entry| match scope {
                    Scope::Leader => Some(entry.pid) == leader,
                    Scope::Tree => true,
                };
                let targets = snapshot.below(start.keeper);
                targets.iter().filter(wanted).filter(|entry| entry.signal(signal)).count()
            }
            _ => 0,
        };
        self.send(Report::Signalled { call, processes: tree::count(signalled) }).await;
    }

    /// Ends all of a start: asks, waits, kills.
    pub(super) async fn end(self: Arc<Self>, call: u64, id: u64, grace: Duration) {
        let (mut asked, mut killed, mut remaining) = (0, 0, 0);
        let _ = failpoint::hit!("host.end.before");
        if let Some(start) = self.get(id) {
            if !grace.is_zero() {
                asked = start.ask();
                let _ = tokio::time::timeout(grace, start.over.cancelled()).await;
            }
            (killed, remaining) = start.kill().await;
        }
        let _ = failpoint::hit!("host.end.after");
        self.send(Report::Swept { call, asked, killed, remaining }).await;
    }

    pub(super) async fn stat(self: Arc<Self>, call: u64, id: u64) {
        let (mut alive, mut stopped, mut cpu) = (0, 0, Duration::ZERO);
        if let Some(start) = self.get(id)
            && let Ok(snapshot) = Snapshot::take()
        {
            let below = snapshot.below(start.keeper);
            alive = tree::count(below.len());
            stopped = tree::count(below.iter().filter(|entry| entry.is_stopped()).count());
            cpu = snapshot.cpu(start.keeper);
        }
        let cpu_ms = u64::try_from(cpu.as_millis()).unwrap_or(u64::MAX);
        self.send(Report::Stat { call, alive, stopped, cpu_ms }).await;
    }

    pub(super) async fn suspend(self: Arc<Self>, call: u64) {
        let mut stopped = HashSet::new();
        let mut pauses = Pauses::new();
        for _ in 0..SUSPEND_LOOKS {
            let Ok(snapshot) = Snapshot::take() else {
                break;
            };
            let mut running = self.all(&snapshot);
            running.retain(|entry| !entry.is_stopped());
            if running.is_empty() {
                break;
            }
            for entry in running {
                if entry.signal(Signal::STOP) {
                    stopped.insert(entry.pid);
                }
            }
            tokio::time::sleep(pauses.next()).await;
        }
        self.send(Report::Signalled { call, processes: tree::count(stopped.len()) }).await;
    }

    pub(super) async fn resume(self: Arc<Self>, call: u64) {
        let resumed = Snapshot::take().map_or(0, |snapshot| {
            let all = self.all(&snapshot);
            // Children first, so that no parent finds one stopped that is about to go on.
            all.iter().rev().filter(|entry| entry.signal(Signal::CONT)).count()
        });
        self.send(Report::Signalled { call, processes: tree::count(resumed) }).await;
    }

    /// Asks every process of every start to end.
    pub(super) fn ask_all(&self) -> io::Result<()> {
        let all = self.all(&Snapshot::take()?);
        ask(&all);
        Ok(())
    }

    /// Every process of every start.
    pub(super) fn all(&self, snapshot: &Snapshot) -> Vec<Entry> {
        let keepers = self.keepers();
        let mut all = snapshot.below(tree::own_pid());
        all.retain(|entry| !keepers.contains(&entry.pid));
        all
    }

    pub(super) async fn send(self: Arc<Self>, report: Report) {
        self.post(report, Vec::new()).await;
    }

    async fn post(&self, report: Report, fds: Vec<OwnedFd>) {
        // Without a receiver there is no replica any more, and the host is ending.
        let _ = self.outgoing.send(Outgoing { report, fds }).await;
    }

    fn get(&self, id: u64) -> Option<Arc<Start>> {
        self.entries().get(&id).cloned()
    }

    fn keepers(&self) -> HashSet<i32> {
        self.entries().values().map(|start| start.keeper).collect()
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<u64, Arc<Start>>> {
        lock(&self.entries)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Starting,
    Running,
    Ended,
    Over,
}

impl Start {
    fn ask(&self) -> u32 {
        Snapshot::take().map_or(0, |snapshot| ask(&snapshot.below(self.keeper)))
    }

    /// Kills until the keeper says that nothing is left; how many were killed and how many are left.
    async fn kill(&self) -> (u32, u32) {
        let deadline = Instant::now() + KILL_BOUND;
        let mut strike = Strike::default();
        let mut pauses = Pauses::new();
        while !self.over.is_cancelled() {
            let struck = strike.once(|snapshot| snapshot.below(self.keeper));
            let left = match struck {
                Ok(left) => left,
                Err(error) => {
                    tracing::error!(%error, "can't look for processes");
                    1
                }
            };
            if Instant::now() >= deadline {
                return (strike.count(), tree::count(left.max(1)));
            }
            let _ = tokio::time::timeout(pauses.next(), self.over.cancelled()).await;
        }
        (strike.count(), 0)
    }
}

/// SIGTERM to all; those that are stopped go on to receive it.
fn ask(entries: &[Entry]) -> u32 {
    let asked = entries.iter().filter(|entry| entry.signal(Signal::TERM)).count();
    for entry in entries {
        entry.signal(Signal::CONT);
    }
    tree::count(asked)
}

fn spawn_keeper() -> io::Result<(UnixStream, i32)> {
    let _ = failpoint::hit!("host.start.before");
    let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    let child =
        guard::again("keep", [] as [&str; 0]).stdin(Stdio::from(OwnedFd::from(theirs))).spawn()?;
    let keeper = i32::try_from(child.id()).map_err(io::Error::other)?;
    let _ = failpoint::hit!("host.start.after");
    Ok((UnixStream::from_std(ours)?, keeper))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic elsewhere leaves these maps whole: every change is one call.
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
