//! What changed between two trees: list, counts, text.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::command;
use super::{Object, Repo, Tree};

/// How a path changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It is new.
    Added,
    /// Its content or mode differs.
    Modified,
    /// It is gone.
    Deleted,
    /// It became a link, or stopped being one.
    TypeChanged,
}

/// One changed path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// How.
    pub status: Status,
    /// The path, bytes as on disk.
    pub path: PathBuf,
}

/// Counts of a change; binary files count as files alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DiffStat {
    /// Changed paths.
    pub files: u64,
    /// Added lines.
    pub insertions: u64,
    /// Removed lines.
    pub deletions: u64,
}

/// A diff as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diff {
    /// The unified diff; contents are the files' own bytes.
    pub bytes: Vec<u8>,
    /// There was more than the bound.
    pub truncated: bool,
}

/// The whole comparison of two trees.
#[derive(Debug, Default)]
pub(super) struct Comparison {
    pub(super) changes: Vec<Change>,
    /// Paths that are, or became, a reference to a commit of another repository.
    pub(super) gitlinks: Vec<PathBuf>,
    /// What the second tree has below its root and the first one may not have.
    pub(super) objects: HashSet<Object>,
    pub(super) stat: DiffStat,
}

impl Repo {
    /// The unified diff between two trees, at most `max_bytes` of it.
    pub async fn diff(
        &self,
        from: &Tree,
        to: &Tree,
        max_bytes: usize,
    ) -> Result<Diff, command::Error> {
        let operation = "diff-tree";
        let output = self
            .git
            .output(
                self.call(operation)
                    .args([
                        "-r",
                        "-p",
                        "-M",
                        "--no-color",
                        "--no-ext-diff",
                        "--no-textconv",
                        from.as_str(),
                        to.as_str(),
                    ])
                    .max_output(max_bytes),
            )
            .await?;
        if !output.truncated && output.code != Some(0) {
            return Err(command::Error::Failed {
                operation,
                code: output.code,
                stderr: output.stderr,
            });
        }
        Ok(Diff { bytes: output.stdout, truncated: output.truncated })
    }

    /// How much changed between two trees.
    pub async fn diff_stat(&self, from: &Tree, to: &Tree) -> Result<DiffStat, command::Error> {
        Ok(self.compare(from.as_str(), to.as_str()).await?.stat)
    }

    /// Compares two trees, or the trees of commits.
    pub(super) async fn compare(&self, from: &str, to: &str) -> Result<Comparison, command::Error> {
        let operation = "diff-tree";
        let stdout = self
            .git
            .run(self.call(operation).args([
                "-r",
                "-t",
                "-z",
                "--raw",
                "--numstat",
                "--no-renames",
                "--no-ext-diff",
                "--no-textconv",
                from,
                to,
            ]))
            .await?;
        parse(&stdout).ok_or_else(|| command::Error::unexpected(operation, &stdout))
    }
}

const NOTHING: &str = "000000";
const DIRECTORY: &str = "040000";
const GITLINK: &str = "160000";

/// `:<mode> <mode> <id> <id> <status> NUL <path> NUL …`, then `<added> TAB <deleted> TAB <path> NUL …`.
/// Directories are only among the first, and their ids are all that is taken of them.
fn parse(stdout: &[u8]) -> Option<Comparison> {
    let mut found = Comparison::default();
    let mut old_objects = HashSet::new();
    let mut tokens = stdout.split(|byte| *byte == 0);
    while let Some(token) = tokens.next() {
        if token.is_empty() {
            continue;
        }
        if let Some(raw) = token.strip_prefix(b":") {
            let raw = std::str::from_utf8(raw).ok()?;
            let path = PathBuf::from(OsStr::from_bytes(tokens.next()?));
            let mut fields = raw.split(' ');
            let (old_mode, new_mode) = (fields.next()?, fields.next()?);
            let (old, new) = (fields.next()?, fields.next()?);
            old_objects.insert(old.parse::<Object>().ok()?);
            if !matches!(new_mode, NOTHING | GITLINK) {
                found.objects.insert(new.parse().ok()?);
            }
            if matches!(
                (old_mode, new_mode),
                (DIRECTORY | NOTHING, DIRECTORY) | (DIRECTORY, NOTHING)
            ) {
                continue;
            }
            let status = match fields.next()? {
                "A" => Status::Added,
                "M" => Status::Modified,
                "D" => Status::Deleted,
                "T" => Status::TypeChanged,
                _ => return None,
            };
            if new_mode == GITLINK {
                found.gitlinks.push(path.clone());
            }
            found.stat.files += 1;
            found.changes.push(Change { status, path });
        } else {
            let mut fields = token.splitn(3, |byte| *byte == b'\t');
            for total in [&mut found.stat.insertions, &mut found.stat.deletions] {
                match std::str::from_utf8(fields.next()?).ok()? {
                    "-" => {}
                    lines => *total += lines.parse::<u64>().ok()?,
                }
            }
            fields.next()?;
        }
    }
    found.objects.retain(|object| !old_objects.contains(object));
    Some(found)
}
