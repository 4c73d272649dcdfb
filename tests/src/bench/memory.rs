//! Resident memory: smithd idle and with many loops, etcd apart; a replica with its host.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use tokio::time::sleep;

use super::stage::{Server, Stage};
use super::table::{Row, Section, Verdict};
use super::{Scale, create, loops};

/// What a process has in memory, in KiB.
#[derive(Clone, Debug, Default)]
pub(super) struct Resident {
    name: String,
    parent: i32,
    pub(super) rss: u64,
    /// Its own and its share of what it shares.
    pub(super) pss: Option<u64>,
}

fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse().ok()
}

/// All processes, by their numbers.
fn processes() -> BTreeMap<i32, Resident> {
    let read = |pid: i32| {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let name = status.lines().next()?.strip_prefix("Name:")?.trim().to_owned();
        let parent = field(&status, "PPid")?.try_into().ok()?;
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok();
        let pss = rollup.and_then(|rollup| field(&rollup, "Pss"));
        Some((pid, Resident { name, parent, rss: field(&status, "VmRSS")?, pss }))
    };
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(read).collect()
}

/// Everything below a process.
fn descendants(all: &BTreeMap<i32, Resident>, root: i32) -> Vec<Resident> {
    let below = |pid: i32| {
        let mut at = pid;
        while let Some(process) = all.get(&at) {
            if process.parent == root {
                return true;
            }
            at = process.parent;
        }
        false
    };
    all.iter().filter(|(pid, _)| below(**pid)).map(|(_, process)| process.clone()).collect()
}

/// A process's resident KiB.
pub(super) fn rss(pid: i32) -> Result<u64> {
    Ok(processes().remove(&pid).context("it runs")?.rss)
}

/// smithd's own and its etcd's resident KiB.
pub(super) fn server(smithd: &Server) -> Result<(u64, u64)> {
    let pid = smithd.pid().context("smithd runs")?;
    let all = processes();
    let own = all.get(&pid).context("smithd is among the processes")?;
    let etcd = descendants(&all, pid).into_iter().find(|p| p.name == "etcd");
    Ok((own.rss, etcd.context("smithd's etcd is below it")?.rss))
}

/// The processes of Smith that one worker is made of.
pub(super) fn worker(smithd: &Server) -> Result<Vec<Resident>> {
    let pid = smithd.pid().context("smithd runs")?;
    let mut found = descendants(&processes(), pid);
    found.retain(|process| process.name.starts_with("smith-replica") || process.name == "unshare");
    ensure!(!found.is_empty(), "there is no worker");
    Ok(found)
}

fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

/// Measures it.
pub async fn measure(stage: &Stage, scale: &Scale) -> Result<Section> {
    let repository = loops::repository(stage.dir())?;
    let smithd = stage.smithd("smithd-memory", 1).await?;
    sleep(Duration::from_secs(2)).await;
    let idle = server(&smithd)?;

    // One loop takes the only place, the others wait.
    let mut connection = smithd.connect().await?;
    let agent = "echo working; exec sleep 1000";
    loops::create(&mut connection, &loops::request("endless", &repository, agent, 1)).await?;
    loops::iterates(&mut connection, "endless", Duration::from_secs(30)).await?;
    let mut most = vec![];
    for _ in 0..10 {
        sleep(Duration::from_millis(200)).await;
        let found = worker(&smithd)?;
        let sum =
            |processes: &[Resident]| processes.iter().map(|p| p.pss.unwrap_or(p.rss)).sum::<u64>();
        if sum(&found) > sum(&most) {
            most = found;
        }
    }
    let count = scale.backlogs.1 as u64;
    let counter = Arc::new(AtomicU64::new(0));
    let creators = stream::iter(0..8).map(|_| {
        let (smithd, counter) = (&smithd, counter.clone());
        async move {
            let mut connection = smithd.connect().await?;
            loop {
                let n = counter.fetch_add(1, Ordering::Relaxed);
                if n + 1 >= count {
                    return anyhow::Ok(());
                }
                let answer = connection.post("/v1/loops", &create::request(n)).await?;
                ensure!(answer.status == 201, "a create was answered with {}", answer.status);
            }
        }
    });
    creators.buffer_unordered(8).try_collect::<Vec<()>>().await?;
    sleep(Duration::from_secs(5)).await;
    let filled = server(&smithd)?;
    let stop = serde_json::json!({ "loop_id": "endless", "target_state": "cancelled", "reason": "measured" });
    connection.post("/v1/control/override", &stop).await?.json::<serde_json::Value>()?;
    smithd.stop().await?;

    let shared = most.iter().all(|process| process.pss.is_some());
    let sum = mib(most.iter().map(|p| p.pss.unwrap_or(p.rss)).sum());
    let parts = most.iter().map(|p| {
        format!("{} {:.1} (resident {:.1})", p.name, mib(p.pss.unwrap_or(p.rss)), mib(p.rss))
    });
    let parts = parts.collect::<Vec<_>>().join(", ");
    let a_loop = (filled.0.saturating_sub(idle.0)) as f64 / count as f64;
    Ok(Section {
        title: "Resident memory",
        how: "In MiB, by `/proc`. smithd with its own etcd, 2 s after its start and 5 s after the last of many creates (one loop runs, the others wait). \
              A worker is every process of Smith below smithd while its agent sleeps: replica, host, keeper and the init of its PID namespace; pages that they share are counted once."
            .into(),
        peer: "its etcd",
        rows: vec![
            Row::new("smithd, idle", format!("{:.1}", mib(idle.1)), format!("{:.1}", mib(idle.0)), ""),
            Row::new(
                format!("smithd, {count} loops"),
                format!("{:.1}", mib(filled.1)),
                format!("{:.1}", mib(filled.0)),
                format!("{a_loop:.1} KiB a loop"),
            ),
            Row::new(
                format!("replica with its host, {} processes", most.len()),
                "",
                format!("{sum:.1}"),
                if shared { "" } else { "resident sizes: shared pages counted more than once" },
            )
            .goal("≤ 30", Verdict::at_most(sum, 30.0)),
        ],
        notes: vec![format!("The worker's processes: {parts}.")],
    })
}
