//! The audit: who did what.

use jiff::Timestamp;
use smith_model::api::Page;
use smith_model::audit::AuditRecord;
use smith_model::id::LoopId;

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

impl Client {
    /// A page of audit records, oldest first.
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
}
