//! Making the work tree exactly a commit's tree, whatever an agent left in it.

use std::collections::{BTreeSet, HashSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::command::{self};
use super::{Repo, Sha};
use crate::workspace::{self, Kind, Workspace};

/// What a checkout does with files that git ignores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clean {
    /// The workspace is emptied first.
    Everything,
    /// Ignored files (caches, installed dependencies) stay, and so do the times of unchanged files.
    KeepIgnored,
}

/// Why a work tree could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The workspace is not usable.
    #[error(transparent)]
    Workspace(#[from] workspace::Error),
    /// git failed.
    #[error(transparent)]
    Git(#[from] command::Error),
}

impl Repo {
    /// Makes the work tree exactly the tree of `commit`; links are never followed.
    pub async fn checkout(&self, commit: &Sha, clean: Clean) -> Result<(), Error> {
        let turn = self.tree_turn().await?;
        self.known().index = None;
        match clean {
            Clean::Everything => {
                self.on_workspace(&turn, Workspace::clear).await?;
                self.forget_index();
                self.read_tree(commit).await?;
                Ok(())
            }
            Clean::KeepIgnored => {
                let (tracked, submodules) = self.tracked(commit).await?;
                let tracked = self
                    .on_workspace(&turn, move |workspace| {
                        make_way(workspace, &tracked, &submodules).map(|()| tracked)
                    })
                    .await?;
                if self.switch(commit).await.is_err() {
                    // Most likely directories without write permission; an index that doesn't fit
                    // costs only the rewriting of all files.
                    self.on_workspace(&turn, Workspace::unlock_directories).await?;
                    self.forget_index();
                    self.switch(commit).await?;
                }
                self.on_workspace(&turn, move |workspace| sweep(workspace, &tracked)).await?;
                Ok(())
            }
        }
    }

    async fn switch(&self, commit: &Sha) -> Result<(), command::Error> {
        self.read_tree(commit).await?;
        let output = self.git.output(self.tree_call("clean").args(["-ffd", "--quiet"])).await?;
        // A directory that can't be listed is a mere warning to git.
        if output.code == Some(0) && output.stderr.is_empty() {
            Ok(())
        } else {
            Err(command::Error::Failed {
                operation: "clean",
                code: output.code,
                stderr: output.stderr,
            })
        }
    }

    async fn read_tree(&self, commit: &Sha) -> Result<(), command::Error> {
        let call = self.tree_call("read-tree").args(["--reset", "-u", commit.as_str()]);
        self.git.run(call).await.map(drop)
    }

    fn forget_index(&self) {
        // Not there is fine; one that can't be removed fails the read-tree that follows.
        let _ = std::fs::remove_file(&self.index);
    }

    /// All paths of a commit's tree: files (and links), and submodules.
    async fn tracked(
        &self,
        commit: &Sha,
    ) -> Result<(HashSet<PathBuf>, Vec<PathBuf>), command::Error> {
        let operation = "ls-tree";
        let stdout = self.git.run(self.call(operation).args(["-r", "-z", commit.as_str()])).await?;
        let (mut files, mut submodules) = (HashSet::new(), Vec::new());
        for record in stdout.split(|byte| *byte == 0).filter(|r| !r.is_empty()) {
            let tab = record
                .iter()
                .position(|byte| *byte == b'\t')
                .ok_or_else(|| command::Error::unexpected(operation, record))?;
            let path = PathBuf::from(OsStr::from_bytes(&record[tab + 1..]));
            if record.starts_with(b"160000 ") {
                submodules.push(path);
            } else {
                files.insert(path);
            }
        }
        Ok((files, submodules))
    }
}

/// The root and every directory that holds a tracked path, parents first.
pub(super) fn directories<'a>(paths: impl IntoIterator<Item = &'a PathBuf>) -> BTreeSet<&'a Path> {
    let mut found = BTreeSet::from([Path::new("")]);
    for path in paths {
        for parent in path.ancestors().skip(1) {
            if !found.insert(parent) {
                break;
            }
        }
    }
    found
}

/// Clears what git would be misled by: links and files where the tree has directories (git looks
/// at a tracked file through a link that the agent put in place of its directory, and finds it
/// unchanged), and attribute files that the tree doesn't have (they would change what is written).
fn make_way(
    workspace: &Workspace,
    tracked: &HashSet<PathBuf>,
    submodules: &[PathBuf],
) -> Result<(), workspace::Error> {
    workspace.remove_all(Path::new(".git"))?;
    for path in submodules {
        // Git makes it again, empty; filled, it would be a repository that git looks into.
        match workspace.remove_all(path) {
            // Behind something that isn't a directory, which goes below.
            Ok(()) | Err(workspace::Error::Link { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    for dir in directories(tracked.iter().chain(submodules)) {
        if dir != Path::new("") {
            match workspace.kind(dir) {
                Ok(Kind::Directory) => {}
                Ok(_) => workspace.remove_all(dir)?,
                Err(workspace::Error::NotFound { .. }) => continue,
                // Behind a directory without search permission; git's own try unlocks it.
                Err(workspace::Error::Read { .. }) => continue,
                Err(error) => return Err(error),
            }
        }
        let attributes = dir.join(".gitattributes");
        if !tracked.contains(&attributes) {
            match workspace.remove_all(&attributes) {
                Ok(()) | Err(workspace::Error::Read { .. }) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

/// Removes what `git clean` doesn't see beside tracked files: fifos, sockets, nested `.git`s.
fn sweep(workspace: &Workspace, tracked: &HashSet<PathBuf>) -> Result<(), workspace::Error> {
    for dir in directories(tracked) {
        for entry in workspace.entries(dir)? {
            if entry.kind.is_special() || entry.name == ".git" {
                workspace.remove_all(&dir.join(entry.name))?;
            }
        }
    }
    Ok(())
}
