//! Which etcd to start, whether it is new enough, and what ties its life to ours.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

/// The oldest etcd that works at all.
const OLDEST: Version = Version(3, 4, 0);
/// Before it, a requested progress notification may overtake events. Smith doesn't request any, so an
/// older one works; but it has had no fixes since.
const ADVISED: Version = Version(3, 5, 13);
/// A program that only prints its version is done in milliseconds.
const VERSION_WITHIN: Duration = Duration::from_secs(10);

const HOW_TO_GET_ONE: &str = "install it (Debian and Ubuntu: `apt-get install etcd-server`; others: https://github.com/etcd-io/etcd/releases), or set SMITH_ETCD to its path, or use a running one with --etcd-endpoints";

/// Why there is no etcd to start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// None was found.
    #[error("found no etcd program in PATH, nor in .tools/bin beside or above {}; {HOW_TO_GET_ONE}", looked.display())]
    NotFound {
        /// Where the search upwards began.
        looked: PathBuf,
    },
    /// The one that was named isn't there.
    #[error("SMITH_ETCD names {}, which isn't a program; correct it, or unset it to have etcd searched for in PATH", path.display())]
    Named {
        /// What was named.
        path: PathBuf,
    },
    /// It can't be asked for its version.
    #[error("can't run `{} --version`; {HOW_TO_GET_ONE}", path.display())]
    Run {
        /// The program.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It answers something else.
    #[error("`{} --version` doesn't answer like etcd but {answer:?}; {HOW_TO_GET_ONE}", path.display())]
    NotEtcd {
        /// The program.
        path: PathBuf,
        /// The beginning of what it says.
        answer: String,
    },
    /// It is too old.
    #[error("{} is etcd {version}, and smithd needs {OLDEST} or later ({ADVISED} or later is advised); {HOW_TO_GET_ONE}", path.display())]
    TooOld {
        /// The program.
        path: PathBuf,
        /// Its version.
        version: Version,
    },
}

/// Major, minor and patch number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(u16, u16, u16);

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

impl Version {
    /// From what `etcd --version` prints: `etcd Version: 3.4.23` is its first line.
    fn from_answer(answer: &str) -> Option<Self> {
        let number = answer.lines().find_map(|line| line.strip_prefix("etcd Version:"))?.trim();
        // A pre-release (`3.6.0-rc.1`) counts as the release that it precedes.
        let number = number.split(['-', '+']).next()?;
        let mut parts = number.split('.').map(|part| part.parse().ok());
        Some(Self(parts.next()??, parts.next()??, parts.next()??))
    }
}

/// Where programs are searched for.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// The etcd to use, if it was named (`SMITH_ETCD`).
    pub named: Option<PathBuf>,
    /// `PATH`.
    pub path: Option<OsString>,
    /// Where the search for `.tools/bin` begins; it goes upwards, so that a checkout finds its own.
    pub current_dir: PathBuf,
    /// Our own program, beside and above which `.tools/bin` is searched for too.
    pub executable: Option<PathBuf>,
}

impl Search {
    /// As this process' environment says.
    pub fn from_environment() -> Self {
        Self {
            named: std::env::var_os("SMITH_ETCD")
                .filter(|name| !name.is_empty())
                .map(PathBuf::from),
            path: std::env::var_os("PATH"),
            current_dir: std::env::current_dir().unwrap_or_default(),
            executable: std::env::current_exe().ok(),
        }
    }

    /// The etcd to start.
    pub fn etcd(&self) -> Result<PathBuf, Error> {
        if let Some(named) = &self.named {
            let path = self.current_dir.join(named);
            return if is_program(&path) { Ok(path) } else { Err(Error::Named { path }) };
        }
        let beside =
            |executable: &Path| executable.parent().map(|directory| directory.join("etcd"));
        let above = |start: &Path| -> Vec<PathBuf> {
            start.ancestors().skip(1).map(|directory| directory.join(".tools/bin/etcd")).collect()
        };
        let mut candidates: Vec<PathBuf> = self.in_path("etcd").into_iter().collect();
        // `ancestors` begins with the path itself, which for a program is no directory.
        candidates.extend(above(&self.current_dir.join("_")));
        if let Some(executable) = &self.executable {
            candidates.extend(beside(executable));
            candidates.extend(above(executable));
        }
        candidates
            .into_iter()
            .find(|candidate| is_program(candidate))
            .ok_or_else(|| Error::NotFound { looked: self.current_dir.clone() })
    }

    fn in_path(&self, name: &str) -> Option<PathBuf> {
        // An empty entry means the current directory to shells; here it is left out.
        std::env::split_paths(self.path.as_ref()?)
            .filter(|directory| directory.is_absolute())
            .map(|directory| directory.join(name))
            .find(|candidate| is_program(candidate))
    }
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path)
        .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// Asks an etcd for its version and refuses one that is too old.
pub(super) async fn check_version(path: &Path) -> Result<Version, Error> {
    let failed = |source| Error::Run { path: path.to_path_buf(), source };
    let asked = Command::new(path)
        .arg("--version")
        .env_clear()
        .envs(super::running::environment())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = match tokio::time::timeout(VERSION_WITHIN, asked).await {
        Ok(output) => output.map_err(failed)?,
        Err(_) => return Err(failed(std::io::ErrorKind::TimedOut.into())),
    };
    let answer = String::from_utf8_lossy(&output.stdout);
    let Some(version) = Version::from_answer(&answer) else {
        let answer = format!("{answer}{}", String::from_utf8_lossy(&output.stderr));
        return Err(Error::NotEtcd {
            path: path.to_path_buf(),
            answer: answer.chars().take(200).collect(),
        });
    };
    if version < OLDEST {
        return Err(Error::TooOld { path: path.to_path_buf(), version });
    }
    if version < ADVISED {
        tracing::warn!(%version, advised = %ADVISED, "this etcd is old; it works, but a later one is advised");
    }
    Ok(version)
}

/// What makes the kernel end etcd when we die without a chance to.
///
/// std can't set PDEATHSIG without unsafe code, and `unshare --kill-child` doesn't help: it kills its
/// child when *it* dies, and nothing ends it when we do. Where there is no `setpriv`, an etcd outlives a
/// kill -9 of smithd, and the next start takes it over.
#[derive(Clone, Debug)]
pub(super) enum Lifeline {
    /// util-linux' `setpriv --pdeathsig`, which becomes etcd by exec, so that the pid is etcd's.
    Setpriv(PathBuf),
    /// Nothing.
    None,
}

impl Lifeline {
    pub(super) async fn find(search: &Search) -> Self {
        let Some(setpriv) = search.in_path("setpriv") else { return Self::None };
        // busybox has a setpriv too, without this option.
        let works = Command::new(&setpriv)
            .args(["--pdeathsig", "KILL", "--"])
            .arg(&setpriv)
            .arg("--version")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .status();
        match tokio::time::timeout(VERSION_WITHIN, works).await {
            Ok(Ok(status)) if status.success() => Self::Setpriv(setpriv),
            _ => Self::None,
        }
    }

    /// The command that becomes `program`.
    pub(super) fn command(&self, program: &Path) -> std::process::Command {
        match self {
            Self::Setpriv(setpriv) => {
                let mut command = std::process::Command::new(setpriv);
                command.args(["--pdeathsig", "KILL", "--"]).arg(program);
                command
            }
            Self::None => std::process::Command::new(program),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_the_first_line() {
        let answer = "etcd Version: 3.4.23\nGit SHA: Not provided\nGo Version: go1.19.8\n";
        assert_eq!(Version::from_answer(answer), Some(Version(3, 4, 23)));
        assert_eq!(Version::from_answer("etcd Version: 3.6.0-rc.1\n"), Some(Version(3, 6, 0)));
        assert_eq!(Version::from_answer("etcd Version: 3.x\n"), None);
        assert_eq!(Version::from_answer("hello\n"), None);
        assert!(
            Version(3, 3, 27) < OLDEST && Version(3, 5, 9) < ADVISED && Version(3, 10, 0) > ADVISED
        );
    }

    #[test]
    fn a_named_program_that_is_missing_is_not_replaced_by_another() {
        let search =
            Search { named: Some("/nonexistent/etcd".into()), ..Search::from_environment() };
        assert!(
            search.etcd().unwrap_err().to_string().contains("SMITH_ETCD names /nonexistent/etcd")
        );
    }

    #[test]
    fn nothing_found_says_how_to_get_one() {
        let empty = tempfile::tempdir().unwrap();
        let search = Search { current_dir: empty.path().to_path_buf(), ..Search::default() };
        assert!(search.etcd().unwrap_err().to_string().contains("apt-get install etcd-server"));
    }

    #[test]
    fn tools_are_found_upwards_from_the_directory_and_from_the_program() {
        use std::os::unix::fs::PermissionsExt;
        let root = tempfile::tempdir().unwrap();
        let tool = root.path().join(".tools/bin/etcd");
        std::fs::create_dir_all(tool.parent().unwrap()).unwrap();
        std::fs::write(&tool, "").unwrap();
        std::fs::set_permissions(&tool, std::fs::Permissions::from_mode(0o755)).unwrap();
        let below = Search { current_dir: root.path().join("a/b"), ..Search::default() };
        assert_eq!(below.etcd().unwrap(), tool);
        let elsewhere = Search {
            current_dir: "/".into(),
            executable: Some(root.path().join("target/debug/smithd")),
            ..Search::default()
        };
        assert_eq!(elsewhere.etcd().unwrap(), tool);
    }

    #[tokio::test]
    async fn what_is_not_etcd_or_too_old_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let script = |name: &str, text: &str| {
            let path = directory.path().join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
            path
        };
        let old = script("old", "#!/bin/sh\necho 'etcd Version: 3.3.27'\n");
        let refusal = check_version(&old).await.unwrap_err().to_string();
        assert!(refusal.contains("is etcd 3.3.27, and smithd needs 3.4.0 or later"), "{refusal}");
        let other = script("other", "#!/bin/sh\necho hello\n");
        assert!(check_version(&other).await.unwrap_err().to_string().contains("hello"));
    }
}
