//! The use cases, one file a noun: what a request means for the store.
//!
//! Every use case takes a [`Caller`] (or a worker's bearer), checks role and scope, and answers a record
//! or a [`Problem`]. Nothing here knows HTTP.

pub mod acts;
pub mod artifacts;
pub mod audit;
pub mod delete;
pub mod error;
pub mod inbox;
pub mod ingress;
pub mod journal;
pub mod loops;
mod room;
pub mod terminals;
pub mod tokens;
pub mod why;
pub mod worker;

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use smith_model::access::{Identity, Role};
use smith_model::chain::Key;
use smith_model::id::{LoopId, ProjectName, Revision};
use smith_model::journal::{Actor, ActorKind};
use smith_model::problem::{Code, Problem};
use smith_model::redact::Secrets;
use smith_model::spec::Rules;
use smith_model::state::StateRecord;

pub use error::Error;

use room::Room;

use crate::controller::fleet::Limits;
use crate::outbound::artifacts::Artifacts;
use crate::store::Store;
use crate::store::change::Act;
use crate::view::audits::Audits;
use crate::view::journals::Journals;
use crate::view::{Inbox, View};
use terminals::Terminals;

// What lists and streams are asked with, and answer: the API knows them as the app's.
pub use crate::outbound::artifacts::MOST_ARTIFACT_BYTES;
pub use crate::view::audits::AuditEvent;
pub use crate::view::inbox::Filter as InboxFilter;
pub use crate::view::journals::{Follower, JournalEventId};
pub use crate::view::{Encoded, EventId, Filter, Receiver, StreamEvent, Text};

/// What a server is told about itself.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What requests may ask.
    pub rules: Rules,
    /// The time to live of a worker's lease.
    pub worker_ttl: Duration,
    /// Where admission stops, and why a loop waits.
    pub limits: Limits,
    /// Values that this process knows and that must stand in no record.
    pub secrets: Secrets,
}

/// Everything that use cases need; cheap to clone.
#[derive(Clone)]
pub struct App {
    parts: Arc<Parts>,
}

/// What an [`App`] is made of. Shared as a whole: every request and every stream has an `App`, and the
/// parts are large.
pub struct Parts {
    store: Store,
    view: View,
    journals: Journals,
    audits: Audits,
    inbox: Inbox,
    artifacts: Artifacts,
    worker_key: Key,
    terminals: Terminals,
    settings: Settings,
    room: Room,
}

impl Deref for App {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.parts
    }
}

/// Who calls, from the credential, and the request's name in logs.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who.
    pub identity: Identity,
    /// The request.
    pub request_id: Option<String>,
}

impl Caller {
    /// Refuses a role below `least`.
    fn needs(&self, least: Role) -> Result<(), Error> {
        let Identity { role, name, .. } = &self.identity;
        if *role >= least {
            return Ok(());
        }
        let detail = format!("the token {name:?} has the role {role}; this needs {least}");
        Err(Problem::new(Code::Forbidden, detail).into())
    }

    /// Refuses a project outside the token's scope, without telling whether it exists.
    fn needs_project(&self, project: &ProjectName) -> Result<(), Error> {
        if self.identity.scope.allows(project) {
            return Ok(());
        }
        let name = &self.identity.name;
        let detail = format!("the token {name:?} isn't for the project {project}");
        Err(Problem::new(Code::Forbidden, detail).into())
    }

    fn actor(&self) -> Actor {
        Actor { kind: ActorKind::Operator, id: self.identity.name.clone() }
    }

    fn act(&self, action: &str, reason: Option<&str>) -> Act {
        Act {
            actor: self.identity.name.clone(),
            action: action.to_owned(),
            reason: reason.map(str::to_owned),
            before: serde_json::Value::Null,
            after: serde_json::Value::Null,
            request_id: self.request_id.clone(),
        }
    }
}

impl App {
    /// Puts the parts together; `root` is the root key.
    pub fn new(
        store: Store,
        view: View,
        (journals, audits, inbox): (Journals, Audits, Inbox),
        artifacts: Artifacts,
        root: &[u8],
        settings: Settings,
    ) -> Self {
        let worker_key = Key::derive(root, "worker");
        let terminals = Terminals::new(Key::derive(root, "terminal"));
        let room = Room::new(store.clone());
        let parts = Parts {
            store,
            view,
            journals,
            audits,
            inbox,
            artifacts,
            worker_key,
            terminals,
            settings,
            room,
        };
        Self { parts: Arc::new(parts) }
    }

    /// The lists and streams.
    pub fn view(&self) -> &View {
        &self.view
    }

    /// The store, for health checks.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Waits, within bounds, until the lists are at least as new as `revision`.
    pub async fn caught_up(&self, revision: Revision) -> Result<(), Error> {
        if self.view.wait_for(revision, Duration::from_secs(5)).await.is_ok() {
            return Ok(());
        }
        let detail = format!("this process hasn't seen revision {revision} yet: try again");
        Err(Problem::new(Code::Unavailable, detail).into())
    }

    /// For how long etcd hasn't answered; `None`: it does.
    pub async fn unready_since(&self) -> Option<Duration> {
        let away = self.view.age();
        match tokio::time::timeout(Duration::from_secs(2), self.store.ping()).await {
            Ok(Ok(())) => None,
            // etcd is just now away: since when exactly, the view's watch will know.
            _ => Some(away.unwrap_or_default()),
        }
    }

    /// The number of the last entry of a loop that has ended and has no worker; `None`: it goes on.
    pub async fn journal_end(&self, id: &LoopId) -> Option<u64> {
        let ended =
            self.view.get(id).is_some_and(|item| item.record.state.ended() && !item.claimed);
        if !ended {
            return None;
        }
        self.store.head(id).await.ok().flatten().map(|head| head.next - 1)
    }

    /// A loop's state, if it is there and the caller may see it.
    async fn visible(&self, caller: &Caller, id: &LoopId) -> Result<StateRecord, Error> {
        let state = self.store.state(id).await?.map(|state| state.value);
        if let Some(state) = state {
            if caller.identity.scope.allows(&state.summary.project) {
                return Ok(state);
            }
        } else if self.store.is_deleted(id).await? {
            // A tombstone has no project, so that only those who see all may know of it.
            if caller.identity.scope == smith_model::access::Scope::All {
                return Err(Problem::new(Code::Gone, format!("loop {id} was deleted")).into());
            }
        }
        Err(not_found(id))
    }
}

fn not_found(id: &LoopId) -> Error {
    Problem::new(Code::NotFound, format!("there is no loop {id}")).into()
}

fn now() -> Timestamp {
    Timestamp::now()
}

/// A reason as people give it: not blank, not endless, without control characters.
fn checked_reason(reason: &str) -> Result<&str, Error> {
    checked_words("reason", reason)
}

/// The same in a field of another name.
fn checked_words<'a>(field: &str, words: &'a str) -> Result<&'a str, Error> {
    let words = words.trim();
    let rule = "1 to 1000 characters without control characters";
    if words.is_empty() || words.chars().count() > 1000 || words.chars().any(char::is_control) {
        let error = smith_model::problem::FieldError::new(field, words, rule);
        return Err(Problem::fields(vec![error]).into());
    }
    Ok(words)
}
