//! A process by its pidfd: signals and waiting that can't hit another one to which the pid went.
//!
//! Also finds the etcd that an earlier smithd left behind. It is known by its data directory, which is an
//! argument of its own: that is there from before its exec until its end, while a pid file can be missing
//! (smithd killed between spawn and write) or stale (after a reboot).

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// One process, that may have ended meanwhile.
#[derive(Debug)]
pub(super) struct Process {
    pid: u32,
    pidfd: OwnedFd,
}

impl Process {
    /// The process that has this pid now.
    pub(super) fn open(pid: u32) -> io::Result<Self> {
        let raw =
            i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidInput)?;
        Ok(Self { pid, pidfd: pidfd_open(raw, PidfdFlags::empty())? })
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    /// Sends a signal; one that has ended is success.
    pub(super) fn signal(&self, signal: Signal) -> io::Result<()> {
        match pidfd_send_signal(&self.pidfd, signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Blocks until it has ended, or for this long; whether it has ended.
    pub(super) fn wait(&self, longest: Duration) -> io::Result<bool> {
        let timeout = Timespec::try_from(longest).map_err(|_| io::ErrorKind::InvalidInput)?;
        let mut fds = [PollFd::from_borrowed_fd(self.pidfd.as_fd(), PollFlags::IN)];
        match poll(&mut fds, Some(&timeout)) {
            Ok(ready) => Ok(ready > 0),
            Err(rustix::io::Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// A process with its command line.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) process: Process,
    pub(super) arguments: Vec<OsString>,
}

/// This user's processes that have exactly this argument. None where there is no /proc.
pub(super) fn with_argument(argument: &OsStr) -> io::Result<Vec<Found>> {
    let user = rustix::process::geteuid().as_raw();
    let entries = match fs::read_dir("/proc") {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        // Processes come and go during the scan; what can't be read isn't one of ours that runs.
        let Ok(entry) = entry else { continue };
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        if pid == std::process::id() || !entry.metadata().is_ok_and(|process| process.uid() == user)
        {
            continue;
        }
        if !arguments(pid).is_some_and(|arguments| arguments.iter().any(|it| it == argument)) {
            continue;
        }
        // Read again once the pidfd is held: only now is it sure to be the same process.
        let Ok(process) = Process::open(pid) else { continue };
        if let Some(arguments) = arguments(pid)
            && arguments.iter().any(|it| it == argument)
        {
            found.push(Found { process, arguments });
        }
    }
    Ok(found)
}

fn arguments(pid: u32) -> Option<Vec<OsString>> {
    let mut line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    if line.last() == Some(&0) {
        line.pop();
    }
    Some(
        line.split(|byte| *byte == 0)
            .map(|argument| OsString::from_vec(argument.to_vec()))
            .collect(),
    )
}
