//! Writing the work tree as a tree object, after looking at what the agent made.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::checkout::directories;
use super::command;
use super::{Change, DiffStat, Object, Repo, Settings, Sha, Tree};
use crate::workspace::{self, Kind, Workspace};

/// How many special files a snapshot names.
const MAX_LISTED_SPECIAL: usize = 100;

/// The work tree as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Its tree: equal contents have equal trees.
    pub tree: Tree,
    /// Pipes, sockets and devices beside the files; they can't be part of a tree.
    pub special: Vec<PathBuf>,
}

/// The work tree as it was written, and what is new in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Its tree: equal contents have equal trees.
    pub tree: Tree,
    /// The commit that it was compared with.
    pub base: Sha,
    /// Whether it differs from the tree of the commit it was compared with.
    pub changed: bool,
    /// What changed, up to the bound.
    pub files: Vec<Change>,
    /// How many changes are not in `files`.
    pub unlisted: usize,
    /// How much changed.
    pub stat: DiffStat,
    /// Pipes, sockets and devices beside the files; they can't be part of a tree.
    pub special: Vec<PathBuf>,
    /// Everything below its root that the commit's tree may not have.
    pub(super) objects: HashSet<Object>,
}

/// Why the work tree could not be written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A git repository inside the work tree: its files could not be committed with the others.
    #[error("{path:?} is a git repository of its own: remove its .git, or ignore the directory")]
    NestedRepository {
        /// The directory.
        path: PathBuf,
    },
    /// A pipe, socket or device where the repository has a file.
    #[error("{path:?} is a {kind}: the repository has a file there")]
    SpecialFile {
        /// The path.
        path: PathBuf,
        /// What it is.
        kind: Kind,
    },
    /// A file or directory that can't be read.
    #[error("{path:?} can't be read: make it readable, ignore it, or remove it")]
    Unreadable {
        /// The path.
        path: PathBuf,
    },
    /// A name that git refuses to store.
    #[error("{path:?} is a name that git refuses: rename or ignore it")]
    InvalidName {
        /// The path.
        path: PathBuf,
    },
    /// One file is larger than a commit may hold.
    #[error(
        "{path:?} has {size} bytes, more than the {limit} a file may have: ignore or remove it"
    )]
    FileTooLarge {
        /// The path.
        path: PathBuf,
        /// Its size.
        size: u64,
        /// The bound.
        limit: u64,
    },
    /// All new and changed files together are larger than a commit may hold.
    #[error(
        "new and changed files have {size} bytes, more than the allowed {limit} (the largest is {largest:?}): ignore what is generated"
    )]
    TooLarge {
        /// Their size.
        size: u64,
        /// The bound.
        limit: u64,
        /// The largest of them.
        largest: PathBuf,
    },
    /// There are more new and changed files than a commit may hold.
    #[error(
        "{count} new and changed files, more than the allowed {limit} (among them {example:?}): ignore what is generated"
    )]
    TooMany {
        /// How many.
        count: usize,
        /// The bound.
        limit: usize,
        /// One of them.
        example: PathBuf,
    },
    /// The workspace is not usable.
    #[error(transparent)]
    Workspace(#[from] workspace::Error),
    /// git failed.
    #[error(transparent)]
    Git(#[from] command::Error),
}

impl Repo {
    /// Writes the work tree, without ignored files, as a tree, and compares it with `head`.
    pub async fn snapshot(&self, head: &Sha) -> Result<Snapshot, Error> {
        let written = self.write().await?;
        self.compared(head, written).await
    }

    /// Writes the work tree, without ignored files, as a tree.
    pub async fn write(&self) -> Result<Written, Error> {
        let turn = self.tree_turn().await?;
        let listing = self.listing().await?;
        let settings = self.settings.clone();
        let special = self
            .on_workspace(&turn, move |workspace| inspect(workspace, &listing, &settings))
            .await?;
        self.known().index = None;
        let added = self.git.output(self.tree_call("add").args(["-A"])).await?;
        if added.code != Some(0) {
            return Err(add_error(added));
        }
        let line = self.git.line(self.tree_call("write-tree")).await?;
        let tree: Tree =
            line.parse().map_err(|_| command::Error::unexpected("write-tree", line.as_bytes()))?;
        self.known().index = Some(tree.clone());
        Ok(Written { tree, special })
    }

    /// Compares what was written with `head`. It needs neither the work tree nor the index.
    pub async fn compared(&self, head: &Sha, written: Written) -> Result<Snapshot, Error> {
        let Written { tree, special } = written;
        let mut comparison = self.compare(head.as_str(), tree.as_str()).await?;
        if let Some(path) = comparison.gitlinks.pop() {
            return Err(Error::NestedRepository { path });
        }
        let listed = self.settings.max_listed_changes;
        let unlisted = comparison.changes.len().saturating_sub(listed);
        comparison.changes.truncate(listed);
        Ok(Snapshot {
            tree,
            base: head.clone(),
            changed: comparison.stat.files > 0,
            files: comparison.changes,
            unlisted,
            stat: comparison.stat,
            special,
            objects: comparison.objects,
        })
    }

    /// The tree of the work tree now, where `before` was written a moment ago: one run of git if nothing was
    /// changed since, instead of three.
    pub async fn tree_after(&self, before: &Tree) -> Result<Tree, Error> {
        let turn = self.tree_turn().await?;
        let listing = self.listing().await?;
        drop(turn);
        if listing.changed.is_empty() && listing.nested.is_empty() {
            return Ok(before.clone());
        }
        Ok(self.write().await?.tree)
    }

    async fn listing(&self) -> Result<Listing, Error> {
        let operation = "ls-files";
        let output = self
            .git
            .output(self.tree_call(operation).args([
                "-z",
                "-t",
                "--cached",
                "--stage",
                "--modified",
                "--others",
                "--exclude-standard",
            ]))
            .await?;
        if output.truncated {
            let limit = output.stdout.len();
            return Err(command::Error::TooMuch { operation, limit }.into());
        }
        if output.code != Some(0) {
            return Err(command::Error::Failed {
                operation,
                code: output.code,
                stderr: output.stderr,
            }
            .into());
        }
        // To git a directory that it can't list is a warning; to a snapshot it is lost work.
        if let Some(path) = quoted(&output.stderr, "could not open directory '", "': ") {
            return Err(Error::Unreadable { path });
        }
        parse(&output.stdout)
            .ok_or_else(|| command::Error::unexpected(operation, &output.stdout).into())
    }
}

/// What git sees in the work tree before anything is added.
#[derive(Debug, Default)]
struct Listing {
    tracked: HashSet<PathBuf>,
    submodules: Vec<PathBuf>,
    /// New, changed and deleted files.
    changed: Vec<PathBuf>,
    /// Directories that are repositories of their own.
    nested: Vec<PathBuf>,
}

/// `<tag> <mode> <id> <stage> TAB <path> NUL` for tracked files, again with tag `C` for those that
/// changed, `? <path> NUL` for new ones, with a slash at the end for nested repositories.
fn parse(stdout: &[u8]) -> Option<Listing> {
    let mut listing = Listing::default();
    for record in stdout.split(|byte| *byte == 0).filter(|r| !r.is_empty()) {
        if let Some(path) = record.strip_prefix(b"? ") {
            match path.strip_suffix(b"/") {
                Some(path) => listing.nested.push(OsStr::from_bytes(path).into()),
                None => listing.changed.push(OsStr::from_bytes(path).into()),
            }
            continue;
        }
        let tab = record.iter().position(|byte| *byte == b'\t')?;
        let (fields, path) = (&record[..tab], OsStr::from_bytes(&record[tab + 1..]));
        if fields.starts_with(b"C ") {
            listing.changed.push(path.into());
        } else if fields.get(2..8) == Some(b"160000") {
            listing.submodules.push(path.into());
        } else {
            listing.tracked.insert(path.into());
        }
    }
    Some(listing)
}

/// Refuses what a commit must not hold; answers the special files beside it.
fn inspect(
    workspace: &Workspace,
    listing: &Listing,
    settings: &Settings,
) -> Result<Vec<PathBuf>, Error> {
    let Listing { tracked, submodules, changed, nested } = listing;
    if let Some(path) = nested.first() {
        return Err(Error::NestedRepository { path: path.clone() });
    }
    for path in submodules {
        // A submodule is left as it is. Were it filled, git would run in it, with its configuration.
        match workspace.kind(&path.join(".git")) {
            Ok(_) => return Err(Error::NestedRepository { path: path.clone() }),
            Err(workspace::Error::NotFound { .. } | workspace::Error::Link { .. }) => {}
            Err(error) => return Err(unreadable(error)),
        }
    }
    if changed.len() > settings.max_snapshot_files {
        return Err(Error::TooMany {
            count: changed.len(),
            limit: settings.max_snapshot_files,
            example: changed[changed.len() / 2].clone(),
        });
    }
    let special = special_files(workspace, tracked, changed)?;
    check_sizes(workspace, changed, settings)?;
    Ok(special)
}

fn special_files(
    workspace: &Workspace,
    tracked: &HashSet<PathBuf>,
    changed: &[PathBuf],
) -> Result<Vec<PathBuf>, Error> {
    let mut special = Vec::new();
    for dir in directories(tracked.iter().chain(changed)) {
        let entries = match workspace.entries(dir) {
            Ok(entries) => entries,
            // Deleted or replaced by the agent, as it may.
            Err(workspace::Error::NotFound { .. } | workspace::Error::Link { .. }) => continue,
            Err(error) => return Err(unreadable(error)),
        };
        for entry in entries {
            let at_top = dir == Path::new("");
            if entry.name == ".git" && !at_top {
                return Err(Error::NestedRepository { path: dir.to_owned() });
            }
            if !entry.kind.is_special() || entry.name == ".git" {
                continue;
            }
            let path = dir.join(entry.name);
            if tracked.contains(&path) {
                return Err(Error::SpecialFile { path, kind: entry.kind });
            }
            if special.len() < MAX_LISTED_SPECIAL {
                special.push(path);
            }
        }
    }
    Ok(special)
}

fn check_sizes(
    workspace: &Workspace,
    changed: &[PathBuf],
    settings: &Settings,
) -> Result<(), Error> {
    let mut total = 0_u64;
    let mut largest: Option<(u64, &PathBuf)> = None;
    for path in changed {
        let size = match workspace.readable_size(path) {
            Ok(Some(size)) => size,
            Ok(None) | Err(workspace::Error::NotFound { .. } | workspace::Error::Link { .. }) => {
                continue;
            }
            Err(error) => return Err(unreadable(error)),
        };
        if size > settings.max_file_bytes {
            return Err(Error::FileTooLarge {
                path: path.clone(),
                size,
                limit: settings.max_file_bytes,
            });
        }
        total = total.saturating_add(size);
        if largest.is_none_or(|(most, _)| size > most) {
            largest = Some((size, path));
        }
    }
    match largest {
        Some((_, largest)) if total > settings.max_snapshot_bytes => Err(Error::TooLarge {
            size: total,
            limit: settings.max_snapshot_bytes,
            largest: largest.clone(),
        }),
        _ => Ok(()),
    }
}

fn unreadable(error: workspace::Error) -> Error {
    match error {
        workspace::Error::Read { path, source }
            if source.kind() == std::io::ErrorKind::PermissionDenied =>
        {
            Error::Unreadable { path }
        }
        other => Error::Workspace(other),
    }
}

/// What `git add` found that the inspection couldn't see, or that came after it.
fn add_error(output: command::Output) -> Error {
    let said = output.stderr.as_str();
    if let Some(path) = quoted(said, "invalid path '", "'\n") {
        return Error::InvalidName { path };
    }
    if let Some(path) = quoted(said, "open(\"", "\"): Permission denied") {
        return Error::Unreadable { path };
    }
    Error::Git(command::Error::Failed {
        operation: "add",
        code: output.code,
        stderr: output.stderr,
    })
}

/// The path between two texts of a message of git.
fn quoted(message: &str, before: &str, after: &str) -> Option<PathBuf> {
    let start = message.find(before)? + before.len();
    let length = message[start..].find(after)?;
    Some(message[start..start + length].into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_git_name_their_path() {
        let warning = "warning: could not open directory 'a b/': Permission denied";
        assert_eq!(quoted(warning, "could not open directory '", "': "), Some("a b/".into()));
        assert_eq!(quoted("all is well", "could not", "x"), None);
    }
}
