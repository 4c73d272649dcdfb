//! One run of an agent or a gate: its output, its limits, its end, and that nothing of it is left.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use futures::stream::{BoxStream, SelectAll};
use futures::{StreamExt, stream};
use jiff::Timestamp;
use smith_model::attempt::Exit;
use smith_model::journal::{Draft, Level, Phase};
use tokio::io::AsyncRead;
use tokio::time::MissedTickBehavior;
use tokio_util::io::ReaderStream;

use crate::capture::Captured;
use crate::host::{self, Process};
use crate::orders::Order;
use crate::sink::Sink;
use crate::terminals::Tap;
use crate::verdict::{Quiet, Sample, Silence};
use crate::worker::{Stop, Worker};

/// How long a process has between SIGTERM and SIGKILL when its time is up.
const GRACE: Duration = Duration::from_secs(5);
/// The same when a person cancelled.
const CANCEL_GRACE: Duration = Duration::from_secs(1);
/// How long output is read on after everything that could write it was ended.
const DRAIN: Duration = Duration::from_secs(2);
/// How often excerpts go to the journal.
const EXCERPTS: Duration = Duration::from_millis(500);
/// The most files that are looked at for a change.
const MOST_FILES: usize = 50_000;

/// What ended a run before its own end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cut {
    /// An order.
    Order(Order),
    /// Its own time was up.
    TimedOut,
    /// The attempt's time was up.
    AttemptOver,
    /// It was silent for too long; with the evidence.
    Stalled(String),
    /// The host vanished; with what is known of that.
    HostLost(String),
}

/// Which run it is.
#[derive(Clone)]
pub struct Run<'a> {
    /// The iteration, counted from 1.
    pub iteration: u32,
    /// The gate's command line; `None`: the agent.
    pub gate: Option<&'a str>,
    /// The longest that it may take.
    pub timeout: Duration,
    /// Silence after which it counts as stalled, if it can.
    pub stall_after: Option<Duration>,
    /// Where its output is kept meanwhile.
    pub path: PathBuf,
    /// Its side of a terminal that people watch, if it runs in one.
    pub tap: Option<&'a Tap>,
}

/// What a run came to.
#[derive(Debug)]
pub struct Execution {
    /// How it ended.
    pub exit: Exit,
    /// What ended it, if it didn't end by itself.
    pub cut: Option<Cut>,
    /// Milliseconds that it worked.
    pub millis: u64,
    /// Its whole output.
    pub captured: Captured,
    /// The end of its output, as plain text.
    pub tail: String,
}

/// A process's output, from one or several pipes, as it comes.
pub struct Output(SelectAll<BoxStream<'static, std::io::Result<Bytes>>>);

impl Output {
    /// Reads all of these.
    pub fn of(readers: Vec<Box<dyn AsyncRead + Send + Unpin>>) -> Self {
        let streams =
            readers.into_iter().map(|r| ReaderStream::with_capacity(r, 16 * 1024).boxed());
        Self(stream::select_all(streams))
    }

    /// The next bytes; `None` at the end. A pipe that breaks has ended.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            match self.0.next().await {
                Some(Ok(bytes)) => return Some(bytes),
                Some(Err(_)) => {}
                None => return None,
            }
        }
    }
}

/// Follows a started process to its end.
pub async fn follow(
    worker: &Worker,
    run: Run<'_>,
    process: Process,
    mut output: Output,
) -> Result<Execution, Stop> {
    let mut sink = Sink::new(worker, &run)?;
    let began = worker.clock.elapsed();
    let (cut, ended) = watch(worker, &run, &process, &mut output, &mut sink).await?;
    let grace = match &cut {
        None | Some(Cut::HostLost(_)) => Duration::ZERO,
        Some(Cut::Order(Order::Cancel(_) | Order::Abandon(_))) => CANCEL_GRACE,
        Some(Cut::Order(_) | Cut::TimedOut | Cut::AttemptOver | Cut::Stalled(_)) => GRACE,
    };
    let millis = worker.clock.elapsed().saturating_sub(began).as_millis();
    // What it left running is ended too. Its output is read meanwhile: it may wait for that.
    let end = process.end(grace);
    tokio::pin!(end);
    let report = loop {
        tokio::select! { biased;
            report = &mut end => break report,
            Some(chunk) = output.next() => sink.push(&chunk)?,
            else => break end.await,
        }
    };
    let rest = tokio::time::sleep(DRAIN);
    tokio::pin!(rest);
    loop {
        tokio::select! { biased;
            chunk = output.next() => match chunk {
                Some(chunk) => sink.push(&chunk)?,
                None => break,
            },
            () = &mut rest => break,
        }
    }
    let mut exit = ended;
    match report {
        Ok(report) => {
            exit = exit.or(report.exit);
            if report.remaining > 0 {
                let words = format!("{} processes can't be ended", report.remaining);
                worker.say(Draft::info(Phase::Iteration, words).at(Level::Error))?;
            }
        }
        Err(error) => tracing::warn!(%error, "can't end what is left of a run"),
    }
    let exit = match &cut {
        Some(Cut::TimedOut | Cut::AttemptOver) => Exit::TimedOut,
        Some(Cut::Stalled(_)) => Exit::Stalled,
        _ => exit.map_or(Exit::Unknown, Exit::from),
    };
    let (captured, tail) = sink.finish(exit)?;
    let millis = u64::try_from(millis).unwrap_or(u64::MAX);
    Ok(Execution { exit, cut, millis, captured, tail })
}

impl From<host::Exit> for Exit {
    fn from(exit: host::Exit) -> Self {
        match exit {
            host::Exit::Code(code) => Self::Code(code),
            host::Exit::Signal(signal) => Self::Signal(signal),
            host::Exit::Unknown => Self::Unknown,
        }
    }
}

/// Reads output until the process ends or something ends it; its end, if it came.
async fn watch(
    worker: &Worker,
    run: &Run<'_>,
    process: &Process,
    output: &mut Output,
    sink: &mut Sink<'_>,
) -> Result<(Option<Cut>, Option<host::Exit>), Stop> {
    let began = worker.clock.elapsed();
    let mut open = true;
    let mut life = run.stall_after.map(|after| Life::new(worker, after));
    let mut flush = tokio::time::interval(EXCERPTS);
    flush.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut look = tokio::time::interval(life.as_ref().map_or(EXCERPTS, Life::interval));
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let halted = worker.orders.halted();
    let wait = process.wait();
    let timeout = worker.clock.sleep_until(began + run.timeout);
    let landing = worker.clock.sleep_until(worker.landing_at());
    tokio::pin!(halted, wait, timeout, landing);
    loop {
        // All arms can be dropped and asked again. Output comes last: a flood of it must not keep
        // anything from ending the run.
        tokio::select! { biased;
            order = &mut halted => return Ok((Some(Cut::Order(order)), None)),
            exit = &mut wait => return Ok(match exit {
                // The process around it was killed: how it ended is nobody's finding.
                Ok(host::Exit::Unknown) => {
                    let why = "the process around it was killed";
                    (Some(Cut::HostLost(why.to_owned())), None)
                }
                Ok(exit) => (None, Some(exit)),
                Err(error) => (Some(Cut::HostLost(crate::worker::chain(&error))), None),
            }),
            () = &mut timeout => return Ok((Some(Cut::TimedOut), None)),
            () = &mut landing => return Ok((Some(Cut::AttemptOver), None)),
            _ = flush.tick() => sink.flush()?,
            _ = look.tick(), if life.is_some() => {
                if let Some(life) = &mut life
                    && let Some(why) = life.look(worker, process, sink.printed()).await
                {
                    return Ok((Some(Cut::Stalled(why)), None));
                }
            }
            chunk = output.next(), if open => match chunk {
                Some(chunk) => sink.push(&chunk)?,
                None => open = false,
            },
        }
    }
}

/// Signs of life of an agent.
struct Life {
    silence: Silence,
    after: Duration,
    changed: u128,
    /// It was silent for so long that files are looked at.
    suspect: bool,
}

impl Life {
    fn new(worker: &Worker, after: Duration) -> Self {
        let changed = nanos(SystemTime::now());
        let first = Sample { at: worker.clock.elapsed(), changed, ..Sample::default() };
        Self { silence: Silence::new(after, first), after, changed, suspect: false }
    }

    fn interval(&self) -> Duration {
        (self.after / 20).clamp(Duration::from_millis(50), Duration::from_secs(5))
    }

    async fn look(&mut self, worker: &Worker, process: &Process, printed: u64) -> Option<String> {
        // A host that doesn't answer is noticed elsewhere.
        let stat = process.stat().await.ok()?;
        if self.suspect {
            let root = worker.places.workspace.clone();
            let newest = tokio::task::spawn_blocking(move || newest_change(&root)).await;
            self.changed = self.changed.max(newest.unwrap_or(0));
        }
        let sample = Sample {
            at: worker.clock.elapsed(),
            printed,
            cpu_millis: u64::try_from(stat.cpu.as_millis()).unwrap_or(u64::MAX),
            alive: stat.alive,
            stopped: stat.stopped,
            changed: self.changed,
        };
        let found = self.silence.look(sample);
        let suspect = found != Quiet::No;
        if suspect != self.suspect {
            self.suspect = suspect;
            let since = suspect.then(Timestamp::now);
            worker.session.report(|progress| progress.suspect(since));
        }
        match found {
            Quiet::Stalled(why) => Some(why),
            Quiet::No | Quiet::Suspect => None,
        }
    }
}

fn nanos(time: SystemTime) -> u128 {
    time.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos())
}

/// When the newest file or directory below `root` was changed. Links are looked at, not followed.
fn newest_change(root: &Path) -> u128 {
    let mut newest = 0;
    let mut pending = vec![root.to_owned()];
    let mut seen = 0;
    while let Some(dir) = pending.pop() {
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            seen += 1;
            if seen > MOST_FILES {
                return newest;
            }
            let Ok(meta) = entry.path().symlink_metadata() else { continue };
            newest = newest.max(meta.modified().map_or(0, nanos));
            if meta.is_dir() {
                pending.push(entry.path());
            }
        }
    }
    newest
}
