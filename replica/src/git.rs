//! Git for a worker: the `git` program, run by the trusted side with a git directory of its own.
//!
//! **Invariant**: no command that the agent, the work tree or the repository configures is ever
//! run. The git directory lies outside the workspace; configuration comes from the environment of
//! each call alone; the `.git` that the agent gets ([`Repo::agent_git`]) is written by hand and
//! never opened again. In the work tree git only ever reads contents, ignore rules and attributes,
//! whose filters and drivers have no commands here. Of a repository that the agent nested in it,
//! git reads at most `HEAD` and refs, to see that it is one.
//!
//! Commits, trees and refs are types ([`Sha`], [`Tree`], [`RefName`]); paths are bytes as on disk.

mod agent;
mod checkout;
mod command;
mod commit;
mod diff;
mod merge;
mod name;
mod remote;
mod snapshot;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub use agent::Error as AgentGitError;
pub use checkout::{Clean, Error as CheckoutError};
pub use command::Error as CommandError;
pub use commit::{Author, LogEntry, Message, Trailer, TrailerKey};
pub use diff::{Change, Diff, DiffStat, Status};
pub use merge::Error as MergeError;
pub use name::{
    BranchName, Error as NameError, Identity, Object, RefName, RemoteUrl, Revision, Sha, Tree,
};
pub use remote::{DeleteOutcome, Error as RemoteError, Expect, PushOutcome};
pub use snapshot::{Error as SnapshotError, Snapshot, Written};

use crate::workspace::{self, Workspace};
use agent::Known;
use command::{Call, Git, Scope};

/// Bounds and choices of a [`Repo`]; the defaults fit repositories of usual size.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The git program.
    pub program: PathBuf,
    /// The longest that a call without a remote may take.
    pub local_timeout: Duration,
    /// The longest that a fetch or push may take.
    pub remote_timeout: Duration,
    /// How long a lock on one of the loop's own refs in the remote must lie before it counts as left behind
    /// by a push that was killed. Only the holder of the loop's lock pushes to them.
    pub stale_ref_lock: Duration,
    /// The largest file that may become part of a commit.
    pub max_file_bytes: u64,
    /// The most that all new and changed files of one snapshot may have together.
    pub max_snapshot_bytes: u64,
    /// The most new and changed files of one snapshot.
    pub max_snapshot_files: usize,
    /// How many changes a snapshot lists; the rest is counted.
    pub max_listed_changes: usize,
    /// How many commits of history the agent's own repository gets.
    pub agent_history: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            program: "git".into(),
            local_timeout: Duration::from_secs(120),
            remote_timeout: Duration::from_secs(600),
            stale_ref_lock: Duration::from_secs(10),
            max_file_bytes: 50 * 1024 * 1024,
            max_snapshot_bytes: 500 * 1024 * 1024,
            max_snapshot_files: 50_000,
            max_listed_changes: 500,
            agent_history: 50,
        }
    }
}

/// Why a repository could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The git directory lies where an agent could write it.
    #[error("the git directory {} must not lie in the workspace {}", git_dir.display(), work_tree.display())]
    Nested {
        /// The git directory.
        git_dir: PathBuf,
        /// The workspace.
        work_tree: PathBuf,
    },
    /// The git directory could not be made or cleaned.
    #[error("cannot prepare the git directory {}", path.display())]
    Prepare {
        /// The git directory.
        path: PathBuf,
        /// What the kernel said.
        #[source]
        source: std::io::Error,
    },
    /// The workspace could not be opened.
    #[error(transparent)]
    Workspace(#[from] workspace::Error),
    /// git itself failed.
    #[error(transparent)]
    Git(#[from] CommandError),
}

/// A trusted bare git directory, a workspace, and the remote both belong to.
///
/// One process owns the git directory at a time. Calls that use the index wait for each other;
/// all others may run side by side.
#[derive(Debug)]
pub struct Repo {
    git: Git,
    workspace: Arc<Workspace>,
    remote: RemoteUrl,
    index: PathBuf,
    /// Held by whoever uses the index or changes the work tree.
    tree_turn: Arc<tokio::sync::Mutex<()>>,
    known: Mutex<Known>,
    settings: Settings,
}

/// The right to use the index and change the work tree, until the last copy is dropped.
type Turn = Arc<tokio::sync::OwnedMutexGuard<()>>;

impl Repo {
    /// Opens the git directory, making it when it isn't there, and clears the locks that a killed
    /// process left in it. The workspace must exist.
    pub async fn open_or_init(
        git_dir: &Path,
        work_tree: &Path,
        remote: RemoteUrl,
        settings: Settings,
    ) -> Result<Self, OpenError> {
        let prepare = |source| OpenError::Prepare { path: git_dir.to_owned(), source };
        let workspace = Workspace::open(work_tree)?;
        std::fs::create_dir_all(git_dir).map_err(prepare)?;
        let git_dir = git_dir.canonicalize().map_err(prepare)?;
        let work_tree = work_tree.canonicalize().map_err(prepare)?;
        if git_dir.starts_with(&work_tree) || work_tree.starts_with(&git_dir) {
            return Err(OpenError::Nested { git_dir, work_tree });
        }
        remove_stale_locks(&git_dir).map_err(prepare)?;
        let git = Git::new(settings.program.clone(), git_dir.clone());
        let repo = Self {
            index: git_dir.join("worktree.index"),
            git,
            workspace: Arc::new(workspace),
            remote,
            tree_turn: Arc::default(),
            known: Mutex::default(),
            settings,
        };
        repo.git.run(repo.call("init").args(["--quiet", "--bare", "--template="])).await?;
        Ok(repo)
    }

    /// The workspace, for reading what an agent made.
    pub fn workspace(&self) -> &Arc<Workspace> {
        &self.workspace
    }

    /// The tree of a commit.
    pub async fn tree_of(&self, commit: &Sha) -> Result<Tree, CommandError> {
        let line = self
            .git
            .line(self.call("rev-parse").args([
                "--verify",
                "--end-of-options",
                &format!("{commit}^{{tree}}"),
            ]))
            .await?;
        line.parse().map_err(|_| CommandError::unexpected("rev-parse", line.as_bytes()))
    }

    /// A call that sees objects and refs alone.
    fn call(&self, operation: &'static str) -> Call<'_> {
        Call::new(operation).timeout(self.settings.local_timeout)
    }

    /// A call that sees the work tree; the caller holds `tree_turn` and has verified the workspace.
    fn tree_call(&self, operation: &'static str) -> Call<'_> {
        self.call(operation)
            .scope(Scope::WorkTree { root: self.workspace.root(), index: &self.index })
    }

    /// What is known without asking git.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the index, and makes it usable after a call that was killed.
    async fn tree_turn(&self) -> Result<Turn, workspace::Error> {
        let turn = Arc::clone(&self.tree_turn).lock_owned().await;
        // With the turn in hand nobody else can hold this lock: it is left from a killed git.
        let _ = std::fs::remove_file(self.git.git_dir().join("worktree.index.lock"));
        self.workspace.verify()?;
        Ok(Arc::new(turn))
    }

    /// Runs blocking work on the workspace. The work holds the turn too, since it goes on when the
    /// caller's future is dropped.
    async fn on_workspace<T: Send + 'static>(
        &self,
        turn: &Turn,
        work: impl FnOnce(&Workspace) -> T + Send + 'static,
    ) -> T {
        let (workspace, turn) = (Arc::clone(&self.workspace), Arc::clone(turn));
        let done = tokio::task::spawn_blocking(move || {
            let done = work(&workspace);
            drop(turn);
            done
        });
        match done.await {
            Ok(done) => done,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
}

/// Removes `*.lock` under `refs/` and at the top. Only the owner of the directory makes them, and
/// it has only just started.
fn remove_stale_locks(git_dir: &Path) -> std::io::Result<()> {
    let mut pending = vec![git_dir.to_owned(), git_dir.join("refs")];
    while let Some(dir) = pending.pop() {
        let entries = match std::fs::read_dir(&dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            let path = entry.path();
            if entry.file_type()?.is_dir() {
                if dir != git_dir {
                    pending.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "lock") {
                std::fs::remove_file(&path)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
