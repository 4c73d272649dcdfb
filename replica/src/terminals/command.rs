//! One command line in the workspace, for somebody who asks over the API: bounded in time and in what is answered.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::maybe_done;
use smith_model::attempt::Exit;
use smith_model::redact::{Secrets, Stream};
use smith_model::terminal::{CommandAnswer, MOST_COMMAND_OUTPUT, MOST_COMMAND_SECONDS};
use smith_term::message::Answer;
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::Inner;
use crate::host::{Command, Program, Stdin};
use crate::worker::chain;

/// Between SIGTERM and SIGKILL when its time is up.
const GRACE: Duration = Duration::from_secs(2);
/// How long output is read on after everything that could write it was ended.
const DRAIN: Duration = Duration::from_secs(2);

/// Runs it to its end. Dropped, everything of it is ended.
pub(super) async fn run(inner: &Arc<Inner>, line: String, timeout: Duration) -> Answer {
    let timeout = timeout.min(Duration::from_secs(u64::from(MOST_COMMAND_SECONDS)));
    let command = Command {
        program: Program::Shell(line),
        env: inner.env.iter().cloned().collect(),
        cwd: Default::default(),
    };
    let began = Instant::now();
    let (process, piped) = match inner.host.start_in_pipes(command, Stdin::Null).await {
        Ok(started) => started,
        Err(error) => return Answer::NotStarted { why: chain(&error) },
    };
    let (mut stdout, mut stderr) = (Tail::new(&inner.secrets), Tail::new(&inner.secrets));
    let ended = {
        // Asked again after its end, it says so again.
        let reading = maybe_done(async {
            tokio::join!(stdout.read(piped.stdout), stderr.read(piped.stderr));
        });
        tokio::pin!(reading);
        let running = async {
            tokio::select! { biased;
                exit = process.wait() => exit.map_or(Exit::Unknown, Exit::from),
                () = tokio::time::sleep(timeout) => Exit::TimedOut,
            }
        };
        tokio::pin!(running);
        let ended = tokio::select! { biased;
            ended = &mut running => ended,
            // It closed its output and goes on.
            () = &mut reading => running.await,
        };
        // What it left running is ended too, and may be waiting for its output to be read.
        let grace = if ended == Exit::TimedOut { GRACE } else { Duration::ZERO };
        let end = async {
            if let Err(error) = process.end(grace).await {
                tracing::warn!(error = chain(&error), "can't end what is left of a command");
            }
        };
        let drained = async {
            tokio::pin!(end);
            tokio::select! {
                () = &mut reading => end.await,
                () = &mut end => {
                    let _ = tokio::time::timeout(DRAIN, &mut reading).await;
                }
            }
        };
        drained.await;
        ended
    };
    let (stdout, stdout_omitted) = stdout.finish();
    let (stderr, stderr_omitted) = stderr.finish();
    let millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    Answer::Command(CommandAnswer {
        exit: ended,
        millis,
        stdout,
        stdout_omitted,
        stderr,
        stderr_omitted,
    })
}

/// The end of a stream, without secrets.
struct Tail {
    stream: Option<Stream>,
    bytes: VecDeque<u8>,
    omitted: u64,
}

impl Tail {
    fn new(secrets: &Secrets) -> Self {
        Self { stream: Some(secrets.stream()), bytes: VecDeque::new(), omitted: 0 }
    }

    async fn read(&mut self, mut from: impl AsyncRead + Unpin) {
        let mut buffer = vec![0; 16 * 1024];
        // A pipe that breaks has ended.
        while let Ok(n @ 1..) = from.read(&mut buffer).await {
            let clean = self.stream.as_mut().map(|s| s.push(&buffer[..n])).unwrap_or_default();
            self.keep(&clean);
        }
    }

    fn keep(&mut self, clean: &[u8]) {
        self.bytes.extend(clean);
        let over = self.bytes.len().saturating_sub(MOST_COMMAND_OUTPUT);
        self.bytes.drain(..over);
        self.omitted += over as u64;
    }

    fn finish(mut self) -> (String, u64) {
        let held = self.stream.take().map(Stream::finish).unwrap_or_default();
        self.keep(&held);
        (String::from_utf8_lossy(self.bytes.make_contiguous()).into_owned(), self.omitted)
    }
}
