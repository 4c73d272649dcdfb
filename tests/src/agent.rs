//! Scripted agents, and what a test needs to talk to them and to know that none of their processes is left.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{FlockOperation, flock};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::unix::pipe::{OpenOptions, Receiver, Sender};

use crate::in_time;

/// Writes an agent: the lines of a shell script. Answers the command line that runs it.
pub fn script(dir: &Path, name: &str, lines: &str) -> String {
    fs::create_dir_all(dir).unwrap();
    let path = dir.join(name);
    fs::write(&path, format!("#!/bin/sh\nset -eu\n{lines}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path.display().to_string()
}

/// A lock that every process of an agent inherits, whatever it calls itself and wherever it goes.
///
/// The lock belongs to the open file: the kernel gives it up when the last process that has it is gone.
#[derive(Debug)]
pub struct AliveFile {
    path: PathBuf,
}

impl AliveFile {
    /// A new one.
    pub fn create(path: &Path) -> Self {
        File::create(path).unwrap();
        Self { path: path.to_owned() }
    }

    /// The line with which a script takes it (as its descriptor 9).
    pub fn take(&self) -> String {
        format!("exec 9>>'{}'; flock --shared 9", self.path.display())
    }

    /// Does any process hold it?
    pub fn is_held(&self) -> bool {
        let file = File::open(&self.path).unwrap();
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => false,
            Err(error) if error.kind() == ErrorKind::WouldBlock => true,
            Err(error) => panic!("{}: {error}", self.path.display()),
        }
    }

    /// Waits until no process holds it.
    pub async fn released(&self) {
        let mut command = tokio::process::Command::new("flock");
        command.arg("--exclusive").arg(&self.path).arg("true").kill_on_drop(true);
        let what = "the end of every process of the agent";
        assert!(in_time(what, command.status()).await.unwrap().success());
    }
}

/// A named pipe between a test and its agents.
#[derive(Debug)]
pub struct Fifo {
    path: PathBuf,
    receiver: BufReader<Receiver>,
    sender: Sender,
}

impl Fifo {
    /// A new one. Neither side of an agent's blocks at opening: this one holds both.
    pub fn create(path: &Path) -> Self {
        assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
        let receiver = OpenOptions::new().read_write(true).open_receiver(path).unwrap();
        let sender = OpenOptions::new().read_write(true).open_sender(path).unwrap();
        Self { path: path.to_owned(), receiver: BufReader::new(receiver), sender }
    }

    /// Its name, for scripts: `echo began >'…'`, `read word <'…'`.
    pub fn path(&self) -> String {
        self.path.display().to_string()
    }

    /// The next line that an agent wrote.
    pub async fn line(&mut self) -> String {
        let mut line = String::new();
        in_time("a line of the agent", self.receiver.read_line(&mut line)).await.unwrap();
        line.trim_end().to_owned()
    }

    /// Is a line there already?
    pub async fn has_line(&mut self) -> bool {
        use futures::FutureExt as _;
        self.receiver.fill_buf().now_or_never().is_some_and(|bytes| !bytes.unwrap().is_empty())
    }

    /// Lets one agent that waits go on.
    pub async fn say(&mut self, line: &str) {
        self.sender.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }
}
