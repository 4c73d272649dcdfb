//! What people did: overrides on a loop, and the audit record of every act.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::id::{LoopId, ProjectName};
use crate::state::State;

/// A person's change of a loop's state, as stored under `overrides/{loop}/{seq}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Override {
    /// Major version of the record.
    pub schema_version: u32,
    /// The number of its journal entry.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// The identity, from the credential.
    pub actor: String,
    /// What was done: `cancel`, `flatline`, `accept`, `retry`, `hold` or `release`.
    pub action: String,
    /// The state before.
    pub from: State,
    /// The state after.
    pub to: State,
    /// Why, in the person's words.
    pub reason: String,
}

/// An act as stored under `audit/{yyyy-mm-dd}/{uuidv7}`, in the transaction of the act itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditRecord {
    /// Major version of the record.
    pub schema_version: u32,
    /// Sorts as the acts' times do.
    pub id: Uuid,
    /// When.
    pub at: Timestamp,
    /// The identity, from the credential.
    pub actor: String,
    /// What was done, such as `loop.create` or `token.revoke`.
    pub action: String,
    /// The project that it was done in, where it was in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectName>,
    /// The loop that it was done to, where it was to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loop_id: Option<LoopId>,
    /// Why, in the person's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What it was before, as far as it changed.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub before: Value,
    /// What it is after.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub after: Value,
    /// The request, as in the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The journal that chains it: the loop's, or `_system`.
    pub scope: String,
    /// The number of the entry there.
    pub seq: u64,
}
