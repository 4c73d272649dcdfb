//! `--record`: every message with its time, as JSON lines, for bug reports; [`crate::replay`] shows them again.
//!
//! A thread writes them, so that a slow disk holds up nobody; one that can't keep up ends the recording, and that is
//! said. The file is private to its owner, and never an existing one.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use crate::replay::{Begin, Line};
use crate::run::private;

/// Lines that wait to be written.
const LINES: usize = 4096;

/// What writes the recording.
#[derive(Debug)]
pub(super) struct Recorder {
    lines: Option<SyncSender<Vec<u8>>>,
    writer: Option<JoinHandle<io::Result<()>>>,
}

impl Recorder {
    /// Creates the file.
    pub(super) fn create(path: &Path, begin: &Begin) -> io::Result<Self> {
        let file = private::create(path)?;
        let (lines, to_write) = sync_channel(LINES);
        let named = std::thread::Builder::new().name("recorder".to_owned());
        let writer = named.spawn(move || write(file, &to_write))?;
        let recorder = Self { lines: Some(lines), writer: Some(writer) };
        recorder.send(begin).map_err(|()| io::ErrorKind::BrokenPipe)?;
        Ok(recorder)
    }

    /// Notes a message. After an error it records nothing any more; [`Self::end`] says why.
    pub(super) fn note(&self, line: &Line<'_>) -> Result<(), ()> {
        self.send(line)
    }

    fn send(&self, line: &impl serde::Serialize) -> Result<(), ()> {
        let mut bytes = serde_json::to_vec(line).expect("messages serialize");
        bytes.push(b'\n');
        self.lines.as_ref().ok_or(())?.try_send(bytes).map_err(|_| ())
    }

    /// Sees that everything is written.
    pub(super) fn end(mut self) -> io::Result<()> {
        self.lines = None;
        let ended = self.writer.take().map(JoinHandle::join);
        ended.map_or(Ok(()), |ended| ended.unwrap_or_else(|_| Err(io::ErrorKind::Other.into())))
    }
}

fn write(file: File, lines: &Receiver<Vec<u8>>) -> io::Result<()> {
    let mut out = BufWriter::new(file);
    while let Ok(line) = lines.recv() {
        out.write_all(&line)?;
        // What waits is written with it; then it has to be there, should the program die.
        while let Ok(line) = lines.try_recv() {
            out.write_all(&line)?;
        }
        out.flush()?;
    }
    out.flush()
}
