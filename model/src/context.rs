//! The shape of the contexts file that `smithctl` and `smith` share.
//!
//! `$XDG_CONFIG_HOME/smith/config.json`, mode 0600. Each program reads and writes it itself; the shape
//! and the order of precedence (flag, environment, context) are kept here.

mod choice;

pub use choice::{Choice, Given, NoChoice, TokenFrom};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Extra;

/// Where a server is and how to speak to it.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Context {
    /// The API's address.
    pub server: String,
    /// The token itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// A file that holds the token; read at each start, so that a rotated token is picked up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_file: Option<String>,
    /// The project that commands use where none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Fields of a later version.
    #[serde(flatten)]
    pub extra: Extra,
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Context({}, token: {})", self.server, self.token.is_some())
    }
}

/// The file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Contexts {
    /// The context in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_context: Option<String>,
    /// All of them by name.
    pub contexts: BTreeMap<String, Context>,
    /// Fields of a later version.
    #[serde(flatten)]
    pub extra: Extra,
}

/// The name of the context that `smithd` writes.
pub const LOCAL: &str = "local";
