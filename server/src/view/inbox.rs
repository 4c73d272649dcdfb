//! The inbox of this process: which loops wait for a person or went wrong, now.
//!
//! One task keeps a `board` of them, fed by the view and by a timer: a step of the state counts at
//! once, what comes and goes by itself has to last, a snoozed item comes back. Lists read the board, and
//! streams ([`stream`]) its log. It also notes when the view has lost touch with etcd, since then an
//! inbox that stays as it is means nothing.
//!
//! What stands in it follows from the records in etcd and the time alone, so that all processes agree,
//! but for moments and for when they first saw a worker fall silent.

mod board;
mod cursor;
mod filter;
pub mod stream;

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use jiff::Timestamp;
use smith_model::access::Scope;
use smith_model::api::LoopItem;
use smith_model::id::{LoopId, Revision};
use smith_model::inbox::{Hysteresis, Item, Mark, Page, Standing};
use smith_model::state::StateRecord;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::store::record::Versioned;

use super::page::BadCursor;
use super::ring::After;
use super::{Behind, MOST_BATCHES, View, reach};

use board::{Board, Observed};
use cursor::Cursor;
pub use filter::Filter;
use filter::Sight;
pub use stream::Subscription;

/// The inbox; cheap to clone.
#[derive(Clone)]
pub struct Inbox {
    inner: Arc<Inner>,
}

struct Inner {
    view: View,
    settings: Settings,
    known: RwLock<Known>,
    /// The revision of `known`; sent after anything of it was changed.
    moved: watch::Sender<Revision>,
    /// The task that feeds it is over.
    ended: CancellationToken,
}

struct Known {
    board: Board,
    /// Everything up to it is on the board.
    seen: Revision,
    /// Since when the view has been out of touch, if that is told.
    lost: Option<Timestamp>,
}

/// What tests choose otherwise.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub(super) times: Hysteresis,
    /// How long the view has to be out of touch for that to be told.
    pub(super) lost_after: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { times: Hysteresis::default(), lost_after: Duration::from_secs(5) }
    }
}

impl Inbox {
    /// Answers the inbox of all that a view has, with the task that keeps it current until `shutdown`.
    /// Its end ends all streams.
    pub fn start(
        view: View,
        shutdown: CancellationToken,
    ) -> (Self, impl Future<Output = ()> + Send + use<>) {
        Self::start_with(view, shutdown, Settings::default())
    }

    pub(super) fn start_with(
        view: View,
        shutdown: CancellationToken,
        settings: Settings,
    ) -> (Self, impl Future<Output = ()> + Send + use<>) {
        let (all, seen) = view.observe(Which::All);
        let now = Timestamp::now();
        let mut board = Board::new(settings.times, seen, now);
        for (id, observed) in all {
            board.observe(&id, observed, seen, now);
        }
        board.settle();
        let inner = Inner {
            view,
            settings,
            known: RwLock::new(Known { board, seen, lost: None }),
            moved: watch::Sender::new(seen),
            ended: CancellationToken::new(),
        };
        let inbox = Self { inner: Arc::new(inner) };
        (inbox.clone(), run(inbox, shutdown))
    }

    /// A page of the items that match: the worst first, then the oldest.
    pub fn list(
        &self,
        filter: &Filter,
        scope: &Scope,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page, BadCursor> {
        let sight = Sight { filter: filter.clone(), scope: scope.clone() };
        let cursor = cursor.map(Cursor::read).transpose()?;
        let limit = limit.max(1);
        let now = Timestamp::now();
        let known = self.read();
        let mut found = known.board.items(|item| sight.sees(item, now));
        let (seen, source_lost_since) = (known.seen, known.lost);
        drop(known);
        if let Some(Cursor { place, .. }) = &cursor {
            found.retain(|item| item.place() > *place);
        }
        let more = found.len() > limit;
        found.truncate(limit);
        let revision = cursor.map_or(seen, |cursor| cursor.revision);
        let next = |item: &Arc<Item>| Cursor { revision, place: item.place() }.write();
        let cursor = found.last().filter(|_| more).map(next);
        let items = found.iter().map(|item| Item::clone(item)).collect();
        Ok(Page { items, cursor, revision, source_lost_since })
    }

    /// A loop as it stands with a state that may be newer than what the view has seen, and the
    /// loop's other parts; `None`: the view doesn't know the loop.
    pub fn judge(&self, state: &Versioned<StateRecord>) -> Option<(Standing, Arc<LoopItem>)> {
        let id = &state.value.loop_id;
        let (mut all, _) = self.inner.view.observe(Which::These([id.clone()].into()));
        let mut observed = all.pop().and_then(|(_, observed)| observed)?;
        let revision = Revision(state.revision);
        if observed.item.revision < revision {
            let known = LoopItem::clone(&observed.item);
            let item = LoopItem { record: state.value.clone(), revision, ..known };
            observed.item = Arc::new(item);
        }
        let now = Timestamp::now();
        let standing = self.read().board.judge(id, &observed, now);
        Some((standing, observed.item))
    }

    /// A stream of the items that match. `from` is the id of the last event that was received.
    pub fn subscribe(
        &self,
        filter: Filter,
        scope: Scope,
        from: Option<(u64, Revision)>,
    ) -> Subscription {
        Subscription::new(self.clone(), Sight { filter, scope }, from)
    }

    /// Waits until everything up to a revision is on the board.
    pub async fn wait_for(&self, asked: Revision, most: Duration) -> Result<(), Behind> {
        let mut moved = self.inner.moved.subscribe();
        let caught_up = async {
            self.inner.view.wait_for(asked, most).await?;
            reach(&mut moved, asked).await.ok_or(Behind::Ended)
        };
        tokio::select! {
            biased;
            answer = timeout(most, caught_up) => match answer {
                Ok(answer) => answer.map(|_| ()),
                Err(_) => Err(Behind::Late { asked, seen: self.read().seen }),
            },
            () = self.inner.ended.cancelled() => Err(Behind::Ended),
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Known> {
        self.inner.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Known> {
        self.inner.known.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in everything that there is, and what the time brings.
    fn step(&self, now: Timestamp) {
        while let Taken::More = self.take(now) {}
        let lost = *self.inner.view.inner.lost.borrow();
        let told =
            lost.map(|lost| lost.elapsed()).filter(|age| *age >= self.inner.settings.lost_after);
        let mut known = self.write();
        let seen = known.seen;
        if lost.is_none() {
            // Out of touch nobody knows whether something still is as it was.
            known.board.advance(seen, now);
        }
        match (told, known.lost) {
            (Some(age), None) => known.lost = now.checked_sub(age).ok().or(Some(now)),
            (None, Some(_)) => known.lost = None,
            (Some(_), Some(_)) | (None, None) => {}
        }
        drop(known);
        self.inner.moved.send_replace(seen);
    }

    fn take(&self, now: Timestamp) -> Taken {
        let position = self.read().seen;
        let (after, seen) = {
            let known = self.inner.view.read();
            (known.ring.after(position, MOST_BATCHES), known.seen)
        };
        let (which, position) = match after {
            After::Unknown => (Which::All, seen),
            After::Batches(batches) => {
                let Some(last) = batches.last().map(|batch| batch.revision) else {
                    let mut known = self.write();
                    known.seen = known.seen.max(seen);
                    return Taken::All;
                };
                let mut ids = BTreeSet::new();
                for batch in batches {
                    ids.extend(batch.marks.iter().cloned());
                    for change in &batch.loops {
                        let revision = |item: &Arc<LoopItem>| item.revision;
                        ids.insert(change.loop_id.clone());
                        if change.before.as_ref().map(revision)
                            != change.after.as_ref().map(revision)
                        {
                            ids.extend(self.inner.view.dependents(&change.loop_id));
                        }
                    }
                }
                (Which::These(ids), last)
            }
        };
        let whole = matches!(which, Which::All);
        let (found, _) = self.inner.view.observe(which);
        let mut known = self.write();
        if whole {
            known.board.forget_others(&found.iter().map(|(id, _)| id).collect(), position, now);
        }
        for (id, observed) in found {
            known.board.observe(&id, observed, position, now);
        }
        known.board.settle();
        known.seen = position;
        Taken::More
    }

    /// When the next thing happens by itself.
    fn due(&self, now: Timestamp) -> Option<Instant> {
        let lost = *self.inner.view.inner.lost.borrow();
        if let Some(lost) = lost {
            let told = self.read().lost.is_some();
            return (!told).then(|| lost + self.inner.settings.lost_after);
        }
        let due = self.read().board.due(now)?;
        // Never zero, so that a clock that was set back makes no busy loop.
        let wait = Duration::try_from(due.duration_since(now)).unwrap_or_default();
        Some(Instant::now() + wait.max(Duration::from_millis(1)))
    }
}

enum Taken {
    /// There may be more.
    More,
    /// That was all.
    All,
}

async fn run(inbox: Inbox, shutdown: CancellationToken) {
    let _ended = inbox.inner.ended.clone().drop_guard();
    let view = inbox.inner.view.clone();
    let (mut seen, mut lost) = (view.inner.seen.subscribe(), view.inner.lost.subscribe());
    loop {
        lost.mark_unchanged();
        inbox.step(Timestamp::now());
        let later = Revision(inbox.read().seen.0 + 1);
        let due = inbox.due(Timestamp::now());
        let timer = async {
            match due {
                Some(due) => sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        // Whichever comes, the next step looks at everything; all of them can be dropped.
        tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            () = view.inner.ended.cancelled() => return,
            moved = reach(&mut seen, later) => if moved.is_none() { return },
            changed = lost.changed() => if changed.is_err() { return },
            () = timer => {}
        }
    }
}

/// Which loops are looked at.
enum Which {
    All,
    These(BTreeSet<LoopId>),
}

impl View {
    /// What the inbox looks at of loops, at one revision.
    fn observe(&self, which: Which) -> (Vec<(LoopId, Option<Observed>)>, Revision) {
        let known = self.read();
        let ids: Vec<LoopId> = match which {
            Which::All => {
                known.table.newest(None).map(|item| item.record.loop_id.clone()).collect()
            }
            Which::These(ids) => ids.into_iter().collect(),
        };
        let observed = |id: &LoopId| {
            let item = known.table.get(id)?.clone();
            let of = |id: &LoopId| (id.clone(), known.table.get(id).cloned());
            let dependencies = item.record.summary.depends_on.iter().map(of).collect();
            let mark: Option<Arc<Mark>> = known.table.mark(id).cloned();
            Some(Observed { item, dependencies, mark })
        };
        let found = ids.into_iter().map(|id| {
            let observed = observed(&id);
            (id, observed)
        });
        (found.collect(), known.seen)
    }
}
