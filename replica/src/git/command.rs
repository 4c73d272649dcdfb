//! One run of the `git` program: its environment, its bounds, its end.
//!
//! Nothing that an agent can write configures it: no system, global or work tree configuration is
//! read, hooks and helpers are off, and only the `file` protocol is allowed. What each call may
//! take and print is bounded, and its whole process group ends with it.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

/// The most that is kept of what git says on stderr: its end, where the reason is.
const STDERR_TAIL: usize = 4 * 1024;
/// How long git may take to end by itself (and drop its lock files) after SIGTERM.
const GRACE: Duration = Duration::from_secs(2);
/// How long pipes are read on after git's end, when something else still holds them.
const DRAIN: Duration = Duration::from_secs(1);

/// Configuration of every call, given by the environment so that it wins over any file.
const CONFIG: &[(&str, &str)] = &[
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.untrackedCache", "false"),
    ("core.sshCommand", "false"),
    ("core.askPass", "false"),
    ("core.editor", "false"),
    ("core.pager", "cat"),
    ("core.excludesFile", "/dev/null"),
    ("core.attributesFile", "/dev/null"),
    ("core.autocrlf", "false"),
    ("core.safecrlf", "false"),
    ("core.logAllRefUpdates", "false"),
    ("credential.helper", ""),
    ("protocol.allow", "never"),
    ("protocol.file.allow", "always"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("submodule.recurse", "false"),
    ("fetch.recurseSubmodules", "false"),
    ("push.recurseSubmodules", "no"),
    ("commit.gpgSign", "false"),
    ("push.gpgSign", "false"),
    ("log.showSignature", "false"),
    ("i18n.commitEncoding", "UTF-8"),
    ("i18n.logOutputEncoding", "UTF-8"),
    ("init.defaultBranch", "main"),
    ("advice.addEmbeddedRepo", "false"),
];

/// Why a run of git gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The program could not be started.
    #[error("cannot start {}: is git installed and in PATH?", program.display())]
    Start {
        /// What was to be started.
        program: PathBuf,
        /// What the kernel said.
        #[source]
        source: std::io::Error,
    },
    /// Its pipes broke.
    #[error("lost the pipes of git {operation}")]
    Pipes {
        /// The git command.
        operation: &'static str,
        /// What the kernel said.
        #[source]
        source: std::io::Error,
    },
    /// It took longer than it may, and was ended.
    #[error("git {operation} did not end within {} s", limit.as_secs())]
    TimedOut {
        /// The git command.
        operation: &'static str,
        /// The bound.
        limit: Duration,
    },
    /// It ended with an error.
    #[error("git {operation} failed ({}): {stderr}", exit_text(*code))]
    Failed {
        /// The git command.
        operation: &'static str,
        /// Its exit code; none when a signal ended it.
        code: Option<i32>,
        /// The end of what it said, printable.
        stderr: String,
    },
    /// It printed more than the caller wants to hold.
    #[error("git {operation} printed more than {limit} bytes")]
    TooMuch {
        /// The git command.
        operation: &'static str,
        /// The bound.
        limit: usize,
    },
    /// It printed something that is not of the form it documents.
    #[error("git {operation} printed something unexpected: {found}")]
    Unexpected {
        /// The git command.
        operation: &'static str,
        /// What it was, printable and short.
        found: String,
    },
}

fn exit_text(code: Option<i32>) -> String {
    code.map_or("ended by a signal".into(), |code| format!("exit {code}"))
}

impl Error {
    /// The error for output that couldn't be parsed.
    pub(super) fn unexpected(operation: &'static str, found: &[u8]) -> Self {
        Self::Unexpected { operation, found: printable(&found[..found.len().min(200)]) }
    }
}

/// The git program with what it is always given.
#[derive(Clone, Debug)]
pub(super) struct Git {
    program: PathBuf,
    git_dir: PathBuf,
}

/// What a call sees of the file system.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scope<'a> {
    /// Objects and refs alone.
    Objects,
    /// A work tree, through an index file.
    WorkTree { root: &'a Path, index: &'a Path },
}

/// One call, before it is made.
#[derive(Debug)]
pub(super) struct Call<'a> {
    operation: &'static str,
    args: Vec<OsString>,
    scope: Scope<'a>,
    envs: Vec<(&'static str, String)>,
    config: Vec<(&'static str, &'static str)>,
    stdin: Vec<u8>,
    timeout: Duration,
    max_output: usize,
}

/// How a call ended.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) code: Option<i32>,
    pub(super) stdout: Vec<u8>,
    /// More was printed than `stdout` holds; git was ended there.
    pub(super) truncated: bool,
    /// The end of stderr, printable.
    pub(super) stderr: String,
}

impl<'a> Call<'a> {
    /// A call of `git <operation>` with local bounds.
    pub(super) fn new(operation: &'static str) -> Self {
        Self {
            operation,
            args: Vec::new(),
            scope: Scope::Objects,
            envs: Vec::new(),
            config: Vec::new(),
            stdin: Vec::new(),
            timeout: Duration::from_secs(120),
            max_output: 64 * 1024 * 1024,
        }
    }

    pub(super) fn args<I>(mut self, args: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<OsStr>,
    {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    pub(super) fn scope(mut self, scope: Scope<'a>) -> Self {
        self.scope = scope;
        self
    }

    pub(super) fn env(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.envs.push((name, value.into()));
        self
    }

    /// One more setting, for this call.
    pub(super) fn config(mut self, key: &'static str, value: &'static str) -> Self {
        self.config.push((key, value));
        self
    }

    pub(super) fn stdin(mut self, stdin: impl Into<Vec<u8>>) -> Self {
        self.stdin = stdin.into();
        self
    }

    pub(super) fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    pub(super) fn max_output(mut self, max_output: usize) -> Self {
        self.max_output = max_output;
        self
    }
}

impl Git {
    /// A bare program name is looked up in PATH here, once: with a path in hand the standard
    /// library can start it without copying the address space first.
    pub(super) fn new(program: PathBuf, git_dir: PathBuf) -> Self {
        let found = (program.components().count() == 1)
            .then(|| std::env::var_os("PATH"))
            .flatten()
            .and_then(|path| {
                std::env::split_paths(&path).map(|dir| dir.join(&program)).find(|candidate| {
                    candidate.is_absolute()
                        && candidate.is_file()
                        && rustix::fs::access(candidate, rustix::fs::Access::EXEC_OK).is_ok()
                })
            });
        Self { program: found.unwrap_or(program), git_dir }
    }

    pub(super) fn git_dir(&self) -> &Path {
        &self.git_dir
    }

    /// Runs a call that must succeed; answers its whole stdout.
    pub(super) async fn run(&self, call: Call<'_>) -> Result<Vec<u8>, Error> {
        let (operation, limit) = (call.operation, call.max_output);
        let output = self.output(call).await?;
        if output.truncated {
            return Err(Error::TooMuch { operation, limit });
        }
        match output.code {
            Some(0) => Ok(output.stdout),
            code => Err(Error::Failed { operation, code, stderr: output.stderr }),
        }
    }

    /// Runs a call that must succeed and print one line.
    pub(super) async fn line(&self, call: Call<'_>) -> Result<String, Error> {
        let operation = call.operation;
        let stdout = self.run(call).await?;
        std::str::from_utf8(&stdout)
            .ok()
            .and_then(|text| text.strip_suffix('\n'))
            .filter(|line| !line.contains('\n'))
            .map(str::to_owned)
            .ok_or_else(|| Error::unexpected(operation, &stdout))
    }

    /// Runs a call to its end, whatever its exit code.
    ///
    /// Dropping the future kills git and everything in its process group.
    pub(super) async fn output(&self, call: Call<'_>) -> Result<Output, Error> {
        let mut command = self.command(&call);
        let Call { operation, stdin, timeout, max_output, .. } = call;
        let mut child = command
            .spawn()
            .map_err(|source| Error::Start { program: self.program.clone(), source })?;
        // Dropped before `child`, so the id can't have been given to another process yet.
        let mut group = Group(child.id().and_then(|id| Pid::from_raw(id.cast_signed())));
        let pipes = |source| Error::Pipes { operation, source };

        let to_git = child.stdin.take();
        let from_git = child.stdout.take();
        let errors = child.stderr.take();
        let mut stdout = Vec::new();
        let mut stderr = Vec::new();
        let mut truncated = false;
        let status = {
            let feed = async {
                if let Some(mut pipe) = to_git {
                    // Git may end without reading all; its exit code says why.
                    let _ = pipe.write_all(&stdin).await;
                }
            };
            let io = async {
                let (_, read, _) = tokio::join!(
                    feed,
                    read_head(from_git, &mut stdout, max_output),
                    read_tail(errors, &mut stderr)
                );
                truncated = read;
            };
            tokio::pin!(io);
            let mut io_done = false;
            let deadline = tokio::time::sleep(timeout);
            tokio::pin!(deadline);
            let status = loop {
                tokio::select! {
                    biased;
                    // What was printed first: a git that waits for a reader never ends.
                    () = &mut io, if !io_done => io_done = true,
                    status = child.wait() => break status.map_err(pipes)?,
                    () = &mut deadline => {
                        group.signal(Signal::TERM);
                        let _ = tokio::time::timeout(GRACE, child.wait()).await;
                        group.signal(Signal::KILL);
                        return Err(Error::TimedOut { operation, limit: timeout });
                    }
                }
            };
            if !io_done {
                // A process that a remote's hook left behind may hold the pipes for ever.
                let _ = tokio::time::timeout(DRAIN, &mut io).await;
            }
            status
        };
        group.reaped();
        Ok(Output { code: status.code(), stdout, truncated, stderr: printable(&stderr) })
    }

    fn command(&self, call: &Call<'_>) -> Command {
        let mut command = Command::new(&self.program);
        command.env_clear();
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        command
            .env("HOME", "/nonexistent")
            .env("LC_ALL", "C")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_ATTR_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_ALLOW_PROTOCOL", "file")
            .env("GIT_LITERAL_PATHSPECS", "1")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env("GIT_NO_LAZY_FETCH", "1")
            .env("GIT_CONFIG_COUNT", (CONFIG.len() + call.config.len()).to_string());
        for (number, (key, value)) in CONFIG.iter().chain(&call.config).enumerate() {
            command
                .env(format!("GIT_CONFIG_KEY_{number}"), key)
                .env(format!("GIT_CONFIG_VALUE_{number}"), value);
        }
        for (name, value) in &call.envs {
            command.env(name, value);
        }
        command.arg("--no-pager").arg(joined("--git-dir=", &self.git_dir));
        match call.scope {
            Scope::Objects => {
                command.current_dir(&self.git_dir);
            }
            Scope::WorkTree { root, index } => {
                command
                    .arg(joined("--work-tree=", root))
                    .env("GIT_INDEX_FILE", index)
                    .current_dir(root);
            }
        }
        command
            .arg(call.operation)
            .args(&call.args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        command
    }
}

fn joined(option: &str, path: &Path) -> OsString {
    let mut arg = OsString::from(option);
    arg.push(path);
    arg
}

/// The process group of a running git; ends with it.
struct Group(Option<Pid>);

impl Group {
    fn signal(&self, signal: Signal) {
        if let Some(pid) = self.0 {
            // Already gone is fine.
            let _ = kill_process_group(pid, signal);
        }
    }

    /// Git was waited for: its id is free for others, so it must not be signalled any more.
    fn reaped(&mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

/// Reads up to `max` bytes; true when there was more. Closing the pipe then ends the writer.
async fn read_head(pipe: Option<impl AsyncRead + Unpin>, into: &mut Vec<u8>, max: usize) -> bool {
    let Some(pipe) = pipe else { return false };
    let mut pipe = pipe.take(max as u64 + 1);
    // An error here is the end of the pipe.
    let _ = pipe.read_to_end(into).await;
    let truncated = into.len() > max;
    into.truncate(max);
    truncated
}

/// Reads all and keeps the last [`STDERR_TAIL`] bytes.
async fn read_tail(pipe: Option<impl AsyncRead + Unpin>, into: &mut Vec<u8>) {
    let Some(mut pipe) = pipe else { return };
    let mut chunk = [0; 4096];
    while let Ok(n @ 1..) = pipe.read(&mut chunk).await {
        into.extend_from_slice(&chunk[..n]);
        if into.len() > 2 * STDERR_TAIL {
            into.drain(..into.len() - STDERR_TAIL);
        }
    }
    into.drain(..into.len().saturating_sub(STDERR_TAIL));
}

/// Text for people: lines kept, every other control or direction character shown as `\u{..}`.
pub(super) fn printable(bytes: &[u8]) -> String {
    let mut text = String::new();
    for c in String::from_utf8_lossy(bytes).trim().chars() {
        let hidden = c.is_control() && c != '\n'
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if hidden {
            text.extend(c.escape_unicode());
        } else {
            text.push(c);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn program(script: &str) -> (tempfile::TempDir, Git) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("git");
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        let git = Git::new(path, dir.path().to_owned());
        (dir, git)
    }

    #[tokio::test]
    async fn only_the_needed_environment_is_passed_on() {
        let (_dir, git) = program("env");
        let stdout = git.run(Call::new("status")).await.unwrap();
        for line in String::from_utf8(stdout).unwrap().lines() {
            let name = line.split('=').next().unwrap();
            assert!(
                name.starts_with("GIT_")
                    || ["PATH", "HOME", "LC_ALL", "PWD", "SHLVL", "_", "OLDPWD"].contains(&name),
                "{line}"
            );
        }
    }

    #[tokio::test]
    async fn output_is_bounded_and_errors_keep_their_printable_end() {
        let (_dir, git) = program("yes");
        let error = git.run(Call::new("x").max_output(1000)).await.unwrap_err();
        assert!(matches!(error, Error::TooMuch { .. }), "{error:?}");

        let (_dir, git) = program(
            "i=0; while [ $i -lt 9999 ]; do echo noise >&2; i=$((i+1)); done; printf 'the \\033[31mreason' >&2; exit 7",
        );
        let error = git.run(Call::new("x")).await.unwrap_err();
        let Error::Failed { code, stderr, .. } = error else { panic!("{error:?}") };
        assert_eq!(code, Some(7));
        assert!(stderr.len() < 5000 && stderr.ends_with(r"the \u{1b}[31mreason"), "{stderr}");
    }

    #[tokio::test]
    async fn too_slow_ends_the_whole_group() {
        let (dir, git) = program("mkfifo f; (exec 3<>f; sleep 600) & sleep 600");
        let error = git.run(Call::new("x").timeout(Duration::from_millis(300))).await.unwrap_err();
        assert!(matches!(error, Error::TimedOut { .. }), "{error:?}");
        // The inner shell held the fifo open; with it gone there is no reader any more.
        let fifo = dir.path().join("f");
        let gone = std::time::Instant::now();
        loop {
            let flags = rustix::fs::OFlags::WRONLY | rustix::fs::OFlags::NONBLOCK;
            match rustix::fs::open(&fifo, flags, rustix::fs::Mode::empty()) {
                Err(rustix::io::Errno::NXIO) => break,
                other => assert!(gone.elapsed() < Duration::from_secs(10), "{other:?}"),
            }
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_process_left_behind_does_not_hold_the_answer() {
        let (_dir, git) = program("setsid sleep 20 & echo done");
        let started = std::time::Instant::now();
        assert_eq!(git.run(Call::new("x")).await.unwrap(), b"done\n");
        assert!(started.elapsed() < Duration::from_secs(10));
    }

    #[tokio::test]
    async fn a_missing_program_is_said() {
        let git = Git::new("/nonexistent/git".into(), "/tmp".into());
        let error = git.run(Call::new("x")).await.unwrap_err();
        assert!(error.to_string().contains("is git installed"), "{error}");
    }
}
