//! Which repositories a loop may name, and how they are written.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A repository: over https, or a directory on the machine of the worker.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Repository {
    /// `https://host[:port]/path`, without a credential.
    Https(String),
    /// `file:///absolute/path`, allowed only below the server's configured roots.
    File(String),
}

/// A text that isn't a usable repository.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRepository {
    /// ssh needs a key, and no git credential enters a worker.
    #[error("{given:?} is an ssh address, which workers can't use: write {https:?}")]
    Ssh {
        /// As given.
        given: String,
        /// The https form of the same.
        https: String,
    },
    /// The credential would be in records and logs.
    #[error("the address of {host:?} carries a user or password: leave it out")]
    Credential {
        /// The host alone, because the rest may be secret.
        host: String,
    },
    /// Anything else.
    #[error("{0:?} isn't a repository: use https://host/path or file:///absolute/path")]
    Other(String),
    /// The path isn't plain.
    #[error("{0:?} isn't a plain absolute path: no '.', '..', '//' or control characters")]
    Path(String),
}

impl Repository {
    /// The address to be given to git.
    pub fn url(&self) -> String {
        match self {
            Self::Https(url) => url.clone(),
            Self::File(path) => format!("file://{path}"),
        }
    }
}

fn ssh_form(text: &str) -> Option<String> {
    let rest = if let Some(rest) = text.strip_prefix("ssh://") {
        rest.replacen(':', "/", 0)
    } else if text.contains("://") {
        return None;
    } else {
        let (host, path) = text.split_once(':')?;
        if !host.contains('@') || host.contains('/') {
            return None;
        }
        format!("{host}/{path}")
    };
    let (authority, path) = rest.split_once('/')?;
    let host = authority.rsplit('@').next().unwrap_or(authority);
    let host = host.split(':').next().unwrap_or(host);
    Some(format!("https://{host}/{path}"))
}

impl FromStr for Repository {
    type Err = InvalidRepository;
    fn from_str(text: &str) -> Result<Self, InvalidRepository> {
        let given = || text.chars().take(200).collect::<String>();
        if text.len() > 2048 || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            // A path may hold blanks; a URL may not.
            let path = text.strip_prefix("file://").unwrap_or(text);
            let plain = text.len() <= 2048 && !text.chars().any(char::is_control);
            if !(plain && path.starts_with('/')) {
                return Err(InvalidRepository::Other(given()));
            }
        }
        if let Some(rest) = text.strip_prefix("https://") {
            let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
            if authority.contains('@') {
                let host = authority.rsplit('@').next().unwrap_or_default();
                return Err(InvalidRepository::Credential { host: host.into() });
            }
            let host_ok = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
            if authority.is_empty() || !authority.chars().all(host_ok) || path.is_empty() {
                return Err(InvalidRepository::Other(given()));
            }
            return Ok(Self::Https(text.to_owned()));
        }
        let path = text.strip_prefix("file://").unwrap_or(text);
        if path.starts_with('/') {
            let path = path.trim_end_matches('/');
            let plain = |part: &str| !part.is_empty() && part != "." && part != "..";
            let parts = path.strip_prefix('/').unwrap_or_default();
            if parts.split('/').all(plain) && !path.chars().any(char::is_control) {
                return Ok(Self::File(path.to_owned()));
            }
            return Err(InvalidRepository::Path(given()));
        }
        match ssh_form(text) {
            Some(https) => Err(InvalidRepository::Ssh { given: given(), https }),
            None => Err(InvalidRepository::Other(given())),
        }
    }
}

impl TryFrom<String> for Repository {
    type Error = InvalidRepository;
    fn try_from(text: String) -> Result<Self, InvalidRepository> {
        text.parse()
    }
}

impl From<Repository> for String {
    fn from(repository: Repository) -> Self {
        repository.url()
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url())
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for Repository {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        String::schema()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for Repository {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, expected: &str) {
        let found = match text.parse::<Repository>() {
            Ok(repository) => repository.url(),
            Err(error) => error.to_string(),
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn https_and_file_are_taken_and_ssh_is_shown_its_way_out() {
        check("https://example.org/a/b.git", "https://example.org/a/b.git");
        check("/srv/repo/", "file:///srv/repo");
        check("file:///srv/my repo", "file:///srv/my repo");
        check(
            "git@example.org:a/b.git",
            "\"git@example.org:a/b.git\" is an ssh address, which workers can't use: write \"https://example.org/a/b.git\"",
        );
        check(
            "ssh://git@example.org:22/a",
            "\"ssh://git@example.org:22/a\" is an ssh address, which workers can't use: write \"https://example.org/a\"",
        );
        check(
            "https://me:secret@example.org/a",
            "the address of \"example.org\" carries a user or password: leave it out",
        );
        check(
            "--upload-pack=x",
            "\"--upload-pack=x\" isn't a repository: use https://host/path or file:///absolute/path",
        );
        assert!("/srv/../etc".parse::<Repository>().is_err());
        assert!("http://example.org/a".parse::<Repository>().is_err());
        assert!("https://exa mple.org/a".parse::<Repository>().is_err());
    }

    proptest! {
        #[test]
        fn any_text_gets_an_answer_and_what_is_taken_is_stable(text in "\\PC{0,60}") {
            if let Ok(repository) = text.parse::<Repository>() {
                prop_assert_eq!(repository.url().parse::<Repository>().unwrap(), repository);
            }
        }
    }
}
