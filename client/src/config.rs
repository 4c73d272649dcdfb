//! What a client has to be told: where the server is, who speaks, and how patient to be.

use std::time::Duration;

use crate::Secret;

/// Settings of a [`Client`](crate::Client).
#[derive(Clone, Debug)]
pub struct Config {
    /// The server's address, such as `https://smith.example.org`; a path in it is kept.
    pub server: String,
    /// The token to bear; `None`: only what needs no credential can be asked.
    pub token: Option<Secret>,
    /// The name and version of the program, for the server's log.
    pub user_agent: String,
    /// The longest that a connection may take to come up.
    pub connect_timeout: Duration,
    /// The longest that one request may take, from first byte sent to last byte read.
    pub timeout: Duration,
    /// The longest that an artifact's bytes may take.
    pub transfer_timeout: Duration,
    /// A stream that says nothing for so long counts as lost; the server sends a comment every 15 s.
    pub silence: Duration,
    /// What is done again after a failure that may pass.
    pub retries: Retries,
    /// The way out of the network.
    pub proxy: Proxy,
}

/// How often a request that is safe to repeat is sent again.
///
/// Only reads and creates under an idempotency key are, and only after a lost connection or a 429 or
/// 503 that names a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retries {
    /// Times after the first; 0: never.
    pub most: usize,
    /// The first wait; doubled after each, up to `longest`.
    pub first: Duration,
    /// The longest wait. A server that asks for a longer one gets its answer passed on instead.
    pub longest: Duration,
}

/// Which proxy is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proxy {
    /// None: the server is reached directly.
    Direct,
    /// That of the system (`HTTPS_PROXY` and its like), but never for a server on this machine.
    System,
}

impl Config {
    /// The usual settings for a server.
    pub fn new(server: impl Into<String>, user_agent: impl Into<String>) -> Self {
        Self {
            server: server.into(),
            token: None,
            user_agent: user_agent.into(),
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(30),
            transfer_timeout: Duration::from_secs(300),
            silence: Duration::from_secs(45),
            retries: Retries {
                most: 4,
                first: Duration::from_millis(100),
                longest: Duration::from_secs(5),
            },
            proxy: Proxy::Direct,
        }
    }

    /// The same with a token.
    pub fn with_token(self, token: Secret) -> Self {
        Self { token: Some(token), ..self }
    }
}
