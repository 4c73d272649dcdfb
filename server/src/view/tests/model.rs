//! Writes states, progress and locks straight to etcd, and says what a view must have shown when.

use std::collections::BTreeMap;

use etcd_client::{Client, Txn, TxnOp};
use jiff::Timestamp;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use smith_model::access::Scope;
use smith_model::api::LoopItem;
use smith_model::attempt::LockRecord;
use smith_model::id::{AttemptNo, LoopId, ProjectName, Revision};
use smith_model::inbox::Mark;
use smith_model::spec::SourceType;
use smith_model::state::{Hold, State, StateRecord, Summary};
use smith_model::story::Usage;
use smith_model::worker::{Progress, WorkerPhase};
use uuid::Uuid;

use crate::store::Store;
use crate::store::keys::{Keys, LiveKey};
use crate::store::live::LiveValue;
use crate::testing::Etcd;
use crate::view::Filter;
use crate::view::filter::Sight;

pub(super) fn id(n: usize) -> LoopId {
    format!("l{n:04}").parse().unwrap()
}

pub(super) fn project(n: usize) -> ProjectName {
    format!("p{}", n % 2).parse().unwrap()
}

fn state_record(n: usize) -> StateRecord {
    let summary = Summary {
        project: project(n),
        title: format!("Title {n}"),
        source_type: SourceType::Prompt,
        source_ref: format!("ref-{n}"),
        provider_id: "command".into(),
        repository: "file:///r".into(),
        priority: 0,
        depends_on: if n == 3 { vec![id(2)] } else { vec![] },
        labels: [("n".to_owned(), n.to_string())].into(),
        policy: Default::default(),
    };
    let at = Timestamp::from_second(1_700_000_000 + i64::try_from(n).unwrap()).unwrap();
    StateRecord::created(id(n), Uuid::from_u128(n as u128), summary, at)
}

/// All changes of a test go through one or more of these.
pub(super) struct Writer {
    pub(super) store: Store,
    pub(super) keys: Keys,
    prefix: String,
    client: Client,
    rng: StdRng,
    now: BTreeMap<usize, StateRecord>,
    /// Loops that this writer has to itself: n, n + step, n + 2 step …
    first: usize,
    step: usize,
}

impl Writer {
    pub(super) async fn new(etcd: &Etcd, seed: u64) -> Self {
        Self::of(etcd, &format!("/t/{}", Uuid::new_v4()), seed, 0, 1).await
    }

    /// Another writer under the same prefix, with other loops.
    pub(super) async fn of(
        etcd: &Etcd,
        prefix: &str,
        seed: u64,
        first: usize,
        step: usize,
    ) -> Self {
        Self {
            store: etcd.open(prefix).await.unwrap(),
            keys: Keys::new(prefix),
            prefix: prefix.to_owned(),
            client: Client::connect([&etcd.url], None).await.unwrap(),
            rng: StdRng::seed_from_u64(seed),
            now: BTreeMap::new(),
            first,
            step,
        }
    }

    async fn commit(&mut self, ops: Vec<TxnOp>) -> i64 {
        let answer = self.client.txn(Txn::new().and_then(ops)).await.unwrap();
        answer.header().unwrap().revision()
    }

    fn put_state(&self, record: &StateRecord) -> TxnOp {
        let bytes = serde_json::to_vec(record).unwrap();
        TxnOp::put(self.keys.state(&record.loop_id), bytes, None)
    }

    pub(super) async fn create(&mut self, n: usize) -> i64 {
        let record = state_record(n);
        let ops = vec![self.put_state(&record)];
        self.now.insert(n, record);
        self.commit(ops).await
    }

    pub(super) async fn set_state(&mut self, n: usize, state: State) -> i64 {
        let record = self.now.get_mut(&n).unwrap();
        record.state = state;
        record.attempt += 1;
        let record = record.clone();
        let ops = vec![self.put_state(&record)];
        self.commit(ops).await
    }

    pub(super) async fn delete(&mut self, n: usize) -> i64 {
        self.now.remove(&n);
        let delete = |key| TxnOp::delete(key, None);
        let ops = vec![delete(self.keys.state(&id(n))), delete(self.keys.progress(&id(n)))];
        self.commit(ops).await
    }

    /// A hold of a loop, which an inbox shows.
    pub(super) async fn hold(&mut self, n: usize, since: Timestamp) -> i64 {
        let record = self.now.get_mut(&n).unwrap();
        record.hold = Some(Hold { by: "t".into(), reason: "r".into(), since });
        let record = record.clone();
        let ops = vec![self.put_state(&record)];
        self.commit(ops).await
    }

    pub(super) async fn mark(&mut self, n: usize, mark: &Mark) -> i64 {
        let key = self.keys.attention(&id(n));
        self.commit(vec![TxnOp::put(key, serde_json::to_vec(mark).unwrap(), None)]).await
    }

    /// A key that no view watches.
    pub(super) async fn write_elsewhere(&mut self) -> i64 {
        let key = format!("{}/elsewhere", self.prefix);
        self.commit(vec![TxnOp::put(key, "", None)]).await
    }

    fn lock(&self, n: usize) -> TxnOp {
        let record = LockRecord {
            schema_version: 1,
            uid: Uuid::from_u128(n as u128),
            no: AttemptNo { round: 1, attempt: 1 },
            holder: "w".into(),
            session_hash: String::new(),
            lease: 0,
            ttl_millis: 1000,
        };
        TxnOp::put(self.keys.lock(&id(n)), serde_json::to_vec(&record).unwrap(), None)
    }

    fn progress(&mut self, n: usize) -> TxnOp {
        let progress = Progress {
            no: AttemptNo { round: 1, attempt: 1 },
            phase: WorkerPhase::Iterating,
            iteration: self.rng.random_range(0..5),
            story: None,
            stories_done: 0,
            stories_total: 3,
            usage: Usage::default(),
            suspect: self.rng.random(),
            suspect_since: None,
        };
        TxnOp::put(self.keys.progress(&id(n)), serde_json::to_vec(&progress).unwrap(), None)
    }

    /// Some change or other; answers its revision.
    pub(super) async fn anything(&mut self) -> i64 {
        let n = self.first + self.step * self.rng.random_range(0..8);
        let Some(record) = self.now.get(&n).cloned() else { return self.create(n).await };
        match self.rng.random_range(0..12) {
            0 => self.delete(n).await,
            1 => {
                // As at the end of an attempt: three keys in one transaction.
                let record = self.now.get_mut(&n).unwrap();
                record.state = State::Synced;
                let record = record.clone();
                let ops = vec![
                    self.put_state(&record),
                    TxnOp::delete(self.keys.progress(&id(n)), None),
                    TxnOp::delete(self.keys.lock(&id(n)), None),
                ];
                self.commit(ops).await
            }
            2 | 3 => {
                let ops = vec![self.lock(n)];
                self.commit(ops).await
            }
            4..=6 => {
                let ops = vec![self.progress(n)];
                self.commit(ops).await
            }
            7 => {
                let record = self.now.get_mut(&n).unwrap();
                let since = record.created_at;
                let held = Hold { by: "t".into(), reason: "r".into(), since };
                record.hold = if record.hold.is_some() { None } else { Some(held) };
                let record = record.clone();
                let ops = vec![self.put_state(&record)];
                self.commit(ops).await
            }
            8 => self.write_elsewhere().await,
            _ => {
                let state = State::ALL[self.rng.random_range(0..State::ALL.len())];
                if state == record.state {
                    return self.write_elsewhere().await;
                }
                self.set_state(n, state).await
            }
        }
    }
}

/// What is visible after each revision, read from etcd's own history.
pub(super) struct Told {
    /// Only revisions at which something visible changed.
    pub(super) changes: BTreeMap<Revision, BTreeMap<LoopId, LoopItem>>,
}

pub(super) type Shown = BTreeMap<LoopId, LoopItem>;

impl Told {
    /// The whole history from revision 1 to `last`, as one with this filter and scope must see it.
    pub(super) async fn read(store: &Store, last: i64, filter: &Filter, scope: &Scope) -> Self {
        let sight = Sight { filter: filter.clone(), scope: scope.clone() };
        // The end of the history is known when a tick comes after it.
        let end = store.tick().await.unwrap();
        assert!(end > last);
        let mut watch = store.watch_live(1).await.unwrap();
        let mut states: BTreeMap<LoopId, (StateRecord, Revision)> = BTreeMap::new();
        let mut progress: BTreeMap<LoopId, Progress> = BTreeMap::new();
        let mut locks: BTreeMap<LoopId, ()> = BTreeMap::new();
        let mut changes: BTreeMap<Revision, Shown> = BTreeMap::new();
        changes.insert(Revision(0), Shown::new());
        loop {
            let batch = super::in_time(watch.next()).await.unwrap();
            for event in batch.events {
                match (event.key, event.value) {
                    (LiveKey::State(id), Some(LiveValue::State(state))) => {
                        states.insert(id, (state.value, Revision(state.revision)));
                    }
                    (LiveKey::State(id), _) => drop(states.remove(&id)),
                    (LiveKey::Progress(id), Some(LiveValue::Progress(p))) => {
                        progress.insert(id, p);
                    }
                    (LiveKey::Progress(id), _) => drop(progress.remove(&id)),
                    (LiveKey::Lock(id), Some(_)) => drop(locks.insert(id, ())),
                    (LiveKey::Lock(id), None) => drop(locks.remove(&id)),
                    _ => {}
                }
            }
            let item = |(id, (record, revision)): (&LoopId, &(StateRecord, Revision))| {
                let item = LoopItem {
                    record: record.clone(),
                    revision: *revision,
                    progress: progress.get(id).cloned(),
                    claimed: locks.contains_key(id),
                };
                (id.clone(), item)
            };
            let shown: Shown =
                states.iter().map(item).filter(|(_, item)| sight.sees(item)).collect();
            if changes.last_key_value().is_none_or(|(_, before)| *before != shown) {
                changes.insert(Revision(batch.revision), shown);
            }
            if batch.revision >= end {
                return Self { changes };
            }
        }
    }

    /// What is shown now, when history is gone.
    pub(super) async fn read_now(store: &Store, filter: &Filter, scope: &Scope) -> Shown {
        let list = store.list_live().await.unwrap();
        let mut shown = Shown::new();
        for (_, value) in list.items {
            if let LiveValue::State(state) = value {
                let item = LoopItem {
                    record: state.value,
                    revision: Revision(state.revision),
                    progress: None,
                    claimed: false,
                };
                shown.insert(item.record.loop_id.clone(), item);
            }
        }
        let sight = Sight { filter: filter.clone(), scope: scope.clone() };
        shown.retain(|_, item| sight.sees(item));
        shown
    }

    /// What is shown at a revision.
    pub(super) fn at(&self, revision: Revision) -> Shown {
        self.changes.range(..=revision).next_back().unwrap().1.clone()
    }

    pub(super) fn last(&self) -> Revision {
        *self.changes.last_key_value().unwrap().0
    }
}
