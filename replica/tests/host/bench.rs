//! A host with a workspace, and the FIFO that shows who is alive.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::Duration;

use smith_replica::host::{
    Command, Exit, Host, Isolation, Local, Piped, Process, Program, Size, Stdin, Terminal, support,
};
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_smith-replica");
pub(crate) const SIZE: Size = Size { rows: 30, cols: 100 };
/// What takes longer than this hangs.
pub(crate) const SOON: Duration = Duration::from_secs(60);

/// Runs each test in both isolations.
macro_rules! in_both {
    ($($name:ident),* $(,)?) => {
        mod in_namespace {
            $(#[tokio::test]
            async fn $name() {
                let isolation = smith_replica::host::support().await.isolation;
                $crate::bench::in_time(super::$name(isolation)).await;
            })*
        }
        mod in_process_tree {
            $(#[tokio::test]
            async fn $name() {
                $crate::bench::in_time(super::$name(smith_replica::host::Isolation::Processes)).await;
            })*
        }
    };
}
pub(crate) use in_both;

pub(crate) async fn in_time<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(SOON, work).await.expect("hangs")
}

/// Directories of a test.
pub(crate) struct Place {
    folder: PathBuf,
    /// Removes them.
    _owned: Option<tempfile::TempDir>,
}

impl Place {
    pub(crate) fn new() -> Self {
        let owned = tempfile::tempdir().unwrap();
        let folder = owned.path().to_path_buf();
        std::fs::create_dir(folder.join("workspace")).unwrap();
        Self { folder, _owned: Some(owned) }
    }

    /// That of another process.
    pub(crate) fn existing(folder: PathBuf) -> Self {
        Self { folder, _owned: None }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn workspace(&self) -> PathBuf {
        self.folder.join("workspace")
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.join("run/host")
    }

    pub(crate) fn local(&self, isolation: Isolation) -> Local {
        Local {
            program: PROGRAM.into(),
            socket: self.socket(),
            workspace: self.workspace(),
            hidden: vec![],
            isolation: Some(isolation),
        }
    }

    pub(crate) async fn host(&self, isolation: Isolation) -> Host {
        Host::spawn_local(&self.local(isolation)).await.unwrap()
    }

    /// The pid of the host's process with this role, as this test sees it.
    pub(crate) fn pid_of(&self, roles: &[&str]) -> Option<i32> {
        let socket = self.socket();
        std::fs::read_dir("/proc").unwrap().flatten().find_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let line = std::fs::read(entry.path().join("cmdline")).ok()?;
            let words: Vec<&[u8]> = line.split(|&byte| byte == 0).collect();
            let is_host = words.contains(&socket.as_os_str().as_encoded_bytes());
            // The first word tells the host from the `unshare` around it.
            let is_role = match roles {
                ["unshare"] => words[0].ends_with(b"unshare"),
                roles => {
                    !words[0].ends_with(b"unshare")
                        && roles.iter().any(|role| words.contains(&role.as_bytes()))
                }
            };
            (is_host && is_role).then_some(pid)
        })
    }

    pub(crate) fn host_pid(&self) -> i32 {
        self.pid_of(&["direct", "guarded"]).expect("the host runs")
    }

    pub(crate) fn outermost_pid(&self) -> i32 {
        self.pid_of(&["unshare"])
            .or_else(|| self.pid_of(&["guard"]))
            .expect("something stands around it")
    }

    /// Makes the FIFO `hold` in the workspace and reads it.
    pub(crate) fn held(&self) -> Held {
        let fifo = self.workspace().join("hold");
        let made = std::process::Command::new("mkfifo").arg(&fifo).status().unwrap();
        assert!(made.success());
        let (lines_tx, lines) = mpsc::channel(16);
        std::thread::spawn(move || {
            let fifo = BufReader::new(std::fs::File::open(fifo).unwrap());
            for line in fifo.lines() {
                lines_tx.blocking_send(line.unwrap()).unwrap();
            }
        });
        Held { lines }
    }
}

/// The reading end of a FIFO that processes hold open.
pub(crate) struct Held {
    lines: mpsc::Receiver<String>,
}

impl Held {
    /// What a holder says next; `None` when there is none any more.
    pub(crate) async fn next(&mut self) -> Option<String> {
        in_time(self.lines.recv()).await
    }

    pub(crate) async fn line(&mut self) -> String {
        self.next().await.expect("somebody holds it")
    }

    /// Waits until a holder says this.
    pub(crate) async fn says(&mut self, expected: &str) {
        assert_eq!(self.line().await, expected);
    }

    /// Waits until there is no holder.
    pub(crate) async fn ends(&mut self) {
        assert_eq!(self.next().await, None);
    }

    pub(crate) fn is_held(&mut self) -> bool {
        self.lines.try_recv() == Err(mpsc::error::TryRecvError::Empty)
    }
}

pub(crate) fn command(program: Program) -> Command {
    let env = BTreeMap::from([("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned())]);
    Command { program, env, cwd: PathBuf::new() }
}

pub(crate) fn shell(line: &str) -> Command {
    command(Program::Shell(line.to_owned()))
}

pub(crate) async fn piped(host: &Host, line: &str) -> (Process, Piped) {
    host.start_in_pipes(shell(line), Stdin::Null).await.unwrap()
}

pub(crate) async fn in_terminal(host: &Host, line: &str) -> (Process, Terminal) {
    host.start_in_terminal(shell(line), SIZE).await.unwrap()
}

pub(crate) async fn text(reader: &mut (impl tokio::io::AsyncRead + Unpin)) -> String {
    let mut bytes = Vec::new();
    in_time(reader.read_to_end(&mut bytes)).await.unwrap();
    String::from_utf8(bytes).unwrap()
}

/// Reads until `wanted` has come.
pub(crate) async fn until(
    reader: &mut (impl tokio::io::AsyncRead + Unpin),
    wanted: &str,
) -> String {
    let mut bytes = Vec::new();
    while !String::from_utf8_lossy(&bytes).contains(wanted) {
        let mut piece = [0; 4096];
        let read = in_time(reader.read(&mut piece)).await.unwrap();
        assert_ne!(read, 0, "ended without {wanted:?}: {}", String::from_utf8_lossy(&bytes));
        bytes.extend_from_slice(&piece[..read]);
    }
    String::from_utf8(bytes).unwrap()
}

pub(crate) fn kill(pid: i32, signal: smith_replica::host::Signal) {
    rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), signal).unwrap();
}

pub(crate) const KILLED: Option<Exit> = Some(Exit::Signal(9));

/// True where the better isolation is not the other one.
pub(crate) async fn has_namespaces() -> bool {
    support().await.isolation != Isolation::Processes
}
