//! The tasks of terminals: each owns a connection, puts what comes onto its stage, and says that something did.
//!
//! A worker may print faster than anything here can show. So a task works for a part of each frame's time only; while
//! it rests nothing is read, the worker notices, leaves output out and sends a snapshot. What was left out is told.

mod follow;
mod meter;
mod playing;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;

use smith_client::Client;
use smith_client::terminal::{Signal, Target, Terminal};
use smith_model::id::LoopId;
use smith_model::terminal::{Mode, Session, Size, Viewer};
use smith_term::message::{About, FromViewer, FromWorker, LeaseRequest, Next};
use smith_term::mirror::{Applied, Mirror};
use tokio::sync::mpsc;
use tokio::time::{Instant, interval};

use crate::msg::Msg;
use crate::panes::{Content, News, Order, Over, Stage, Subject};
use crate::run::sources::{at, why};
use meter::Meter;

/// Orders that wait for a task: keys that are typed while it is busy.
const ORDERS: usize = 256;
/// How long a size must stay the same before the terminal gets it: a border that is dragged makes many.
const RESIZE: Duration = Duration::from_millis(120);
/// How often the worker hears of a viewer that does nothing.
const PING: Duration = Duration::from_secs(15);
/// Bytes that are fed at once, with the stage locked: a millisecond's work.
const PIECE: usize = 8 * 1024;

/// The ways to the tasks.
#[derive(Default)]
pub(super) struct Seats {
    orders: BTreeMap<Subject, mpsc::Sender<Order>>,
}

impl Seats {
    /// A seat for a task that begins; one before it for the same gets no orders any more.
    pub(super) fn take(
        &mut self,
        client: Client,
        tx: mpsc::Sender<Msg>,
        subject: Subject,
        stage: Stage,
    ) -> Seat {
        self.orders.retain(|_, orders| !orders.is_closed());
        let (to, orders) = mpsc::channel(ORDERS);
        self.orders.insert(subject.clone(), to);
        Seat { client, tx, subject, stage, orders }
    }

    /// Has a task do something; answers the order where it can't.
    pub(super) fn order(&self, subject: &Subject, order: Order) -> Result<(), Order> {
        let Some(orders) = self.orders.get(subject) else { return Err(order) };
        orders.try_send(order).map_err(mpsc::error::TrySendError::into_inner)
    }
}

/// What a task has.
pub(super) struct Seat {
    client: Client,
    tx: mpsc::Sender<Msg>,
    subject: Subject,
    stage: Stage,
    orders: mpsc::Receiver<Order>,
}

/// The owner is gone, so nothing is left to be done.
struct Gone;

/// Shows a subject for as long as this isn't dropped.
pub(super) async fn show(mut seat: Seat, mode: Mode) {
    let ended = match seat.subject.clone() {
        Subject::Agent(id) => seat.sessions(&id, Session::Agent, mode).await,
        Subject::Shell(id) => seat.sessions(&id, Session::Shell, mode).await,
        Subject::Recordings(id) => seat.list(&id).await,
        Subject::Recording(id, number) => seat.play(&id, number).await,
    };
    let Err(Gone) = ended;
}

/// How one worker's terminal ended.
enum Ended {
    /// Something is missing in what is held: it begins anew with a snapshot.
    Gap,
    /// It is over.
    Over(Over),
}

/// A connection while it is used.
struct Attached {
    terminal: Terminal,
    meter: Meter,
    /// The size that it is to have, and when it is told.
    resize: Option<(Size, Instant)>,
}

impl Seat {
    async fn say(&self, news: News) -> Result<(), Gone> {
        let msg = Msg::Terminal(self.subject.clone(), news);
        self.tx.send(msg).await.map_err(|_| Gone)
    }

    /// A session of one worker after the other.
    async fn sessions(
        &mut self,
        id: &LoopId,
        session: Session,
        mode: Mode,
    ) -> Result<Infallible, Gone> {
        self.stage.change(|content| {
            if !matches!(content, Content::Live(_)) {
                *content = Content::Live(Box::default());
            }
        });
        loop {
            let target = Target { loop_id: id.clone(), session, mode, size: None };
            let over = match self.attached(target).await? {
                Ended::Gap => continue,
                Ended::Over(over) => over,
            };
            let is_followed = over.is_followed;
            self.say(News::Over(over)).await?;
            if !is_followed {
                return self.rest().await;
            }
            self.next_worker(id).await?;
        }
    }

    /// Nothing is to be shown any more; what is typed goes nowhere.
    async fn rest(&mut self) -> Result<Infallible, Gone> {
        loop {
            match self.orders.recv().await {
                Some(order) => self.unsent(&order).await?,
                None => return Err(Gone),
            }
        }
    }

    async fn unsent(&self, order: &Order) -> Result<(), Gone> {
        match order {
            Order::Type(bytes) => self.say(News::Unsent(bytes.len() as u64)).await,
            _ => Ok(()),
        }
    }

    async fn attached(&mut self, target: Target) -> Result<Ended, Gone> {
        let mut it =
            Attached { terminal: self.client.terminal(target), meter: Meter::new(), resize: None };
        let mut ping = interval(PING);
        loop {
            let (notice, rest) = (it.meter.due(), it.meter.rest());
            let resize = it.resize.map(|(_, at)| at);
            // Whatever a person does comes first, then what they are told. All of these may be dropped.
            tokio::select! {
                biased;
                order = self.orders.recv() => {
                    let Some(order) = order else { return Err(Gone) };
                    self.carry_out(&mut it, order).await?;
                }
                () = until(notice), if notice.is_some() => self.report(&mut it).await?,
                () = until(resize), if resize.is_some() => {
                    if let Some((size, _)) = it.resize.take() {
                        // What is lost with the connection is asked for anew with the next keyboard.
                        let _ = it.terminal.send(FromViewer::Resize { size }).await;
                    }
                }
                _ = ping.tick() => drop(it.terminal.send(FromViewer::Ping { nonce: 0 }).await),
                () = until(rest), if rest.is_some() => it.meter.rested(),
                signal = it.terminal.next(), if rest.is_none() => {
                    let ended = match signal {
                        Some(Ok(signal)) => self.take(&mut it, signal).await?,
                        Some(Err(error)) => Some(Ended::Over(follow::refused(&error))),
                        None => Some(Ended::Over(Over {
                            why: "the terminal is over".to_owned(),
                            is_followed: false,
                        })),
                    };
                    if let Some(ended) = ended {
                        self.report(&mut it).await?;
                        return Ok(ended);
                    }
                }
            }
        }
    }

    async fn carry_out(&mut self, it: &mut Attached, order: Order) -> Result<(), Gone> {
        match order {
            Order::Type(bytes) => {
                let count = bytes.len() as u64;
                it.meter.typed();
                if it.terminal.send(FromViewer::Input(bytes.into())).await.is_err() {
                    self.say(News::Unsent(count)).await?;
                }
            }
            Order::Lease(request) => {
                if matches!(request, LeaseRequest::Release { .. }) {
                    // Who doesn't type has no say in it.
                    it.resize = None;
                }
                // Without a connection there is no lease, which was told.
                let _ = it.terminal.send(FromViewer::Lease(request)).await;
            }
            Order::Resize(size) => it.resize = Some((size, Instant::now() + RESIZE)),
            Order::PauseOrGo | Order::Faster | Order::Slower | Order::Seek(_) => {}
        }
        Ok(())
    }

    /// Says what was printed since the last time.
    async fn report(&self, it: &mut Attached) -> Result<(), Gone> {
        match it.meter.report() {
            Some(news) => self.say(news).await,
            None => Ok(()),
        }
    }

    async fn take(&mut self, it: &mut Attached, signal: Signal) -> Result<Option<Ended>, Gone> {
        let message = match signal {
            Signal::Attached(answer) => {
                self.say(News::Attached(answer.no)).await?;
                return Ok(None);
            }
            Signal::Reconnecting { since, error } => {
                let news = News::Lost { since: at(since), why: why(&error) };
                self.say(news).await?;
                return Ok(None);
            }
            Signal::Message(message) => message,
        };
        it.meter.hears(&message);
        let (applied, message) = self.feed(it, message).await;
        if applied == Applied::Gap {
            return Ok(Some(Ended::Gap));
        }
        let news = match message {
            FromWorker::Welcome(welcome) => News::Welcome {
                you: welcome.you,
                viewers: names(welcome.viewers),
                holder: welcome.lease,
            },
            FromWorker::Lease { holder } => News::Holder(holder),
            FromWorker::Viewers { viewers } => News::Viewers(names(viewers)),
            // What was left out is told with how much it was.
            FromWorker::Notice { about: About::Resynced, .. } => return Ok(None),
            FromWorker::Notice { text, .. } => News::Said(text),
            FromWorker::Began { text, .. } => News::Began(text),
            FromWorker::Exit { text, next: Next::Another, .. } => {
                News::Exit(format!("{text}; another one follows"))
            }
            FromWorker::Exit { text, next: Next::Over, .. } => News::Exit(text),
            FromWorker::End { reason, text } => {
                return Ok(Some(Ended::Over(follow::ended(&self.subject, reason, text))));
            }
            FromWorker::Snapshot(_)
            | FromWorker::Output(_)
            | FromWorker::Resize { .. }
            | FromWorker::Answer(_)
            | FromWorker::Pong { .. }
            | FromWorker::Unknown => return Ok(None),
        };
        self.say(news).await?;
        Ok(None)
    }

    /// Puts a message onto the stage, in pieces, and gives way to whoever wants to look at it in between.
    async fn feed(&self, it: &mut Attached, message: FromWorker) -> (Applied, FromWorker) {
        let began = Instant::now();
        let apply = |message: &FromWorker| {
            self.stage.change(|content| match content {
                Content::Live(mirror) => mirror.apply(message),
                // It was forgotten meanwhile.
                Content::Nothing | Content::Played(_) => {
                    let mut mirror = Box::<Mirror>::default();
                    let applied = mirror.apply(message);
                    *content = Content::Live(mirror);
                    applied
                }
            })
        };
        let mut applied = Applied::Nothing;
        let message = match message {
            FromWorker::Output(mut bytes) => {
                while !bytes.is_empty() && applied != Applied::Gap {
                    while self.stage.is_wanted() {
                        tokio::task::yield_now().await;
                    }
                    let piece = bytes.split_to(bytes.len().min(PIECE));
                    applied = apply(&FromWorker::Output(piece));
                }
                FromWorker::Output(bytes)
            }
            message => {
                applied = apply(&message);
                message
            }
        };
        it.meter.worked(began, Instant::now());
        if applied == Applied::Changed {
            match self.stage.look(|engine| engine.modes().updating) {
                Some(true) => it.meter.updating(Instant::now()),
                _ => it.meter.changed(Instant::now()),
            }
        }
        (applied, message)
    }
}

fn names(viewers: Vec<Viewer>) -> Vec<String> {
    viewers.into_iter().map(|viewer| viewer.name).collect()
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
