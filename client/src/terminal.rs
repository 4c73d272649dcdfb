//! A worker's terminal, attached to: it comes back by itself when the connection breaks.
//!
//! A stream that closes without an `end` broke on the way (the API was killed, the network is away): a new ticket is
//! asked for, after a growing wait, on the same server or the next one, and the terminal goes on at the position that
//! was reached, or with a snapshot where the worker no longer has what was missed. An API process that is ending in
//! order says so with an `end` and the close code 1012 (or 1013, for what a moment may change): that is the same. Every
//! other `end` is the last message.

mod requests;
mod socket;

use std::fmt;
use std::pin::Pin;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use smith_model::id::LoopId;
use smith_model::terminal::{AttachAnswer, AttachRequest, Mode, Session, Size};
use smith_term::frame::MAX_BYTES;
use smith_term::message::{
    EndReason, FromViewer, FromWorker, Hello, PROTOCOLS, Position, Snapshot, Ticket, Welcome,
};
use tokio::time::Sleep;

use crate::waits::Waits;
use crate::{Client, Error};
use socket::{Read, Socket};

/// Which terminal, and what for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The loop.
    pub loop_id: LoopId,
    /// The session.
    pub session: Session,
    /// To watch, or to ask for the lease too.
    pub mode: Mode,
    /// The size of the viewer's window, if the terminal should have that.
    pub size: Option<Size>,
}

/// What an attached terminal says.
#[derive(Debug)]
pub enum Signal {
    /// A message of the worker.
    Message(FromWorker),
    /// It is attached, for the first time or again, without the ticket, which is used up. A welcome follows.
    Attached(Box<AttachAnswer>),
    /// The connection was lost, or didn't come up; it is being tried again. What is typed meanwhile goes nowhere.
    Reconnecting {
        /// Since when.
        since: Instant,
        /// Why.
        error: Error,
    },
}

/// Nothing was sent: the terminal isn't attached at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the terminal isn't attached at the moment: what was typed is lost")]
pub struct NotAttached;

/// A worker's terminal. Dropping it detaches.
pub struct Terminal {
    target: Target,
    /// The servers of one installation, in the order in which they are tried.
    servers: Vec<Client>,
    current: usize,
    phase: Phase,
    /// Since when it has been lost, once the caller was told.
    lost: bool,
    waits: Waits,
    /// Whose terminal it was: a position means something to that worker alone.
    worker: Option<String>,
    /// Up to where everything was told to the caller.
    position: Option<Position>,
}

enum Phase {
    Connect,
    Connecting(BoxFuture<'static, Result<(AttachAnswer, Socket), Error>>),
    Wait(Pin<Box<Sleep>>),
    Live(Box<Socket>),
    /// An end came that may not be the last word: the close behind it says.
    Ending(Box<Socket>, EndReason, String),
    Over,
}

/// How long the close behind an end may take.
const CLOSE: Duration = Duration::from_secs(2);

/// Close codes of those who may come back: the process ends, and "in a moment".
const COME_BACK: [u16; 3] = [1001, 1012, 1013];

impl Client {
    /// Attaches to a terminal; nothing is sent before the first [`Terminal::next`].
    pub fn terminal(&self, target: Target) -> Terminal {
        Terminal {
            target,
            servers: vec![self.clone()],
            current: 0,
            phase: Phase::Connect,
            lost: false,
            waits: Waits::new(),
            worker: None,
            position: None,
        }
    }
}

impl Terminal {
    /// The same, also by another server of the same installation, which is tried when the one before fails.
    pub fn or(mut self, server: Client) -> Self {
        self.servers.push(server);
        self
    }

    /// The size of the viewer's window, for the next time that it comes back; see [`FromViewer::Resize`] for now.
    pub fn set_size(&mut self, size: Option<Size>) {
        self.target.size = size;
    }

    /// What happens next; `None`: it is over. Cancel-safe: what was begun goes on with the next call.
    pub async fn next(&mut self) -> Option<Result<Signal, Error>> {
        loop {
            match &mut self.phase {
                Phase::Over => return None,
                Phase::Wait(wait) => {
                    wait.as_mut().await;
                    self.phase = Phase::Connect;
                }
                Phase::Connect => {
                    let attach = attach(
                        self.servers[self.current].clone(),
                        self.target.clone(),
                        self.worker.clone().zip(self.position),
                    );
                    self.phase = Phase::Connecting(Box::pin(attach));
                }
                Phase::Connecting(connecting) => match connecting.await {
                    Ok((answer, socket)) => return Some(Ok(self.attached(answer, socket))),
                    Err(error) => {
                        if let Some(signal) = self.lose(error) {
                            return Some(signal);
                        }
                    }
                },
                Phase::Live(socket) => match socket.read().await {
                    Ok(Read::Message(FromWorker::End { reason: EndReason::Error, text })) => {
                        self.ending(EndReason::Error, text);
                    }
                    Ok(Read::Message(message)) => return Some(Ok(self.take(message))),
                    Ok(Read::Closed(_)) => {
                        if let Some(signal) = self.lose(Error::Ended) {
                            return Some(signal);
                        }
                    }
                    Err(error) => {
                        if let Some(signal) = self.lose(error) {
                            return Some(signal);
                        }
                    }
                },
                Phase::Ending(socket, reason, text) => {
                    let closed = tokio::time::timeout(CLOSE, socket.read()).await;
                    let code = match closed {
                        Ok(Ok(Read::Closed(code))) => code,
                        _ => None,
                    };
                    let (reason, text) = (*reason, std::mem::take(text));
                    if !code.is_some_and(|code| COME_BACK.contains(&code)) {
                        return Some(Ok(self.take(FromWorker::End { reason, text })));
                    }
                    if let Some(signal) = self.lose(Error::Away { text }) {
                        return Some(signal);
                    }
                }
            }
        }
    }

    /// Sends a message; longer input than a frame holds goes in several. Not cancel-safe: a dropped call may have
    /// sent a part.
    pub async fn send(&mut self, message: FromViewer) -> Result<(), NotAttached> {
        let Phase::Live(socket) = &mut self.phase else { return Err(NotAttached) };
        let sent = match message {
            FromViewer::Input(mut bytes) => loop {
                let piece = bytes.split_to(bytes.len().min(MAX_BYTES));
                let sent = socket.send(&FromViewer::Input(piece)).await;
                if !sent || bytes.is_empty() {
                    break sent;
                }
            },
            message => socket.send(&message).await,
        };
        // What was lost is told by the next read.
        if sent { Ok(()) } else { Err(NotAttached) }
    }

    fn attached(&mut self, mut answer: AttachAnswer, socket: Socket) -> Signal {
        // Used up, and nothing that should stand in anybody's log.
        answer.ticket.clear();
        if self.worker.as_ref() != Some(&answer.worker) {
            (self.worker, self.position) = (Some(answer.worker.clone()), None);
        }
        self.phase = Phase::Live(Box::new(socket));
        self.lost = false;
        Signal::Attached(Box::new(answer))
    }

    fn ending(&mut self, reason: EndReason, text: String) {
        if let Phase::Live(socket) = std::mem::replace(&mut self.phase, Phase::Over) {
            self.phase = Phase::Ending(socket, reason, text);
        }
    }

    /// Notes what a message changes.
    fn take(&mut self, message: FromWorker) -> Signal {
        match &message {
            FromWorker::Welcome(Welcome { from, .. }) => {
                // It works again, so the next loss begins with a short wait.
                self.waits = Waits::new();
                // Without one a snapshot follows; up to it nothing can be gone on from.
                self.position = *from;
            }
            FromWorker::Snapshot(Snapshot { at, .. }) => self.position = Some(*at),
            FromWorker::Began { generation, .. } => {
                self.position = Some(Position { generation: *generation, offset: 0 });
            }
            FromWorker::Output(bytes) => {
                if let Some(position) = &mut self.position {
                    position.offset += bytes.len() as u64;
                }
            }
            FromWorker::End { .. } => self.phase = Phase::Over,
            FromWorker::Resize { .. }
            | FromWorker::Lease { .. }
            | FromWorker::Viewers { .. }
            | FromWorker::Notice { .. }
            | FromWorker::Exit { .. }
            | FromWorker::Answer(_)
            | FromWorker::Pong { .. }
            | FromWorker::Unknown => {}
        }
        Signal::Message(message)
    }

    /// What the caller is told of a lost connection; nothing if it knows already.
    fn lose(&mut self, error: Error) -> Option<Result<Signal, Error>> {
        if !error.may_pass() {
            self.phase = Phase::Over;
            return Some(Err(error));
        }
        self.current = (self.current + 1) % self.servers.len();
        let wait = self.waits.after(&error);
        self.phase = Phase::Wait(Box::pin(tokio::time::sleep(wait)));
        if std::mem::replace(&mut self.lost, true) {
            return None;
        }
        Some(Ok(Signal::Reconnecting { since: Instant::now(), error }))
    }
}

/// Gets a ticket, opens the WebSocket, and says hello.
async fn attach(
    client: Client,
    target: Target,
    known: Option<(String, Position)>,
) -> Result<(AttachAnswer, Socket), Error> {
    let Target { loop_id, session, mode, size } = target;
    let answer = client.ticket(&loop_id, &AttachRequest { session, mode }).await?;
    let mut socket = Socket::open(&client, &loop_id, &answer.ticket).await?;
    let from = known.filter(|(worker, _)| *worker == answer.worker).map(|(_, position)| position);
    let hello = Hello {
        protocols: PROTOCOLS.to_vec(),
        session,
        mode,
        // Both are the API's to say.
        viewer: String::new(),
        ticket: Ticket(String::new()),
        size,
        from,
    };
    if !socket.send(&FromViewer::Hello(hello)).await {
        return Err(Error::Ended);
    }
    Ok((answer, socket))
}

impl fmt::Debug for Terminal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { target, position, .. } = self;
        f.debug_struct("Terminal").field("target", target).field("position", position).finish()
    }
}

#[cfg(test)]
mod tests;
