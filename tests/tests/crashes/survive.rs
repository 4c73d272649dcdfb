//! Going on after a crash: points are armed, who was killed is started again, acts are asked for until they are done.

use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Duration;

use futures::future::{FutureExt as _, select_all};
use rustix::process::Signal;
use smith_tests::{World, in_time};

/// The points that a worker passes; all others are the servers'.
const WORKERS: [&str; 3] = ["replica.", "host.", "keeper."];

/// Starts all servers anew with these points armed, each of which fires once. Answers the log of those that fired.
pub(crate) async fn arm(world: &mut World, points: &[(&str, &str)]) -> PathBuf {
    let log = world.file("fired");
    let told = |workers: bool| {
        let all = points.iter().filter(|(name, _)| is_workers(name) == workers);
        all.map(|(name, action)| format!("{name}={action};")).collect::<String>()
    };
    let path = log.display().to_string();
    world.settings.env.extend([
        ("SMITH_FAILPOINTS".into(), told(false)),
        ("SMITH_FAILPOINTS_LOG".into(), path.clone()),
        ("SMITH_WORKER_FAILPOINTS".into(), told(true)),
        ("SMITH_WORKER_FAILPOINTS_LOG".into(), path),
    ]);
    let settings = world.settings.clone();
    for server in world.servers.iter_mut().chain(&mut world.cores) {
        server.process.kill().await;
        server.start_again(&settings).await;
    }
    log
}

fn is_workers(name: &str) -> bool {
    WORKERS.iter().any(|room| name.starts_with(room))
}

/// The points that fired, each once.
pub(crate) fn fired(log: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let mut names: Vec<String> = text.lines().map(str::to_owned).collect();
    names.sort();
    names.dedup();
    names
}

/// Waits until all of them fired.
pub(crate) async fn all_fired(log: &Path, points: &[(&str, &str)]) {
    let until = tokio::time::Instant::now() + smith_tests::LONG;
    loop {
        let fired = fired(log);
        let missing: Vec<_> =
            points.iter().filter(|(p, _)| !fired.iter().any(|f| f == p)).collect();
        if missing.is_empty() {
            return;
        }
        assert!(tokio::time::Instant::now() < until, "these points did not fire: {missing:?}");
        // A file can't be waited for.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Does `work`, and starts every server again that a point of this log kills. Any other end of one fails the test.
pub(crate) async fn surviving<T>(
    world: &mut World,
    log: &Path,
    work: impl Future<Output = T>,
) -> T {
    let mut work = pin!(work);
    let mut done = None;
    let mut deaths = 0;
    loop {
        // A point is in the log before its process dies.
        match done.take() {
            Some(output) if deaths >= killed_servers(log) => return output,
            waiting => done = waiting,
        }
        let n = tokio::select! { biased;
            output = &mut work, if done.is_none() => {
                done = Some(output);
                continue;
            }
            n = first_end(world) => n,
        };
        let settings = world.settings.clone();
        let mut servers = world.servers.iter_mut().chain(&mut world.cores);
        let server = servers.nth(n).expect("one that ended");
        deaths += server.start_again(&settings).await;
    }
}

/// How often a server was killed by a point.
fn killed_servers(log: &Path) -> usize {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    text.lines().filter(|name| !is_workers(name)).count()
}

/// Waits for the end of a server, which must be by SIGKILL; answers which it was.
async fn first_end(world: &mut World) -> usize {
    let mut servers: Vec<_> = world.servers.iter_mut().chain(&mut world.cores).collect();
    let ends = servers.iter_mut().map(|s| s.process.child().wait().boxed());
    let (status, n, _) = select_all(ends).await;
    let status = status.expect("a child can be waited for");
    let process = &servers[n].process;
    let killed = status.signal() == Some(Signal::KILL.as_raw());
    assert!(killed, "{} ended with {status}:\n{}", process.name(), process.tail());
    n
}

/// Asks until the answer isn't that nobody is there.
pub(crate) async fn insist<T, F>(mut ask: impl FnMut() -> F) -> Result<T, smith_client::Error>
where
    F: Future<Output = Result<T, smith_client::Error>>,
{
    let asking = async {
        loop {
            match ask().await {
                Err(error) if error.may_pass() => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                answer => return answer,
            }
        }
    };
    in_time("an answer", asking).await
}
