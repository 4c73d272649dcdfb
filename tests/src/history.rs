//! Everything that a test's installation wrote to etcd, and whether it holds what must always hold.
//!
//! A [`Recorder`] watches the prefix from before its first write. At the end, [`History::check`] goes through every
//! revision and knows, before each, what stood there. It reads the records by the model's types, but shares no code with
//! the store that wrote them.

mod check;
mod journals;
mod keys;
mod marks;
mod states;
#[cfg(test)]
mod tests;
mod writers;

use std::collections::BTreeMap;
use std::fmt;

use etcd_client::{Client, EventType, GetOptions, WatchOptions};
use smith_model::attempt::LockRecord;
use smith_model::chain::Key;
use smith_model::id::LoopId;
use smith_model::state::{State, StateRecord};
use tokio::task::JoinHandle;

use crate::etcd::{Etcd, MOST_REPLY_BYTES};
use crate::in_time;

/// One key's change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// The key behind the prefix, such as `live/state/a`.
    pub key: String,
    /// What it holds now; `None`: it was deleted.
    pub value: Option<Vec<u8>>,
    /// How often it was written since it was created: 1 is a creation.
    pub version: i64,
    /// The lease that it lies on; 0: none.
    pub lease: i64,
}

/// All changes of one revision, which are those of one transaction (or of a lease's end).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The revision.
    pub revision: i64,
    /// The changes.
    pub writes: Vec<Write>,
}

/// Everything that was written under a prefix, in order.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// By revision.
    pub steps: Vec<Step>,
}

/// What must always hold, by the numbers of the project's design.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// No change without evidence.
    Evidence,
    /// One writer.
    OneWriter,
    /// Nothing lost, nothing doubled.
    NothingLost,
    /// Journals without a gap, an overwrite or a forged entry.
    Gapless,
    /// Only legal transitions.
    LegalSteps,
}

/// A rule that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub rule: Rule,
    /// By which revision.
    pub revision: i64,
    /// How.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at revision {}: {}", self.rule, self.revision, self.what)
    }
}

impl History {
    /// Everything that is wrong with it. `root` is the installation's root key.
    pub fn check(&self, root: &[u8]) -> Vec<Violation> {
        check::check(self, &Key::derive(root, "chain"))
    }

    /// The states that a loop went through, without repetition of neighbours.
    pub fn states(&self, id: &LoopId) -> Vec<State> {
        let mut states: Vec<State> =
            self.records(&format!("live/state/{id}")).map(|r: StateRecord| r.state).collect();
        states.dedup();
        states
    }

    /// The most loops that were overwriting at once.
    pub fn most_running(&self) -> usize {
        let mut running: BTreeMap<&str, bool> = BTreeMap::new();
        let mut most = 0;
        for write in self.writes().filter(|w| w.key.starts_with("live/state/")) {
            let record = write.value.as_deref();
            let record = record.and_then(|v| serde_json::from_slice::<StateRecord>(v).ok());
            running.insert(&write.key, record.is_some_and(|r| r.state == State::Overwriting));
            most = most.max(running.values().filter(|is| **is).count());
        }
        most
    }

    /// The attempts whose lock went because its lease ran out, in their order; a worker that claims again may be here twice.
    ///
    /// Whoever gives a lock up, or takes it away, writes in the same transaction why; a lease writes nothing.
    pub fn lapses(&self) -> Vec<LockRecord> {
        let mut locks = BTreeMap::new();
        let mut lapses = vec![];
        for step in &self.steps {
            for write in step.writes.iter().filter(|w| w.key.starts_with("live/locks/")) {
                match &write.value {
                    Some(value) => {
                        let lock: LockRecord = serde_json::from_slice(value).unwrap();
                        locks.insert(&write.key, lock);
                    }
                    None if step.writes.iter().all(|w| w.value.is_none()) => {
                        lapses.extend(locks.remove(&write.key));
                    }
                    None => {}
                }
            }
        }
        lapses
    }

    /// All values that a key had.
    pub fn records<'a, T: serde::de::DeserializeOwned>(
        &'a self,
        key: &'a str,
    ) -> impl Iterator<Item = T> + 'a {
        let values = self.writes().filter(move |w| w.key == key).filter_map(|w| w.value.as_ref());
        values.map(|value| serde_json::from_slice(value).unwrap())
    }

    /// Every write, in order.
    pub fn writes(&self) -> impl Iterator<Item = &Write> {
        self.steps.iter().flat_map(|step| &step.writes)
    }

    /// Every key and value, one after the other, for searches.
    pub fn dump(&self) -> Vec<u8> {
        let mut bytes = vec![];
        for write in self.writes() {
            bytes.extend(write.key.as_bytes());
            bytes.push(b'\n');
            bytes.extend(write.value.iter().flatten());
            bytes.push(b'\n');
        }
        bytes
    }
}

/// Watches a prefix.
#[derive(Debug)]
pub struct Recorder {
    prefix: String,
    recording: JoinHandle<History>,
}

/// Written behind everything else, so that a recorder knows that it has seen all.
const END: &str = "the-end";

impl Recorder {
    /// Begins before the prefix's first write.
    pub async fn start(mut client: Client, prefix: &str) -> Self {
        let options = GetOptions::new().with_prefix().with_count_only();
        let found = client.get(format!("{prefix}/"), Some(options)).await.unwrap();
        assert_eq!(found.count(), 0, "the prefix {prefix} is new");
        let from = found.header().unwrap().revision() + 1;
        let recording = tokio::spawn(record(client, prefix.to_owned(), from));
        Self { prefix: prefix.to_owned(), recording }
    }

    /// Ends when everything was seen that is written until now.
    pub async fn stop(self, etcd: &Etcd) -> History {
        let end = format!("{}/{END}", self.prefix);
        etcd.client().await.put(end, "", None).await.unwrap();
        in_time("the last event of the history", self.recording).await.unwrap()
    }
}

async fn record(client: Client, prefix: String, mut from: i64) -> History {
    let mut history = History::default();
    loop {
        let options = WatchOptions::new().with_prefix().with_start_revision(from);
        let watching = client.watch_client().max_decoding_message_size(MOST_REPLY_BYTES);
        let Ok(mut stream) = { watching }.watch(format!("{prefix}/"), Some(options)).await else {
            // A test that stops its etcd starts it again.
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            continue;
        };
        while let Ok(Some(answer)) = stream.message().await {
            assert_eq!(answer.compact_revision(), 0, "history was compacted before it was seen");
            for event in answer.events() {
                let Some(kv) = event.kv() else { continue };
                let key = kv.key_str().unwrap().strip_prefix(&prefix).unwrap();
                let key = key.trim_start_matches('/').to_owned();
                if key == END {
                    return history;
                }
                let is_put = event.event_type() == EventType::Put;
                let write = Write {
                    key,
                    value: is_put.then(|| kv.value().to_vec()),
                    version: kv.version(),
                    lease: kv.lease(),
                };
                let revision = kv.mod_revision();
                from = revision + 1;
                match history.steps.last_mut() {
                    Some(step) if step.revision == revision => step.writes.push(write),
                    _ => history.steps.push(Step { revision, writes: vec![write] }),
                }
            }
        }
    }
}
