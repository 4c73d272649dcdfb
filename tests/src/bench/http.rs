//! The least client of the API that can be: it shares the cores with what is measured, so it must cost nearly nothing.
//!
//! One kept-alive HTTP/1.1 connection, one request at a time; only what Smith's own answers look like is
//! understood.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, bail};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

/// A connection that bears a token.
#[derive(Debug)]
pub struct Connection {
    stream: BufReader<TcpStream>,
    token: String,
    line: Vec<u8>,
}

/// What a request is answered with.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body, of an answer that must be a success.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        if !(200..300).contains(&self.status) {
            bail!("answered {}: {}", self.status, String::from_utf8_lossy(&self.body));
        }
        serde_json::from_slice(&self.body).context("can't read an answer")
    }
}

impl Connection {
    /// Connects.
    pub async fn open(address: SocketAddr, token: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await.context("can't connect to the API")?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream), token: token.to_owned(), line: vec![] })
    }

    /// Bears another token from now on.
    pub fn bear(&mut self, token: &str) {
        self.token = token.to_owned();
    }

    /// One request with a JSON body, and its answer.
    pub async fn post(&mut self, path: &str, body: &impl Serialize) -> Result<Answer> {
        self.send("POST", path, &serde_json::to_vec(body)?).await
    }

    /// One request without a body, and its answer.
    pub async fn get(&mut self, path: &str) -> Result<Answer> {
        self.send("GET", path, &[]).await
    }

    async fn send(&mut self, method: &str, path: &str, body: &[u8]) -> Result<Answer> {
        self.ask(method, path, body).await?;
        let (status, length) = self.head().await?;
        let length = length.context("an answer without a length")?;
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await?;
        Ok(Answer { status, body })
    }

    async fn ask(&mut self, method: &str, path: &str, body: &[u8]) -> Result<()> {
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nhost: smith\r\nauthorization: Bearer {}\r\n",
            self.token
        )
        .into_bytes();
        if !body.is_empty() {
            let head =
                format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len());
            request.extend_from_slice(head.as_bytes());
        }
        request.extend_from_slice(b"\r\n");
        request.extend_from_slice(body);
        self.stream.write_all(&request).await?;
        Ok(())
    }

    /// The status, and the body's length if it is known.
    async fn head(&mut self) -> Result<(u16, Option<usize>)> {
        let status = self.read_line().await?;
        let status = status.split(' ').nth(1).and_then(|s| s.parse().ok());
        let status = status.context("not an answer of HTTP/1.1")?;
        let mut length = if status == 204 { Some(0) } else { None };
        loop {
            let line = self.read_line().await?.to_ascii_lowercase();
            if line.is_empty() {
                return Ok((status, length));
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = Some(value.trim().parse()?);
            }
        }
    }

    async fn read_line(&mut self) -> Result<String> {
        self.line.clear();
        if self.stream.read_until(b'\n', &mut self.line).await? == 0 {
            bail!("the API closed the connection");
        }
        Ok(String::from_utf8_lossy(self.line.trim_ascii_end()).into_owned())
    }

    /// Turns the connection into a stream of events.
    pub async fn events(mut self, path: &str) -> Result<Events> {
        self.ask("GET", path, &[]).await?;
        let (status, _) = self.head().await?;
        if status != 200 {
            bail!("the stream was answered with {status}");
        }
        Ok(Events(self))
    }
}

/// A stream of server-sent events. The frames of HTTP between its lines are skipped: none begins like an event's.
#[derive(Debug)]
pub struct Events(Connection);

impl Events {
    /// The data of the next event.
    pub async fn next(&mut self) -> Result<&[u8]> {
        let Connection { stream, line, .. } = &mut self.0;
        loop {
            line.clear();
            if stream.read_until(b'\n', line).await? == 0 {
                bail!("the stream ended");
            }
            if line.starts_with(b"data:") {
                return Ok(self.0.line["data:".len()..].trim_ascii());
            }
        }
    }
}
