//! Reading the audit records: newest first, or each as it is written.

use jiff::Timestamp;
use smith_model::access::Scope;
use smith_model::api::Page;
use smith_model::audit::AuditRecord;
use smith_model::id::{LoopId, Revision};

use super::{App, Caller, Error, EventId};
use crate::view::audits::{AuditEvent, AuditFollower};

/// Which records.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// Of this loop.
    pub loop_id: Option<LoopId>,
    /// By this identity.
    pub actor: Option<String>,
    /// Of this kind, such as `loop.cancel`.
    pub action: Option<String>,
    /// Later than this.
    pub after: Option<Timestamp>,
}

/// Records read from etcd for one page at most; a page may come short, with a cursor to go on.
const MOST_READ: usize = 5000;

impl AuditFilter {
    fn matches(&self, record: &AuditRecord) -> bool {
        let Self { loop_id, actor, action, after } = self;
        let same =
            |wanted: &Option<String>, found: &str| wanted.as_deref().is_none_or(|w| w == found);
        (loop_id.is_none() || record.loop_id == *loop_id)
            && same(actor, &record.actor)
            && same(action, &record.action)
            && after.is_none_or(|after| record.at > after)
    }
}

/// May one with this scope see the record? Those without a project are for who sees all projects.
fn visible(scope: &Scope, record: &AuditRecord) -> bool {
    match &record.project {
        Some(project) => scope.allows(project),
        None => *scope == Scope::All,
    }
}

/// The records that somebody may see and asked for, as they are written.
pub struct AuditStream {
    follower: AuditFollower,
    filter: AuditFilter,
    scope: Scope,
}

impl AuditStream {
    /// The next event, with the id to go on from behind it; `None`: the server is ending. Cancel-safe.
    pub async fn next(&mut self) -> Option<(Option<EventId>, AuditEvent)> {
        loop {
            let (id, event) = self.follower.next().await?;
            let told = match &event {
                AuditEvent::Record(record) => {
                    visible(&self.scope, record) && self.filter.matches(record)
                }
                AuditEvent::Reset | AuditEvent::Ready => true,
            };
            if told {
                return Some((id, event));
            }
        }
    }
}

impl App {
    /// A page of audit records.
    pub async fn audit(
        &self,
        caller: &Caller,
        filter: &AuditFilter,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<AuditRecord>, Error> {
        let scope = &caller.identity.scope;
        let mut page = Page { items: vec![], cursor: None, revision: Revision(0) };
        let mut before = cursor.map(str::to_owned);
        let mut read = 0;
        loop {
            let slice = self.store.audit(filter.after, before.as_deref(), 200).await?;
            page.revision = page.revision.max(Revision(slice.revision));
            read += slice.items.len();
            for record in slice.items {
                if page.items.len() == limit {
                    page.cursor = page.items.last().map(|last| self.store.audit_key(last));
                    return Ok(page);
                }
                if visible(scope, &record) && filter.matches(&record) {
                    page.items.push(record);
                }
            }
            before = slice.next;
            if before.is_none() || read >= MOST_READ {
                page.cursor = before;
                return Ok(page);
            }
        }
    }

    /// Audit records as they are written: behind the event with the id, or from now on.
    pub fn follow_audit(
        &self,
        caller: &Caller,
        filter: AuditFilter,
        from: Option<EventId>,
    ) -> AuditStream {
        let scope = caller.identity.scope.clone();
        AuditStream { follower: self.audits.follow(from), filter, scope }
    }
}
