//! Reading the audit records, newest first.

use smith_model::access::Scope;
use smith_model::api::Page;
use smith_model::audit::AuditRecord;
use smith_model::id::{LoopId, Revision};

use super::{App, Caller, Error};

/// Which records.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// Of this loop.
    pub loop_id: Option<LoopId>,
    /// By this identity.
    pub actor: Option<String>,
    /// Of this kind, such as `loop.cancel`.
    pub action: Option<String>,
}

/// Records read from etcd for one page at most; a page may come short, with a cursor to go on.
const MOST_READ: usize = 5000;

impl AuditFilter {
    fn matches(&self, record: &AuditRecord) -> bool {
        let Self { loop_id, actor, action } = self;
        let same =
            |wanted: &Option<String>, found: &str| wanted.as_deref().is_none_or(|w| w == found);
        (loop_id.is_none() || record.loop_id == *loop_id)
            && same(actor, &record.actor)
            && same(action, &record.action)
    }
}

impl App {
    /// A page of audit records. Records without a project are shown to those who see all projects.
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
            let slice = self.store.audit(before.as_deref(), 200).await?;
            page.revision = page.revision.max(Revision(slice.revision));
            read += slice.items.len();
            for record in slice.items {
                let visible = match &record.project {
                    Some(project) => scope.allows(project),
                    None => *scope == Scope::All,
                };
                if page.items.len() == limit {
                    page.cursor = page.items.last().map(|last| self.store.audit_key(last));
                    return Ok(page);
                }
                if visible && filter.matches(&record) {
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
}
