//! What replica, host and keeper say to each other, as JSON in frames.
//!
//! Private to this crate and versioned by [`VERSION`] in the hello: both ends come from one build,
//! or they say so and part. Unknown fields are refused for the same reason.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The protocol's version; raised with every change of this file.
pub(super) const VERSION: u32 = 2;

/// What to run, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Command {
    /// The program.
    pub program: Program,
    /// The whole environment: nothing is inherited.
    /// In a terminal `SHELL` is set to the user's login shell where it is missing here.
    pub env: BTreeMap<String, String>,
    /// A directory relative to the workspace; empty is the workspace itself.
    pub cwd: PathBuf,
}

/// What a start executes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Program {
    /// A program and its arguments; a name without a slash is looked up in the start's `PATH`.
    Argv(Vec<String>),
    /// A command line for `/bin/sh -c`.
    Shell(String),
}

/// Rows and columns of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Size {
    /// Lines.
    pub rows: u16,
    /// Cells in a line.
    pub cols: u16,
}

/// What a piped process reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stdin {
    /// Nothing: end of file at once.
    Null,
    /// A pipe that the replica writes.
    Pipe,
}

/// How a start is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Io {
    Pty(Size),
    Pipes(Stdin),
}

impl Io {
    /// How many descriptors come with `Started`.
    pub(super) fn fds(self) -> usize {
        match self {
            Self::Pty(_) => 1,
            Self::Pipes(Stdin::Null) => 2,
            Self::Pipes(Stdin::Pipe) => 3,
        }
    }
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exit {
    /// It exited with this code.
    Code(i32),
    /// This signal ended it.
    Signal(i32),
    /// It is gone and nobody saw how: something killed its keeper.
    Unknown,
}

impl Exit {
    /// True for exit code 0.
    pub fn is_success(self) -> bool {
        self == Self::Code(0)
    }
}

impl std::fmt::Display for Exit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(signal) => write!(f, "signal {signal}"),
            Self::Unknown => write!(f, "an unknown end"),
        }
    }
}

/// Whom a signal goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// The process that was started.
    Leader,
    /// It and everything that came of it, in whatever session.
    Tree,
}

/// Why a start was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StartFailure {
    /// There is no such program.
    NotFound,
    /// It is there and can't be executed: permission, a directory, empty, corrupt, another machine's.
    NotExecutable,
    /// Its `#!` interpreter or its dynamic loader is missing or can't be executed.
    BadInterpreter,
    /// The directory is missing, or not inside the workspace.
    BadCwd,
    /// The process around it was killed before it could tell whether there was a start.
    Lost,
    /// Anything else; the message tells.
    Other,
}

/// From the replica.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Request {
    Start {
        id: u64,
        command: Command,
        io: Io,
    },
    /// Answered by `Signalled`.
    Signal {
        call: u64,
        id: u64,
        signal: i32,
        scope: Scope,
    },
    /// Ends all of a start: asks first when there is a grace. Answered by `Swept`.
    End {
        call: u64,
        id: u64,
        grace_ms: u64,
    },
    /// Answered by `Stat`.
    Stat {
        call: u64,
        id: u64,
    },
    /// Stops every process of every start. Answered by `Signalled`.
    Suspend {
        call: u64,
    },
    /// Lets them go on. Answered by `Signalled`.
    Resume {
        call: u64,
    },
    /// Ends everything, then says `Gone` and hangs up.
    Shutdown {
        grace_ms: u64,
    },
}

/// What became of the directories that were to be hidden from all that a host runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Hidden {
    /// None were.
    #[default]
    Nothing,
    /// All of them are covered.
    Covered,
    /// They aren't, or not all of them.
    Refused {
        /// Why.
        why: String,
    },
}

/// From the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Report {
    /// The first frame. The pid is in the host's own PID namespace.
    Hello {
        version: u32,
        pid: u32,
        /// Another version's hello has none, and is to be told from what is no host.
        #[serde(default)]
        hidden: Hidden,
    },
    /// With the PTY's master, or stdout, stderr and, when asked for, stdin.
    Started {
        id: u64,
        pid: u32,
    },
    StartFailed {
        id: u64,
        kind: StartFailure,
        message: String,
    },
    Ended {
        id: u64,
        exit: Exit,
    },
    Signalled {
        call: u64,
        processes: u32,
    },
    Swept {
        call: u64,
        asked: u32,
        killed: u32,
        remaining: u32,
    },
    Stat {
        call: u64,
        alive: u32,
        stopped: u32,
        cpu_ms: u64,
    },
    /// The last frame: how many processes of all starts are left.
    Gone {
        remaining: u32,
    },
}

/// From the host to a keeper, once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Keep {
    pub(super) workspace: PathBuf,
    pub(super) command: Command,
    pub(super) io: Io,
}

/// From a keeper to the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum KeeperReport {
    Started {
        pid: u32,
    },
    StartFailed {
        kind: StartFailure,
        message: String,
    },
    Ended {
        exit: Exit,
    },
    /// The kernel says that no process of this start is left.
    Over,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn program() -> impl Strategy<Value = Program> {
        prop_oneof![
            prop::collection::vec(any::<String>(), 0..4).prop_map(Program::Argv),
            any::<String>().prop_map(Program::Shell),
        ]
    }

    fn io() -> impl Strategy<Value = Io> {
        prop_oneof![
            (any::<u16>(), any::<u16>()).prop_map(|(rows, cols)| Io::Pty(Size { rows, cols })),
            Just(Io::Pipes(Stdin::Null)),
            Just(Io::Pipes(Stdin::Pipe)),
        ]
    }

    fn exit() -> impl Strategy<Value = Exit> {
        prop_oneof![
            any::<i32>().prop_map(Exit::Code),
            any::<i32>().prop_map(Exit::Signal),
            Just(Exit::Unknown)
        ]
    }

    fn request() -> impl Strategy<Value = Request> {
        let scope = prop_oneof![Just(Scope::Leader), Just(Scope::Tree)];
        let env = prop::collection::btree_map(any::<String>(), any::<String>(), 0..4);
        prop_oneof![
            (any::<u64>(), program(), env, any::<String>(), io()).prop_map(
                |(id, program, env, cwd, io)| Request::Start {
                    id,
                    command: Command { program, env, cwd: cwd.into() },
                    io
                }
            ),
            (any::<u64>(), any::<u64>(), any::<i32>(), scope)
                .prop_map(|(call, id, signal, scope)| Request::Signal { call, id, signal, scope }),
            (any::<u64>(), any::<u64>(), any::<u64>())
                .prop_map(|(call, id, grace_ms)| Request::End { call, id, grace_ms }),
            (any::<u64>(), any::<u64>()).prop_map(|(call, id)| Request::Stat { call, id }),
            any::<u64>().prop_map(|call| Request::Suspend { call }),
            any::<u64>().prop_map(|call| Request::Resume { call }),
            any::<u64>().prop_map(|grace_ms| Request::Shutdown { grace_ms }),
        ]
    }

    fn report() -> impl Strategy<Value = Report> {
        let hidden = prop_oneof![
            Just(Hidden::Nothing),
            Just(Hidden::Covered),
            any::<String>().prop_map(|why| Hidden::Refused { why }),
        ];
        let kind = prop_oneof![
            Just(StartFailure::NotFound),
            Just(StartFailure::NotExecutable),
            Just(StartFailure::BadInterpreter),
            Just(StartFailure::BadCwd),
            Just(StartFailure::Lost),
            Just(StartFailure::Other),
        ];
        prop_oneof![
            (any::<(u32, u32)>(), hidden).prop_map(|((version, pid), hidden)| Report::Hello {
                version,
                pid,
                hidden
            }),
            any::<(u64, u32)>().prop_map(|(id, pid)| Report::Started { id, pid }),
            (any::<u64>(), kind, any::<String>())
                .prop_map(|(id, kind, message)| Report::StartFailed { id, kind, message }),
            (any::<u64>(), exit()).prop_map(|(id, exit)| Report::Ended { id, exit }),
            any::<(u64, u32)>().prop_map(|(call, processes)| Report::Signalled { call, processes }),
            any::<(u64, u32, u32, u32)>().prop_map(|(call, asked, killed, remaining)| {
                Report::Swept { call, asked, killed, remaining }
            }),
            any::<(u64, u32, u32, u64)>().prop_map(|(call, alive, stopped, cpu_ms)| Report::Stat {
                call,
                alive,
                stopped,
                cpu_ms
            }),
            any::<u32>().prop_map(|remaining| Report::Gone { remaining }),
        ]
    }

    proptest! {
        #[test]
        fn requests_round_trip(request in request()) {
            let json = serde_json::to_vec(&request).unwrap();
            prop_assert_eq!(serde_json::from_slice::<Request>(&json).unwrap(), request);
        }

        #[test]
        fn reports_round_trip(report in report()) {
            let json = serde_json::to_vec(&report).unwrap();
            prop_assert_eq!(serde_json::from_slice::<Report>(&json).unwrap(), report);
        }

        #[test]
        fn noise_is_no_message_and_no_panic(noise in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = serde_json::from_slice::<Request>(&noise);
            let _ = serde_json::from_slice::<Report>(&noise);
        }
    }
}
