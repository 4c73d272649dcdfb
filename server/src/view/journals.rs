//! Journals as they are written: each follower gets `after + 1`, `after + 2` … without a gap.
//!
//! Entries are keys that stay, so nothing depends on etcd's history: whatever a watch misses is read
//! again from the last number on. All who follow one journal share one watch, which ends with the last of
//! them, and the newest entries; one who is further behind reads pages by itself, at its own pace.

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::Stream;
use smith_model::id::LoopId;
use smith_model::journal::Entry;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::store::live::SILENCE;
use crate::store::{Error, Store};
use crate::telemetry::chain;

use super::encoded::Encoded;
use super::on_demand::{OnDemand, Used};

/// The id of an event of a journal's stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalEventId {
    /// The loop's uid: no other loop's journal can be gone on with by it.
    pub uid: Uuid,
    /// The entry's number.
    pub seq: u64,
}

impl fmt::Display for JournalEventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.uid, self.seq)
    }
}

/// A text that isn't the id of a journal's event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the id of a journal's event ({{uid}}-{{seq}}): leave it out to begin anew")]
pub struct InvalidJournalEventId;

impl FromStr for JournalEventId {
    type Err = InvalidJournalEventId;
    fn from_str(text: &str) -> Result<Self, InvalidJournalEventId> {
        let (uid, seq) = text.rsplit_once('-').ok_or(InvalidJournalEventId)?;
        let uid = uid.parse().map_err(|_| InvalidJournalEventId)?;
        let seq = seq.parse().map_err(|_| InvalidJournalEventId)?;
        Ok(Self { uid, seq })
    }
}

/// The journals that are followed in this process; cheap to clone.
#[derive(Clone)]
pub struct Journals {
    store: Store,
    feeds: OnDemand<LoopId, Feed>,
}

/// The newest entries that followers share.
const MOST_SHARED: usize = 256;
/// The entries of one read.
const PAGE: usize = 256;
/// After an error of etcd.
const PAUSE: Duration = Duration::from_millis(500);

impl Journals {
    /// Answers the journals with the task that runs their watches until `shutdown`; its end ends all
    /// followers.
    pub fn start(
        store: Store,
        shutdown: CancellationToken,
    ) -> (Self, impl Future<Output = ()> + Send + use<>) {
        let (feeds, task) = OnDemand::new(shutdown);
        (Self { store, feeds }, task)
    }

    /// Follows a loop's journal from the entry behind `after` on; 0: from the first.
    pub fn follow(&self, loop_id: LoopId, after: u64) -> Follower {
        let ready = VecDeque::new();
        Follower { journals: self.clone(), loop_id, after, ready, feed: None }
    }

    /// How many watches run, for metrics.
    pub fn len(&self) -> usize {
        self.feeds.len()
    }

    /// Is no journal followed?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The loop's feed, started if there is none.
    async fn feed(&self, loop_id: &LoopId) -> Option<Arc<Used<Feed>>> {
        let (store, newest) = (self.store.clone(), watch::Sender::default());
        let make = || Feed { store, loop_id: loop_id.clone(), newest };
        let span = tracing::info_span!("journal", %loop_id);
        let run = |feed: Arc<Feed>| async move { feed.run().await }.instrument(span);
        self.feeds.get(loop_id.clone(), make, run).await
    }
}

/// One journal, as long as it is followed.
struct Feed {
    store: Store,
    loop_id: LoopId,
    newest: watch::Sender<Newest>,
}

/// The newest entries of a journal.
#[derive(Default)]
struct Newest {
    entries: VecDeque<Arc<Encoded<Entry>>>,
    /// The number of the newest entry; `None`: not known yet.
    last: Option<u64>,
    /// The loop was deleted, or its journal can't be read.
    ended: bool,
}

impl Newest {
    /// The entries behind a number; `None`: there may be some that aren't here any more.
    fn after(&self, after: u64) -> Option<Vec<Arc<Encoded<Entry>>>> {
        let last = self.last?;
        let first = last + 1 - self.entries.len() as u64;
        let wanted = after.saturating_add(1);
        if wanted < first {
            return None;
        }
        let skip = usize::try_from(wanted - first).unwrap_or(usize::MAX);
        Some(self.entries.iter().skip(skip).cloned().collect())
    }
}

/// A stream of one journal's entries.
pub struct Follower {
    journals: Journals,
    loop_id: LoopId,
    after: u64,
    ready: VecDeque<Arc<Encoded<Entry>>>,
    feed: Option<Arc<Used<Feed>>>,
}

impl Follower {
    /// The next entry, whose number is one more than that of the last. `None`: the loop was deleted (or
    /// never was), its journal can't be read, or the server is ending. Cancel-safe.
    pub async fn next(&mut self) -> Option<Arc<Encoded<Entry>>> {
        let ended = self.journals.feeds.ended().clone();
        loop {
            if let Some(entry) = self.ready.pop_front() {
                self.after = entry.seq;
                return Some(entry);
            }
            tokio::select! {
                biased;
                more = self.step() => more?,
                () = ended.cancelled() => return None,
            }
        }
    }

    /// The same as a stream.
    pub fn into_stream(self) -> impl Stream<Item = Arc<Encoded<Entry>>> + Send {
        futures::stream::unfold(self, |mut follower| async move {
            let entry = follower.next().await?;
            Some((entry, follower))
        })
    }

    /// Puts something into `ready`, or waits for what makes that possible.
    async fn step(&mut self) -> Option<()> {
        let feed = match &self.feed {
            Some(feed) => feed.clone(),
            None => {
                let feed = self.journals.feed(&self.loop_id).await?;
                self.feed.insert(feed).clone()
            }
        };
        let mut newest = feed.newest.subscribe();
        let (found, begun, ended) = {
            let newest = newest.borrow_and_update();
            (newest.after(self.after), newest.last.is_some(), newest.ended)
        };
        match found {
            Some(entries) if !entries.is_empty() => self.ready.extend(entries),
            None if begun => return self.read_page().await,
            Some(_) | None if ended => return None,
            Some(_) | None => newest.changed().await.ok()?,
        }
        Some(())
    }

    async fn read_page(&mut self) -> Option<()> {
        let store = &self.journals.store;
        match store.journal(&self.loop_id, self.after, PAGE).await {
            // Entries are never deleted but with their loop.
            Ok(page) if page.items.is_empty() => None,
            Ok(page) => {
                self.ready
                    .extend(page.items.into_iter().map(|entry| Arc::new(Encoded::new(entry))));
                Some(())
            }
            Err(error) if error.is_transient() => {
                tracing::warn!(loop_id = %self.loop_id, error = %chain(&error), "a journal is read again");
                sleep(PAUSE).await;
                Some(())
            }
            Err(error) => {
                tracing::error!(loop_id = %self.loop_id, error = %chain(&error), "a journal can't be read");
                None
            }
        }
    }
}

/// What a read or a watch came to.
enum Outcome {
    /// Read what is missing, and watch again.
    Again,
    /// The loop was deleted, or its journal isn't whole.
    Over,
}

impl Feed {
    async fn run(&self) {
        loop {
            match self.follow().await {
                Ok(Outcome::Again) => {}
                Ok(Outcome::Over) => break,
                Err(error) if error.is_transient() => {
                    tracing::warn!(error = %chain(&error), "a journal is watched again");
                    sleep(PAUSE).await;
                }
                Err(error) => {
                    tracing::error!(error = %chain(&error), "a journal can't be followed");
                    break;
                }
            }
        }
        self.newest.send_modify(|newest| {
            newest.last.get_or_insert(0);
            newest.ended = true;
        });
    }

    /// Reads what is missing, then watches until that ends.
    async fn follow(&self) -> Result<Outcome, Error> {
        let (mut last, revision) = loop {
            let Some(head) = self.store.head(&self.loop_id).await? else {
                return Ok(Outcome::Over);
            };
            let known = self.newest.borrow().last;
            // At the beginning the newest entries are enough: those who want older ones read them.
            let last = known.unwrap_or((head.next - 1).saturating_sub(MOST_SHARED as u64 / 2));
            let page = self.store.journal(&self.loop_id, last, PAGE).await?;
            let more = page.next.is_some();
            let Some(last) = self.add(last, page.items) else { return Ok(Outcome::Over) };
            if !more {
                break (last, page.revision);
            }
        };
        let mut watch = self.store.watch_journal(&self.loop_id, revision + 1).await?;
        // If it was deleted before the page was read, the watch has nothing to tell.
        if self.store.head(&self.loop_id).await?.is_none() {
            return Ok(Outcome::Over);
        }
        loop {
            // A quiet journal is normal; a watch that died quietly is found by reading again.
            let Ok(entries) = timeout(SILENCE * 2, watch.next()).await else {
                return Ok(Outcome::Again);
            };
            match entries {
                Ok(entries) if entries.is_empty() => {
                    return match self.store.head(&self.loop_id).await? {
                        None => Ok(Outcome::Over),
                        Some(_) => Ok(Outcome::Again),
                    };
                }
                Ok(entries) => match self.add(last, entries) {
                    Some(added) => last = added,
                    None => return Ok(Outcome::Again),
                },
                Err(end) => {
                    tracing::debug!(error = %chain(&end), "a journal's watch ended");
                    sleep(PAUSE).await;
                    return Ok(Outcome::Again);
                }
            }
        }
    }

    /// Adds entries behind `last`; answers the newest number. `None`: one is missing.
    fn add(&self, last: u64, entries: Vec<Entry>) -> Option<u64> {
        let mut next = last + 1;
        let mut new = vec![];
        let mut whole = true;
        for entry in entries.into_iter().filter(|entry| entry.seq > last) {
            if entry.seq != next {
                tracing::error!(seq = next, "an entry is missing in what etcd told");
                whole = false;
                break;
            }
            next += 1;
            new.push(Arc::new(Encoded::new(entry)));
        }
        let some = !new.is_empty();
        self.newest.send_if_modified(|newest| {
            let begins = newest.last.is_none();
            newest.last = Some(next - 1);
            newest.entries.extend(new);
            while newest.entries.len() > MOST_SHARED {
                newest.entries.pop_front();
            }
            begins || some
        });
        whole.then_some(next - 1)
    }
}
