//! What every step of an attempt has at hand, and how a step ends the attempt.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use smith_model::attempt::ArtifactRef;
use smith_model::failure::FailureClass;
use smith_model::id::{AttemptNo, CommitId, TreeId};
use smith_model::journal::Draft;
use smith_model::redact::Secrets;
use smith_model::spec::Spec;
use smith_model::state::Failure;
use smith_model::worker::{EvidenceItem, PublishRequest, WorkerPhase};
use uuid::Uuid;

use crate::api::{Api, Error as ApiError};
use crate::capture::Captured;
use crate::clock::WorkClock;
use crate::excerpt::cut;
use crate::git::{Identity, Sha, Tree};
use crate::host::Host;
use crate::orders::{Order, Orders};
use crate::outbox::{self, Outbox};
use crate::session::{Session, Standing};
use crate::terminals::Terminals;

/// Why an attempt ends before its loop is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// It failed.
    Failed(Failure),
    /// A person decided about the loop.
    Stopped(String),
    /// It isn't this worker's any more: nothing may be changed.
    Abandoned(String),
}

impl Stop {
    /// It failed, in this class; the message is cut to what a record holds.
    pub fn failed(class: FailureClass, message: impl AsRef<str>) -> Self {
        let message = cut(message.as_ref(), 900).to_owned();
        Self::Failed(Failure { class, message })
    }

    /// The workspace or its tools could not be prepared: the error, with its causes.
    pub fn environment(error: &(dyn std::error::Error + 'static)) -> Self {
        Self::failed(FailureClass::EnvironmentFailed, chain(error))
    }

    /// The repository said no, in git's words.
    pub fn repository(error: &(dyn std::error::Error + 'static)) -> Self {
        Self::failed(FailureClass::RepositoryFailed, chain(error))
    }
}

impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Failed(failure) => write!(f, "{}: {}", failure.class, failure.message),
            Self::Stopped(why) => write!(f, "stopped: {why}"),
            Self::Abandoned(why) => write!(f, "abandoned: {why}"),
        }
    }
}

impl From<Order> for Stop {
    fn from(order: Order) -> Self {
        match order {
            Order::Land(why) => Self::failed(FailureClass::Interrupted, why),
            Order::Cancel(why) => Self::Stopped(why),
            Order::Abandon(why) => Self::Abandoned(why),
            Order::Go | Order::Pause(_) => {
                Self::failed(FailureClass::Interrupted, "stopped without an order")
            }
        }
    }
}

impl From<outbox::Error> for Stop {
    fn from(error: outbox::Error) -> Self {
        if let outbox::Error::Refused(refused) = &error
            && let ApiError::Fenced(why) | ApiError::Claimed(why) = &**refused
        {
            return Self::Abandoned(why.clone());
        }
        Self::environment(&error)
    }
}

/// An error with its causes, on one line.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let cause = error.to_string();
        // Transparent errors say the same twice.
        if !text.ends_with(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
        source = error.source();
    }
    text
}

/// Where a worker keeps its things, below its directory.
#[derive(Clone, Debug)]
pub struct Places {
    /// The work tree, where agent and gates run.
    pub workspace: PathBuf,
    /// Git's own directory.
    pub git: PathBuf,
    /// The outbox.
    pub outbox: PathBuf,
    /// Outputs and prompts on their way to the artifact store.
    pub captures: PathBuf,
}

impl Places {
    /// In `dir`.
    pub fn below(dir: &Path) -> Self {
        let at = |name: &str| dir.join(name);
        Self {
            workspace: at("workspace"),
            git: at("git"),
            outbox: at("outbox"),
            captures: at("captures"),
        }
    }
}

/// The least time between two tries of a call whose answer didn't come.
const RETRY: Duration = Duration::from_millis(300);

/// What every step has at hand.
pub struct Worker {
    /// The server.
    pub api: Arc<dyn Api>,
    /// The lease and what the server wants.
    pub session: Session,
    /// What is said to the journal.
    pub outbox: Outbox,
    /// What to do.
    pub orders: Orders,
    /// The time worked.
    pub clock: WorkClock,
    /// What runs agent and gates.
    pub host: Arc<Host>,
    /// Who watches them, and types.
    pub terminals: Terminals,
    /// What must not appear anywhere.
    pub secrets: Secrets,
    /// The environment of agent and gates.
    pub env: Vec<(String, String)>,
    /// What is asked for.
    pub spec: Spec,
    /// The loop's uid.
    pub uid: Uuid,
    /// The attempt.
    pub no: AttemptNo,
    /// Where things are.
    pub places: Places,
}

impl Worker {
    /// Says one thing to the journal.
    pub fn say(&self, draft: Draft) -> Result<(), Stop> {
        self.store(vec![EvidenceItem::Journal(self.fit(draft))])
    }

    /// Stores items together.
    pub fn store(&self, items: Vec<EvidenceItem>) -> Result<(), Stop> {
        self.outbox.push(items)?;
        Ok(())
    }

    /// A draft whose message is short enough, and holds no secret.
    pub fn fit(&self, draft: Draft) -> Draft {
        let message = self.secrets.redact_text(&draft.message);
        Draft { message: cut(&message, 1800).to_owned(), ..draft }
    }

    /// Waits until everything that was said is stored.
    pub async fn flushed(&self) -> Result<(), Stop> {
        tokio::select! { biased;
            order = self.orders.halted() => Err(order.into()),
            flushed = self.outbox.flushed() => Ok(flushed?),
        }
    }

    /// Tells the server what the worker is at.
    pub fn phase(&self, phase: WorkerPhase) {
        self.session.report(|progress| progress.phase = phase);
    }

    /// Waits until the lease is held: nothing that others can see is changed without it.
    pub async fn held(&self) -> Result<(), Stop> {
        let mut standing = self.session.standing();
        tokio::select! { biased;
            order = self.orders.halted() => Err(order.into()),
            held = standing.wait_for(|s| *s == Standing::Held) => match held {
                Ok(_) => Ok(()),
                Err(_) => Err(Stop::Abandoned("the session has ended".to_owned())),
            },
        }
    }

    /// The same for what is also done while landing, when an order to stop was followed already.
    pub async fn still_own(&self) -> Result<(), Stop> {
        let mut standing = self.session.standing();
        tokio::select! { biased;
            why = self.orders.abandoned() => Err(Stop::Abandoned(why)),
            held = standing.wait_for(|s| *s == Standing::Held) => match held {
                Ok(_) => Ok(()),
                Err(_) => Err(Stop::Abandoned("the session has ended".to_owned())),
            },
        }
    }

    /// Makes a call until it is answered, or nothing may be changed any more.
    pub async fn insist<T, F>(&self, mut call: impl FnMut() -> F) -> Result<T, ApiError>
    where
        F: Future<Output = Result<T, ApiError>>,
    {
        loop {
            let answer = tokio::select! { biased;
                why = self.orders.abandoned() => return Err(ApiError::Fenced(why)),
                answer = call() => answer,
            };
            match answer {
                Err(ApiError::LockLost) => self.session.ask_now(),
                Err(error @ ApiError::Unreachable(_)) => {
                    tracing::warn!(%error, "trying again");
                }
                answer => return answer,
            }
            tokio::select! { biased;
                why = self.orders.abandoned() => return Err(ApiError::Fenced(why)),
                () = tokio::time::sleep(RETRY) => {}
            }
        }
    }

    /// A step of publishing.
    pub async fn publish(&self, request: PublishRequest) -> Result<(), ApiError> {
        self.insist(|| self.api.publish(request.clone())).await
    }

    /// Hands an artifact over and removes its file; `None`: it is empty, or it isn't kept.
    pub async fn keep(&self, captured: Captured) -> Result<Option<ArtifactRef>, Stop> {
        let Captured { path, artifact } = captured;
        let stored = match artifact.size {
            0 => Ok(None),
            _ => {
                let put = || self.api.put_artifact(artifact.digest.clone(), path.clone());
                self.insist(put).await.map(|()| Some(artifact.clone()))
            }
        };
        let _ = std::fs::remove_file(&path);
        match stored {
            Err(ApiError::Fenced(why) | ApiError::Claimed(why)) => Err(Stop::Abandoned(why)),
            Err(error) => {
                // The loop's room is used up: its evidence goes on without the bytes.
                tracing::warn!(%error, "an artifact isn't kept");
                Ok(None)
            }
            Ok(kept) => Ok(kept),
        }
    }

    /// The time worked at which the attempt begins to land: its last tenth is for that.
    pub fn landing_at(&self) -> Duration {
        let timeout = self.spec.policy.attempt_timeout;
        timeout.std().saturating_sub(timeout.tenth().std())
    }
}

/// Who makes Smith's commits.
pub fn identity() -> Identity {
    Identity::new("Smith", "smith@localhost").expect("a name and an address that git takes")
}

/// A commit as records name it.
pub fn commit_id(sha: &Sha) -> CommitId {
    sha.as_str().parse().expect("git's ids are full and lower case")
}

/// A tree as records name it.
pub fn tree_id(tree: &Tree) -> TreeId {
    tree.as_str().parse().expect("git's ids are full and lower case")
}

/// A recorded commit as git names it.
pub fn sha(commit: &CommitId) -> Sha {
    commit.as_str().parse().expect("recorded ids are full and lower case")
}
