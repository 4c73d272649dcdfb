//! The agent's own `.git`: made fresh before each iteration, thrown away after it.
//!
//! It is written file by file instead of cloned: at most three runs of git, all of them in the
//! trusted directory, and nothing of it (alternates, hard links) leads back there. Where the head is
//! the last one with a commit more, what was packed is used again, with a small pack beside it. The
//! choice against `git clone`: four processes more, and a git that runs inside the workspace. The
//! choice against copying new objects as they lie: a file and a directory for each, made and removed
//! in every iteration, take longer than packing them.

use std::collections::{BTreeSet, HashSet};
use std::fmt::Write as _;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::command::{self, Scope};
use super::{BranchName, Identity, Object, Repo, Sha, Snapshot, Tree};
use crate::workspace::{self, Workspace};

/// Why the agent's repository could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The workspace can't be written.
    #[error(transparent)]
    Workspace(#[from] workspace::Error),
    /// A prepared file could not be copied into the workspace.
    #[error("cannot copy {} into the workspace", path.display())]
    Copy {
        /// The prepared file.
        path: PathBuf,
        /// What the kernel said.
        #[source]
        source: std::io::Error,
    },
    /// git failed.
    #[error(transparent)]
    Git(#[from] command::Error),
}

/// The most objects of new commits that are packed beside the history; beyond, it is packed anew.
const MOST_MORE: usize = 1000;

/// What is known of the agent's next repository without asking git.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// The history of the newest head.
    seed: Option<Seed>,
    /// The tree that the trusted index holds.
    pub(super) index: Option<Tree>,
}

/// The files that hold a head and its history; all of them in the trusted directory.
#[derive(Clone, Debug)]
struct Seed {
    head: Sha,
    /// The head's tree, where it is known.
    tree: Option<Tree>,
    packs: Vec<PathBuf>,
    shallow: Option<PathBuf>,
    /// What commits have added since they were made, and the packs of that.
    more: BTreeSet<Object>,
    more_packs: Vec<PathBuf>,
}

impl Repo {
    /// Replaces whatever is at `.git` in the workspace by a new repository for the agent: `branch`
    /// at `head` with bounded history, no remotes, no hooks, and an index of `head`'s tree, so that
    /// `git status` shows what the work tree has beyond it.
    pub async fn agent_git(
        &self,
        head: &Sha,
        branch: &BranchName,
        identity: &Identity,
    ) -> Result<(), Error> {
        let turn = self.tree_turn().await?;
        let (seed, index) = tokio::try_join!(self.seed(head), self.agent_index(head))?;
        let written = Written { branch: branch.clone(), identity: identity.clone(), seed, index };
        self.on_workspace(&turn, move |workspace| write(workspace, &written)).await
    }

    /// Takes up a commit that was made of `snapshot` on top of what it was compared with: what it added
    /// is packed beside the history that is packed already. Where that can't be done, the next
    /// [`Self::agent_git`] packs all of it.
    pub async fn extend_history(&self, commit: &Sha, snapshot: &Snapshot) {
        let Some(mut seed) = self.known().seed.take().filter(|seed| seed.head == snapshot.base)
        else {
            return;
        };
        seed.head = commit.clone();
        seed.tree = Some(snapshot.tree.clone());
        let ids = [commit.as_str(), snapshot.tree.as_str()];
        let ids = ids.map(|id| id.parse().expect("the id of a commit or a tree is one"));
        seed.more.extend(ids.into_iter().chain(snapshot.objects.iter().cloned()));
        if seed.more.len() > MOST_MORE {
            return;
        }
        let objects: String = seed.more.iter().map(|id| format!("{id}\n")).collect();
        match self.pack(&self.seeds().join(commit.as_str()), &["--window=0"], objects).await {
            Ok(packs) => seed.more_packs = packs,
            Err(error) => {
                tracing::warn!(%error, "the agent's history is packed anew");
                return;
            }
        }
        self.known().seed = Some(seed);
    }

    /// The history of `head`, kept until another head is asked for.
    async fn seed(&self, head: &Sha) -> Result<Seed, Error> {
        if let Some(seed) = self.known().seed.as_ref().filter(|seed| seed.head == *head) {
            return Ok(seed.clone());
        }
        self.known().seed = None;
        let seeds = self.seeds();
        let copy = |source| Error::Copy { path: seeds.clone(), source };
        match std::fs::remove_dir_all(&seeds) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(copy(error)),
            _ => std::fs::create_dir(&seeds).map_err(copy)?,
        }
        let boundary = self.boundary(head).await?;
        let mut revisions = String::new();
        for sha in &boundary {
            writeln!(revisions, "--shallow {sha}").expect("writing to a String doesn't fail");
        }
        writeln!(revisions, "{head}").expect("writing to a String doesn't fail");
        let packs = self.pack(&seeds.join(head.as_str()), &["--revs"], revisions).await?;
        let shallow = (!boundary.is_empty()).then(|| seeds.join("shallow"));
        if let Some(path) = &shallow {
            let lines: String = boundary.iter().map(|sha| format!("{sha}\n")).collect();
            std::fs::write(path, lines).map_err(copy)?;
        }
        let head = head.clone();
        let seed =
            Seed { head, tree: None, packs, shallow, more: BTreeSet::new(), more_packs: vec![] };
        self.known().seed = Some(seed.clone());
        Ok(seed)
    }

    /// Where packs for the agent are made.
    fn seeds(&self) -> PathBuf {
        self.git.git_dir().join("agent-seeds")
    }

    /// Packs what is asked for into a new directory; its files.
    async fn pack(&self, dir: &Path, how: &[&str], what: String) -> Result<Vec<PathBuf>, Error> {
        let copy = |source| Error::Copy { path: dir.to_owned(), source };
        std::fs::create_dir(dir).map_err(copy)?;
        let call = self
            .call("pack-objects")
            .args(["--quiet", "--threads=1", "--delta-base-offset"])
            .args(how)
            .args([dir.join("pack")])
            // It is made again when it is lost, so nobody has to wait for the disk.
            .config("core.fsync", "none")
            .config("pack.writeReverseIndex", "false")
            .stdin(what);
        self.git.run(call).await?;
        let files = std::fs::read_dir(dir).map_err(copy)?.map(|entry| Ok(entry?.path()));
        files.collect::<std::io::Result<_>>().map_err(copy)
    }

    /// The commits at which the agent's history ends, though they have parents.
    async fn boundary(&self, head: &Sha) -> Result<Vec<String>, command::Error> {
        let stdout = self
            .git
            .run(self.call("rev-list").args([
                "--parents",
                "--topo-order",
                &format!("--max-count={}", self.settings.agent_history.max(1)),
                head.as_str(),
            ]))
            .await?;
        let text = String::from_utf8_lossy(&stdout);
        let kept: HashSet<&str> = text.lines().filter_map(|line| line.split(' ').next()).collect();
        Ok(text
            .lines()
            .filter_map(|line| {
                let mut ids = line.split(' ');
                let commit = ids.next()?;
                (!ids.all(|parent| kept.contains(parent))).then(|| commit.to_owned())
            })
            .collect())
    }

    /// An index of `head`'s tree that keeps what is known about unchanged files, so that the
    /// agent's first `git status` reads none of them.
    async fn agent_index(&self, head: &Sha) -> Result<PathBuf, Error> {
        {
            let known = self.known();
            let seed = known.seed.as_ref().filter(|seed| seed.head == *head);
            if known.index.is_some() && known.index == seed.and_then(|seed| seed.tree.clone()) {
                return Ok(self.index.clone());
            }
        }
        let index = self.git.git_dir().join("agent.index");
        let _ = std::fs::remove_file(self.git.git_dir().join("agent.index.lock"));
        match std::fs::copy(&self.index, &index) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::Copy { path: self.index.clone(), source: error });
            }
            _ => {}
        }
        let call = self
            .call("read-tree")
            .scope(Scope::WorkTree { root: self.workspace.root(), index: &index })
            .args(["--reset", head.as_str()]);
        self.git.run(call).await?;
        Ok(index)
    }
}

struct Written {
    branch: BranchName,
    identity: Identity,
    seed: Seed,
    index: PathBuf,
}

fn write(workspace: &Workspace, written: &Written) -> Result<(), Error> {
    let Written { branch, identity, seed, index } = written;
    let Seed { head, tree: _, packs, shallow, more: _, more_packs } = seed;
    let git = Path::new(".git");
    workspace.remove_all(git)?;
    for dir in ["", "objects", "objects/pack", "refs", "info"] {
        workspace.create_dir(&git.join(dir))?;
    }
    for file in packs.iter().chain(more_packs) {
        let name = file.file_name().expect("it was listed in a directory");
        copy(workspace, file, &git.join("objects/pack").join(name))?;
    }
    if let Some(shallow) = shallow {
        copy(workspace, shallow, &git.join("shallow"))?;
    }
    copy(workspace, index, &git.join("index"))?;

    let branch_ref = PathBuf::from(branch.ref_name().as_str());
    let mut parents: Vec<&Path> =
        branch_ref.ancestors().skip(1).filter(|dir| dir.components().count() > 1).collect();
    parents.reverse();
    for parent in parents {
        workspace.create_dir(&git.join(parent))?;
    }
    put(workspace, &git.join(&branch_ref), &format!("{head}\n"))?;
    put(workspace, &git.join("config"), &config(identity))?;
    // Last, for it is what makes the directory a repository.
    let symbolic = format!("ref: {}\n", branch.ref_name());
    put(workspace, &git.join("HEAD"), &symbolic)
}

fn config(identity: &Identity) -> String {
    let quoted = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"");
    format!(
        "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n\
         \tlogallrefupdates = true\n\
         [user]\n\tname = \"{}\"\n\temail = \"{}\"\n\
         [commit]\n\tgpgsign = false\n",
        quoted(identity.name()),
        quoted(identity.email()),
    )
}

fn put(workspace: &Workspace, path: &Path, content: &str) -> Result<(), Error> {
    workspace
        .create_file(path)?
        .write_all(content.as_bytes())
        .map_err(|source| workspace::Error::Write { path: path.to_owned(), source }.into())
}

/// Up to how many bytes a file is copied through memory. A file system that can share blocks writes a
/// new file to the disk before it does, which takes milliseconds; that pays for a large one alone.
const MOST_READ: u64 = 16 * 1024 * 1024;

/// A real copy (or one that the file system shares until it is written), never a hard link: the
/// agent may write into its files.
fn copy(workspace: &Workspace, from: &Path, to: &Path) -> Result<(), Error> {
    let failed = |source| Error::Copy { path: from.to_owned(), source };
    let mut source = File::open(from).map_err(failed)?;
    let mut target = workspace.create_file(to)?;
    if source.metadata().map_err(failed)?.len() > MOST_READ {
        std::io::copy(&mut source, &mut target).map_err(failed)?;
        return Ok(());
    }
    let mut content = vec![];
    source.read_to_end(&mut content).map_err(failed)?;
    target.write_all(&content).map_err(failed)
}
