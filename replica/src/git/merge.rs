//! The base of a loop that depends on others: their commits merged, without a work tree.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use jiff::Timestamp;

use super::command;
use super::{Author, Identity, Message, Repo, Sha, Tree};

/// Why dependencies could not be merged.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Two of them changed the same lines.
    #[error("commit {sha} conflicts with the base and the dependencies before it in {paths:?}")]
    Conflict {
        /// The dependency that could not be merged.
        sha: Sha,
        /// The files in conflict.
        paths: Vec<PathBuf>,
    },
    /// It has no history in common with the base.
    #[error("commit {sha} has no history in common with the base")]
    Unrelated {
        /// The dependency.
        sha: Sha,
    },
    /// git failed.
    #[error(transparent)]
    Git(#[from] command::Error),
}

impl Repo {
    /// Merges the commits of dependencies into `base`, in order. All must have been fetched.
    ///
    /// One that is contained already is skipped, and one that contains all before it is taken as
    /// it is. The same inputs always give the same id: a merge is dated as the later of its parents.
    pub async fn merge_base_of(
        &self,
        deps: &[Sha],
        base: &Sha,
        identity: &Identity,
    ) -> Result<Sha, Error> {
        let mut merged = base.clone();
        for dep in deps {
            if self.contains(&merged, dep).await? {
                continue;
            }
            merged = if self.contains(dep, &merged).await? {
                dep.clone()
            } else {
                self.merge(&merged, dep, identity).await?
            };
        }
        Ok(merged)
    }

    /// Whether `commit` is in the history of `head`, or is it.
    pub async fn contains(&self, head: &Sha, commit: &Sha) -> Result<bool, command::Error> {
        let operation = "merge-base";
        let output = self
            .git
            .output(self.call(operation).args(["--is-ancestor", commit.as_str(), head.as_str()]))
            .await?;
        match output.code {
            Some(0) => Ok(true),
            Some(1) => Ok(false),
            code => Err(command::Error::Failed { operation, code, stderr: output.stderr }),
        }
    }

    async fn merge(&self, ours: &Sha, dep: &Sha, identity: &Identity) -> Result<Sha, Error> {
        let tree = self.merged_tree(ours, dep).await?;
        let author = Author {
            identity: identity.clone(),
            date: self.date(ours).await?.max(self.date(dep).await?),
        };
        let message = Message::new(&format!("Merge dependency {dep}"), "", &[]);
        Ok(self.commit_tree(&tree, &[ours.clone(), dep.clone()], &message, &author).await?)
    }

    async fn merged_tree(&self, ours: &Sha, dep: &Sha) -> Result<Tree, Error> {
        let operation = "merge-tree";
        let output = self
            .git
            .output(self.call(operation).args([
                "--write-tree",
                "-z",
                "--name-only",
                "--no-messages",
                ours.as_str(),
                dep.as_str(),
            ]))
            .await?;
        let mut fields = output.stdout.split(|byte| *byte == 0);
        match output.code {
            Some(0) => fields
                .next()
                .and_then(|field| std::str::from_utf8(field).ok()?.trim().parse().ok())
                .ok_or_else(|| command::Error::unexpected(operation, &output.stdout).into()),
            Some(1) => Err(Error::Conflict {
                sha: dep.clone(),
                paths: fields
                    .skip(1)
                    .filter(|path| !path.is_empty())
                    .map(|path| OsStr::from_bytes(path).into())
                    .collect(),
            }),
            _ if output.stderr.contains("unrelated histories") => {
                Err(Error::Unrelated { sha: dep.clone() })
            }
            code => Err(command::Error::Failed { operation, code, stderr: output.stderr }.into()),
        }
    }

    async fn date(&self, commit: &Sha) -> Result<Timestamp, command::Error> {
        let operation = "show";
        let line = self
            .git
            .line(self.call(operation).args([
                "--no-patch",
                "--no-show-signature",
                "--format=%ct",
                commit.as_str(),
            ]))
            .await?;
        line.parse()
            .ok()
            .and_then(|second| Timestamp::from_second(second).ok())
            .ok_or_else(|| command::Error::unexpected(operation, line.as_bytes()))
    }
}
