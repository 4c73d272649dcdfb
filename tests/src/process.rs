//! Processes of a test: started with a log, watched, and found again by what they have open.

use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use rustix::process::{Pid, PidfdFlags, Signal};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::process::{Child, Command};

use crate::in_time;

/// A child of the test. Dropped, it is killed.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

/// A process that isn't a child, as `/proc` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its number.
    pub pid: i32,
    /// Its command line.
    pub line: String,
}

impl Process {
    /// Starts a program whose standard error (and output, unless it was set) goes to `log`.
    pub fn spawn(name: &str, mut command: Command, log: &Path) -> Self {
        let file = File::options().append(true).create(true).open(log).unwrap();
        command.stderr(Stdio::from(file)).stdin(Stdio::null()).kill_on_drop(true);
        let child = command.spawn().unwrap_or_else(|e| panic!("{name} doesn't start: {e}"));
        Self { name: name.to_owned(), child, log: log.to_owned() }
    }

    /// Its name in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The child itself, for its pipes.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Its number, until it was waited for.
    pub fn pid(&self) -> Option<i32> {
        self.child.id().and_then(|pid| i32::try_from(pid).ok())
    }

    /// Sends a signal; nothing happens to one that has ended.
    pub fn signal(&self, signal: Signal) {
        if let Some(pid) = self.pid().and_then(Pid::from_raw) {
            let _ = rustix::process::kill_process(pid, signal);
        }
    }

    /// Takes hold of it; `None`: it was waited for.
    pub fn hold(&self) -> Option<Held> {
        let pid = self.pid()?;
        let fd = rustix::process::pidfd_open(Pid::from_raw(pid)?, PidfdFlags::empty()).ok()?;
        Some(Held { fd, pid })
    }

    /// Waits until a signal no longer just ends it, because it handles it (or until it has ended).
    ///
    /// The kernel's own word: a program can't tell whoever started it any sooner.
    pub async fn handles(&mut self, signal: Signal) {
        let what = format!("{} handles {signal:?}", self.name);
        let handled = async {
            while self.has_ended().is_none() && !self.pid().is_some_and(|pid| catches(pid, signal))
            {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        };
        in_time(what, handled).await;
    }

    /// Waits for its end.
    pub async fn ended(&mut self) -> ExitStatus {
        let what = format!("the end of {}", self.name);
        in_time(what, self.child.wait()).await.unwrap()
    }

    /// Kills it, and waits until it is gone.
    pub async fn kill(&mut self) {
        self.signal(Signal::KILL);
        self.ended().await;
    }

    /// Kills it without waiting, for drops.
    pub fn kill_now(&mut self) {
        let _ = self.child.start_kill();
    }

    /// Has it ended by itself?
    pub fn has_ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// The end of its log.
    pub fn tail(&self) -> String {
        tail(&self.log, 16 * 1024)
    }
}

/// Whether a process has a handler for a signal, by `/proc`.
fn catches(pid: i32, signal: Signal) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let caught = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    caught.is_some_and(|mask| mask >> (signal.as_raw() - 1) & 1 == 1)
}

/// The last bytes of a file, as text.
pub fn tail(path: &Path, most: u64) -> String {
    let Ok(mut file) = File::open(path) else {
        return format!("({} can't be read)", path.display());
    };
    let len = file.metadata().map_or(0, |m| m.len());
    let _ = file.seek(SeekFrom::Start(len.saturating_sub(most)));
    let mut bytes = vec![];
    let _ = file.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The command line of a process; empty for one that is gone.
fn line(pid: i32) -> String {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&line).replace('\0', " ").trim().to_owned()
}

/// The process that started a process, or got it as an orphan.
pub fn parent(pid: i32) -> Option<Seen> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let pid = stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()?;
    Some(Seen { pid, line: line(pid) })
}

/// Every process but this one whose command line, directory or open files name something below `dir`.
pub fn below(dir: &Path) -> Vec<Seen> {
    let own = std::process::id().to_string();
    let mut found = vec![];
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(pid) = name.to_str().filter(|n| *n != own).and_then(|n| n.parse::<i32>().ok())
        else {
            continue;
        };
        let proc = entry.path();
        let line = line(pid);
        let opens = || {
            let files = fs::read_dir(proc.join("fd")).into_iter().flatten().flatten();
            files.filter_map(|fd| fs::read_link(fd.path()).ok()).any(|path| path.starts_with(dir))
        };
        let stands = || fs::read_link(proc.join("cwd")).is_ok_and(|path| path.starts_with(dir));
        let named = dir.to_str().is_some_and(|dir| line.contains(dir));
        // A zombie has nothing of this, and runs nothing.
        if named || stands() || opens() {
            found.push(Seen { pid, line });
        }
    }
    found
}

/// Waits until a process is gone, by the kernel's word.
pub async fn gone(pid: i32) {
    let Some(raw) = Pid::from_raw(pid) else { return };
    let Ok(fd) = rustix::process::pidfd_open(raw, PidfdFlags::NONBLOCK) else { return };
    // SAFETY: an `OwnedFd` is open until it is dropped and always names the same descriptor, and the `AsyncFd` owns it.
    #[allow(unsafe_code)]
    let fd = unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) }.unwrap();
    in_time(format!("the end of process {pid}"), async { drop(fd.readable().await.unwrap()) })
        .await;
}

/// A process by a handle: whatever is done to it is done to it, never to a later one of its number.
#[derive(Debug)]
pub struct Held {
    fd: OwnedFd,
    pid: i32,
}

impl Held {
    /// Takes hold of a process that was just seen; `None`: it is gone, or is another one.
    pub fn take(seen: &Seen) -> Option<Self> {
        let fd = rustix::process::pidfd_open(Pid::from_raw(seen.pid)?, PidfdFlags::empty()).ok()?;
        // Read again behind the handle, so that the handle is of what was seen. A zombie has no command line.
        (line(seen.pid) == seen.line).then_some(Self { fd, pid: seen.pid })
    }

    /// Kills it; answers whether it was there to be killed.
    pub async fn kill(self) -> bool {
        let struck = rustix::process::pidfd_send_signal(&self.fd, Signal::KILL).is_ok();
        gone(self.pid).await;
        struck
    }

    /// Stops it; answers whether it stands still now.
    pub async fn stop(&self) -> bool {
        if rustix::process::pidfd_send_signal(&self.fd, Signal::STOP).is_err() {
            return false;
        }
        let stands = async {
            loop {
                match condition(self.pid) {
                    Some('T') => return true,
                    None | Some('Z' | 'X') => return false,
                    // It stops as soon as it is in user space again.
                    Some(_) => tokio::time::sleep(std::time::Duration::from_millis(1)).await,
                }
            }
        };
        in_time(format!("the stop of process {}", self.pid), stands).await
    }

    /// Lets it go on; nothing happens to one that is gone.
    pub fn go_on(&self) {
        let _ = rustix::process::pidfd_send_signal(&self.fd, Signal::CONT);
    }
}

/// What a process does, by the letter of `/proc`; `None`: there is none.
fn condition(pid: i32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The program's name, which can hold anything, ends at the last bracket.
    stat.rsplit_once(") ")?.1.chars().next()
}

/// Sends a signal to a process that isn't a child.
pub fn signal(pid: i32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid) {
        let _ = rustix::process::kill_process(pid, signal);
    }
}
