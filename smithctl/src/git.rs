//! The repository as a person names it: `.`, a path, or an address.

use std::path::Path;
use std::process::Stdio;

use smith_model::repository::Repository;
use tokio::process::Command;

use crate::error::Error;

/// A repository, and what its owner may want to know before a loop works on it.
#[derive(Debug)]
pub(crate) struct Found {
    /// As it goes into the request.
    pub(crate) repository: Repository,
    /// One sentence each.
    pub(crate) warnings: Vec<String>,
}

/// The repository that `given` names. A directory becomes the top of its working tree.
pub(crate) async fn find(given: &str) -> Result<Found, Error> {
    let parse = |text: &str| {
        let parsed = text.parse::<Repository>();
        parsed.map_err(|error| Error::usage(format!("--repo: {error}")))
    };
    let path = Path::new(given.strip_prefix("file://").unwrap_or(given));
    if !given.starts_with("file://") && (given.contains("://") || !path.exists()) {
        return match parse(given) {
            Ok(repository @ Repository::Https(_)) => Ok(Found { repository, warnings: vec![] }),
            Ok(Repository::File(_)) => Err(Error::usage(format!("--repo: {given} isn't there"))),
            Err(error) => Err(error),
        };
    }
    let absolute = std::fs::canonicalize(path)
        .map_err(|error| Error::usage(format!("--repo: can't open {given}: {error}")))?;
    let mut warnings = vec![];
    let top = match top(&absolute).await {
        Ok(Some(top)) => top,
        Ok(None) => {
            warnings.push(format!("{} isn't a git repository", absolute.display()));
            text_of(&absolute)?
        }
        Err(error) => {
            warnings.push(format!("can't ask git about {}: {error}", absolute.display()));
            text_of(&absolute)?
        }
    };
    if is_dirty(Path::new(&top)).await {
        warnings.push(format!("{top} has changes that aren't committed; the loop won't see them"));
    }
    let repository = parse(&format!("file://{top}"))?;
    Ok(Found { repository, warnings })
}

fn text_of(path: &Path) -> Result<String, Error> {
    let text = path.to_str().map(str::to_owned);
    text.ok_or_else(|| Error::usage(format!("--repo: {} isn't UTF-8", path.display())))
}

/// The top of the working tree, or the bare repository; `None`: neither.
async fn top(path: &Path) -> std::io::Result<Option<String>> {
    for question in ["--show-toplevel", "--absolute-git-dir"] {
        let output = git(path, &["rev-parse", question]).await?;
        if output.status.success() {
            let text = String::from_utf8_lossy(&output.stdout);
            return Ok(Some(text.trim_end_matches('\n').to_owned()));
        }
    }
    Ok(None)
}

async fn is_dirty(path: &Path) -> bool {
    match git(path, &["status", "--porcelain"]).await {
        Ok(output) => output.status.success() && !output.stdout.is_empty(),
        Err(_) => false,
    }
}

async fn git(path: &Path, args: &[&str]) -> std::io::Result<std::process::Output> {
    let mut command = Command::new("git");
    command.arg("-C").arg(path).args(args);
    command.stdin(Stdio::null()).kill_on_drop(true).output().await
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn run(path: &Path, args: &[&str]) {
        let output = git(path, args).await.unwrap();
        assert!(output.status.success(), "{args:?}: {output:?}");
    }

    #[tokio::test]
    async fn a_directory_becomes_the_top_of_its_repository() {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path().canonicalize().unwrap();
        let inner = top.join("a b/c");
        std::fs::create_dir_all(&inner).unwrap();
        let found = find(inner.to_str().unwrap()).await.unwrap();
        assert!(found.warnings[0].contains("isn't a git repository"), "{:?}", found.warnings);

        run(&top, &["init", "-q"]).await;
        let found = find(inner.to_str().unwrap()).await.unwrap();
        assert_eq!(found.repository.url(), format!("file://{}", top.display()));
        assert_eq!(found.warnings, Vec::<String>::new());

        std::fs::write(top.join("new"), "x").unwrap();
        let found = find(&format!("file://{}", top.display())).await.unwrap();
        assert!(found.warnings[0].contains("aren't committed"), "{:?}", found.warnings);
    }

    #[tokio::test]
    async fn a_bare_repository_is_one_too() {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path().canonicalize().unwrap();
        run(&top, &["init", "-q", "--bare"]).await;
        let found = find(top.to_str().unwrap()).await.unwrap();
        assert_eq!(found.repository.url(), format!("file://{}", top.display()));
        assert_eq!(found.warnings, Vec::<String>::new());
    }

    #[tokio::test]
    async fn an_address_is_checked_and_a_missing_path_named() {
        let found = find("https://example.org/a/b").await.unwrap();
        assert_eq!(found.repository.url(), "https://example.org/a/b");
        let error = find("git@example.org:a/b").await.unwrap_err();
        assert!(error.message.contains("https://example.org/a/b"), "{error:?}");
        let error = find("/not/there").await.unwrap_err();
        assert!(error.message.contains("isn't there"), "{error:?}");
    }
}
