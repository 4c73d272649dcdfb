//! Streams of loops: a list and all that follows, or all that follows an id, exactly once.
//!
//! A subscription has a position (a revision) and no task and no queue. It goes on from the view's ring
//! while that reaches back far enough, else from etcd's history until it meets the ring, else it begins
//! anew with [`LoopEvent::Reset`]. So one that is read slowly costs nothing and holds up nobody, and an
//! id is good on every process, also after a restart.
//!
//! Only the last event of a revision has an id: one who has it has everything up to that revision.

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::Stream;
use smith_model::api::{LoopEvent, LoopItem};
use smith_model::id::Revision;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::store::Error;
use crate::store::live::{LiveWatch, WatchEnd};
use crate::telemetry::chain;

use super::encoded::Encoded;
use super::filter::Sight;
use super::history::History;
use super::ring::After;
use super::table::Batch;
use super::{Behind, MOST_BATCHES, View, reach};

/// Where a stream is: the generation of the store, and a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventId {
    /// How often history was replaced.
    pub generation: u64,
    /// Everything up to it was received.
    pub revision: Revision,
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.generation, self.revision)
    }
}

/// A text that isn't the id of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the id of an event ({{generation}}-{{revision}}): leave it out to begin anew")]
pub struct InvalidEventId;

impl FromStr for EventId {
    type Err = InvalidEventId;
    fn from_str(text: &str) -> Result<Self, InvalidEventId> {
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        let (generation, revision) = text.split_once('-').ok_or(InvalidEventId)?;
        if !digits(generation) || !digits(revision) {
            return Err(InvalidEventId);
        }
        let generation = generation.parse().map_err(|_| InvalidEventId)?;
        let revision = Revision(revision.parse().map_err(|_| InvalidEventId)?);
        Ok(Self { generation, revision })
    }
}

/// One event of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamEvent {
    /// Given to go on from here.
    pub id: Option<EventId>,
    /// What happened.
    pub event: Arc<Encoded<LoopEvent>>,
}

impl From<LoopEvent> for StreamEvent {
    fn from(event: LoopEvent) -> Self {
        Self { id: None, event: Arc::new(Encoded::new(event)) }
    }
}

/// A stream of loops; see the module's head.
pub struct Subscription {
    view: View,
    seen: watch::Receiver<Revision>,
    sight: Sight,
    /// Everything up to it was told, or is in `ready`.
    position: Revision,
    ready: VecDeque<StreamEvent>,
    mode: Mode,
}

enum Mode {
    /// From the id of a client: this process may not know of that revision yet.
    Resume,
    /// From the beginning.
    Reset,
    /// The list is being told.
    List(std::vec::IntoIter<Arc<LoopItem>>),
    /// From the ring.
    Follow,
    /// From etcd's history; without a watch one has to be opened.
    Replay { history: History, watch: Option<Box<LiveWatch>> },
}

/// A process that is behind is waited for so long at a time.
const PATIENCE: Duration = Duration::from_secs(30);
/// After an error of etcd.
const PAUSE: Duration = Duration::from_millis(500);
/// The most loops of a list that are copied at once.
const PIECE: usize = 64;

impl Subscription {
    pub(super) fn new(view: View, sight: Sight, from: Option<(u64, Revision)>) -> Self {
        let resume = from.filter(|(generation, _)| *generation == view.generation());
        let (position, mode) = match resume {
            Some((_, revision)) => (revision, Mode::Resume),
            None => (Revision(0), Mode::Reset),
        };
        let seen = view.inner.seen.subscribe();
        Self { view, seen, sight, position, ready: VecDeque::new(), mode }
    }

    /// The next event; `None`: the server is ending, or what it knows is worth nothing any more.
    /// Cancel-safe.
    pub async fn next(&mut self) -> Option<StreamEvent> {
        let ended = self.view.inner.ended.clone();
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            if ended.is_cancelled() {
                return None;
            }
            tokio::select! {
                biased;
                () = self.step() => {}
                () = ended.cancelled() => return None,
            }
        }
    }

    /// The same as a stream.
    pub fn into_stream(self) -> impl Stream<Item = StreamEvent> + Send {
        futures::stream::unfold(self, |mut subscription| async move {
            let event = subscription.next().await?;
            Some((event, subscription))
        })
    }

    /// The id to go on from after all that [`Subscription::next`] has given. It moves also while nothing
    /// is told, so that a keep-alive that carries it spares a quiet stream a long replay (or a reset).
    /// `None` in the middle of a revision or of a list.
    pub fn position(&self) -> Option<EventId> {
        let settled = match self.mode {
            Mode::Resume | Mode::Reset | Mode::List(_) => false,
            Mode::Follow | Mode::Replay { .. } => self.ready.is_empty(),
        };
        settled.then(|| self.id(self.position))
    }

    fn id(&self, revision: Revision) -> EventId {
        EventId { generation: self.view.generation(), revision }
    }

    /// Puts something into `ready`, or changes the mode, or waits for what makes that possible.
    async fn step(&mut self) {
        match &mut self.mode {
            Mode::Resume => self.resume().await,
            Mode::Reset => {
                let (items, revision) = self.view.seen_by(&self.sight);
                self.position = revision;
                self.mode = Mode::List(items.into_iter());
                self.ready.push_back(LoopEvent::Reset.into());
            }
            Mode::List(items) => {
                for item in items.take(PIECE) {
                    let event = LoopEvent::Updated(Box::new(LoopItem::clone(&item)));
                    self.ready.push_back(event.into());
                }
                if self.ready.is_empty() {
                    self.mode = Mode::Follow;
                    let id = Some(self.id(self.position));
                    self.ready.push_back(StreamEvent { id, ..LoopEvent::Ready.into() });
                }
            }
            Mode::Follow => self.follow().await,
            Mode::Replay { .. } => self.replay().await,
        }
    }

    async fn resume(&mut self) {
        match self.view.wait_for(self.position, PATIENCE).await {
            Ok(_) => self.mode = Mode::Follow,
            // Nothing of this history has such an id.
            Err(Behind::Future { .. }) => self.mode = Mode::Reset,
            Err(Behind::Late { .. }) => {}
            Err(error @ (Behind::Tick(_) | Behind::Ended)) => {
                tracing::warn!(error = %chain(&error), "a stream waits for the view to catch up");
                sleep(PAUSE).await;
            }
        }
    }

    async fn follow(&mut self) {
        let (after, seen) = {
            let known = self.view.read();
            (known.ring.after(self.position, MOST_BATCHES), known.seen)
        };
        let After::Batches(batches) = after else {
            self.mode = Mode::Replay { history: History::default(), watch: None };
            return;
        };
        if batches.is_empty() {
            self.position = self.position.max(seen);
            reach(&mut self.seen, Revision(self.position.0 + 1)).await;
            return;
        }
        for batch in batches {
            let events = self.events(&batch);
            self.put(batch.revision, events);
        }
    }

    fn events(&self, batch: &Batch) -> Vec<StreamEvent> {
        let mut events: Vec<StreamEvent> = vec![];
        for change in &batch.loops {
            let before = change.before.as_ref().is_some_and(|item| self.sight.sees(item));
            match &change.after {
                Some(item) if self.sight.sees(item) => {
                    events.push(StreamEvent { id: None, event: change.updated(item) });
                }
                _ if before => {
                    events.push(LoopEvent::Removed { loop_id: change.loop_id.clone() }.into());
                }
                _ => {}
            }
        }
        events
    }

    /// Puts the events of one revision behind the others.
    fn put(&mut self, revision: Revision, events: Vec<StreamEvent>) {
        self.position = revision;
        let id = self.id(revision);
        self.ready.extend(events);
        if let Some(last) = self.ready.back_mut()
            && last.id.is_none()
        {
            last.id = Some(id);
        }
    }

    async fn replay(&mut self) {
        let Mode::Replay { history, watch } = &mut self.mode else { return };
        let Some(open) = watch else {
            match self.view.inner.store.watch_live(self.position.0 + 1).await {
                Ok(opened) => *watch = Some(Box::new(opened)),
                Err(error) => self.broken(&error).await,
            }
            return;
        };
        // The view's own ticks are events of this watch too, so that a silent one is a dead one.
        let patience = self.view.inner.settings.silence * 3;
        let batch = match timeout(patience, open.next()).await {
            Ok(Ok(batch)) => batch,
            Ok(Err(WatchEnd::Compacted(_))) => {
                self.mode = Mode::Reset;
                return;
            }
            Ok(Err(end @ WatchEnd::Disconnected(_))) => {
                *watch = None;
                tracing::warn!(error = %chain(&end), "a stream's replay is opened again");
                sleep(PAUSE).await;
                return;
            }
            Err(_) => {
                *watch = None;
                return;
            }
        };
        let revision = Revision(batch.revision);
        if revision <= self.position {
            return;
        }
        match history.tell(batch, &self.view, &self.sight) {
            Ok(events) => self.put(revision, events.into_iter().map(Into::into).collect()),
            Err(super::history::Untellable) => {
                self.mode = Mode::Reset;
                return;
            }
        }
        let met = match self.view.read().ring.after(self.position, 0) {
            After::Batches(_) => true,
            After::Unknown => false,
        };
        if met {
            self.mode = Mode::Follow;
        }
    }

    async fn broken(&mut self, error: &Error) {
        match error {
            Error::Compacted { .. } => self.mode = Mode::Reset,
            error => {
                tracing::warn!(error = %chain(error), "a stream could not be replayed from etcd");
                sleep(PAUSE).await;
            }
        }
    }
}
