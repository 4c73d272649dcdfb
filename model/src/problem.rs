//! Errors as the API tells them: `application/problem+json` (RFC 9457) with a stable code.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A field of a request that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FieldError {
    /// The field's path, such as `policy.attempts` or `gates[2].run`.
    pub field: String,
    /// The value as given, cut to 200 characters.
    pub value: String,
    /// The rule that it breaks, in words.
    pub rule: String,
}

impl FieldError {
    /// `field` has `value`, and `rule` says what it must be.
    pub fn new(
        field: impl Into<String>,
        value: impl fmt::Display,
        rule: impl Into<String>,
    ) -> Self {
        let value = value.to_string().chars().take(200).collect();
        Self { field: field.into(), value, rule: rule.into() }
    }
}

/// What went wrong, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// The body isn't JSON, or not of this shape.
    MalformedRequest,
    /// A field breaks a rule; `errors` names each.
    InvalidRequest,
    /// The PRD has errors; `report` names each.
    InvalidPrd,
    /// The body is larger than allowed.
    TooLarge,
    /// No credential, or one that isn't known, expired or revoked.
    Unauthenticated,
    /// The credential's role doesn't allow it.
    Forbidden,
    /// There is no such thing, or it isn't visible to this credential.
    NotFound,
    /// The path doesn't know the method.
    MethodNotAllowed,
    /// The loop existed and was deleted; its id and key are never used again.
    Gone,
    /// The idempotency key was used for another request.
    IdempotencyConflict,
    /// The loop id is taken by another request.
    LoopExists,
    /// The state doesn't allow the step.
    IllegalTransition,
    /// The thing changed meanwhile; read it again.
    RevisionMismatch,
    /// The loop must have ended first, and its workers must be gone.
    LoopActive,
    /// A loop that hasn't ended depends on it.
    HasDependents,
    /// Somebody else takes care of this item of the inbox.
    ItemClaimed,
    /// The item of the inbox isn't there any more, or stands for something newer.
    StaleOccurrence,
    /// Somebody else's session has claimed the attempt.
    Claimed,
    /// The lease ran out, but the attempt is still this worker's: claim again with the same secret.
    LockLost,
    /// The attempt is over for this worker: stop, change nothing.
    Fenced,
    /// The evidence doesn't allow it.
    EvidenceMissing,
    /// The branch has an earlier prepared commit that isn't settled.
    PublishUnsettled,
    /// The worker speaks no version of the protocol that the server speaks.
    ProtocolMismatch,
    /// Too many requests; `Retry-After` says when.
    RateLimited,
    /// The worker's terminals can't be attached to: there is no worker, or it can't be reached from here.
    NotAttachable,
    /// The store or the worker can't be reached now, or the store is full; `Retry-After` says when to try again.
    Unavailable,
    /// The store can't take more: the worker was stopped, but no record says so.
    StoppedNotRecorded,
    /// A fault of the server; the log has it under the request id.
    Internal,
}

impl Code {
    /// The HTTP status that goes with it.
    pub fn status(self) -> u16 {
        match self {
            Self::MalformedRequest | Self::InvalidRequest | Self::ProtocolMismatch => 400,
            Self::Unauthenticated => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::IdempotencyConflict
            | Self::LoopExists
            | Self::IllegalTransition
            | Self::LoopActive
            | Self::HasDependents
            | Self::ItemClaimed
            | Self::StaleOccurrence
            | Self::Claimed
            | Self::LockLost
            | Self::Fenced
            | Self::EvidenceMissing
            | Self::PublishUnsettled
            | Self::NotAttachable => 409,
            Self::Gone => 410,
            Self::RevisionMismatch => 412,
            Self::TooLarge => 413,
            Self::InvalidPrd => 422,
            Self::RateLimited => 429,
            Self::Internal => 500,
            Self::Unavailable => 503,
            Self::StoppedNotRecorded => 507,
        }
    }

    /// One short sentence that is the same for every problem of this code.
    pub fn title(self) -> &'static str {
        match self {
            Self::MalformedRequest => "the request can't be read",
            Self::InvalidRequest => "the request breaks a rule",
            Self::InvalidPrd => "the PRD has errors",
            Self::TooLarge => "the request is too large",
            Self::Unauthenticated => "a valid token is needed",
            Self::Forbidden => "the token's role doesn't allow this",
            Self::NotFound => "not found",
            Self::MethodNotAllowed => "method not allowed",
            Self::Gone => "the loop was deleted",
            Self::IdempotencyConflict => "the idempotency key was used for another request",
            Self::LoopExists => "the loop id is taken",
            Self::IllegalTransition => "the state doesn't allow this",
            Self::RevisionMismatch => "it changed meanwhile",
            Self::LoopActive => "the loop hasn't ended",
            Self::HasDependents => "other loops depend on it",
            Self::ItemClaimed => "somebody else takes care of it",
            Self::StaleOccurrence => "it isn't in the inbox so any more",
            Self::Claimed => "the attempt is claimed by another session",
            Self::LockLost => "the lease ran out",
            Self::Fenced => "the attempt is over for this worker",
            Self::EvidenceMissing => "the evidence doesn't allow this",
            Self::PublishUnsettled => "an earlier publish isn't settled",
            Self::ProtocolMismatch => "no common protocol version",
            Self::RateLimited => "too many requests",
            Self::NotAttachable => "the worker's terminals can't be attached to",
            Self::Unavailable => "not available now",
            Self::StoppedNotRecorded => "stopped, but not recorded",
            Self::Internal => "internal error",
        }
    }

    /// The name on the wire.
    pub fn as_str(self) -> String {
        match serde_json::to_value(self) {
            Ok(serde_json::Value::String(name)) => name,
            _ => unreachable!("a unit variant serializes to its name"),
        }
    }
}

/// The body of every answer that isn't a success.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// Always `about:blank`: `code` tells problems apart.
    #[serde(rename = "type")]
    pub kind: String,
    /// The same sentence for every problem of this code.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What went wrong, for programs.
    pub code: Code,
    /// What went wrong, with names and values, and the way out.
    pub detail: String,
    /// Every field at fault.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// The report of a PRD that has errors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<serde_json::Value>,
    /// The request, as in the log and in `x-request-id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

impl Problem {
    /// A problem of this code; `detail` says it with names and values.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank".into(),
            title: code.title().into(),
            status: code.status(),
            code,
            detail: detail.into(),
            errors: vec![],
            report: None,
            request_id: None,
        }
    }

    /// A problem that names every field at fault.
    pub fn fields(errors: Vec<FieldError>) -> Self {
        let named = errors.iter().map(|e| format!("{}: {:?} must be {}", e.field, e.value, e.rule));
        let detail = named.collect::<Vec<_>>().join("; ");
        Self { errors, ..Self::new(Code::InvalidRequest, detail) }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Problem {}
