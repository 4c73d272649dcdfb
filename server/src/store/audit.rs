//! Audit records: in pages by their keys, and by the revision at which they were written.
//!
//! A record is written once, in the transaction of its act, and stays; a transaction holds one at most.
//! So a revision says exactly which records are behind it, also when etcd's history is gone. Keys don't:
//! their times are those of several processes.

use etcd_client::{EventType, GetOptions, SortOrder, SortTarget, WatchStream};
use jiff::Timestamp;
use smith_model::audit::AuditRecord;
use uuid::Uuid;

use super::change::revision;
use super::live::{WatchEnd, message};
use super::read::{Slice, prefix_end};
use super::record::{Versioned, versioned};
use super::{Error, Store};

/// Records in the order in which they were written.
#[derive(Clone, Debug)]
pub struct Written {
    /// Each with its revision.
    pub records: Vec<Versioned<AuditRecord>>,
    /// Everything up to it is here, or was before.
    pub revision: i64,
    /// The page was full: there may be some behind it.
    pub more: bool,
}

impl Store {
    /// Audit records, newest first, older than the key `before`, and not from a day before `since`.
    pub async fn audit(
        &self,
        since: Option<Timestamp>,
        before: Option<&str>,
        limit: usize,
    ) -> Result<Slice<AuditRecord>, Error> {
        let prefix = self.keys.audit();
        let until = match before {
            Some(key) if key.starts_with(&prefix) => key.as_bytes().to_vec(),
            _ => prefix_end(&prefix),
        };
        let from = since.map_or(prefix, |at| self.keys.audit_day(at));
        self.range(&from, until, limit, SortOrder::Descend).await
    }

    /// The key of an audit record, to go on from.
    pub fn audit_key(&self, record: &AuditRecord) -> String {
        self.keys.audit_record(record.at, record.id)
    }

    /// One audit record.
    pub async fn audit_record(
        &self,
        at: Timestamp,
        id: Uuid,
    ) -> Result<Option<AuditRecord>, Error> {
        let record: Option<Versioned<AuditRecord>> =
            self.get(&self.keys.audit_record(at, id), "read an audit record").await?;
        Ok(record.map(|r| r.value))
    }

    /// The first so many records that were written after a revision. etcd looks at every record for it,
    /// so it is for those who lost touch, not for each event.
    pub async fn audit_after(&self, after: i64, limit: usize) -> Result<Written, Error> {
        let options = GetOptions::new()
            .with_prefix()
            .with_min_create_revision(after.saturating_add(1))
            .with_sort(SortTarget::Create, SortOrder::Ascend)
            .with_limit(i64::try_from(limit).unwrap_or(i64::MAX));
        let answer = self.kv().get(self.keys.audit(), Some(options)).await;
        let answer = answer.map_err(|source| Error::unavailable("read audit records", source))?;
        let records: Vec<_> = answer.kvs().iter().filter_map(record).collect();
        let more = answer.more();
        let last = answer.kvs().last().filter(|_| more);
        let revision = last.map_or_else(|| revision(answer.header()), |kv| kv.create_revision());
        Ok(Written { records, revision, more })
    }

    /// Watches the audit from a revision on (inclusive).
    pub async fn watch_audit(&self, from: i64) -> Result<AuditWatch, Error> {
        Ok(AuditWatch { stream: self.watch_prefix(self.keys.audit(), from).await? })
    }
}

/// A running watch of the audit.
pub struct AuditWatch {
    stream: WatchStream,
}

impl AuditWatch {
    /// The next records; none: nothing was written until the revision. Cancel-safe.
    pub async fn next(&mut self) -> Result<Written, WatchEnd> {
        loop {
            let answer = message(&mut self.stream).await?;
            // The header may be ahead of what was sent; the last event isn't.
            let last = answer.events().last().and_then(|event| event.kv());
            let revision = last.map_or_else(|| revision(answer.header()), |kv| kv.mod_revision());
            if answer.created() || revision == 0 {
                continue;
            }
            let puts = answer.events().iter().filter(|e| e.event_type() == EventType::Put);
            let records = puts.filter_map(|event| event.kv().and_then(record)).collect();
            return Ok(Written { records, revision, more: false });
        }
    }
}

/// One bad record must not hide all others.
fn record(kv: &etcd_client::KeyValue) -> Option<Versioned<AuditRecord>> {
    match versioned(kv) {
        Ok(record) => Some(record),
        Err(error) => {
            tracing::error!(error = %crate::telemetry::chain(&error), "a record was passed over");
            None
        }
    }
}
