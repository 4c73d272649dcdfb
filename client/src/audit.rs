//! The audit: who did what, in pages and as it is recorded.

use jiff::Timestamp;
use smith_model::api::Page;
use smith_model::audit::AuditRecord;
use smith_model::id::LoopId;

use crate::stream::{self, EventId, Parsed, Signals};
use crate::{Client, Error};

/// Which audit records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Of this loop.
    pub loop_id: Option<LoopId>,
    /// By this identity.
    pub actor: Option<String>,
    /// Of this kind, such as `loop.create`.
    pub action: Option<String>,
    /// Later than this.
    pub after: Option<Timestamp>,
    /// At most so many.
    pub limit: Option<u32>,
    /// Where an earlier page ended.
    pub cursor: Option<String>,
}

/// Which records of a followed audit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditWatch {
    /// Of this loop.
    pub loop_id: Option<LoopId>,
    /// By this identity.
    pub actor: Option<String>,
    /// Of this kind, such as `loop.create`.
    pub action: Option<String>,
}

/// What a followed audit says.
#[derive(Clone, Debug, PartialEq)]
pub enum AuditEvent {
    /// Everything that is recorded from now on follows.
    Ready,
    /// A record.
    Record(Box<AuditRecord>),
    /// History was replaced: what was recorded since the last event is to be read as a page.
    Reset,
}

impl Client {
    /// A page of audit records, newest first.
    pub async fn audit(&self, filter: &AuditFilter) -> Result<Page<AuditRecord>, Error> {
        let AuditFilter { loop_id, actor, action, after, limit, cursor } = filter;
        let call = self.get(["v1", "audit"]).query([
            ("loop_id", loop_id.as_ref().map(ToString::to_string)),
            ("actor", actor.clone()),
            ("action", action.clone()),
            ("after", after.map(|at| at.to_string())),
            ("limit", limit.map(|n| n.to_string())),
            ("cursor", cursor.clone()),
        ]);
        self.json(call, "a page of audit records").await
    }

    /// Every record behind the event with the id, or (without one) from now on, as it is written.
    pub fn audit_stream(&self, watch: &AuditWatch, from: Option<EventId>) -> Signals<AuditEvent> {
        let AuditWatch { loop_id, actor, action } = watch;
        let call = self.get(["v1", "audit", "stream"]).query([
            ("loop_id", loop_id.as_ref().map(ToString::to_string)),
            ("actor", actor.clone()),
            ("action", action.clone()),
        ]);
        stream::open(self, call, from, |name, data| {
            Ok(Parsed::Event(match name {
                "record" => Some(AuditEvent::Record(serde_json::from_str(data)?)),
                "ready" => Some(AuditEvent::Ready),
                "reset" => Some(AuditEvent::Reset),
                _ => None,
            }))
        })
    }
}
