//! What signals ask of the workstation.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// What a signal asks for.
pub(super) enum Asked {
    Stop,
    End,
}

/// The signals that this program acts on.
pub(super) struct Signals {
    pub(super) term: Signal,
    pub(super) hup: Signal,
    int: Signal,
    /// The terminal's or a person's wish that it stops.
    pub(super) stop: Signal,
}

impl Signals {
    /// Listens for them from here on.
    pub(super) fn register() -> io::Result<Self> {
        Ok(Self {
            term: signal(SignalKind::terminate())?,
            hup: signal(SignalKind::hangup())?,
            int: signal(SignalKind::interrupt())?,
            stop: signal(SignalKind::from_raw(rustix::process::Signal::TSTP.as_raw()))?,
        })
    }

    /// Those that came until now were for somebody else, who had the terminal.
    pub(super) fn forget_interrupts(&mut self) -> io::Result<()> {
        self.int = signal(SignalKind::interrupt())?;
        Ok(())
    }

    /// What the next one asks for.
    pub(super) async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.term.recv() => Asked::End,
            _ = self.hup.recv() => Asked::End,
            _ = self.int.recv() => Asked::End,
            _ = self.stop.recv() => Asked::Stop,
        }
    }
}
