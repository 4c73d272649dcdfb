//! The host's process: takes requests from the replica, and ends everything when it is gone.
//!
//! Single-threaded, and no request is waited for in the loop that takes them: what lasts runs as a
//! task, so that a start that hangs can't keep another from being ended.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use tokio::net::UnixStream;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

use super::channel::{self, ChannelError, Receiver, Sender};
use super::cover;
use super::run::{Options, become_private};
use super::starts::{Outgoing, Starts};
use super::tree::{self, Pauses, Strike};
use super::wire::{Report, Request, VERSION};

/// How long a host waits for the replica's socket to be there: in a pod both start at once.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
const CONNECT_PAUSE: Duration = Duration::from_millis(50);
/// The grace when a signal ends the host.
const SIGNAL_GRACE: Duration = Duration::from_secs(1);
/// How long processes are killed again before the keepers go too.
const KILL_BOUND: Duration = Duration::from_secs(2);
const END_BOUND: Duration = Duration::from_secs(10);
/// How long last reports may take to be written.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// Reports on their way to the replica, which reads them at once; a start makes three.
const OUTGOING: usize = 64;

/// Why a host ended that had a connection, or didn't get one.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The process couldn't be prepared.
    #[error("can't prepare the host")]
    Prepare(#[source] io::Error),
    /// The replica's socket wasn't there in time.
    #[error("can't connect to the replica at '{socket}'")]
    Connect {
        /// The socket.
        socket: String,
        /// The last try's error.
        source: io::Error,
    },
    /// The replica broke the protocol.
    #[error("the connection to the replica failed")]
    Connection(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Processes couldn't be found, signalled or reaped.
    #[error("can't end what was started")]
    End(#[source] io::Error),
    /// They couldn't be killed.
    #[error("{0} processes are left and can't be killed")]
    Left(u32),
}

/// What a host's parent process means to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parent {
    /// Nothing.
    Any,
    /// Its guard: without one the host ends.
    Guard,
}

/// Why the loop ended.
enum End {
    /// Somebody asked for it, and gives the processes some time.
    Asked(Duration),
    /// The replica is gone, or speaks nonsense.
    HungUp(Option<ChannelError>),
}

pub(super) async fn serve(options: &Options, parent: Parent) -> Result<(), ServeError> {
    become_private().map_err(ServeError::Prepare)?;
    if parent == Parent::Guard {
        rustix::process::set_parent_process_death_signal(Some(Signal::TERM))
            .map_err(|errno| ServeError::Prepare(errno.into()))?;
    }
    let prepared = |kind| signal(kind).map_err(ServeError::Prepare);
    let mut child_signal = prepared(SignalKind::child())?;
    let mut terminate = prepared(SignalKind::terminate())?;
    let mut interrupt = prepared(SignalKind::interrupt())?;
    // Taken and ignored: the connection's end is what counts.
    let _hangup = prepared(SignalKind::hangup())?;

    let (mut receiver, mut sender) = channel::split(connect(options).await?);
    // The socket may lie in what is covered: it isn't needed any more.
    let hidden = cover::cover(&options.hidden, &options.workspace).map_err(ServeError::Prepare)?;
    let hello = Report::Hello { version: VERSION, pid: std::process::id(), hidden };
    sender.send(&hello, &[]).await.map_err(|e| ServeError::Connection(e.into()))?;

    let (outgoing, reports) = mpsc::channel(OUTGOING);
    let writer = tokio::spawn(write(sender, reports));
    let starts = Arc::new(Starts::new(options.workspace.clone(), outgoing));
    let mut tasks = JoinSet::new();
    let end = loop {
        // Requests come last: they can be many, and must not keep the dead from being reaped.
        tokio::select! { biased;
            _ = terminate.recv() => break End::Asked(SIGNAL_GRACE),
            _ = interrupt.recv() => break End::Asked(SIGNAL_GRACE),
            _ = child_signal.recv() => {
                tree::reap_and_wake().map_err(ServeError::End)?;
            }
            Some(_) = tasks.join_next() => {}
            request = receiver.recv::<Request>() => match request {
                Ok(Some((Request::Shutdown { grace_ms }, _))) => {
                    break End::Asked(Duration::from_millis(grace_ms));
                }
                Ok(Some((request, _))) => handle(request, &starts, &mut tasks),
                Ok(None) => break End::HungUp(None),
                Err(error) => break End::HungUp(Some(error)),
            },
        }
    };
    let left = end_all(&end, &starts, &mut receiver).await.map_err(ServeError::End)?;
    last_words(left, starts, tasks, writer).await;
    match end {
        End::HungUp(Some(error)) => Err(ServeError::Connection(error.into())),
        _ if left > 0 => Err(ServeError::Left(left)),
        _ => Ok(()),
    }
}

async fn connect(options: &Options) -> Result<UnixStream, ServeError> {
    let deadline = Instant::now() + CONNECT_TIMEOUT;
    loop {
        match UnixStream::connect(&options.socket).await {
            Ok(stream) => return Ok(stream),
            Err(source) if Instant::now() >= deadline => {
                let socket = options.socket.display().to_string();
                return Err(ServeError::Connect { socket, source });
            }
            Err(_) => tokio::time::sleep(CONNECT_PAUSE).await,
        }
    }
}

/// Sends reports in order; ends when there can be no more or the replica is gone.
async fn write(mut sender: Sender, mut reports: mpsc::Receiver<Outgoing>) {
    while let Some(Outgoing { report, fds }) = reports.recv().await {
        if let Err(error) = sender.send(&report, &fds).await {
            tracing::debug!(%error, "the replica takes no more reports");
            // The other direction is dead as well then, and tells the loop.
            sender.hang_up().now();
            return;
        }
    }
}

fn handle(request: Request, starts: &Arc<Starts>, tasks: &mut JoinSet<()>) {
    let starts = Arc::clone(starts);
    match request {
        Request::Start { id, command, io } => match starts.begin(id) {
            Ok(begun) => _ = tasks.spawn(starts.keep(id, begun, command, io)),
            Err(refusal) => _ = tasks.spawn(starts.send(refusal)),
        },
        Request::Signal { call, id, signal, scope } => {
            tasks.spawn(starts.signal(call, id, signal, scope));
        }
        Request::End { call, id, grace_ms } => {
            tasks.spawn(starts.end(call, id, Duration::from_millis(grace_ms)));
        }
        Request::Stat { call, id } => _ = tasks.spawn(starts.stat(call, id)),
        Request::Suspend { call } => _ = tasks.spawn(starts.suspend(call)),
        Request::Resume { call } => _ = tasks.spawn(starts.resume(call)),
        Request::Shutdown { .. } => {}
    }
}

/// Ends every descendant; how many are left.
async fn end_all(end: &End, starts: &Starts, receiver: &mut Receiver) -> io::Result<u32> {
    if let End::Asked(grace) = end {
        let deadline = Instant::now() + *grace;
        let mut pauses = Pauses::new();
        starts.ask_all()?;
        while !tree::reap_and_wake()? && Instant::now() < deadline {
            tokio::select! {
                () = tokio::time::sleep(pauses.next()) => {}
                // Whatever else is asked for now, only a replica that is gone changes anything.
                request = receiver.recv::<Request>() => match request {
                    Ok(Some(_)) => {}
                    Ok(None) | Err(_) => break,
                }
            }
        }
    }
    // Keepers go by themselves when theirs are gone, and tell how those ended.
    let deadline = Instant::now() + KILL_BOUND;
    let mut strike = Strike::default();
    let mut pauses = Pauses::new();
    while !tree::reap_and_wake()? {
        if Instant::now() >= deadline {
            return tree::end_descendants(END_BOUND).await;
        }
        strike.once(|snapshot| starts.all(snapshot))?;
        tokio::time::sleep(pauses.next()).await;
    }
    Ok(0)
}

/// Lets the reports out that are on their way, and says how it ended.
async fn last_words(
    left: u32,
    starts: Arc<Starts>,
    mut tasks: JoinSet<()>,
    writer: JoinHandle<()>,
) {
    let words = async {
        while tasks.join_next().await.is_some() {}
        Arc::clone(&starts).send(Report::Gone { remaining: left }).await;
        // The last that can send: the writer ends when it has written.
        drop(starts);
        let _ = writer.await;
    };
    // A replica that is gone or doesn't read must not keep the host.
    let _ = tokio::time::timeout(LAST_WORDS, words).await;
}
