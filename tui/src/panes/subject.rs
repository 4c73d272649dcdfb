//! What a pane shows.

use std::fmt;

use serde::{Deserialize, Serialize};
use smith_model::id::LoopId;
use smith_model::terminal::Session;

/// What a pane shows. Two panes with the same subject are two looks at one terminal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// What a loop's agent runs in.
    Agent(LoopId),
    /// A shell in a loop's workspace.
    Shell(LoopId),
    /// The list of a loop's recordings.
    Recordings(LoopId),
    /// A recording of a loop, by its number in that list.
    Recording(LoopId, usize),
}

impl Subject {
    /// The terminal of a session.
    pub fn of(loop_id: LoopId, session: Session) -> Self {
        match session {
            Session::Agent => Self::Agent(loop_id),
            Session::Shell => Self::Shell(loop_id),
        }
    }

    /// Whose it is.
    pub fn loop_id(&self) -> &LoopId {
        match self {
            Self::Agent(id) | Self::Shell(id) | Self::Recordings(id) | Self::Recording(id, _) => id,
        }
    }

    /// The session, where it is one that lives.
    pub fn session(&self) -> Option<Session> {
        match self {
            Self::Agent(_) => Some(Session::Agent),
            Self::Shell(_) => Some(Session::Shell),
            Self::Recordings(_) | Self::Recording(..) => None,
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Agent(id) => write!(f, "{id} agent"),
            Self::Shell(id) => write!(f, "{id} shell"),
            Self::Recordings(id) => write!(f, "{id} recordings"),
            Self::Recording(id, number) => write!(f, "{id} recording {number}"),
        }
    }
}
