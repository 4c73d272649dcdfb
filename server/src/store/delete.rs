//! Deleting a loop: everything of it in one transaction, with a tombstone that keeps its id and key used.

use etcd_client::{Compare, CompareOp, GetOptions};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use smith_model::id::LoopId;
use smith_model::journal::{Actor, Draft, Phase};
use uuid::Uuid;

use super::change::{Act, Snapshot};
use super::record::encode;
use super::system::SystemAct;
use super::txn::Batch;
use super::{Error, Store};

/// What is left of a deleted loop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tombstone {
    /// Major version of the record.
    pub schema_version: u32,
    /// Its uid.
    pub uid: Uuid,
    /// The number of its last journal entry.
    pub last: u64,
    /// The hash of that entry.
    pub hash: String,
    /// The identity that deleted it.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

impl Store {
    /// Loops that were created to depend on `id`, and the revision of the read.
    pub async fn dependents(&self, id: &LoopId) -> Result<(Vec<LoopId>, i64), Error> {
        let prefix = self.keys.dependents(id);
        let options = GetOptions::new().with_prefix().with_keys_only();
        let answer = self.kv().get(prefix.clone(), Some(options)).await;
        let answer = answer.map_err(|source| Error::unavailable("read dependents", source))?;
        let names = answer
            .kvs()
            .iter()
            .filter_map(|kv| kv.key_str().ok()?.strip_prefix(&prefix)?.parse().ok());
        Ok((names.collect(), super::change::revision(answer.header())))
    }

    /// Deletes a loop that is still as in `snapshot` and has no dependents newer than `seen`.
    /// `None`: it changed meanwhile.
    pub async fn delete(
        &self,
        snapshot: &Snapshot,
        seen: i64,
        actor: Actor,
        act: Act,
        now: Timestamp,
    ) -> Result<Option<i64>, Error> {
        let state = &snapshot.state.value;
        let id = &state.loop_id;
        let keys = &self.keys;
        let head = &snapshot.head.value;
        let tombstone = Tombstone {
            schema_version: smith_model::SCHEMA_VERSION,
            uid: state.uid,
            last: head.next - 1,
            hash: head.hash.clone(),
            by: act.actor.clone(),
            reason: act.reason.clone().unwrap_or_default(),
            at: now,
        };
        let mut batch = Batch::default();
        batch.put(keys.tombstone(id), encode(&tombstone));
        let single = [
            keys.anomaly(id),
            keys.state(id),
            keys.progress(id),
            keys.attention(id),
            keys.stories(id),
        ];
        for key in single {
            batch.delete(key);
        }
        batch.delete(keys.head(id.as_str()));
        let lists = [
            keys.attempts(id),
            keys.iterations(id),
            keys.journal(id.as_str()),
            keys.handoffs(id),
            keys.overrides(id),
            keys.dependents(id),
        ];
        for prefix in lists {
            batch.delete_prefix(prefix);
        }
        for dependency in &state.summary.depends_on {
            batch.delete(keys.dependent(dependency, id));
        }
        let compares = vec![
            Compare::mod_revision(keys.head(id.as_str()), CompareOp::Equal, snapshot.head.revision),
            Compare::version(keys.lock(id), CompareOp::Equal, 0),
            Compare::mod_revision(keys.dependents(id), CompareOp::Less, seen + 1).with_prefix(),
        ];
        let message = format!("loop {id} was deleted; its journal ended with {:.16}", head.hash);
        let new = SystemAct {
            entry: Draft::info(Phase::Operator, message),
            project: Some(state.summary.project.clone()),
            loop_id: Some(id.clone()),
            act,
            actor,
            compares,
            batch,
        };
        let committed = self.commit_system(now, new).await?;
        *self.slot(id).lock().await = None;
        Ok(committed)
    }

    /// Is it a loop that was deleted?
    pub async fn is_deleted(&self, id: &LoopId) -> Result<bool, Error> {
        let tombstone = self.get::<Tombstone>(&self.keys.tombstone(id), "read a loop").await?;
        Ok(tombstone.is_some())
    }
}
