//! Measurements: Smith against the same work done without it, taking turns in one run.
//!
//! Run by the program `smith-bench` on release binaries; see docs/benchmarks.md, which it writes.

pub mod cancel;
pub mod core;
pub mod create;
pub mod http;
pub mod iteration;
pub mod journal;
pub mod load;
pub mod loops;
pub mod machine;
pub mod memory;
pub mod raw;
pub mod runtime;
pub mod stage;
pub mod stats;
pub mod stream;
pub mod table;
pub mod terminal;
pub mod workstation;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use tokio::signal::unix::{SignalKind, signal};

use stage::Stage;
use table::Section;

/// Open files for a thousand streams on both sides.
const OPEN_FILES: u64 = 8192;
/// No subject may take longer: a hang ends as an error. The longest, the workstation with k9s, takes some ten minutes.
const MOST: Duration = Duration::from_secs(1800);

/// How much is measured.
#[derive(Clone, Debug)]
pub struct Scale {
    /// In words.
    pub name: &'static str,
    /// How often Smith and its peer take turns.
    pub rounds: usize,
    /// One turn under load.
    pub span: Duration,
    /// Changes that streams are watched for.
    pub changes: usize,
    /// Loops of the small and the large backlog.
    pub backlogs: (usize, usize),
    /// Iterations of a loop.
    pub iterations: usize,
    /// Cancelled agents.
    pub cancels: usize,
    /// Loops that the workstation shows.
    pub fleets: &'static [usize],
    /// Pods that k9s shows.
    pub pods: &'static [usize],
}

impl Scale {
    /// What the figures in the docs are of.
    pub fn full() -> Self {
        Self {
            name: "full scale",
            rounds: 3,
            span: Duration::from_secs(3),
            changes: 300,
            backlogs: (1_000, 10_000),
            iterations: 30,
            cancels: 20,
            fleets: &[1_000, 5_000, 10_000, 100_000],
            pods: &[1_000, 5_000],
        }
    }

    /// For a look in passing.
    pub fn quick() -> Self {
        Self {
            name: "quick scale",
            rounds: 1,
            span: Duration::from_secs(1),
            changes: 60,
            backlogs: (200, 1_000),
            iterations: 10,
            cancels: 3,
            fleets: &[1_000],
            pods: &[],
        }
    }
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// See [`create`].
    Create,
    /// See [`journal`].
    Journal,
    /// See [`stream`].
    Stream,
    /// See [`iteration`].
    Iteration,
    /// See [`core`].
    Core,
    /// See [`memory`].
    Memory,
    /// See [`cancel`].
    Cancel,
    /// See [`terminal`]; it has a page of its own.
    Terminal,
    /// See [`workstation`]; it has a page of its own.
    Workstation,
}

impl Subject {
    /// All of them, in the order of the pages.
    pub const ALL: [Self; 9] = [
        Self::Create,
        Self::Journal,
        Self::Stream,
        Self::Iteration,
        Self::Core,
        Self::Memory,
        Self::Cancel,
        Self::Terminal,
        Self::Workstation,
    ];

    /// Those of the main page.
    pub fn main() -> Vec<Self> {
        let has_own = |subject: &Self| matches!(subject, Self::Terminal | Self::Workstation);
        Self::ALL.into_iter().filter(|subject| !has_own(subject)).collect()
    }

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Journal => "journal",
            Self::Stream => "stream",
            Self::Iteration => "iteration",
            Self::Core => "core",
            Self::Memory => "memory",
            Self::Cancel => "cancel",
            Self::Terminal => "terminal",
            Self::Workstation => "workstation",
        }
    }

    async fn measure(self, stage: &Stage, scale: &Scale) -> Result<Vec<Section>> {
        let section = match self {
            Self::Create => create::measure(stage, scale).await,
            Self::Journal => journal::measure(stage, scale).await,
            Self::Stream => stream::measure(stage, scale).await,
            Self::Iteration => iteration::measure(stage, scale).await,
            Self::Core => core::measure(stage, scale).await,
            Self::Memory => memory::measure(stage, scale).await,
            Self::Cancel => cancel::measure(stage, scale).await,
            Self::Terminal => return terminal::measure(stage, scale).await,
            Self::Workstation => return workstation::measure(stage, scale).await,
        };
        section.map(|section| vec![section])
    }
}

/// What is asked of `smith-bench`.
#[derive(Clone, Debug)]
pub struct Request {
    /// How much.
    pub scale: Scale,
    /// What.
    pub subjects: Vec<Subject>,
    /// The page to write; without it, only stdout.
    pub page: Option<PathBuf>,
}

/// Measures, and says what came of it. A signal ends it, and everything that it started.
pub async fn run(request: Request) -> Result<()> {
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        done = measure(request) => done,
        _ = term.recv() => bail!("stopped by SIGTERM"),
        _ = int.recv() => bail!("stopped by SIGINT"),
    }
}

async fn measure(request: Request) -> Result<()> {
    if cfg!(debug_assertions) {
        bail!("a debug build measures nothing: run this by `make bench`");
    }
    let Request { scale, subjects, page } = request;
    let target = match subjects.as_slice() {
        [Subject::Terminal] => "make bench-terminal",
        [Subject::Workstation] => "make bench-tui",
        _ => "make bench",
    };
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.map_or(OPEN_FILES, |most| most.min(OPEN_FILES));
    if limit.current.is_some_and(|now| now < wanted) {
        // Servers that are started from here inherit it.
        setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: limit.maximum })?;
    }
    let stage = Stage::set()?;
    let mut machine = machine::describe(&stage, scale.name)?;
    println!("{machine}");
    let before = machine::Ticks::now();
    let mut sections = vec![];
    for subject in subjects {
        let name = subject.name();
        let measured = tokio::time::timeout(MOST, subject.measure(&stage, &scale)).await;
        let measured =
            measured.with_context(|| format!("{name} takes longer than {MOST:?}")).flatten();
        for section in measured.with_context(|| format!("can't measure {name}"))? {
            println!("{section}");
            sections.push(section);
        }
    }
    let others = machine::others(machine::Ticks::of_others_since(before));
    println!("{others}");
    machine.push_str(&others);
    if let Some(file) = page {
        let before = std::fs::read_to_string(&file).unwrap_or_default();
        std::fs::write(&file, table::page(target, &before, &machine, &sections))
            .with_context(|| format!("can't write {}", file.display()))?;
        println!("(written to {})", file.display());
    }
    Ok(())
}
