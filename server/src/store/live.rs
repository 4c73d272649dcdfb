//! The watched part of the store: a list, and the watch that goes on from the list's revision.
//!
//! All that is listed, streamed or reconciled lies under one prefix, so that one watch sees it in one
//! order. A batch holds every event of one revision.

use std::time::Duration;

use etcd_client::{EventType, GetOptions, SortOrder, SortTarget, WatchOptions, WatchStream};
use smith_model::access::TokenRecord;
use smith_model::attempt::LockRecord;
use smith_model::id::LoopId;
use smith_model::inbox::Mark;
use smith_model::journal::Entry;
use smith_model::state::StateRecord;
use smith_model::worker::Progress;

use super::change::revision;
use super::keys::LiveKey;
use super::lease::LeaderRecord;
use super::read::prefix_end;
use super::record::{Versioned, versioned};
use super::{Error, Store};

/// What a watched key holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LiveValue {
    /// A loop's state.
    State(Box<Versioned<StateRecord>>),
    /// A worker's progress.
    Progress(Progress),
    /// A worker's lock.
    Lock(Versioned<LockRecord>),
    /// What people marked a loop with.
    Mark(Box<Mark>),
    /// A token.
    Token(Box<TokenRecord>),
    /// The core that leads.
    Leader(LeaderRecord),
    /// Something whose content doesn't matter.
    Other,
}

/// One key that changed; without a value it was deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveEvent {
    /// Which.
    pub key: LiveKey,
    /// What it holds now.
    pub value: Option<LiveValue>,
}

/// Everything that changed at one revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveBatch {
    /// The revision.
    pub revision: i64,
    /// The events, in the order of the transaction.
    pub events: Vec<LiveEvent>,
}

/// All watched keys at one revision.
#[derive(Clone, Debug)]
pub struct LiveList {
    /// The revision.
    pub revision: i64,
    /// The etcd cluster; another one later is another history.
    pub cluster: u64,
    /// Every key.
    pub items: Vec<(LiveKey, LiveValue)>,
}

/// A page of a pinned list. A pinned revision must not be compacted while it is read, which the leader's
/// compaction lag of minutes sees to.
const PAGE: i64 = 1000;

impl Store {
    /// Reads everything under `live/` at one revision.
    pub async fn list_live(&self) -> Result<LiveList, Error> {
        let prefix = self.keys.live();
        let mut from = prefix.clone();
        let mut list = LiveList { revision: 0, cluster: 0, items: vec![] };
        loop {
            let mut options = GetOptions::new()
                .with_range(prefix_end(&prefix))
                .with_sort(SortTarget::Key, SortOrder::Ascend)
                .with_limit(PAGE);
            if list.revision > 0 {
                options = options.with_revision(list.revision);
            }
            let answer = self.kv().get(from, Some(options)).await;
            let answer = answer.map_err(|source| Error::unavailable("list loops", source))?;
            if list.revision == 0 {
                list.revision = revision(answer.header());
                list.cluster = answer.header().map_or(0, etcd_client::ResponseHeader::cluster_id);
            }
            for kv in answer.kvs() {
                if let Some(event) = self.read_live(kv, Deleted::No)
                    && let Some(value) = event.value
                {
                    list.items.push((event.key, value));
                }
            }
            match answer.kvs().last() {
                Some(last) if answer.more() => {
                    from = String::from_utf8_lossy(last.key()).into_owned() + "\0";
                }
                _ => return Ok(list),
            }
        }
    }

    /// Watches everything under `live/` from a revision on (inclusive).
    pub async fn watch_live(&self, from: i64) -> Result<LiveWatch, Error> {
        let stream = self.watch_prefix(self.keys.live(), from).await?;
        Ok(LiveWatch { store: self.clone(), stream, ready: vec![] })
    }

    /// Watches one loop's journal from a revision on (inclusive).
    pub async fn watch_journal(&self, id: &LoopId, from: i64) -> Result<JournalWatch, Error> {
        let stream = self.watch_prefix(self.keys.journal(id.as_str()), from).await?;
        Ok(JournalWatch { stream, deleted: false })
    }

    pub(super) async fn watch_prefix(
        &self,
        prefix: String,
        from: i64,
    ) -> Result<WatchStream, Error> {
        let options =
            WatchOptions::new().with_prefix().with_start_revision(from).with_progress_notify();
        let watch = self.client.watch_client().max_decoding_message_size(super::MOST_REPLY_BYTES);
        let stream = { watch }.watch(prefix, Some(options)).await;
        stream.map_err(|source| Error::unavailable("watch", source))
    }

    /// Writes the key that whoever waits for an event waits for; answers its revision.
    pub async fn tick(&self) -> Result<i64, Error> {
        let answer = self.kv().put(self.keys.tick(), "", None).await;
        let answer = answer.map_err(|source| Error::write("write a tick", source))?;
        Ok(revision(answer.header()))
    }

    fn read_live(&self, kv: &etcd_client::KeyValue, deleted: Deleted) -> Option<LiveEvent> {
        let key = self.keys.parse_live(kv.key())?;
        if matches!(deleted, Deleted::Yes) {
            return Some(LiveEvent { key, value: None });
        }
        let value = match &key {
            LiveKey::State(_) => versioned(kv).map(|v| LiveValue::State(Box::new(v))),
            LiveKey::Progress(_) => versioned(kv).map(|v| LiveValue::Progress(v.value)),
            LiveKey::Lock(_) => versioned(kv).map(LiveValue::Lock),
            LiveKey::Attention(_) => versioned(kv).map(|v| LiveValue::Mark(Box::new(v.value))),
            LiveKey::Token(_) => versioned(kv).map(|v| LiveValue::Token(Box::new(v.value))),
            LiveKey::Leader => versioned(kv).map(|v| LiveValue::Leader(v.value)),
            LiveKey::Member(_) | LiveKey::Tick => Ok(LiveValue::Other),
        };
        match value {
            Ok(value) => Some(LiveEvent { key, value: Some(value) }),
            Err(error) => {
                // One bad record must not blind the process to all others.
                tracing::error!(error = %crate::telemetry::chain(&error), "a record was passed over");
                None
            }
        }
    }
}

enum Deleted {
    Yes,
    No,
}

/// A running watch of `live/`.
pub struct LiveWatch {
    store: Store,
    stream: WatchStream,
    /// Batches of the last answer, newest first.
    ready: Vec<LiveBatch>,
}

/// Why a watch gave something else than a batch.
#[derive(Debug, thiserror::Error)]
pub enum WatchEnd {
    /// The history that it should go on from is gone: list again.
    #[error("the watch fell behind the compaction at revision {0}")]
    Compacted(i64),
    /// The connection ended: watch again from the last revision.
    #[error("the watch ended")]
    Disconnected(#[source] Option<Box<etcd_client::Error>>),
}

pub(super) async fn message(
    stream: &mut WatchStream,
) -> Result<etcd_client::WatchResponse, WatchEnd> {
    match stream.message().await {
        Ok(Some(answer)) => {
            // A compacted watch is only told so once; then its stream stays open and silent.
            if answer.compact_revision() > 0 {
                return Err(WatchEnd::Compacted(answer.compact_revision()));
            }
            if answer.canceled() {
                return Err(WatchEnd::Disconnected(None));
            }
            Ok(answer)
        }
        Ok(None) => Err(WatchEnd::Disconnected(None)),
        Err(source) => Err(WatchEnd::Disconnected(Some(Box::new(source)))),
    }
}

impl LiveWatch {
    /// The next batch. A batch without events is etcd's word that nothing happened until its revision.
    /// Cancel-safe.
    pub async fn next(&mut self) -> Result<LiveBatch, WatchEnd> {
        loop {
            if let Some(batch) = self.ready.pop() {
                return Ok(batch);
            }
            let answer = message(&mut self.stream).await?;
            if answer.events().is_empty() {
                let revision = revision(answer.header());
                if answer.created() || revision == 0 {
                    continue;
                }
                return Ok(LiveBatch { revision, events: vec![] });
            }
            let mut batches: Vec<LiveBatch> = vec![];
            for event in answer.events() {
                let Some(kv) = event.kv() else { continue };
                let deleted = match event.event_type() {
                    EventType::Delete => Deleted::Yes,
                    EventType::Put => Deleted::No,
                };
                if batches.last().is_none_or(|b| b.revision != kv.mod_revision()) {
                    batches.push(LiveBatch { revision: kv.mod_revision(), events: vec![] });
                }
                if let (Some(batch), Some(event)) =
                    (batches.last_mut(), self.store.read_live(kv, deleted))
                {
                    batch.events.push(event);
                }
            }
            batches.reverse();
            self.ready = batches;
        }
    }
}

/// A running watch of one journal.
pub struct JournalWatch {
    stream: WatchStream,
    deleted: bool,
}

impl JournalWatch {
    /// The next entries, in order; an empty list means that the loop was deleted. Cancel-safe.
    pub async fn next(&mut self) -> Result<Vec<Entry>, WatchEnd> {
        loop {
            if self.deleted {
                return Ok(vec![]);
            }
            let answer = message(&mut self.stream).await?;
            let mut entries = vec![];
            for event in answer.events() {
                match (event.event_type(), event.kv()) {
                    (EventType::Put, Some(kv)) => match versioned::<Entry>(kv) {
                        Ok(entry) => entries.push(entry.value),
                        Err(error) => {
                            tracing::error!(error = %crate::telemetry::chain(&error), "a record was passed over");
                        }
                    },
                    (EventType::Delete, _) => self.deleted = true,
                    (EventType::Put, None) => {}
                }
            }
            // What was written before the delete is told first.
            if !entries.is_empty() || self.deleted {
                return Ok(entries);
            }
        }
    }
}

/// A watch that says nothing for so long is asked for a sign of life by a tick.
pub const SILENCE: Duration = Duration::from_secs(15);
