//! A host on the replica's own machine: launched, watched and, at its end, verified to be gone.

use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::oneshot;

use super::guard;
use super::isolation::Isolation;
use super::loss::Gone;
use super::readiness::register;
use super::run::{Options, Role};

/// How to launch a host here.
#[derive(Clone, Debug)]
pub struct Local {
    /// The `smith-replica` binary.
    pub program: PathBuf,
    /// Where the replica listens for it; in a directory of its user's alone.
    pub socket: PathBuf,
    /// The directory that commands run in.
    pub workspace: PathBuf,
    /// Directories that nothing in the workspace has to see; those that aren't there are passed over.
    pub hidden: Vec<PathBuf>,
    /// What stands around it; `None`: the best that the kernel allows.
    pub isolation: Option<Isolation>,
}

/// Longer than a host needs to end everything on its own.
const HOST_END: Duration = Duration::from_secs(16);
/// How long a process may take to be gone that was killed, or that guards one that was.
const KILL_END: Duration = Duration::from_secs(16);

/// The outermost process of a host.
pub(super) struct Launched {
    ended: oneshot::Receiver<io::Result<ExitStatus>>,
    pub(super) isolation: Isolation,
}

/// Starts the outermost process: `unshare` to be, or the guard.
///
/// A thread of its own starts it and waits for it. What the child gets when its parent dies, it gets
/// when the *thread* dies that started it, and a thread of a pool can end at any time.
pub(super) async fn launch(local: &Local, isolation: Isolation) -> io::Result<Launched> {
    let options = Options {
        socket: local.socket.clone(),
        workspace: local.workspace.clone(),
        hidden: local.hidden.clone(),
    };
    let mut command = std::process::Command::new(&local.program);
    command
        .arg("host")
        .args(options.arguments(Role::from(isolation)))
        .env_clear()
        .envs(guard::environment())
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    let (started_tx, started) = oneshot::channel();
    let (ended_tx, ended) = oneshot::channel();
    std::thread::Builder::new().name("host-waiter".to_owned()).spawn(move || {
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => {
                let _ = started_tx.send(Err(error));
                return;
            }
        };
        // Nobody listens any more when the launch was cancelled; the child finds no socket then.
        let _ = started_tx.send(Ok(()));
        let _ = ended_tx.send(child.wait());
    })?;
    started.await.map_err(io::Error::other)??;
    Ok(Launched { ended, isolation })
}

impl Launched {
    /// Waits for an end that comes too early; cancel-safe.
    pub(super) async fn ended(&mut self) -> String {
        match (&mut self.ended).await {
            Ok(Ok(status)) => status.to_string(),
            Ok(Err(error)) => format!("can't wait for it: {error}"),
            Err(_) => "its thread is gone".to_owned(),
        }
    }
}

/// A launched host that is connected.
pub(super) struct Watched {
    launched: Launched,
    /// The host itself, pinned.
    host: AsyncFd<OwnedFd>,
}

/// How long a host gets to end by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// It hung up, and is ending what it started.
    Usual,
    /// It doesn't answer.
    None,
}

impl Watched {
    /// `pid` is the peer's, as the kernel tells it.
    pub(super) fn new(launched: Launched, pid: Pid) -> io::Result<Self> {
        let host = rustix::process::pidfd_open(pid, PidfdFlags::NONBLOCK)?;
        Ok(Self { launched, host: register(host, Interest::READABLE)? })
    }

    pub(super) fn isolation(&self) -> Isolation {
        self.launched.isolation
    }

    /// Sees to it that nothing of the host is left, and says whether that is so.
    pub(super) async fn verify(self, patience: Patience) -> Gone {
        let Self { mut launched, host } = self;
        let patience = match patience {
            Patience::Usual => HOST_END,
            Patience::None => Duration::ZERO,
        };
        if tokio::time::timeout(patience, host.readable()).await.is_err() {
            // Stopped or stuck. What stands around it ends the rest.
            let _ = rustix::process::pidfd_send_signal(host.get_ref(), Signal::KILL);
            if tokio::time::timeout(KILL_END, host.readable()).await.is_err() {
                return Gone::Unverified { why: "the host can't be killed".to_owned() };
            }
        }
        match launched.isolation {
            // The first process of a namespace is reported as ended after all the others are.
            Isolation::Namespace(_) => Gone::Verified,
            Isolation::Processes => {
                let why = match tokio::time::timeout(KILL_END, &mut launched.ended).await {
                    Ok(Ok(Ok(status))) if status.success() => return Gone::Verified,
                    Ok(Ok(Ok(status))) => format!("the guard ended with {status}"),
                    Ok(_) => "the guard can't be waited for".to_owned(),
                    Err(_) => "the guard doesn't end".to_owned(),
                };
                Gone::Unverified { why }
            }
        }
    }
}
