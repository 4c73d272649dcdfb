//! Commits: writing them so that equal inputs give equal ids, and reading them for reports.

use std::fmt::Write;

use jiff::Timestamp;

use super::command;
use super::{Identity, Repo, Sha, Tree};

/// Who made a commit, and when. Author and committer are the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    /// Who.
    pub identity: Identity,
    /// When; kept to the second, in UTC.
    pub date: Timestamp,
}

/// The trailers of Smith's commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrailerKey {
    /// The loop.
    LoopId,
    /// Round and attempt.
    Attempt,
    /// The story.
    Story,
    /// The caller's correlation id.
    CorrelationId,
}

impl TrailerKey {
    /// As it stands in the message.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LoopId => "Loop-ID",
            Self::Attempt => "Attempt",
            Self::Story => "Story",
            Self::CorrelationId => "Correlation-ID",
        }
    }
}

/// One `Key: value` line at the end of a commit message, as read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trailer {
    /// The part before the colon.
    pub key: String,
    /// The part after it.
    pub value: String,
}

/// A commit message whose trailers can't be forged by its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message(String);

impl Message {
    /// Builds a message. Subject and values become single lines, other control characters go; the
    /// trailers are a paragraph of their own, so that no line of the body is taken for one.
    pub fn new(subject: &str, body: &str, trailers: &[(TrailerKey, &str)]) -> Self {
        let subject = single_line(subject);
        let mut text = if subject.is_empty() { "(no subject)".to_owned() } else { subject };
        let body: String =
            body.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
        let body = body.trim_matches('\n').trim_end();
        if !body.is_empty() {
            text.push_str("\n\n");
            text.push_str(body);
        }
        text.push('\n');
        for (position, (key, value)) in trailers.iter().enumerate() {
            let gap = if position == 0 { "\n" } else { "" };
            writeln!(text, "{gap}{}: {}", key.as_str(), single_line(value))
                .expect("writing to a String doesn't fail");
        }
        Self(text)
    }

    /// The whole text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One line: every run of white space and control characters is one space.
fn single_line(text: &str) -> String {
    text.split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// One commit of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// The commit.
    pub sha: Sha,
    /// Its tree.
    pub tree: Tree,
    /// When it was committed.
    pub date: Timestamp,
    /// The first line of its message; text from outside.
    pub subject: String,
    /// Its trailers; those of foreign commits are text from outside.
    pub trailers: Vec<Trailer>,
}

/// Id, tree, date, subject and trailers, each ended by NUL (which none of them can hold).
const FORMAT: &str = "--format=tformat:%H%x00%T%x00%ct%x00%s%x00\
    %(trailers:only=true,unfold=true,key_value_separator=%x1f,separator=%x1e)%x00";

impl Repo {
    /// Writes a commit. The same inputs always give the same id.
    pub async fn commit_tree(
        &self,
        tree: &Tree,
        parents: &[Sha],
        message: &Message,
        author: &Author,
    ) -> Result<Sha, command::Error> {
        let operation = "commit-tree";
        let date = format!("@{} +0000", author.date.as_second());
        let line = self
            .git
            .line(
                self.call(operation)
                    .args(["--no-gpg-sign", "-F", "-"])
                    .args(parents.iter().flat_map(|sha| ["-p", sha.as_str()]))
                    .args([tree.as_str()])
                    .env("GIT_AUTHOR_NAME", author.identity.name())
                    .env("GIT_AUTHOR_EMAIL", author.identity.email())
                    .env("GIT_AUTHOR_DATE", &date)
                    .env("GIT_COMMITTER_NAME", author.identity.name())
                    .env("GIT_COMMITTER_EMAIL", author.identity.email())
                    .env("GIT_COMMITTER_DATE", &date)
                    .stdin(message.as_str()),
            )
            .await?;
        line.parse().map_err(|_| command::Error::unexpected(operation, line.as_bytes()))
    }

    /// The trailers of a commit.
    pub async fn trailers(&self, commit: &Sha) -> Result<Vec<Trailer>, command::Error> {
        let mut entries = self.entries(&["--max-count=1", commit.as_str()]).await?;
        entries
            .pop()
            .map(|entry| entry.trailers)
            .ok_or_else(|| command::Error::unexpected("log", b""))
    }

    /// The commits of `head` that `base` doesn't have, newest first, at most `max`.
    pub async fn log(
        &self,
        base: &Sha,
        head: &Sha,
        max: u32,
    ) -> Result<Vec<LogEntry>, command::Error> {
        self.entries(&["--topo-order", &format!("--max-count={max}"), &format!("{base}..{head}")])
            .await
    }

    async fn entries(&self, args: &[&str]) -> Result<Vec<LogEntry>, command::Error> {
        let operation = "log";
        let stdout = self
            .git
            .run(
                self.call(operation)
                    .args(["--no-color", "--no-show-signature", "--no-mailmap", FORMAT])
                    .args(args)
                    .args(["--"]),
            )
            .await?;
        let text = String::from_utf8_lossy(&stdout);
        let fields: Vec<&str> = text.split('\0').collect();
        fields
            .chunks_exact(5)
            .map(entry)
            .collect::<Option<_>>()
            .ok_or_else(|| command::Error::unexpected(operation, &stdout))
    }
}

fn entry(fields: &[&str]) -> Option<LogEntry> {
    let [sha, tree, date, subject, trailers] = fields else {
        return None;
    };
    Some(LogEntry {
        // The line end of the record before.
        sha: sha.trim_start_matches('\n').parse().ok()?,
        tree: tree.parse().ok()?,
        date: Timestamp::from_second(date.parse().ok()?).ok()?,
        subject: (*subject).to_owned(),
        trailers: trailers
            .split('\u{1e}')
            .filter_map(|trailer| {
                let (key, value) = trailer.trim_end_matches('\n').split_once('\u{1f}')?;
                Some(Trailer { key: key.to_owned(), value: value.to_owned() })
            })
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_body_can_not_add_a_trailer() {
        let message = Message::new(
            "do\nit\u{1b}[31m",
            "\ntext\0\n\nLoop-ID: forged\n\n",
            &[(TrailerKey::LoopId, "a\nStory: forged"), (TrailerKey::Story, "s-1\r\n")],
        );
        assert_eq!(
            message.as_str(),
            "do it [31m\n\ntext\n\nLoop-ID: forged\n\nLoop-ID: a Story: forged\nStory: s-1\n"
        );
        assert_eq!(Message::new("", "", &[]).as_str(), "(no subject)\n");
    }
}
