//! What etcd prints: a file of bounded size, and its last lines for errors.
//!
//! A file and not a pipe through smithd, because an etcd that outlives a killed smithd would die of the
//! broken pipe at its next line.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use smith_model::printable::{Lines, printable};

/// Beyond it the file is moved aside, and the one that was aside is lost.
const MOST_BYTES: u64 = 8 * 1024 * 1024;
/// How many lines an error shows, and how long one may be.
const TAIL_LINES: usize = 12;
const MOST_LINE_CHARS: usize = 400;
/// Where the last lines are looked for.
const TAIL_BYTES: u64 = 32 * 1024;

/// The log file of one etcd.
#[derive(Clone, Debug)]
pub(super) struct Log {
    path: PathBuf,
}

impl Log {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A new file for a new run; that of the run before is kept aside.
    pub(super) fn begin(&self) -> io::Result<File> {
        match fs::rename(&self.path, self.aside()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        // Appending matters: after `keep_bounded` etcd's next line goes to the beginning, not behind a hole.
        OpenOptions::new().append(true).create(true).mode(0o600).open(&self.path)
    }

    /// Moves what there is aside once it is too much. etcd has the file open, so its contents are copied
    /// and cut off; lines written between the two are lost.
    pub(super) fn keep_bounded(&self) -> io::Result<()> {
        if fs::metadata(&self.path)?.len() <= MOST_BYTES {
            return Ok(());
        }
        fs::copy(&self.path, self.aside())?;
        OpenOptions::new().write(true).open(&self.path)?.set_len(0)
    }

    /// The last lines, shortened to what people read. Empty if there are none or they can't be read:
    /// this decorates another error.
    pub(super) fn tail(&self) -> Vec<String> {
        let Ok(text) = self.read_end() else { return Vec::new() };
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        let first = lines.len().saturating_sub(TAIL_LINES);
        lines[first..].iter().map(|line| shorten(line)).collect()
    }

    fn read_end(&self) -> io::Result<String> {
        let mut file = File::open(&self.path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
        let mut bytes = Vec::new();
        file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if length <= TAIL_BYTES {
            return Ok(text);
        }
        // Begins in the middle of a line.
        Ok(text.split_once('\n').map(|(_, rest)| rest.to_owned()).unwrap_or_default())
    }

    fn aside(&self) -> PathBuf {
        let mut path = self.path.as_os_str().to_owned();
        path.push(".1");
        path.into()
    }
}

/// etcd's lines are JSON: level, message and error say what happened. Others (a panic, the loader) stay.
fn shorten(line: &str) -> String {
    let fields: Option<serde_json::Map<String, serde_json::Value>> =
        serde_json::from_str(line).ok();
    let text = match &fields {
        Some(fields) => {
            let text = |name: &str| fields.get(name).and_then(serde_json::Value::as_str);
            let mut text_parts =
                vec![text("level").unwrap_or("?").to_owned(), text("msg").unwrap_or("").to_owned()];
            text_parts.extend(text("error").map(str::to_owned));
            text_parts.join(": ")
        }
        None => line.to_owned(),
    };
    let text: String = text.chars().take(MOST_LINE_CHARS).collect();
    printable(&text, Lines::One).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_shows_what_happened() {
        let directory = tempfile::tempdir().unwrap();
        let log = Log::new(directory.path().join("etcd.log"));
        assert!(log.tail().is_empty());
        let mut text = "x".repeat(40_000) + "\n";
        text.push_str("{\"level\":\"fatal\",\"ts\":1,\"caller\":\"a.go:1\",\"msg\":\"it failed\",\"error\":\"no disk\"}\n\npanic: \u{1b}[31mred\n");
        fs::write(log.path(), text).unwrap();
        assert_eq!(log.tail(), ["fatal: it failed: no disk", r"panic: \x1b[31mred"]);
    }

    #[test]
    fn a_file_that_is_written_to_stays_bounded() {
        use std::io::Write;
        let directory = tempfile::tempdir().unwrap();
        let log = Log::new(directory.path().join("etcd.log"));
        let mut etcd = log.begin().unwrap();
        etcd.write_all(&vec![b'a'; MOST_BYTES as usize]).unwrap();
        log.keep_bounded().unwrap();
        assert_eq!(fs::metadata(log.path()).unwrap().len(), MOST_BYTES, "not yet too much");
        etcd.write_all(b"b\n").unwrap();
        log.keep_bounded().unwrap();
        etcd.write_all(b"after\n").unwrap();
        assert_eq!(fs::read_to_string(log.path()).unwrap(), "after\n");
        assert_eq!(fs::metadata(log.aside()).unwrap().len(), MOST_BYTES + 2);
        log.begin().unwrap();
        assert_eq!(fs::read_to_string(log.aside()).unwrap(), "after\n");
    }
}
