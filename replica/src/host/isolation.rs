//! What stands around a local host, and whether this machine's kernel allows the better of the two.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::sync::OnceCell;

/// How a local host is confined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// A PID namespace: when its first process ends, the kernel ends all others at once.
    Namespace(Namespace),
    /// A guard process that finds and ends what a host left.
    Processes,
}

impl std::fmt::Display for Isolation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Namespace(Namespace::Privileged) => "PID namespace",
            Self::Namespace(Namespace::User) => "PID namespace in a user namespace",
            Self::Processes => "process tree",
        })
    }
}

/// How a PID namespace is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Namespace {
    /// With the user's own privileges.
    Privileged,
    /// Inside a user namespace that maps the user to itself. Programs that change the user (sudo)
    /// don't work in it.
    User,
}

impl Namespace {
    pub(super) fn unshare_arguments(self) -> &'static [&'static str] {
        match self {
            Self::Privileged => &["--fork", "--pid", "--mount-proc", "--kill-child=SIGKILL"],
            Self::User => &[
                "--user",
                "--map-current-user",
                // The host covers what is hidden before it gives them up.
                "--keep-caps",
                "--fork",
                "--pid",
                "--mount-proc",
                "--kill-child=SIGKILL",
            ],
        }
    }
}

/// What the kernel allows here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Support {
    /// The best that works.
    pub isolation: Isolation,
    /// Why it isn't a PID namespace, if it isn't; for `doctor`.
    pub refusal: Option<String>,
}

const PROBE_TIMEOUT: Duration = Duration::from_secs(5);

/// Tries PID namespaces once and remembers what came of it.
pub async fn support() -> &'static Support {
    static SUPPORT: OnceCell<Support> = OnceCell::const_new();
    SUPPORT.get_or_init(probe_all).await
}

async fn probe_all() -> Support {
    let root = rustix::process::geteuid().is_root();
    // Root in a container may lack the privilege and still be allowed a user namespace.
    let candidates: &[Namespace] =
        if root { &[Namespace::Privileged, Namespace::User] } else { &[Namespace::User] };
    let mut refusals = Vec::new();
    for &namespace in candidates {
        match probe(namespace).await {
            Ok(()) => {
                return Support { isolation: Isolation::Namespace(namespace), refusal: None };
            }
            Err(refusal) => refusals.push(refusal),
        }
    }
    Support { isolation: Isolation::Processes, refusal: Some(refusals.join("; ")) }
}

async fn probe(namespace: Namespace) -> Result<(), String> {
    let arguments = namespace.unshare_arguments();
    let shown = format!("unshare {}", arguments.join(" "));
    let output = Command::new("unshare")
        .args(arguments)
        // First process of its namespace, and /proc shows it.
        .args(["--", "/bin/sh", "-c", "test $$ -eq 1 && test -r /proc/1/stat"])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = match tokio::time::timeout(PROBE_TIMEOUT, output).await {
        Ok(Ok(output)) => output,
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err("there is no program 'unshare' (package util-linux)".to_owned());
        }
        Ok(Err(error)) => return Err(format!("{shown}: {error}")),
        Err(_) => {
            return Err(format!("{shown}: no answer in {} s", PROBE_TIMEOUT.as_secs()));
        }
    };
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.lines().next().unwrap_or("it said nothing").trim();
    Err(format!("{shown}: {said}"))
}
