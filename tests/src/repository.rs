//! A real git repository, as loops are given and as they leave it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A repository of a test, with a work tree.
#[derive(Clone, Debug)]
pub struct Repository {
    path: PathBuf,
}

/// A commit as `git log` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Its id.
    pub id: String,
    /// Its tree.
    pub tree: String,
    /// Its first line.
    pub subject: String,
    /// Its trailers.
    pub trailers: BTreeMap<String, String>,
}

impl Repository {
    /// A new one with one commit on `main`.
    pub fn create(path: &Path) -> Self {
        std::fs::create_dir_all(path).unwrap();
        let repository = Self { path: path.canonicalize().unwrap() };
        repository.git(&["init", "--quiet", "--initial-branch", "main"]);
        repository.commit("README.md", "a repository of a test\n", "the first commit");
        repository
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("file://{}", self.path.display())
    }

    /// Its directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs git in it; answers what it prints.
    #[track_caller]
    pub fn git(&self, args: &[&str]) -> String {
        self.try_git(args).unwrap_or_else(|error| panic!("git {args:?}: {error}"))
    }

    /// The same, where a failure is an answer too.
    pub fn try_git(&self, args: &[&str]) -> Result<String, String> {
        let mut command = Command::new("git");
        command.current_dir(&self.path).args(args);
        // Nothing of the machine's or the user's settings.
        command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
        for who in ["AUTHOR", "COMMITTER"] {
            command
                .env(format!("GIT_{who}_NAME"), "Test")
                .env(format!("GIT_{who}_EMAIL"), "t@example.org");
        }
        let output = command.output().unwrap();
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned());
        }
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// Commits one file to the branch that is checked out; answers the commit.
    pub fn commit(&self, file: &str, text: &str, message: &str) -> String {
        let path = self.path.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self.git(&["add", "--", file]);
        self.git(&["commit", "--quiet", "-m", message]);
        self.id("HEAD")
    }

    /// The commit that a name stands for.
    #[track_caller]
    pub fn id(&self, name: &str) -> String {
        self.git(&["rev-parse", "--verify", &format!("{name}^{{commit}}")])
    }

    /// Does a name stand for a commit?
    pub fn has(&self, name: &str) -> bool {
        self.try_git(&["rev-parse", "--verify", "--quiet", &format!("{name}^{{commit}}")]).is_ok()
    }

    /// A file of a commit.
    pub fn file(&self, name: &str, path: &str) -> Option<String> {
        self.try_git(&["show", &format!("{name}:{path}")]).ok()
    }

    /// All files of a commit.
    pub fn files(&self, name: &str) -> Vec<String> {
        let listed = self.git(&["ls-tree", "-r", "--name-only", name]);
        listed.lines().map(str::to_owned).collect()
    }

    /// The commits of a range, oldest first.
    #[track_caller]
    pub fn commits(&self, range: &str) -> Vec<Commit> {
        let format = "%H%x00%T%x00%s%x00%(trailers:only,unfold)%x01";
        let log = self.git(&["log", "--reverse", &format!("--format={format}"), range]);
        let records = log.split('\x01').map(str::trim_start).filter(|record| !record.is_empty());
        let parse = |record: &str| {
            let mut fields = record.split('\0').map(str::to_owned);
            let mut next = || fields.next().unwrap_or_default();
            let (id, tree, subject, trailers) = (next(), next(), next(), next());
            let pairs = trailers.lines().filter_map(|line| line.split_once(": "));
            let trailers = pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
            Commit { id, tree, subject, trailers }
        };
        records.map(parse).collect()
    }

    /// The stories that were committed in a range, in their order. No story may be there twice.
    #[track_caller]
    pub fn stories(&self, range: &str) -> Vec<String> {
        let commits = self.commits(range);
        let stories: Vec<String> =
            commits.iter().filter_map(|c| c.trailers.get("Story").cloned()).collect();
        let mut unique = stories.clone();
        unique.sort();
        unique.dedup();
        assert_eq!(unique.len(), stories.len(), "a story was committed twice: {commits:#?}");
        stories
    }

    /// All refs below a prefix.
    pub fn refs(&self, prefix: &str) -> Vec<String> {
        let listed = self.git(&["for-each-ref", "--format=%(refname)", prefix]);
        listed.lines().map(str::to_owned).collect()
    }
}
