//! Recordings, from a worker's terminal to an operator's: listed, exported and played, and nothing in them acts on who looks.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::{ExitStatus, Stdio};

use rustix::process::Signal;
use rustix::pty::OpenptFlags;
use rustix::termios::{Termios, Winsize, tcgetattr, tcsetwinsize};
use smith_model::id::LoopId;
use smith_model::printable::{Lines, printable};
use smith_model::state::State;
use smith_term::corpus::{HOSTILE, foreign};
use smith_term::engine::Engine;
use smith_term::recording::Recording;
use smith_term::size::Size;
use smith_tests::{Options, World, binaries, in_time, process, world};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

/// What the operator's terminal gets before and behind everything that is played.
const ENTER: &[u8] = b"\x1b[?1049h";
const LEAVE: &[u8] = b"\x1b[?1049l";

/// The agent says whatever may harm, and then hello.
async fn hostile(world: &World) -> LoopId {
    let mut bytes = vec![];
    for (_, hostile) in HOSTILE {
        bytes.extend_from_slice(hostile);
        // Ends a sequence that has no end.
        bytes.extend_from_slice(b"\x18\r\n");
    }
    let corpus = world.file("corpus");
    std::fs::write(&corpus, bytes).unwrap();
    let lines = format!(
        "cat '{}'; printf '\\033c'; echo 'hello from the agent'; echo done >work.txt",
        corpus.display()
    );
    let repository = world.repository("recorded");
    let agent = world.agent("hostile", &lines);
    let request = world::request("recorded", &repository, &agent, &["grep -q done work.txt"]);
    let id = world.create(&request).await;
    world.ends(&id, State::Synced).await;
    id
}

fn smithctl(world: &World, args: &[&str]) -> Command {
    let mut command = Command::new(binaries::program("smithctl"));
    command.args(["--server", world.url(0), "--token-file"]);
    command.arg(world.settings.state().join("admin.token")).arg("recording").args(args);
    command.env("HOME", world.dir()).env_remove("SMITH_CONTEXT").kill_on_drop(true);
    command
}

/// A terminal with a program on it.
struct Tty {
    operator: File,
    program: OwnedFd,
    before: Termios,
    output: mpsc::Receiver<Vec<u8>>,
    seen: Vec<u8>,
    engine: Engine,
}

impl Tty {
    fn open(columns: u16, rows: u16) -> Self {
        let operator = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        rustix::pty::grantpt(&operator).unwrap();
        rustix::pty::unlockpt(&operator).unwrap();
        let name = rustix::pty::ptsname(&operator, vec![]).unwrap();
        let flags =
            rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY | rustix::fs::OFlags::CLOEXEC;
        let program = rustix::fs::open(&*name, flags, rustix::fs::Mode::empty()).unwrap();
        rustix::io::fcntl_setfd(&operator, rustix::io::FdFlags::CLOEXEC).unwrap();
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&program, size).unwrap();
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

    fn spawn(&self, mut command: Command) -> Child {
        let side = || Stdio::from(self.program.try_clone().unwrap());
        command.stdin(side()).stdout(side()).stderr(side()).spawn().unwrap()
    }

    /// Reads until the screen shows all of these.
    async fn shows(&mut self, texts: &[&str]) {
        let shows = async {
            while !texts.iter().all(|text| self.engine.to_text().contains(text)) {
                let bytes = self.output.recv().await.expect("the program goes on");
                self.engine.feed(&bytes);
                self.seen.extend(bytes);
            }
        };
        in_time(format!("{texts:?}"), shows).await;
    }

    fn type_in(&mut self, keys: &[u8]) {
        self.operator.write_all(keys).unwrap();
    }

    /// Waits for the program's end, and checks that the terminal is as it was and got nothing foreign. Answers how it
    /// ended, and what it wrote when it had left the terminal alone.
    async fn ended(mut self, mut child: Child) -> (ExitStatus, String) {
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
        let status = in_time("the player's end", ends).await;
        let played = self.seen.strip_prefix(ENTER).expect("begins with the alternate screen");
        let at = played.windows(LEAVE.len()).rposition(|bytes| bytes == LEAVE).expect("left");
        let after = String::from_utf8(played[at + LEAVE.len()..].to_vec()).unwrap();
        // Of leaving, the rest: modes that were never set are set off.
        let off = played[..at].windows(8).rposition(|bytes| bytes == b"\x1b[?2004l").unwrap();
        assert_eq!(foreign(&played[..off]), [""; 0]);
        (status, after)
    }
}

#[tokio::test]
async fn a_recording_is_listed_exported_and_played_and_does_no_harm() {
    let world = World::start(Options::default()).await;
    let id = hostile(&world).await;
    let id = id.as_str();

    let output = smithctl(&world, &["list", id, "-o", "json"]).output().await.unwrap();
    assert!(output.status.success(), "{output:?}");
    let listed: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1, "{listed}");
    assert_eq!(listed["items"][0]["session"], "agent");

    for format in ["cast", "text"] {
        let output = smithctl(&world, &["export", id, "--format", format]).output().await.unwrap();
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(printable(&text, Lines::Many), text, "as {format}");
        assert!(text.contains("hello from the agent"), "{text}");
        if format == "cast" {
            let cast = Recording::read(text.as_bytes()).unwrap();
            assert_eq!((cast.header.size.columns(), cast.header.size.rows()), (120, 40));
        }
    }

    // Where there is no terminal it says what to do.
    let output = smithctl(&world, &["play", id]).stdin(Stdio::null()).output().await.unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains(&format!("recording export {id}")), "{told}");

    let mut tty = Tty::open(80, 24);
    let child =
        tty.spawn(smithctl(&world, &["play", id, "1", "--speed", "64", "--idle-limit", "0.1"]));
    tty.shows(&["hello from the agent", "ended"]).await;
    // From the beginning again, at once still, and then back to the end.
    tty.type_in(b"  ");
    tty.shows(&["paused"]).await;
    tty.type_in(b"\x1b[C");
    tty.shows(&["hello from the agent", "ended"]).await;
    tty.type_in(b"q");
    let (status, after) = tty.ended(child).await;
    assert_eq!((status.code(), after.as_str()), (Some(0), ""));

    let mut tty = Tty::open(40, 2);
    let child = tty.spawn(smithctl(&world, &["play", id, "--seek", "1:00:00"]));
    tty.shows(&["agent r1a1 #1"]).await;
    process::signal(child.id().unwrap().cast_signed(), Signal::TERM);
    let (status, after) = tty.ended(child).await;
    assert_eq!(status.code(), Some(1));
    assert!(after.contains("error: terminated"), "{after:?}");

    world.finish().await;
}
