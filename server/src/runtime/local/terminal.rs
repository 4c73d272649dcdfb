//! Connecting to a worker's terminal server: the unix socket in its directory.

use std::io;
use std::os::fd::AsRawFd as _;
use std::path::Path;

use rustix::fs::{Mode, OFlags, open};
use tokio::net::UnixStream;

use super::record::TERMINAL;
use crate::runtime::{Duplex, NoTerminal};

/// Connects to the worker whose directory this is.
pub(super) async fn connect(dir: &Path, name: String) -> Result<Box<dyn Duplex>, NoTerminal> {
    match socket(dir).await {
        Ok(stream) => Ok(Box::new(stream)),
        Err(source) => Err(match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                NoTerminal::NotYet { name }
            }
            _ => NoTerminal::Connect { name, source },
        }),
    }
}

/// A socket's path may have 107 bytes, and a worker's directory may have more: it is opened, and named by its
/// descriptor. So the socket is also that of the directory that was looked at, whatever has its name meanwhile.
async fn socket(dir: &Path) -> io::Result<UnixStream> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let dir = open(dir, flags, Mode::empty())?;
    UnixStream::connect(format!("/proc/self/fd/{}/{TERMINAL}", dir.as_raw_fd())).await
}
