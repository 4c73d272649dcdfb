//! A unix socket that carries messages together with file descriptors.
//!
//! One side of a conversation: a [`Receiver`] and a [`Sender`] on the same socket, for two tasks,
//! so that a peer that doesn't read can't keep us from reading.

use std::collections::VecDeque;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::Interest;
use tokio::net::UnixStream;

use super::frame::{self, Decoder, FrameError, MAX_FDS};

/// Descriptors that came in and belong to no frame yet. The kernel attaches them to a frame's first
/// bytes, so more than a few frames' worth means a peer that doesn't keep to the protocol.
const MAX_WAITING_FDS: usize = 4 * MAX_FDS;
const READ_SIZE: usize = 16 * 1024;

/// Why a conversation ended that wasn't over.
#[derive(Debug, thiserror::Error)]
pub(super) enum ChannelError {
    #[error("can't read from the socket")]
    Read(#[source] io::Error),
    #[error("can't write to the socket")]
    Write(#[source] io::Error),
    #[error("malformed frame")]
    Frame(#[from] FrameError),
    #[error("malformed message")]
    Message(#[source] serde_json::Error),
    #[error("descriptors that no frame announced, or fewer than one announced")]
    Descriptors,
    #[error("the peer hung up in the middle of a frame")]
    CutOff,
}

/// Both ends of the conversation on a connected socket.
pub(super) fn split(stream: UnixStream) -> (Receiver, Sender) {
    let stream = Arc::new(stream);
    let receiver =
        Receiver { stream: Arc::clone(&stream), decoder: Decoder::default(), fds: VecDeque::new() };
    (receiver, Sender { stream })
}

/// Takes messages.
#[derive(Debug)]
pub(super) struct Receiver {
    stream: Arc<UnixStream>,
    decoder: Decoder,
    fds: VecDeque<OwnedFd>,
}

impl Receiver {
    /// The next message and its descriptors; `None` when the peer has hung up.
    ///
    /// Cancel-safe: what was read is kept in `self`.
    pub(super) async fn recv<T: DeserializeOwned>(
        &mut self,
    ) -> Result<Option<(T, Vec<OwnedFd>)>, ChannelError> {
        loop {
            if let Some(frame) = self.decoder.next()? {
                if self.fds.len() < frame.fds {
                    return Err(ChannelError::Descriptors);
                }
                let fds = self.fds.drain(..frame.fds).collect();
                let message =
                    serde_json::from_slice(&frame.payload).map_err(ChannelError::Message)?;
                return Ok(Some((message, fds)));
            }
            let stream = Arc::clone(&self.stream);
            let read = stream
                .async_io(Interest::READABLE, || self.read_some())
                .await
                .map_err(ChannelError::Read)?;
            match read {
                Read::Bytes if self.fds.len() > MAX_WAITING_FDS => {
                    return Err(ChannelError::Descriptors);
                }
                Read::Bytes => {}
                Read::Truncated => return Err(ChannelError::Descriptors),
                Read::End if self.decoder.is_inside_frame() => return Err(ChannelError::CutOff),
                Read::End => return Ok(None),
            }
        }
    }

    fn read_some(&mut self) -> io::Result<Read> {
        let mut bytes = [0; READ_SIZE];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let received = rustix::net::recvmsg(
            &*self.stream,
            &mut [IoSliceMut::new(&mut bytes)],
            &mut control,
            RecvFlags::CMSG_CLOEXEC,
        )?;
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(fds) = message {
                self.fds.extend(fds);
            }
        }
        if received.flags.contains(ReturnFlags::CTRUNC) {
            return Ok(Read::Truncated);
        }
        if received.bytes == 0 {
            return Ok(Read::End);
        }
        self.decoder.push(&bytes[..received.bytes]);
        Ok(Read::Bytes)
    }
}

enum Read {
    Bytes,
    /// More descriptors came than fit.
    Truncated,
    End,
}

/// Sends messages.
#[derive(Debug)]
pub(super) struct Sender {
    stream: Arc<UnixStream>,
}

impl Sender {
    /// Sends a message with descriptors. Not cancel-safe: half a frame may be out.
    pub(super) async fn send<T: Serialize>(
        &mut self,
        message: &T,
        fds: &[OwnedFd],
    ) -> Result<(), ChannelError> {
        let payload = serde_json::to_vec(message).map_err(ChannelError::Message)?;
        let bytes = frame::encode(&payload, fds.len())?;
        let mut sent = 0;
        while sent < bytes.len() {
            // The descriptors travel with the frame's first bytes, once.
            let fds = if sent == 0 { fds } else { &[] };
            sent += self
                .stream
                .async_io(Interest::WRITABLE, || self.write_some(&bytes[sent..], fds))
                .await
                .map_err(ChannelError::Write)?;
        }
        Ok(())
    }

    /// Hangs up in both directions, whatever else still holds the socket.
    pub(super) fn hang_up(&self) -> HangUp {
        HangUp(Arc::clone(&self.stream))
    }

    fn write_some(&self, bytes: &[u8], fds: &[OwnedFd]) -> io::Result<usize> {
        let fds: Vec<BorrowedFd<'_>> = fds.iter().map(std::os::fd::AsFd::as_fd).collect();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !fds.is_empty() && !control.push(SendAncillaryMessage::ScmRights(&fds)) {
            return Err(io::Error::other("too many descriptors"));
        }
        let sent = rustix::net::sendmsg(
            &*self.stream,
            &[IoSlice::new(bytes)],
            &mut control,
            SendFlags::NOSIGNAL,
        )?;
        Ok(sent)
    }
}

/// Hangs up when asked; see [`Sender::hang_up`].
#[derive(Debug)]
pub(super) struct HangUp(Arc<UnixStream>);

impl HangUp {
    pub(super) fn again(&self) -> Self {
        Self(Arc::clone(&self.0))
    }

    pub(super) fn now(&self) {
        // An error means that there is no connection any more, which is what was wanted.
        let _ = rustix::net::shutdown(&*self.0, rustix::net::Shutdown::Both);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};
    use tokio::io::AsyncWriteExt as _;

    #[tokio::test]
    async fn a_message_brings_its_descriptors() {
        let (a, b) = UnixStream::pair().unwrap();
        let (_, mut sender) = split(a);
        let (mut receiver, _) = split(b);
        let (mut pipe_out, pipe_in) = std::io::pipe().unwrap();
        sender.send(&"none", &[]).await.unwrap();
        sender.send(&"one", &[OwnedFd::from(pipe_in)]).await.unwrap();
        drop(sender);

        let (message, fds) = receiver.recv::<String>().await.unwrap().unwrap();
        assert_eq!((message.as_str(), fds.len()), ("none", 0));
        let (message, mut fds) = receiver.recv::<String>().await.unwrap().unwrap();
        assert_eq!((message.as_str(), fds.len()), ("one", 1));
        let mut pipe_in = std::fs::File::from(fds.remove(0));
        pipe_in.write_all(b"through").unwrap();
        drop(pipe_in);
        let mut text = String::new();
        // End of file: nobody else kept the write end.
        pipe_out.read_to_string(&mut text).unwrap();
        assert_eq!(text, "through");
    }

    async fn refused(bytes: &[u8]) -> ChannelError {
        let (mut a, b) = UnixStream::pair().unwrap();
        let (mut receiver, _sender) = split(b);
        a.write_all(bytes).await.unwrap();
        drop(a);
        receiver.recv::<String>().await.unwrap_err()
    }

    #[tokio::test]
    async fn what_is_no_message_is_an_error() {
        assert!(matches!(refused(&[0xff; 8]).await, ChannelError::Frame(_)));
        assert!(matches!(refused(&[0, 0, 0, 2, 0, b'{', b'{']).await, ChannelError::Message(_)));
        assert!(matches!(refused(&[0, 0, 0, 2, 1, b'"', b'"']).await, ChannelError::Descriptors));
        assert!(matches!(refused(&[0, 0, 0]).await, ChannelError::CutOff));
    }

    #[tokio::test]
    async fn a_message_larger_than_the_socket_buffer_passes() {
        let (a, b) = UnixStream::pair().unwrap();
        let (_, mut sender) = split(a);
        let (mut receiver, _) = split(b);
        let long = "x".repeat(frame::MAX_PAYLOAD - 2);
        let (sent, received) = tokio::join!(sender.send(&long, &[]), receiver.recv::<String>());
        sent.unwrap();
        assert_eq!(received.unwrap().unwrap().0.len(), long.len());
        let longer = "x".repeat(frame::MAX_PAYLOAD);
        assert!(matches!(
            sender.send(&longer, &[]).await,
            Err(ChannelError::Frame(FrameError::TooLong(_)))
        ));
    }
}
