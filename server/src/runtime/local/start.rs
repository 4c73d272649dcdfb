//! Starting a worker.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use rustix::fs::{FlockOperation, OFlags, flock};
use smith_model::attempt::Exit;
use smith_model::worker::Launch;
use tokio::process::{Child, Command};

use super::record::{self, ALIVE, EXIT, ExitRecord, LABELS, LOG, PID};
use super::{Error, Found, Inner, Own, delete, end, is_held, open_lock, process};
use crate::runtime::WorkerLabels;

/// See [`crate::runtime::Runtime::create`].
pub(super) async fn create(
    inner: Arc<Inner>,
    labels: WorkerLabels,
    launch: Launch,
) -> Result<(), Error> {
    let name = labels.name.clone();
    let turn = inner.turn(&name).await;
    // On a thread of its own: once begun it comes to its end, whether or not anybody still waits.
    let work = move || {
        let _turn = turn;
        inner.start(labels, &launch)
    };
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(Error::Start { name, source: io::Error::other(error) }))
}

/// Takes the worker out of the map again, unless it came to be a child.
struct Starting<'a>(&'a Inner, &'a str);

impl Drop for Starting<'_> {
    fn drop(&mut self) {
        if matches!(self.0.own().get(self.1), Some(Own::Starting)) {
            self.0.disown(self.1);
        }
    }
}

impl Inner {
    fn start(self: &Arc<Self>, labels: WorkerLabels, launch: &Launch) -> Result<(), Error> {
        let name = labels.name.clone();
        let failed = |source| Error::Start { name: name.clone(), source };
        if labels.installation != self.installation {
            return Err(Error::NameTaken { name });
        }
        match self.find(&name).map_err(failed)? {
            Found::Ours(found) if found == labels => {
                if self.was_started(&name).map_err(failed)? {
                    return Ok(());
                }
            }
            Found::Ours(_) | Found::Foreign => return Err(Error::NameTaken { name }),
            Found::Nothing | Found::Unlabelled => {}
        }
        self.own().insert(name.clone(), Own::Starting);
        let _starting = Starting(self, &name);
        self.launch(labels, launch).map_err(failed)
    }

    /// Did a process of it ever get to do anything?
    fn was_started(&self, name: &str) -> io::Result<bool> {
        let dir = self.dir(name)?;
        if self.runs(name)? || dir.join(PID).try_exists()? {
            return Ok(true);
        }
        let exit = record::read_json::<ExitRecord>(&dir.join(EXIT))?;
        Ok(exit.is_some_and(|record| record.exit != Exit::NotStarted))
    }

    fn launch(self: &Arc<Self>, labels: WorkerLabels, launch: &Launch) -> io::Result<()> {
        let name = labels.name.as_str();
        let dir = self.dir(name)?;
        if is_held(&dir.join(ALIVE)).unwrap_or(false) {
            return Err(io::Error::other("a process without labels holds its lock"));
        }
        delete::delete_tree(&dir)?;
        DirBuilder::new().mode(0o700).create(&dir)?;
        record::write_json(&dir.join(LABELS), &labels)?;
        smith_failpoint::hit!("runtime.local.labelled");
        let lock = open_lock(&dir.join(ALIVE), OpenOptions::new().write(true).create(true))?;
        let lock = lock.ok_or_else(|| io::Error::other("its directory vanished"))?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
        let flags = OFlags::NOFOLLOW.bits() as i32;
        let mut log = OpenOptions::new();
        log.append(true).create(true).mode(0o600).custom_flags(flags);
        let log = log.open(dir.join(LOG))?;
        self.watch.add(name, &dir.join(ALIVE), &dir.join(LOG))?;

        let child = match self.spawn(&dir, lock, log) {
            Ok(child) => child,
            Err(error) if is_passing(&error) => {
                // Another try may do: nothing is left that looks like a worker that ended.
                delete::delete_tree(&dir)?;
                return Err(error);
            }
            Err(error) => {
                let why = format!("can't start {}: {error}\n", self.program.display());
                std::fs::write(dir.join(LOG), why)?;
                record::write_json(&dir.join(EXIT), &ExitRecord { exit: Exit::NotStarted })?;
                return Err(error);
            }
        };
        smith_failpoint::hit!("runtime.local.spawned");
        // Nobody has waited for it yet, so this number is still its own, dead or alive.
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok());
        let pid = pid.and_then(|pid| process::identify(pid, &self.boot_id));
        self.own().insert(name.to_owned(), Own::Child(pid));
        let launch = serde_json::to_vec(launch).map_err(io::Error::other)?;
        self.tasks.spawn(end::reap(Arc::clone(self), labels, child, launch));
        Ok(())
    }

    fn spawn(&self, dir: &Path, lock: File, log: File) -> io::Result<Child> {
        let mut command = Command::new(&self.program);
        command.arg("run").arg("--dir").arg(dir).current_dir(dir);
        for hidden in &self.hidden {
            command.arg("--hide").arg(hidden);
        }
        command.env_clear().envs(self.env.iter().map(|(key, value)| (key, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::from(lock)).stderr(Stdio::from(log));
        // A session of its own: a terminal's Ctrl-C and hang-up don't reach it. The standard library
        // offers only a process group, which still has the terminal.
        // SAFETY: setsid(2) is async-signal-safe, and the closure neither allocates nor locks.
        #[allow(unsafe_code)]
        unsafe {
            command.pre_exec(|| Ok(rustix::process::setsid().map(drop)?));
        }
        // `command` holds the lock's descriptor until it is dropped, here.
        command.spawn()
    }
}

/// Does this come of a shortage that passes?
fn is_passing(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let passing =
        [Errno::AGAIN, Errno::NOMEM, Errno::MFILE, Errno::NFILE, Errno::INTR, Errno::TXTBSY];
    Errno::from_io_error(error).is_some_and(|errno| passing.contains(&errno))
}
