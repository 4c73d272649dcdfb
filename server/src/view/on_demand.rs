//! Feeds that run only while they are followed: started for the first who asks, ended with the last.
//!
//! It knows nothing of what is fed; it counts who uses a feed, and owns the tasks.

use std::collections::HashMap;
use std::hash::Hash;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use futures::future::BoxFuture;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::{CancellationToken, DropGuard};

/// The feeds that are followed, by what they are of; cheap to clone.
pub(super) struct OnDemand<K, F> {
    feeds: Arc<Mutex<HashMap<K, Weak<Used<F>>>>>,
    start: mpsc::Sender<BoxFuture<'static, ()>>,
    ended: CancellationToken,
}

/// A feed as followers hold it; it ends when the last one lets go.
pub(super) struct Used<F> {
    feed: Arc<F>,
    _used: DropGuard,
}

impl<F> Deref for Used<F> {
    type Target = F;
    fn deref(&self) -> &F {
        &self.feed
    }
}

impl<K, F> Clone for OnDemand<K, F> {
    fn clone(&self) -> Self {
        let Self { feeds, start, ended } = self;
        Self { feeds: feeds.clone(), start: start.clone(), ended: ended.clone() }
    }
}

/// New feeds that the task hasn't started yet; whoever wants one more waits.
const MOST_STARTS: usize = 64;

impl<K: Eq + Hash, F: Send + Sync + 'static> OnDemand<K, F> {
    /// Answers it with the task that runs all feeds until `shutdown`; its end ends all followers.
    pub(super) fn new(
        shutdown: CancellationToken,
    ) -> (Self, impl Future<Output = ()> + Send + use<K, F>) {
        let (start, starts) = mpsc::channel(MOST_STARTS);
        let ended = CancellationToken::new();
        let feeds = Self { feeds: Arc::default(), start, ended: ended.clone() };
        (feeds, run(starts, shutdown, ended))
    }

    /// The feed of `key`; if there is none, `make` makes it, and `run` is what it does while it is used.
    /// `None`: the server is ending.
    pub(super) async fn get<R>(
        &self,
        key: K,
        make: impl FnOnce() -> F,
        run: impl FnOnce(Arc<F>) -> R,
    ) -> Option<Arc<Used<F>>>
    where
        R: Future<Output = ()> + Send + 'static,
    {
        // First a place in the queue, so that no feed is registered that nobody starts.
        let place = self.start.reserve().await.ok()?;
        let mut feeds = self.feeds();
        if let Some(feed) = feeds.get(&key).and_then(Weak::upgrade) {
            return Some(feed);
        }
        feeds.retain(|_, feed| feed.strong_count() > 0);
        let feed = Arc::new(make());
        let unused = CancellationToken::new();
        let running = run(feed.clone());
        let used = Arc::new(Used { feed, _used: unused.clone().drop_guard() });
        place.send(Box::pin(async move {
            unused.run_until_cancelled(running).await;
        }));
        feeds.insert(key, Arc::downgrade(&used));
        Some(used)
    }

    /// How many feeds run.
    pub(super) fn len(&self) -> usize {
        self.feeds().values().filter(|feed| feed.strong_count() > 0).count()
    }

    /// Cancelled when no feed runs any more, and none will.
    pub(super) fn ended(&self) -> &CancellationToken {
        &self.ended
    }

    fn feeds(&self) -> MutexGuard<'_, HashMap<K, Weak<Used<F>>>> {
        self.feeds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn run(
    mut starts: mpsc::Receiver<BoxFuture<'static, ()>>,
    shutdown: CancellationToken,
    ended: CancellationToken,
) {
    let _ended = ended.drop_guard();
    let mut feeds = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            start = starts.recv() => {
                let Some(feed) = start else { return };
                feeds.spawn(feed);
            }
            Some(_) = feeds.join_next() => {}
        }
    }
}
