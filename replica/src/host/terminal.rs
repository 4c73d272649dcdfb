//! The replica's end of a process's terminal.

use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustix::io::Errno;
use rustix::termios::{LocalModes, Winsize};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};

use super::readiness::register;
use super::wire::Size;

/// A PTY's master, in its two directions.
#[derive(Debug)]
pub struct Terminal {
    /// What the process prints. End of file when nothing holds the terminal any more, which can be
    /// later than the end of the process that was started.
    pub output: TerminalReader,
    /// What it is typed, and its size.
    pub input: TerminalWriter,
}

impl Terminal {
    pub(super) fn new(master: OwnedFd) -> io::Result<Self> {
        let flags = rustix::fs::fcntl_getfl(&master)?;
        rustix::fs::fcntl_setfl(&master, flags | rustix::fs::OFlags::NONBLOCK)?;
        let master = Arc::new(register(master, Interest::READABLE | Interest::WRITABLE)?);
        Ok(Self {
            output: TerminalReader { master: Arc::clone(&master) },
            input: TerminalWriter { master },
        })
    }
}

/// Reads a terminal.
#[derive(Debug)]
pub struct TerminalReader {
    master: Arc<AsyncFd<OwnedFd>>,
}

impl AsyncRead for TerminalReader {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            let mut ready = ready!(self.master.poll_read_ready(cx))?;
            let unfilled = buf.initialize_unfilled();
            let read = ready.try_io(|master| match rustix::io::read(master.get_ref(), unfilled) {
                // What Linux says when the last holder of the other side is gone.
                Err(Errno::IO) => Ok(0),
                result => Ok(result?),
            });
            match read {
                Ok(Ok(read)) => {
                    buf.advance(read);
                    return Poll::Ready(Ok(()));
                }
                Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(Err(error)) => return Poll::Ready(Err(error)),
                // Not ready after all; ask again, which registers the waker.
                Err(_would_block) => {}
            }
        }
    }
}

/// What becomes of what is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Echo {
    /// The terminal shows it.
    Shown,
    /// It is read in lines and not shown, as at a prompt for a password.
    Hidden,
    /// The program reads key by key, and shows what it wants: line editing, a full-screen program.
    Raw,
}

/// Types into a terminal and sets its size. Dropping it types nothing.
#[derive(Clone, Debug)]
pub struct TerminalWriter {
    master: Arc<AsyncFd<OwnedFd>>,
}

impl TerminalWriter {
    /// Sets the size; the process in the foreground gets SIGWINCH.
    pub fn resize(&self, size: Size) -> io::Result<()> {
        let Size { rows, cols } = size;
        let size = Winsize { ws_row: rows, ws_col: cols, ws_xpixel: 0, ws_ypixel: 0 };
        Ok(rustix::termios::tcsetwinsize(self.master.get_ref(), size)?)
    }

    /// What becomes of what is typed now.
    pub fn echo(&self) -> io::Result<Echo> {
        let modes = rustix::termios::tcgetattr(self.master.get_ref())?.local_modes;
        Ok(if modes.contains(LocalModes::ECHO) {
            Echo::Shown
        } else if modes.contains(LocalModes::ICANON) {
            Echo::Hidden
        } else {
            Echo::Raw
        })
    }
}

impl AsyncWrite for TerminalWriter {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            let mut ready = ready!(self.master.poll_write_ready(cx))?;
            match ready.try_io(|master| Ok(rustix::io::write(master.get_ref(), buf)?)) {
                Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(result) => return Poll::Ready(result),
                Err(_would_block) => {}
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// A terminal has no end of input of its own; type the end-of-file character instead.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
