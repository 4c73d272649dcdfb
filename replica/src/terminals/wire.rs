//! Messages on a stream of bytes: what the socket carries, as the terminal server reads and writes it.

use std::time::Duration;

use bytes::BytesMut;
use smith_term::frame::{self, FrameError, Sender};
use smith_term::message::{FromViewer, FromWorker, MessageError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

/// A viewer that takes nothing for so long is gone, or might as well be.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// Why a stream can't be used any further.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// Reading or writing failed.
    #[error("the viewer's stream broke")]
    Broken(#[from] std::io::Error),
    /// It takes nothing.
    #[error("the viewer took nothing for {} s", WRITE_TIMEOUT.as_secs())]
    TakesNothing,
    /// What came isn't a frame.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// What came isn't a message.
    #[error(transparent)]
    Message(#[from] MessageError),
}

/// One stream to a viewer (in truth to the API that brings it here).
#[derive(Debug)]
pub(super) struct Connection {
    stream: UnixStream,
    read: BytesMut,
    write: BytesMut,
}

impl Connection {
    pub(super) fn new(stream: UnixStream) -> Self {
        Self { stream, read: BytesMut::new(), write: BytesMut::new() }
    }

    /// The next message; `None`: the other side hung up. Cancel-safe: what was read stays in the buffer.
    pub(super) async fn recv(&mut self) -> Result<Option<FromViewer>, Error> {
        loop {
            if let Some(frame) = frame::decode(&mut self.read, Sender::Viewer)? {
                return Ok(Some(FromViewer::from_frame(frame)?));
            }
            if self.stream.read_buf(&mut self.read).await? == 0 {
                return Ok(None);
            }
        }
    }

    /// Writes messages. Not cancel-safe: a frame that was begun has to be ended.
    pub(super) async fn send(&mut self, messages: &[FromWorker]) -> Result<(), Error> {
        self.write.clear();
        for message in messages {
            frame::encode(&message.to_frame(), Sender::Worker, &mut self.write)?;
        }
        let written = self.stream.write_all(&self.write);
        match tokio::time::timeout(WRITE_TIMEOUT, written).await {
            Ok(written) => Ok(written?),
            Err(_) => Err(Error::TakesNothing),
        }
    }
}
