//! An operator's terminal with a program on it, whose every byte is looked at.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::{ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::OpenptFlags;
use rustix::termios::{Termios, Winsize, tcgetattr, tcsetwinsize};
use smith_term::corpus::foreign;
use smith_term::engine::Engine;
use smith_term::screen::{Modes, Screen};
use smith_term::size::Size;
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

use crate::{LONG, in_time};

/// What the operator's terminal gets before and behind everything that is played.
const ENTER: &[u8] = b"\x1b[?1049h";
const LEAVE: &[u8] = b"\x1b[?1049l";

/// A terminal with a program on it.
pub struct Tty {
    operator: File,
    program: OwnedFd,
    before: Termios,
    output: mpsc::Receiver<Vec<u8>>,
    seen: Vec<u8>,
    engine: Engine,
}

impl Tty {
    /// Opens one.
    pub fn open(columns: u16, rows: u16) -> Self {
        let operator = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        rustix::pty::grantpt(&operator).unwrap();
        rustix::pty::unlockpt(&operator).unwrap();
        let name = rustix::pty::ptsname(&operator, vec![]).unwrap();
        let flags =
            rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY | rustix::fs::OFlags::CLOEXEC;
        let program = rustix::fs::open(&*name, flags, rustix::fs::Mode::empty()).unwrap();
        rustix::io::fcntl_setfd(&operator, rustix::io::FdFlags::CLOEXEC).unwrap();
        tcsetwinsize(&program, winsize(columns, rows)).unwrap();
        let operator = File::from(operator);
        let mut reads = operator.try_clone().unwrap();
        let (tx, output) = mpsc::channel(16);
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // Ends with an error when nobody has the program's side any more.
            while let Ok(n @ 1..) = reads.read(&mut buffer) {
                if tx.blocking_send(buffer[..n].to_vec()).is_err() {
                    return;
                }
            }
        });
        let before = tcgetattr(&program).unwrap();
        let engine = Engine::new(Size::nearest(columns, rows));
        Self { operator, program, before, output, seen: vec![], engine }
    }

    /// Starts a program on it.
    pub fn spawn(&self, mut command: Command) -> Child {
        let side = || Stdio::from(self.program.try_clone().unwrap());
        command.stdin(side()).stdout(side()).stderr(side()).spawn().unwrap()
    }

    /// Reads until the screen shows all of these.
    pub async fn shows(&mut self, texts: &[&str]) {
        let shows = |tty: &Self| {
            let text = tty.text();
            texts.iter().all(|sought| text.contains(sought))
        };
        self.until(format_args!("{texts:?} on the screen"), shows).await;
    }

    /// Reads until it is so.
    pub async fn until(&mut self, what: impl std::fmt::Display, is_so: impl Fn(&Self) -> bool) {
        let reads = async {
            while !is_so(self) {
                let Some(bytes) = self.output.recv().await else { return false };
                self.engine.feed(&bytes);
                self.seen.extend(bytes);
            }
            true
        };
        match tokio::time::timeout(LONG, reads).await {
            Ok(true) => {}
            Ok(false) => panic!("the program has ended, and no {what}:\n{}", self.text()),
            Err(_) => panic!("no {what}:\n{}", self.text()),
        }
    }

    /// What the screen says.
    pub fn text(&self) -> String {
        self.engine.to_text()
    }

    /// What the screen shows, with its colours.
    pub fn screen(&self) -> Screen {
        self.engine.screen()
    }

    /// What the program asked of its terminal.
    pub fn modes(&self) -> Modes {
        self.engine.modes()
    }

    /// Did the program write this, ever?
    pub fn got(&self, bytes: &[u8]) -> bool {
        self.seen.windows(bytes.len()).any(|window| window == bytes)
    }

    /// Gives the terminal another size, of which the program on it is told.
    pub fn resize(&mut self, columns: u16, rows: u16, child: &Child) {
        tcsetwinsize(&self.program, winsize(columns, rows)).unwrap();
        self.engine.resize(Size::nearest(columns, rows));
        // The kernel tells only those whose controlling terminal it is.
        signal(child, Signal::WINCH);
    }

    /// Types.
    pub fn type_in(&mut self, keys: &[u8]) {
        self.operator.write_all(keys).unwrap();
    }

    /// Waits for the program's end, and checks that the terminal is as it was and got nothing foreign. Answers how it
    /// ended, and what it wrote when it had left the terminal alone.
    pub async fn ended(self, child: Child) -> (ExitStatus, String) {
        let (status, seen) = self.read_to_end(child).await;
        let played = seen.strip_prefix(ENTER).expect("begins with the alternate screen");
        let at = played.windows(LEAVE.len()).rposition(|bytes| bytes == LEAVE).expect("left");
        let after = String::from_utf8(played[at + LEAVE.len()..].to_vec()).unwrap();
        // Of leaving, the rest: modes that were never set are set off.
        let off = played[..at].windows(8).rposition(|bytes| bytes == b"\x1b[?2004l").unwrap();
        // Putting the cursor aside and back is how the last row is written.
        let drawn = String::from_utf8(played[..off].to_vec()).unwrap();
        let drawn = drawn.strip_prefix("\x1b[2J\x1b[H").unwrap_or(&drawn);
        let drawn = drawn.replace("\x1b7", "").replace("\x1b8", "");
        assert_eq!(foreign(drawn.as_bytes()), [""; 0]);
        (status, after)
    }

    /// Waits for the program's end, and checks that the terminal is as it was: in its modes and in the kernel's. Answers
    /// how it ended, and what stands on the screen that was there before.
    pub async fn given_back(mut self, child: Child) -> (ExitStatus, String) {
        let mut engine = std::mem::replace(&mut self.engine, Engine::new(Size::nearest(80, 24)));
        let fed = self.seen.len();
        let (status, seen) = self.read_to_end(child).await;
        engine.feed(&seen[fed..]);
        let modes = Modes { alternate_scroll: true, ..engine.modes() };
        assert_eq!(modes, Modes::default());
        assert!(engine.cursor().is_some(), "the cursor is hidden");
        let count = |sought: &[u8]| seen.windows(sought.len()).filter(|at| *at == sought).count();
        assert_eq!(count(b"\x1b[>1u"), count(b"\x1b[<1u"), "the keyboard tells keys apart");
        (status, engine.to_text())
    }

    /// Waits for the end of a program that only writes lines; what they are. Nothing in them acts on the terminal.
    pub async fn lines(self, child: Child) -> (ExitStatus, String) {
        let (status, seen) = self.read_to_end(child).await;
        let text = String::from_utf8(seen).unwrap();
        let unfolded = text.replace(['\r', '\n', '\t'], "");
        assert_eq!(foreign(unfolded.as_bytes()), [""; 0]);
        (status, text)
    }

    async fn read_to_end(mut self, mut child: Child) -> (ExitStatus, Vec<u8>) {
        let ends = async {
            // What is not read holds up who writes it.
            let status = loop {
                tokio::select! {
                    status = child.wait() => break status.unwrap(),
                    Some(bytes) = self.output.recv() => self.seen.extend(bytes),
                }
            };
            let after = tcgetattr(&self.program).unwrap();
            let modes =
                |t: &Termios| (t.input_modes, t.output_modes, t.control_modes, t.local_modes);
            assert_eq!(modes(&after), modes(&self.before));
            drop(self.program);
            while let Some(bytes) = self.output.recv().await {
                self.seen.extend(bytes);
            }
            status
        };
        let status = in_time("the end of a program on a terminal", ends).await;
        (status, self.seen)
    }
}

fn winsize(columns: u16, rows: u16) -> Winsize {
    Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }
}

/// Sends a signal to a program that wasn't waited for.
pub fn signal(child: &Child, signal: Signal) {
    let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
    kill_process(pid.expect("it runs"), signal).unwrap();
}
