//! The kernel says when a worker's lock is let go and when its log grows: one inotify instance for all.
//!
//! The last close of `alive` is the end of the replica, whoever its parent is: so children and adopted
//! workers are watched in the same way, without polling and without a thread or descriptor each.
//! A pidfd each was the other choice; it needs `pid.json`, which a replica that just began hasn't written.

use std::collections::HashMap;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;
use tokio::io::unix::AsyncFd;

use super::process::readable;

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Seen {
    /// An open file of the worker's lock was closed for the last time.
    Closed(String),
    /// The worker's log was written to.
    Logged(String),
    /// The kernel dropped events: anything may have happened.
    Overflow,
}

/// The watched files, by the kernel's number for each.
pub(super) struct Watch {
    fd: AsyncFd<OwnedFd>,
    watched: Mutex<HashMap<i32, Seen>>,
}

impl Watch {
    pub(super) fn new() -> io::Result<Self> {
        let fd = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        Ok(Self { fd: readable(fd)?, watched: Mutex::default() })
    }

    /// Watches the lock and the log of a worker; both files exist.
    pub(super) fn add(&self, name: &str, alive: &Path, log: &Path) -> io::Result<()> {
        // DONT_FOLLOW: a link in a log's place would have another file watched.
        let flags = WatchFlags::DONT_FOLLOW;
        // Held over both steps, so that no event arrives before its number is known.
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let closed = inotify::add_watch(self.fd.get_ref(), alive, WatchFlags::CLOSE_WRITE | flags)?;
        watched.insert(closed, Seen::Closed(name.to_owned()));
        let logged = inotify::add_watch(self.fd.get_ref(), log, WatchFlags::MODIFY | flags)?;
        watched.insert(logged, Seen::Logged(name.to_owned()));
        Ok(())
    }

    /// Waits until something happened. Cancel-safe: what was read is returned in the same step.
    pub(super) async fn next(&self) -> io::Result<Vec<Seen>> {
        loop {
            let mut ready = self.fd.readable().await?;
            match ready.try_io(|fd| self.read(fd.get_ref())) {
                Ok(Ok(seen)) if seen.is_empty() => {}
                Ok(result) => return result,
                Err(_would_block) => {}
            }
        }
    }

    /// One buffer of events, each kind once.
    fn read(&self, fd: &OwnedFd) -> io::Result<Vec<Seen>> {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = inotify::Reader::new(fd, &mut buffer);
        let mut all = Vec::new();
        loop {
            let event = match reader.next() {
                Ok(event) => event,
                Err(Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            };
            let (number, kind) = (event.wd(), event.events());
            let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
            let seen = if kind.contains(ReadFlags::QUEUE_OVERFLOW) {
                Some(Seen::Overflow)
            } else if kind.contains(ReadFlags::IGNORED) {
                // The file is gone, and its number with it.
                watched.remove(&number);
                None
            } else {
                watched.get(&number).cloned()
            };
            if let Some(seen) = seen
                && !all.contains(&seen)
            {
                all.push(seen);
            }
            if reader.is_buffer_empty() {
                return Ok(all);
            }
        }
    }
}
