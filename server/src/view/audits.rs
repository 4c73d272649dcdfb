//! The audit as it is written: each follower gets every record behind its position once, in the order of
//! the transactions.
//!
//! Records are keys that stay, so that here too nothing depends on etcd's history: whatever a watch
//! misses is read again, by the revision at which it was written. All who follow share one watch, which
//! runs only while somebody does, and the newest records; one who is further behind reads pages.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use smith_model::audit::AuditRecord;
use smith_model::id::Revision;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::store::audit::Written;
use crate::store::live::{SILENCE, WatchEnd};
use crate::store::record::Versioned;
use crate::store::{Error, Store};
use crate::telemetry::chain;

use super::EventId;
use super::encoded::Encoded;
use super::on_demand::{OnDemand, Used};

/// The audit, as far as it is followed in this process; cheap to clone.
#[derive(Clone)]
pub struct Audits {
    store: Store,
    generation: u64,
    feed: OnDemand<(), Feed>,
}

/// What a follower is told.
#[derive(Clone, Debug, PartialEq)]
pub enum AuditEvent {
    /// The id isn't one of this history: what was recorded since isn't known, and what follows is new.
    Reset,
    /// Everything that is recorded from now on follows.
    Ready,
    /// A record.
    Record(Arc<Encoded<AuditRecord>>),
}

/// The newest records that followers share.
const MOST_SHARED: usize = 256;
/// The records of one read.
const PAGE: usize = 256;
/// After an error of etcd.
const PAUSE: Duration = Duration::from_millis(500);

impl Audits {
    /// Answers the audit with the task that runs its watch until `shutdown`; its end ends all followers.
    pub fn start(
        store: Store,
        generation: u64,
        shutdown: CancellationToken,
    ) -> (Self, impl Future<Output = ()> + Send + use<>) {
        let (feed, task) = OnDemand::new(shutdown);
        (Self { store, generation, feed }, task)
    }

    /// Follows the audit from the id of the last event that was received, or from now on.
    pub fn follow(&self, from: Option<EventId>) -> AuditFollower {
        let (position, mode) = match from {
            None => (Revision(0), Mode::Begin),
            Some(id) if id.generation != self.generation => (Revision(0), Mode::Reset),
            Some(id) => (id.revision, Mode::Resume),
        };
        let ready = VecDeque::new();
        AuditFollower { audits: self.clone(), position, mode, ready, feed: None }
    }

    /// How many watches run: one, or none.
    pub fn len(&self) -> usize {
        self.feed.len()
    }

    /// Does nobody follow it?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    async fn feed(&self) -> Option<Arc<Used<Feed>>> {
        let (store, newest) = (self.store.clone(), watch::Sender::default());
        let run = |feed: Arc<Feed>| {
            async move { feed.run().await }.instrument(tracing::info_span!("audit"))
        };
        self.feed.get((), || Feed { store, newest }, run).await
    }
}

/// A stream of the audit's records.
pub struct AuditFollower {
    audits: Audits,
    /// Everything up to it was told, or is in `ready`.
    position: Revision,
    mode: Mode,
    ready: VecDeque<(Option<EventId>, AuditEvent)>,
    feed: Option<Arc<Used<Feed>>>,
}

enum Mode {
    /// From the id of a client, which may be of a future that never came.
    Resume,
    /// From an id that says nothing here.
    Reset,
    /// From now on.
    Begin,
    /// Behind the position.
    Follow,
}

impl AuditFollower {
    /// The next event, with the id to go on from behind it. `None`: the server is ending. Cancel-safe.
    pub async fn next(&mut self) -> Option<(Option<EventId>, AuditEvent)> {
        let ended = self.audits.feed.ended().clone();
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            tokio::select! {
                biased;
                more = self.step() => more?,
                () = ended.cancelled() => return None,
            }
        }
    }

    /// Puts something into `ready`, or changes the mode, or waits for what makes that possible.
    async fn step(&mut self) -> Option<()> {
        match self.mode {
            Mode::Resume => match self.audits.store.revision().await {
                Ok(newest) if self.position.0 <= newest => self.mode = Mode::Follow,
                Ok(_) => self.mode = Mode::Reset,
                Err(error) => again(&error).await,
            },
            Mode::Reset => {
                self.ready.push_back((None, AuditEvent::Reset));
                self.mode = Mode::Begin;
            }
            Mode::Begin => {
                let mut newest = self.newest().await?;
                let begun = newest.wait_for(|newest| newest.span.is_some()).await.ok()?.span;
                self.position = begun?.seen;
                self.ready.push_back((Some(self.id(self.position)), AuditEvent::Ready));
                self.mode = Mode::Follow;
            }
            Mode::Follow => {
                let mut newest = self.newest().await?;
                let found = newest.borrow_and_update().after(self.position);
                match found {
                    After::Records(records) if records.is_empty() => newest.changed().await.ok()?,
                    After::Records(records) => self.put(records),
                    After::NotYet => newest.changed().await.ok()?,
                    After::Unknown => {
                        match self.audits.store.audit_after(self.position.0, PAGE).await {
                            Ok(Written { records, revision, more: _ }) => {
                                self.put(records.into_iter().map(Recorded::from));
                                self.position = self.position.max(Revision(revision));
                            }
                            Err(error) => again(&error).await,
                        }
                    }
                }
            }
        }
        Some(())
    }

    async fn newest(&mut self) -> Option<watch::Receiver<Newest>> {
        let feed = match &self.feed {
            Some(feed) => feed.clone(),
            None => self.feed.insert(self.audits.feed().await?).clone(),
        };
        Some(feed.newest.subscribe())
    }

    fn put(&mut self, records: impl IntoIterator<Item = Recorded>) {
        for Recorded { revision, record } in records {
            self.position = revision;
            self.ready.push_back((Some(self.id(revision)), AuditEvent::Record(record)));
        }
    }

    fn id(&self, revision: Revision) -> EventId {
        EventId { generation: self.audits.generation, revision }
    }
}

async fn again(error: &Error) {
    tracing::warn!(error = %chain(error), "the audit is read again");
    sleep(PAUSE).await;
}

/// The audit, as long as it is followed.
struct Feed {
    store: Store,
    newest: watch::Sender<Newest>,
}

/// A record, and the revision at which it was written.
#[derive(Clone)]
struct Recorded {
    revision: Revision,
    record: Arc<Encoded<AuditRecord>>,
}

impl From<Versioned<AuditRecord>> for Recorded {
    fn from(record: Versioned<AuditRecord>) -> Self {
        let Versioned { value, created, revision: _ } = record;
        Self { revision: Revision(created), record: Arc::new(Encoded::new(value)) }
    }
}

/// The newest records.
#[derive(Default)]
struct Newest {
    records: VecDeque<Recorded>,
    /// What `records` are all of; `None`: it isn't known yet.
    span: Option<Span>,
}

#[derive(Clone, Copy)]
struct Span {
    /// Everything behind it is here …
    floor: Revision,
    /// … up to this.
    seen: Revision,
}

enum After {
    /// These; maybe none.
    Records(Vec<Recorded>),
    /// Nothing is known yet.
    NotYet,
    /// There may be some that aren't here any more, or never were.
    Unknown,
}

impl Newest {
    fn after(&self, position: Revision) -> After {
        match self.span {
            None => After::NotYet,
            Some(Span { floor, .. }) if position < floor => After::Unknown,
            Some(_) => {
                let first = self.records.partition_point(|r| r.revision <= position);
                After::Records(self.records.range(first..).cloned().collect())
            }
        }
    }
}

impl Feed {
    async fn run(&self) {
        loop {
            if let Err(error) = self.follow().await {
                again(&error).await;
            }
        }
    }

    /// Watches, from where an earlier watch ended, until that ends.
    async fn follow(&self) -> Result<(), Error> {
        let span = self.newest.borrow().span;
        let seen = match span {
            Some(span) => span.seen,
            // At the beginning there is nothing to read: who wants older records reads them.
            None => {
                let revision = self.store.revision().await?;
                self.add(Written { records: vec![], revision, more: false })
            }
        };
        let mut watch = self.store.watch_audit(seen.0 + 1).await?;
        // A quiet audit is normal, so silence says nothing; a new watch finds what a dead one didn't tell.
        while let Ok(next) = timeout(SILENCE * 2, watch.next()).await {
            match next {
                Ok(written) => drop(self.add(written)),
                Err(WatchEnd::Compacted(_)) => return self.catch_up().await,
                Err(end @ WatchEnd::Disconnected(_)) => {
                    tracing::debug!(error = %chain(&end), "the audit's watch ended");
                    sleep(PAUSE).await;
                    break;
                }
            }
        }
        Ok(())
    }

    /// Reads what no watch can tell any more.
    async fn catch_up(&self) -> Result<(), Error> {
        loop {
            let seen = self.newest.borrow().span.map_or(0, |span| span.seen.0);
            let page = self.store.audit_after(seen, PAGE).await?;
            let more = page.more;
            self.add(page);
            if !more {
                return Ok(());
            }
        }
    }

    /// Adds records behind those that are known; answers the revision up to which all are known now.
    fn add(&self, written: Written) -> Revision {
        let Written { records, revision, more: _ } = written;
        let mut seen = Revision(revision);
        self.newest.send_if_modified(|newest| {
            let begins = newest.span.is_none();
            let span = newest.span.get_or_insert(Span { floor: seen, seen });
            let new = records.into_iter().filter(|record| record.created > span.seen.0);
            let before = newest.records.len();
            newest.records.extend(new.map(Recorded::from));
            let grown = newest.records.len() > before;
            span.seen = span.seen.max(seen);
            seen = span.seen;
            while newest.records.len() > MOST_SHARED {
                let Some(oldest) = newest.records.pop_front() else { break };
                span.floor = oldest.revision;
            }
            begins || grown
        });
        seen
    }
}
