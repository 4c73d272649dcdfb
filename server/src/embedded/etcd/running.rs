//! A process of etcd from its start to its end: spawned, probed, watched, stopped.

use std::io;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tokio::sync::{oneshot, watch};

use super::log::Log;
use super::process::Process;
use super::{Connection, Ended, Error, ProbeError, seconds};

/// One probe may take this long; etcd answers in milliseconds, or isn't there yet.
const PROBE_WITHIN: Duration = Duration::from_secs(3);
/// Between two probes. etcd has no way to tell that it is ready, so it is asked.
const PROBE_EVERY: Duration = Duration::from_millis(25);
/// After SIGKILL only a process that hangs in the kernel (a dead disk) is still there.
pub(super) const KILLED_WITHIN: Duration = Duration::from_secs(10);
/// How often the size of the log is looked at.
const LOG_CHECKED_EVERY: Duration = Duration::from_secs(60);

/// A process with the thread that waits for its end.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) process: Arc<Process>,
    log: Log,
    ended: watch::Receiver<Option<String>>,
}

/// Where the process comes from.
pub(super) enum Source {
    /// It is to be started.
    New {
        /// The program, for errors.
        program: PathBuf,
        /// What becomes it.
        command: Box<Command>,
    },
    /// An earlier smithd started it.
    Orphan(Process),
}

impl Running {
    /// Starts the process if it is a new one, and watches it, both from one thread that lives as long as
    /// the process does.
    ///
    /// That it is one thread matters: PDEATHSIG comes when the *thread* that spawned dies, not the
    /// process. A worker of tokio's pools may end at any time and would take etcd with it.
    pub(super) async fn watch(source: Source, log: Log) -> Result<Self, Error> {
        let (started, starting) = oneshot::channel();
        let (end, ended) = watch::channel(None);
        let program = match &source {
            Source::New { program, .. } => program.clone(),
            Source::Orphan(_) => PathBuf::from("etcd"),
        };
        let spawn_failed = |source| Error::Spawn { program: program.clone(), source };
        let threads_log = log.clone();
        // Not joined: it ends by itself right after it told the process' end, and has nothing to lose.
        std::thread::Builder::new()
            .name("etcd".to_owned())
            .spawn(move || {
                let (process, child) = match begin(source, &threads_log) {
                    Ok((process, child)) => (Arc::new(process), child),
                    Err(error) => {
                        // Nobody listens any more if the start was given up; then there is nobody to tell.
                        let _ = started.send(Err(error));
                        return;
                    }
                };
                if started.send(Ok(Arc::clone(&process))).is_err() {
                    // The start was given up meanwhile, and nobody else knows of the process.
                    let _ = process.signal(Signal::TERM);
                }
                end.send_replace(Some(wait(&process, child, &threads_log)));
            })
            .map_err(spawn_failed)?;
        match starting.await {
            Ok(process) => Ok(Self { process: process?, log, ended }),
            Err(_) => Err(spawn_failed(io::Error::other("the thread that was to start it ended"))),
        }
    }

    /// Probes until it is healthy.
    pub(super) async fn healthy(
        &self,
        connection: &Connection,
        health: &impl AsyncFn(&Connection) -> Result<(), ProbeError>,
        within: Duration,
    ) -> Result<(), Error> {
        let deadline = Instant::now() + within;
        let ended = self.end();
        tokio::pin!(ended);
        loop {
            let probe = tokio::time::timeout(PROBE_WITHIN, health(connection));
            let last: ProbeError = tokio::select! {
                // The end first: an etcd that ended can't be healthy, whatever answered.
                biased;
                ended = &mut ended => return Err(Error::EndedEarly(ended)),
                probed = probe => match probed {
                    Ok(Ok(())) => return Ok(()),
                    Ok(Err(error)) => error,
                    Err(_) => format!("no answer within {}", seconds(PROBE_WITHIN)).into(),
                },
            };
            if Instant::now() >= deadline {
                return Err(Error::NotHealthy {
                    within,
                    log_tail: self.log.tail(),
                    log: self.log.path().to_path_buf(),
                    source: last,
                });
            }
            tokio::select! {
                biased;
                ended = &mut ended => return Err(Error::EndedEarly(ended)),
                () = tokio::time::sleep(PROBE_EVERY) => {}
            }
        }
    }

    /// Its end, whenever that comes.
    pub(super) fn end(&self) -> impl Future<Output = Ended> + Send + use<> {
        let (mut ended, log) = (self.ended.clone(), self.log.clone());
        async move {
            let exit = match ended.wait_for(Option::is_some).await {
                Ok(exit) => exit.clone().unwrap_or_default(),
                Err(_) => "the thread that waited for it ended".to_owned(),
            };
            Ended { exit, log_tail: log.tail(), log: log.path().to_path_buf() }
        }
    }

    /// SIGTERM, then SIGKILL.
    pub(super) async fn stop(&self, within: Duration) -> Result<(), Error> {
        for (signal, within) in [(Signal::TERM, within), (Signal::KILL, KILLED_WITHIN)] {
            self.process
                .signal(signal)
                .map_err(|source| Error::Signal { pid: self.process.pid(), source })?;
            if tokio::time::timeout(within, self.end()).await.is_ok() {
                return Ok(());
            }
            tracing::warn!(pid = self.process.pid(), ?signal, "etcd didn't end in time");
        }
        Err(Error::WontEnd { pid: self.process.pid() })
    }
}

impl Drop for Running {
    /// On an error's way out of smithd nobody calls `stop`.
    fn drop(&mut self) {
        if self.ended.borrow().is_none() {
            // The process is about to end; there is nobody left to tell of a failure.
            let _ = self.process.signal(Signal::TERM);
        }
    }
}

fn begin(source: Source, log: &Log) -> Result<(Process, Option<Child>), Error> {
    let (program, mut command) = match source {
        Source::Orphan(process) => return Ok((process, None)),
        Source::New { program, command } => (program, command),
    };
    let prepare = |source| Error::Prepare { path: log.path().to_path_buf(), source };
    let output = log.begin().map_err(prepare)?;
    let errors = output.try_clone().map_err(prepare)?;
    let failed = |source| Error::Spawn { program: program.clone(), source };
    let child = command
        .env_clear()
        .envs(environment())
        // A group of its own: Ctrl-C goes to smithd, which stops the core and the API before etcd.
        .process_group(0)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(errors)
        .spawn()
        .map_err(failed)?;
    // It isn't reaped yet, so the pid is its own even if it has ended already.
    let process = Process::open(child.id()).map_err(failed)?;
    Ok((process, Some(child)))
}

/// Blocks until the end of the process, and says what is known of it.
fn wait(process: &Process, child: Option<Child>, log: &Log) -> String {
    loop {
        match process.wait(LOG_CHECKED_EVERY) {
            Ok(true) => break,
            Ok(false) => {
                if let Err(error) = log.keep_bounded() {
                    tracing::warn!(%error, log = %log.path().display(), "can't keep etcd's log bounded");
                }
            }
            Err(error) => return format!("it can't be waited for: {error}"),
        }
    }
    match child {
        Some(mut child) => match child.wait() {
            Ok(status) => status.to_string(),
            Err(error) => format!("its exit status can't be read: {error}"),
        },
        None => "exit status not known, because an earlier smithd started it".to_owned(),
    }
}

/// What etcd gets of an environment: nothing of ours, because every `ETCD_…` variable is a setting.
pub(super) fn environment() -> Vec<(&'static str, &'static str)> {
    match std::env::consts::ARCH {
        // etcd 3.4 refuses to start there unless it is told that one knows.
        "aarch64" => vec![("ETCD_UNSUPPORTED_ARCH", "arm64")],
        _ => Vec::new(),
    }
}
