//! What a worker's terminal server and a viewer say to each other, over whichever transport.
//!
//! A message is one [`Frame`]: keystrokes and output are raw bytes, everything else is JSON with a `type`.
//! A viewer says [`Hello`] first and is answered by [`Welcome`] or [`FromWorker::End`]; then come a [`Snapshot`] (or,
//! where the worker still has what the viewer missed, nothing) and output. Output carries no offset: it
//! is counted from the snapshot, or from the position that the welcome accepted. Offsets begin at 0 with
//! each generation, that is, with each process in the session.
//!
//! A message or field that this version doesn't know is skipped; a version is raised only by what can't
//! be. Who somebody is was decided by whoever gave out the ticket: nothing here is a proof of identity.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use smith_model::terminal::{CommandAnswer, SessionState};
pub use smith_model::terminal::{Holder, Mode, Session, Steal, Viewer, ViewerId};

use crate::frame::Frame;
use crate::size::Size;

/// The versions that this code speaks, newest first.
pub const PROTOCOLS: [u32; 1] = [1];

/// The most bytes of a [`Snapshot`]'s state: a screen of the largest size whose cells all have colours and
/// marks of their own (at most 130 bytes each), and some scrollback.
pub const MAX_STATE: usize = 16 * 1024 * 1024;

/// The newest version that both sides speak.
pub fn negotiate(offered: &[u32]) -> Option<u32> {
    PROTOCOLS.into_iter().find(|version| offered.contains(version))
}

/// A place in a session's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Which process's output.
    pub generation: u64,
    /// How many bytes of it came before.
    pub offset: u64,
}

/// What lets a viewer in, opaque to everybody but who made it. A secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ticket(pub String);

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ticket(…)")
    }
}

/// A viewer's first message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The versions that it speaks; see [`negotiate`].
    pub protocols: Vec<u32>,
    /// The terminal.
    pub session: Session,
    /// What it wants to do.
    pub mode: Mode,
    /// Who it is, for others to see. Set by the API from the credential, not by the person.
    pub viewer: String,
    /// What lets it in.
    pub ticket: Ticket,
    /// The size of its window, if it would like the terminal to have that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<Size>,
    /// The position up to which it has everything, when it comes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Position>,
}

/// What a viewer says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum FromViewer {
    /// The first message, and only that.
    Hello(Hello),
    /// Keystrokes: a frame of raw bytes, at most [`crate::frame::MAX_BYTES`].
    #[serde(skip)]
    Input(Bytes),
    /// The holder of the lease wants this size.
    Resize {
        /// The size.
        size: Size,
    },
    /// About who may type.
    Lease(LeaseRequest),
    /// Answered with [`FromWorker::Pong`].
    Ping {
        /// Comes back.
        nonce: u64,
    },
    /// Answered with [`FromWorker::End`].
    Detach,
    /// A question instead of a hello: answered with [`FromWorker::Answer`], and nothing else follows.
    Ask(Ask),
    /// Something of a later version; it is skipped.
    #[serde(other)]
    Unknown,
}

/// What is asked of a worker's terminal server without attaching.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub enum Ask {
    /// How are the sessions?
    Status {
        /// What lets one ask.
        ticket: Ticket,
    },
    /// Run one command line in the workspace. It is ended when the asker hangs up.
    Command {
        /// What lets one ask.
        ticket: Ticket,
        /// For `sh -c`.
        line: String,
        /// Milliseconds that it may take.
        timeout_millis: u64,
    },
    /// End attachments.
    Detach {
        /// What lets one ask.
        ticket: Ticket,
        /// Whose: one's, or all of the ticket's own identity.
        viewer: Option<ViewerId>,
        /// Only those of the ticket's own identity?
        own_only: bool,
    },
}

/// What a worker answers to an [`Ask`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum Answer {
    /// The sessions.
    Status {
        /// Both.
        sessions: Vec<SessionState>,
    },
    /// The command ended.
    Command(CommandAnswer),
    /// The command couldn't be started.
    NotStarted {
        /// Why.
        why: String,
    },
    /// Who was detached.
    Detached {
        /// Their names.
        viewers: Vec<Viewer>,
    },
    /// The ticket isn't good for this.
    Refused {
        /// Why.
        why: String,
    },
}

/// A request about who may type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum LeaseRequest {
    /// Take it, if nobody has it.
    Take,
    /// Take it from whoever has it.
    Steal {
        /// Why; the holder and the audit get it.
        reason: String,
    },
    /// Hand it back.
    Release {
        /// What was done; the next iteration's prompt and the handoff get it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    },
}

/// The answer to a [`Hello`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The version that is spoken from here on.
    pub version: u32,
    /// The terminal.
    pub session: Session,
    /// Its current process.
    pub generation: u64,
    /// The viewer's own number.
    pub you: ViewerId,
    /// Everybody who is attached, this viewer too.
    pub viewers: Vec<Viewer>,
    /// Who may type; nobody, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<Holder>,
    /// The position from which output goes on; when absent, a snapshot follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Position>,
}

/// A terminal as it stands at a position.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The position behind which output goes on.
    #[serde(flatten)]
    pub at: Position,
    /// The size.
    pub size: Size,
    /// The title that the program set, made printable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Escape sequences and text that rebuild it in a fresh terminal of that size, base64 on the wire. Not
    /// for a terminal that people sit at: it may hold whatever the program printed.
    #[serde(with = "base64")]
    pub state: Vec<u8>,
}

/// What a worker says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum FromWorker {
    /// The first message, unless it is an end.
    Welcome(Welcome),
    /// Forget what you have; this is how it stands.
    Snapshot(Snapshot),
    /// Output: a frame of raw bytes, at most [`crate::frame::MAX_BYTES`].
    #[serde(skip)]
    Output(Bytes),
    /// The terminal has this size from here on. Emulators break lines anew each in its own way, so a
    /// worker sends a snapshot behind it.
    Resize {
        /// The size.
        size: Size,
        /// Whose wish it was; the worker's own, when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<ViewerId>,
    },
    /// Who may type, whenever that changes.
    Lease {
        /// Nobody, when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        holder: Option<Holder>,
    },
    /// Who is attached, whenever that changes.
    Viewers {
        /// Everybody.
        viewers: Vec<Viewer>,
    },
    /// Something that people should know.
    Notice {
        /// What it is about, for programs.
        about: About,
        /// For people. From the worker: show it only made printable.
        text: String,
    },
    /// A new process runs in the session, in a fresh terminal; its output begins at offset 0.
    Began {
        /// The process.
        generation: u64,
        /// The size of its terminal.
        size: Size,
        /// For people.
        text: String,
    },
    /// The session's process ended.
    Exit {
        /// The process.
        generation: u64,
        /// How it ended; absent when that couldn't be known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<Status>,
        /// What follows.
        next: Next,
        /// For people.
        text: String,
    },
    /// The answer to an ask.
    Answer(Answer),
    /// The answer to a ping.
    Pong {
        /// The ping's.
        nonce: u64,
    },
    /// The last message: nothing follows on this stream.
    End {
        /// Why, for programs.
        reason: EndReason,
        /// For people.
        text: String,
    },
    /// Something of a later version; it is skipped.
    #[serde(other)]
    Unknown,
}

/// What a notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum About {
    /// Input was refused: the viewer only watches.
    ReadOnly,
    /// Input or a resize was refused: somebody else has the lease, or nobody.
    NoLease,
    /// The lease couldn't be taken: somebody has it.
    LeaseTaken,
    /// The viewer was too slow: output was left out, and a snapshot follows.
    Resynced,
    /// The engine failed and begins anew with an empty screen.
    EngineReplaced,
    /// Something of a later version; the text says it.
    #[serde(other)]
    Other,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// By itself, with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

/// What comes after a process of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Next {
    /// Another one, announced by [`FromWorker::Began`].
    Another,
    /// Nothing: an end follows.
    Over,
}

/// Why a stream is over. Closed: another reason takes another version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EndReason {
    /// The viewer, or somebody for it, asked for that.
    Detached,
    /// The viewer's right was taken away.
    Revoked,
    /// The viewer's right, or its ticket, ran out.
    Expired,
    /// The ticket isn't good for this.
    Refused,
    /// Too many are attached.
    Full,
    /// The session's last process ended.
    SessionOver,
    /// The worker is about to end.
    ReplicaEnding,
    /// No ping came for too long.
    Idle,
    /// The viewer broke the protocol, or speaks no version of it that the worker does.
    Protocol,
    /// Something failed on the way.
    Error,
}

/// A frame that isn't a message.
#[derive(Debug, thiserror::Error)]
#[error("a text frame isn't a message of a {sender}: {why}")]
pub struct MessageError {
    sender: &'static str,
    why: String,
}

impl FromViewer {
    /// As a frame.
    pub fn to_frame(&self) -> Frame {
        match self {
            Self::Input(bytes) => Frame::Bytes(bytes.clone()),
            message => Frame::Text(serde_json::to_string(message).expect("messages serialize")),
        }
    }

    /// Out of a frame.
    pub fn from_frame(frame: Frame) -> Result<Self, MessageError> {
        match frame {
            Frame::Bytes(bytes) => Ok(Self::Input(bytes)),
            Frame::Text(text) => serde_json::from_str(&text)
                .map_err(|e| MessageError { sender: "viewer", why: e.to_string() }),
        }
    }
}

impl FromWorker {
    /// As a frame.
    pub fn to_frame(&self) -> Frame {
        match self {
            Self::Output(bytes) => Frame::Bytes(bytes.clone()),
            message => Frame::Text(serde_json::to_string(message).expect("messages serialize")),
        }
    }

    /// Out of a frame.
    pub fn from_frame(frame: Frame) -> Result<Self, MessageError> {
        match frame {
            Frame::Bytes(bytes) => Ok(Self::Output(bytes)),
            Frame::Text(text) => serde_json::from_str(&text)
                .map_err(|e| MessageError { sender: "worker", why: e.to_string() }),
        }
    }
}

mod base64 {
    use data_encoding::BASE64;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&BASE64.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(d)?;
        let decoded = BASE64.decode(text.as_bytes());
        decoded.map_err(|e| D::Error::custom(format_args!("`state` isn't base64: {e}")))
    }
}

#[cfg(test)]
mod tests;
