//! The remote: resolving, fetching, pushing with an explicit expectation, deleting.

use std::path::Path;
use std::time::Duration;

use super::command::{self, Call, Output};
use super::{RefName, RemoteUrl, Repo, Revision, Sha};

/// The other side of a push. Garbage isn't collected there because of a checkpoint: that is the
/// owner's to do, and would be done in the middle of a loop.
const RECEIVE_PACK: &str = "--receive-pack=git -c receive.autogc=false receive-pack";

/// Why the remote gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing is at the remote's path.
    #[error("the repository {url} does not exist")]
    RepositoryNotFound {
        /// The remote.
        url: RemoteUrl,
    },
    /// Something else than a git repository is there.
    #[error("{url} is not a git repository")]
    NotARepository {
        /// The remote.
        url: RemoteUrl,
    },
    /// git refuses a repository that belongs to another user.
    #[error(
        "the repository {url} belongs to another user: run smith as its owner, or change its owner"
    )]
    NotOwned {
        /// The remote.
        url: RemoteUrl,
    },
    /// The repository has no such branch, tag or commit.
    #[error("{url} has no {name}: name a branch, a tag, or a full commit id")]
    RefNotFound {
        /// The remote.
        url: RemoteUrl,
        /// What was asked for.
        name: String,
    },
    /// The name leads to a tree or file.
    #[error("{name} of {url} is not a commit")]
    NotACommit {
        /// The remote.
        url: RemoteUrl,
        /// What was asked for.
        name: String,
    },
    /// The repository names its objects by SHA-256.
    #[error("{url} uses SHA-256 object names, which is not supported: use a SHA-1 repository")]
    ObjectFormat {
        /// The remote.
        url: RemoteUrl,
    },
    /// The remote refused the change for a reason of its own (a hook, a protected branch).
    #[error("{url} refused {name}: {reason}")]
    Rejected {
        /// The remote.
        url: RemoteUrl,
        /// The ref.
        name: RefName,
        /// What the remote said, printable.
        reason: String,
    },
    /// The remote can't be read or written.
    #[error("cannot {operation} {url}: {detail}")]
    Unreachable {
        /// The remote.
        url: RemoteUrl,
        /// The git command.
        operation: &'static str,
        /// What git said, printable.
        detail: String,
    },
    /// The remote didn't answer in time.
    #[error("{url} did not answer git {operation} within {} s", limit.as_secs())]
    TimedOut {
        /// The remote.
        url: RemoteUrl,
        /// The git command.
        operation: &'static str,
        /// The bound.
        limit: Duration,
    },
    /// git itself failed.
    #[error(transparent)]
    Git(command::Error),
}

/// What a ref must be at the remote for a change to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expect {
    /// It must not exist.
    Absent,
    /// It must be exactly this.
    Sha(Sha),
    /// Whatever it is: for refs that are one's own, as checkpoints.
    Any,
}

impl Expect {
    /// Whether what was found at the remote breaks the expectation.
    fn conflicts(&self, found: Option<&Sha>) -> bool {
        match self {
            Self::Absent => found.is_some(),
            Self::Sha(expected) => found != Some(expected),
            Self::Any => false,
        }
    }
}

/// What a push came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PushOutcome {
    /// This call moved the ref.
    Pushed,
    /// The ref is at the commit: by an earlier call, or by this one, whose answer was lost.
    AlreadyThere,
    /// The ref is not what was expected; nothing was changed.
    Conflict {
        /// What the ref is now.
        found: Option<Sha>,
    },
}

/// What the deletion of a ref came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeleteOutcome {
    /// This call deleted it.
    Deleted,
    /// It isn't there.
    AlreadyGone,
    /// The ref is not what was expected; nothing was changed.
    Conflict {
        /// What the ref is now.
        found: Option<Sha>,
    },
}

impl Repo {
    /// Resolves a branch, tag or commit of the remote and fetches it with its whole history.
    /// Where a branch and a tag have one name, it is the branch.
    pub async fn fetch_base(&self, revision: &Revision) -> Result<Sha, Error> {
        let wanted = match revision {
            Revision::Commit(sha) => sha.clone(),
            Revision::Head => self.resolve(revision, &["HEAD".into()]).await?,
            Revision::Ref(name) => {
                let peeled = format!("{name}^{{}}");
                self.resolve(revision, &[peeled, name.to_string()]).await?
            }
            Revision::Short(name) => {
                let branch = format!("refs/heads/{name}");
                let tag = format!("refs/tags/{name}");
                let peeled = format!("{tag}^{{}}");
                self.resolve(revision, &[branch, peeled, tag]).await?
            }
        };
        self.fetch_object(&wanted, &revision.to_string()).await
    }

    /// Fetches one commit with its history; one that was fetched before is not asked for again.
    pub async fn fetch_sha(&self, sha: &Sha) -> Result<(), Error> {
        let known = self
            .git
            .output(self.call("rev-parse").args([
                "--verify",
                "--quiet",
                "--end-of-options",
                &format!("{}^{{commit}}", fetched(sha)),
            ]))
            .await
            .map_err(Error::Git)?;
        if known.code == Some(0) {
            return Ok(());
        }
        self.fetch_object(sha, sha.as_str()).await.map(drop)
    }

    /// Fetches what a ref of the remote is now.
    pub async fn fetch_ref(&self, name: &RefName) -> Result<Sha, Error> {
        self.fetch_base(&Revision::Ref(name.clone())).await
    }

    /// What a ref of the remote is now (for an annotated tag: the tag object).
    pub async fn ls_remote(&self, name: &RefName) -> Result<Option<Sha>, Error> {
        let name = name.to_string();
        let found = self.list(std::slice::from_ref(&name)).await?;
        Ok(found.into_iter().find_map(|(listed, sha)| (listed == name).then_some(sha)))
    }

    /// Sets a ref of the remote to a commit, if it is what is expected.
    ///
    /// Safe to repeat after a crash at any point: a push whose outcome is unknown is settled by
    /// asking the remote.
    pub async fn push(
        &self,
        sha: &Sha,
        name: &RefName,
        expect: &Expect,
    ) -> Result<PushOutcome, Error> {
        match self.update(Some(sha), name, expect).await? {
            Update::Done => Ok(PushOutcome::Pushed),
            Update::WasSo => Ok(PushOutcome::AlreadyThere),
            Update::Conflict(found) => Ok(PushOutcome::Conflict { found }),
        }
    }

    /// Deletes a ref of the remote, if it is what is expected. [`Expect::Absent`] only looks.
    pub async fn delete_ref(
        &self,
        name: &RefName,
        expect: &Expect,
    ) -> Result<DeleteOutcome, Error> {
        // git answers the deletion of what isn't there in several ways, depending on its version.
        let found = self.ls_remote(name).await?;
        if found.is_none() {
            return Ok(DeleteOutcome::AlreadyGone);
        }
        if expect.conflicts(found.as_ref()) {
            return Ok(DeleteOutcome::Conflict { found });
        }
        match self.update(None, name, expect).await? {
            Update::Done => Ok(DeleteOutcome::Deleted),
            Update::WasSo => Ok(DeleteOutcome::AlreadyGone),
            Update::Conflict(found) => Ok(DeleteOutcome::Conflict { found }),
        }
    }

    /// Pushes; if a lock that a killed push left behind is in the way, once more without it.
    async fn update(
        &self,
        target: Option<&Sha>,
        name: &RefName,
        expect: &Expect,
    ) -> Result<Update, Error> {
        let refused = match self.try_update(target, name, expect).await {
            Err(Error::Rejected { url, name, reason }) if is_lock(&reason) => {
                Error::Rejected { url, name, reason }
            }
            outcome => return outcome,
        };
        // The remote is a directory here; what lies over another machine's ref is that machine's to clear.
        for directory in [self.remote.path().join(".git"), self.remote.path().to_path_buf()] {
            let lock = directory.join(format!("{name}.lock"));
            let written = |path: &Path| std::fs::symlink_metadata(path).and_then(|m| m.modified());
            let Ok(found) = written(&lock) else { continue };
            let age = found.elapsed().unwrap_or_default();
            tokio::time::sleep(self.settings.stale_ref_lock.saturating_sub(age)).await;
            if written(&lock).is_ok_and(|now| now == found) {
                tracing::warn!(lock = %lock.display(), "removing the lock of a push that was killed");
                let _ = std::fs::remove_file(&lock);
            }
            return self.try_update(target, name, expect).await;
        }
        Err(refused)
    }

    async fn try_update(
        &self,
        target: Option<&Sha>,
        name: &RefName,
        expect: &Expect,
    ) -> Result<Update, Error> {
        let lease = match expect {
            Expect::Absent => format!("--force-with-lease={name}:"),
            Expect::Sha(sha) => format!("--force-with-lease={name}:{sha}"),
            Expect::Any => "--force".to_owned(),
        };
        let source = target.map_or("", Sha::as_str);
        let call = self
            .remote_call("push")
            .args([
                "--porcelain",
                "--atomic",
                "--no-verify",
                "--no-follow-tags",
                "--no-signed",
                "--recurse-submodules=no",
                RECEIVE_PACK,
                &lease,
                "--",
            ])
            .args([self.remote.path()])
            .args([format!("{source}:{name}")]);
        let refused = match self.remote_output("push", call).await {
            Ok(output) => match flag(&output.stdout, name) {
                Some(('=', _)) if output.code == Some(0) => return Ok(Update::WasSo),
                Some((' ' | '+' | '*' | '-', _)) if output.code == Some(0) => {
                    return Ok(Update::Done);
                }
                Some(('!', reason)) => Error::Rejected {
                    url: self.remote.clone(),
                    name: name.clone(),
                    reason: match output.stderr.as_str() {
                        "" => reason,
                        said => format!("{reason}\n{said}"),
                    },
                },
                _ => self.failure("push", &output, name.as_str()),
            },
            Err(error) => error,
        };
        // Refused or unknown: what holds now is what the remote says.
        let Ok(found) = self.ls_remote(name).await else {
            return Err(refused);
        };
        if found.as_ref() == target {
            Ok(Update::WasSo)
        } else if expect.conflicts(found.as_ref()) {
            Ok(Update::Conflict(found))
        } else {
            Err(refused)
        }
    }

    /// The first of the candidates that the remote has.
    async fn resolve(&self, asked: &Revision, candidates: &[String]) -> Result<Sha, Error> {
        let listed = self.list(candidates).await?;
        candidates
            .iter()
            .find_map(|candidate| {
                let (_, sha) = listed.iter().find(|(name, _)| name == candidate)?;
                Some(sha.clone())
            })
            .ok_or_else(|| Error::RefNotFound { url: self.remote.clone(), name: asked.to_string() })
    }

    /// Names and ids of the remote's refs that end like one of the patterns.
    async fn list(&self, patterns: &[String]) -> Result<Vec<(String, Sha)>, Error> {
        let call = self
            .remote_call("ls-remote")
            .args(["--quiet", "--"])
            .args([self.remote.path()])
            .args(patterns);
        let output = self.remote_output("ls-remote", call).await?;
        if output.code != Some(0) {
            return Err(self.failure("ls-remote", &output, ""));
        }
        String::from_utf8_lossy(&output.stdout)
            .lines()
            .map(|line| {
                let (sha, name) = line.split_once('\t')?;
                Some((name.to_owned(), sha.parse().ok()?))
            })
            .collect::<Option<_>>()
            .ok_or_else(|| Error::Git(command::Error::unexpected("ls-remote", &output.stdout)))
    }

    /// Fetches an object by its id and answers the commit it is or leads to.
    async fn fetch_object(&self, sha: &Sha, asked: &str) -> Result<Sha, Error> {
        if sha.as_str().len() != 40 {
            return Err(Error::ObjectFormat { url: self.remote.clone() });
        }
        let call = self
            .remote_call("fetch")
            .args([
                "--quiet",
                "--force",
                "--no-tags",
                "--no-write-fetch-head",
                "--no-auto-maintenance",
                "--no-recurse-submodules",
                "--",
            ])
            .args([self.remote.path()])
            .args([format!("{sha}:{}", fetched(sha))]);
        let output = self.remote_output("fetch", call).await?;
        if output.code != Some(0) {
            return Err(self.failure("fetch", &output, asked));
        }
        let peeled = self
            .git
            .output(self.call("rev-parse").args([
                "--verify",
                "--quiet",
                "--end-of-options",
                &format!("{sha}^{{commit}}"),
            ]))
            .await
            .map_err(Error::Git)?;
        String::from_utf8_lossy(&peeled.stdout)
            .trim()
            .parse()
            .map_err(|_| Error::NotACommit { url: self.remote.clone(), name: asked.to_owned() })
    }

    fn remote_call(&self, operation: &'static str) -> Call<'_> {
        self.call(operation).timeout(self.settings.remote_timeout)
    }

    async fn remote_output(
        &self,
        operation: &'static str,
        call: Call<'_>,
    ) -> Result<Output, Error> {
        let url = || self.remote.clone();
        if let Err(error) = tokio::fs::metadata(self.remote.path()).await {
            return Err(match error.kind() {
                std::io::ErrorKind::NotFound => Error::RepositoryNotFound { url: url() },
                _ => Error::Unreachable { url: url(), operation, detail: error.to_string() },
            });
        }
        self.git.output(call).await.map_err(|error| match error {
            command::Error::TimedOut { operation, limit } => {
                Error::TimedOut { url: url(), operation, limit }
            }
            other => Error::Git(other),
        })
    }

    /// The kind of failure, from what git said (always in English: the locale is fixed).
    fn failure(&self, operation: &'static str, output: &Output, asked: &str) -> Error {
        let url = self.remote.clone();
        let says = |text: &str| output.stderr.contains(text);
        if says("dubious ownership") {
            Error::NotOwned { url }
        } else if says("does not appear to be a git repository") {
            Error::NotARepository { url }
        } else if says("not our ref") || says("couldn't find remote ref") {
            Error::RefNotFound { url, name: asked.to_owned() }
        } else if says("mismatched algorithms") {
            Error::ObjectFormat { url }
        } else {
            Error::Unreachable { url, operation, detail: output.stderr.clone() }
        }
    }
}

enum Update {
    Done,
    WasSo,
    Conflict(Option<Sha>),
}

/// The local ref that keeps a fetched commit and tells the next fetch what is here.
fn fetched(sha: &Sha) -> String {
    format!("refs/fetched/{sha}")
}

/// The flag and summary that `push --porcelain` prints for a ref: `<flag> TAB <from>:<to> TAB <summary>`.
fn flag(stdout: &[u8], name: &RefName) -> Option<(char, String)> {
    String::from_utf8_lossy(stdout).lines().find_map(|line| {
        let mut fields = line.splitn(3, '\t');
        let flag = fields.next()?.chars().next()?;
        let (_, to) = fields.next()?.rsplit_once(':')?;
        let summary = fields.next().unwrap_or("");
        (to == name.as_str()).then(|| (flag, command::printable(summary.as_bytes())))
    })
}

/// Does git say that somebody else has the ref's lock?
fn is_lock(reason: &str) -> bool {
    let said = reason.to_lowercase();
    ["cannot lock ref", "failed to update ref", "file exists"]
        .iter()
        .any(|text| said.contains(text))
}
