//! The journal of acts that belong to no loop, so that they too are chained.

use etcd_client::{Compare, CompareOp, TxnOp, TxnOpResponse};
use jiff::Timestamp;
use smith_failpoint as failpoint;
use smith_model::id::{LoopId, ProjectName};
use smith_model::journal::{Actor, Draft, Entry, Head};
use tokio::time::Instant;
use uuid::Uuid;

use super::change::{Act, link_act, put_audit};
use super::keys::SYSTEM;
use super::read::{Slice, prefix_end};
use super::record::{Versioned, encode, versioned, writable};
use super::txn::{Batch, DEADLINE, Sealed, Sent};
use super::{Error, Store};

/// An act without a loop (or the last act on one that goes with it).
pub(super) struct SystemAct {
    pub(super) act: Act,
    pub(super) actor: Actor,
    pub(super) entry: Draft,
    pub(super) project: Option<ProjectName>,
    pub(super) loop_id: Option<LoopId>,
    /// What must hold.
    pub(super) compares: Vec<Compare>,
    /// What is written besides.
    pub(super) batch: Batch,
}

impl Store {
    /// Commits an act in the system journal; answers the revision, or `None` if `compares` don't hold.
    pub(super) async fn commit_system(
        &self,
        now: Timestamp,
        new: SystemAct,
    ) -> Result<Option<i64>, Error> {
        let SystemAct { act, actor, entry, project, loop_id, compares, batch } = new;
        let head_key = self.keys.head(SYSTEM);
        let deadline = Instant::now() + DEADLINE;
        let mut found: Option<Versioned<Head>> = self.get(&head_key, "read a journal").await?;
        while Instant::now() < deadline {
            let at = found.as_ref().map_or(0, |h| h.revision);
            let mut head = found.map_or_else(|| Head::empty(self.installation()), |h| h.value);
            writable(&head_key, head.schema_version)?;
            let first = head.next;
            let mut batch = batch.clone();
            let record = act.clone().record(now, project.clone(), loop_id.clone(), SYSTEM, first);
            let link = put_audit(self, &record, &mut batch);
            let mut drafts = [(actor.clone(), None, entry.clone())];
            link_act(&mut drafts, &record.action, link);
            let [(actor, no, draft)] = drafts;
            let tx = Uuid::now_v7();
            self.seal(SYSTEM, &mut head, &mut batch, tx, now, actor, no, draft)?;
            batch.put(head_key.clone(), encode(&head));
            let mut compares = compares.clone();
            compares.push(Compare::mod_revision(head_key.clone(), CompareOp::Equal, at));
            let sealed = Sealed {
                compares,
                ops: batch.within_limits()?,
                otherwise: vec![TxnOp::get(head_key.clone(), None)],
                tx,
                first: Some(self.keys.entry(SYSTEM, first)),
            };
            let _ = failpoint::hit!("store.system.before-commit");
            match self.send("record an act", &sealed, deadline).await? {
                Sent::Committed(revision) => {
                    let _ = failpoint::hit!("store.system.after-commit");
                    return Ok(Some(revision));
                }
                Sent::Outdated(answers) => {
                    found = match answers.first() {
                        Some(TxnOpResponse::Get(get)) => {
                            get.kvs().first().map(versioned).transpose()?
                        }
                        _ => None,
                    };
                    if found.as_ref().map_or(0, |h| h.revision) == at {
                        return Ok(None);
                    }
                }
            }
        }
        Err(Error::Contended)
    }

    /// Entries of the system journal with numbers above `after`.
    pub async fn system_journal(&self, after: u64, limit: usize) -> Result<Slice<Entry>, Error> {
        let from = self.keys.entry(SYSTEM, after.saturating_add(1));
        let until = prefix_end(&self.keys.journal(SYSTEM));
        self.range(&from, until, limit, etcd_client::SortOrder::Ascend).await
    }
}
