//! The entry of `smith-replica host`: which of the host's processes this one is.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use rustix::io::Errno;
use rustix::process::DumpableBehavior;

use super::guard::{self, GuardError};
use super::isolation::{Isolation, Namespace};
use super::serve::{self, Parent, ServeError};

/// Where a host connects to and where it works.
#[derive(Clone, Debug)]
pub struct Options {
    /// The replica's socket.
    pub socket: PathBuf,
    /// The directory that commands run in.
    pub workspace: PathBuf,
    /// Directories to hide from what is started.
    pub hidden: Vec<PathBuf>,
}

/// Which part of a host a process plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The host itself; something else (a container, a namespace) ends what it leaves.
    Direct,
    /// Becomes `unshare`, with the host as first process of a PID namespace.
    Namespace,
    /// The same inside a user namespace.
    UserNamespace,
    /// The process that ends what a host leaves; starts the host.
    Guard,
    /// The host below a guard.
    Guarded,
}

impl Role {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Namespace => "namespace",
            Self::UserNamespace => "user-namespace",
            Self::Guard => "guard",
            Self::Guarded => "guarded",
        }
    }

    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Direct, Self::Namespace, Self::UserNamespace, Self::Guard, Self::Guarded];
}

impl From<Isolation> for Role {
    fn from(isolation: Isolation) -> Self {
        match isolation {
            Isolation::Namespace(Namespace::Privileged) => Self::Namespace,
            Isolation::Namespace(Namespace::User) => Self::UserNamespace,
            Isolation::Processes => Self::Guard,
        }
    }
}

impl Options {
    /// The command line after `smith-replica host`.
    pub(super) fn arguments(&self, role: Role) -> Vec<OsString> {
        let Self { socket, workspace, hidden } = self;
        let mut arguments = vec![
            "--socket".into(),
            socket.into(),
            "--workspace".into(),
            workspace.into(),
            "--role".into(),
            role.name().into(),
        ];
        for dir in hidden {
            arguments.extend(["--hide".into(), dir.into()]);
        }
        arguments
    }
}

/// Why a process of the host ended that should not have.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The runtime couldn't be made.
    #[error("can't prepare the host")]
    Prepare(#[source] io::Error),
    /// The host itself.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// What stands around it.
    #[error(transparent)]
    Guard(#[from] GuardError),
}

/// Runs the host until its connection closes. Makes the runtime that it needs: it must be called
/// from a process that has no other thread.
pub fn run(options: &Options, role: Role) -> Result<(), RunError> {
    let serve = |parent| -> Result<(), RunError> {
        let runtime = single_threaded().map_err(RunError::Prepare)?;
        Ok(runtime.block_on(serve::serve(options, parent))?)
    };
    match role {
        Role::Direct => serve(Parent::Any),
        Role::Guarded => serve(Parent::Guard),
        Role::Namespace => Ok(guard::namespace(options, Namespace::Privileged)?),
        Role::UserNamespace => Ok(guard::namespace(options, Namespace::User)?),
        Role::Guard => Ok(guard::guard(options)?),
    }
}

pub(super) fn single_threaded() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

/// Makes a process of the host fit to have untrusted descendants: it leaves the replica's session
/// and terminal, lets nobody of its user look into it, and gets the orphans below it.
pub(super) fn become_private() -> io::Result<()> {
    match rustix::process::setsid() {
        // It leads a session already, as the first process of a container does.
        Ok(_) | Err(Errno::PERM) => {}
        Err(errno) => return Err(errno.into()),
    }
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    // Any pid means "on".
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    Ok(())
}
