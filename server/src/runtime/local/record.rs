//! What a worker's directory holds, and how its files are read.
//!
//! | file | written by | holds |
//! |---|---|---|
//! | `labels.json` | runtime, before the start | [`super::WorkerLabels`] |
//! | `alive` | runtime | nothing: its lock is what counts, see below |
//! | `pid.json` | **replica, first thing** | [`PidRecord`]: `{"pid":412,"start_time":99120,"boot_id":"…"}` |
//! | `exit.json` | **replica, last thing** of an orderly end; else the runtime, where it was the parent | [`ExitRecord`]: `{"exit":{"code":0}}`, `{"exit":{"signal":9}}` or `{"exit":"not-started"}` |
//! | `terminal.sock` | replica | the socket of its terminal server |
//! | `replica.log` | the replica's standard error | text; the runtime keeps its room under [`MOST_LOG`] |
//!
//! Whatever else is there belongs to the replica. It writes its two files beside the final name and
//! renames them, so that no reader sees half of one.
//!
//! **The lock.** The replica's standard output is `alive`, opened by the runtime and locked exclusively
//! with `flock(2)`. Such a lock belongs to the open file: the kernel gives it up when the last descriptor
//! of it is closed. A replica therefore moves its standard output to a descriptor that its children don't
//! inherit (and puts `/dev/null` in its place) before it starts any of them, prints nothing there, and
//! never closes it. Standard input holds one JSON `Launch` and ends.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::{FallocateFlags, OFlags, fallocate};
use rustix::io::Errno;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use smith_model::attempt::Exit;
use smith_model::printable::{Lines, printable};

pub(super) const LABELS: &str = "labels.json";
pub(super) const ALIVE: &str = "alive";
pub(super) const PID: &str = "pid.json";
pub(super) const EXIT: &str = "exit.json";
pub(super) const LOG: &str = "replica.log";
pub(super) const TERMINAL: &str = "terminal.sock";

/// A log that takes more room than this is cut to its last [`KEPT_LOG`] bytes.
pub const MOST_LOG: u64 = 1024 * 1024;
/// What is kept of a log that was cut.
pub const KEPT_LOG: u64 = 64 * 1024;
/// The lines of a log that are told with an end.
pub const TAIL_LINES: usize = 20;
/// The most characters of one of them.
pub const TAIL_CHARS: usize = 400;

/// A JSON file of a worker is never longer.
const MOST_JSON: u64 = 64 * 1024;

/// Which process a worker is; a process id alone may come back for another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PidRecord {
    /// The process id.
    pub pid: i32,
    /// Field 22 of `/proc/{pid}/stat`: clock ticks from boot to its start.
    pub start_time: u64,
    /// `/proc/sys/kernel/random/boot_id`, without the line end.
    pub boot_id: String,
}

/// How a worker's process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExitRecord {
    /// How.
    pub exit: Exit,
}

/// Opens a regular file for reading without following a link in its last part.
fn open(path: &Path) -> io::Result<File> {
    // NONBLOCK: a FIFO in its place must not hold the reader.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = OpenOptions::new().read(true).custom_flags(flags.bits() as i32).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it isn't a regular file"));
    }
    Ok(file)
}

/// The file's value; `None`: there is no file, or none of this shape.
pub(super) fn read_json<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    let file = match open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(MOST_JSON).read_to_end(&mut bytes)?;
    Ok(serde_json::from_slice(&bytes).ok())
}

/// Writes beside the final name and renames, so that nobody reads half of it.
pub(super) fn write_json<T: Serialize>(path: &Path, value: &T) -> io::Result<()> {
    let bytes = serde_json::to_vec(value).map_err(io::Error::other)?;
    let beside = path.with_extension("json.new");
    // What an earlier try left is removed rather than opened: it could be a link.
    match std::fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
    file.write_all(&bytes)?;
    std::fs::rename(&beside, path)
}

/// The log's last bytes, without the part of a line that a cut leaves at the beginning.
fn last_bytes(file: &mut File, most: u64) -> io::Result<Vec<u8>> {
    let length = file.metadata()?.len();
    let from = length.saturating_sub(most);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes)?;
    if from > 0
        && let Some(end) = bytes.iter().position(|b| *b == b'\n')
        && end + 1 < bytes.len()
    {
        bytes.drain(..=end);
    }
    Ok(bytes)
}

/// The last lines of a log, made safe to show; empty where it can't be read.
pub(super) fn tail(path: &Path) -> Vec<String> {
    let read = || last_bytes(&mut open(path)?, KEPT_LOG);
    let Ok(bytes) = read() else { return Vec::new() };
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<_> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let newest = &lines[lines.len().saturating_sub(TAIL_LINES)..];
    let short =
        |line: &&str| -> String { printable(line, Lines::One).chars().take(TAIL_CHARS).collect() };
    newest.iter().map(short).collect()
}

/// Gives back the room of a log that has grown too long, but for its end.
///
/// A hole is made rather than a copy: the worker goes on writing meanwhile, and no line of its end may
/// get lost. The file looks as long as before; its beginning reads as zeros and takes no room.
pub(super) fn trim(path: &Path) -> io::Result<()> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits() as i32;
    let file = OpenOptions::new().append(true).custom_flags(flags).open(path)?;
    let meta = file.metadata()?;
    if !meta.is_file() || meta.blocks() * 512 <= MOST_LOG {
        return Ok(());
    }
    let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    match fallocate(&file, hole, 0, meta.len().saturating_sub(KEPT_LOG)) {
        // A file system without holes: a log without an end would be worse than one that begins anew.
        Err(Errno::OPNOTSUPP) => file.set_len(0),
        result => Ok(result?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_the_last_lines_short_and_printable() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(LOG);
        let lines: Vec<_> =
            (0..100).map(|n| format!("line {n}\x1b[2J {}", "ä".repeat(900))).collect();
        std::fs::write(&path, lines.join("\n")).unwrap();
        let tail = tail(&path);
        assert_eq!(tail.len(), TAIL_LINES);
        assert!(tail[19].starts_with("line 99\\x1b[2J ä"), "{}", tail[19]);
        assert!(tail.iter().all(|line| line.chars().count() == TAIL_CHARS));
    }

    #[test]
    fn a_log_is_cut_to_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(LOG);
        let mut appender = OpenOptions::new().append(true).create(true).open(&path).unwrap();
        for n in 0..40_000 {
            writeln!(appender, "a line of a log, number {n:06}").unwrap();
        }
        trim(&path).unwrap();
        writeln!(appender, "the next line").unwrap();
        assert!(appender.metadata().unwrap().blocks() * 512 < 2 * KEPT_LOG);
        let tail = tail(&path);
        assert_eq!(tail[18..], ["a line of a log, number 039999", "the next line"]);
    }

    #[test]
    fn links_and_devices_are_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let secret = dir.path().join("secret");
        std::fs::write(&secret, r#"{"exit":{"code":0}}"#).unwrap();
        let link = dir.path().join(EXIT);
        std::os::unix::fs::symlink(&secret, &link).unwrap();
        assert!(read_json::<ExitRecord>(&link).is_err());
        assert_eq!(read_json::<ExitRecord>(&secret).unwrap().unwrap().exit, Exit::Code(0));
        assert!(read_json::<ExitRecord>(Path::new("/dev/null")).is_err());
        assert!(read_json::<ExitRecord>(&dir.path().join("none")).unwrap().is_none());
    }
}
