//! smithd, started on this machine: found, put into a session of its own so that it outlives this program, and waited for.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use smith_model::context::LOCAL;
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

use crate::connect::ConnectNews;
use crate::run::connect::{Told, reach, tell};
use crate::run::private;
use crate::settings::{Asked, Env};

/// How long it may take: an etcd is started for it.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// How often it is looked whether it is there.
const LOOK: Duration = Duration::from_millis(250);
/// Lines of its log that are shown, at most, and the bytes that they are taken from.
const TAIL: (usize, u64) = (8, 8 * 1024);

/// Starts it and connects to it, or tells why not.
pub(super) async fn start(env: Env, tx: mpsc::Sender<Told>) {
    // One that runs already is taken as it is.
    if let Ok((target, identity)) = reach(local(), env.clone()).await {
        let _ = tx.send(Told::Server(Box::new(target), identity)).await;
        return;
    }
    let not = |why: String, said| ConnectNews::NotStarted { why, said };
    let Some(program) = find(&env) else {
        let why = "smithd is neither beside this program nor on PATH: install it, or name a server";
        return tell(&tx, not(why.to_owned(), vec![])).await;
    };
    let Some(log) = env.state_dir.as_ref().map(|dir| dir.join("smithd.log")) else {
        let why = "there is no place for smithd's log: set HOME to an absolute path".to_owned();
        return tell(&tx, not(why, vec![])).await;
    };
    let child = match spawn(&program, &log) {
        Ok(child) => child,
        Err(error) => {
            let why = format!("can't start {}: {error}", program.display());
            return tell(&tx, not(why, vec![])).await;
        }
    };
    tell(&tx, ConnectNews::Starting { program, log: log.clone() }).await;
    match wait(child, env).await {
        Ok(found) => {
            let (target, identity) = *found;
            let _ = tx.send(Told::Server(Box::new(target), identity)).await;
        }
        Err(why) => {
            tell(&tx, not(format!("{why}; its log is {}", log.display()), tail(&log))).await
        }
    }
}

fn local() -> Asked {
    Asked { context: Some(LOCAL.to_owned()), ..Asked::default() }
}

type Found = Box<(crate::settings::Target, smith_model::access::Identity)>;

async fn wait(mut child: Child, env: Env) -> Result<Found, String> {
    let begun = Instant::now();
    let mut last = String::new();
    while begun.elapsed() < READY_WITHIN {
        match child.try_wait() {
            Ok(Some(status)) => return Err(format!("smithd ended at once ({status})")),
            Ok(None) => {}
            Err(error) => return Err(format!("smithd can't be watched: {error}")),
        }
        match reach(local(), env.clone()).await {
            Ok(found) => return Ok(Box::new(found)),
            Err(why) => last = why,
        }
        tokio::time::sleep(LOOK).await;
    }
    let waited = READY_WITHIN.as_secs();
    Err(format!("smithd isn't ready after {waited} s, and goes on; the last try: {last}"))
}

/// Beside this program, else on PATH.
fn find(env: &Env) -> Option<PathBuf> {
    let own = std::env::current_exe().ok();
    let beside = own.as_deref().and_then(Path::parent).map(Path::to_owned);
    let dirs = beside.into_iter().chain(env.path.iter().cloned());
    dirs.map(|dir| dir.join("smithd")).find(|path| path.is_file())
}

fn spawn(program: &Path, log: &Path) -> io::Result<Child> {
    let mut command = Command::new(program);
    let out = private::append(log)?;
    command.stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out).current_dir("/");
    // A session of its own: this terminal's Ctrl-C and hang-up don't reach it. The standard library offers only a process
    // group, which still has the terminal.
    // SAFETY: setsid(2) is async-signal-safe, and the closure neither allocates nor locks.
    #[allow(unsafe_code)]
    unsafe {
        command.pre_exec(|| Ok(rustix::process::setsid().map(drop)?));
    }
    command.kill_on_drop(false).spawn()
}

/// The last lines of a log; none, where it can't be read.
fn tail(path: &Path) -> Vec<String> {
    let (most, bytes) = TAIL;
    let read = || -> io::Result<String> {
        let mut file = File::open(path)?;
        let from = file.metadata()?.len().saturating_sub(bytes);
        file.seek(SeekFrom::Start(from))?;
        let mut text = vec![];
        file.take(bytes).read_to_end(&mut text)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    };
    let text = read().unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(most)..].iter().map(|line| (*line).to_owned()).collect()
}
