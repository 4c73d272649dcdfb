//! What the worker has to say and the server hasn't taken yet: on disk, in order, sent until taken.
//!
//! Everything goes through one file under one client sequence, so an API that is away for minutes
//! loses nothing and costs no memory. Items that are pushed together are stored in one transaction.
//! The server skips what it has, so sending twice is harmless.

mod log;

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use smith_model::worker::{EvidenceItem, EvidenceRequest, MOST_EVIDENCE_ITEMS};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::api::{Api, Error as ApiError};
use log::{Group, Log};

/// The most bytes of a batch: a transaction may have 1 MiB.
const MOST_BATCH_BYTES: usize = 900 * 1000;
/// At most ten batches a second, so that a worker can't starve people's acts on its loop.
const SPACING: Duration = Duration::from_millis(100);
/// Between tries while the API is away.
const RETRY: Duration = Duration::from_millis(500);

/// Why something could not be said.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file can't be used.
    #[error("cannot {act} the outbox")]
    File {
        /// What was tried.
        act: &'static str,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// The items that must be stored together don't fit into a batch.
    #[error("{items} items of {bytes} bytes don't fit into one batch")]
    TooLarge {
        /// How many.
        items: usize,
        /// Their size.
        bytes: usize,
    },
    /// The server refused a batch for good.
    #[error("the server refused evidence")]
    Refused(#[source] Arc<ApiError>),
}

/// How far the sending has come.
#[derive(Clone, Debug, Default)]
pub struct Sent {
    /// Everything up to this client sequence is stored.
    pub accepted: u64,
    /// The server refused; nothing more is sent.
    pub refused: Option<Arc<ApiError>>,
}

/// The worker's side: takes items.
#[derive(Clone, Debug)]
pub struct Outbox {
    shared: Arc<Shared>,
    sent: watch::Receiver<Sent>,
}

#[derive(Debug)]
struct Shared {
    inner: Mutex<Inner>,
    more: Notify,
}

#[derive(Debug)]
struct Inner {
    log: Log,
    /// The client sequence of the next item.
    next: u64,
}

/// The sending side; [`Sender::run`] it.
#[derive(Debug)]
pub struct Sender {
    shared: Arc<Shared>,
    sent: watch::Sender<Sent>,
}

/// Opens the outbox in `dir`; what an earlier process left in it is sent first.
pub fn open(dir: &Path, accepted: u64) -> Result<(Outbox, Sender), Error> {
    let failed = |source| Error::File { act: "open", source };
    std::fs::create_dir_all(dir).map_err(failed)?;
    let (log, groups) = Log::open(&dir.join("log")).map_err(failed)?;
    let last = groups.last().map_or(0, Group::last);
    let inner = Inner { log, next: last.max(accepted) + 1 };
    let shared = Arc::new(Shared { inner: Mutex::new(inner), more: Notify::new() });
    let start = Sent { accepted, refused: None };
    let (sender, sent) = watch::channel(start);
    Ok((Outbox { shared: Arc::clone(&shared), sent }, Sender { shared, sent: sender }))
}

impl Outbox {
    /// Adds items that are to be stored together; answers the client sequence of the last.
    pub fn push(&self, items: Vec<EvidenceItem>) -> Result<u64, Error> {
        let mut inner = self.shared.lock();
        if items.is_empty() {
            return Ok(inner.next - 1);
        }
        let bytes = serde_json::to_vec(&items)
            .map_err(|e| Error::File { act: "encode an item of", source: e.into() })?
            .len();
        if items.len() > MOST_EVIDENCE_ITEMS || bytes > MOST_BATCH_BYTES - 1000 {
            return Err(Error::TooLarge { items: items.len(), bytes });
        }
        let group = Group { first: inner.next, items };
        let last = group.last();
        inner.log.append(&group).map_err(|source| Error::File { act: "write", source })?;
        inner.next = last + 1;
        drop(inner);
        self.shared.more.notify_one();
        Ok(last)
    }

    /// Waits until everything that was pushed before is stored.
    pub async fn flushed(&self) -> Result<(), Error> {
        let last = self.shared.lock().next - 1;
        let mut sent = self.sent.clone();
        let done = sent.wait_for(|s| s.accepted >= last || s.refused.is_some()).await;
        let refused = match done {
            Ok(sent) if sent.accepted >= last => return Ok(()),
            Ok(sent) => sent.refused.clone(),
            Err(_) => None,
        };
        let stopped = || Arc::new(ApiError::Unreachable("the sender was stopped".to_owned()));
        Err(Error::Refused(refused.unwrap_or_else(stopped)))
    }

    /// How far the sending has come.
    pub fn sent(&self) -> watch::Receiver<Sent> {
        self.sent.clone()
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// The next batch, and where the one after it begins in the file.
struct Batch {
    request: EvidenceRequest,
    last: u64,
    next: u64,
}

impl Sender {
    /// Sends until `stop`, or until the server refuses for good. While the lease is lost or the API
    /// away it tries again and again: the session gets the lease back, or ends everything.
    pub async fn run(self, api: Arc<dyn Api>, stop: CancellationToken) -> Result<(), Error> {
        let mut at = 0;
        let mut accepted = self.sent.borrow().accepted;
        loop {
            let Some(batch) = self.batch(at, accepted)? else {
                tokio::select! { biased;
                    () = stop.cancelled() => return Ok(()),
                    () = self.shared.more.notified() => continue,
                }
            };
            let begun = Instant::now();
            let answer = tokio::select! { biased;
                () = stop.cancelled() => return Ok(()),
                answer = api.evidence(batch.request) => answer,
            };
            let wait = match answer {
                Ok(answer) => {
                    accepted = accepted.max(answer.accepted);
                    if accepted >= batch.last {
                        at = self.taken(batch.next)?;
                    }
                    self.sent.send_modify(|sent| sent.accepted = accepted);
                    SPACING
                }
                Err(ApiError::LockLost | ApiError::Unreachable(_)) => RETRY,
                Err(error) => {
                    let error = Arc::new(error);
                    self.sent.send_modify(|sent| sent.refused = Some(Arc::clone(&error)));
                    return Err(Error::Refused(error));
                }
            };
            tokio::select! { biased;
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep_until(begun + wait) => {}
            }
        }
    }

    /// Whole groups from `at` on, as many as fit; those that are stored are passed over.
    fn batch(&self, mut at: u64, accepted: u64) -> Result<Option<Batch>, Error> {
        let mut inner = self.shared.lock();
        let mut items = vec![];
        let (mut first, mut last, mut bytes) = (0, 0, 0);
        let read = |source| Error::File { act: "read", source };
        while let Some(stored) = inner.log.read(at).map_err(read)? {
            if stored.group.last() > accepted {
                let full = items.len() + stored.group.items.len() > MOST_EVIDENCE_ITEMS
                    || bytes + stored.size > MOST_BATCH_BYTES;
                if full && !items.is_empty() {
                    break;
                }
                if items.is_empty() {
                    first = stored.group.first;
                }
                last = stored.group.last();
                bytes += stored.size;
                items.extend(stored.group.items);
            }
            at = stored.next;
        }
        if items.is_empty() {
            return Ok(None);
        }
        let request = EvidenceRequest { first, items };
        Ok(Some(Batch { request, last, next: at }))
    }

    /// A batch is stored: goes on behind it, or begins the file again when nothing is left in it.
    fn taken(&self, next: u64) -> Result<u64, Error> {
        let mut inner = self.shared.lock();
        if next < inner.log.end() {
            return Ok(next);
        }
        inner.log.clear().map_err(|source| Error::File { act: "clear", source })?;
        Ok(0)
    }
}

#[cfg(test)]
mod tests;
