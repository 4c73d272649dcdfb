//! API tokens: their hashes, roles and scopes.

use etcd_client::{Compare, CompareOp};
use jiff::Timestamp;
use smith_model::access::TokenRecord;
use smith_model::id::TokenId;
use smith_model::journal::{Actor, Draft, Phase};

use super::change::Act;
use super::record::{Versioned, encode};
use super::system::SystemAct;
use super::txn::Batch;
use super::{Error, Store};

impl Store {
    /// Stores a new token; false: the id is taken.
    pub async fn put_token(
        &self,
        token: &TokenRecord,
        actor: Actor,
        act: Act,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let key = self.keys.token(&token.id);
        let mut batch = Batch::default();
        batch.put(key.clone(), encode(token));
        let message = format!("token {} ({}, {}) was created", token.id, token.name, token.role);
        let new = SystemAct {
            act,
            actor,
            entry: Draft::info(Phase::Operator, message),
            project: None,
            loop_id: None,
            compares: vec![Compare::version(key, CompareOp::Equal, 0)],
            batch,
        };
        Ok(self.commit_system(now, new).await?.is_some())
    }

    /// Deletes a token; false: there is none of that id.
    pub async fn delete_token(
        &self,
        id: &TokenId,
        actor: Actor,
        act: Act,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let key = self.keys.token(id);
        let mut batch = Batch::default();
        batch.delete(key.clone());
        let new = SystemAct {
            act,
            actor,
            entry: Draft::info(Phase::Operator, format!("token {id} was revoked")),
            project: None,
            loop_id: None,
            compares: vec![Compare::version(key, CompareOp::Greater, 0)],
            batch,
        };
        Ok(self.commit_system(now, new).await?.is_some())
    }

    /// A token by its id.
    pub async fn token(&self, id: &TokenId) -> Result<Option<TokenRecord>, Error> {
        let record: Option<Versioned<TokenRecord>> =
            self.get(&self.keys.token(id), "read a token").await?;
        Ok(record.map(|r| r.value))
    }
}
