//! A terminal with a program on it, that is watched as a person would: what does the screen show, and since when?
//!
//! Blocking reads on a thread of their own note when bytes come; the screens are made of them afterwards.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use smith_term::engine::Engine;
use smith_term::screen::{Row, Screen};
use smith_term::size::Size;
use smith_term::style::Color;

/// Reads that wait to be looked at.
const READS: usize = 1024;
/// Nothing on a screen may take longer.
const MOST: Duration = Duration::from_secs(60);

/// The terminal.
pub(super) struct Probe {
    child: Child,
    keyboard: File,
    reads: Receiver<(Instant, Vec<u8>)>,
    engine: Engine,
    pressed: Instant,
    /// Bytes that the program wrote in all.
    pub(super) bytes: u64,
}

impl Probe {
    /// Starts a program on a terminal of this size.
    pub(super) fn start(mut command: Command, columns: u16, rows: u16) -> Result<Self> {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        let name = ptsname(&master, vec![])?;
        let name = PathBuf::from(name.to_str()?);
        let program = File::options().read(true).write(true).open(name)?;
        tcsetwinsize(&program, size)?;
        command.stdin(program.try_clone()?).stdout(program.try_clone()?).stderr(program);
        let pressed = Instant::now();
        let child = command.spawn().with_context(|| format!("can't start {command:?}"))?;
        drop(command);
        let keyboard = File::from(master);
        let mut screen = keyboard.try_clone()?;
        let (tx, reads) = sync_channel(READS);
        std::thread::spawn(move || {
            let mut buffer = vec![0; 64 * 1024];
            while let Ok(n @ 1..) = screen.read(&mut buffer) {
                if tx.send((Instant::now(), buffer[..n].to_vec())).is_err() {
                    return;
                }
            }
        });
        let engine = Engine::new(Size::nearest(columns, rows));
        Ok(Self { child, keyboard, reads, engine, pressed, bytes: 0 })
    }

    /// The program's process.
    pub(super) fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap_or_default()
    }

    /// Presses a key, or several.
    pub(super) fn press(&mut self, keys: &str) -> Result<()> {
        self.pressed = Instant::now();
        self.keyboard.write_all(keys.as_bytes())?;
        Ok(())
    }

    /// Counts from now on, without a key.
    pub(super) fn mark(&mut self) {
        self.pressed = Instant::now();
    }

    /// When the last key was pressed.
    pub(super) fn pressed(&self) -> Instant {
        self.pressed
    }

    /// Waits for a screen like this; how long after the last key (or the start) its bytes came.
    pub(super) fn until(&mut self, mut is: impl FnMut(&Screen) -> bool) -> Result<Duration> {
        let deadline = Instant::now() + MOST;
        if is(&self.engine.screen()) {
            return Ok(Duration::ZERO);
        }
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let (at, bytes) = match self.reads.recv_timeout(left) {
                Ok(read) => read,
                Err(RecvTimeoutError::Timeout) => {
                    bail!("it isn't on the screen:\n{}", self.engine.to_text())
                }
                Err(RecvTimeoutError::Disconnected) => {
                    bail!("the program ended:\n{}", self.engine.to_text())
                }
            };
            self.take(&bytes);
            if is(&self.engine.screen()) {
                return Ok(at.saturating_duration_since(self.pressed));
            }
        }
    }

    /// Reads on for a time.
    pub(super) fn read_for(&mut self, time: Duration) {
        let until = Instant::now() + time;
        while let Ok((_, bytes)) =
            self.reads.recv_timeout(until.saturating_duration_since(Instant::now()))
        {
            self.take(&bytes);
        }
    }

    /// What the screen shows.
    pub(super) fn screen(&self) -> Screen {
        self.engine.screen()
    }

    fn take(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        // What it asks of its terminal is answered, as a terminal does.
        let answers = self.engine.feed(bytes).replies;
        let _ = self.keyboard.write_all(&answers);
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The text of the row of the cursor: the one below the top that has a ground of its own.
pub(super) fn highlighted(screen: &Screen) -> Option<String> {
    let is = |row: &&Row| {
        let has = row
            .cells
            .iter()
            .filter(|cell| cell.style.inverse || cell.style.background != Color::Default);
        has.count() * 2 > row.cells.len()
    };
    screen.rows.iter().skip(2).find(is).map(Row::text)
}
