//! Processes below a process: found in `/proc`, signalled without a mix-up, reaped.

use std::collections::{HashMap, HashSet};
use std::io;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions};
use tokio::time::Instant;

use super::wire::Exit;

/// A process as `/proc/{pid}/stat` showed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) pid: i32,
    parent: i32,
    state: u8,
    /// In ticks since boot: with the pid it names one process.
    started: u64,
    own_ticks: u64,
    /// Of children that were waited for.
    children_ticks: u64,
}

impl Entry {
    fn is_alive(&self) -> bool {
        !matches!(self.state, b'Z' | b'X' | b'x')
    }

    pub(super) fn is_stopped(&self) -> bool {
        matches!(self.state, b'T' | b't')
    }

    /// Sends a signal to this very process; false when it is gone or not ours to signal.
    ///
    /// A pid can be another process's by now, so it is pinned first and looked at again.
    pub(super) fn signal(&self, signal: Signal) -> bool {
        let Some(pid) = Pid::from_raw(self.pid) else {
            return false;
        };
        let pinned = match rustix::process::pidfd_open(pid, PidfdFlags::empty()) {
            Ok(pidfd) => Some(pidfd),
            // A kernel or sandbox without pidfds: the look below is all there is.
            Err(Errno::NOSYS | Errno::PERM | Errno::INVAL) => None,
            Err(_) => return false,
        };
        if !read(self.pid).is_some_and(|now| now.started == self.started && now.is_alive()) {
            return false;
        }
        match pinned {
            Some(pidfd) => rustix::process::pidfd_send_signal(pidfd, signal).is_ok(),
            None => rustix::process::kill_process(pid, signal).is_ok(),
        }
    }
}

fn read(pid: i32) -> Option<Entry> {
    let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    parse(pid, &stat)
}

/// The name of a process stands in parentheses and may hold anything, parentheses too.
fn parse(pid: i32, stat: &[u8]) -> Option<Entry> {
    let name_end = stat.iter().rposition(|&byte| byte == b')')?;
    let rest = std::str::from_utf8(&stat[name_end + 1..]).ok()?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let ticks = |index: usize| fields.get(index)?.parse::<u64>().ok();
    Some(Entry {
        pid,
        state: *fields.first()?.as_bytes().first()?,
        parent: fields.get(1)?.parse().ok()?,
        own_ticks: ticks(11)? + ticks(12)?,
        children_ticks: ticks(13)? + ticks(14)?,
        started: ticks(19)?,
    })
}

/// All processes that `/proc` shows.
pub(super) struct Snapshot {
    entries: HashMap<i32, Entry>,
}

impl Snapshot {
    pub(super) fn take() -> io::Result<Self> {
        let mut entries = HashMap::new();
        for item in std::fs::read_dir("/proc")? {
            // Processes come and go while this reads.
            let Ok(item) = item else { continue };
            if let Some(pid) = item.file_name().to_str().and_then(|name| name.parse().ok())
                && let Some(entry) = read(pid)
            {
                entries.insert(pid, entry);
            }
        }
        Ok(Self { entries })
    }

    /// The living processes below `root`, without it, parents first.
    pub(super) fn below(&self, root: i32) -> Vec<Entry> {
        self.below_except(root, &HashSet::new())
    }

    /// Like [`Self::below`], without the `excepted` and what is below them.
    pub(super) fn below_except(&self, root: i32, excepted: &HashSet<i32>) -> Vec<Entry> {
        let mut children: HashMap<i32, Vec<Entry>> = HashMap::new();
        for entry in self.entries.values() {
            children.entry(entry.parent).or_default().push(*entry);
        }
        let mut found = Vec::new();
        let mut parents = vec![root];
        // Taking each list out ends the walk, even if a snapshot that isn't of one moment has a ring.
        while let Some(parent) = parents.pop() {
            for child in children.remove(&parent).unwrap_or_default() {
                if !excepted.contains(&child.pid) {
                    parents.push(child.pid);
                    found.push(child);
                }
            }
        }
        found.retain(Entry::is_alive);
        found
    }

    /// What everything below `root` has used so far, those included that are gone and were waited for.
    pub(super) fn cpu(&self, root: i32) -> Duration {
        let waited_for = self.entries.get(&root).map_or(0, |entry| entry.children_ticks);
        let ticks = self
            .below(root)
            .iter()
            .fold(waited_for, |sum, entry| sum + entry.own_ticks + entry.children_ticks);
        let per_second = rustix::param::clock_ticks_per_second().max(1);
        Duration::from_millis(ticks * 1000 / per_second)
    }
}

/// Own pid, as `/proc` here shows it.
pub(super) fn own_pid() -> i32 {
    rustix::process::getpid().as_raw_nonzero().get()
}

/// Ends processes below a root, again and again until its owner knows that none is left.
#[derive(Debug, Default)]
pub(super) struct Strike {
    struck: HashSet<(i32, u64)>,
}

impl Strike {
    /// Kills all that `targets` finds now; how many that were.
    ///
    /// They are stopped first: what forks on and on can't outrun the second look.
    pub(super) fn once(&mut self, targets: impl Fn(&Snapshot) -> Vec<Entry>) -> io::Result<usize> {
        let first = targets(&Snapshot::take()?);
        if first.is_empty() {
            return Ok(0);
        }
        for entry in first {
            entry.signal(Signal::STOP);
        }
        let all = targets(&Snapshot::take()?);
        for entry in &all {
            if entry.signal(Signal::KILL) {
                self.struck.insert((entry.pid, entry.started));
            }
        }
        Ok(all.len())
    }

    /// How many different processes were killed.
    pub(super) fn count(&self) -> u32 {
        count(self.struck.len())
    }
}

/// A number of processes as the protocol counts them.
pub(super) fn count(processes: usize) -> u32 {
    u32::try_from(processes).unwrap_or(u32::MAX)
}

/// What [`reap`] found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reaped {
    /// This child ended.
    Ended(i32, Exit),
    /// There are children, and none has ended.
    Nothing,
    /// There are no children; below a subreaper this means: no descendants.
    Childless,
}

/// Waits for one ended child, without waiting.
pub(super) fn reap() -> io::Result<Reaped> {
    loop {
        match rustix::process::wait(WaitOptions::NOHANG) {
            Ok(None) => return Ok(Reaped::Nothing),
            Ok(Some((pid, status))) => {
                let pid = pid.as_raw_nonzero().get();
                if let Some(code) = status.exit_status() {
                    return Ok(Reaped::Ended(pid, Exit::Code(code)));
                }
                if let Some(signal) = status.terminating_signal() {
                    return Ok(Reaped::Ended(pid, Exit::Signal(signal)));
                }
            }
            Err(Errno::CHILD) => return Ok(Reaped::Childless),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}

/// Reaps all that has ended; true when no child is left.
fn reap_all() -> io::Result<bool> {
    loop {
        match reap()? {
            Reaped::Ended(..) => {}
            Reaped::Nothing => return Ok(false),
            Reaped::Childless => return Ok(true),
        }
    }
}

/// Reaps all children that have ended and lets those go on that were stopped; true when none is
/// left. For a parent of keepers: a process can stop its own keeper, which would tell nothing then.
pub(super) fn reap_and_wake() -> io::Result<bool> {
    loop {
        match rustix::process::wait(WaitOptions::NOHANG | WaitOptions::UNTRACED) {
            Ok(None) => return Ok(false),
            Ok(Some((pid, status))) if status.stopped() => {
                // It isn't reaped, so the pid is its own.
                let _ = rustix::process::kill_process(pid, Signal::CONT);
            }
            Ok(Some(_)) | Err(Errno::INTR) => {}
            Err(Errno::CHILD) => return Ok(true),
            Err(errno) => return Err(errno.into()),
        }
    }
}

/// Pauses between looks: short at first, because a kill takes effect in well under a millisecond.
pub(super) struct Pauses(Duration);

impl Pauses {
    pub(super) fn new() -> Self {
        Self(Duration::from_millis(1))
    }

    pub(super) fn next(&mut self) -> Duration {
        let pause = self.0;
        self.0 = (pause * 2).min(Duration::from_millis(50));
        pause
    }
}

/// Ends every descendant of this process and reaps it; how many are left when `bound` has passed
/// (a process that hangs in the kernel can't be killed).
///
/// For a process that is a subreaper and that waits for its children nowhere else.
pub(super) async fn end_descendants(bound: Duration) -> io::Result<u32> {
    let deadline = Instant::now() + bound;
    let mut strike = Strike::default();
    let mut pauses = Pauses::new();
    loop {
        if reap_all()? {
            return Ok(0);
        }
        let left = strike.once(|snapshot| snapshot.below(own_pid()))?;
        if Instant::now() >= deadline {
            return Ok(count(left.max(1)));
        }
        tokio::time::sleep(pauses.next()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_parentheses_and_spaces() {
        let stat = b"77 (a) R 1 (b) S 42 77 77 0 -1 4194560 1 2 3 4 10 20 30 40 20 0 1 0 9876 1 1";
        let entry = parse(77, stat).unwrap();
        assert_eq!((entry.parent, entry.state, entry.started), (42, b'S', 9876));
        assert_eq!((entry.own_ticks, entry.children_ticks), (30, 70));
        assert_eq!(parse(1, b"1 (cut off) S 1"), None);
        assert_eq!(parse(1, b""), None);
    }

    #[test]
    fn a_ring_of_parents_does_not_hang_the_walk() {
        let entry = |pid, parent, state| Entry {
            pid,
            parent,
            state,
            started: 1,
            own_ticks: 0,
            children_ticks: 0,
        };
        let entries = [entry(2, 4, b'S'), entry(3, 2, b'Z'), entry(4, 3, b'S'), entry(9, 1, b'S')];
        let snapshot = Snapshot { entries: entries.iter().map(|e| (e.pid, *e)).collect() };
        let mut pids: Vec<i32> = snapshot.below(2).iter().map(|e| e.pid).collect();
        pids.sort_unstable();
        assert_eq!(pids, [2, 4], "the zombie is not alive, its child is found all the same");
    }

    #[test]
    fn a_signal_misses_a_process_that_took_over_the_pid() {
        let mut child = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
        let entry = read(i32::try_from(child.id()).unwrap()).unwrap();
        let earlier = Entry { started: entry.started - 1, ..entry };
        assert!(!earlier.signal(Signal::KILL));
        assert!(entry.signal(Signal::KILL));
        assert!(!child.wait().unwrap().success());
    }
}
