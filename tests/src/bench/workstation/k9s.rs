//! k9s on a cluster with as many pods, watched the same way. Where `KUBECONFIG` names no cluster, or there is no k9s or
//! kubectl on the `PATH`, nothing is compared.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tokio::task::spawn_blocking;

use super::probe::Probe;
use super::{SIZE, Seen};
use crate::bench::stage::Stage;
use crate::bench::stats::{Samples, millis};
use crate::bench::{Scale, memory};

/// `kubectl create` at once.
const AT_ONCE: usize = 8;

/// Measures it, for each number of pods.
pub(super) async fn measure(stage: &Stage, scale: &Scale) -> Result<Vec<(usize, Seen)>> {
    let has = |program: &str| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|dir| dir.join(program).is_file())
    };
    if std::env::var_os("KUBECONFIG").is_none() || !has("k9s") || !has("kubectl") {
        return Ok(vec![]);
    }
    let mut all = vec![];
    for n in scale.pods {
        let (n, keys, home) = (*n, scale.changes, stage.dir().join("k9s"));
        let seen = spawn_blocking(move || {
            let namespace = Namespace::create(n)?;
            look(&namespace, &home, keys)
        });
        all.push((n, seen.await??));
    }
    Ok(all)
}

/// A namespace full of pods that no node fits; gone when it is dropped.
struct Namespace {
    name: String,
}

fn kubectl(args: &[&str]) -> Command {
    let mut command = Command::new("kubectl");
    command.args(args).stdin(Stdio::null()).stdout(Stdio::null());
    command
}

fn done(mut command: Command) -> Result<()> {
    let status = command.status()?;
    ensure!(status.success(), "{command:?}: {status}");
    Ok(())
}

impl Namespace {
    fn create(pods: usize) -> Result<Self> {
        let name = format!("bench-k9s-{pods}");
        done(kubectl(&["create", "namespace", &name]))?;
        let namespace = Self { name };
        let share = pods.div_ceil(AT_ONCE);
        let creating: Result<Vec<Child>> = (0..pods)
            .step_by(share)
            .map(|first| namespace.create_pods(first..pods.min(first + share)))
            .collect();
        for mut child in creating? {
            let status = child.wait()?;
            ensure!(status.success(), "kubectl create: {status}");
        }
        Ok(namespace)
    }

    fn create_pods(&self, numbers: std::ops::Range<usize>) -> Result<Child> {
        let pod = |n: usize| {
            serde_json::json!({
                "apiVersion": "v1", "kind": "Pod",
                "metadata": { "name": format!("loop-{n:06}"), "namespace": self.name },
                "spec": {
                    "nodeSelector": { "no-node": "has-this" },
                    "containers": [{ "name": "main", "image": "none:1" }],
                },
            })
        };
        let items: Vec<_> = numbers.map(pod).collect();
        let list = serde_json::json!({ "apiVersion": "v1", "kind": "List", "items": items });
        let mut command = Command::new("kubectl");
        command.args(["create", "--validate=false", "-f", "-"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
        let mut input = child.stdin.take().context("it is piped")?;
        std::io::Write::write_all(&mut input, list.to_string().as_bytes())?;
        Ok(child)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // The pods at once: nothing runs in them.
        let name = &self.name;
        let args = ["delete", "pods", "--all", "--force", "--grace-period=0", "-n", name];
        let _ = done(kubectl(&args)).and_then(|()| done(kubectl(&["delete", "namespace", name])));
    }
}

fn look(namespace: &Namespace, home: &std::path::Path, keys: usize) -> Result<Seen> {
    std::fs::create_dir_all(home)?;
    let mut command = Command::new("k9s");
    command.args(["--namespace", &namespace.name, "--command", "pods", "--splashless"]);
    command.env("HOME", home).env("TERM", "xterm-256color").env("LANG", "C.UTF-8");
    for name in ["XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"] {
        command.env(name, home.join(name));
    }
    let mut probe = Probe::start(command, SIZE.0, SIZE.1)?;
    let start = probe.until(|screen| screen.to_text().contains("loop-000010"))?;
    let mut seen = Seen { start, ..Seen::default() };
    probe.read_for(Duration::from_secs(5));
    let took;
    (probe, took) = super::move_about(probe, keys)?;
    (seen.keys, seen.frame) = took;
    let mut letters = (vec![], vec![]);
    for _ in 0..3 {
        let (first, whole) = filter(&mut probe)?;
        letters.0.extend(first);
        letters.1.extend(whole);
    }
    (seen.letters, seen.filtered) = (Samples::new(letters.0), Samples::new(letters.1));
    seen.idle = super::share(&mut probe)?;
    let mut took = vec![];
    for n in 0..20 {
        let word = format!("Word{n:02}");
        let patch = serde_json::json!({ "status": { "reason": word } }).to_string();
        done(kubectl(&[
            "patch",
            "pod",
            "loop-000003",
            "-n",
            &namespace.name,
            "--subresource=status",
            "--type=merge",
            "-p",
            &patch,
        ]))?;
        probe.mark();
        took.push(millis(probe.until(|screen| screen.to_text().contains(&word))?));
        // At another moment of its look every 2 s each time.
        probe.read_for(Duration::from_millis(370 + 97 * (n % 7)));
    }
    seen.changes = Samples::new(took);
    let label = "for i in $(seq 1000); do kubectl label pods --all --overwrite -n \"$0\" bench=$i || exit; done";
    let mut updates = Command::new("sh");
    updates.args(["-c", label, &namespace.name]).stdin(Stdio::null()).stdout(Stdio::null());
    let mut updates = updates.spawn()?;
    let took;
    (probe, took) = super::move_about(probe, keys)?;
    seen.keys_under_load = took.0;
    seen.busy = super::share(&mut probe)?;
    updates.kill()?;
    updates.wait()?;
    seen.rss = memory::rss(probe.pid())?;
    Ok(seen)
}

/// Types a filter, letter by letter.
fn filter(probe: &mut Probe) -> Result<(Vec<f64>, Vec<f64>)> {
    probe.press("/")?;
    probe.read_for(Duration::from_millis(500));
    let took = super::letters(probe, Duration::from_millis(300))?;
    probe.press("\x1b")?;
    probe.read_for(Duration::from_secs(1));
    probe.press("\x1b")?;
    probe.until(|screen| screen.to_text().contains("loop-000000"))?;
    probe.read_for(Duration::from_secs(1));
    Ok(took)
}
