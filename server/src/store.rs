//! The only room that knows etcd: keys, records, transactions, leases and watches.
//!
//! Every change of a loop goes through [`Store::change`]: read a snapshot, let a pure function
//! decide, and commit what it decided in one transaction that compares what was read. There is no other
//! way to append to a journal.

pub mod audit;
pub mod change;
pub mod create;
pub mod delete;
pub mod error;
pub mod keys;
pub mod lease;
pub mod live;
pub mod maintenance;
pub mod read;
pub mod record;
pub mod system;
pub mod tickets;
pub mod tokens;
mod txn;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use etcd_client::{Certificate, Client, ConnectOptions, Identity, KvClient, TlsOptions};
use smith_model::chain::Key;
use smith_model::id::LoopId;
use uuid::Uuid;

pub use error::Error;
use keys::Keys;

/// How to reach etcd.
#[derive(Clone, Debug)]
pub struct Config {
    /// `http://host:port` or `https://…`, one or more.
    pub endpoints: Vec<String>,
    /// All keys lie under it, such as `/smith/v1`.
    pub prefix: String,
    /// Client certificates.
    pub tls: Option<Tls>,
    /// A request that takes longer is an error; its outcome is looked up.
    pub timeout: Duration,
    /// The bytes that etcd may take, where it doesn't tell itself.
    pub quota: u64,
}

/// PEM texts for mutual TLS.
#[derive(Clone)]
pub struct Tls {
    /// The authority that signed the server's certificate.
    pub ca: String,
    /// Ours.
    pub cert: String,
    /// Its key.
    pub key: String,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls(…)")
    }
}

/// A handle to the store; cheap to clone.
#[derive(Clone)]
pub struct Store {
    client: Client,
    keys: Keys,
    chain: Key,
    installation: Uuid,
    quota: u64,
    slots: Slots,
}

/// What this process last saw of a loop, so that an append needs no read before it. Wrong contents cost
/// a retry and nothing else, because every transaction compares what it was decided on.
type Slot = Arc<tokio::sync::Mutex<Option<change::Snapshot>>>;
type Slots = Arc<Mutex<HashMap<LoopId, Slot>>>;

/// The most loops that are remembered; beyond it those that nobody uses are dropped.
const MOST_SLOTS: usize = 4096;

/// A reply may hold many values of up to 512 KiB; gRPC's own limit of 4 MiB would cut pages short.
const MOST_REPLY_BYTES: usize = 64 * 1024 * 1024;

async fn connect(config: &Config) -> Result<Client, Error> {
    let mut options = ConnectOptions::new()
        .with_timeout(config.timeout)
        .with_connect_timeout(config.timeout)
        .with_keep_alive(Duration::from_secs(5), Duration::from_secs(5))
        .with_keep_alive_while_idle(true);
    if let Some(tls) = &config.tls {
        let options_tls = TlsOptions::new()
            .ca_certificate(Certificate::from_pem(&tls.ca))
            .identity(Identity::from_pem(&tls.cert, &tls.key));
        options = options.with_tls(options_tls);
    }
    let client = Client::connect(&config.endpoints, Some(options)).await;
    client.map_err(|source| Error::unavailable("connect", source))
}

/// A linearizable read of an etcd: is it there, and does it take the certificate?
pub async fn ping(config: &Config) -> Result<(), Error> {
    let answer = connect(config).await?.get(config.prefix.as_str(), None).await;
    answer.map(|_| ()).map_err(|source| Error::unavailable("check etcd", source))
}

impl Store {
    /// Connects, and draws or reads the installation's id. `root` is the root key: chain keys come of it.
    pub async fn open(config: &Config, root: &[u8]) -> Result<Self, Error> {
        let client = connect(config).await?;
        let mut store = Self {
            client,
            keys: Keys::new(&config.prefix),
            chain: Key::derive(root, "chain"),
            installation: Uuid::nil(),
            quota: config.quota,
            slots: Slots::default(),
        };
        store.installation = store.installation_id().await?;
        Ok(store)
    }

    /// The id that every label and worker of this installation carries.
    pub fn installation(&self) -> Uuid {
        self.installation
    }

    /// The key that journals are chained with.
    pub fn chain_key(&self) -> &Key {
        &self.chain
    }

    fn kv(&self) -> KvClient {
        self.client.kv_client().max_decoding_message_size(MOST_REPLY_BYTES)
    }

    fn slot(&self, loop_id: &LoopId) -> Slot {
        let mut slots = self.slots.lock().unwrap_or_else(|e| e.into_inner());
        if slots.len() > MOST_SLOTS {
            slots.retain(|_, slot| Arc::strong_count(slot) > 1);
        }
        slots.entry(loop_id.clone()).or_default().clone()
    }
}

#[cfg(test)]
mod tests;
