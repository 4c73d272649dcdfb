//! The WebSocket of a terminal: its handshake, and frames as messages.
//!
//! The HTTP client makes the connection, so that TLS, proxies and the server's refusals are those of every other
//! request; the WebSocket begins behind its upgrade.

use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use smith_model::id::LoopId;
use smith_model::terminal::{SUBPROTOCOL, TICKET_PREFIX};
use smith_term::frame::{Frame, MAX_REPORT};
use smith_term::message::{FromViewer, FromWorker};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error as WsError, Message};

use crate::{Client, Error};

/// How long the server may take to take a message. It reads as fast as it comes.
const WRITE: Duration = Duration::from_secs(10);

/// An open WebSocket.
pub(super) struct Socket {
    client: Client,
    stream: WebSocketStream<reqwest::Upgraded>,
}

/// What comes out of it.
pub(super) enum Read {
    /// A message.
    Message(FromWorker),
    /// It was closed, with this code.
    Closed(Option<u16>),
}

impl Socket {
    /// Opens the terminal that a ticket is for.
    pub(super) async fn open(client: &Client, id: &LoopId, ticket: &str) -> Result<Self, Error> {
        let key = generate_key();
        let call = client
            .get(["v1", "loops", id.as_str(), "control", "terminal"])
            .header("connection", "Upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", &key)
            .header("sec-websocket-protocol", &format!("{SUBPROTOCOL}, {TICKET_PREFIX}{ticket}"));
        let response = client.upgrade(&call).await?;
        let is = |name: &str, expected: &str| {
            let found = response.headers().get(name);
            found.is_some_and(|found| found.as_bytes() == expected.as_bytes())
        };
        let accepted = is("sec-websocket-accept", &derive_accept_key(key.as_bytes()));
        if !accepted || !is("sec-websocket-protocol", SUBPROTOCOL) {
            let detail = format!("it doesn't accept {SUBPROTOCOL}");
            return Err(client.malformed("a terminal", detail));
        }
        let upgraded = response.upgrade().await;
        let upgraded = upgraded.map_err(|error| client.lost(error, client.timeout()))?;
        let config = WebSocketConfig::default()
            .max_message_size(Some(MAX_REPORT))
            .max_frame_size(Some(MAX_REPORT));
        let stream = WebSocketStream::from_raw_socket(upgraded, Role::Client, Some(config)).await;
        Ok(Self { client: client.clone(), stream })
    }

    /// The next message. Cancel-safe. The server pings when it has nothing to say, so that silence means that it is lost.
    pub(super) async fn read(&mut self) -> Result<Read, Error> {
        loop {
            let after = self.client.silence();
            let read = tokio::time::timeout(after, self.stream.next()).await;
            let server = || self.client.server().to_owned();
            let read = read.map_err(|_| Error::Silent { server: server(), after })?;
            let frame = match read {
                None => return Ok(Read::Closed(None)),
                Some(Ok(Message::Close(close))) => {
                    return Ok(Read::Closed(close.map(|close| close.code.into())));
                }
                Some(Ok(Message::Binary(bytes))) => Frame::Bytes(bytes),
                Some(Ok(Message::Text(text))) => Frame::Text(text.as_str().to_owned()),
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
                Some(Err(WsError::Io(_) | WsError::ConnectionClosed | WsError::AlreadyClosed)) => {
                    return Ok(Read::Closed(None));
                }
                Some(Err(WsError::Capacity(error))) => {
                    return Err(self.client.malformed("a message of a terminal", error));
                }
                // Cut in the middle of something.
                Some(Err(_)) => return Ok(Read::Closed(None)),
            };
            let message = FromWorker::from_frame(frame);
            let message =
                message.map_err(|e| self.client.malformed("a message of a terminal", e))?;
            return Ok(Read::Message(message));
        }
    }

    /// Sends a message; false: the connection is lost. Not cancel-safe.
    pub(super) async fn send(&mut self, message: &FromViewer) -> bool {
        let message = match message.to_frame() {
            Frame::Bytes(bytes) => Message::Binary(bytes),
            Frame::Text(text) => Message::Text(text.into()),
        };
        matches!(tokio::time::timeout(WRITE, self.stream.send(message)).await, Ok(Ok(())))
    }
}
