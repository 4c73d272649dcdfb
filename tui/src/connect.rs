//! Whom the workstation speaks to, and how that changes while it runs. Pure; [`crate::run`] does it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use smith_model::access::Identity;
use smith_model::id::ProjectName;

use crate::settings::Asked;

/// What can be asked for about the connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConnectAction {
    /// Choose one of the contexts.
    Pick,
    /// Name a server.
    Name,
    /// Speak to this one.
    To(Asked),
    /// Start smithd on this machine, and speak to it.
    StartSmithd,
}

/// What happened to the connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConnectNews {
    /// At the start: no server is known.
    Nobody,
    /// The contexts that there are.
    Contexts(Vec<ContextItem>),
    /// Another server answers: everything that is known is of the one before.
    Connected(Connected),
    /// It stays as it was; why.
    Failed(String),
    /// The server said who we are.
    Identity(Identity),
    /// The server won't say who we are, and trying again changes nothing.
    Refused(Refusal),
    /// smithd is being started.
    Starting {
        /// The program.
        program: PathBuf,
        /// Where its output goes.
        log: PathBuf,
    },
    /// smithd wasn't started.
    NotStarted {
        /// Why.
        why: String,
        /// The last lines that it said.
        said: Vec<String>,
    },
}

/// Why nothing comes of this server with this token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// It doesn't take the token; why.
    Token(String),
    /// What answers isn't Smith, or not as this program knows it; what is wrong with it.
    Answer(String),
}

/// A context, without its secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContextItem {
    /// Its name.
    pub name: String,
    /// Its server.
    pub server: String,
}

/// Whom we speak to now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connected {
    /// The context, if it is one.
    pub context: Option<String>,
    /// The server's address.
    pub server: String,
    /// The project of what names none.
    pub project: Option<ProjectName>,
    /// Who we are there.
    pub identity: Identity,
}

#[cfg(test)]
mod tests;
