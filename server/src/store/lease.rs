//! Leases: a worker's lock and the core's leadership both end when nobody keeps them alive.

use std::time::Duration;

use etcd_client::{Compare, CompareOp, PutOptions, Txn, TxnOp};
use serde::{Deserialize, Serialize};
use smith_failpoint as failpoint;

use super::change::revision;
use super::record::encode;
use super::{Error, Store};

/// The core that leads, as stored under `live/leader`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaderRecord {
    /// Major version of the record.
    pub schema_version: u32,
    /// The process: host and pid.
    pub holder: String,
    /// What only one process can have at a time, where it has something like that: see [`Store::unseat`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seat: Option<String>,
}

/// Who wants to lead.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Candidate {
    /// See [`LeaderRecord::holder`].
    pub holder: String,
    /// See [`LeaderRecord::seat`].
    pub seat: Option<String>,
}

/// A leadership that was won.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leadership {
    /// The create revision of the leader key; every transaction of the core compares it.
    pub created: i64,
    /// Its lease.
    pub lease: i64,
}

impl Store {
    /// A new lease. etcd counts in whole seconds and rounds small ones up to its own minimum.
    pub async fn grant(&self, ttl: Duration) -> Result<i64, Error> {
        let seconds = i64::try_from(ttl.as_millis().div_ceil(1000)).unwrap_or(i64::MAX).max(1);
        let answer = self.client.clone().lease_grant(seconds, None).await;
        answer.map(|a| a.id()).map_err(|source| Error::unavailable("make a lease", source))
    }

    /// Keeps a lease alive for another time to live. [`Error::LeaseGone`]: it ended.
    pub async fn keep_alive(&self, lease: i64) -> Result<(), Error> {
        let unavailable = |source| match source {
            // The client reports a lease that is gone in three ways, by where it notices.
            etcd_client::Error::LeaseKeepAliveError(text) if text.contains("not found") => {
                Error::LeaseGone
            }
            source => Error::unavailable("keep a lease", source),
        };
        let (mut keeper, mut answers) =
            self.client.clone().lease_keep_alive(lease).await.map_err(unavailable)?;
        keeper.keep_alive().await.map_err(unavailable)?;
        match answers.message().await.map_err(unavailable)? {
            Some(answer) if answer.ttl() > 0 => Ok(()),
            _ => Err(Error::LeaseGone),
        }
    }

    /// Ends a lease and every key on it. One that is gone is success.
    pub async fn revoke(&self, lease: i64) -> Result<(), Error> {
        match self.client.clone().lease_revoke(lease).await {
            Ok(_) => Ok(()),
            Err(source) => match Error::write("end a lease", source) {
                Error::LeaseGone => Ok(()),
                error => Err(error),
            },
        }
    }

    /// Tries to become the core that leads; `None`: another one does.
    pub async fn lead(
        &self,
        candidate: &Candidate,
        ttl: Duration,
    ) -> Result<Option<Leadership>, Error> {
        let lease = self.grant(ttl).await?;
        let Candidate { holder, seat } = candidate.clone();
        let record = LeaderRecord { schema_version: smith_model::SCHEMA_VERSION, holder, seat };
        let key = self.keys.leader();
        let options = PutOptions::new().with_lease(lease);
        let txn = Txn::new()
            .when([Compare::version(key.clone(), CompareOp::Equal, 0)])
            .and_then([TxnOp::put(key, encode(&record), Some(options))]);
        let _ = failpoint::hit!("store.lead.before-commit");
        match self.kv().txn(txn).await {
            Ok(answer) if answer.succeeded() => {
                let _ = failpoint::hit!("store.lead.after-commit");
                Ok(Some(Leadership { created: revision(answer.header()), lease }))
            }
            Ok(_) => {
                self.revoke(lease).await?;
                Ok(None)
            }
            // If it was committed after all, the lease that nobody keeps alive ends it.
            Err(source) => Err(Error::write("become leader", source)),
        }
    }

    /// Ends the leadership of whoever had this seat before; says whether there was one.
    ///
    /// Only for who has the seat now, and doesn't lead: then that process, or that reign, is over, and its
    /// lease is the only thing of it that is left. What it still has on its way compares the key that is
    /// deleted here.
    pub async fn unseat(&self, seat: &str) -> Result<bool, Error> {
        let key = self.keys.leader();
        let found = self.get::<LeaderRecord>(&key, "read who leads").await?;
        let Some(leader) = found.filter(|leader| leader.value.seat.as_deref() == Some(seat)) else {
            return Ok(false);
        };
        let txn = Txn::new()
            .when([Compare::create_revision(key.clone(), CompareOp::Equal, leader.created)])
            .and_then([TxnOp::delete(key, None)]);
        let answer = self.kv().txn(txn).await;
        let answer = answer.map_err(|source| Error::write("end an earlier leadership", source))?;
        Ok(answer.succeeded())
    }
}
