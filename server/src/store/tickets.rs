//! Tickets that were used, each until it has expired, so that no process takes one again.

use std::time::Duration;

use etcd_client::{Compare, CompareOp, PutOptions, Txn, TxnOp};
use uuid::Uuid;

use super::{Error, Store};

impl Store {
    /// Uses a ticket up; false: it was used before. It is remembered for `keep`, which must be longer than it is good.
    pub async fn use_ticket(&self, nonce: Uuid, keep: Duration) -> Result<bool, Error> {
        let lease = self.grant(keep).await?;
        let key = self.keys.ticket(nonce);
        let txn = Txn::new()
            .when([Compare::version(key.clone(), CompareOp::Equal, 0)])
            .and_then([TxnOp::put(key, "", Some(PutOptions::new().with_lease(lease)))]);
        match self.kv().txn(txn).await {
            Ok(answer) if answer.succeeded() => Ok(true),
            Ok(_) => {
                self.revoke(lease).await?;
                Ok(false)
            }
            // If it was committed after all, the ticket is used up for nothing: there are others.
            Err(source) => Err(Error::write("use a ticket up", source)),
        }
    }
}
