//! The keeper: the process around one start.
//!
//! It starts the program, reports its end and reaps. It is a subreaper, so everything that comes of
//! the program stays below it, and it ends itself when the kernel says that it has no children
//! left. When its host is gone, it ends all of them itself.
//!
//! Must not know: other starts. Whom to signal and when is the host's to decide.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Stdio;
use std::time::Duration;

use portable_pty::{CommandBuilder, PtySize};
use smith_failpoint as failpoint;
use tokio::net::UnixStream;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::channel::{self, ChannelError};
use super::program::{self, Refused, Resolved};
use super::tree::{self, Reaped};
use super::wire::{Io, Keep, KeeperReport, Size, StartFailure, Stdin};

/// How long an orphaned keeper tries to end its processes.
const END_BOUND: Duration = Duration::from_secs(10);

/// Why a keeper failed; its host sees that it is gone and ends what is left.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// The process couldn't be prepared.
    #[error("can't prepare the keeper of a start")]
    Prepare(#[source] io::Error),
    /// The host said something that is no order.
    #[error("the host's order to the keeper is unusable")]
    Order(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The host could not be told.
    #[error("can't report to the host")]
    Report(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Waiting for children failed.
    #[error("can't reap")]
    Reap(#[source] io::Error),
}

fn order(error: ChannelError) -> KeepError {
    KeepError::Order(error.into())
}

fn report(error: ChannelError) -> KeepError {
    KeepError::Report(error.into())
}

/// Runs a keeper: the order comes, and reports go, through the socket on standard input.
/// Only a host starts it.
pub fn keep() -> Result<(), KeepError> {
    let runtime = super::run::single_threaded().map_err(KeepError::Prepare)?;
    runtime.block_on(run())
}

async fn run() -> Result<(), KeepError> {
    super::run::become_private().map_err(KeepError::Prepare)?;
    let mut child_signal = signal(SignalKind::child()).map_err(KeepError::Prepare)?;
    // What runs below can signal its keeper. Handlers, not "ignore": those pass over an exec.
    let _ignored = ignored_signals().map_err(KeepError::Prepare)?;
    let socket = io::stdin().as_fd().try_clone_to_owned().map_err(KeepError::Prepare)?;
    let (mut receiver, mut sender) = channel::split(from_fd(socket).map_err(KeepError::Prepare)?);

    let Some((keep, _)) = receiver.recv::<Keep>().await.map_err(order)? else {
        return Ok(());
    };
    let _ = failpoint::hit!("keeper.start.before");
    let leader = match start(&keep) {
        Ok(Begun { pid, fds }) => {
            let _ = failpoint::hit!("keeper.start.after");
            let started = KeeperReport::Started { pid };
            sender.send(&started, &fds).await.map_err(report)?;
            i32::try_from(pid).unwrap_or(-1)
        }
        Err(Refused { kind, message }) => {
            let failed = KeeperReport::StartFailed { kind, message };
            sender.send(&failed, &[]).await.map_err(report)?;
            return sender.send(&KeeperReport::Over, &[]).await.map_err(report);
        }
    };

    loop {
        match tree::reap().map_err(KeepError::Reap)? {
            Reaped::Ended(pid, exit) if pid == leader => {
                sender.send(&KeeperReport::Ended { exit }, &[]).await.map_err(report)?;
            }
            Reaped::Ended(..) => {}
            Reaped::Childless => {
                return sender.send(&KeeperReport::Over, &[]).await.map_err(report);
            }
            Reaped::Nothing => tokio::select! {
                _ = child_signal.recv() => {}
                // The host says nothing after its order: whatever this is, it is the end.
                _ = receiver.recv::<Keep>() => {
                    tree::end_descendants(END_BOUND).await.map_err(KeepError::Reap)?;
                    return Ok(());
                }
            },
        }
    }
}

fn from_fd(fd: OwnedFd) -> io::Result<UnixStream> {
    let stream = std::os::unix::net::UnixStream::from(fd);
    stream.set_nonblocking(true)?;
    UnixStream::from_std(stream)
}

fn ignored_signals() -> io::Result<Vec<Signal>> {
    [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::quit(), SignalKind::hangup()]
        .into_iter()
        .map(signal)
        .collect()
}

struct Begun {
    pid: u32,
    fds: Vec<OwnedFd>,
}

fn start(keep: &Keep) -> Result<Begun, Refused> {
    let resolved = program::resolve(&keep.command, &keep.workspace)?;
    match keep.io {
        Io::Pty(size) => in_terminal(keep, &resolved, size),
        Io::Pipes(stdin) => in_pipes(keep, &resolved, stdin),
    }
}

fn in_terminal(keep: &Keep, resolved: &Resolved, size: Size) -> Result<Begun, Refused> {
    let failed = |what: &str, error: String| {
        Refused::new(StartFailure::Other, format!("can't {what}: {error}"))
    };
    let size = PtySize { rows: size.rows, cols: size.cols, pixel_width: 0, pixel_height: 0 };
    let pty = portable_pty::native_pty_system()
        .openpty(size)
        .map_err(|error| failed("open a terminal", format!("{error:#}")))?;
    let mut builder = CommandBuilder::new(&resolved.program);
    builder.args(&resolved.arguments);
    builder.cwd(&resolved.cwd);
    builder.env_clear();
    for (name, value) in &keep.command.env {
        builder.env(name, value);
    }
    // Opened before the start, so that nothing can fail after it. Never `take_writer`: dropping it
    // types a newline and an end of file into the terminal.
    let master =
        master_fd(&*pty.master).map_err(|e| failed("hand over a terminal", e.to_string()))?;
    let child = pty.slave.spawn_command(builder).map_err(|error| {
        failed(&format!("start '{}'", resolved.program.display()), format!("{error:#}"))
    })?;
    let pid = child
        .process_id()
        .ok_or_else(|| failed("start a program", "it has no process id".to_owned()))?;
    Ok(Begun { pid, fds: vec![master] })
}

/// A descriptor of the terminal's master that outlives the library's own.
fn master_fd(master: &dyn portable_pty::MasterPty) -> io::Result<OwnedFd> {
    let raw = master.as_raw_fd().ok_or(io::ErrorKind::Unsupported)?;
    // SAFETY: `master` owns `raw` and is borrowed for the whole of the borrow made here. The
    // library offers no safe way to it.
    #[allow(unsafe_code)]
    let borrowed = unsafe { BorrowedFd::borrow_raw(raw) };
    borrowed.try_clone_to_owned()
}

fn in_pipes(keep: &Keep, resolved: &Resolved, stdin: Stdin) -> Result<Begun, Refused> {
    let mut command = std::process::Command::new(&resolved.program);
    command
        .args(&resolved.arguments)
        .current_dir(&resolved.cwd)
        .env_clear()
        .envs(&keep.command.env)
        // A signal that it sends to its own group must not reach its keeper.
        .process_group(0)
        .stdin(match stdin {
            Stdin::Null => Stdio::null(),
            Stdin::Pipe => Stdio::piped(),
        })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| {
        let kind = match error.kind() {
            io::ErrorKind::NotFound => StartFailure::NotFound,
            io::ErrorKind::PermissionDenied => StartFailure::NotExecutable,
            _ => StartFailure::Other,
        };
        Refused::new(kind, format!("can't start '{}': {error}", resolved.program.display()))
    })?;
    let mut fds = Vec::with_capacity(3);
    fds.extend(child.stdout.take().map(OwnedFd::from));
    fds.extend(child.stderr.take().map(OwnedFd::from));
    fds.extend(child.stdin.take().map(OwnedFd::from));
    Ok(Begun { pid: child.id(), fds })
}
