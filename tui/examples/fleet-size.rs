//! What a big fleet costs: rows in memory, the first load, orders, and the time from a key to its frame while loops change.
//!
//! `cargo run --release -p smith --example fleet-size [LOOPS]`; it prints what it measured and judges nothing, since a
//! number of one machine is no promise for another.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};
use smith_model::id::Revision;
use smith_model::state::{Reason, State as LoopState, StoryCounts};
use smith_model::story::Usage;
use smith_model::worker::WorkerPhase;
use smith_tui::action::Action;
use smith_tui::command;
use smith_tui::draw;
use smith_tui::effect::Effect;
use smith_tui::fleet::{OrderJob, Row};
use smith_tui::keys::Chord;
use smith_tui::look::Look;
use smith_tui::msg::{FleetChange, Msg, Stream};
use smith_tui::state::State;
use smith_tui::update::update;
use smith_tui::world::Session;
use uuid::Uuid;

const SIZE: (u16, u16) = (200, 60);
/// Changes in one message of a stream, as they come while the whole is loaded.
const BATCH: usize = 512;
/// Keys that are pressed, with as many changes between two of them as come in a thirtieth of a second.
const KEYS: usize = 2_000;
const CHANGES: usize = 500 / 30;

fn main() -> io::Result<()> {
    let loops = std::env::args().nth(1).and_then(|arg| arg.parse().ok()).unwrap_or(100_000);
    let mut out = io::stdout().lock();
    let session = Session::default();
    let mut state = State::new(Timestamp::now(), session, Look::default(), SIZE);
    let before = resident();

    let begin = Instant::now();
    take(&mut state, Msg::Fleet(Stream::Reset));
    let mut load = Duration::ZERO;
    for first in (0..loops).step_by(BATCH) {
        let rows = (first..loops.min(first + BATCH)).map(|at| updated(at, 0)).collect();
        let begin = Instant::now();
        take(&mut state, Msg::Fleet(Stream::Changes(rows)));
        load += begin.elapsed();
    }
    let jobs = take(&mut state, Msg::Fleet(Stream::Ready));
    answer(&mut state, jobs);
    writeln!(out, "load {loops} rows: {load:?} of updates, {:?} with orders", begin.elapsed())?;
    let rows = (resident() - before) / loops;
    writeln!(out, "memory: {rows} bytes a row, with table, index and order")?;

    let begin = Instant::now();
    let snapshot = state.world.fleet.snapshot();
    writeln!(out, "snapshot: {:?}", begin.elapsed())?;
    drop(snapshot);
    for line in [
        "sort title",
        "filter 99",
        "filter ~lp99 state:overwriting",
        "filter /9{2}/ cost:>1",
        "filter !zzz age:>1s",
    ] {
        let begin = Instant::now();
        let jobs = take(&mut state, Msg::Action(parse(line)));
        let asked = begin.elapsed();
        let begin = Instant::now();
        let found: Vec<Msg> = jobs.into_iter().map(|job| Msg::Ordered(job.run())).collect();
        let ran = begin.elapsed();
        let begin = Instant::now();
        for msg in found {
            let jobs = take(&mut state, msg);
            answer(&mut state, jobs);
        }
        writeln!(
            out,
            "{line}: asked in {asked:?}, found in {ran:?}, taken in {:?}",
            begin.elapsed()
        )?;
    }
    for line in ["filter /./", "group project", "sort age"] {
        let jobs = take(&mut state, Msg::Action(parse(line)));
        answer(&mut state, jobs);
    }

    let begin = Instant::now();
    for at in 0..KEYS {
        let change = updated(at * 7919 % loops, 1 + at);
        take(&mut state, Msg::Fleet(Stream::Changes(vec![change])));
    }
    let each = begin.elapsed() / u32::try_from(KEYS).unwrap_or(1);
    writeln!(out, "one change in a message: {each:?}, with what is settled after it")?;

    let viewport = Viewport::Fixed(Rect::new(0, 0, SIZE.0, SIZE.1));
    let backend = CrosstermBackend::new(io::sink());
    let mut terminal = Terminal::with_options(backend, TerminalOptions { viewport })?;
    let keys: Vec<Chord> = ["j", "pgdn", "j", "k", "G", "pgup", "home", "space"]
        .into_iter()
        .map(|key| key.parse().map_err(io::Error::other))
        .collect::<Result<_, _>>()?;
    let mut frames = vec![];
    for (at, key) in keys.iter().cycle().take(KEYS).enumerate() {
        let changes =
            (0..CHANGES).map(|n| updated((at * 7919 + n * 104_729) % loops, at)).collect();
        // A key waits for a batch that is being taken, and then for its frame.
        let begin = Instant::now();
        take(&mut state, Msg::Fleet(Stream::Changes(changes)));
        take(&mut state, Msg::Key(*key));
        let mut hits = None;
        terminal.draw(|frame| hits = Some(draw::frame(&state, frame)))?;
        state.hits = hits.unwrap_or_default();
        frames.push(begin.elapsed());
    }
    frames.sort_unstable();
    let at = |percent: usize| frames[(frames.len() - 1) * percent / 100];
    writeln!(
        out,
        "key to frame at {}x{}, {CHANGES} changes before each: p50 {:?}, p99 {:?}, most {:?}",
        SIZE.0,
        SIZE.1,
        at(50),
        at(99),
        at(100)
    )
}

fn take(state: &mut State, msg: Msg) -> Vec<OrderJob> {
    let effects = update(state, Timestamp::now(), msg).into_iter();
    let jobs = effects.filter_map(|effect| match effect {
        Effect::Order(job) => Some(job),
        _ => None,
    });
    jobs.collect()
}

fn answer(state: &mut State, mut jobs: Vec<OrderJob>) {
    while let Some(job) = jobs.pop() {
        jobs.extend(take(state, Msg::Ordered(job.run())));
    }
}

fn parse(line: &str) -> Action {
    command::parse(line).unwrap_or(Action::Redraw)
}

fn updated(at: usize, change: usize) -> FleetChange {
    FleetChange::Updated(Box::new(row(at, change)))
}

/// A loop as there may be many, different in each round of changes.
fn row(at: usize, change: usize) -> Row {
    let now = Timestamp::now();
    let state = LoopState::ALL[(at + change) % LoopState::ALL.len()];
    let number = u32::try_from((at + change) % 7).unwrap_or_default();
    Row {
        id: format!("lp-{at:06}-a-name-of-usual-length").parse().expect("a name"),
        uid: Uuid::from_u128(at as u128),
        revision: Revision(1),
        project: format!("project-{}", at % 40).parse().expect("a name"),
        title: format!("Make number {at} do what its description says, and test it").into(),
        provider: "claude-code".into(),
        source: format!("issue-{at}").into(),
        repository: "https://git.example.com/team/repository".into(),
        priority: 0,
        labels: ["env=prod".into(), format!("team=t{}", at % 12).into()].into(),
        depends_on: [].into(),
        state,
        reason: Reason::Admitted,
        message: "the agent works".into(),
        round: 1,
        attempt: 1,
        used: 0,
        allowed: 3,
        not_before: None,
        branch: Some(format!("smith/lp-{at:06}").into()),
        commit: Some("3f786850e387550fdab836ed7e6dc881de23001b".into()),
        hold: None,
        claimed: true,
        phase: Some(WorkerPhase::Iterating),
        iteration: number,
        story: Some("US-001".into()),
        stories: Some(StoryCounts { done: number, total: 7 }),
        usage: Usage { input_tokens: 1, output_tokens: 1, cost_microusd: u64::from(number) << 20 },
        suspect: false,
        created_at: now,
        updated_at: now,
    }
}

/// Bytes of this process in memory; 0 where nobody says.
fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = text.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok());
    pages.unwrap_or_default() * 4096
}
