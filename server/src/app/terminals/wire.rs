//! Frames on the stream to a worker, read and written within bounds of size and time.
//!
//! A reader takes from the stream only what the frame at its front lacks, so that a viewer that takes nothing holds one
//! frame here, and the worker finds out by its own full socket.

use std::time::Duration;

use bytes::BytesMut;
use smith_term::frame::{Frame, FrameError, Sender, decode, encode};
use smith_term::message::{FromViewer, FromWorker, MessageError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf, split};
use tokio::time::timeout;

use crate::runtime::Duplex;

/// How long a worker may take to take a frame. It reads input as fast as it comes, whatever its programs do.
const WRITE: Duration = Duration::from_secs(10);

/// A buffer that grew beyond this for one snapshot is given back after it.
const KEPT: usize = 256 * 1024;

/// Why a stream can't be used any further.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// The worker closed it, without an end.
    #[error("the worker closed it")]
    Closed,
    /// It can't be read or written.
    #[error("it can't be used")]
    Io(#[from] std::io::Error),
    /// What came isn't a frame, or what was to go is too large for one.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// What came isn't a message.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// The worker takes nothing, or doesn't answer.
    #[error("the worker didn't answer in {0:?}")]
    Late(Duration),
}

/// What a worker says.
pub struct Incoming {
    half: ReadHalf<Box<dyn Duplex>>,
    buffer: BytesMut,
}

/// What it is told.
pub struct Outgoing {
    half: WriteHalf<Box<dyn Duplex>>,
    buffer: BytesMut,
}

pub(super) fn halves(stream: Box<dyn Duplex>) -> (Incoming, Outgoing) {
    let (read, write) = split(stream);
    let buffer = BytesMut::new;
    (Incoming { half: read, buffer: buffer() }, Outgoing { half: write, buffer: buffer() })
}

impl Incoming {
    /// The next frame. Cancel-safe.
    pub async fn next(&mut self) -> Result<Frame, Broken> {
        loop {
            if let Some(frame) = decode(&mut self.buffer, Sender::Worker)? {
                if self.buffer.is_empty() && self.buffer.capacity() > KEPT {
                    self.buffer = BytesMut::new();
                }
                return Ok(frame);
            }
            if self.half.read_buf(&mut self.buffer).await? == 0 {
                return Err(Broken::Closed);
            }
        }
    }

    pub(super) async fn message(&mut self) -> Result<FromWorker, Broken> {
        Ok(FromWorker::from_frame(self.next().await?)?)
    }
}

impl Outgoing {
    /// Sends a frame. Not cancel-safe: a frame may be cut in its middle, after which nothing can follow.
    pub async fn send(&mut self, frame: &Frame) -> Result<(), Broken> {
        self.buffer.clear();
        encode(frame, Sender::Viewer, &mut self.buffer)?;
        let written = timeout(WRITE, self.half.write_all(&self.buffer)).await;
        Ok(written.map_err(|_| Broken::Late(WRITE))??)
    }

    /// Sends a message; see [`Outgoing::send`].
    pub async fn tell(&mut self, message: &FromViewer) -> Result<(), Broken> {
        self.send(&message.to_frame()).await
    }
}
