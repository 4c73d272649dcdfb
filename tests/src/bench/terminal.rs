//! Live terminals: what the way through API and WebSocket adds to a key, what watchers get and cost, how soon one sees.

mod crowd;
mod peers;

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use smith_client::terminal::{Signal, Terminal};
use smith_model::id::LoopId;
use smith_model::terminal::Mode;
use smith_term::message::{FromViewer, FromWorker, LeaseRequest};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::stage::{Server, Stage};
use super::stats::{Rounds, Samples, millis};
use super::table::{Row, Section};
use super::{Scale, loops, memory};
use crowd::Crowd;
use peers::{ECHO, Peer, Sshd};

/// A program that prints as fast as its terminal takes it.
const FLOOD: &str = "exec yes 'sixty-four bytes of what a program says that says it all, again'";
/// How many watch.
const CROWDS: [usize; 4] = [0, 1, 10, 100];
/// Viewers whose memory is measured.
const VIEWERS: usize = 100;

/// Measures it.
pub async fn measure(stage: &Stage, scale: &Scale) -> Result<Vec<Section>> {
    let repository = loops::repository(stage.dir())?;
    let smithd = stage.smithd("smithd-terminal", 2).await?;
    let mut connection = smithd.connect().await?;
    let agents = [("echo", ECHO), ("flood", FLOOD)];
    let sections = async {
        let mut sections = vec![];
        for (name, agent) in agents {
            loops::create(&mut connection, &loops::request(name, &repository, agent, 1)).await?;
            loops::iterates(&mut connection, name, Duration::from_secs(30)).await?;
            let id: LoopId = name.parse()?;
            if name == "echo" {
                sections.push(echo(stage, scale, &smithd, &id).await?);
                sections.push(first_screens(scale, &smithd, &id).await?);
                sections.push(resident(&smithd, &id).await?);
            } else {
                sections.push(flood(scale, &smithd, &id).await?);
            }
            let stop = serde_json::json!({ "loop_id": name, "target_state": "cancelled", "reason": "measured" });
            connection.post("/v1/control/override", &stop).await?.json::<serde_json::Value>()?;
        }
        anyhow::Ok(sections)
    };
    let sections = sections.await?;
    smithd.stop().await?;
    Ok(sections)
}

/// Milliseconds from a key to its echo, so many times.
async fn echoes(terminal: &mut Terminal, keys: usize) -> Result<Vec<f64>> {
    let mut took = vec![];
    for n in 0..keys {
        let key = vec![b'a' + u8::try_from(n % 26)?];
        let begun = Instant::now();
        terminal.send(FromViewer::Input(key.clone().into())).await?;
        loop {
            match terminal.next().await.context("the terminal is over")?? {
                Signal::Message(FromWorker::Output(bytes)) => {
                    ensure!(bytes == key, "{key:?} came back as {bytes:?}");
                    break;
                }
                Signal::Message(FromWorker::Notice { text, .. }) => anyhow::bail!("{text}"),
                _ => {}
            }
        }
        took.push(millis(begun.elapsed()));
    }
    Ok(took)
}

async fn echo(stage: &Stage, scale: &Scale, smithd: &Server, id: &LoopId) -> Result<Section> {
    let dir = stage.dir().to_owned();
    let (mut local, sshd, mut ssh) = spawn_blocking(move || {
        let (local, sshd) = (Peer::local()?, Sshd::start(&dir)?);
        let ssh = sshd.connect()?;
        anyhow::Ok((local, sshd, ssh))
    })
    .await??;
    let client = crowd::client(smithd, &smithd.token)?;
    let (mut terminal, _) = crowd::attach(&client, id, Mode::Write).await?;
    terminal.send(FromViewer::Lease(LeaseRequest::Take)).await?;
    while !matches!(
        terminal.next().await.context("the terminal is over")??,
        Signal::Message(FromWorker::Lease { holder: Some(_) })
    ) {}
    let keys = scale.changes;
    let [mut at_local, mut at_ssh, mut at_smith] = [const { Vec::new() }; 3];
    for _ in 0..scale.rounds {
        let took;
        (local, ssh, took) = spawn_blocking(move || peers_echo(local, ssh, keys)).await??;
        at_local.push(Samples::new(took.0));
        at_ssh.push(Samples::new(took.1));
        at_smith.push(Samples::new(echoes(&mut terminal, keys).await?));
    }
    spawn_blocking(move || drop((local, ssh, sshd))).await?;
    let figure = |of: fn(&Samples) -> f64, samples: &[Samples]| Rounds::new(samples.iter().map(of));
    let row = |what: &str, of: fn(&Samples) -> f64, peer: &[Samples]| {
        let added = peer.iter().zip(&at_smith).map(|(peer, smith)| of(smith) - of(peer));
        Row::new(
            what,
            format!("{:.3}", figure(of, peer)),
            format!("{:.3}", figure(of, &at_smith)),
            format!("+ {:.3}", Rounds::new(added)),
        )
    };
    Ok(Section {
        title: "Keystroke to echo",
        how: format!(
            "One key after the other, {keys} a round, to a program that sends each back (`{ECHO}`): \
             written to a PTY that the bench itself opened and read from it again; \
             through `ssh -tt` to an sshd on the loopback, whose program it is; \
             and through the client, the API's WebSocket and the worker's terminal server, whose agent it is."
        ),
        peer: "the other",
        rows: vec![
            row("a PTY of this machine: p50", Samples::p50, &at_local),
            row("… p99", Samples::p99, &at_local),
            row("`ssh localhost`: p50", Samples::p50, &at_ssh),
            row("… p99", Samples::p99, &at_ssh),
        ],
        notes: vec![],
    })
}

type Took = (Vec<f64>, Vec<f64>);

fn peers_echo(mut local: Peer, mut ssh: Peer, keys: usize) -> Result<(Peer, Peer, Took)> {
    let took = (local.echoes(keys)?, ssh.echoes(keys)?);
    Ok((local, ssh, took))
}

async fn first_screens(scale: &Scale, smithd: &Server, id: &LoopId) -> Result<Section> {
    let client = crowd::client(smithd, &smithd.token)?;
    let mut took = vec![];
    for _ in 0..scale.changes {
        let begun = Instant::now();
        let (terminal, _) = crowd::attach(&client, id, Mode::Read).await?;
        took.push(millis(begun.elapsed()));
        leave(terminal).await;
    }
    let took = Samples::new(took);
    Ok(Section {
        title: "Attaching",
        how: "From asking for a ticket to the first whole screen: the ticket, the upgrade, the record of the attachment in etcd, the worker's snapshot. \
              One after the other, each detached before the next."
            .into(),
        peer: "",
        rows: vec![Row::new(
            format!("{} attaches: p50 / p99", took.len()),
            "",
            format!("{:.2} / {:.2}", took.p50(), took.p99()),
            "",
        )],
        notes: vec![],
    })
}

/// Says goodbye, so that the place is free again.
async fn leave(mut terminal: Terminal) {
    let _ = terminal.send(FromViewer::Detach).await;
    while terminal.next().await.is_some() {}
}

fn kib(processes: &[memory::Resident]) -> u64 {
    processes.iter().map(|p| p.pss.unwrap_or(p.rss)).sum()
}

async fn resident(smithd: &Server, id: &LoopId) -> Result<Section> {
    let clients = crowd::clients(smithd, VIEWERS).await?;
    let mut figures = vec![];
    let look = || anyhow::Ok((kib(&memory::worker(smithd)?), memory::server(smithd)?.0));
    sleep(Duration::from_secs(1)).await;
    figures.push(("nobody", look()?));
    let crowd = Crowd::gather(&clients, id).await?;
    sleep(Duration::from_secs(2)).await;
    ensure!(crowd.watch() == VIEWERS, "some have left");
    figures.push(("100 viewers", look()?));
    crowd.leave().await;
    sleep(Duration::from_secs(2)).await;
    figures.push(("nobody again", look()?));
    let mib = |kib: u64| kib as f64 / 1024.0;
    let [(_, before), (_, during), _] = figures[..] else { anyhow::bail!("three looks") };
    let each = |before: u64, during: u64| during.saturating_sub(before) as f64 / VIEWERS as f64;
    let rows = figures.iter().map(|(who, (worker, server))| {
        Row::new(
            format!("the worker | smithd, {who}").replace(" | ", " / "),
            "",
            format!("{:.1} / {:.1}", mib(*worker), mib(*server)),
            "",
        )
    });
    Ok(Section {
        title: "Memory of terminals",
        how: "Resident, in MiB: all processes of a worker whose agent waits (shared pages counted once), and smithd without its etcd; \
              before, with and after viewers of the agent's terminal that have its screen."
            .into(),
        peer: "",
        rows: rows.collect(),
        notes: vec![format!(
            "A viewer: {:.0} KiB of the worker's, {:.0} KiB of smithd's.",
            each(before.0, during.0),
            each(before.1, during.1)
        )],
    })
}

async fn flood(scale: &Scale, smithd: &Server, id: &LoopId) -> Result<Section> {
    let admin = crowd::client(smithd, &smithd.token)?;
    let span = scale.span;
    let local = {
        let rounds = scale.rounds;
        spawn_blocking(move || {
            (0..rounds).map(|_| peers::flood(FLOOD, span)).collect::<Result<Vec<_>>>()
        })
    };
    let mb = |rates: Vec<f64>| Rounds::new(rates.into_iter().map(|rate| rate / 1e6));
    let local = mb(local.await??);
    let mut rows = vec![];
    for watchers in CROWDS {
        let clients = crowd::clients(smithd, watchers).await?;
        let crowd = Crowd::gather(&clients, id).await?;
        let [mut made, mut got, mut screens] = [const { Vec::new() }; 3];
        for _ in 0..scale.rounds {
            let (terminal, from) = crowd::attach(&admin, id, Mode::Read).await?;
            let begun = Instant::now();
            leave(terminal).await;
            let before =
                (crowd.output.load(Ordering::Relaxed), crowd.screens.load(Ordering::Relaxed));
            sleep(span).await;
            let after =
                (crowd.output.load(Ordering::Relaxed), crowd.screens.load(Ordering::Relaxed));
            let counted = begun.elapsed().as_secs_f64();
            let (terminal, until) = crowd::attach(&admin, id, Mode::Read).await?;
            made.push((until - from) as f64 / begun.elapsed().as_secs_f64());
            leave(terminal).await;
            got.push((after.0 - before.0) as f64 / counted);
            screens.push((after.1 - before.1) as f64 / counted);
        }
        ensure!(crowd.watch() == watchers, "some of the {watchers} have left");
        crowd.leave().await;
        let each = if watchers == 0 {
            String::new()
        } else {
            format!(
                "watchers get {:.1} in all, and {:.0} screens a second",
                mb(got),
                Rounds::new(screens)
            )
        };
        rows.push(Row::new(
            format!("{watchers} watchers"),
            format!("{local:.1}"),
            format!("{:.1}", mb(made)),
            each,
        ));
    }
    Ok(Section {
        title: "A flood",
        how: format!(
            "`{FLOOD}` in a PTY that the bench reads and drops, and as an agent, whose output the worker draws, records and journals; in megabytes a second. \
             Watchers read through the client as fast as they can; who can't follow gets screens instead of what was left out. All share the cores."
        ),
        peer: "a PTY of this machine",
        rows,
        notes: vec![],
    })
}
