//! A terminal against a server that says what it is told: tickets by HTTP, frames by WebSocket, and connections that
//! break.

use bytes::Bytes;
use futures::{SinkExt as _, StreamExt as _};
use serde_json::json;
use smith_term::frame::Frame;
use smith_term::message::{About, Next};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};

use super::*;
use crate::{Config, Secret};

async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), future).await.expect("in time")
}

struct Server {
    listener: TcpListener,
}

impl Server {
    async fn start() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").await.unwrap() }
    }

    fn client(&self) -> Client {
        let address = self.listener.local_addr().unwrap();
        let mut config = Config::new(format!("http://{address}/below"), "test");
        config.silence = Duration::from_secs(5);
        Client::new(config.with_token(Secret::new("the-token"))).unwrap()
    }

    /// The next request's connection and head, after its body.
    async fn request(&self) -> (TcpStream, String) {
        let (mut stream, _) = in_time(self.listener.accept()).await.unwrap();
        let mut read = String::new();
        loop {
            let mut chunk = [0; 4096];
            let n = in_time(stream.read(&mut chunk)).await.unwrap();
            read += std::str::from_utf8(&chunk[..n]).unwrap();
            let Some((head, body)) = read.split_once("\r\n\r\n") else { continue };
            let length = header(head, "content-length").map_or(0, |n| n.parse().unwrap());
            if body.len() >= length {
                return (stream, head.to_owned());
            }
        }
    }

    async fn answer(&self, status: &str, body: serde_json::Value) -> String {
        let (mut stream, head) = self.request().await;
        let body = body.to_string();
        let answer = format!(
            "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(answer.as_bytes()).await.unwrap();
        head
    }

    /// Gives a ticket, takes the upgrade, and reads the hello.
    async fn attach(&self, worker: &str) -> (WebSocketStream<TcpStream>, Hello) {
        let head = self.answer("200 OK", ticket(worker)).await;
        assert!(head.starts_with("POST /below/v1/loops/a/control/attach "), "{head}");
        assert_eq!(header(&head, "authorization").as_deref(), Some("Bearer the-token"));
        let (mut stream, head) = self.request().await;
        assert!(head.starts_with("GET /below/v1/loops/a/control/terminal HTTP/1.1"), "{head}");
        assert_eq!(header(&head, "authorization"), None, "the ticket is enough");
        let offered = header(&head, "sec-websocket-protocol");
        assert_eq!(offered.as_deref(), Some("smith.terminal.v1, smith.ticket.t-1"));
        let accept = derive_accept_key(header(&head, "sec-websocket-key").unwrap().as_bytes());
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: smith.terminal.v1\r\n\r\n"
        );
        stream.write_all(answer.as_bytes()).await.unwrap();
        let mut socket = WebSocketStream::from_raw_socket(stream, Role::Server, None).await;
        let FromViewer::Hello(hello) = hear(&mut socket).await else { panic!("a hello") };
        (socket, hello)
    }
}

fn header(head: &str, name: &str) -> Option<String> {
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
}

fn ticket(worker: &str) -> serde_json::Value {
    json!({
        "ticket": "t-1", "expires_at": "2026-01-01T00:00:00Z", "path": "/p", "worker": worker,
        "no": { "round": 1, "attempt": 1 },
        "session": {
            "session": "agent", "generation": 1, "running": true,
            "size": { "columns": 80, "rows": 24 }, "viewers": [],
        },
    })
}

async fn hear(socket: &mut WebSocketStream<TcpStream>) -> FromViewer {
    let frame = match in_time(socket.next()).await.unwrap().unwrap() {
        Message::Binary(bytes) => Frame::Bytes(bytes),
        Message::Text(text) => Frame::Text(text.to_string()),
        other => panic!("{other:?}"),
    };
    FromViewer::from_frame(frame).unwrap()
}

async fn say(socket: &mut WebSocketStream<TcpStream>, message: &FromWorker) {
    let message = match message.to_frame() {
        Frame::Bytes(bytes) => Message::Binary(bytes),
        Frame::Text(text) => Message::Text(text.into()),
    };
    socket.send(message).await.unwrap();
}

fn snapshot(generation: u64, offset: u64) -> FromWorker {
    FromWorker::Snapshot(Snapshot {
        at: Position { generation, offset },
        size: Size::DEFAULT,
        title: None,
        state: vec![],
    })
}

fn end(reason: EndReason) -> FromWorker {
    FromWorker::End { reason, text: "t".into() }
}

fn terminal(server: &Server) -> Terminal {
    server.client().terminal(Target {
        loop_id: "a".parse().unwrap(),
        session: Session::Agent,
        mode: Mode::Write,
        size: None,
    })
}

async fn next(terminal: &mut Terminal) -> Signal {
    in_time(terminal.next()).await.expect("not over").expect("no error")
}

/// Attaches, up to a snapshot at an offset.
async fn attached(
    server: &Server,
    terminal: &mut Terminal,
    offset: u64,
) -> WebSocketStream<TcpStream> {
    let ((mut socket, _), signal) = tokio::join!(server.attach("w"), next(terminal));
    assert!(
        matches!(signal, Signal::Attached(answer) if answer.worker == "w" && answer.ticket.is_empty())
    );
    say(&mut socket, &snapshot(1, offset)).await;
    next(terminal).await;
    socket
}

async fn lost(terminal: &mut Terminal) -> Error {
    match next(terminal).await {
        Signal::Reconnecting { error, .. } => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn it_comes_back_at_its_position_on_the_same_server_or_the_next() {
    let (first, second) = (Server::start().await, Server::start().await);
    let mut terminal = terminal(&first).or(second.client());
    let mut socket = attached(&first, &mut terminal, 10).await;
    say(&mut socket, &FromWorker::Output(Bytes::from_static(b"12345"))).await;
    assert!(matches!(next(&mut terminal).await, Signal::Message(FromWorker::Output(_))));
    terminal.send(FromViewer::Input(vec![b'x'; MAX_BYTES + 1].into())).await.unwrap();
    for length in [MAX_BYTES, 1] {
        let FromViewer::Input(bytes) = hear(&mut socket).await else { panic!("input") };
        assert_eq!(bytes.len(), length, "a paste goes in pieces");
    }
    // Killed: nothing is said.
    drop(socket);
    assert!(matches!(lost(&mut terminal).await, Error::Ended));
    assert_eq!(terminal.send(FromViewer::Detach).await, Err(NotAttached));
    let ((mut socket, hello), signal) = tokio::join!(second.attach("w"), next(&mut terminal));
    assert!(matches!(signal, Signal::Attached(_)));
    assert_eq!(hello.from, Some(Position { generation: 1, offset: 15 }));
    let text = "the next iteration".into();
    let began = FromWorker::Began { generation: 2, size: Size::DEFAULT, text };
    say(&mut socket, &began).await;
    say(&mut socket, &FromWorker::Output(Bytes::from_static(b"12"))).await;
    for _ in 0..2 {
        next(&mut terminal).await;
    }
    // In order: it says so, and is the same.
    say(&mut socket, &end(EndReason::Error)).await;
    let close = CloseFrame { code: 1012.into(), reason: "".into() };
    socket.send(Message::Close(Some(close))).await.unwrap();
    assert!(matches!(lost(&mut terminal).await, Error::Away { text } if text == "t"));
    let ((_socket, hello), _) = tokio::join!(first.attach("w"), next(&mut terminal));
    assert_eq!(hello.from, Some(Position { generation: 2, offset: 2 }));
}

#[tokio::test]
async fn another_worker_begins_anew() {
    let server = Server::start().await;
    let mut terminal = terminal(&server);
    drop(attached(&server, &mut terminal, 10).await);
    lost(&mut terminal).await;
    let ((_socket, hello), _) = tokio::join!(server.attach("another"), next(&mut terminal));
    assert_eq!(hello.from, None);
}

#[tokio::test]
async fn an_end_is_the_last_message() {
    let server = Server::start().await;
    for (reason, code) in [
        (EndReason::Revoked, 1008),
        (EndReason::SessionOver, 1000),
        (EndReason::Full, 1013),
        (EndReason::Error, 1011),
    ] {
        let mut terminal = terminal(&server);
        let mut socket = attached(&server, &mut terminal, 0).await;
        say(&mut socket, &end(reason)).await;
        let close = CloseFrame { code: code.into(), reason: "".into() };
        socket.send(Message::Close(Some(close))).await.unwrap();
        match next(&mut terminal).await {
            Signal::Message(message) => assert_eq!(message, end(reason)),
            other => panic!("{other:?}"),
        }
        assert!(in_time(terminal.next()).await.is_none());
    }
}

#[tokio::test]
async fn what_no_waiting_changes_is_an_error_and_the_rest_is_tried_again() {
    let server = Server::start().await;
    let mut terminal = terminal(&server);
    let problem = |code: &str, status: u16| json!({ "type": "about:blank", "title": "t", "status": status, "code": code, "detail": "d" });
    let (_, error) = tokio::join!(
        server.answer("503 Unavailable", problem("unavailable", 503)),
        lost(&mut terminal)
    );
    assert_eq!(error.problem().unwrap().detail, "d");
    let (_, over) = tokio::join!(
        server.answer("409 Conflict", problem("not-attachable", 409)),
        in_time(terminal.next())
    );
    assert!(matches!(over, Some(Err(Error::Problem { .. }))), "{over:?}");
    assert!(in_time(terminal.next()).await.is_none());
}

#[tokio::test]
async fn a_call_that_is_dropped_loses_nothing() {
    let server = Server::start().await;
    let mut terminal = terminal(&server);
    let attaching = async {
        let (mut socket, _) = server.attach("w").await;
        let notice = FromWorker::Notice { about: About::Other, text: "n".into() };
        let exit =
            FromWorker::Exit { generation: 1, status: None, next: Next::Over, text: "".into() };
        for message in [snapshot(1, 0), notice, exit] {
            say(&mut socket, &message).await;
        }
        socket
    };
    // Polled for a moment each time, as beside a keyboard.
    let polling = async {
        let mut seen = 0;
        while seen < 4 {
            tokio::select! {
                biased;
                signal = terminal.next() => {
                    signal.expect("not over").expect("no error");
                    seen += 1;
                }
                () = tokio::task::yield_now() => {}
            }
        }
    };
    in_time(async { tokio::join!(attaching, polling) }).await;
}
