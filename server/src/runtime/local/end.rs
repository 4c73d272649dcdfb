//! The end of workers: seeing it, bringing it about, and clearing up after it.

use std::collections::HashSet;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::pin::pin;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use smith_model::attempt::Exit;
use smith_model::id::LoopId;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Child;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use super::process::{self, Process};
use super::record::{self, ALIVE, EXIT, ExitRecord, LOG, PID, PidRecord};
use super::watch::Seen;
use super::{Error, Found, Inner, Own, Stop, blocking, delete, is_held};
use crate::runtime::WorkerLabels;

/// A process that was killed is gone by then, or stuck in the kernel: the caller tries again.
const KILL_WITHIN: Duration = Duration::from_secs(10);

/// Between the word that a lock's file is closed and the moment it is free, the kernel does a few steps.
const FREE_WITHIN: Duration = Duration::from_millis(100);

/// Hands a child its launch, waits for its end, and records it.
pub(super) async fn reap(
    inner: Arc<Inner>,
    labels: WorkerLabels,
    mut child: Child,
    launch: Vec<u8>,
) {
    let stdin = child.stdin.take();
    let feed = async {
        if let Some(mut stdin) = stdin
            && let Err(error) = stdin.write_all(&launch).await
        {
            // It ended, or closed its input; how it ended will say why.
            tracing::debug!(worker = labels.name, %error, "the launch was not taken");
        }
        // The pipe is closed here, once.
        std::future::pending::<()>().await;
    };
    let status = {
        let mut feed = pin!(feed);
        tokio::select! {
            biased;
            () = inner.stop.cancelled() => return,
            status = child.wait() => status,
            () = &mut feed => return,
        }
    };
    let record = status.map(|status| ExitRecord { exit: exit_of(status) });
    let written = record.and_then(|record| inner.record_exit(&labels.name, &record));
    if let Err(error) = written {
        tracing::warn!(worker = labels.name, %error, "can't record how a worker ended");
    }
    inner.after_end(&labels.name, labels.loop_id).await;
}

fn exit_of(status: ExitStatus) -> Exit {
    let signal = status.signal().map(Exit::Signal);
    signal.or(status.code().map(Exit::Code)).unwrap_or(Exit::Unknown)
}

/// See [`crate::runtime::Runtime::stop`].
pub(super) async fn stop(inner: Arc<Inner>, name: String, how: Stop) -> Result<(), Error> {
    let _turn = inner.turn(&name).await;
    let signal = match how {
        Stop::Land => Signal::TERM,
        Stop::Kill => Signal::KILL,
    };
    let act = "stop";
    if blocking(act, name.clone(), ours(&inner, &name)).await?.is_none() {
        return Ok(());
    }
    let at = name.clone();
    let send = move || inner.signal(&at, signal);
    blocking(act, name, send).await
}

/// See [`crate::runtime::Runtime::remove`].
pub(super) async fn remove(inner: Arc<Inner>, name: String) -> Result<(), Error> {
    let _turn = inner.turn(&name).await;
    let act = "remove";
    if blocking(act, name.clone(), ours(&inner, &name)).await?.is_some() {
        let killed = inner.kill_all(&name).await;
        killed.map_err(|source| Error::Act { act, name: name.clone(), source })?;
        smith_failpoint::hit!("runtime.local.killed");
    }
    let at = name.clone();
    let clear = move || inner.clear(&at);
    blocking(act, name, clear).await
}

/// Looks whether there is a worker of that name, and that it may be touched.
fn ours(
    inner: &Arc<Inner>,
    name: &str,
) -> impl FnOnce() -> io::Result<Option<WorkerLabels>> + use<> {
    let (inner, name) = (Arc::clone(inner), name.to_owned());
    move || match inner.find(&name)? {
        Found::Ours(labels) => Ok(Some(labels)),
        Found::Nothing | Found::Unlabelled => Ok(None),
        Found::Foreign => Err(io::Error::other("it belongs to another installation")),
    }
}

impl Inner {
    /// Takes up what an earlier process left.
    pub(super) fn adopt(self: &Arc<Self>) -> io::Result<()> {
        for entry in std::fs::read_dir(&self.workers)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(".removing-") {
                delete::delete_tree(&entry.path())?;
            }
        }
        for name in self.names()? {
            let dir = self.dir(&name)?;
            let labels = match self.find(&name)? {
                Found::Ours(labels) => labels,
                Found::Unlabelled if !is_held(&dir.join(ALIVE)).unwrap_or(false) => {
                    delete::delete_tree(&dir)?;
                    continue;
                }
                Found::Unlabelled | Found::Foreign | Found::Nothing => continue,
            };
            if self.runs(&name)? {
                self.watch.add(&name, &dir.join(ALIVE), &dir.join(LOG))?;
                record::trim(&dir.join(LOG))?;
            }
            // Looked at again: an end before the watch began is told by nobody else.
            if !self.runs(&name)? {
                self.own().insert(name.clone(), Own::Ending);
                let inner = Arc::clone(self);
                self.tasks.spawn(async move { inner.after_end(&name, labels.loop_id).await });
            }
        }
        Ok(())
    }

    /// Follows what the kernel says about workers, until the runtime stops.
    pub(super) async fn follow(self: Arc<Self>) {
        loop {
            let seen = tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                seen = self.watch.next() => seen,
            };
            match seen {
                Ok(all) => {
                    for seen in all {
                        self.look_into(seen).await;
                    }
                }
                Err(error) => {
                    // Reading an inotify descriptor fails only for want of memory.
                    tracing::error!(%error, "can't watch workers for a moment");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }
    }

    pub(super) async fn look_into(self: &Arc<Self>, seen: Seen) {
        match seen {
            Seen::Closed(name) => self.take_end(&name).await,
            Seen::Logged(name) => {
                let trimmed = self.dir(&name).and_then(|dir| record::trim(&dir.join(LOG)));
                if let Err(error) = trimmed
                    && error.kind() != io::ErrorKind::NotFound
                {
                    tracing::warn!(worker = name, %error, "can't cut a worker's log");
                }
            }
            Seen::Overflow => {
                for name in self.names().unwrap_or_default() {
                    self.take_end(&name).await;
                }
            }
        }
    }

    /// If the worker has ended and isn't this process's to reap, sees to what follows.
    async fn take_end(self: &Arc<Self>, name: &str) {
        let until = Instant::now() + FREE_WITHIN;
        let labels = loop {
            let Ok(Found::Ours(labels)) = self.find(name) else { return };
            if self.own().contains_key(name) {
                return;
            }
            if matches!(self.runs(name), Ok(false)) {
                break labels;
            }
            if Instant::now() > until {
                // Somebody else had the file open; the lock's own file is still open.
                return;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        };
        let mut own = self.own();
        if own.contains_key(name) {
            return;
        }
        own.insert(name.to_owned(), Own::Ending);
        drop(own);
        let (inner, name) = (Arc::clone(self), name.to_owned());
        self.tasks.spawn(async move { inner.after_end(&name, labels.loop_id).await });
    }

    /// The replica is gone: ends what it left behind, and only then tells.
    async fn after_end(&self, name: &str, loop_id: LoopId) {
        let leader = self.process_of(name);
        self.own().insert(name.to_owned(), Own::Ending);
        let swept = async {
            let Some(leader) = leader? else { return Ok(()) };
            let until = Instant::now() + KILL_WITHIN;
            while kill(process::session(&leader, &self.boot_id)?, until).await? {}
            io::Result::Ok(())
        };
        let swept = tokio::select! {
            biased;
            () = self.stop.cancelled() => Ok(()),
            swept = swept => swept,
        };
        if let Err(error) = swept {
            tracing::error!(worker = name, %error, "a worker ended and left processes behind");
        }
        self.disown(name);
        self.tell(loop_id).await;
    }

    /// A replica's own word about its end goes first.
    fn record_exit(&self, name: &str, record: &ExitRecord) -> io::Result<()> {
        let path = self.dir(name)?.join(EXIT);
        if record::read_json::<ExitRecord>(&path)?.is_some() {
            return Ok(());
        }
        record::write_json(&path, record)
    }

    /// Which process the worker is or was.
    fn process_of(&self, name: &str) -> io::Result<Option<PidRecord>> {
        match self.own().get(name) {
            Some(Own::Child(Some(pid))) => return Ok(Some(pid.clone())),
            Some(Own::Starting | Own::Ending | Own::Child(None)) | None => {}
        }
        record::read_json(&self.dir(name)?.join(PID))
    }

    fn signal(&self, name: &str, signal: Signal) -> io::Result<()> {
        if matches!(self.own().get(name), Some(Own::Ending)) || !self.runs(name)? {
            return Ok(());
        }
        if let Some(pid) = self.process_of(name)?
            && let Some(process) = Process::open(&pid, &self.boot_id)?
        {
            return process.signal(signal);
        }
        // It began and this process crashed before it had written its number.
        let alive = self.dir(name)?.join(ALIVE);
        let holders = process::holders(&alive)?;
        for holder in &holders {
            holder.signal(signal)?;
        }
        if holders.is_empty() && self.runs(name)? {
            let why = "something holds its lock, and it can't be seen which process";
            return Err(io::Error::other(why));
        }
        Ok(())
    }

    /// Everything of the worker that still lives and can be found.
    fn processes(&self, name: &str) -> io::Result<Vec<Process>> {
        let mut found = Vec::new();
        if let Some(pid) = self.process_of(name)? {
            found.extend(Process::open(&pid, &self.boot_id)?);
            found.extend(process::session(&pid, &self.boot_id)?);
        }
        let alive = self.dir(name)?.join(ALIVE);
        if is_held(&alive)? {
            found.extend(process::holders(&alive)?);
        }
        let mut seen = HashSet::new();
        found.retain(|process| seen.insert(process.pid));
        Ok(found)
    }

    /// Kills the worker and all that is left of it, and waits until it is gone.
    async fn kill_all(&self, name: &str) -> io::Result<()> {
        let until = Instant::now() + KILL_WITHIN;
        loop {
            // Begun before the look, so that no leaving is missed.
            let mut left = pin!(self.left.notified());
            left.as_mut().enable();
            if kill(self.processes(name)?, until).await? {
                continue;
            }
            if !self.runs(name)? {
                return Ok(());
            }
            if !self.own().contains_key(name) {
                let why = "something holds its lock, and it can't be seen which process";
                return Err(io::Error::new(io::ErrorKind::TimedOut, why));
            }
            timeout_at(until, left).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?;
        }
    }

    /// Removes a worker's directory, and what earlier removals left. Its processes are gone.
    fn clear(&self, name: &str) -> io::Result<()> {
        let dir = self.dir(name)?;
        if is_held(&dir.join(ALIVE)).unwrap_or(false) {
            return Err(io::Error::other("its lock is held"));
        }
        // One rename takes it away, so that nobody ever meets half of it.
        let prefix = format!(".removing-{name}.");
        let aside = self.workers.join(format!("{prefix}{}", Uuid::new_v4()));
        match std::fs::rename(&dir, aside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        smith_failpoint::hit!("runtime.local.set-aside");
        for entry in std::fs::read_dir(&self.workers)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(&prefix) {
                delete::delete_tree(&entry.path())?;
            }
        }
        Ok(())
    }
}

/// Kills processes and waits until they are gone. False: there was nothing to kill.
async fn kill(processes: Vec<Process>, until: Instant) -> io::Result<bool> {
    let any = !processes.is_empty();
    for process in &processes {
        process.signal(Signal::KILL)?;
    }
    for process in processes {
        let gone = timeout_at(until, process.gone()).await;
        gone.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    }
    Ok(any)
}
