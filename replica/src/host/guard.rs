//! What stands around a local host, so that nothing of it survives it.
//!
//! Two small programs, both started by the replica as `smith-replica host --role …`:
//! [`namespace`] becomes `unshare`, which makes the host the first process of a PID namespace;
//! [`guard`] is for machines where the kernel refuses that: a subreaper that outlives the host and
//! ends what a killed host left.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;

use super::isolation::Namespace;
use super::run::{Options, Role, become_private, single_threaded};
use super::tree::{self, Reaped};

/// How long a host may take to end everything when it is told to.
const HOST_GRACE: Duration = Duration::from_secs(5);
/// How long the guard tries to end what a host left.
const END_BOUND: Duration = Duration::from_secs(10);

/// Why there is no host.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// The process couldn't be prepared.
    #[error("can't prepare the host's guard")]
    Prepare(#[source] io::Error),
    /// `unshare` couldn't be executed.
    #[error("can't execute unshare")]
    Unshare(#[source] io::Error),
    /// The host couldn't be started.
    #[error("can't start the host")]
    Start(#[source] io::Error),
    /// Processes couldn't be found, signalled or reaped.
    #[error("can't end what the host left")]
    End(#[source] io::Error),
    /// They couldn't be killed.
    #[error("{0} processes of the host are left and can't be killed")]
    Left(u32),
}

/// Runs the host as the first process of a new PID namespace. Returns only on failure.
pub(super) fn namespace(options: &Options, namespace: Namespace) -> Result<(), GuardError> {
    // It passes the exec. The replica's death ends unshare, that ends the host, and that everything.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(|errno| GuardError::Prepare(errno.into()))?;
    let mut unshare = Command::new("unshare");
    unshare.args(namespace.unshare_arguments()).arg("--");
    unshare.arg(std::env::current_exe().map_err(GuardError::Prepare)?);
    unshare.arg("host").args(options.arguments(Role::Direct));
    Err(GuardError::Unshare(unshare.exec()))
}

/// Runs the host as a child and ends what it leaves.
pub(super) fn guard(options: &Options) -> Result<(), GuardError> {
    let runtime = single_threaded().map_err(GuardError::Prepare)?;
    runtime.block_on(run(options))
}

async fn run(options: &Options) -> Result<(), GuardError> {
    let prepared = |error: io::Error| GuardError::Prepare(error);
    become_private().map_err(prepared)?;
    // Not KILL: the guard has an end of its own to bring about.
    rustix::process::set_parent_process_death_signal(Some(Signal::TERM))
        .map_err(|errno| GuardError::Prepare(errno.into()))?;
    let mut child_signal = signal(SignalKind::child()).map_err(prepared)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(prepared)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(prepared)?;
    let mut hangup = signal(SignalKind::hangup()).map_err(prepared)?;

    let host =
        again("host", options.arguments(Role::Guarded)).spawn().map_err(GuardError::Start)?;
    let host = i32::try_from(host.id()).unwrap_or(-1);
    let mut kill_at: Option<Instant> = None;
    loop {
        match tree::reap().map_err(GuardError::End)? {
            Reaped::Ended(pid, _) if pid == host => break,
            Reaped::Ended(..) => continue,
            Reaped::Childless => break,
            Reaped::Nothing => {}
        }
        tokio::select! {
            _ = child_signal.recv() => continue,
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hangup.recv() => {}
            () = at(kill_at) => {
                to(host, Signal::KILL);
                kill_at = None;
                continue;
            }
        }
        // A host that something stopped has to go on to end anything.
        to(host, Signal::TERM);
        to(host, Signal::CONT);
        kill_at = kill_at.or(Some(Instant::now() + HOST_GRACE));
    }
    match tree::end_descendants(END_BOUND).await.map_err(GuardError::End)? {
        0 => Ok(()),
        left => Err(GuardError::Left(left)),
    }
}

async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

/// Signals the host: a child that isn't reaped yet, so the pid is its own.
fn to(host: i32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(host) {
        let _ = rustix::process::kill_process(pid, signal);
    }
}

/// This program once more, with an environment that holds nothing but what tests arm.
///
/// By `/proc/self/exe`, so that an upgrade on disk doesn't mix two versions.
pub(super) fn again(
    subcommand: &str,
    arguments: impl IntoIterator<Item = impl AsRef<std::ffi::OsStr>>,
) -> Command {
    let mut command = Command::new("/proc/self/exe");
    command
        .arg0("smith-replica")
        .arg(subcommand)
        .args(arguments)
        .env_clear()
        .envs(environment())
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    command
}

/// What of the own environment a host and its keepers get.
pub(super) fn environment() -> BTreeMap<&'static str, std::ffi::OsString> {
    ["PATH", "SMITH_FAILPOINTS", "SMITH_FAILPOINTS_LOG"]
        .into_iter()
        .filter_map(|name| Some((name, std::env::var_os(name)?)))
        .collect()
}
