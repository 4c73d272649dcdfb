//! The shapes of the public API that aren't records: lists, acts, answers.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::access::{Role, Scope};
use crate::attempt::AttemptRecord;
use crate::audit::{AuditRecord, Override};
use crate::duration::Span;
use crate::gate::Gates;
use crate::handoff::Handoff;
use crate::id::{LoopId, ProjectName, Revision, TokenId};
use crate::journal::Entry;
use crate::policy::PolicyRequest;
use crate::problem::Problem;
use crate::repository::Repository;
use crate::spec::Spec;
use crate::state::{RetryFrom, State, StateRecord};
use crate::story::{IterationRecord, StoriesRecord, Usage};
use crate::worker::Progress;

/// A loop as lists and streams show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LoopItem {
    /// The state record.
    #[serde(flatten)]
    pub record: StateRecord,
    /// The revision of the state record: its ETag.
    pub revision: Revision,
    /// What the worker is at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
    /// Whether a worker holds the lock.
    pub claimed: bool,
}

/// `GET /v1/loops/{id}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LoopDetail {
    /// As lists show it.
    #[serde(flatten)]
    pub item: LoopItem,
    /// What was asked.
    pub spec: Spec,
    /// The newest attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<AttemptRecord>,
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Where the next page begins; `None`: this was the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// The revision at which the whole list is read. A stream from here on misses nothing.
    pub revision: Revision,
}

/// `POST /v1/loops` with several requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct BatchRequest {
    /// Each is a loop request; each gets an answer of its own.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Object>))]
    pub loops: Vec<Value>,
}

/// The most requests of one batch.
pub const MOST_BATCH: usize = 100;

/// The answer to a single create: 201 when it was created, 200 when it was there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Created {
    /// Whether this request created it.
    pub created: bool,
    /// The loop.
    #[serde(rename = "loop")]
    pub item: LoopItem,
}

/// One item's answer in a batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BatchItem {
    /// Its place in the request, from 0.
    pub index: usize,
    /// The HTTP status that it would have got alone.
    pub status: u16,
    /// What was created or found.
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Created>,
    /// Why it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

/// The answer to a batch: always 200, with each item's own status inside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BatchAnswer {
    /// In the order of the request.
    pub results: Vec<BatchItem>,
    /// How many were created.
    pub created: usize,
    /// How many were there.
    pub existing: usize,
    /// How many were refused.
    pub refused: usize,
}

/// How PRD ingress turns stories into loops.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum PrdMode {
    /// One loop that works through the stories.
    #[default]
    Loop,
    /// One loop a story, with `depends_on` from the PRD.
    Stories,
}

/// The format of a PRD in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum PrdFormat {
    /// The canonical form.
    Json,
    /// The form that people write.
    Markdown,
}

/// `POST /v1/ingress/prd`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct PrdRequest {
    /// The format; guessed where it isn't named: an object is JSON, a text Markdown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<PrdFormat>,
    /// The PRD as JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub prd: Option<Value>,
    /// The PRD as Markdown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub markdown: Option<String>,
    /// One loop, or one a story.
    pub mode: PrdMode,
    /// Where the PRD came from; the idempotency keys are made of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_ref: Option<String>,
    /// The loop's name (mode `loop`), or the beginning of the loops' names (mode `stories`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loop_id: Option<String>,
    /// See the loop request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectName>,
    /// See the loop request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository: Option<Repository>,
    /// See the loop request.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// See the loop request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<String>,
    /// See the loop request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// See the loop request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// More gates, before those of the PRD.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gates: Option<Gates>,
    /// See the loop request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyRequest>,
    /// See the loop request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,
    /// See the loop request.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// The answer to PRD ingress.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PrdAnswer {
    /// The loops, as in a batch.
    #[serde(flatten)]
    pub batch: BatchAnswer,
    /// What the validator says; only warnings, or nothing would have been created.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub report: Value,
}

/// A change of state that a person asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum TargetState {
    /// Stop it.
    Cancelled,
    /// Give it up.
    Flatline,
    /// Accept it as done.
    Synced,
    /// Another round, from the checkpoint.
    Unresolved,
}

/// `POST /v1/control/override`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct OverrideRequest {
    /// The loop.
    pub loop_id: LoopId,
    /// Where it shall go.
    pub target_state: TargetState,
    /// Why, in the person's words.
    pub reason: String,
}

/// `POST /v1/loops/{id}/hold` and `/release`, and `DELETE /v1/loops/{id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ReasonRequest {
    /// Why, in the person's words.
    pub reason: String,
}

/// `POST /v1/loops/{id}/retry`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RetryRequest {
    /// Why, in the person's words.
    pub reason: String,
    /// What the round starts from.
    #[serde(default = "from_checkpoint")]
    pub from: RetryFrom,
}

fn from_checkpoint() -> RetryFrom {
    RetryFrom::Checkpoint
}

/// What a loop that isn't running waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum WhyCode {
    /// It runs.
    Running,
    /// A worker is being started.
    WorkerStarting,
    /// The worker's lease ran out; it has one grace to come back.
    WorkerSilent,
    /// It has ended.
    Ended,
    /// A person holds it.
    Held,
    /// The backoff after a failure.
    Backoff,
    /// A dependency isn't synced yet.
    DependencyPending,
    /// A dependency ended without being synced: it waits for a person.
    DependencyEnded,
    /// The worker of an earlier attempt isn't gone yet.
    PreviousWorkerStopping,
    /// The fleet's limit is reached.
    FleetLimit,
    /// The project's limit is reached.
    ProjectLimit,
    /// The provider's limit is reached.
    ProviderLimit,
    /// The store is nearly full.
    StoreFull,
    /// No core leads.
    NoCore,
    /// It is next: the core takes it up now.
    AboutToStart,
}

/// `GET /v1/loops/{id}/why`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Why {
    /// The loop.
    pub loop_id: LoopId,
    /// Where it stands.
    pub state: State,
    /// What it waits for, for programs.
    pub code: WhyCode,
    /// The same in one sentence for people, with names and numbers.
    pub message: String,
    /// When it goes on by itself, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Loops that it waits for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waits_for: Vec<LoopId>,
    /// The revision that this was read at.
    pub revision: Revision,
}

/// `GET /v1/loops/{id}/trace`: everything that is known of a loop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Trace {
    /// The loop.
    #[serde(rename = "loop")]
    pub detail: LoopDetail,
    /// Its attempts.
    pub attempts: Vec<AttemptRecord>,
    /// Its stories.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stories: Option<StoriesRecord>,
    /// Its iterations.
    pub iterations: Vec<IterationRecord>,
    /// The newest entries of its journal, oldest first.
    pub journal: Vec<Entry>,
    /// Its handoffs.
    pub handoffs: Vec<Handoff>,
    /// What people changed.
    pub overrides: Vec<Override>,
    /// The audit records of the journal entries above.
    pub audit: Vec<AuditRecord>,
    /// Whether the whole journal's chain verifies; else what is wrong with it.
    pub chain: ChainState,
}

/// Whether a journal is what was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChainState {
    /// Does it verify?
    pub intact: bool,
    /// How many entries were checked.
    pub entries: u64,
    /// What is wrong with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// `GET /v1/reporting/cost`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Cost {
    /// The loop.
    pub loop_id: LoopId,
    /// What ran the model.
    pub provider_id: String,
    /// The model asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Iterations counted.
    pub iterations: u64,
    /// Tokens and money of all attempts, as the agent reported them.
    #[serde(flatten)]
    pub usage: Usage,
    /// Whether any iteration reported usage: `false` means unknown, not free.
    pub reported: bool,
    /// Seconds that agents ran.
    pub agent_seconds: u64,
    /// The end of the newest iteration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_activity_at: Option<Timestamp>,
}

/// An artifact that a loop names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ArtifactItem {
    /// What it is: `prompt`, `output`, `diff`, `gate` and its number, `recording`, or `intervention`: what changed
    /// while somebody had a terminal.
    pub name: String,
    /// The attempt.
    #[serde(flatten)]
    pub no: crate::id::AttemptNo,
    /// The iteration; 0: of none.
    pub iteration: u32,
    /// Its bytes.
    #[serde(flatten)]
    pub artifact: crate::attempt::ArtifactRef,
}

/// A part of a terminal's recording, as the journal has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RecordingItem {
    /// The number of its journal entry.
    pub seq: u64,
    /// The attempt.
    #[serde(flatten)]
    pub no: crate::id::AttemptNo,
    /// What it is of, and where its bytes are.
    #[serde(flatten)]
    pub recording: crate::terminal::Recording,
}

/// `POST /v1/tokens`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct TokenRequest {
    /// The identity in journals and audit.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Where; all projects where none is named.
    #[serde(default = "everywhere")]
    pub scope: Scope,
    /// For how long; for ever where none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<Span>,
}

fn everywhere() -> Scope {
    Scope::All
}

/// A token as lists show it: without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenItem {
    /// The public half.
    pub id: TokenId,
    /// The identity in journals and audit.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Where.
    pub scope: Scope,
    /// The identity that made it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// The answer to `POST /v1/tokens`: the only time that the secret is shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenCreated {
    /// The token to be borne.
    pub token: String,
    /// What lists show of it.
    #[serde(flatten)]
    pub item: TokenItem,
}

/// `GET /v1/version`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VersionInfo {
    /// The server's version.
    pub version: String,
    /// The worker protocols that it speaks.
    pub worker_protocols: Vec<u32>,
    /// The installation: drawn at the first start.
    pub installation: uuid::Uuid,
}

/// The events of `GET /v1/loops/stream`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum LoopEvent {
    /// A loop is new, or changed.
    Updated(Box<LoopItem>),
    /// A loop was deleted, or left the filter.
    Removed {
        /// The loop.
        loop_id: LoopId,
    },
    /// History is gone (or this is the beginning): forget everything, what follows is the whole list.
    Reset,
    /// The whole list was sent; what follows is live.
    Ready,
}
