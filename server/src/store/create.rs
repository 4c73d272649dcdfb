//! Creating a loop: one transaction, so that a request is a whole loop or nothing, and once.

use etcd_client::{Compare, CompareOp, Txn, TxnOp, TxnOpResponse};
use serde::{Deserialize, Serialize};
use smith_failpoint as failpoint;
use smith_model::id::{Digest, LoopId, ProjectName};
use smith_model::journal::{Actor, Draft, Head};
use smith_model::spec::{MOST_SPEC_BYTES, Spec};
use smith_model::state::StateRecord;
use tokio::time::Instant;
use uuid::Uuid;

use super::change::{Act, link_act, put_audit, revision};
use super::record::{Versioned, encode, encode_within, versioned};
use super::txn::{Batch, DEADLINE, Pauses};
use super::{Error, Store};

/// A loop to be created.
#[derive(Clone, Debug)]
pub struct NewLoop {
    /// What is asked.
    pub spec: Spec,
    /// The full idempotency key.
    pub key: String,
    /// The digest of the request.
    pub fingerprint: Digest,
    /// Who asks.
    pub actor: Actor,
    /// The first journal entry, whose payload is the transition.
    pub entry: Draft,
    /// The audit record.
    pub act: Act,
}

/// What is kept of a request under its idempotency key, also after the loop is deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestRecord {
    /// Major version of the record.
    pub schema_version: u32,
    /// The loop that it made.
    pub loop_id: LoopId,
    /// Its uid, drawn for this very request.
    pub uid: Uuid,
    /// The digest of the request.
    pub fingerprint: Digest,
}

/// What became of a create.
#[derive(Clone, Debug)]
pub enum Created {
    /// A new loop.
    New(Box<Versioned<StateRecord>>),
    /// The same request came before.
    Existing(Box<Versioned<StateRecord>>),
    /// The key was used for another request.
    KeyConflict(LoopId),
    /// The id is taken by a request with another key.
    IdTaken(LoopId),
    /// The key's (or the id's) loop was deleted.
    Deleted(LoopId),
    /// Dependencies that don't exist.
    NoSuchDependencies(Vec<LoopId>),
}

impl Store {
    /// Creates a loop, or finds what the same request made before.
    pub async fn create(&self, new: &NewLoop) -> Result<Created, Error> {
        let keys = &self.keys;
        let spec = &new.spec;
        let id = &spec.loop_id;
        let now = spec.created_at;
        let state = StateRecord::created(id.clone(), spec.uid, spec.summary(), now);
        let request_key = keys.request(&spec.project, &new.key);
        let mut batch = Batch::default();
        let mut head = Head::empty(spec.uid);
        let record = new.act.clone().record(
            now,
            Some(spec.project.clone()),
            Some(id.clone()),
            id.as_str(),
            1,
        );
        let link = put_audit(self, &record, &mut batch);
        let mut drafts = [(new.actor.clone(), None, new.entry.clone())];
        link_act(&mut drafts, &record.action, link);
        let [(actor, no, draft)] = drafts;
        let tx = Uuid::now_v7();
        self.seal(id.as_str(), &mut head, &mut batch, tx, now, actor, no, draft)?;
        let request = RequestRecord {
            schema_version: smith_model::SCHEMA_VERSION,
            loop_id: id.clone(),
            uid: spec.uid,
            fingerprint: new.fingerprint.clone(),
        };
        batch.put(keys.anomaly(id), encode_within("a spec", spec, MOST_SPEC_BYTES)?);
        batch.put(keys.state(id), encode(&state));
        batch.put(keys.head(id.as_str()), encode(&head));
        batch.put(request_key.clone(), encode(&request));
        let mut compares = vec![
            Compare::version(request_key.clone(), CompareOp::Equal, 0),
            Compare::version(keys.anomaly(id), CompareOp::Equal, 0),
            Compare::version(keys.tombstone(id), CompareOp::Equal, 0),
        ];
        let mut otherwise = vec![
            TxnOp::get(request_key.clone(), None),
            TxnOp::get(keys.anomaly(id), None),
            TxnOp::get(keys.tombstone(id), None),
        ];
        for dependency in &spec.depends_on {
            compares.push(Compare::version(keys.state(dependency), CompareOp::Greater, 0));
            otherwise.push(TxnOp::get(keys.state(dependency), None));
            batch.put(keys.dependent(dependency, id), "");
        }
        let ops = batch.within_limits()?;
        let deadline = Instant::now() + DEADLINE;
        let mut lost: Option<Error> = None;
        let mut pauses = Pauses::default();
        loop {
            let _ = failpoint::hit!("store.create.before-commit");
            let txn =
                Txn::new().when(compares.clone()).and_then(ops.clone()).or_else(otherwise.clone());
            match self.kv().txn(txn).await {
                Ok(answer) if answer.succeeded() => {
                    let _ = failpoint::hit!("store.create.after-commit");
                    let revision = revision(answer.header());
                    let state = Versioned { value: state, created: revision, revision };
                    return Ok(Created::New(Box::new(state)));
                }
                Ok(answer) => return self.found(new, &answer.op_responses()).await,
                Err(source) => {
                    // The request's record says whether it was committed: the transaction can be sent
                    // again as it is, because it compares that record's absence.
                    let error = Error::write("create a loop", source);
                    if !matches!(error, Error::Unknown { .. }) {
                        // This one was refused; the one before it may have been committed.
                        let Some(unknown) = lost else { return Err(error) };
                        let request = self.request(&spec.project, &new.key).await;
                        return match (request, self.state(id).await) {
                            (Ok(Some(r)), Ok(Some(state))) if r.uid == spec.uid => {
                                Ok(Created::New(Box::new(state)))
                            }
                            _ => Err(unknown),
                        };
                    }
                    if Instant::now() > deadline {
                        return Err(error);
                    }
                    tracing::warn!(loop_id = %id, error = %crate::telemetry::chain(&error), "an answer was lost");
                    lost = Some(error);
                    pauses.next().await;
                }
            }
        }
    }

    /// Says why a create found something there.
    async fn found(&self, new: &NewLoop, answers: &[TxnOpResponse]) -> Result<Created, Error> {
        let id = &new.spec.loop_id;
        let kv = |i: usize| match answers.get(i) {
            Some(TxnOpResponse::Get(get)) => get.kvs().first(),
            _ => None,
        };
        if let Some(kv) = kv(0) {
            let request: Versioned<RequestRecord> = versioned(kv)?;
            let RequestRecord { loop_id, uid, fingerprint, .. } = request.value;
            let Some(state) = self.state(&loop_id).await? else {
                return Ok(Created::Deleted(loop_id));
            };
            return Ok(if uid == new.spec.uid {
                // It was this very call, whose answer was lost.
                Created::New(Box::new(state))
            } else if fingerprint == new.fingerprint {
                Created::Existing(Box::new(state))
            } else {
                Created::KeyConflict(loop_id)
            });
        }
        if kv(2).is_some() {
            return Ok(Created::Deleted(id.clone()));
        }
        if kv(1).is_some() {
            return Ok(Created::IdTaken(id.clone()));
        }
        let depends_on = new.spec.depends_on.iter().enumerate();
        let missing = depends_on.filter(|(i, _)| kv(3 + i).is_none()).map(|(_, id)| id.clone());
        let missing: Vec<LoopId> = missing.collect();
        if missing.is_empty() {
            // Something was there and went while it was being read.
            return Err(Error::Contended);
        }
        Ok(Created::NoSuchDependencies(missing))
    }

    /// The request that was made under a key before, if there was one.
    pub async fn request(
        &self,
        project: &ProjectName,
        key: &str,
    ) -> Result<Option<RequestRecord>, Error> {
        let record: Option<Versioned<RequestRecord>> =
            self.get(&self.keys.request(project, key), "read a request").await?;
        Ok(record.map(|r| r.value))
    }
}
