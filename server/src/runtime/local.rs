//! Workers as processes of this machine. (Linux: pidfd, inotify, /proc.)
//!
//! The truth is on disk, in a directory a worker (see `record.rs`), so that a core that was restarted
//! finds everything again and adopts what runs. In memory is only what belongs to this process: its own
//! children, and which workers it is just starting or cleaning up after.
//!
//! What a crash between any two steps leaves:
//!
//! | on disk | means |
//! |---|---|
//! | directory without readable labels, lock free | nothing was started; `create`, `remove` and `open` clear it |
//! | labels, lock held | it runs |
//! | labels, lock free | it ended: as `exit.json` says, else nobody saw how |
//! | labels, lock free, neither `pid.json` nor `exit.json` | it ended before it did anything: `create` starts it again |
//! | `.removing-…` | a removal that was cut short; `remove` and `open` go on with it |
//!
//! An end is told only after the worker's session was swept of what the replica left behind.
//! Two processes must not use one directory at once (smithd locks its state directory).

mod delete;
mod end;
pub mod nearby;
mod process;
mod record;
mod start;
mod terminal;
mod watch;

use std::collections::HashMap;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;
use smith_model::attempt::Exit;
use smith_model::id::LoopId;
use smith_model::worker::Launch;
use tokio::sync::{Notify, OwnedMutexGuard, mpsc};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::{Duplex, Error, NoTerminal, Runtime, Stop, WorkerLabels, WorkerPhase, WorkerReport};
use record::{ALIVE, EXIT, LABELS, LOG};
pub use record::{ExitRecord, KEPT_LOG, MOST_LOG, PidRecord, TAIL_CHARS, TAIL_LINES};
use watch::Watch;

/// Ends that wait for the core to look; what doesn't fit waits in the kernel's queue, which says when it overflows.
const MOST_EVENTS: usize = 256;

/// What a local runtime needs to know.
#[derive(Clone, Debug)]
pub struct Config {
    /// The directory that holds `workers/`; made if it isn't there, for its owner alone.
    pub dir: PathBuf,
    /// Tells this machine from others.
    pub machine: String,
    /// The installation; workers of another one in the same directory are left alone.
    pub installation: Uuid,
    /// The program `smith-replica`.
    pub replica_program: PathBuf,
    /// The whole environment of workers: the allow-listed few, with their values. Never secrets.
    pub env: Vec<(String, String)>,
    /// Directories that agents have no business in, beside the one with the workers.
    pub hidden: Vec<PathBuf>,
}

/// Why the runtime can't be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory can't be made or read.
    #[error("can't use {} for workers", dir.display())]
    Dir {
        /// The directory.
        dir: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The kernel refuses what is needed to watch workers.
    #[error("can't watch processes (is /proc mounted, and fs.inotify.max_user_instances used up?)")]
    Watch(#[source] io::Error),
}

/// The local machine as a place for workers. Dropped, it leaves them running.
pub struct Local {
    inner: Arc<Inner>,
    _stop: DropGuard,
}

struct Inner {
    id: String,
    workers: PathBuf,
    installation: Uuid,
    program: PathBuf,
    env: Vec<(String, String)>,
    hidden: Vec<PathBuf>,
    boot_id: String,
    /// Workers that this process is starting, is the parent of, or is cleaning up after.
    own: Mutex<HashMap<String, Own>>,
    /// Told whenever a worker leaves `own`.
    left: Notify,
    /// One act a worker at a time.
    acts: Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>,
    watch: Watch,
    changed: mpsc::Sender<LoopId>,
    changes: Mutex<Option<mpsc::Receiver<LoopId>>>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// What this process has to do with a worker.
#[derive(Clone, Debug)]
enum Own {
    /// It is being made.
    Starting,
    /// It is a child; `None`: it was gone before it could be looked at.
    Child(Option<PidRecord>),
    /// It ended, and what it left is being cleaned up.
    Ending,
}

impl Local {
    /// Makes the directory, clears what crashes left, and adopts the workers that run.
    pub async fn open(config: Config) -> Result<Self, OpenError> {
        let Config { dir, machine, installation, replica_program, env, hidden } = config;
        let workers = dir.join("workers");
        let boot_id = process::boot_id().map_err(OpenError::Watch)?;
        let watch = Watch::new().map_err(OpenError::Watch)?;
        let make = || {
            DirBuilder::new().recursive(true).mode(0o700).create(&workers)?;
            // Workers run elsewhere than this process: their directory needs its full name.
            workers.canonicalize()
        };
        let workers = make().map_err(|source| OpenError::Dir { dir: workers.clone(), source })?;
        // The outermost first: what lies below one that is covered needs nothing more.
        let hidden = hidden.into_iter().chain([workers.clone()]).collect();
        let (changed, changes) = mpsc::channel(MOST_EVENTS);
        let stop = CancellationToken::new();
        let inner = Arc::new(Inner {
            id: format!("local:{machine}"),
            workers,
            installation,
            program: replica_program,
            env,
            hidden,
            boot_id,
            own: Mutex::default(),
            left: Notify::new(),
            acts: Mutex::default(),
            watch,
            changed,
            changes: Mutex::new(Some(changes)),
            tasks: TaskTracker::new(),
            stop: stop.clone(),
        });
        let local = Self { inner: Arc::clone(&inner), _stop: stop.drop_guard() };
        inner.adopt().map_err(|source| OpenError::Dir { dir: inner.workers.clone(), source })?;
        inner.tasks.spawn(Arc::clone(&inner).follow());
        Ok(local)
    }

    /// Stops watching and waits until that is done; workers go on running.
    pub async fn close(self) {
        self.inner.stop.cancel();
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
    }
}

impl Runtime for Local {
    fn id(&self) -> &str {
        &self.inner.id
    }

    fn create(&self, labels: WorkerLabels, launch: Launch) -> BoxFuture<'_, Result<(), Error>> {
        start::create(Arc::clone(&self.inner), labels, launch).boxed()
    }

    fn observe(&self, name: &str) -> BoxFuture<'_, Result<Option<WorkerReport>, Error>> {
        let (inner, name) = (Arc::clone(&self.inner), name.to_owned());
        blocking("read", name.clone(), move || inner.observe(&name)).boxed()
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<WorkerReport>, Error>> {
        let inner = Arc::clone(&self.inner);
        let all = move || {
            let names = inner.names()?;
            names.iter().filter_map(|name| inner.observe(name).transpose()).collect()
        };
        blocking("list", "*".into(), all).boxed()
    }

    fn stop(&self, name: &str, how: Stop) -> BoxFuture<'_, Result<(), Error>> {
        end::stop(Arc::clone(&self.inner), name.to_owned(), how).boxed()
    }

    fn remove(&self, name: &str) -> BoxFuture<'_, Result<(), Error>> {
        end::remove(Arc::clone(&self.inner), name.to_owned()).boxed()
    }

    fn terminal(&self, name: &str) -> BoxFuture<'_, Result<Box<dyn Duplex>, NoTerminal>> {
        let (inner, name) = (Arc::clone(&self.inner), name.to_owned());
        async move {
            match self.observe(&name).await {
                Ok(None) => Err(NoTerminal::NoWorker { name }),
                Ok(Some(WorkerReport { phase: WorkerPhase::Exited { .. }, .. })) => {
                    Err(NoTerminal::Ended { name })
                }
                Ok(Some(WorkerReport { phase: WorkerPhase::Unknown { why }, .. })) => {
                    Err(NoTerminal::Unknown { name, why })
                }
                Ok(Some(WorkerReport { phase: WorkerPhase::Running, .. })) => {
                    terminal::connect(&inner.workers.join(&name), name).await
                }
                Err(error) => {
                    let why = crate::telemetry::chain(&error);
                    Err(NoTerminal::Unknown { name, why })
                }
            }
        }
        .boxed()
    }

    fn events(&self) -> mpsc::Receiver<LoopId> {
        let taken = self.inner.changes.lock().unwrap_or_else(PoisonError::into_inner).take();
        // There is one; whoever asks again gets a stream that has ended.
        taken.unwrap_or_else(|| mpsc::channel(1).1)
    }
}

/// What a directory says about whose it is.
enum Found {
    /// Nothing is there.
    Nothing,
    /// A directory without labels that can be read.
    Unlabelled,
    /// Another installation's.
    Foreign,
    /// Ours.
    Ours(WorkerLabels),
}

impl Inner {
    /// Where a worker's files are.
    fn dir(&self, name: &str) -> io::Result<PathBuf> {
        dir(&self.workers, name)
    }

    fn find(&self, name: &str) -> io::Result<Found> {
        find(&self.workers, self.installation, name)
    }

    fn own(&self) -> MutexGuard<'_, HashMap<String, Own>> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn disown(&self, name: &str) {
        self.own().remove(name);
        self.left.notify_waiters();
    }

    /// Does anything hold the worker's lock, or does this process have to do with it?
    fn runs(&self, name: &str) -> io::Result<bool> {
        // The map is locked for the probe too: a start takes the lock only after it is in the map, so
        // that no probe gets in its way.
        let own = self.own();
        Ok(own.contains_key(name) || is_held(&self.dir(name)?.join(ALIVE))?)
    }

    fn observe(&self, name: &str) -> io::Result<Option<WorkerReport>> {
        let Found::Ours(labels) = self.find(name)? else { return Ok(None) };
        let dir = self.dir(name)?;
        if self.runs(name)? {
            return Ok(Some(WorkerReport { labels, phase: WorkerPhase::Running }));
        }
        let exit = record::read_json::<ExitRecord>(&dir.join(EXIT))?.map(|record| record.exit);
        let exit = exit.unwrap_or(Exit::Unknown);
        // It may have been removed while it was read; then that is the newer truth.
        if matches!(self.find(name)?, Found::Nothing) {
            return Ok(None);
        }
        let phase = WorkerPhase::Exited { exit, tail: record::tail(&dir.join(LOG)) };
        Ok(Some(WorkerReport { labels, phase }))
    }

    /// The names of all directories here, whoever they belong to.
    fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.workers)? {
            let name = entry?.file_name().into_string();
            names.extend(name.ok().filter(|name| self.dir(name).is_ok()));
        }
        Ok(names)
    }

    /// Waits for its turn to act on a worker.
    async fn turn(&self, name: &str) -> OwnedMutexGuard<()> {
        let turn = {
            let mut acts = self.acts.lock().unwrap_or_else(PoisonError::into_inner);
            acts.retain(|_, turn| turn.strong_count() > 0);
            let known = acts.get(name).and_then(Weak::upgrade);
            known.unwrap_or_else(|| {
                let turn = Arc::default();
                acts.insert(name.to_owned(), Arc::downgrade(&turn));
                turn
            })
        };
        turn.lock_owned().await
    }

    async fn tell(&self, loop_id: LoopId) {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => {}
            // Fails only if the receiver is gone: then nobody wants to know.
            _ = self.changed.send(loop_id) => {}
        }
    }
}

/// Where a worker's files are. Names are checked: one becomes part of a path.
fn dir(workers: &Path, name: &str) -> io::Result<PathBuf> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if name.is_empty() || name.len() > 100 || !name.bytes().all(plain) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it isn't a worker's name"));
    }
    Ok(workers.join(name))
}

fn find(workers: &Path, installation: Uuid, name: &str) -> io::Result<Found> {
    let dir = dir(workers, name)?;
    match std::fs::symlink_metadata(&dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(error),
        Ok(meta) if !meta.is_dir() => return Ok(Found::Unlabelled),
        Ok(_) => {}
    }
    Ok(match record::read_json::<WorkerLabels>(&dir.join(LABELS))? {
        None => Found::Unlabelled,
        Some(labels) if labels.installation != installation => Found::Foreign,
        Some(labels) => Found::Ours(labels),
    })
}

/// Is the lock at `path` held by an open file?
fn is_held(path: &Path) -> io::Result<bool> {
    let Some(file) = open_lock(path, OpenOptions::new().read(true))? else { return Ok(false) };
    match flock(&file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => {
            // By hand, since a process that another thread is just starting may hold a copy.
            flock(&file, FlockOperation::Unlock)?;
            Ok(false)
        }
        Err(Errno::WOULDBLOCK) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

fn open_lock(path: &Path, options: &mut OpenOptions) -> io::Result<Option<File>> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    match options.mode(0o600).custom_flags(flags.bits() as i32).open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Runs what blocks for a moment where it may.
async fn blocking<T: Send + 'static>(
    act: &'static str,
    name: String,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    let result = done.unwrap_or_else(|error| Err(io::Error::other(error)));
    result.map_err(|source| Error::Act { act, name, source })
}

#[cfg(test)]
mod tests;
