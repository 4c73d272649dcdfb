//! Point reads and pages of what a loop has.

use etcd_client::{
    Compare, CompareOp, GetOptions, GetResponse, PutOptions, SortOrder, SortTarget, Txn, TxnOp,
    TxnOpResponse,
};
use serde::de::DeserializeOwned;
use smith_failpoint as failpoint;
use smith_model::attempt::{AttemptRecord, LockRecord};
use smith_model::audit::Override;
use smith_model::handoff::Handoff;
use smith_model::id::{AttemptNo, LoopId};
use smith_model::journal::{Entry, Head};
use smith_model::spec::Spec;
use smith_model::state::StateRecord;
use smith_model::story::{IterationRecord, StoriesRecord};
use smith_model::worker::Progress;
use uuid::Uuid;

use super::change::revision;
use super::record::{Versioned, encode, versioned};
use super::{Error, Store};

/// Everything about a loop that one read gives.
#[derive(Clone, Debug)]
pub struct LoopRecords {
    /// The spec.
    pub spec: Spec,
    /// The state.
    pub state: Versioned<StateRecord>,
    /// The worker's progress.
    pub progress: Option<Progress>,
    /// The lock.
    pub lock: Option<Versioned<LockRecord>>,
    /// The newest attempt.
    pub attempt: Option<AttemptRecord>,
    /// The revision that all was read at.
    pub revision: i64,
}

/// What a worker is told when it claims an attempt, besides the state and the attempt itself.
#[derive(Clone, Debug)]
pub struct ClaimRecords {
    /// The spec.
    pub spec: Spec,
    /// The attempt before it, of whichever round.
    pub before: Option<AttemptRecord>,
    /// The newest iteration of the attempt.
    pub iteration: Option<IterationRecord>,
    /// The newest handoff.
    pub handoff: Option<Handoff>,
    /// The states of the loops it depends on, in their order, without those that were deleted.
    pub dependencies: Vec<StateRecord>,
}

/// The answers of one transaction that only reads.
struct AtOnce {
    gets: Vec<GetResponse>,
    revision: i64,
}

impl AtOnce {
    /// The first record that the `i`-th get found.
    fn first<T: DeserializeOwned>(&self, i: usize) -> Result<Option<Versioned<T>>, Error> {
        self.gets.get(i).and_then(|get| get.kvs().first()).map(versioned).transpose()
    }
}

/// A part of a list.
#[derive(Clone, Debug)]
pub struct Slice<T> {
    /// The items.
    pub items: Vec<T>,
    /// The key to go on from, if there is more.
    pub next: Option<String>,
    /// The revision of the read.
    pub revision: i64,
}

impl Store {
    /// One record.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        key: &str,
        op: &'static str,
    ) -> Result<Option<Versioned<T>>, Error> {
        let answer = self.kv().get(key, None).await;
        let answer = answer.map_err(|source| Error::unavailable(op, source))?;
        answer.kvs().first().map(versioned).transpose()
    }

    /// A range of records in the order of their keys (or the reverse).
    pub(super) async fn range<T: DeserializeOwned>(
        &self,
        from: &str,
        until: Vec<u8>,
        limit: usize,
        order: SortOrder,
    ) -> Result<Slice<T>, Error> {
        let options = GetOptions::new()
            .with_range(until)
            .with_sort(SortTarget::Key, order)
            .with_limit(i64::try_from(limit).unwrap_or(i64::MAX));
        let answer = self.kv().get(from, Some(options)).await;
        let answer = answer.map_err(|source| Error::unavailable("read a list", source))?;
        let items = answer.kvs().iter().map(|kv| Ok(versioned::<T>(kv)?.value));
        let items = items.collect::<Result<Vec<T>, Error>>()?;
        let last = answer.kvs().last().filter(|_| answer.more());
        let next = last.map(|kv| String::from_utf8_lossy(kv.key()).into_owned());
        Ok(Slice { items, next, revision: revision(answer.header()) })
    }

    /// All records under a prefix, page by page.
    async fn all<T: DeserializeOwned>(&self, prefix: &str) -> Result<Vec<T>, Error> {
        let mut items = vec![];
        let mut from = prefix.to_owned();
        loop {
            let page = self.range(&from, prefix_end(prefix), 500, SortOrder::Ascend).await?;
            items.extend(page.items);
            match page.next {
                Some(last) => from = format!("{last}\0"),
                None => return Ok(items),
            }
        }
    }

    /// A loop's state.
    pub async fn state(&self, id: &LoopId) -> Result<Option<Versioned<StateRecord>>, Error> {
        self.get(&self.keys.state(id), "read a loop").await
    }

    /// A loop as one read gives it.
    pub async fn loop_records(&self, id: &LoopId) -> Result<Option<LoopRecords>, Error> {
        let newest = GetOptions::new()
            .with_prefix()
            .with_sort(SortTarget::Key, SortOrder::Descend)
            .with_limit(1);
        let txn = Txn::new().and_then([
            TxnOp::get(self.keys.anomaly(id), None),
            TxnOp::get(self.keys.state(id), None),
            TxnOp::get(self.keys.progress(id), None),
            TxnOp::get(self.keys.lock(id), None),
            TxnOp::get(self.keys.attempts(id), Some(newest)),
        ]);
        let read = self.read_at_once("read a loop", txn).await?;
        let (Some(spec), Some(state)) = (read.first::<Spec>(0)?, read.first(1)?) else {
            return Ok(None);
        };
        Ok(Some(LoopRecords {
            spec: spec.value,
            state,
            progress: read.first(2)?.map(|p| p.value),
            lock: read.first(3)?,
            attempt: read.first(4)?.map(|a| a.value),
            revision: read.revision,
        }))
    }

    /// What the worker of an attempt is told besides what it claimed, all of one moment.
    pub async fn claim_records(
        &self,
        id: &LoopId,
        no: AttemptNo,
        dependencies: &[LoopId],
    ) -> Result<Option<ClaimRecords>, Error> {
        let keys = &self.keys;
        let newest = |until: Vec<u8>| {
            let options = GetOptions::new().with_range(until).with_limit(1);
            Some(options.with_sort(SortTarget::Key, SortOrder::Descend))
        };
        let (attempts, handoffs) = (keys.attempts(id), keys.handoffs(id));
        let mine = keys.iterations_of(id, no);
        let fixed = [
            TxnOp::get(keys.anomaly(id), None),
            TxnOp::get(attempts, newest(keys.attempt(id, no).into_bytes())),
            TxnOp::get(mine.clone(), newest(prefix_end(&mine))),
            TxnOp::get(handoffs.clone(), newest(prefix_end(&handoffs))),
        ];
        let states = dependencies.iter().map(|id| TxnOp::get(keys.state(id), None));
        let before = fixed.len();
        let txn = Txn::new().and_then(fixed.into_iter().chain(states).collect::<Vec<_>>());
        let read = self.read_at_once("read what a claim answers", txn).await?;
        let Some(spec) = read.first::<Spec>(0)? else { return Ok(None) };
        let states = (0..dependencies.len()).map(|i| read.first::<StateRecord>(before + i));
        let states = states.collect::<Result<Vec<_>, Error>>()?;
        Ok(Some(ClaimRecords {
            spec: spec.value,
            before: read.first(1)?.map(|a| a.value),
            iteration: read.first(2)?.map(|i| i.value),
            handoff: read.first(3)?.map(|h| h.value),
            dependencies: states.into_iter().flatten().map(|s| s.value).collect(),
        }))
    }

    async fn read_at_once(&self, op: &'static str, gets: Txn) -> Result<AtOnce, Error> {
        let answer = self.kv().txn(gets).await;
        let answer = answer.map_err(|source| Error::unavailable(op, source))?;
        let get = |op| match op {
            TxnOpResponse::Get(get) => Some(get),
            _ => None,
        };
        let gets = answer.op_responses().into_iter().filter_map(get).collect();
        Ok(AtOnce { gets, revision: revision(answer.header()) })
    }

    /// The head of a loop's journal.
    pub async fn head(&self, id: &LoopId) -> Result<Option<Head>, Error> {
        let head: Option<Versioned<Head>> =
            self.get(&self.keys.head(id.as_str()), "read a journal").await?;
        Ok(head.map(|h| h.value))
    }

    /// Journal entries with numbers above `after`, oldest first.
    pub async fn journal(
        &self,
        id: &LoopId,
        after: u64,
        limit: usize,
    ) -> Result<Slice<Entry>, Error> {
        let from = self.keys.entry(id.as_str(), after.saturating_add(1));
        let until = prefix_end(&self.keys.journal(id.as_str()));
        self.range(&from, until, limit, SortOrder::Ascend).await
    }

    /// All attempts, oldest first.
    pub async fn attempts(&self, id: &LoopId) -> Result<Vec<AttemptRecord>, Error> {
        self.all(&self.keys.attempts(id)).await
    }

    /// One attempt.
    pub async fn attempt(
        &self,
        id: &LoopId,
        no: AttemptNo,
    ) -> Result<Option<Versioned<AttemptRecord>>, Error> {
        self.get(&self.keys.attempt(id, no), "read an attempt").await
    }

    /// The stories.
    pub async fn stories(&self, id: &LoopId) -> Result<Option<StoriesRecord>, Error> {
        let stories: Option<Versioned<StoriesRecord>> =
            self.get(&self.keys.stories(id), "read stories").await?;
        Ok(stories.map(|s| s.value))
    }

    /// All iterations, oldest first.
    pub async fn iterations(&self, id: &LoopId) -> Result<Vec<IterationRecord>, Error> {
        self.all(&self.keys.iterations(id)).await
    }

    /// One iteration.
    pub async fn iteration(
        &self,
        id: &LoopId,
        no: AttemptNo,
        n: u32,
    ) -> Result<Option<IterationRecord>, Error> {
        let record: Option<Versioned<IterationRecord>> =
            self.get(&self.keys.iteration(id, no, n), "read an iteration").await?;
        Ok(record.map(|r| r.value))
    }

    /// All handoffs, oldest first.
    pub async fn handoffs(&self, id: &LoopId) -> Result<Vec<Handoff>, Error> {
        self.all(&self.keys.handoffs(id)).await
    }

    /// All overrides, oldest first.
    pub async fn overrides(&self, id: &LoopId) -> Result<Vec<Override>, Error> {
        self.all(&self.keys.overrides(id)).await
    }

    /// Writes a worker's progress if the lock is still the one created at `epoch`; says whether it is.
    pub async fn put_progress(
        &self,
        id: &LoopId,
        epoch: i64,
        lease: i64,
        progress: &Progress,
    ) -> Result<bool, Error> {
        // On the worker's lease, so that it goes with the lock.
        let options = PutOptions::new().with_lease(lease);
        let txn = Txn::new()
            .when([Compare::create_revision(self.keys.lock(id), CompareOp::Equal, epoch)])
            .and_then([TxnOp::put(self.keys.progress(id), encode(progress), Some(options))]);
        let _ = failpoint::hit!("store.progress.before-commit");
        match self.kv().txn(txn).await {
            Ok(answer) => {
                let _ = failpoint::hit!("store.progress.after-commit");
                Ok(answer.succeeded())
            }
            Err(source) => match Error::write("write progress", source) {
                Error::LeaseGone => Ok(false),
                error => Err(error),
            },
        }
    }

    /// The lock of a loop.
    pub async fn lock(&self, id: &LoopId) -> Result<Option<Versioned<LockRecord>>, Error> {
        self.get(&self.keys.lock(id), "read a lock").await
    }

    /// Deletes a lock when nothing can be written any more: a delete is possible on a full etcd.
    pub async fn drop_lock(&self, id: &LoopId) -> Result<(), Error> {
        let answer = self.kv().delete(self.keys.lock(id), None).await;
        answer.map(|_| ()).map_err(|source| Error::write("delete a lock", source))
    }

    /// A linearizable read: is etcd there?
    pub async fn ping(&self) -> Result<(), Error> {
        let answer = self.kv().get(self.keys.installation(), None).await;
        answer.map(|_| ()).map_err(|source| Error::unavailable("check etcd", source))
    }

    pub(super) async fn installation_id(&self) -> Result<Uuid, Error> {
        let key = self.keys.installation();
        // Read first: a full etcd refuses even a transaction that only may write, and a process must be
        // able to start on it.
        let found = self.kv().get(key.as_str(), None).await;
        let found = found.map_err(|source| Error::unavailable("read the installation", source))?;
        if let Some(kv) = found.kvs().first() {
            return parse_installation(key, kv);
        }
        let drawn = Uuid::new_v4();
        let txn = Txn::new()
            .when([Compare::version(key.clone(), CompareOp::Equal, 0)])
            .and_then([
                TxnOp::put(key.clone(), drawn.to_string(), None),
                TxnOp::put(self.keys.generation(), "1", None),
            ])
            .or_else([TxnOp::get(key.clone(), None)]);
        let answer = self.kv().txn(txn).await;
        let answer =
            answer.map_err(|source| Error::unavailable("read the installation", source))?;
        match answer.op_responses().first() {
            Some(TxnOpResponse::Get(get)) if !get.kvs().is_empty() => {
                parse_installation(key, &get.kvs()[0])
            }
            _ => Ok(drawn),
        }
    }

    /// How often history was replaced.
    pub async fn generation(&self) -> Result<u64, Error> {
        let generation: Option<Versioned<u64>> =
            self.get(&self.keys.generation(), "read the generation").await?;
        Ok(generation.map_or(1, |g| g.value))
    }
}

fn parse_installation(key: String, kv: &etcd_client::KeyValue) -> Result<Uuid, Error> {
    let parsed = kv.value_str().ok().and_then(|text| text.parse().ok());
    parsed.ok_or_else(|| Error::Record { key, source: serde::de::Error::custom("not a UUID") })
}

/// The end of the range of all keys that begin with `prefix`.
pub(super) fn prefix_end(prefix: &str) -> Vec<u8> {
    let mut end = prefix.as_bytes().to_vec();
    if let Some(last) = end.last_mut() {
        // Prefixes end with '/' or '.', so the last byte can always be counted up.
        *last += 1;
    }
    end
}
