//! The API in typed Rust: requests, streams that resume, and the worker's side of the worker protocol.
//!
//! It reads no environment and no file, and prints nothing: everything comes in by [`Config`], and
//! everything that goes wrong comes out as an [`Error`]. The shapes are those of `smith_model`.
//!
//! - [`Client`] speaks for a person or a program with an API token; its methods are in one file a noun.
//! - [`worker::Session`] speaks for a replica.
//! - [`terminal::Terminal`] is a worker's terminal, attached to.
//! - [`stream`] holds what both kinds of streams share: resume by id, backoff, watch for silence.

mod audit;
mod config;
mod error;
mod inbox;
mod journal;
mod loops;
mod prd;
mod secret;
mod server;
pub mod stream;
pub mod terminal;
mod tokens;
mod transport;
mod waits;
pub mod worker;

pub use audit::{AuditEvent, AuditFilter, AuditWatch};
pub use config::{Config, Proxy, Retries};
pub use error::Error;
pub use inbox::{InboxAlso, InboxFilter};
pub use journal::{JournalEvent, JournalPage};
pub use loops::{ListPage, LoopFilter};
pub use secret::Secret;
pub use transport::Client;
