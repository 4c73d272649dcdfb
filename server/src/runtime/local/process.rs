//! Processes by what can't be mistaken: a pidfd that was checked against the start time.

use std::fs::Metadata;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::record::PidRecord;

/// What is needed of `/proc/{pid}/stat`.
struct Stat {
    state: char,
    session: i32,
    start_time: u64,
}

impl Stat {
    fn parse(text: &str) -> Option<Self> {
        // The program's name is in parentheses and may hold any character, also ')' and spaces.
        let (_, rest) = text.rsplit_once(')')?;
        let fields: Vec<_> = rest.split_ascii_whitespace().collect();
        Some(Self {
            state: fields.first()?.chars().next()?,
            session: fields.get(3)?.parse().ok()?,
            start_time: fields.get(19)?.parse().ok()?,
        })
    }

    /// `None`: there is no such process.
    fn of(pid: i32) -> Option<Self> {
        Self::parse(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// A zombie does nothing any more; it only waits for its parent to notice.
    fn runs(&self) -> bool {
        !matches!(self.state, 'Z' | 'X')
    }
}

/// This boot of this machine.
pub(super) fn boot_id() -> io::Result<String> {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    Ok(text.trim().to_owned())
}

/// The record of a process that exists.
pub(super) fn identify(pid: i32, boot_id: &str) -> Option<PidRecord> {
    let start_time = Stat::of(pid)?.start_time;
    Some(PidRecord { pid, start_time, boot_id: boot_id.to_owned() })
}

/// A process that existed when it was looked up; what is done to it is never done to another one.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) pid: i32,
    fd: OwnedFd,
}

impl Process {
    /// `None`: that process is gone.
    pub(super) fn open(record: &PidRecord, boot_id: &str) -> io::Result<Option<Self>> {
        if record.boot_id != boot_id {
            return Ok(None);
        }
        Self::checked(record.pid, |stat| stat.start_time == record.start_time)
    }

    fn checked(pid: i32, is_it: impl Fn(&Stat) -> bool) -> io::Result<Option<Self>> {
        let Some(raw) = Pid::from_raw(pid).filter(|_| pid > 1) else { return Ok(None) };
        let fd = match pidfd_open(raw, PidfdFlags::empty()) {
            Ok(fd) => fd,
            Err(Errno::SRCH) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        // Looked at after the open: if it is the right one now, the descriptor is that one's for ever.
        let is_it = Stat::of(pid).is_some_and(|stat| stat.runs() && is_it(&stat));
        Ok(is_it.then_some(Self { pid, fd }))
    }

    /// Sends a signal; one that is gone is success.
    pub(super) fn signal(&self, signal: Signal) -> io::Result<()> {
        match pidfd_send_signal(&self.fd, signal) {
            Ok(()) | Err(Errno::SRCH) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits until it is gone.
    pub(super) async fn gone(self) -> io::Result<()> {
        readable(self.fd)?.readable().await?.retain_ready();
        Ok(())
    }
}

/// A descriptor that tells when it can be read.
pub(super) fn readable(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an `OwnedFd` is one open descriptor, the same from here until it is dropped, and nothing
    // can take it out of the `AsyncFd` while that is registered.
    #[allow(unsafe_code)]
    let fd = unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) };
    Ok(fd?)
}

/// Every process of the session that a worker leads or led.
///
/// The kernel doesn't give a number away as long as it names a session with a process in it. So if there
/// is a process of that number that isn't the worker, its session is another one; and what is older than
/// the worker can't be of its session.
pub(super) fn session(leader: &PidRecord, boot_id: &str) -> io::Result<Vec<Process>> {
    if leader.boot_id != boot_id {
        return Ok(Vec::new());
    }
    if Stat::of(leader.pid).is_some_and(|stat| stat.start_time != leader.start_time) {
        return Ok(Vec::new());
    }
    let of_session =
        |stat: &Stat| stat.session == leader.pid && stat.start_time >= leader.start_time;
    filtered(|pid| Process::checked(pid, of_session))
}

/// Every other process that has the file at `path` open for writing, as far as this user may look.
///
/// Readers don't hold a lock that matters: a probe opens it for reading alone.
pub(super) fn holders(path: &Path) -> io::Result<Vec<Process>> {
    let same = |a: &Metadata, b: &Metadata| (a.dev(), a.ino()) == (b.dev(), b.ino());
    let file = std::fs::symlink_metadata(path)?;
    let holds = |pid: i32| {
        let open = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        // The entry's own mode says what it was opened for; followed, it leads to the open file itself,
        // whatever the path of that is now.
        let written = |fd: &Path| fd.symlink_metadata().is_ok_and(|fd| fd.mode() & 0o200 != 0);
        let leads = |fd: &Path| std::fs::metadata(fd).is_ok_and(|found| same(&found, &file));
        open.map(|fd| fd.path()).any(|fd| written(&fd) && leads(&fd))
    };
    filtered(|pid| if holds(pid) { Process::checked(pid, |_| holds(pid)) } else { Ok(None) })
}

fn filtered(look: impl Fn(i32) -> io::Result<Option<Process>>) -> io::Result<Vec<Process>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let Ok(entry) = entry else { continue };
        let pid: Option<i32> = entry.file_name().to_str().and_then(|name| name.parse().ok());
        if let Some(pid) = pid.filter(|pid| u32::try_from(*pid) != Ok(std::process::id())) {
            found.extend(look(pid)?);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stat_line_is_read_behind_any_name() {
        let line = "41 (a) S 1 (x) R 1 41 40 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 12345 1 1";
        let stat = Stat::parse(line).unwrap();
        assert_eq!((stat.state, stat.session, stat.start_time), ('R', 40, 12345));
        assert!(Stat::parse("41 (a").is_none());
    }

    #[test]
    fn a_reused_pid_is_another_process() {
        let boot = boot_id().unwrap();
        let me = identify(std::process::id() as i32, &boot).unwrap();
        assert!(Process::open(&me, &boot).unwrap().is_some());
        let earlier = PidRecord { start_time: me.start_time - 1, ..me.clone() };
        assert!(Process::open(&earlier, &boot).unwrap().is_none());
        assert!(session(&earlier, &boot).unwrap().is_empty());
        let other_boot = PidRecord { boot_id: "other".into(), ..me };
        assert!(Process::open(&other_boot, &boot).unwrap().is_none());
    }
}
