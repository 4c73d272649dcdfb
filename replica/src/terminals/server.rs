//! The terminal server: lets viewers in by their tickets, and answers questions.
//!
//! One unix socket in the worker's directory, which the host's processes don't see. Whoever can open it still needs a
//! ticket that the API signed for this attempt.

use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use smith_model::chain::Key;
use smith_model::id::{AttemptNo, LoopId};
use smith_model::terminal::ticket::{Act, Claims, Refused, Ticket};
use smith_model::terminal::{Session as Name, Viewer, ViewerId};
use smith_term::message::{
    self, Answer, Ask, EndReason, FromViewer, FromWorker, Hello, PROTOCOLS, Welcome, negotiate,
};
use tokio::net::UnixListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::session::{Joined, Session};
use super::viewer::{self, Guest};
use super::wire::{Connection, Error};
use super::{Inner, command, shell};

/// The socket's name in the worker's directory.
pub(super) const SOCKET: &str = "terminal.sock";
/// How long the first message may take.
const FIRST_MESSAGE: Duration = Duration::from_secs(10);
/// How long viewers have at the end to take what they lack.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// Viewers and questions at once.
const MOST_CONNECTIONS: usize = 128;

/// Who lets viewers in.
pub(super) struct Door {
    key: Key,
    loop_id: LoopId,
    no: AttemptNo,
    next: AtomicU32,
}

impl Door {
    pub(super) fn new(key: Key, loop_id: LoopId, no: AttemptNo) -> Self {
        Self { key, loop_id, no, next: AtomicU32::new(1) }
    }

    /// What a ticket says, if it is good here and now.
    fn claims(&self, ticket: &message::Ticket) -> Result<Claims, Refused> {
        let ticket: Ticket = ticket.0.parse()?;
        if ticket.loop_id != self.loop_id || ticket.no != self.no {
            return Err(Refused::Forged);
        }
        ticket.verify(&self.key, Timestamp::now())
    }

    fn viewer(&self, claims: &Claims, mode: message::Mode) -> Viewer {
        let id = ViewerId(self.next.fetch_add(1, Ordering::Relaxed));
        Viewer { id, name: claims.viewer.clone(), mode }
    }
}

/// Listens in a directory. The path of a socket has little room, so it is reached through the open directory.
pub(super) fn bind(dir: &Path) -> io::Result<UnixListener> {
    let open = std::fs::File::open(dir)?;
    let path = format!("/proc/self/fd/{}/{SOCKET}", open.as_raw_fd());
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    std::fs::set_permissions(dir.join(SOCKET), std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Serves until `stop`; then everybody is told, and it waits until they are gone.
pub(super) async fn run(inner: Arc<Inner>, listener: UnixListener, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let mut tasks = JoinSet::new();
    loop {
        tokio::select! { biased;
            () = stop.cancelled() => break,
            Some(_) = tasks.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let place = Arc::clone(&places).try_acquire_owned();
                    let (inner, stop) = (Arc::clone(&inner), stop.clone());
                    tasks.spawn(async move {
                        let connection = Connection::new(stream);
                        let served = match place {
                            Ok(_place) => serve(&inner, connection, stop).await,
                            Err(_) => turn_away(connection).await,
                        };
                        if let Err(error) = served {
                            tracing::debug!(error = crate::worker::chain(&error), "a viewer is gone");
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "can't take a viewer in");
                    // Descriptors are used up: it would fail again at once.
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            },
        }
    }
    for name in Name::ALL {
        inner.session(name).over(EndReason::ReplicaEnding, "the worker is about to end");
    }
    let all = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(LAST_WORDS, all).await.is_err() {
        // Who takes nothing isn't waited for.
        tasks.shutdown().await;
    }
}

async fn turn_away(mut connection: Connection) -> Result<(), Error> {
    let text = format!("{MOST_CONNECTIONS} are attached to this worker already");
    connection.send(&[FromWorker::End { reason: EndReason::Full, text }]).await
}

async fn serve(
    inner: &Arc<Inner>,
    mut connection: Connection,
    stop: CancellationToken,
) -> Result<(), Error> {
    let first = match tokio::time::timeout(FIRST_MESSAGE, connection.recv()).await {
        Ok(first) => first?,
        Err(_) => {
            let text = format!("nothing was said within {} s", FIRST_MESSAGE.as_secs());
            return connection.send(&[FromWorker::End { reason: EndReason::Idle, text }]).await;
        }
    };
    match first {
        None => Ok(()),
        Some(FromViewer::Hello(hello)) => greet(inner, connection, hello).await,
        Some(FromViewer::Ask(ask)) => {
            let answer = tokio::select! { biased;
                () = stop.cancelled() => {
                    Answer::Refused { why: "the worker is about to end".to_owned() }
                }
                answer = self::answer(inner, ask) => answer,
                // Nobody waits for the answer any more; a command ends with its future.
                _ = connection.recv() => return Ok(()),
            };
            connection.send(&[FromWorker::Answer(answer)]).await
        }
        Some(_) => {
            let text = "a hello or a question comes first".to_owned();
            connection.send(&[FromWorker::End { reason: EndReason::Protocol, text }]).await
        }
    }
}

async fn greet(inner: &Arc<Inner>, mut connection: Connection, hello: Hello) -> Result<(), Error> {
    // Who it is, where and to do what, are the ticket's words; the hello's are only wishes.
    let Hello { protocols, ticket, size: _, from, session: _, mode: _, viewer: _ } = hello;
    let claims = match inner.door.claims(&ticket) {
        Ok(claims) => claims,
        Err(refused) => return refuse(connection, refused).await,
    };
    let Act::Attach { session, mode } = claims.act else {
        return refuse(connection, Refused::Forged).await;
    };
    let Some(version) = negotiate(&protocols) else {
        let text = format!("this worker speaks the versions {PROTOCOLS:?}");
        return connection.send(&[FromWorker::End { reason: EndReason::Protocol, text }]).await;
    };
    let place = Arc::clone(inner.session(session));
    if session == Name::Shell
        && let Err(why) = shell::start(inner).await
    {
        let text = format!("the shell can't be started: {why}");
        return connection.send(&[FromWorker::End { reason: EndReason::Error, text }]).await;
    }
    let viewer = inner.door.viewer(&claims, mode);
    let id = viewer.id;
    let Joined { sent, generation, viewers, lease, from } = place.join(viewer, from);
    let guest = Guest { session: place, id };
    let welcome = Welcome { version, session, generation, you: id, viewers, lease, from };
    connection.send(&[FromWorker::Welcome(welcome)]).await?;
    viewer::serve(connection, guest, sent).await
}

async fn refuse(mut connection: Connection, refused: Refused) -> Result<(), Error> {
    let reason = match refused {
        Refused::Expired => EndReason::Expired,
        Refused::Forged => EndReason::Refused,
    };
    connection.send(&[FromWorker::End { reason, text: refused.to_string() }]).await
}

async fn answer(inner: &Arc<Inner>, ask: Ask) -> Answer {
    let allowed = |ticket: &message::Ticket, act: Act| match inner.door.claims(ticket) {
        Ok(claims) if claims.act == act => Ok(claims),
        Ok(_) => Err(Answer::Refused { why: Refused::Forged.to_string() }),
        Err(refused) => Err(Answer::Refused { why: refused.to_string() }),
    };
    match ask {
        Ask::Status { ticket } => match allowed(&ticket, Act::Status) {
            Ok(_) => Answer::Status { sessions: inner.status() },
            Err(refused) => refused,
        },
        Ask::Command { ticket, line, timeout_millis } => match allowed(&ticket, Act::Command) {
            Ok(_) => command::run(inner, line, Duration::from_millis(timeout_millis)).await,
            Err(refused) => refused,
        },
        Ask::Detach { ticket, viewer, own_only } => match allowed(&ticket, Act::Detach) {
            Ok(claims) => {
                let whom = |v: &Viewer| {
                    (!own_only || v.name == claims.viewer)
                        && viewer.map_or(v.name == claims.viewer, |id| v.id == id)
                };
                let detach = |session: &Arc<Session>| session.detach(whom);
                let viewers = Name::ALL.map(|name| detach(inner.session(name))).concat();
                Answer::Detached { viewers }
            }
            Err(refused) => refused,
        },
    }
}
