//! What lists and streams are served from: all of `live/`, kept in memory and fed by one watch.
//!
//! A process reads everything once, at one revision, and watches from the next one on, so that list and
//! watch meet without a gap. Readers share the records (`Arc`), and the last changes are kept in a ring,
//! which is the queue of every stream: see [`subscription`]. The room knows the store and the model; it
//! knows nothing of HTTP.
//!
//! A view can be behind etcd. Whoever must not read the past says the revision that it knows of
//! ([`View::wait_for`]); [`View::age`] says whether the view has lost touch.

pub mod audits;
mod changes;
mod encoded;
mod feed;
mod filter;
mod history;
pub mod inbox;
pub mod journals;
mod on_demand;
mod page;
mod ring;
pub mod subscription;
mod table;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use smith_model::access::{Scope, TokenRecord};
use smith_model::api::{LoopItem, Page};
use smith_model::attempt::LockRecord;
use smith_model::id::{LoopId, Revision, TokenId};
use smith_model::state::State;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::store::lease::LeaderRecord;
use crate::store::live::{LiveBatch, SILENCE};
use crate::store::record::Versioned;
use crate::store::{Error, Store};

pub use audits::Audits;
pub use changes::{Changed, Receiver};
pub use encoded::Encoded;
pub use filter::{Filter, Text};
pub use inbox::Inbox;
pub use journals::Journals;
pub use page::{BadCursor, cursor_revision};
pub use subscription::{EventId, StreamEvent, Subscription};
pub use table::{Batch, LeaderChange, LoopChange};

use filter::Sight;
use page::Cursor;
use ring::{ROOM, Ring, Room};
use table::Table;

/// Everything under `live/` as of the newest revision that was seen; cheap to clone.
#[derive(Clone)]
pub struct View {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    generation: u64,
    cluster: u64,
    settings: Settings,
    known: RwLock<Known>,
    /// The revision of `known`; sent after it was changed.
    seen: watch::Sender<Revision>,
    /// When the last sign of life came, while the view can't be sure to be current.
    lost: watch::Sender<Option<Instant>>,
    /// The revision of the last tick, so that a thousand who wait share one.
    tick: tokio::sync::Mutex<i64>,
    /// The task that feeds the view is over.
    ended: CancellationToken,
}

struct Known {
    table: Table,
    ring: Ring,
    seen: Revision,
}

/// What tests choose otherwise.
#[derive(Clone, Copy, Debug)]
struct Settings {
    silence: Duration,
    room: Room,
}

/// Why a view has not caught up with a revision.
#[derive(Debug, thiserror::Error)]
pub enum Behind {
    /// The time was up.
    #[error(
        "the list is at revision {seen} and could not catch up with {asked} in time: try again"
    )]
    Late {
        /// The revision asked for.
        asked: Revision,
        /// The revision of the view.
        seen: Revision,
    },
    /// There is no such revision.
    #[error("there is no revision {asked}: the newest is {newest}")]
    Future {
        /// The revision asked for.
        asked: Revision,
        /// The newest one.
        newest: Revision,
    },
    /// The view could not ask for an event.
    #[error("the list could not be brought up to date")]
    Tick(#[source] Error),
    /// The process is ending.
    #[error("the server is ending")]
    Ended,
}

/// An event that is on its way needs no tick.
const GRACE: Duration = Duration::from_millis(20);
/// Between two tries to write a tick.
const PAUSE: Duration = Duration::from_millis(100);
/// The most batches that a reader takes at once; more would hold the lock for long.
const MOST_BATCHES: usize = 64;

impl View {
    /// Reads everything, and answers the view with the task that keeps it current.
    ///
    /// The task ends with `Ok` after `shutdown`, and with [`Error::OtherCluster`] when etcd isn't the one
    /// that it was: then what the process knows is worth nothing, and it must end. Either end also ends
    /// every stream.
    pub async fn start(
        store: Store,
        shutdown: CancellationToken,
    ) -> Result<(Self, impl Future<Output = Result<(), Error>> + Send + use<>), Error> {
        Self::start_with(store, shutdown, Settings { silence: SILENCE, room: ROOM }).await
    }

    async fn start_with(
        store: Store,
        shutdown: CancellationToken,
        settings: Settings,
    ) -> Result<(Self, impl Future<Output = Result<(), Error>> + Send + use<>), Error> {
        let generation = store.generation().await?;
        let list = store.list_live().await?;
        let (seen, cluster) = (Revision(list.revision), list.cluster);
        let known = Known { table: Table::new(list), ring: Ring::new(seen, settings.room), seen };
        let inner = Inner {
            store,
            generation,
            cluster,
            settings,
            known: RwLock::new(known),
            seen: watch::Sender::new(seen),
            lost: watch::Sender::new(None),
            tick: tokio::sync::Mutex::new(0),
            ended: CancellationToken::new(),
        };
        let view = Self { inner: Arc::new(inner) };
        Ok((view.clone(), feed::run(view, shutdown)))
    }

    /// One loop.
    pub fn get(&self, id: &LoopId) -> Option<LoopItem> {
        self.item(id).map(|item| LoopItem::clone(&item))
    }

    /// The same, shared.
    pub fn item(&self, id: &LoopId) -> Option<Arc<LoopItem>> {
        self.read().table.get(id).cloned()
    }

    /// All loops that match, newest first, shared, and the revision that they were read at.
    pub fn items(&self, filter: &Filter, scope: &Scope) -> (Vec<Arc<LoopItem>>, Revision) {
        let sight = Sight { filter: filter.clone(), scope: scope.clone() };
        self.seen_by(&sight)
    }

    fn seen_by(&self, sight: &Sight) -> (Vec<Arc<LoopItem>>, Revision) {
        let known = self.read();
        let items = known.table.newest(None).filter(|item| sight.sees(item)).cloned().collect();
        (items, known.seen)
    }

    /// A page of the loops that match: newest first, by time of creation and then by id.
    ///
    /// The page's revision is that of the first page of its list. A process whose view is behind
    /// [`cursor_revision`] should wait for it first.
    pub fn list(
        &self,
        filter: &Filter,
        scope: &Scope,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<LoopItem>, BadCursor> {
        let sight = Sight { filter: filter.clone(), scope: scope.clone() };
        let cursor = cursor.map(Cursor::read).transpose()?;
        let limit = limit.max(1);
        let (mut found, seen): (Vec<Arc<LoopItem>>, _) = {
            let known = self.read();
            let all = known.table.newest(cursor.as_ref().map(|cursor| &cursor.place));
            let found = all.filter(|item| sight.sees(item)).take(limit + 1);
            (found.cloned().collect(), known.seen)
        };
        let revision = cursor.map_or(seen, |cursor| cursor.revision);
        let more = found.len() > limit;
        found.truncate(limit);
        let next =
            |item: &Arc<LoopItem>| Cursor { revision, place: table::Place::of(item) }.write();
        let cursor = found.last().filter(|_| more).map(next);
        let items = found.iter().map(|item| LoopItem::clone(item)).collect();
        Ok(Page { items, cursor, revision })
    }

    /// All tokens, by id.
    pub fn tokens(&self) -> Vec<TokenRecord> {
        self.read().table.tokens()
    }

    /// A token.
    pub fn token(&self, id: &TokenId) -> Option<Arc<TokenRecord>> {
        self.read().table.token(id).cloned()
    }

    /// The core that leads.
    pub fn leader(&self) -> Option<LeaderRecord> {
        self.read().table.leader().cloned()
    }

    /// A loop's lock.
    pub fn lock(&self, id: &LoopId) -> Option<Arc<Versioned<LockRecord>>> {
        self.read().table.lock(id).cloned()
    }

    /// All loops that have a lock, also those that were deleted.
    pub fn locked(&self) -> Vec<LoopId> {
        self.read().table.locked()
    }

    /// The loops that were created to depend on `id`.
    pub fn dependents(&self, id: &LoopId) -> Vec<LoopId> {
        self.read().table.dependents(id)
    }

    /// How many loops are in each state.
    pub fn counts(&self) -> BTreeMap<State, usize> {
        let mut counts: BTreeMap<State, usize> = State::ALL.into_iter().map(|s| (s, 0)).collect();
        for item in self.read().table.newest(None) {
            *counts.entry(item.record.state).or_default() += 1;
        }
        counts
    }

    /// How many loops there are.
    pub fn len(&self) -> usize {
        self.read().table.len()
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The newest revision that was seen.
    pub fn revision(&self) -> Revision {
        self.read().seen
    }

    /// How often history was replaced; a part of stream ids.
    pub fn generation(&self) -> u64 {
        self.inner.generation
    }

    /// For how long etcd has not been heard; `None`: the view is connected and current.
    pub fn age(&self) -> Option<Duration> {
        self.inner.lost.borrow().map(|lost| lost.elapsed())
    }

    /// Waits until everything up to a revision was seen; answers the revision of the view then.
    ///
    /// Writes of others don't move a watch of `live/`, so if the revision doesn't come by itself, a tick
    /// is written, whose own event tells that all before it was seen.
    pub async fn wait_for(&self, asked: Revision, most: Duration) -> Result<Revision, Behind> {
        let mut seen = self.inner.seen.subscribe();
        let caught_up = async {
            if let Ok(Some(seen)) = timeout(GRACE, reach(&mut seen, asked)).await {
                return Ok(seen);
            }
            let tick = loop {
                match self.tick_behind(asked).await {
                    Ok(tick) => break tick,
                    Err(error) if !error.is_transient() => return Err(Behind::Tick(error)),
                    Err(_) => tokio::time::sleep(PAUSE).await,
                }
            };
            let seen = reach(&mut seen, asked.min(tick)).await.ok_or(Behind::Ended)?;
            if seen < asked {
                return Err(Behind::Future { asked, newest: tick });
            }
            Ok(seen)
        };
        tokio::select! {
            biased;
            answer = timeout(most, caught_up) => answer.unwrap_or_else(|_| {
                Err(Behind::Late { asked, seen: self.revision() })
            }),
            () = self.inner.ended.cancelled() => Err(Behind::Ended),
        }
    }

    /// The revision of a tick that is later than `asked`, unless there is no such revision.
    async fn tick_behind(&self, asked: Revision) -> Result<Revision, Error> {
        let mut last = self.inner.tick.lock().await;
        if *last < asked.0 {
            *last = self.inner.store.tick().await?;
        }
        Ok(Revision(*last))
    }

    /// Every change from now on, for the core. Who takes up work by it looks at everything once, after
    /// this call.
    pub fn changes(&self) -> Receiver {
        Receiver::new(self.clone())
    }

    /// A stream of the loops that match. `from` is the id of the last event that was received.
    pub fn subscribe(
        &self,
        filter: Filter,
        scope: Scope,
        from: Option<(u64, Revision)>,
    ) -> Subscription {
        Subscription::new(self.clone(), Sight { filter, scope }, from)
    }

    fn read(&self) -> RwLockReadGuard<'_, Known> {
        self.inner.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Known> {
        self.inner.known.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in one revision.
    fn take(&self, batch: LiveBatch) {
        let mut known = self.write();
        let seen = Revision(batch.revision);
        if !batch.events.is_empty() {
            let batch = known.table.apply(batch);
            if !batch.is_empty() {
                known.ring.push(Arc::new(batch));
            }
        }
        known.seen = seen;
        drop(known);
        self.inner.seen.send_replace(seen);
    }

    /// Takes in a new list, as one batch that tells the difference.
    fn replace(&self, table: Table, revision: Revision) {
        let mut known = self.write();
        let since = known.seen;
        let batch = known.table.replace(table, since, revision);
        known.ring.push(Arc::new(batch));
        known.seen = revision;
        drop(known);
        self.inner.seen.send_replace(revision);
    }
}

/// Waits until a revision was seen.
async fn reach(seen: &mut watch::Receiver<Revision>, asked: Revision) -> Option<Revision> {
    seen.wait_for(|seen| *seen >= asked).await.ok().map(|seen| *seen)
}

#[cfg(test)]
mod tests;
