//! Recordings of sessions: asciicasts in files, in segments of a bounded size, without secrets.
//!
//! A recording that can't be written ends, and the session goes on: what an agent does must not hang on who looks at it
//! later.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use smith_model::attempt::ArtifactRef;
use smith_model::redact::{Secrets, Stream};
use smith_model::terminal::Session as Name;
use smith_term::recording::{Header, Recorder as Cast};
use smith_term::size::Size;

use crate::capture::{Captured, digest_of};
use crate::host::Echo;

/// The most bytes of one segment.
const SEGMENT: u64 = 4 * 1024 * 1024;
/// The most segments of one process: what comes after is left out, and the last segment says so.
const MOST_SEGMENTS: u32 = 8;
/// The most recordings that wait to be taken.
const MOST_WAITING: usize = 64;

/// A complete segment.
#[derive(Debug)]
pub struct Recording {
    /// Whose.
    pub session: Name,
    /// The agent's iteration; 0: the shell's.
    pub iteration: u32,
    /// Which process of the session, counted from 1.
    pub generation: u64,
    /// Which part, counted from 1.
    pub segment: u32,
    /// When it begins.
    pub started_at: Timestamp,
    /// How long it is.
    pub duration: Duration,
    /// The file.
    pub captured: Captured,
}

/// Where complete segments wait, and what all recorders need.
#[derive(Debug)]
pub(super) struct Reel {
    dir: PathBuf,
    secrets: Secrets,
    next: AtomicU64,
    complete: Mutex<Vec<Recording>>,
}

impl Reel {
    pub(super) fn new(dir: PathBuf, secrets: Secrets) -> Self {
        Self { dir, secrets, next: AtomicU64::new(1), complete: Mutex::default() }
    }

    /// Takes those that are complete.
    pub(super) fn take(&self) -> Vec<Recording> {
        std::mem::take(&mut self.complete.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn put(&self, recording: Recording) {
        let mut complete = self.complete.lock().unwrap_or_else(PoisonError::into_inner);
        if complete.len() < MOST_WAITING {
            complete.push(recording);
        } else {
            let _ = std::fs::remove_file(&recording.captured.path);
        }
    }
}

/// A process being recorded.
#[derive(Debug)]
pub(super) struct Recorder {
    session: Name,
    iteration: u32,
    generation: u64,
    reel: Arc<Reel>,
    output: Stream,
    segments: u32,
    /// `None`: the recording is over, because it is long enough or can't be written.
    segment: Option<Segment>,
}

#[derive(Debug)]
struct Segment {
    cast: Cast,
    file: BufWriter<File>,
    path: PathBuf,
    bytes: u64,
    started_at: Timestamp,
    began: Instant,
    /// Input that isn't shown was marked, and nothing that is shown came since.
    marked: bool,
}

impl Recorder {
    /// Begins with an empty screen.
    pub(super) fn begin(
        reel: &Arc<Reel>,
        session: Name,
        iteration: u32,
        generation: u64,
        size: Size,
    ) -> Self {
        let mut recorder = Self {
            session,
            iteration,
            generation,
            reel: Arc::clone(reel),
            output: reel.secrets.stream(),
            segments: 0,
            segment: None,
        };
        recorder.next(size, &[]);
        recorder
    }

    /// The program's output. `screen` answers what rebuilds the screen as it is behind it, for a new segment.
    pub(super) fn output(&mut self, bytes: &[u8], size: Size, screen: impl FnOnce() -> Vec<u8>) {
        let clean = self.output.push(bytes);
        self.write(|cast, at| cast.output(at, &clean));
        if self.segment.as_ref().is_some_and(|s| s.bytes >= SEGMENT) {
            // What is held back belongs to a value that began here; the next segment's screen has what it shows.
            self.complete();
            let screen = self.reel.secrets.redact(&screen());
            self.next(size, &screen);
        }
    }

    /// What was typed; where it isn't shown, only that there was something.
    pub(super) fn input(&mut self, bytes: &[u8], echo: Echo) {
        let Some(segment) = &mut self.segment else { return };
        let marked = std::mem::replace(&mut segment.marked, echo != Echo::Shown);
        match echo {
            Echo::Shown => {
                let clean = self.reel.secrets.redact(bytes);
                self.write(|cast, at| cast.input(at, &clean));
            }
            Echo::Hidden | Echo::Raw if marked => {}
            Echo::Hidden => self.write(|cast, at| cast.marker(at, "input that isn't shown")),
            Echo::Raw => self.write(|cast, at| cast.marker(at, "keys")),
        }
    }

    /// The terminal has another size.
    pub(super) fn resize(&mut self, size: Size) {
        self.write(|cast, at| cast.resize(at, size));
    }

    /// The program ended.
    pub(super) fn finish(mut self, code: Option<i32>) {
        let held = std::mem::replace(&mut self.output, self.reel.secrets.stream()).finish();
        self.write(|cast, at| cast.output(at, &held));
        if let Some(code) = code {
            self.write(|cast, at| cast.exit(at, code));
        }
        self.complete();
    }

    fn write(&mut self, event: impl FnOnce(&mut Cast, Duration) -> String) {
        let Some(segment) = &mut self.segment else { return };
        let line = event(&mut segment.cast, segment.began.elapsed());
        if let Err(error) = segment.put(&line) {
            let path = segment.path.display();
            tracing::warn!(%error, %path, "a recording ends: it can't be written");
            let _ = std::fs::remove_file(&segment.path);
            self.segment = None;
        }
    }

    /// Begins another segment, with a screen.
    fn next(&mut self, size: Size, screen: &[u8]) {
        if self.segments == MOST_SEGMENTS {
            return;
        }
        self.segments += 1;
        let number = self.reel.next.fetch_add(1, Ordering::Relaxed);
        let path = self.reel.dir.join(format!("recording-{number}"));
        let started_at = Timestamp::now();
        let header = Header {
            size,
            timestamp: Some(started_at),
            title: Some(match self.session {
                Name::Agent => format!("agent of iteration {}", self.iteration),
                Name::Shell => "shell".to_owned(),
            }),
        };
        let file = match File::options().write(true).create_new(true).open(&path) {
            Ok(file) => file,
            Err(error) => {
                tracing::warn!(%error, path = %path.display(), "nothing is recorded: no file");
                return;
            }
        };
        let (cast, line) = Cast::begin(&header);
        self.segment = Some(Segment {
            cast,
            file: BufWriter::new(file),
            path,
            bytes: 0,
            started_at,
            began: Instant::now(),
            marked: false,
        });
        self.write(|_, _| line);
        if !screen.is_empty() {
            self.write(|cast, at| cast.output(at, screen));
        }
    }

    fn complete(&mut self) {
        let last = self.segments == MOST_SEGMENTS;
        self.write(|cast, at| cast.finish(at));
        if last {
            self.write(|cast, at| cast.marker(at, "the recording is as long as one may be"));
        }
        let Some(segment) = self.segment.take() else { return };
        let Segment { file, path, started_at, began, bytes: _, cast: _, marked: _ } = segment;
        let whole = file.into_inner().map_err(|e| e.into_error()).and_then(|_| {
            let (digest, size) = digest_of(&mut File::open(&path)?)?;
            Ok(ArtifactRef { digest, size, omitted: 0 })
        });
        match whole {
            Ok(artifact) => self.reel.put(Recording {
                session: self.session,
                iteration: self.iteration,
                generation: self.generation,
                segment: self.segments,
                started_at,
                duration: began.elapsed(),
                captured: Captured { path, artifact },
            }),
            Err(error) => {
                tracing::warn!(%error, path = %path.display(), "a recording is lost");
                let _ = std::fs::remove_file(&path);
            }
        }
    }
}

impl Segment {
    fn put(&mut self, line: &str) -> std::io::Result<()> {
        self.bytes += line.len() as u64;
        self.file.write_all(line.as_bytes())
    }
}
