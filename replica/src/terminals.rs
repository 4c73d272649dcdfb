//! Terminals of this worker: what runs in them, who watches, who may type.
//!
//! Two sessions: `agent`, whose process is another one in each iteration, and `shell`, which is started when somebody asks
//! for it. `session` holds a session's state, `server` lets viewers in, `viewer` serves one, `lease` and `typed`
//! are pure. What a person did while they had a lease is told to the attempt as an [`Intervention`].
//!
//! Must not know: stories, gates, the API.
//!
//! [`Intervention`]: smith_model::terminal::Intervention

mod command;
mod intervention;
mod lease;
mod recording;
mod server;
mod session;
mod shell;
mod typed;
mod viewer;
mod wire;

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use smith_model::chain::Key;
use smith_model::id::{AttemptNo, LoopId};
use smith_model::redact::Secrets;
use smith_model::terminal::{Session as Name, SessionState};
use smith_term::message::{Next, Status};
use tokio::io::AsyncWriteExt as _;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use intervention::Concluded;
pub use recording::Recording;

use crate::git::Repo;
use crate::host::{Host, Size, TerminalWriter};
use intervention::Episodes;
use recording::{Recorder, Reel};
use server::Door;
use session::Session;

/// The longest that an end of everything is waited for.
const CLOSE: Duration = Duration::from_secs(15);

/// What terminals need.
pub struct Setting {
    /// What runs shells and commands.
    pub host: Arc<Host>,
    /// The directory of the socket.
    pub dir: PathBuf,
    /// Where recordings are kept meanwhile.
    pub captures: PathBuf,
    /// What must not be in a recording or a command's output.
    pub secrets: Secrets,
    /// The environment of shells and commands.
    pub env: Vec<(String, String)>,
    /// What tickets are signed with.
    pub key: Key,
    /// The loop.
    pub loop_id: LoopId,
    /// The attempt.
    pub no: AttemptNo,
}

/// The terminals of a worker; cheap to clone.
#[derive(Clone)]
pub struct Terminals {
    inner: Arc<Inner>,
    stop: CancellationToken,
    /// Cancelled when nobody is attached any more, and nobody will be.
    ended: CancellationToken,
}

struct Inner {
    agent: Arc<Session>,
    shell: Arc<Session>,
    door: Door,
    host: Arc<Host>,
    secrets: Secrets,
    env: Vec<(String, String)>,
    reel: Arc<Reel>,
    /// Held while a shell is started.
    starting: tokio::sync::Mutex<()>,
    /// Shells.
    tasks: Mutex<JoinSet<()>>,
    episodes: Arc<Episodes>,
    repo: watch::Sender<Option<Arc<Repo>>>,
}

impl Terminals {
    /// Makes them, and the task that lets viewers in until they are closed. Without a socket they can't be attached to, and
    /// all else goes on.
    pub fn open(setting: Setting) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let Setting { host, dir, captures, secrets, env, key, loop_id, no } = setting;
        let (episodes, watching) = Episodes::new();
        let episodes = Arc::new(episodes);
        let session = |name| Arc::new(Session::new(name, Arc::clone(&episodes)));
        let (repo, checked_out) = watch::channel(None);
        let inner = Arc::new(Inner {
            agent: session(Name::Agent),
            shell: session(Name::Shell),
            door: Door::new(key, loop_id, no),
            host,
            reel: Arc::new(Reel::new(captures, secrets.clone())),
            secrets,
            env,
            starting: tokio::sync::Mutex::default(),
            tasks: Mutex::default(),
            episodes: Arc::clone(&episodes),
            repo,
        });
        let (stop, ended) = (CancellationToken::new(), CancellationToken::new());
        let terminals =
            Self { inner: Arc::clone(&inner), stop: stop.clone(), ended: ended.clone() };
        let serving = async move {
            let _ended = ended.drop_guard();
            let listener = match server::bind(&dir) {
                Ok(listener) => listener,
                Err(error) => {
                    let dir = dir.display();
                    tracing::warn!(%error, %dir, "terminals can't be attached to: no socket");
                    return;
                }
            };
            let serving = async {
                server::run(inner, listener, stop).await;
                // Those who had a lease to the last have left it by now.
                episodes.settled().await;
            };
            tokio::select! {
                () = serving => {}
                () = intervention::look(watching, &episodes, &checked_out) => {}
            }
        };
        (terminals, serving)
    }

    /// Lets nobody in any more, tells everybody that the worker ends, and waits, within bounds, until they have left.
    pub async fn close(&self) {
        self.stop.cancel();
        if tokio::time::timeout(CLOSE, self.ended.cancelled()).await.is_err() {
            tracing::warn!("viewers that did not leave in {CLOSE:?} are cut off");
        }
    }

    /// The repository is checked out: from here on what changes while a person types can be told.
    pub fn checked_out(&self, repo: Arc<Repo>) {
        self.inner.repo.send_replace(Some(repo));
    }

    /// The size that the next agent's terminal gets.
    pub fn agent_size(&self) -> Size {
        let size = self.inner.agent.size();
        Size { rows: size.rows(), cols: size.columns() }
    }

    /// The agent of an iteration begins: its side of its terminal, and what writes into it whatever is typed.
    pub fn agent(
        &self,
        iteration: u32,
        terminal: TerminalWriter,
    ) -> (Tap, impl Future<Output = Infallible> + use<>) {
        self.inner.tap(Name::Agent, iteration, terminal)
    }

    /// Interventions that are over and weren't taken yet; what is being looked at is waited for, within bounds.
    pub async fn interventions(&self) -> Vec<Concluded> {
        self.inner.episodes.take().await
    }

    /// Recordings that are complete and weren't taken yet.
    pub fn recordings(&self) -> Vec<Recording> {
        self.inner.reel.take()
    }
}

impl Inner {
    fn session(&self, name: Name) -> &Arc<Session> {
        match name {
            Name::Agent => &self.agent,
            Name::Shell => &self.shell,
        }
    }

    fn status(&self) -> Vec<SessionState> {
        Name::ALL.map(|name| self.session(name).status()).into()
    }

    fn tasks(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tap(
        &self,
        name: Name,
        iteration: u32,
        terminal: TerminalWriter,
    ) -> (Tap, impl Future<Output = Infallible> + use<>) {
        let session = Arc::clone(self.session(name));
        let mut writer = terminal.clone();
        let what = match name {
            Name::Agent => format!("the agent of iteration {iteration} begins"),
            Name::Shell => "the shell begins".to_owned(),
        };
        let mut typed = session.begin(what, terminal, |generation, size| {
            Recorder::begin(&self.reel, name, iteration, generation, size)
        });
        let typing = async move {
            while let Some(bytes) = typed.recv().await {
                // A terminal that takes nothing any more has lost its program.
                if writer.write_all(&bytes).await.is_err() {
                    return std::future::pending().await;
                }
            }
            std::future::pending().await
        };
        (Tap { session }, typing)
    }
}

/// A process's side of its session. Dropped, the process counts as ended.
pub struct Tap {
    session: Arc<Session>,
}

impl Tap {
    /// It printed something.
    pub fn output(&self, bytes: &[u8]) {
        self.session.output(bytes);
    }

    /// It ended.
    pub fn ended(&self, status: Option<Status>, next: Next, text: String) {
        let code = match status {
            Some(Status::Code(code)) => Some(code),
            // As a shell tells it.
            Some(Status::Signal(signal)) => Some(128 + signal),
            None => None,
        };
        if let Some(recorder) = self.session.ended(status, next, text) {
            recorder.finish(code);
        }
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        if self.session.runs() {
            self.ended(None, Next::Another, "it was given up".to_owned());
        }
    }
}
