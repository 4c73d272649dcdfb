//! What it was measured on, so that figures can be read.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use jiff::Timestamp;

use super::stage::Stage;
use super::stats::{Samples, millis};

/// As much as a transaction of a few entries.
const APPEND: usize = 2800;
const APPENDS: usize = 500;

/// How long the disk takes to keep what etcd appends.
fn fsync(dir: &Path) -> Result<Samples> {
    let mut file = File::create(dir.join("fsync"))?;
    let bytes = [b'x'; APPEND];
    let mut took = vec![];
    for _ in 0..APPENDS {
        let begun = Instant::now();
        file.write_all(&bytes)?;
        file.sync_data()?;
        took.push(millis(begun.elapsed()));
    }
    Ok(Samples::new(took))
}

fn first_line(program: &Path, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    text.unwrap_or_default().lines().next().unwrap_or("(unknown)").to_owned()
}

fn after<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    Some(text.lines().find(|line| line.starts_with(name))?.split_once(':')?.1.trim())
}

/// The time that processors were busy, and that there was in all, in ticks.
#[derive(Clone, Copy, Debug)]
pub struct Ticks {
    busy: f64,
    all: f64,
}

/// As the kernel counts them for the whole machine.
fn of_machine() -> Option<Ticks> {
    let text = fs::read_to_string("/proc/stat").ok()?;
    let fields = text.lines().next()?.strip_prefix("cpu")?.split_whitespace();
    // user nice system idle iowait irq softirq steal; what follows is contained in the first two.
    let ticks: Vec<f64> = fields.take(8).filter_map(|field| field.parse().ok()).collect();
    let all: f64 = ticks.iter().sum();
    Some(Ticks { busy: all - ticks.get(3)? - ticks.get(4)?, all })
}

/// Processor time that a process used so far, all its threads.
pub fn cpu(pid: i32) -> Result<Duration> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // utime and stime; the name before them may hold anything but a last parenthesis.
    let rest = text.rsplit_once(')').context("not what a kernel writes")?.1;
    let ticks = rest.split_whitespace().skip(11).take(2).map(str::parse::<f64>);
    let ticks: f64 = ticks.sum::<Result<f64, _>>()?;
    Ok(Duration::from_secs_f64(ticks / rustix::param::clock_ticks_per_second() as f64))
}

/// What this process and those that it has waited for used, in ticks.
fn own() -> Option<f64> {
    let text = fs::read_to_string("/proc/self/stat").ok()?;
    // utime, stime, cutime, cstime; the name before them may hold anything but a last parenthesis.
    let fields = text.rsplit_once(')')?.1.split_whitespace().skip(11).take(4);
    Some(fields.filter_map(|field| field.parse::<f64>().ok()).sum())
}

impl Ticks {
    /// Of the machine, without what this process and its ended children used.
    pub fn now() -> Option<Self> {
        let Self { busy, all } = of_machine()?;
        Some(Self { busy: busy - own()?, all })
    }

    /// Which part of the machine's time others took since then, in percent.
    pub fn of_others_since(before: Option<Self>) -> f64 {
        let share = |(before, now): (Self, Self)| {
            100.0 * (now.busy - before.busy) / (now.all - before.all).max(1.0)
        };
        before.zip(Self::now()).map_or(f64::NAN, share)
    }
}

/// Above this part of the machine's time, other programs are worth a warning: the kernel's own work and
/// the virtual machine's take some percent.
const QUIET: f64 = 10.0;

/// The line about what else ran.
pub fn others(percent: f64) -> String {
    let warning = if percent > QUIET {
        " — **too much to trust the times, and the ratios only roughly**"
    } else {
        ""
    };
    format!("- Other programs took {percent:.0} % of the processors' time meanwhile{warning}\n")
}

/// A list for the head of the page.
pub fn describe(stage: &Stage, scale: &str) -> Result<String> {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib = after(&memory, "MemTotal").and_then(|t| t.split(' ').next()?.parse::<f64>().ok());
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let disk = fsync(stage.dir())?;
    let uname = rustix::system::uname();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let git = |args: &[&str]| {
        first_line(Path::new("git"), &[&["-C", &root.to_string_lossy()], args].concat())
    };
    let mut commit = git(&["rev-parse", "--short=12", "HEAD"]);
    // The page itself is written by this, and is no change of what was measured.
    if git(&["status", "--porcelain", "--", ":(top,exclude)docs"]) != "(unknown)" {
        commit.push_str(" with changes that aren't committed");
    }
    Ok(format!(
        "- Machine: {cores} cores ({cpu}), {memory:.0} GiB, {system} {kernel}\n\
         - Disk: append of {APPEND} bytes and fdatasync p50 {p50:.2}, p99 {p99:.2} ({APPENDS} times)\n\
         - etcd: {etcd}; git: {git_version}\n\
         - Measured: {now}, release build of {commit}, {scale}\n",
        cpu = after(&cpus, "model name").unwrap_or("unknown"),
        memory = kib.unwrap_or(f64::NAN) / 1024.0 / 1024.0,
        system = uname.sysname().to_string_lossy(),
        kernel = uname.release().to_string_lossy(),
        p50 = disk.p50(),
        p99 = disk.p99(),
        etcd = first_line(&stage.etcd, &["--version"]).trim_start_matches("etcd Version: "),
        git_version = git(&["--version"]).trim_start_matches("git version "),
        now = Timestamp::now().strftime("%Y-%m-%d %H:%M UTC"),
    ))
}
