//! The workstation on a terminal of its own: what it asks it, and how it leaves it.

#![allow(clippy::unwrap_used, reason = "in a test it is an assertion")]

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::OpenptFlags;
use rustix::termios::{Termios, Winsize, tcgetattr, tcsetwinsize};
use smith_term::engine::Engine;
use smith_term::size::Size;

/// How long anything may take on a busy machine.
const LONG: Duration = Duration::from_secs(30);
/// What is asked last.
const LAST_QUESTION: &[u8] = b"\x1b[c";
/// What is written last.
const LAST: &[u8] = b"\x1b[23;2t";

struct Tty {
    operator: File,
    program: OwnedFd,
    before: Termios,
    output: mpsc::Receiver<Vec<u8>>,
    seen: Vec<u8>,
    engine: Engine,
    home: tempfile::TempDir,
    child: Child,
}

impl Tty {
    /// A workstation on a terminal, for whom nobody serves, with these settings.
    fn start(settings: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let file = |path: &str, text: &str| {
            let path = home.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        file("token", "secret");
        file(".config/smith/workstation.toml", settings);
        let operator = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        rustix::pty::grantpt(&operator).unwrap();
        rustix::pty::unlockpt(&operator).unwrap();
        let name = rustix::pty::ptsname(&operator, vec![]).unwrap();
        let flags =
            rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY | rustix::fs::OFlags::CLOEXEC;
        let program = rustix::fs::open(&*name, flags, rustix::fs::Mode::empty()).unwrap();
        rustix::io::fcntl_setfd(&operator, rustix::io::FdFlags::CLOEXEC).unwrap();
        let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&program, size).unwrap();
        let before = tcgetattr(&program).unwrap();
        let operator = File::from(operator);
        let mut reads = operator.try_clone().unwrap();
        let (tx, output) = mpsc::sync_channel(64);
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(n @ 1..) = reads.read(&mut buffer) {
                if tx.send(buffer[..n].to_vec()).is_err() {
                    return;
                }
            }
        });
        let child = spawn(&program, home.path());
        let engine = Engine::new(Size::nearest(80, 24));
        Self { operator, program, before, output, seen: vec![], engine, home, child }
    }

    /// Reads until it holds.
    fn until(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + LONG;
        while !holds(self) {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left) {
                Ok(bytes) => {
                    self.engine.feed(&bytes);
                    self.seen.extend(bytes);
                }
                Err(_) => panic!("no {what}:\n{}", self.engine.to_text()),
            }
        }
    }

    fn shows(&mut self, text: &str) {
        self.until(text, |tty| tty.engine.to_text().contains(text));
    }

    fn is_asked(&mut self) {
        self.until("questions", |tty| has(&tty.seen, LAST_QUESTION));
    }

    fn types(&mut self, keys: &[u8]) {
        self.operator.write_all(keys).unwrap();
    }

    /// Waits for the end, and checks that the terminal is as it was.
    fn ended(mut self) {
        self.until("leaving", |tty| has(&tty.seen, LAST));
        self.child.wait().unwrap();
        let after = tcgetattr(&self.program).unwrap();
        let modes = |t: &Termios| (t.input_modes, t.output_modes, t.control_modes, t.local_modes);
        assert_eq!(modes(&after), modes(&self.before));
        drop(self.program);
        while let Ok(bytes) = self.output.recv_timeout(LONG) {
            self.seen.extend(bytes);
        }
        let on = |mode: &str| has(&self.seen, format!("\x1b[?{mode}h").as_bytes());
        let is_off = |mode: &str| {
            let last = |to: char| {
                let said = format!("\x1b[?{mode}{to}").into_bytes();
                self.seen.windows(said.len()).rposition(|bytes| bytes == said)
            };
            last('l') > last('h')
        };
        for mode in ["1049", "2004", "1004", "1000"] {
            assert!(on(mode) && is_off(mode), "{mode}");
        }
        assert!(self.seen.ends_with(LAST), "{:?}", String::from_utf8_lossy(&self.seen));
        assert!(self.home.path().exists());
    }
}

fn has(bytes: &[u8], sought: &[u8]) -> bool {
    bytes.windows(sought.len()).any(|window| window == sought)
}

fn spawn(side: &OwnedFd, home: &Path) -> Child {
    let side = || Stdio::from(side.try_clone().unwrap());
    Command::new(env!("CARGO_BIN_EXE_smith"))
        .args(["--server", "http://127.0.0.1:1", "--token-file"])
        .arg(home.join("token"))
        .env_clear()
        .env("HOME", home)
        .env("TERM", "xterm-256color")
        .env("LANG", "C.UTF-8")
        .stdin(side())
        .stdout(side())
        .stderr(side())
        .spawn()
        .unwrap()
}

#[test]
fn the_terminal_is_as_it_was_however_it_ends() {
    for signal in [None, Some(Signal::TERM), Some(Signal::HUP), Some(Signal::INT)] {
        let mut tty = Tty::start("");
        tty.is_asked();
        tty.types(b"\x1b[?1u\x1b[?62c");
        tty.shows("help");
        assert!(has(&tty.seen, b"\x1b]2;Smith http://127.0.0.1:1\x1b\\"), "the window is named");
        assert!(has(&tty.seen, b"\x1b[>1u"), "the keyboard is asked to tell keys apart");
        match signal {
            None => tty.types(b"\x03"),
            Some(signal) => kill_process(Pid::from_child(&tty.child), signal).unwrap(),
        }
        tty.until("the keyboard as it was", |tty| has(&tty.seen, b"\x1b[<1u"));
        tty.ended();
    }
}

#[test]
fn a_light_terminal_gets_the_light_theme_and_what_is_typed_meanwhile_counts() {
    let mut tty = Tty::start("");
    tty.is_asked();
    tty.types(b":con\x1b]11;rgb:ffff/ffff/ffff\x1b\\fig\r\x1b[?62c");
    tty.shows("\"light\"");
    tty.shows("from the terminal's ground");
    assert!(!has(&tty.seen, b"\x1b[>1u"), "it didn't say that it knows how");
    tty.types(b"q\x03");
    tty.ended();
}

#[test]
fn a_terminal_that_answers_late_or_never_is_used_all_the_same() {
    let mut tty = Tty::start("");
    tty.is_asked();
    tty.shows("help");
    assert!(has(&tty.seen, b"\x1b[?1049h"), "it went on without an answer");
    tty.types(b"\x1b]11;rgb:ffff/ffff/ffff\x1b\\");
    tty.types(b":config\r");
    tty.shows("\"light\"");
    assert!(!tty.engine.to_text().contains("means nothing here"));
    tty.types(b"q\x03");
    tty.ended();
}

#[test]
fn mistakes_in_the_settings_are_said_at_the_start() {
    let mut tty =
        Tty::start("mouse = true\nthem = \"dark\"\n[keys.everywhere]\n\"ctrl-x\" = \"quit\"\n");
    tty.is_asked();
    tty.types(b"\x1b[?62c");
    tty.shows("workstation.toml:2:1: there is no setting \"them\"");
    tty.types(b"\x18");
    tty.ended();
}

#[test]
fn the_mouse_is_left_to_the_terminal_where_the_settings_say_so() {
    let mut tty = Tty::start("mouse = false\n");
    tty.is_asked();
    tty.types(b"\x1b[?62c");
    tty.shows("help");
    assert!(!has(&tty.seen, b"\x1b[?1000h"));
    tty.types(b":mouse on\r");
    tty.until("the mouse", |tty| has(&tty.seen, b"\x1b[?1000h"));
    tty.types(b"\x03");
    tty.ended();
}
