//! A viewer as the API is one: frames on the worker's socket.

use std::path::Path;
use std::time::Duration;

use bytes::BytesMut;
use smith_model::terminal::ticket::{Act, Claims, Ticket};
use smith_model::terminal::{Mode, Session};
use smith_term::frame::{self, Sender};
use smith_term::message::{self, Ask, FromViewer, FromWorker, Hello, Position, Welcome};
use smith_term::mirror::{Applied, Mirror};
use smith_term::screen::to_text;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use uuid::Uuid;

use crate::{LOOP, NO, key};

/// Nothing here takes longer, on any machine.
const LONG: Duration = Duration::from_secs(30);

/// One connection.
pub(crate) struct Viewer {
    stream: UnixStream,
    read: BytesMut,
    pub(crate) mirror: Mirror,
}

/// What a ticket says here.
pub(crate) fn ticket(viewer: &str, act: Act, seconds: i64) -> message::Ticket {
    let claims = Claims {
        act,
        viewer: viewer.to_owned(),
        token_id: "abcdefghijkl".parse().unwrap(),
        expires_at: jiff::Timestamp::from_second(jiff::Timestamp::now().as_second() + seconds)
            .unwrap(),
        nonce: Uuid::new_v4(),
    };
    message::Ticket(Ticket::sign(&key(), LOOP.parse().unwrap(), NO, &claims).to_string())
}

pub(crate) fn hello(ticket: message::Ticket, from: Option<Position>) -> FromViewer {
    FromViewer::Hello(Hello {
        protocols: message::PROTOCOLS.to_vec(),
        // The ticket's words count, not these.
        session: Session::Shell,
        mode: Mode::Write,
        viewer: "somebody else".to_owned(),
        ticket,
        size: None,
        from,
    })
}

impl Viewer {
    pub(crate) async fn connect(dir: &Path) -> Self {
        let socket = dir.join("terminal.sock");
        let connecting = async {
            loop {
                if let Ok(stream) = UnixStream::connect(&socket).await {
                    return stream;
                }
                // The socket comes a moment after its worker; nothing tells when.
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let stream = tokio::time::timeout(LONG, connecting).await.expect("a socket");
        Self { stream, read: BytesMut::new(), mirror: Mirror::new() }
    }

    /// Attached, with its welcome.
    pub(crate) async fn attach(
        dir: &Path,
        name: &str,
        session: Session,
        mode: Mode,
    ) -> (Self, Welcome) {
        let mut viewer = Self::connect(dir).await;
        viewer.say(hello(ticket(name, Act::Attach { session, mode }, 60), None)).await;
        match viewer.next().await {
            FromWorker::Welcome(welcome) => (viewer, welcome),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn ask(dir: &Path, ask: Ask) -> FromWorker {
        let mut viewer = Self::connect(dir).await;
        viewer.say(FromViewer::Ask(ask)).await;
        viewer.next().await
    }

    pub(crate) async fn say(&mut self, message: FromViewer) {
        let mut buffer = BytesMut::new();
        frame::encode(&message.to_frame(), Sender::Viewer, &mut buffer).unwrap();
        self.stream.write_all(&buffer).await.unwrap();
    }

    pub(crate) async fn type_(&mut self, text: &str) {
        self.say(FromViewer::Input(text.to_owned().into_bytes().into())).await;
    }

    /// The next message, applied to the mirror; panics at the end.
    pub(crate) async fn next(&mut self) -> FromWorker {
        self.next_or_end().await.expect("the stream goes on")
    }

    /// The next message, or the end of the stream.
    pub(crate) async fn next_or_end(&mut self) -> Option<FromWorker> {
        let message = tokio::time::timeout(LONG, self.read()).await.expect("a message in time")?;
        assert!(self.mirror.apply(&message) != Applied::Gap, "a gap before {message:?}");
        Some(message)
    }

    /// The next message, as it is: for who comes back with nothing in hand.
    pub(crate) async fn next_without_mirror(&mut self) -> FromWorker {
        tokio::time::timeout(LONG, self.read()).await.expect("in time").expect("it goes on")
    }

    async fn read(&mut self) -> Option<FromWorker> {
        loop {
            if let Some(frame) = frame::decode(&mut self.read, Sender::Worker).unwrap() {
                return Some(FromWorker::from_frame(frame).unwrap());
            }
            if self.stream.read_buf(&mut self.read).await.unwrap_or(0) == 0 {
                return None;
            }
        }
    }

    /// Reads until a message is as wanted.
    pub(crate) async fn until<T>(&mut self, wanted: impl Fn(&FromWorker) -> Option<T>) -> T {
        loop {
            if let Some(found) = wanted(&self.next().await) {
                return found;
            }
        }
    }

    /// Reads until the screen holds a text; answers the screen.
    pub(crate) async fn shows(&mut self, text: &str) -> String {
        loop {
            let screen = self.screen();
            if screen.contains(text) {
                return screen;
            }
            let next = tokio::time::timeout(LONG, self.next_or_end()).await;
            match next {
                Ok(Some(_)) => {}
                _ => panic!("no {text:?} on the screen:\n{screen}"),
            }
        }
    }

    pub(crate) fn screen(&self) -> String {
        self.mirror.engine().map(|engine| to_text(&engine.screen().rows)).unwrap_or_default()
    }
}
