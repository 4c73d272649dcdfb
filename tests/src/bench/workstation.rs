//! The workstation on a terminal: what a key, a filter and a change take to be seen, and what it costs to leave it open.
//!
//! The same things are done with k9s on a cluster with as many pods, where one is at hand.

mod fleet;
mod k9s;
mod pane;
mod probe;

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use smith_term::screen::{Row as ScreenRow, Screen};
use tokio::task::spawn_blocking;

use super::Scale;
use super::stage::{Server, Stage};
use super::stats::{Samples, millis};
use super::table::{Row, Section, Verdict};
use fleet::{Fleet, Updates};
use probe::{Probe, highlighted};

/// The terminal's size: as the baselines of k9s were taken.
const SIZE: (u16, u16) = (180, 50);
/// Changes of the fleet each second while it is under load.
const UPDATES: u32 = 500;
/// How long the processor's time is looked at.
const LOOK: Duration = Duration::from_secs(10);
/// What a filter is asked for, letter by letter: each leaves fewer of the loops that are on the screen.
const FILTER: &str = "779";

/// What was seen of a program on a terminal.
#[derive(Debug, Default)]
struct Seen {
    /// Start to full table.
    start: Duration,
    /// Key to moved row, in milliseconds.
    keys: Samples,
    /// The same while the fleet changes.
    keys_under_load: Samples,
    /// Letter of a filter to the first other screen.
    letters: Samples,
    /// Letter to the filtered table.
    filtered: Samples,
    /// Key to a table in another order.
    sorted: Samples,
    /// Change to word on the screen.
    changes: Samples,
    /// Percent of a core at rest.
    idle: f64,
    /// Percent of a core while the fleet changes.
    busy: f64,
    /// Resident KiB at the end.
    rss: u64,
    /// Bytes of one frame: of a moved row.
    frame: f64,
}

/// Measures it.
pub async fn measure(stage: &Stage, scale: &Scale) -> Result<Vec<Section>> {
    let peers = k9s::measure(stage, scale).await?;
    let etcd = stage.etcd("etcd-workstation").await?;
    let mut all = vec![];
    for n in scale.fleets {
        let prefix = format!("/bench-workstation-{n}");
        let api = stage.api(&etcd, &prefix).await?;
        let fleet = Fleet::create(&api, &etcd, &prefix, *n).await?;
        all.push((*n, look(stage, scale, &api, &fleet).await?));
        api.stop().await?;
    }
    etcd.stop().await?;
    let mut sections = sections(&all, &peers);
    sections.push(pane::measure(stage, scale).await?);
    Ok(sections)
}

/// The workstation, for this server.
fn smith(stage: &Stage, api: &Server) -> Result<Command> {
    let home = stage.dir().join("home");
    fs::create_dir_all(&home)?;
    let mut command = Command::new(stage.built("smith"));
    command.env_clear().env("HOME", &home).env("TERM", "xterm-256color").env("LANG", "C.UTF-8");
    command.env("SMITH_API_URL", format!("http://{}", api.address));
    command.env("SMITH_OPERATOR_TOKEN", &api.token);
    Ok(command)
}

async fn look(stage: &Stage, scale: &Scale, api: &Server, fleet: &Fleet) -> Result<Seen> {
    let command = smith(stage, api)?;
    let mut seen = Seen::default();
    let (mut probe, start) = spawn_blocking(move || {
        let mut probe = Probe::start(command, SIZE.0, SIZE.1)?;
        let start = probe.until(|screen| {
            let text = screen.to_text();
            text.contains("live") && text.contains("loop-")
        })?;
        // By id, so that what is filtered and changed is where it is looked for.
        probe.read_for(Duration::from_millis(200));
        probe.press(":sort loop\r")?;
        probe.read_for(Duration::from_millis(500));
        // The cursor has followed its loop.
        probe.press("gg")?;
        probe.until(|screen| screen.to_text().contains("loop-000000"))?;
        probe.read_for(Duration::from_secs(1));
        anyhow::Ok((probe, start))
    })
    .await??;
    seen.start = start;
    let keys = scale.changes;
    let took;
    (probe, took) =
        spawn_blocking(move || move_about(probe, keys)).await?.context("moving about")?;
    (seen.keys, seen.frame) = took;
    let took;
    (probe, took) = spawn_blocking(move || filter(probe, 3)).await?.context("filtering")?;
    (seen.letters, seen.filtered) = took;
    (probe, seen.sorted) = spawn_blocking(move || sort(probe, 8)).await?.context("sorting")?;
    let took;
    (probe, took) = rest(probe).await?;
    seen.idle = took;
    (probe, seen.changes) = change(probe, fleet, scale.changes / 3).await.context("changing")?;
    let updates = Updates::start(fleet, UPDATES);
    let took;
    (probe, took) = spawn_blocking(move || move_about(probe, keys)).await??;
    seen.keys_under_load = took.0;
    let took;
    (probe, took) = rest(probe).await?;
    seen.busy = took;
    updates.stop().await?;
    seen.rss = super::memory::rss(probe.pid())?;
    drop(probe);
    Ok(seen)
}

/// Down and up again, one key after the other, each once the one before is seen; and the bytes of a frame.
fn move_about(mut probe: Probe, keys: usize) -> Result<(Probe, (Samples, f64))> {
    let mut took = vec![];
    let before = probe.bytes;
    for n in 0..keys {
        let row = highlighted(&probe.screen()).context("no row has the cursor")?;
        // Thirty down, thirty up: with scrolling at the end of the screen now and then.
        probe.press(if (n / 60) % 2 == 0 { "j" } else { "k" })?;
        let moved = probe.until(|screen| highlighted(screen).is_some_and(|now| now != row))?;
        took.push(millis(moved));
        probe.read_for(Duration::from_millis(20));
    }
    let each = (probe.bytes - before) as f64 / keys as f64;
    Ok((probe, (Samples::new(took), each)))
}

/// Types a filter, letter by letter, so many times.
fn filter(mut probe: Probe, times: usize) -> Result<(Probe, (Samples, Samples))> {
    let (mut first, mut whole) = (vec![], vec![]);
    for _ in 0..times {
        probe.press("/")?;
        probe.read_for(Duration::from_millis(200));
        let took = letters(&mut probe, Duration::from_millis(100))?;
        first.extend(took.0);
        whole.extend(took.1);
        probe.press("\x1b")?;
        probe.read_for(Duration::from_millis(500));
        // The cursor has stayed on a loop that the filter let through.
        probe.press("gg")?;
        probe.until(|screen| screen.to_text().contains("loop-000000"))?;
        probe.read_for(Duration::from_millis(200));
    }
    Ok((probe, (Samples::new(first), Samples::new(whole))))
}

/// Types the letters of a filter that is open: milliseconds to a first other screen, and to the filtered table, of each.
fn letters(probe: &mut Probe, pause: Duration) -> Result<(Vec<f64>, Vec<f64>)> {
    let (mut first, mut whole) = (vec![], vec![]);
    for (n, letter) in FILTER.char_indices() {
        let typed = &FILTER[..=n];
        let before = probe.screen();
        probe.press(&letter.to_string())?;
        let mut other = None;
        let done = probe.until(|screen| {
            if other.is_none() && *screen != before {
                other = Some(Instant::now());
            }
            shows_only(screen, typed)
        })?;
        whole.push(millis(done));
        first.push(other.map_or(0.0, |at| millis(at - probe.pressed())));
        probe.read_for(pause);
    }
    Ok((first, whole))
}

/// Are there loops on the screen, and only such with this in their name?
fn shows_only(screen: &Screen, typed: &str) -> bool {
    let rows: Vec<String> = screen.rows.iter().map(ScreenRow::text).collect();
    let mut loops = rows.iter().filter(|row| row.contains("loop-0")).peekable();
    loops.peek().is_some() && loops.all(|row| row.contains(typed))
}

/// Turns the order round, so many times.
fn sort(mut probe: Probe, times: usize) -> Result<(Probe, Samples)> {
    let mut took = vec![];
    for _ in 0..times {
        let first = |screen: &Screen| {
            let mut rows = screen.rows.iter().map(ScreenRow::text);
            rows.find(|row| row.contains("loop-0"))
        };
        probe.press("g")?;
        probe.press("g")?;
        probe.read_for(Duration::from_millis(100));
        let before = first(&probe.screen());
        probe.press(":sort loop")?;
        probe.read_for(Duration::from_millis(100));
        probe.press("\r")?;
        // The cursor follows its loop, so what stands at the top is another one either way.
        took.push(millis(probe.until(|screen| first(screen) != before)?));
        probe.read_for(Duration::from_millis(100));
    }
    // What is changed next stands at the top.
    probe.press("gg")?;
    probe.until(|screen| screen.to_text().contains("loop-000000"))?;
    Ok((probe, Samples::new(took)))
}

/// Percent of a core that it takes while nobody touches it.
async fn rest(mut probe: Probe) -> Result<(Probe, f64)> {
    spawn_blocking(move || {
        let share = share(&mut probe)?;
        Ok((probe, share))
    })
    .await?
}

/// The same, blocking.
fn share(probe: &mut Probe) -> Result<f64> {
    let before = super::machine::cpu(probe.pid())?;
    let begun = Instant::now();
    probe.read_for(LOOK);
    let used = super::machine::cpu(probe.pid())? - before;
    Ok(100.0 * used.as_secs_f64() / begun.elapsed().as_secs_f64())
}

/// Changes a loop that is on the screen, and waits for the words; from the commit on.
async fn change(mut probe: Probe, fleet: &Fleet, times: usize) -> Result<(Probe, Samples)> {
    let mut took = vec![];
    for n in 0..times {
        let word = format!("changed-{n:04}");
        let (committed, looking) = {
            let wanted = word.clone();
            let looking = spawn_blocking(move || {
                probe.mark();
                let seen = probe.until(|screen| screen.to_text().contains(&wanted))?;
                anyhow::Ok((probe, seen))
            });
            (fleet.retitle(5, &word).await?, looking)
        };
        let (back, seen) = looking.await??;
        probe = back;
        let seen = probe.pressed() + seen;
        took.push(millis(seen.saturating_duration_since(committed)));
        tokio::time::sleep(Duration::from_millis(37)).await;
    }
    Ok((probe, Samples::new(took)))
}

fn sections(all: &[(usize, Seen)], peers: &[(usize, Seen)]) -> Vec<Section> {
    let mut sections = vec![];
    let peer = |n: usize| peers.iter().find(|(pods, _)| *pods == n).map(|(_, seen)| seen);
    let both = |s: &Samples| format!("{:.1} / {:.1}", s.p50(), s.p99());
    let mut rows = vec![];
    for (n, seen) in all {
        let row = |what: &str, of: fn(&Seen) -> &Samples| {
            let peer = peer(*n).map(of).filter(|s| !s.is_empty());
            Row::new(
                format!("{n}: {what}, p50 / p99"),
                peer.map(both).unwrap_or_default(),
                both(of(seen)),
                peer.map(|p| format!("{:.2} of its p99", of(seen).p99() / p.p99()))
                    .unwrap_or_default(),
            )
        };
        let most = |goal, samples: &Samples, most| (goal, Verdict::at_most(samples.p99(), most));
        let with = |row: Row, (goal, verdict)| row.goal(goal, verdict);
        rows.push(with(row("key to moved row", |s| &s.keys), most("p99 < 16", &seen.keys, 16.0)));
        rows.push(with(
            row("… while the fleet changes", |s| &s.keys_under_load),
            most("p99 < 16", &seen.keys_under_load, 16.0),
        ));
        rows.push(with(
            row("letter of a filter to a first other screen", |s| &s.letters),
            most("p99 < 16", &seen.letters, 16.0),
        ));
        rows.push(with(
            row("… to the filtered table", |s| &s.filtered),
            most("p99 < 150", &seen.filtered, 150.0),
        ));
        rows.push(with(
            row("another order to its table", |s| &s.sorted),
            most("p99 < 150", &seen.sorted, 150.0),
        ));
        rows.push(with(
            row("commit in etcd to visible cell", |s| &s.changes),
            most("p99 < 50", &seen.changes, 50.0),
        ));
    }
    sections.push(Section {
        title: "From key or change to screen",
        how: format!(
            "`smith` on a terminal of {} x {}, with smith-api and etcd on the same cores. Keys are written one after the other, the next 20 ms after the one before was seen; a key counts as seen when the row of the cursor, found in the emulated screen, is another one. \
             While the fleet changes, {UPDATES} state records a second are put straight into etcd. A filter of {} letters is typed letter by letter; the order is turned round. \
             A change is the title of a loop on the screen, from the answer to its put. The peer is k9s with as many pods that no node fits, on the same machine, done the same way (50 label updates a second, its change is a status reason).",
            SIZE.0, SIZE.1, FILTER.len()
        ),
        peer: "k9s",
        rows,
        notes: vec![],
    });
    let mut rows = vec![];
    let first = all.first();
    for (n, seen) in all {
        let of = |text: fn(&Seen) -> String| peer(*n).map(text).unwrap_or_default();
        let start = |s: &Seen| format!("{:.2} s", s.start.as_secs_f64());
        let cpu = |s: &Seen| format!("{:.1} / {:.1} %", s.idle, s.busy);
        let rss = |s: &Seen| format!("{:.1} MiB", s.rss as f64 / 1024.0);
        rows.push(Row::new(format!("{n}: start to full table"), of(start), start(seen), ""));
        rows.push(Row::new(
            format!("{n}: of a core, idle / while the fleet changes"),
            of(cpu),
            cpu(seen),
            "",
        ));
        let each = first.filter(|(few, _)| few < n).map(|(few, small)| {
            (seen.rss.saturating_sub(small.rss)) as f64 * 1024.0 / (n - few) as f64
        });
        let row = Row::new(
            format!("{n}: resident"),
            of(rss),
            rss(seen),
            each.map(|bytes| format!("{bytes:.0} bytes a loop more")).unwrap_or_default(),
        );
        rows.push(match each {
            Some(bytes) => row.goal("≤ 1,024 bytes a loop", Verdict::at_most(bytes, 1024.0)),
            None => row,
        });
        rows.push(Row::new(
            format!("{n}: bytes written for a moved row"),
            peer(*n).map(|s| format!("{:.0}", s.frame)).unwrap_or_default(),
            format!("{:.0}", seen.frame),
            "",
        ));
    }
    sections.push(Section {
        title: "What it costs to leave it open",
        how: format!(
            "Processor time over {} s without a key; resident memory at the end; bytes that a key's frames take, the ages that move on meanwhile included.",
            LOOK.as_secs()
        ),
        peer: "k9s",
        rows,
        notes: vec![],
    });
    sections
}
