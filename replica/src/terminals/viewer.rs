//! One viewer, from its hello to its end: one task that reads what it says and writes what it lacks.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use smith_model::terminal::ViewerId;
use smith_term::message::{About, EndReason, FromViewer, FromWorker};

use super::session::{ForViewer, No, Sent, Session};
use super::wire::{Connection, Error};

/// A viewer that says nothing for so long, not even a ping, is gone: what brings it here pings every 15 s.
const SILENCE: Duration = Duration::from_secs(45);
/// How long typed bytes wait for a program that doesn't read.
const INPUT_WAIT: Duration = Duration::from_secs(5);

/// A viewer that was let in. Dropped, it has left.
pub(super) struct Guest {
    pub(super) session: Arc<Session>,
    pub(super) id: ViewerId,
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.session.leave(self.id);
    }
}

/// Serves a viewer to its end.
pub(super) async fn serve(
    mut connection: Connection,
    guest: Guest,
    mut sent: Sent,
) -> Result<(), Error> {
    let mut changes = guest.session.changes();
    let mut heard = tokio::time::Instant::now();
    loop {
        changes.mark_unchanged();
        let more = match guest.session.next(&mut sent) {
            ForViewer::Messages(messages) => {
                connection.send(&messages).await?;
                true
            }
            ForViewer::Nothing => false,
            ForViewer::End(reason, text) => {
                return connection.send(&[FromWorker::End { reason, text }]).await;
            }
        };
        // All arms can be dropped: `recv` keeps what it read. What it says comes first, so that output
        // never keeps a detach from being heard; the last arm goes on with output at once.
        tokio::select! { biased;
            said = connection.recv() => {
                heard = tokio::time::Instant::now();
                let Some(said) = said? else { return Ok(()) };
                if let Some(end) = answer(&guest, &mut connection, said).await? {
                    return connection.send(&[end]).await;
                }
            }
            () = tokio::time::sleep_until(heard + SILENCE) => {
                let text = format!("nothing was heard for {} s", SILENCE.as_secs());
                return connection.send(&[FromWorker::End { reason: EndReason::Idle, text }]).await;
            }
            () = std::future::ready(()), if more => {}
            changed = changes.changed() => if changed.is_err() { return Ok(()) },
        }
    }
}

/// Does what a viewer says; the end, if that is one.
async fn answer(
    guest: &Guest,
    connection: &mut Connection,
    said: FromViewer,
) -> Result<Option<FromWorker>, Error> {
    let Guest { session, id } = guest;
    let done = match said {
        FromViewer::Input(bytes) => input(session, *id, bytes).await,
        FromViewer::Resize { size } => session.resize(*id, size),
        FromViewer::Lease(request) => session.lease(*id, request),
        FromViewer::Ping { nonce } => {
            connection.send(&[FromWorker::Pong { nonce }]).await?;
            Ok(())
        }
        FromViewer::Detach => {
            let text = "detached".to_owned();
            return Ok(Some(FromWorker::End { reason: EndReason::Detached, text }));
        }
        FromViewer::Hello(_) | FromViewer::Ask(_) => {
            let text = "a hello or a question comes first, and only once".to_owned();
            return Ok(Some(FromWorker::End { reason: EndReason::Protocol, text }));
        }
        // Of a later version.
        FromViewer::Unknown => Ok(()),
    };
    if let Err(No(about, text)) = done {
        connection.send(&[FromWorker::Notice { about, text }]).await?;
    }
    Ok(None)
}

async fn input(session: &Session, id: ViewerId, bytes: Bytes) -> Result<(), No> {
    let to = session.typed(id, &bytes)?;
    let sent = to.send_timeout(bytes, INPUT_WAIT).await;
    sent.map_err(|_| No(About::Other, "the program doesn't read what is typed: dropped".to_owned()))
}
