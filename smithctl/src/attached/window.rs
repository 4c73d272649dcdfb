//! The operator's own terminal while it is used for another one: raw, on its alternate screen, and as it was afterwards,
//! however this ends.

use std::io::{self, Write as _};
use std::sync::Arc;

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use tokio::sync::mpsc;

/// Alternate screen, and nothing that was set on it when it is left: pastes, mouse, cursor keys, keypad, focus, cursor.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[2J\x1b[H";
const LEAVE: &[u8] =
    b"\x1b[?2004l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1004l\x1b[?1005l\x1b[?1006l\x1b[?1l\x1b>\x1b[0 q\x1b[?25h\x1b[0m\x1b[?1049l";
/// Reads of the keyboard that wait for the loop.
const READS: usize = 16;

/// The terminal in use. Dropped, it is as it was.
#[derive(Debug)]
pub(crate) struct Window {
    before: Arc<Termios>,
}

impl Window {
    /// Takes the terminal.
    pub(crate) fn open() -> io::Result<Self> {
        let stdin = rustix::stdio::stdin();
        let before = Arc::new(tcgetattr(stdin)?);
        let mut raw = (*before).clone();
        raw.make_raw();
        tcsetattr(stdin, OptionalActions::Flush, &raw)?;
        let window = Self { before };
        window.restore_at_panic();
        window.write(ENTER)?;
        Ok(window)
    }

    /// A panic's message is to be read on a terminal that works.
    fn restore_at_panic(&self) {
        let before = Arc::clone(&self.before);
        let next = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            restore(&before);
            next(info);
        }));
    }

    /// Columns and rows.
    pub(crate) fn size(&self) -> (u16, u16) {
        let size = tcgetwinsize(rustix::stdio::stdout());
        size.map_or((80, 24), |size| (size.ws_col.max(2), size.ws_row.max(2)))
    }

    /// Writes, and sees that it is there.
    pub(crate) fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(bytes)?;
        out.flush()
    }

    /// What is typed. A thread reads it: nothing else ends a read of a terminal, so it ends with the process.
    pub(crate) fn keyboard(&self) -> io::Result<mpsc::Receiver<Vec<u8>>> {
        let (tx, keys) = mpsc::channel(READS);
        std::thread::Builder::new().name("keyboard".to_owned()).spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(n @ 1..) = rustix::io::read(rustix::stdio::stdin(), &mut buffer) {
                if tx.blocking_send(buffer[..n].to_vec()).is_err() {
                    return;
                }
            }
        })?;
        Ok(keys)
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        restore(&self.before);
    }
}

fn restore(before: &Termios) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(LEAVE).and_then(|()| out.flush());
    let _ = tcsetattr(rustix::stdio::stdin(), OptionalActions::Drain, before);
}
