//! The agent's own `.git`: made fresh before each iteration, thrown away after it.
//!
//! It is written file by file instead of cloned: two or three runs of git, all of them in the
//! trusted directory, and nothing of it (alternates, hard links) leads back there. The choice
//! against `git clone`: four processes more, and a git that runs inside the workspace.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::command::{self, Scope};
use super::{BranchName, Identity, Repo, Sha};
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
        let written =
            Written { head: head.clone(), branch: branch.clone(), identity: identity.clone() };
        self.on_workspace(&turn, move |workspace| write(workspace, &written, &seed, &index)).await
    }

    /// The pack with the history of `head`, kept until another head is asked for.
    async fn seed(&self, head: &Sha) -> Result<Seed, Error> {
        let seeds = self.git.git_dir().join("agent-seeds");
        let dir = seeds.join(head.as_str());
        let copy = |path: &Path, source| Error::Copy { path: path.to_owned(), source };
        if dir.join("complete").is_file() {
            return Seed::load(&dir).map_err(|source| copy(&dir, source));
        }
        for old in std::fs::read_dir(&seeds).into_iter().flatten().flatten() {
            let _ = std::fs::remove_dir_all(old.path());
        }
        std::fs::create_dir_all(&dir).map_err(|source| copy(&dir, source))?;

        let shallow = self.boundary(head).await?;
        let mut revisions = String::new();
        for sha in &shallow {
            writeln!(revisions, "--shallow {sha}").expect("writing to a String doesn't fail");
        }
        writeln!(revisions, "{head}").expect("writing to a String doesn't fail");
        let call = self
            .call("pack-objects")
            .args(["--revs", "--quiet", "--threads=1", "--delta-base-offset"])
            .args([dir.join("pack")])
            // It is made again when it is lost, so nobody has to wait for the disk.
            .config("core.fsync", "none")
            .stdin(revisions);
        self.git.run(call).await?;
        if !shallow.is_empty() {
            let lines: String = shallow.iter().map(|sha| format!("{sha}\n")).collect();
            std::fs::write(dir.join("shallow"), lines).map_err(|source| copy(&dir, source))?;
        }
        std::fs::write(dir.join("complete"), "").map_err(|source| copy(&dir, source))?;
        Seed::load(&dir).map_err(|source| copy(&dir, source))
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

/// Prepared files of a history.
struct Seed {
    packs: Vec<PathBuf>,
    shallow: Option<PathBuf>,
}

impl Seed {
    fn load(dir: &Path) -> std::io::Result<Self> {
        let mut seed = Self { packs: Vec::new(), shallow: None };
        for entry in std::fs::read_dir(dir)? {
            let path = entry?.path();
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("pack" | "idx" | "rev") => seed.packs.push(path),
                _ if path.ends_with("shallow") => seed.shallow = Some(path),
                _ => {}
            }
        }
        Ok(seed)
    }
}

struct Written {
    head: Sha,
    branch: BranchName,
    identity: Identity,
}

fn write(workspace: &Workspace, written: &Written, seed: &Seed, index: &Path) -> Result<(), Error> {
    let Written { head, branch, identity } = written;
    let git = Path::new(".git");
    workspace.remove_all(git)?;
    for dir in ["", "objects", "objects/info", "objects/pack", "refs", "refs/tags", "info"] {
        workspace.create_dir(&git.join(dir))?;
    }
    for file in &seed.packs {
        let name = file.file_name().expect("it was listed in a directory");
        copy(workspace, file, &git.join("objects/pack").join(name))?;
    }
    if let Some(shallow) = &seed.shallow {
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

/// A real copy (or one that the file system shares until it is written), never a hard link: the
/// agent may write into its files.
fn copy(workspace: &Workspace, from: &Path, to: &Path) -> Result<(), Error> {
    let failed = |source| Error::Copy { path: from.to_owned(), source };
    let mut source = File::open(from).map_err(failed)?;
    let mut target = workspace.create_file(to)?;
    std::io::copy(&mut source, &mut target).map_err(failed)?;
    Ok(())
}
