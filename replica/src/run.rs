//! `smith-replica run`: the process around an attempt, with its files for the runtime that started it.
//!
//! | file in the directory | says |
//! |---|---|
//! | `pid.json` | which process this is; the first thing written |
//! | `exit.json` | how it ended; the last thing written, at an orderly end |
//!
//! Standard input holds the [`Launch`] (secrets come neither by argument nor by environment). Standard
//! output is a file that the runtime holds locked as long as this process lives: it is moved out of
//! every child's reach and never written. Logs go to standard error.

use std::convert::Infallible;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::DumpableBehavior;
use serde::Serialize;
use smith_client::{Config, Secret, worker as client};
use smith_model::attempt::Exit;
use smith_model::worker::{Bearer, Launch};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::attempt::{self, Ended, Setting};
use crate::host::Local;

/// Why the process could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The process could not be set up.
    #[error("cannot {act}")]
    SetUp {
        /// What was tried.
        act: &'static str,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// Standard input doesn't hold a launch. It may hold secrets, so nothing of it is shown.
    #[error("standard input isn't a launch: line {line}, column {column}")]
    Launch {
        /// Where it stops to be one.
        line: usize,
        /// See `line`.
        column: usize,
    },
    /// The claim token isn't one.
    #[error("the launch holds no claim token")]
    Token,
    /// The API's address can't be used.
    #[error("cannot speak to the API")]
    Client(#[source] client::Error),
    /// There was no attempt.
    #[error(transparent)]
    Attempt(#[from] attempt::Error),
}

/// Settings of the process.
#[derive(Clone, Debug)]
pub struct Options {
    /// The worker's directory.
    pub dir: PathBuf,
    /// Without any answer of the API for so long, all processes are ended.
    pub api_patience: Duration,
    /// Directories to hide from agents and gates: the server's own, of which this worker's is a part.
    pub hidden: Vec<PathBuf>,
}

/// The largest launch that is read.
const MOST_LAUNCH: u64 = 1024 * 1024;
/// The longest path that a unix socket can have here, with room for its name.
const MOST_SOCKET: usize = 100;

/// Runs the worker to its end.
pub fn run(options: &Options) -> Result<(), Error> {
    let Options { dir, api_patience, hidden } = options;
    let dir = dir.canonicalize().map_err(|source| set_up("find the worker's directory", source))?;
    let _lock = hide_stdout().map_err(|source| set_up("move standard output away", source))?;
    write_json(&dir.join("pid.json"), &pid_record()?)
        .map_err(|source| set_up("write pid.json", source))?;
    harden()?;
    let result = launch().and_then(|launch| with_launch(&dir, launch, hidden, *api_patience));
    let code = match &result {
        Ok(_) => 0,
        Err(_) => 1,
    };
    write_json(&dir.join("exit.json"), &ExitRecord { exit: Exit::Code(code) })
        .map_err(|source| set_up("write exit.json", source))?;
    match result? {
        Ended::Finished(answer) => {
            tracing::info!(state = %answer.state, reason = %answer.reason, answer.message, "finished");
        }
        Ended::Abandoned(why) => tracing::warn!(why, "ended without changing anything more"),
    }
    Ok(())
}

fn with_launch(
    dir: &Path,
    launch: Launch,
    hidden: &[PathBuf],
    patience: Duration,
) -> Result<Ended, Error> {
    let bearer: Bearer = launch.claim_token.parse().map_err(|_| Error::Token)?;
    let secret = hex::encode(rand::random::<[u8; 32]>());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        // One for the work, one that keeps the lease while the other is busy.
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|source| set_up("start the runtime", source))?;
    runtime.block_on(async {
        let agent = concat!("smith-replica/", env!("CARGO_PKG_VERSION"));
        let config = Config::new(&launch.api_url, agent);
        let session = client::Session::new(config, &bearer, Secret::new(&secret));
        let api = Arc::new(session.map_err(Error::Client)?);
        let socket =
            Socket::near(dir).map_err(|source| set_up("make room for a socket", source))?;
        let program =
            std::env::current_exe().map_err(|source| set_up("find this program", source))?;
        let host = Local {
            program,
            socket: socket.path.clone(),
            workspace: dir.join("workspace"),
            hidden: hidden.to_vec(),
            isolation: None,
        };
        let (terms, counting) = terms().map_err(|source| set_up("listen for signals", source))?;
        let setting = Setting {
            api,
            launch,
            secrets: vec![secret],
            dir: dir.to_owned(),
            host,
            terms,
            patience,
        };
        tokio::select! {
            ended = attempt::run(setting) => Ok(ended?),
            never = counting => match never {},
        }
    })
}

fn set_up(act: &'static str, source: io::Error) -> Error {
    Error::SetUp { act, source }
}

/// Puts `/dev/null` in the place of standard output, and keeps the file that was there open, where no
/// child inherits it.
fn hide_stdout() -> io::Result<OwnedFd> {
    let lock = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdout(), 3)?;
    let null = File::options().write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdout(&null)?;
    Ok(lock)
}

/// No debugger of the same user may read the secrets of this process, and what its children leave
/// behind comes to it instead of getting lost.
pub fn harden() -> Result<(), Error> {
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .map_err(|errno| set_up("make this process undumpable", errno.into()))?;
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))
        .map_err(|errno| set_up("become a subreaper", errno.into()))
}

#[derive(Serialize)]
struct PidRecord {
    pid: u32,
    start_time: u64,
    boot_id: String,
}

#[derive(Serialize)]
struct ExitRecord {
    exit: Exit,
}

fn pid_record() -> Result<PidRecord, Error> {
    let read = |path: &str| {
        std::fs::read_to_string(path)
            .map_err(|source| set_up("read what /proc says of this process", source))
    };
    let stat = read("/proc/self/stat")?;
    let start_time = start_time(&stat)
        .ok_or_else(|| set_up("read /proc/self/stat", io::Error::other("it has no start time")))?;
    let boot_id = read("/proc/sys/kernel/random/boot_id")?.trim().to_owned();
    Ok(PidRecord { pid: std::process::id(), start_time, boot_id })
}

/// Field 22. The second one is the program's name in brackets, which may hold blanks and brackets.
fn start_time(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(") ")?;
    rest.split(' ').nth(19)?.parse().ok()
}

/// Writes beside the final name and renames, so that nobody reads half of it.
fn write_json(path: &Path, value: &impl Serialize) -> io::Result<()> {
    let beside = path.with_extension("json.new");
    let mut file = File::create(&beside)?;
    file.write_all(&serde_json::to_vec(value)?)?;
    std::fs::rename(&beside, path)
}

fn launch() -> Result<Launch, Error> {
    let mut bytes = vec![];
    io::stdin()
        .take(MOST_LAUNCH)
        .read_to_end(&mut bytes)
        .map_err(|source| set_up("read standard input", source))?;
    serde_json::from_slice(&bytes)
        .map_err(|error| Error::Launch { line: error.line(), column: error.column() })
}

/// Counts how often the process is told to stop.
fn terms() -> io::Result<(watch::Receiver<u32>, impl Future<Output = Infallible>)> {
    let mut term = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (tx, terms) = watch::channel(0);
    let counting = async move {
        loop {
            tokio::select! {
                _ = term.recv() => {}
                _ = interrupt.recv() => {}
            }
            tx.send_modify(|n| *n += 1);
        }
    };
    Ok((terms, counting))
}

/// Where the host's socket goes, in a directory of this user's alone.
struct Socket {
    path: PathBuf,
    /// Made for it, since the worker's own directory has too long a path.
    made: Option<PathBuf>,
}

impl Socket {
    fn near(dir: &Path) -> io::Result<Self> {
        let path = dir.join("host").join("socket");
        if path.as_os_str().len() <= MOST_SOCKET {
            return Ok(Self { path, made: None });
        }
        let name = format!("smith-{}", hex::encode(rand::random::<[u8; 8]>()));
        let made = std::env::temp_dir().join(name);
        std::os::unix::fs::DirBuilderExt::mode(&mut std::fs::DirBuilder::new(), 0o700)
            .create(&made)?;
        Ok(Self { path: made.join("socket"), made: Some(made) })
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if let Some(made) = &self.made {
            let _ = std::fs::remove_dir_all(made);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_time_is_found_behind_any_name() {
        let numbers: Vec<String> = (4..=52).map(|n| n.to_string()).collect();
        let stat = format!("12 (a) b (c)) S {}", numbers.join(" "));
        assert_eq!(start_time(&stat), Some(22));
        let own = std::fs::read_to_string("/proc/self/stat").expect("reads");
        assert!(start_time(&own).is_some());
        assert_eq!(start_time("12"), None);
    }

    #[test]
    fn a_long_directory_gets_a_socket_elsewhere() {
        let short = Socket::near(Path::new("/d")).expect("fits");
        assert_eq!(short.path, Path::new("/d/host/socket"));
        let long = Socket::near(&Path::new("/").join("x".repeat(200))).expect("is made");
        let made = long.made.clone().expect("is made");
        assert!(made.is_dir() && long.path.as_os_str().len() <= MOST_SOCKET);
        drop(long);
        assert!(!made.exists());
    }
}
