//! Which keys are to be looked at, and when: each at most once at a time, none forgotten.
//!
//! A key is added by events and timers, taken out by one of several workers, and handed back with
//! [`Queue::done`] or [`Queue::fail`]. Added again meanwhile it is kept for after; so no event is lost, and
//! no key is ever in two hands. `tokio_util`'s `DelayQueue` was the other choice: it has one consumer, and
//! its times are rounded.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// How long a key waits after failures in a row.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    /// After the first; doubled with each that follows.
    pub initial: Duration,
    /// The longest.
    pub most: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { initial: Duration::from_millis(100), most: Duration::from_secs(60) }
    }
}

impl Backoff {
    fn after(self, failures: u32) -> Duration {
        let factor = 1u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
        self.initial.saturating_mul(factor).min(self.most)
    }
}

/// The queue; shared by reference.
#[derive(Debug)]
pub struct Queue<K> {
    backoff: Backoff,
    state: Mutex<State<K>>,
    /// Wakes one waiting `get`, which wakes the next if there is more.
    changed: Notify,
}

#[derive(Debug)]
struct State<K> {
    keys: HashMap<K, Entry>,
    ready: VecDeque<K>,
    /// By time, then by the order of adding; the number is in the key's entry.
    later: BTreeMap<(Instant, u64), K>,
    added: u64,
}

/// What is known of a key; one without anything to know isn't kept.
#[derive(Clone, Debug, Default)]
struct Entry {
    due: Option<Due>,
    in_hand: bool,
    failures: u32,
}

/// When a key is to be handed out next; while it is in hand, when after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    Now,
    At(Instant, u64),
}

impl<K: Clone + Eq + Hash> Default for Queue<K> {
    fn default() -> Self {
        Self::new(Backoff::default())
    }
}

impl<K: Clone + Eq + Hash> Queue<K> {
    /// An empty one.
    pub fn new(backoff: Backoff) -> Self {
        let state = State {
            keys: HashMap::new(),
            ready: VecDeque::new(),
            later: BTreeMap::new(),
            added: 0,
        };
        Self { backoff, state: Mutex::new(state), changed: Notify::new() }
    }

    /// To be looked at as soon as possible.
    pub fn add(&self, key: K) {
        self.state().schedule(key, None);
        self.changed.notify_one();
    }

    /// To be looked at then. A key has one time: the earliest that was asked for.
    pub fn add_at(&self, key: K, at: Instant) {
        let at = (at > Instant::now()).then_some(at);
        self.state().schedule(key, at);
        self.changed.notify_one();
    }

    /// The next key that is due; waits for it. It is in the caller's hand until `done` or `fail`.
    ///
    /// Cancel-safe: a key is taken in the step that returns it.
    pub async fn get(&self) -> K {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            // In line before the look, so that what is added after it wakes this one.
            changed.as_mut().enable();
            let next = {
                let mut state = self.state();
                state.ripen(Instant::now());
                if let Some(key) = state.take() {
                    if !state.ready.is_empty() || !state.later.is_empty() {
                        self.changed.notify_one();
                    }
                    return key;
                }
                state.later.first_key_value().map(|((at, _), _)| *at)
            };
            match next {
                Some(at) => tokio::select! {
                    () = changed => {}
                    () = sleep_until(at) => {}
                },
                None => changed.await,
            }
        }
    }

    /// The look went well: earlier failures are forgotten.
    pub fn done(&self, key: &K) {
        self.hand_back(key, |_| None);
    }

    /// The look failed: the key comes again after its backoff, or earlier if it was added meanwhile.
    pub fn fail(&self, key: &K) {
        self.hand_back(key, |failures| Some(Instant::now() + self.backoff.after(failures)));
    }

    /// Nothing of the key is wanted any more, also not after the look that may be under way.
    pub fn forget(&self, key: &K) {
        let mut state = self.state();
        state.unschedule(key);
        if let Some(entry) = state.keys.get_mut(key) {
            entry.failures = 0;
            if !entry.in_hand {
                state.keys.remove(key);
            }
        }
    }

    /// How many keys are due, planned or in hand.
    pub fn len(&self) -> usize {
        self.state().keys.values().filter(|entry| entry.in_hand || entry.due.is_some()).count()
    }

    /// Is there nothing to do, now or later?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn state(&self) -> MutexGuard<'_, State<K>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hand_back(&self, key: &K, again: impl FnOnce(u32) -> Option<Instant>) {
        let mut state = self.state();
        let Some(entry) = state.keys.get_mut(key).filter(|entry| entry.in_hand) else { return };
        entry.in_hand = false;
        let due = entry.due.take();
        entry.failures += 1;
        let again = again(entry.failures);
        if again.is_none() {
            entry.failures = 0;
        }
        // What was added meanwhile gets its place now.
        match due {
            Some(Due::Now) => state.schedule(key.clone(), None),
            Some(Due::At(at, _)) => state.schedule(key.clone(), Some(at)),
            None => {}
        }
        match again {
            Some(at) => state.schedule(key.clone(), Some(at)),
            None if due.is_none() => {
                state.keys.remove(key);
            }
            None => {}
        }
        drop(state);
        self.changed.notify_one();
    }
}

impl<K: Clone + Eq + Hash> State<K> {
    /// Plans the key for `at` (`None`: now), unless it is planned for earlier.
    fn schedule(&mut self, key: K, at: Option<Instant>) {
        let due = self.keys.get(&key).and_then(|entry| entry.due);
        let earlier = match (due, at) {
            (Some(Due::Now), _) => true,
            (Some(Due::At(planned, _)), Some(at)) => planned <= at,
            (Some(Due::At(..)) | None, _) => false,
        };
        if earlier {
            return;
        }
        self.unschedule(&key);
        self.added += 1;
        let entry = self.keys.entry(key.clone()).or_default();
        entry.due = Some(at.map_or(Due::Now, |at| Due::At(at, self.added)));
        if entry.in_hand {
            return;
        }
        match at {
            None => self.ready.push_back(key),
            Some(at) => {
                self.later.insert((at, self.added), key);
            }
        }
    }

    fn unschedule(&mut self, key: &K) {
        let Some(entry) = self.keys.get_mut(key) else { return };
        match entry.due.take() {
            // A key that was due at once and is wanted no more is rare: a deleted loop.
            Some(Due::Now) if !entry.in_hand => self.ready.retain(|ready| ready != key),
            Some(Due::At(at, added)) if !entry.in_hand => {
                self.later.remove(&(at, added));
            }
            Some(Due::Now | Due::At(..)) | None => {}
        }
    }

    /// Moves what has become due into the line.
    fn ripen(&mut self, now: Instant) {
        while let Some(first) = self.later.first_entry()
            && first.key().0 <= now
        {
            let key = first.remove();
            if let Some(entry) = self.keys.get_mut(&key) {
                entry.due = Some(Due::Now);
                self.ready.push_back(key);
            }
        }
    }

    fn take(&mut self) -> Option<K> {
        let key = self.ready.pop_front()?;
        let entry = self.keys.entry(key.clone()).or_default();
        (entry.due, entry.in_hand) = (None, true);
        Some(key)
    }
}

#[cfg(test)]
mod tests;
