//! What a key takes through a pane of the workstation: to a worker's program and back onto the screen.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::task::spawn_blocking;

use super::SIZE;
use super::probe::Probe;
use crate::bench::stage::{Server, Stage};
use crate::bench::stats::{Rounds, Samples, millis};
use crate::bench::table::{Row, Section};
use crate::bench::{Scale, loops};

/// A program that sends each key back.
const ECHO: &str = "stty raw -echo; echo ready; exec cat";

/// Measures it, beside the same program in a PTY and behind `smithctl attach`.
pub(super) async fn measure(stage: &Stage, scale: &Scale) -> Result<Section> {
    let repository = loops::repository(stage.dir())?;
    let smithd = stage.smithd("smithd-pane", 1).await?;
    let mut connection = smithd.connect().await?;
    loops::create(&mut connection, &loops::request("echo", &repository, ECHO, 1)).await?;
    loops::iterates(&mut connection, "echo", Duration::from_secs(30)).await?;
    let mut local = Command::new("sh");
    local.args(["-c", ECHO]).env_clear().env("TERM", "xterm-256color").env("PATH", path());
    let attach = attach(stage, &smithd);
    let workstation = super::smith(stage, &smithd)?;
    let (rounds, keys) = (scale.rounds, scale.changes);
    let measured = spawn_blocking(move || {
        let mut all: [Vec<Samples>; 3] = Default::default();
        let mut local = Probe::start(local, SIZE.0, SIZE.1)?;
        local.until(|screen| screen.to_text().contains("ready"))?;
        all[0] = echoes(&mut local, rounds, keys).context("in a PTY")?;
        drop(local);
        let mut attached = Probe::start(attach, SIZE.0, SIZE.1)?;
        attached.until(|screen| screen.to_text().contains("you type"))?;
        all[1] = echoes(&mut attached, rounds, keys).context("behind smithctl attach")?;
        // What it wrote is redrawn by whoever comes next; the keyboard is given back first.
        attached.press("\x1dd")?;
        attached.read_for(Duration::from_millis(500));
        drop(attached);
        let mut workstation = Probe::start(workstation, SIZE.0, SIZE.1)?;
        workstation.until(|screen| screen.to_text().contains("overwriting"))?;
        workstation.press("a")?;
        workstation.until(|screen| screen.to_text().contains("nobody types"))?;
        workstation.press("t")?;
        workstation.until(|screen| screen.to_text().contains("YOU TYPE HERE"))?;
        all[2] = echoes(&mut workstation, rounds, keys).context("in the workstation")?;
        anyhow::Ok(all)
    });
    let [local, attached, workstation] = measured.await??;
    let stop = serde_json::json!({
        "loop_id": "echo", "target_state": "cancelled", "reason": "measured",
    });
    connection.post("/v1/control/override", &stop).await?.json::<serde_json::Value>()?;
    smithd.stop().await?;
    let figure = |of: fn(&Samples) -> f64, all: &[Samples]| Rounds::new(all.iter().map(of));
    let row = |what: &str, of: fn(&Samples) -> f64, peer: &[Samples]| {
        let added = peer.iter().zip(&workstation).map(|(peer, pane)| of(pane) - of(peer));
        Row::new(
            what,
            format!("{:.2}", figure(of, peer)),
            format!("{:.2}", figure(of, &workstation)),
            format!("+ {:.2}", Rounds::new(added)),
        )
    };
    Ok(Section {
        title: "Keystroke to echo in a pane",
        how: format!(
            "A program that sends each key back (`{ECHO}`) on a terminal of {} x {}, one key after the other, {keys} a round: \
             in a PTY of this machine; as a worker's agent behind `smithctl attach --write`; and in a pane of the workstation. A key counts as seen when the emulated screen shows it.",
            SIZE.0, SIZE.1
        ),
        peer: "the other",
        rows: vec![
            row("a PTY of this machine: p50", Samples::p50, &local),
            row("… p99", Samples::p99, &local),
            row("`smithctl attach`: p50", Samples::p50, &attached),
            row("… p99", Samples::p99, &attached),
        ],
        notes: vec![],
    })
}

fn path() -> std::ffi::OsString {
    std::env::var_os("PATH").unwrap_or_default()
}

fn attach(stage: &Stage, api: &Server) -> Command {
    let mut command = Command::new(stage.built("smithctl"));
    command.args(["attach", "echo", "--write"]);
    command.env_clear().env("HOME", stage.dir()).env("TERM", "xterm-256color").env("PATH", path());
    command.env("SMITH_API_URL", format!("http://{}", api.address));
    command.env("SMITH_OPERATOR_TOKEN", &api.token);
    command
}

/// Types, and waits for each letter before the cursor, which has moved on.
fn echoes(probe: &mut Probe, rounds: usize, keys: usize) -> Result<Vec<Samples>> {
    let mut all = vec![];
    for _ in 0..rounds {
        let mut took = vec![];
        for n in 0..keys {
            if n % 24 == 0 {
                probe.press("\r\n")?;
                probe.read_for(Duration::from_millis(100));
            }
            let key = char::from(b'a' + u8::try_from(n % 26)?);
            let before = probe.screen().cursor;
            probe.press(&key.to_string())?;
            let seen = probe.until(|screen| {
                let Some(cursor) = screen.cursor.filter(|cursor| Some(*cursor) != before) else {
                    return false;
                };
                let row = screen.rows.get(usize::from(cursor.row));
                let cell =
                    row.and_then(|row| row.cells.get(usize::from(cursor.column).checked_sub(1)?));
                cell.is_some_and(|cell| cell.c == key)
            })?;
            took.push(millis(seen));
            probe.read_for(Duration::from_millis(20));
        }
        all.push(Samples::new(took));
    }
    Ok(all)
}
