//! Terminals of workers: sessions, who watches and who may type, and what the API says about them.
//!
//! The frames that go through an attached terminal are another crate's; a [`ticket`] lets one in.

pub mod size;
pub mod ticket;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::attempt::{ArtifactRef, Exit};
use crate::id::{AttemptNo, LoopId};
use crate::story::DiffStat;
pub use size::Size;

/// A terminal of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Session {
    /// What the agent runs in; a fresh process for each iteration.
    Agent,
    /// A shell in the workspace, started when somebody asks for it.
    Shell,
}

impl Session {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Agent, Self::Shell];

    /// The name on the wire and on screens.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Shell => "shell",
        }
    }
}

impl std::fmt::Display for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a viewer may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Watch.
    Read,
    /// Watch, and ask for the lease.
    Write,
}

/// Numbers a viewer among those of its worker, as long as it is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct ViewerId(pub u32);

/// Somebody who is attached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Viewer {
    /// Its number.
    pub id: ViewerId,
    /// Its identity, for display.
    pub name: String,
    /// What it may do.
    pub mode: Mode,
}

/// Who may type, and since when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Holder {
    /// Its number.
    pub id: ViewerId,
    /// Its identity, for display.
    pub name: String,
    /// When it got the lease.
    pub since: Timestamp,
    /// From whom and why, if it was stolen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stolen: Option<Steal>,
}

/// How a lease changed hands against its holder's will.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Steal {
    /// The identity of who had it.
    pub from: String,
    /// Why.
    pub reason: String,
}

/// A session as its worker sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionState {
    /// Which.
    pub session: Session,
    /// Its newest process, counted from 1; 0: there was none yet.
    pub generation: u64,
    /// Does that process run?
    pub running: bool,
    /// The size of its terminal.
    pub size: Size,
    /// The title that the program set, made printable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Who may type; nobody, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<Holder>,
    /// Everybody who is attached.
    pub viewers: Vec<Viewer>,
}

/// `GET /v1/loops/{id}/runtime`: whether and why (not) a loop's worker can be attached to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RuntimeAnswer {
    /// The loop.
    pub loop_id: LoopId,
    /// Can its terminals be attached to, now?
    pub attachable: bool,
    /// Why, in one sentence.
    pub why: String,
    /// The worker, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<String>,
    /// Its attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no: Option<AttemptNo>,
    /// Its sessions, where they could be asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sessions: Vec<SessionState>,
}

/// `POST /v1/loops/{id}/control/attach`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AttachRequest {
    /// The terminal.
    #[serde(default = "agent")]
    pub session: Session,
    /// What one wants to do there.
    #[serde(default = "read")]
    pub mode: Mode,
}

fn agent() -> Session {
    Session::Agent
}

fn read() -> Mode {
    Mode::Read
}

/// The answer: what opens the terminal, once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AttachAnswer {
    /// The ticket; a secret. It is offered as the subprotocol `smith.ticket.{ticket}`.
    pub ticket: String,
    /// Until when.
    pub expires_at: Timestamp,
    /// Where the WebSocket is.
    pub path: String,
    /// The worker.
    pub worker: String,
    /// Its attempt.
    pub no: AttemptNo,
    /// The session as it is now: who watches, who may type.
    pub session: SessionState,
}

/// The subprotocol of an attached terminal.
pub const SUBPROTOCOL: &str = "smith.terminal.v1";
/// What stands before a ticket in the list of subprotocols.
pub const TICKET_PREFIX: &str = "smith.ticket.";

/// The longest that a command may take.
pub const MOST_COMMAND_SECONDS: u32 = 600;
/// The most bytes of each of a command's streams that are answered: its end.
pub const MOST_COMMAND_OUTPUT: usize = 256 * 1024;

/// `POST /v1/loops/{id}/control/command`: one command line, in the workspace, without a terminal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CommandRequest {
    /// For `sh -c`.
    pub command: String,
    /// Seconds that it may take, at most [`MOST_COMMAND_SECONDS`]; 60 where it isn't said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<u32>,
}

/// What a command came to. Known secrets are taken out of its output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CommandAnswer {
    /// How it ended.
    pub exit: Exit,
    /// Milliseconds that it took.
    pub millis: u64,
    /// Its standard output, or the end of it; what isn't UTF-8 is replaced.
    pub stdout: String,
    /// Bytes left out before it.
    pub stdout_omitted: u64,
    /// Its standard error, in the same way.
    pub stderr: String,
    /// Bytes left out before it.
    pub stderr_omitted: u64,
}

/// `POST /v1/loops/{id}/control/detach`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct DetachRequest {
    /// Whom; everybody of one's own identity, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub viewer: Option<ViewerId>,
}

/// Who was detached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DetachAnswer {
    /// Their numbers and names.
    pub detached: Vec<Viewer>,
}

/// What a person did between taking a lease and giving it back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Intervention {
    /// Who, by the credential.
    pub by: String,
    /// Where.
    pub session: Session,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// What was typed while the terminal echoed, as lines, bounded, without secrets.
    pub typed: Vec<String>,
    /// Was something typed that the terminal didn't show (and that isn't kept)?
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hidden: bool,
    /// What was said at handing back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What changed in the workspace meanwhile, by whomever.
    #[serde(default)]
    pub stat: DiffStat,
    /// That change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diff: Option<ArtifactRef>,
}

/// A part of what a session showed, as an asciicast (version 3) among the loop's artifacts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Recording {
    /// Whose.
    pub session: Session,
    /// The iteration that the agent was in, or 0: it is the shell's.
    pub iteration: u32,
    /// Which process of the session, counted from 1.
    pub generation: u64,
    /// Which part of it, counted from 1; each begins with the whole screen.
    pub segment: u32,
    /// When it begins.
    pub started_at: Timestamp,
    /// Milliseconds that it lasts.
    pub millis: u64,
    /// The file.
    pub artifact: ArtifactRef,
}
