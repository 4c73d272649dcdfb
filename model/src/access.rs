//! Who may do what: roles, scopes, and the token as stored and as shown once.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Extra;
use crate::id::{ProjectName, TokenId};

/// What a token may do; each role may do all that the one before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Reads.
    Viewer,
    /// Creates, overrides, attaches.
    Operator,
    /// Tokens, projects, credentials.
    Admin,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        })
    }
}

/// The projects that a token sees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// All of them, also future ones.
    All,
    /// These; nothing of another is visible, referable or countable.
    Projects(BTreeSet<ProjectName>),
}

impl Scope {
    /// Is the project inside?
    pub fn allows(&self, project: &ProjectName) -> bool {
        match self {
            Self::All => true,
            Self::Projects(projects) => projects.contains(project),
        }
    }
}

/// A token as stored under `live/tokens/{id}`: its secret half only as a hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRecord {
    /// Major version of the record.
    pub schema_version: u32,
    /// The public half.
    pub id: TokenId,
    /// The identity that acts with it, in journals and audit.
    pub name: String,
    /// SHA-256 of the secret half, in hex. The secret has 256 random bits, so no slow hash is needed.
    pub hash: String,
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
    /// Fields of a later version.
    #[serde(flatten)]
    pub extra: Extra,
}

/// The answer to `GET /v1/whoami`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Identity {
    /// The token's public half.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub token_id: TokenId,
    /// The name in journals and audit.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Where.
    pub scope: Scope,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}
