//! The host: runs everything a worker does not trust (agent, gates, shells) and ends it again.
//!
//! Two sides meet here over one unix socket. The replica listens, holds a [`Host`] and gets a
//! [`Process`] for each start; `smith-replica host` connects, starts what it is asked to and hands
//! terminals and pipes over as file descriptors. Nothing else is shared: no pids, and no paths but
//! the workspace and the socket, so that the same host runs as a container of its own.
//!
//! ```text
//! replica ──socket──> host ──┬─> keeper ──> agent ──> what it starts
//!                            └─> keeper ──> gate  ──> …
//! ```
//!
//! Each start has a **keeper**, a process that is a subreaper: whatever the start forks, in any
//! session, stays below its keeper, and the kernel's `ECHILD` tells exactly when nothing is left.
//! Attribution by environment, session or polling of parents was rejected: each can be shed by a
//! process that wants to.
//!
//! Around the host stands what [`Isolation`] says: a PID namespace that the kernel ends at once, or
//! a **guard**, which is a subreaper and ends what a dead host left.
//!
//! Must not know: loops, iterations, git, the API.

mod channel;
mod frame;
mod wire;

mod elf;
mod program;
mod tree;

mod cover;
mod guard;
mod keeper;
mod run;
mod serve;
mod starts;

mod handle;
mod isolation;
mod listener;
mod local;
mod loss;
mod process;
mod readiness;
mod supervisor;
mod terminal;

pub use guard::GuardError;
pub use handle::{Error, Host};
pub use isolation::{Isolation, Namespace, Support, support};
pub use keeper::{KeepError, keep};
pub use listener::Access;
pub use local::Local;
pub use loss::{Gone, Loss};
pub use process::{EndReport, Piped, Process, Stat};
pub use program::Refused;
pub use run::{Options, Role, RunError, run};
pub use rustix::process::Signal;
pub use serve::ServeError;
pub use terminal::{Echo, Terminal, TerminalReader, TerminalWriter};
pub use wire::{Command, Exit, Hidden, Program, Scope, Size, StartFailure, Stdin};
