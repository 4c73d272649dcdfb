//! Requests as no client would make them: bytes in, status, headers and body out.

use std::collections::BTreeMap;

use smith_model::problem::{Code, Problem};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::in_time;

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers, by their lower-case names.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as a problem; it must be one, with the headers and status of one.
    #[track_caller]
    pub fn problem(&self) -> Problem {
        let kind = self.headers.get("content-type").map(String::as_str);
        let body = String::from_utf8_lossy(&self.body);
        assert_eq!(kind, Some("application/problem+json"), "{} {body}", self.status);
        let problem: Problem =
            serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {body}"));
        assert_eq!(problem.status, self.status, "{body}");
        assert_eq!(problem.request_id.as_ref(), self.headers.get("x-request-id"), "{body}");
        assert_eq!(problem.title, problem.code.title());
        problem
    }

    /// The code of the problem.
    #[track_caller]
    pub fn code(&self) -> Code {
        self.problem().code
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// Sends one request. `server` is `http://host:port`.
pub async fn send(
    server: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Answer {
    let host = server.strip_prefix("http://").expect("a plain address");
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    if !body.is_empty() || method != "GET" {
        head += &format!("Content-Length: {}\r\n", body.len());
    }
    head += "\r\n";
    let exchange = async {
        let mut stream = TcpStream::connect(host).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        // A server may answer and hang up before it has read a body that it refuses.
        let _ = stream.write_all(body).await;
        let mut answer = vec![];
        let _ = stream.read_to_end(&mut answer).await;
        answer
    };
    parse(&in_time(format!("an answer to {method} {path}"), exchange).await)
}

fn parse(bytes: &[u8]) -> Answer {
    let end = bytes
        .windows(4)
        .position(|w| w == b"\r\n\r\n")
        .unwrap_or_else(|| panic!("not an HTTP answer: {:?}", String::from_utf8_lossy(bytes)));
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap().parse().unwrap();
    let pairs = lines.filter_map(|line| line.split_once(':'));
    let headers: BTreeMap<_, _> =
        pairs.map(|(k, v)| (k.to_lowercase(), v.trim().to_owned())).collect();
    Answer { status, headers, body: bytes[end + 4..].to_vec() }
}
