//! The store on a real etcd: what it promises, also when answers are lost, leases end, others write
//! meanwhile, or etcd is full.

mod change;
mod create;
mod delete;
mod limits;
mod lock;
mod lost;
mod maintenance;
mod proxy;
mod random;
mod system;

use etcd_client::{Client, GetOptions};
use jiff::Timestamp;
use serde_json::{Value, json};
use smith_model::attempt::LockRecord;
use smith_model::chain;
use smith_model::id::{AttemptNo, LoopId};
use smith_model::journal::{Actor, ActorKind, Draft, Entry, Payload, Phase};
use smith_model::spec::{Birth, LoopRequest, Rules};
use smith_model::state::{Reason, State, StateRecord, Step};
use uuid::Uuid;

use super::change::{Act, Change, ChangeError, Committed, Decision, LockStep, Snapshot};
use super::create::{Created, NewLoop};
use super::keys::Keys;
use super::lease::Candidate;
use super::record::Versioned;
use super::{Error, Store};
use crate::testing::{self, Etcd, LONG};

/// A prefix of its own on some etcd.
struct Lab {
    etcd: Etcd,
    prefix: String,
    keys: Keys,
    /// One of maybe many stores.
    store: Store,
    /// For what no store would do.
    raw: Client,
}

impl Lab {
    async fn new() -> Self {
        Self::on(Etcd::shared().await).await
    }

    async fn on(etcd: Etcd) -> Self {
        let prefix = format!("/t/{}", Uuid::new_v4());
        let store = etcd.open(&prefix).await.unwrap();
        let raw = Client::connect([&etcd.url], None).await.unwrap();
        Self { keys: Keys::new(&prefix), etcd, prefix, store, raw }
    }

    /// Another store, as another process would have it.
    async fn another(&self) -> Store {
        self.etcd.open(&self.prefix).await.unwrap()
    }

    /// A store that reaches etcd through a proxy.
    async fn through(&self, proxy: &proxy::Proxy) -> Store {
        testing::open(&proxy.url, &self.prefix).await.unwrap()
    }

    async fn create(&self, name: &str) -> LoopId {
        let created = self.store.create(&new_loop(name, json!({}))).await.unwrap();
        assert!(matches!(created, Created::New(_)), "{created:?}");
        name.parse().unwrap()
    }

    /// All keys under the prefix, without it.
    async fn all_keys(&self) -> Vec<String> {
        let options = GetOptions::new().with_prefix().with_keys_only();
        let answer = self.raw.clone().get(self.prefix.as_str(), Some(options)).await.unwrap();
        let name = |kv: &etcd_client::KeyValue| kv.key_str().unwrap()[self.prefix.len()..].into();
        answer.kvs().iter().map(name).collect()
    }

    async fn bytes(&self, key: &str) -> Option<Vec<u8>> {
        let answer = self.raw.clone().get(key, None).await.unwrap();
        answer.kvs().first().map(|kv| kv.value().to_vec())
    }

    async fn json(&self, key: &str) -> Value {
        serde_json::from_slice(&self.bytes(key).await.expect(key)).unwrap()
    }

    /// Rewrites a record behind the stores' backs.
    async fn edit(&self, key: &str, edit: impl FnOnce(&mut Value)) {
        let mut value = self.json(key).await;
        edit(&mut value);
        self.raw.clone().put(key, value.to_string(), None).await.unwrap();
    }

    /// The whole journal, after checking that it is gapless, chained, and what its head says.
    async fn journal(&self, id: &LoopId) -> Vec<Entry> {
        let uid = self.store.state(id).await.unwrap().unwrap().value.uid;
        let (mut entries, mut after) = (vec![], 0);
        loop {
            let page = self.store.journal(id, after, 100).await.unwrap();
            let Some(last) = page.items.last() else { break };
            after = last.seq;
            entries.extend(page.items);
        }
        self.check_chain(id.as_str(), uid, &entries).await;
        entries
    }

    async fn check_chain(&self, scope: &str, uid: Uuid, entries: &[Entry]) {
        let key = self.store.chain_key();
        let last = chain::verify(key, &chain::genesis(uid), 1, entries).unwrap();
        let head = self.json(&self.keys.head(scope)).await;
        assert_eq!(head["next"], json!(entries.len() + 1));
        assert_eq!(head["hash"], json!(last));
    }

    async fn messages(&self, id: &LoopId) -> Vec<String> {
        self.journal(id).await.into_iter().map(|entry| entry.draft.message).collect()
    }
}

fn now() -> Timestamp {
    "2026-01-02T03:04:05Z".parse().unwrap()
}

fn actor() -> Actor {
    Actor { kind: ActorKind::Operator, id: "t".into() }
}

fn act(action: &str) -> Act {
    Act {
        actor: "t".into(),
        action: action.into(),
        reason: Some("a reason".into()),
        before: json!({ "was": 1 }),
        after: json!(null),
        request_id: Some("r-1".into()),
    }
}

/// A request to be created, with more fields as given. Every call has a uid of its own, as requests have.
fn new_loop(name: &str, more: Value) -> NewLoop {
    let mut request = json!({
        "loop_id": name, "repository": "file:///r", "prompt": "p", "gates": ["true"], "command": "c",
    });
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let request: LoopRequest = serde_json::from_value(request).unwrap();
    let rules = Rules { file_roots: vec!["/".into()], ..Rules::default() };
    let birth = Birth { uid: Uuid::new_v4(), by: "t".into(), now: now() };
    let accepted = request.accept(&rules, birth).unwrap();
    let payload = Payload::Transition {
        from: None,
        to: State::Unresolved,
        reason: Reason::Created,
        round: 1,
        attempt: 0,
        audit: None,
    };
    NewLoop {
        spec: accepted.spec,
        key: accepted.key,
        fingerprint: accepted.fingerprint,
        actor: actor(),
        entry: Draft::info(Phase::Ingress, "created").with(payload),
        act: act("loop.create"),
    }
}

const NO: AttemptNo = AttemptNo { round: 1, attempt: 1 };

fn candidate(holder: &str, seat: Option<&str>) -> Candidate {
    Candidate { holder: holder.into(), seat: seat.map(str::to_owned) }
}

/// Takes the lock for the first attempt.
fn lock_on(lease: i64) -> LockStep {
    LockStep::Take(Box::new(LockRecord {
        schema_version: 1,
        uid: Uuid::nil(),
        no: NO,
        holder: "w".into(),
        session_hash: String::new(),
        lease,
        ttl_millis: 1000,
    }))
}

type Entries = Vec<(Actor, Option<AttemptNo>, Draft)>;

fn entry(message: impl Into<String>) -> Entries {
    vec![(actor(), None, Draft::info(Phase::Iteration, message))]
}

fn says(message: impl Into<String>) -> Change {
    Change { entries: entry(message), ..Change::default() }
}

fn write<T>(change: Change, answer: T) -> Decision<T> {
    Decision::Write(Box::new(change), answer)
}

/// What a decision of these tests refuses.
#[derive(Debug, PartialEq, Eq)]
struct No;

type Outcome = Result<Committed<()>, ChangeError<No>>;

/// Writes the same change on whatever is there.
async fn write_always(store: &Store, id: &LoopId, change: Change) -> Outcome {
    store.change(id, now(), |_| Ok::<_, No>(write(change.clone(), ()))).await
}

async fn append(store: &Store, id: &LoopId, message: &str) -> Outcome {
    write_always(store, id, says(message)).await
}

fn told(before: &StateRecord, after: &StateRecord) -> Payload {
    Payload::Transition {
        from: Some(before.state),
        to: after.state,
        reason: after.reason,
        round: after.round,
        attempt: after.attempt,
        audit: None,
    }
}

/// The change that a step is.
fn stepped(snapshot: &Snapshot, step: &Step) -> Result<Change, No> {
    let before = &snapshot.state.value;
    let next = before.step(step, now()).map_err(|_| No)?;
    let draft = Draft::info(Phase::Operator, next.message.clone()).with(told(before, &next));
    Ok(Change { entries: vec![(actor(), None, draft)], state: Some(next), ..Change::default() })
}

async fn take_step(store: &Store, id: &LoopId, step: Step) -> Outcome {
    store.change(id, now(), |snapshot| Ok(write(stepped(snapshot, &step)?, ()))).await
}

fn cancel() -> Step {
    Step::Cancel { reason: "enough".into() }
}

fn store_error(outcome: Outcome) -> Error {
    match outcome {
        Err(ChangeError::Store(error)) => error,
        other => panic!("{other:?}"),
    }
}

async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONG, future).await.expect("in time")
}

/// Far less than a change is tried: an answer that could be known at once must come at once.
async fn promptly<T>(future: impl Future<Output = T>) -> T {
    let most = super::txn::DEADLINE / 2;
    tokio::time::timeout(most, future).await.expect("promptly")
}
