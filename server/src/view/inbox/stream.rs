//! Streams of the inbox: the whole of it and all that follows, or all that follows an id.
//!
//! A subscription has a position in the board's log and no task and no queue. The id of an event is that
//! of the loops' stream, `{generation}-{revision}`: every process has the same inbox at a revision, but for
//! what only time changes. So what lingers takes its events their ids, and who comes back is also told what
//! time changed at its revision. A process that doesn't remember so far back begins anew: an inbox is
//! short, and telling it costs less than reading etcd's history.

use std::collections::VecDeque;
use std::time::Duration;

use futures::stream::Stream;
use jiff::Timestamp;
use smith_model::id::Revision;
use smith_model::inbox::{Event, Item};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::telemetry::chain;

use super::super::Behind;
use super::super::subscription::EventId;
use super::Inbox;
use super::board::{Cause, Moved, Resumable};
use super::filter::Sight;

/// A stream of the inbox; see the module's head.
pub struct Subscription {
    inbox: Inbox,
    moved: watch::Receiver<Revision>,
    sight: Sight,
    mode: Mode,
    source: Source,
    ready: VecDeque<(Option<EventId>, Event)>,
}

#[derive(Clone, Copy)]
enum Mode {
    /// From the id of a client: this process may not know of that revision yet.
    Resume(Revision),
    /// From the beginning.
    Reset,
    /// Behind a position of the log.
    Follow { position: u64, begun: Begun },
}

/// What the client was told before.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Begun {
    /// Everything, by this process.
    Here,
    /// Something, maybe by another process.
    Elsewhere,
}

/// What the client knows of the server's touch with its store.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    InTouch,
    Lost,
}

/// A process that is behind is waited for so long at a time.
const PATIENCE: Duration = Duration::from_secs(30);
/// After an error of etcd.
const PAUSE: Duration = Duration::from_millis(500);
/// The most changes that are taken at once.
const PIECE: usize = 64;

impl Subscription {
    pub(super) fn new(inbox: Inbox, sight: Sight, from: Option<(u64, Revision)>) -> Self {
        let generation = inbox.inner.view.generation();
        let resume = from.filter(|(of, _)| *of == generation);
        let mode = resume.map_or(Mode::Reset, |(_, revision)| Mode::Resume(revision));
        let moved = inbox.inner.moved.subscribe();
        Self { inbox, moved, sight, mode, source: Source::InTouch, ready: VecDeque::new() }
    }

    /// The next event, with the id to go on from behind it; not every event has one. `None`: the server is
    /// ending. Cancel-safe.
    pub async fn next(&mut self) -> Option<(Option<EventId>, Event)> {
        let ended = self.inbox.inner.ended.clone();
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
    pub fn into_stream(self) -> impl Stream<Item = (Option<EventId>, Event)> + Send {
        futures::stream::unfold(self, |mut subscription| async move {
            let event = subscription.next().await?;
            Some((event, subscription))
        })
    }

    fn id(&self, revision: Revision) -> EventId {
        EventId { generation: self.inbox.inner.view.generation(), revision }
    }

    /// Puts something into `ready`, or changes the mode, or waits for what makes that possible.
    async fn step(&mut self) {
        match self.mode {
            Mode::Resume(revision) => self.resume(revision).await,
            Mode::Reset => self.reset(),
            Mode::Follow { position, begun } => self.follow(position, begun).await,
        }
    }

    async fn resume(&mut self, revision: Revision) {
        match self.inbox.wait_for(revision, PATIENCE).await {
            Ok(()) => {
                let position = self.inbox.read().board.position(revision);
                self.mode = match position {
                    Some(position) => Mode::Follow { position, begun: Begun::Elsewhere },
                    None => Mode::Reset,
                };
            }
            // Nothing of this history has such an id.
            Err(Behind::Future { .. }) => self.mode = Mode::Reset,
            Err(Behind::Late { .. }) => {}
            Err(error @ (Behind::Tick(_) | Behind::Ended)) => {
                tracing::warn!(error = %chain(&error), "a stream waits for the inbox to catch up");
                sleep(PAUSE).await;
            }
        }
    }

    fn reset(&mut self) {
        let now = Timestamp::now();
        let known = self.inbox.read();
        let items = known.board.items(|item| self.sight.sees(item, now));
        let (seen, position) = (known.seen, known.board.end());
        let resumable = !known.board.lingers();
        drop(known);
        self.ready.push_back((None, Event::Reset));
        for item in items {
            self.ready.push_back((None, updated(&item)));
        }
        self.ready.push_back((resumable.then(|| self.id(seen)), Event::Ready));
        self.mode = Mode::Follow { position, begun: Begun::Here };
    }

    async fn follow(&mut self, position: u64, begun: Begun) {
        // Before the look, so that what comes behind it wakes.
        self.moved.mark_unchanged();
        let (found, lost) = {
            let known = self.inbox.read();
            (known.board.after(position, PIECE), known.lost)
        };
        match (lost, self.source) {
            (Some(since), Source::InTouch) => {
                self.source = Source::Lost;
                self.ready.push_back((None, Event::SourceLost { since }));
            }
            (None, Source::Lost) => {
                self.source = Source::InTouch;
                self.ready.push_back((None, Event::SourceFound));
            }
            (Some(_), Source::Lost) | (None, Source::InTouch) => {}
        }
        let Some((found, next)) = found else {
            self.mode = Mode::Reset;
            return;
        };
        self.mode = Mode::Follow { position: next, begun };
        if next == position {
            if self.ready.is_empty() && self.moved.changed().await.is_err() {
                // The inbox is gone, which `next` tells.
                std::future::pending::<()>().await;
            }
            return;
        }
        for moved in found {
            if let Some(event) = self.event(&moved, begun) {
                let id = (moved.resumable == Resumable::Yes).then(|| self.id(moved.revision));
                self.ready.push_back((id, event));
            }
        }
    }

    fn event(&self, moved: &Moved, begun: Begun) -> Option<Event> {
        let Moved { at, cause, before, after, revision: _, resumable: _ } = moved;
        if *cause == Cause::Unshown && begun == Begun::Here {
            return None;
        }
        if let Some(item) = after.as_ref().filter(|item| self.sight.sees(item, *at)) {
            return Some(updated(item));
        }
        // Whether it was quiet before doesn't matter: to remove what isn't there is harmless.
        let known = before.as_ref().filter(|item| self.sight.can_see(item))?;
        Some(Event::Removed { loop_id: known.loop_id.clone() })
    }
}

fn updated(item: &Item) -> Event {
    Event::Updated(Box::new(item.clone()))
}
