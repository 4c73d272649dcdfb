//! The replica's handle of a host: launches or accepts it, starts commands, asks it to end them.

use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::channel::{self, HangUp};
use super::frame::MAX_PAYLOAD;
use super::isolation::{self, Isolation};
use super::listener::{Access, bind, peer};
use super::local::{self, Local, Watched};
use super::loss::{Gone, Loss};
use super::process::{Piped, Process, Ticket};
use super::program::Refused;
use super::supervisor::{Supervisor, write};
use super::terminal::Terminal;
use super::wire::{Command, Exit, Hidden, Io, Report, Request, Size, StartFailure, Stdin, VERSION};

/// How long a launched host may take to connect and say hello.
const HELLO_TIMEOUT: Duration = Duration::from_secs(20);
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// A start reads a few files and makes two processes.
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// Beyond its grace, what a shutdown may take.
const SHUTDOWN_MARGIN: Duration = Duration::from_secs(20);
/// Requests on their way to the host, which takes them without waiting for anything.
const OUTBOUND: usize = 256;

/// Why something of a host failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The socket's path can't be one.
    #[error("the host's socket can't be '{}': {rule}", socket.display())]
    Socket {
        /// The path.
        socket: PathBuf,
        /// What it breaks.
        rule: String,
    },
    /// The replica can't listen.
    #[error("can't listen for a host at '{}'", socket.display())]
    Listen {
        /// The path.
        socket: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The host's program couldn't be started.
    #[error("can't launch the host '{}'", program.display())]
    Launch {
        /// The program.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The launched host ended before it connected; what it said is on standard error.
    #[error("the host ended before it connected: {0}")]
    EndedEarly(String),
    /// Nobody connected.
    #[error("no host connected within {} s", .0.as_secs())]
    NoHost(Duration),
    /// The process that connected isn't one.
    #[error("what connected is not a host: {0}")]
    NotAHost(String),
    /// The host speaks another version.
    #[error(
        "the host speaks version {theirs} of the protocol and the replica {ours}; \
             use both from one build"
    )]
    Version {
        /// The replica's.
        ours: u32,
        /// The host's.
        theirs: u32,
    },
    /// The start was refused.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The host handed over something that is no terminal or pipe.
    #[error("the host handed over unusable descriptors")]
    Descriptors(#[source] io::Error),
    /// The host is gone.
    #[error("the host is lost")]
    Lost(#[source] Arc<Loss>),
}

/// A connected host. Dropped, it ends everything it started.
#[derive(Debug)]
pub struct Host {
    shared: Arc<Shared>,
    isolation: Option<Isolation>,
    hidden: Hidden,
    hang_up: HangUp,
    /// Reads, writes, and verifies the end. Ends with this handle.
    _tasks: JoinSet<()>,
}

impl Host {
    /// Launches a host on this machine and waits until it is connected.
    pub async fn spawn_local(local: &Local) -> Result<Self, Error> {
        let listener = bind(&local.socket, Access::Owner)?;
        let isolation = match local.isolation {
            Some(isolation) => isolation,
            None => isolation::support().await.isolation,
        };
        let mut launched = local::launch(local, isolation)
            .await
            .map_err(|source| Error::Launch { program: local.program.clone(), source })?;
        let stream = tokio::select! { biased;
            stream = listener.accept(HELLO_TIMEOUT) => stream?,
            how = launched.ended() => return Err(Error::EndedEarly(how)),
        };
        let pid = peer(&stream, Access::Owner)?
            .ok_or_else(|| Error::NotAHost("the kernel doesn't know its process".to_owned()))?;
        let watched = Watched::new(launched, pid)
            .map_err(|error| Error::NotAHost(format!("it can't be watched: {error}")))?;
        Self::greet(stream, Some(watched)).await
    }

    /// Waits for a host that something else starts. One at a time: the socket is there only while
    /// this waits, so nothing that a host runs finds it.
    pub async fn accept(socket: &Path, access: Access, wait: Duration) -> Result<Self, Error> {
        let stream = bind(socket, access)?.accept(wait).await?;
        peer(&stream, access)?;
        Self::greet(stream, None).await
    }

    async fn greet(stream: UnixStream, watched: Option<Watched>) -> Result<Self, Error> {
        let (mut receiver, sender) = channel::split(stream);
        let hello = tokio::time::timeout(HELLO_TIMEOUT, receiver.recv::<Report>()).await;
        let hidden = match hello.map_err(|_| Error::NoHost(HELLO_TIMEOUT))? {
            Ok(Some((Report::Hello { version: VERSION, pid, hidden }, _))) => {
                tracing::debug!(pid, "a host is connected");
                hidden
            }
            Ok(Some((Report::Hello { version, .. }, _))) => {
                return Err(Error::Version { ours: VERSION, theirs: version });
            }
            Ok(Some(_)) => return Err(Error::NotAHost("it doesn't say hello".to_owned())),
            Ok(None) => return Err(Error::NotAHost("it hung up".to_owned())),
            Err(error) => return Err(Error::NotAHost(error.to_string())),
        };
        let isolation = watched.as_ref().map(Watched::isolation);
        let hang_up = sender.hang_up();
        let (outbound, requests) = mpsc::channel(OUTBOUND);
        let (lost_tx, lost) = watch::channel(None);
        let shared = Arc::new(Shared {
            outbound,
            state: Mutex::default(),
            next: AtomicU64::new(1),
            lost,
            given_up: CancellationToken::new(),
            why_given_up: Mutex::default(),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(write(sender, requests));
        let supervisor = Supervisor {
            shared: Arc::clone(&shared),
            receiver,
            hang_up: hang_up.again(),
            watched,
            lost: lost_tx,
        };
        tasks.spawn(supervisor.run());
        Ok(Self { shared, isolation, hidden, hang_up, _tasks: tasks })
    }

    /// What stands around it; `None` for a host that something else started.
    pub fn isolation(&self) -> Option<Isolation> {
        self.isolation
    }

    /// What became of the directories that were to be hidden from what it runs.
    pub fn hidden(&self) -> &Hidden {
        &self.hidden
    }

    /// Starts a command in a terminal of its own.
    pub async fn start_in_terminal(
        &self,
        command: Command,
        size: Size,
    ) -> Result<(Process, Terminal), Error> {
        let (process, mut fds) = self.start(command, Io::Pty(size)).await?;
        let master = fds.pop().ok_or_else(missing)?;
        Ok((process, Terminal::new(master).map_err(Error::Descriptors)?))
    }

    /// Starts a command with its output in pipes.
    pub async fn start_in_pipes(
        &self,
        command: Command,
        stdin: Stdin,
    ) -> Result<(Process, Piped), Error> {
        use tokio::net::unix::pipe;
        let (process, fds) = self.start(command, Io::Pipes(stdin)).await?;
        let mut fds = fds.into_iter();
        let mut output = || {
            let fd = fds.next().ok_or_else(missing)?;
            pipe::Receiver::from_owned_fd(fd).map_err(Error::Descriptors)
        };
        let (stdout, stderr) = (output()?, output()?);
        let stdin = fds.next().map(pipe::Sender::from_owned_fd).transpose();
        Ok((process, Piped { stdout, stderr, stdin: stdin.map_err(Error::Descriptors)? }))
    }

    async fn start(&self, command: Command, io: Io) -> Result<(Process, Vec<OwnedFd>), Error> {
        let shared = &self.shared;
        let id = shared.next.fetch_add(1, Ordering::Relaxed);
        let request = Request::Start { id, command, io };
        check_length(&request)?;
        let (answer_tx, answer) = oneshot::channel();
        let (exit_tx, exit) = watch::channel(None);
        let Some(()) = shared.open().map(|mut state| {
            state.starts.insert(id, answer_tx);
            state.exits.insert(id, exit_tx);
        }) else {
            return Err(shared.lost_error().await);
        };
        // From here on a start that nobody waits for is ended.
        let ticket = Ticket::new(id, Arc::clone(shared));
        let Started { pid, fds } = match shared.ask(START_TIMEOUT, request, answer).await? {
            Ok(started) => started,
            Err(refused) => {
                ticket.settle();
                return Err(refused.into());
            }
        };
        if fds.len() != io.fds() {
            return Err(missing());
        }
        Ok((Process { pid, exit, ticket }, fds))
    }

    /// Stops every process of every start (SIGSTOP); how many.
    pub async fn suspend(&self) -> Result<u32, Error> {
        self.signalled(|call| Request::Suspend { call }).await
    }

    /// Lets stopped processes go on (SIGCONT); how many.
    pub async fn resume(&self) -> Result<u32, Error> {
        self.signalled(|call| Request::Resume { call }).await
    }

    async fn signalled(&self, request: impl FnOnce(u64) -> Request) -> Result<u32, Error> {
        match self.shared.call(CALL_TIMEOUT, request).await? {
            Report::Signalled { processes, .. } => Ok(processes),
            _ => Err(self.shared.wrong_answer().await),
        }
    }

    /// Waits until the host is gone, for whatever reason, and what it started with it.
    pub async fn lost(&self) -> Arc<Loss> {
        self.shared.lost().await
    }

    /// Ends everything, politely for `grace`, and the host.
    pub async fn shutdown(&self, grace: Duration) -> Arc<Loss> {
        let grace_ms = u64::try_from(grace.as_millis()).unwrap_or(u64::MAX);
        let _ = self.shared.outbound.send(Request::Shutdown { grace_ms }).await;
        let bound = grace.saturating_add(SHUTDOWN_MARGIN);
        match tokio::time::timeout(bound, self.lost()).await {
            Ok(loss) => loss,
            Err(_) => {
                self.shared.give_up(format!("it did not shut down within {} s", bound.as_secs()));
                self.lost().await
            }
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // The tasks hold the socket too, and are dropped when their runtime gets to it.
        self.hang_up.now();
        // Who waits for a process learns now that nobody reads its reports any more.
        self.shared.close();
    }
}

fn missing() -> Error {
    Error::Descriptors(io::Error::new(io::ErrorKind::InvalidData, "not those of this start"))
}

fn check_length(request: &Request) -> Result<(), Error> {
    let length = serde_json::to_vec(request).map_or(usize::MAX, |json| json.len());
    if length <= MAX_PAYLOAD {
        return Ok(());
    }
    let message = format!("the start is {length} bytes long, the limit is {MAX_PAYLOAD}");
    Err(Refused { kind: StartFailure::Other, message }.into())
}

/// What the handle, its processes and its tasks share.
#[derive(Debug)]
pub(super) struct Shared {
    outbound: mpsc::Sender<Request>,
    state: Mutex<State>,
    /// Numbers starts and calls, from 1.
    next: AtomicU64,
    lost: watch::Receiver<Option<Arc<Loss>>>,
    given_up: CancellationToken,
    why_given_up: Mutex<Option<String>>,
}

type StartAnswer = Result<Started, Refused>;

#[derive(Debug, Default)]
struct State {
    closed: bool,
    starts: HashMap<u64, oneshot::Sender<StartAnswer>>,
    exits: HashMap<u64, watch::Sender<Option<Exit>>>,
    calls: HashMap<u64, oneshot::Sender<Report>>,
}

#[derive(Debug)]
struct Started {
    pid: u32,
    fds: Vec<OwnedFd>,
}

impl Shared {
    /// Asks and waits for the answer.
    pub(super) async fn call(
        &self,
        bound: Duration,
        request: impl FnOnce(u64) -> Request,
    ) -> Result<Report, Error> {
        let call = self.next.fetch_add(1, Ordering::Relaxed);
        let (answer_tx, answer) = oneshot::channel();
        let Some(()) = self.open().map(|mut state| _ = state.calls.insert(call, answer_tx)) else {
            return Err(self.lost_error().await);
        };
        let _forget = Forget { shared: self, call };
        self.ask(bound, request(call), answer).await
    }

    /// A host that doesn't answer in time is given up: nothing could be ended by it.
    async fn ask<T>(
        &self,
        bound: Duration,
        request: Request,
        answer: oneshot::Receiver<T>,
    ) -> Result<T, Error> {
        let asked = async {
            self.outbound.send(request).await.ok()?;
            answer.await.ok()
        };
        match tokio::time::timeout(bound, asked).await {
            Ok(Some(answer)) => Ok(answer),
            Ok(None) => Err(self.lost_error().await),
            Err(_) => {
                self.give_up(format!("it did not answer within {} s", bound.as_secs()));
                Err(self.lost_error().await)
            }
        }
    }

    pub(super) async fn lost(&self) -> Arc<Loss> {
        let mut lost = self.lost.clone();
        match lost.wait_for(Option::is_some).await.ok().and_then(|loss| loss.clone()) {
            Some(loss) => loss,
            // The handle was dropped, and its supervisor with it.
            None => Arc::new(Loss {
                reason: "the connection to the host was closed".to_owned(),
                gone: Gone::Unverified { why: "nobody waited for its end".to_owned() },
            }),
        }
    }

    pub(super) async fn lost_error(&self) -> Error {
        Error::Lost(self.lost().await)
    }

    pub(super) async fn wrong_answer(&self) -> Error {
        self.give_up("it answered something else than was asked".to_owned());
        self.lost_error().await
    }

    /// Waits until the host is given up; why.
    pub(super) async fn given_up(&self) -> String {
        self.given_up.cancelled().await;
        lock(&self.why_given_up).clone().unwrap_or_else(|| "it was given up".to_owned())
    }

    fn give_up(&self, why: String) {
        lock(&self.why_given_up).get_or_insert(why);
        self.given_up.cancel();
    }

    /// Ends a start that nobody holds any more.
    pub(super) fn end_unasked(&self, id: u64) {
        // Call 0 is nobody's, so its answer is dropped.
        let request = Request::End { call: 0, id, grace_ms: 0 };
        match self.outbound.try_send(request) {
            Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => {}
            // It takes no requests, not even hundreds: it can't be trusted to end this one.
            Err(mpsc::error::TrySendError::Full(_)) => {
                self.give_up("it takes no requests".to_owned());
            }
        }
    }

    pub(super) fn forget(&self, id: u64) {
        let mut state = lock(&self.state);
        state.starts.remove(&id);
        state.exits.remove(&id);
    }

    fn open(&self) -> Option<MutexGuard<'_, State>> {
        Some(lock(&self.state)).filter(|state| !state.closed)
    }

    pub(super) fn close(&self) {
        let mut state = lock(&self.state);
        // Dropping the senders wakes who waits.
        *state = State { closed: true, ..State::default() };
    }

    /// Takes a report in. What belongs to nobody (any more) is dropped, descriptors too.
    pub(super) fn take(&self, report: Report, fds: Vec<OwnedFd>) {
        let mut state = lock(&self.state);
        match report {
            Report::Started { id, pid } => {
                if let Some(answer) = state.starts.remove(&id) {
                    let _ = answer.send(Ok(Started { pid, fds }));
                }
            }
            Report::StartFailed { id, kind, message } => {
                if let Some(answer) = state.starts.remove(&id) {
                    let _ = answer.send(Err(Refused { kind, message }));
                }
            }
            Report::Ended { id, exit } => {
                if let Some(exits) = state.exits.remove(&id) {
                    exits.send_replace(Some(exit));
                }
            }
            Report::Signalled { call, .. }
            | Report::Swept { call, .. }
            | Report::Stat { call, .. } => {
                if let Some(answer) = state.calls.remove(&call) {
                    let _ = answer.send(report);
                }
            }
            Report::Hello { .. } | Report::Gone { .. } => {}
        }
    }
}

/// Takes a call out of the table when nobody waits for it any more.
struct Forget<'a> {
    shared: &'a Shared,
    call: u64,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        lock(&self.shared.state).calls.remove(&self.call);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic elsewhere leaves these tables whole: every change is one call.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
