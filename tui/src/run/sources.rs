//! What the state wants to hear from, each a task that sends messages for as long as it is wanted.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use futures::{FutureExt as _, StreamExt as _};
use jiff::{SignedDuration, Timestamp};
use smith_client::stream::{Signal, Signals};
use smith_client::{Client, InboxAlso, InboxFilter, LoopFilter};
use smith_model::api::LoopEvent;
use smith_model::inbox;
use smith_model::terminal::Mode;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};

use super::journal;
use crate::fleet::Row;
use crate::msg::{FleetChange, Msg, Stream};
use crate::panes::{Order, Subject};
use crate::run::connect;
use crate::run::terminals::{Seats, show};
use crate::state::Source;
use crate::world::inbox::InboxChange;
use crate::world::terminals::Terminals;

/// Events of a stream in one message, at most.
const BATCH: usize = 512;

/// The tasks.
pub(super) struct Sources {
    client: Client,
    tx: mpsc::Sender<Msg>,
    tasks: JoinSet<()>,
    running: BTreeMap<Source, AbortHandle>,
    seats: Seats,
    /// What may be done at terminals.
    mode: Mode,
}

impl Sources {
    /// None yet; messages go there.
    pub(super) fn new(client: Client, tx: mpsc::Sender<Msg>, mode: Mode) -> Self {
        let (tasks, running, seats) = (JoinSet::new(), BTreeMap::new(), Seats::default());
        Self { client, tx, tasks, running, seats, mode }
    }

    /// Starts what is wanted and not running, and ends what isn't wanted any more.
    pub(super) fn reconcile(&mut self, wanted: BTreeSet<Source>, terminals: &Terminals) {
        while self.tasks.try_join_next().is_some() {}
        self.running.retain(|source, task| {
            let is_wanted = wanted.contains(source);
            if !is_wanted {
                task.abort();
            }
            is_wanted
        });
        for source in wanted {
            if !self.running.contains_key(&source) {
                let task = match &source {
                    Source::Fleet => self.tasks.spawn(fleet(self.client.clone(), self.tx.clone())),
                    Source::Identity => {
                        let asked = connect::identity(self.client.clone(), self.tx.clone());
                        self.tasks.spawn(asked)
                    }
                    Source::Journal(ask) => {
                        let (client, tx) = (self.client.clone(), self.tx.clone());
                        self.tasks.spawn(journal::follow(client, ask.clone(), tx))
                    }
                    Source::Inbox => {
                        self.tasks.spawn(self::inbox(self.client.clone(), self.tx.clone()))
                    }
                    Source::Terminal(subject, _) => {
                        let Some(terminal) = terminals.get(subject) else { continue };
                        let (client, tx) = (self.client.clone(), self.tx.clone());
                        let stage = terminal.stage.clone();
                        let seat = self.seats.take(client, tx, subject.clone(), stage);
                        self.tasks.spawn(show(seat, self.mode))
                    }
                };
                self.running.insert(source, task);
            }
        }
    }

    /// Has the task of a terminal do something; answers the order where it can't.
    pub(super) fn order(&self, subject: &Subject, order: Order) -> Result<(), Order> {
        self.seats.order(subject, order)
    }
}

async fn fleet(client: Client, tx: mpsc::Sender<Msg>) {
    let stream = client.loops_stream(&LoopFilter::default(), None);
    pump(stream, tx, Msg::Fleet, |event| match event {
        LoopEvent::Updated(item) => Said::Change(FleetChange::Updated(Box::new(Row::from(*item)))),
        LoopEvent::Removed { loop_id } => Said::Change(FleetChange::Removed(loop_id)),
        LoopEvent::Reset => Said::Reset,
        LoopEvent::Ready => Said::Ready,
    })
    .await;
}

/// Everything, quiet items too: what sleeps wakes up here by the clock.
async fn inbox(client: Client, tx: mpsc::Sender<Msg>) {
    let filter = InboxFilter { also: InboxAlso::Both, ..InboxFilter::default() };
    let stream = client.inbox_stream(&filter, None);
    pump(stream, tx, Msg::Inbox, |event| match event {
        inbox::Event::Updated(item) => Said::Change(InboxChange::Updated(item)),
        inbox::Event::Removed { loop_id } => Said::Change(InboxChange::Removed(loop_id)),
        inbox::Event::SourceLost { since } => Said::Change(InboxChange::StoreLost(since)),
        inbox::Event::SourceFound => Said::Change(InboxChange::StoreFound),
        inbox::Event::Reset => Said::Reset,
        inbox::Event::Ready => Said::Ready,
    })
    .await;
}

/// What an event is for a state.
enum Said<T> {
    Change(T),
    Reset,
    Ready,
}

/// Sends what a stream says, changes in batches: as many as are there already.
async fn pump<E, T>(
    mut stream: Signals<E>,
    tx: mpsc::Sender<Msg>,
    msg: impl Fn(Stream<T>) -> Msg,
    of: impl Fn(E) -> Said<T>,
) {
    let mut changes = vec![];
    loop {
        // With changes in hand, only what is there at once; a stream's `next` may be dropped.
        let next = if changes.is_empty() {
            Some(stream.next().await)
        } else if changes.len() < BATCH {
            stream.next().now_or_never()
        } else {
            None
        };
        let said = match next {
            Some(Some(Ok(Signal::Event { id: _, event }))) => match of(event) {
                Said::Change(change) => {
                    changes.push(change);
                    continue;
                }
                Said::Reset => Some(Stream::Reset),
                Said::Ready => Some(Stream::Ready),
            },
            Some(Some(Ok(Signal::Disconnected { since, error }))) => {
                Some(Stream::Lost { since: at(since), why: why(&error) })
            }
            Some(Some(Ok(Signal::Reconnected))) => Some(Stream::Back),
            Some(Some(Err(error))) => Some(Stream::Refused { why: why(&error) }),
            Some(None) => {
                if !changes.is_empty() {
                    let _ = tx.send(msg(Stream::Changes(changes))).await;
                }
                return;
            }
            None => None,
        };
        if !changes.is_empty() {
            let batch = Stream::Changes(std::mem::take(&mut changes));
            if tx.send(msg(batch)).await.is_err() {
                return;
            }
        }
        if let Some(said) = said
            && tx.send(msg(said)).await.is_err()
        {
            return;
        }
    }
}

/// An instant as a time of day.
pub(super) fn at(instant: Instant) -> Timestamp {
    let ago = SignedDuration::try_from(instant.elapsed()).unwrap_or_default();
    Timestamp::now() - ago
}

/// An error with its causes, in one line.
pub(super) fn why(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
