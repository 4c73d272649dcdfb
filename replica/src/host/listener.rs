//! Where a replica waits for its host: a private socket that is there for one connection.

use std::os::unix::fs::{DirBuilderExt, FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Pid;
use tokio::net::{UnixListener, UnixStream};

use super::handle::Error;

/// Who may connect to the replica's socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Processes of the same user, in a directory of its alone.
    Owner,
    /// Processes of the socket's group: a host in another container, under another user.
    Group,
}

/// A socket that is there until its one connection is accepted.
pub(super) struct Listener {
    listener: UnixListener,
    socket: PathBuf,
}

impl Listener {
    pub(super) async fn accept(self, wait: Duration) -> Result<UnixStream, Error> {
        match tokio::time::timeout(wait, self.listener.accept()).await {
            Ok(Ok((stream, _))) => Ok(stream),
            Ok(Err(source)) => Err(Error::Listen { socket: self.socket.clone(), source }),
            Err(_) => Err(Error::NoHost(wait)),
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.socket);
    }
}

pub(super) fn bind(socket: &Path, access: Access) -> Result<Listener, Error> {
    let refused =
        |rule: &str| Error::Socket { socket: socket.to_path_buf(), rule: rule.to_owned() };
    let failed = |source| Error::Listen { socket: socket.to_path_buf(), source };
    // The kernel's bound, with the end of the string.
    if socket.as_os_str().len() > 107 {
        return Err(refused("a socket's path has at most 107 bytes; use a shorter directory"));
    }
    let folder = socket.parent().ok_or_else(|| refused("it is in no directory"))?;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
    if access == Access::Owner {
        let mode = std::fs::metadata(folder).map_err(failed)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(refused("its directory must be its user's alone (chmod 700)"));
        }
    }
    match std::fs::symlink_metadata(socket) {
        // Left by a replica that was killed.
        Ok(meta) if meta.file_type().is_socket() => {
            std::fs::remove_file(socket).map_err(failed)?;
        }
        Ok(_) => return Err(refused("there is something that is no socket")),
        Err(_) => {}
    }
    let listener = UnixListener::bind(socket).map_err(failed)?;
    let listener = Listener { listener, socket: socket.to_path_buf() };
    let mode = match access {
        Access::Owner => 0o600,
        Access::Group => 0o660,
    };
    std::fs::set_permissions(socket, PermissionsExt::from_mode(mode)).map_err(failed)?;
    Ok(listener)
}

/// The peer's process, if this kernel can name it; refused when it is another user's.
pub(super) fn peer(stream: &UnixStream, access: Access) -> Result<Option<Pid>, Error> {
    let credentials = stream
        .peer_cred()
        .map_err(|error| Error::NotAHost(format!("it has no credentials: {error}")))?;
    let own = rustix::process::geteuid().as_raw();
    if access == Access::Owner && credentials.uid() != own {
        return Err(Error::NotAHost(format!("it runs as user {}", credentials.uid())));
    }
    Ok(credentials.pid().and_then(Pid::from_raw))
}
