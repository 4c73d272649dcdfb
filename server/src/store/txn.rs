//! A transaction of sealed entries: what it compares and writes, and sending it until its outcome is known.
//!
//! An answer that is lost says nothing. The entry at the first number that was tried does: the own
//! transaction id means committed, another's means never (the compared head has moved), none means that
//! the very same transaction may be sent again. It must be the same one, because the lost one may still
//! be on its way: of two that compare the same head only one can be committed, and both count as one.

use std::time::Duration;

use etcd_client::{Compare, DeleteOptions, PutOptions, Txn, TxnOp, TxnOpResponse};
use smith_model::journal::Entry;
use tokio::time::Instant;
use uuid::Uuid;

use super::record::{Versioned, versioned};
use super::{Error, Store};

/// How long a transaction is tried before it is given up.
pub(super) const DEADLINE: Duration = Duration::from_secs(10);
/// The most bytes that one transaction may write, keys included.
pub(super) const MOST_TRANSACTION_BYTES: usize = 1024 * 1024;
/// The most entries of one transaction. etcd takes 128 operations in all.
pub(super) const MOST_TRANSACTION_ENTRIES: usize = 100;

/// What lies between tries: longer each time.
pub(super) struct Pauses(Duration);

impl Default for Pauses {
    fn default() -> Self {
        Self(Duration::from_millis(20))
    }
}

impl Pauses {
    pub(super) async fn next(&mut self) {
        tokio::time::sleep(self.0).await;
        self.0 = (self.0 * 2).min(Duration::from_millis(500));
    }
}

/// What a transaction writes, with its size.
#[derive(Clone, Default)]
pub(super) struct Batch {
    ops: Vec<TxnOp>,
    bytes: usize,
}

impl Batch {
    pub(super) fn put(&mut self, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.push(key.into(), value.into(), None);
    }

    pub(super) fn put_on_lease(
        &mut self,
        key: impl Into<Vec<u8>>,
        value: impl Into<Vec<u8>>,
        lease: i64,
    ) {
        let options = PutOptions::new().with_lease(lease);
        self.push(key.into(), value.into(), Some(options));
    }

    fn push(&mut self, key: Vec<u8>, value: Vec<u8>, options: Option<PutOptions>) {
        self.bytes += key.len() + value.len();
        self.ops.push(TxnOp::put(key, value, options));
    }

    pub(super) fn delete(&mut self, key: impl Into<Vec<u8>>) {
        self.ops.push(TxnOp::delete(key, None));
    }

    pub(super) fn delete_prefix(&mut self, prefix: impl Into<Vec<u8>>) {
        self.ops.push(TxnOp::delete(prefix, Some(DeleteOptions::new().with_prefix())));
    }

    /// The operations, if they are few enough for one transaction.
    pub(super) fn within_limits(self) -> Result<Vec<TxnOp>, Error> {
        let Self { ops, bytes } = self;
        if bytes > MOST_TRANSACTION_BYTES {
            let (what, most) = ("what is written at once", MOST_TRANSACTION_BYTES);
            return Err(Error::TooLarge { what, size: bytes, most });
        }
        Ok(ops)
    }
}

/// A transaction that is ready to be sent, maybe more than once.
pub(super) struct Sealed {
    pub(super) compares: Vec<Compare>,
    pub(super) ops: Vec<TxnOp>,
    /// What is read when the compares don't hold.
    pub(super) otherwise: Vec<TxnOp>,
    pub(super) tx: Uuid,
    /// The key of the first entry. Without one a repetition must be harmless.
    pub(super) first: Option<String>,
}

/// What became of a transaction.
pub(super) enum Sent {
    /// At this revision.
    Committed(i64),
    /// Something else was there; this is what was read.
    Outdated(Vec<TxnOpResponse>),
}

/// Whose entry stands at the first number.
enum Found {
    Own(i64),
    Another,
    None,
}

impl Store {
    /// Sends a transaction until its outcome is known. [`Error::Unknown`] means just that; any other
    /// error means that nothing was written.
    pub(super) async fn send(
        &self,
        op: &'static str,
        sealed: &Sealed,
        deadline: Instant,
    ) -> Result<Sent, Error> {
        let Sealed { compares, ops, otherwise, .. } = sealed;
        let mut lost: Option<Error> = None;
        let mut pauses = Pauses::default();
        loop {
            let txn =
                Txn::new().when(compares.clone()).and_then(ops.clone()).or_else(otherwise.clone());
            let error = match self.kv().txn(txn).await {
                Ok(answer) if answer.succeeded() => {
                    return Ok(Sent::Committed(super::change::revision(answer.header())));
                }
                Ok(answer) => {
                    let Some(unknown) = lost else {
                        return Ok(Sent::Outdated(answer.op_responses()));
                    };
                    return match self.look(sealed, deadline).await {
                        Some(Found::Own(revision)) => Ok(Sent::Committed(revision)),
                        // The compared head has moved, so that a lost one that is still on its way
                        // can't be committed either.
                        Some(Found::Another | Found::None) => {
                            Ok(Sent::Outdated(answer.op_responses()))
                        }
                        None => Err(unknown),
                    };
                }
                Err(source) => Error::write(op, source),
            };
            let unknown = match (error, lost.take()) {
                (error @ Error::Unknown { .. }, _) => error,
                // This one was refused; the one before it may have been committed.
                (error, Some(unknown)) => match self.look(sealed, deadline).await {
                    Some(Found::Own(revision)) => return Ok(Sent::Committed(revision)),
                    Some(Found::Another) => return Err(error),
                    Some(Found::None) | None => return Err(unknown),
                },
                (error, None) => return Err(error),
            };
            tracing::warn!(error = %crate::telemetry::chain(&unknown), "an answer was lost");
            match self.look(sealed, deadline).await {
                Some(Found::Own(revision)) => return Ok(Sent::Committed(revision)),
                // Sent again, to read what is there now.
                Some(Found::Another | Found::None) if Instant::now() < deadline => {}
                _ => return Err(unknown),
            }
            lost = Some(unknown);
            pauses.next().await;
        }
    }

    /// Looks at the first number until etcd answers; `None`: the time is up.
    async fn look(&self, sealed: &Sealed, deadline: Instant) -> Option<Found> {
        let Some(key) = &sealed.first else { return Some(Found::None) };
        let mut pauses = Pauses::default();
        loop {
            let error = match self.kv().get(key.as_str(), None).await {
                Ok(answer) => {
                    let Some(kv) = answer.kvs().first() else { return Some(Found::None) };
                    return Some(match versioned::<Entry>(kv) {
                        Ok(Versioned { value, revision, .. }) if value.tx == sealed.tx => {
                            Found::Own(revision)
                        }
                        // One that this program can't read isn't one that it wrote.
                        Ok(_) | Err(_) => Found::Another,
                    });
                }
                Err(error) => error,
            };
            if Instant::now() > deadline {
                tracing::warn!(error = %crate::telemetry::chain(&error), "can't find out an outcome");
                return None;
            }
            pauses.next().await;
        }
    }
}
