//! Against real git, in temporary directories: the plain ways, and work trees of hostile agents.

mod hostile;
mod refs;
mod trees;

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::process::Command;

use super::*;

struct Fixture {
    /// Holds `remote.git`, `seed` (a clone that tests commit in), `ws` and `trusted.git`.
    dir: tempfile::TempDir,
    repo: Repo,
    base: Sha,
}

/// Runs a shell script as a person (or an agent) would, with an environment of its own.
fn sh(dir: &Path, script: &str) -> String {
    let output = Command::new("sh")
        .args(["-ec", script])
        .current_dir(dir)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", dir)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_AUTHOR_NAME", "T")
        .env("GIT_AUTHOR_EMAIL", "t@example.org")
        .env("GIT_COMMITTER_NAME", "T")
        .env("GIT_COMMITTER_EMAIL", "t@example.org")
        .output()
        .unwrap();
    assert!(output.status.success(), "{script}\n{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn identity() -> Identity {
    Identity::new("Smith", "smith@localhost").unwrap()
}

fn author() -> Author {
    Author { identity: identity(), date: "2026-01-02T03:04:05Z".parse().unwrap() }
}

fn branch(name: &str) -> RefName {
    name.parse::<BranchName>().unwrap().ref_name()
}

fn status_of(snapshot: &Snapshot) -> Vec<(Status, &[u8])> {
    snapshot
        .files
        .iter()
        .map(|change| (change.status, change.path.as_os_str().as_bytes()))
        .collect()
}

impl Fixture {
    async fn new() -> Self {
        Self::with(
            Settings::default(),
            "printf 'a\\nb\\n' > a; mkdir d; echo f > d/f; echo '*.ign' > .gitignore",
        )
        .await
    }

    async fn with(settings: Settings, script: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path();
        sh(
            path,
            &format!(
                "git init -q --bare -b main remote.git; git init -q -b main seed; mkdir ws; cd seed
                 {script}
                 git add -A; git commit --allow-empty -qm base; git push -q ../remote.git main"
            ),
        );
        let repo = Self::open(path, "trusted.git", "ws", settings).await;
        let base = repo.fetch_base(&"main".parse().unwrap()).await.unwrap();
        repo.checkout(&base, Clean::Everything).await.unwrap();
        Self { dir, repo, base }
    }

    async fn open(path: &Path, git_dir: &str, ws: &str, settings: Settings) -> Repo {
        let remote = path.join("remote.git").to_str().unwrap().parse().unwrap();
        Repo::open_or_init(&path.join(git_dir), &path.join(ws), remote, settings).await.unwrap()
    }

    fn ws(&self) -> PathBuf {
        self.dir.path().join("ws")
    }

    /// Runs a script in the workspace, as an agent.
    fn agent(&self, script: &str) -> String {
        sh(&self.ws(), script)
    }

    async fn snapshot(&self) -> Snapshot {
        self.repo.snapshot(&self.base).await.unwrap()
    }

    async fn commit(&self, subject: &str) -> Sha {
        let snapshot = self.snapshot().await;
        self.repo
            .commit_tree(
                &snapshot.tree,
                std::slice::from_ref(&self.base),
                &Message::new(subject, "", &[]),
                &author(),
            )
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn the_git_directory_must_lie_outside_the_workspace() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("ws")).unwrap();
    for git_dir in ["ws/inner.git", "."] {
        let error = Repo::open_or_init(
            &dir.path().join(git_dir),
            &dir.path().join("ws"),
            "/nowhere".parse().unwrap(),
            Settings::default(),
        )
        .await
        .unwrap_err();
        assert!(matches!(error, OpenError::Nested { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn locks_of_a_killed_process_are_cleared() {
    let fixture = Fixture::new().await;
    let git_dir = fixture.dir.path().join("trusted.git");
    let sha = &fixture.base;
    fs::write(git_dir.join("worktree.index.lock"), "").unwrap();
    fixture.snapshot().await;
    sh(
        fixture.dir.path(),
        "cd seed; echo x > a; git commit -qam two; git push -q ../remote.git main",
    );
    fs::write(git_dir.join(format!("refs/fetched/{sha}.lock")), "").unwrap();
    fs::write(git_dir.join("packed-refs.lock"), "").unwrap();
    let repo = Fixture::open(fixture.dir.path(), "trusted.git", "ws", Settings::default()).await;
    repo.fetch_base(&"main".parse().unwrap()).await.unwrap();
    repo.fetch_sha(sha).await.unwrap();
    assert!(!git_dir.join("packed-refs.lock").exists());
}
