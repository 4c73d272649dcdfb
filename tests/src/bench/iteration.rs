//! The fixed cost of an iteration: Smith against a shell loop that does the same with the same repository.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use smith_model::api::Page;
use smith_model::story::IterationRecord;
use tokio::process::Command;

use super::Scale;
use super::loops;
use super::stage::{Server, Stage};
use super::stats::{Rounds, Samples};
use super::table::{Row, Section, Verdict};

/// An agent that does nothing but change one line.
const AGENT: &str = "true; echo line >> lines.txt";
/// Stands for `true` as a gate.
const GATE: &str = "true";

/// What the peer does; prints the microseconds of each iteration.
const SHELL_LOOP: &str = r#"
for ((i = 0; i < n; i++)); do
	begun=${EPOCHREALTIME/./}
	/bin/sh -c "$agent"
	/bin/sh -c "$gate"
	git add --all
	git write-tree >/dev/null
	git commit --quiet --message="line $i"
	echo $((${EPOCHREALTIME/./} - begun))
done
"#;

async fn shell_loop(dir: &Path, n: usize) -> Result<Samples> {
    let mut command = Command::new("bash");
    command.current_dir(dir).arg("-euc").arg(SHELL_LOOP).kill_on_drop(true);
    command.env("n", n.to_string()).env("agent", AGENT).env("gate", GATE);
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
    let output = command.output().await.context("can't run bash")?;
    ensure!(output.status.success(), "the shell loop: {}", String::from_utf8_lossy(&output.stderr));
    let micros = String::from_utf8_lossy(&output.stdout);
    let each = micros.lines().map(|line| Ok(line.parse::<f64>()? / 1e3));
    Ok(Samples::new(each.collect::<Result<_>>()?))
}

struct Iterations {
    /// From the begin of one to the begin of the next.
    whole: Samples,
    /// The agent's part.
    agent: Samples,
    /// The gates'.
    gates: Samples,
    /// From the end of one, recorded, to the begin of the next.
    between: Samples,
}

async fn smith_loop(smithd: &Server, repository: &str, id: &str, n: usize) -> Result<Iterations> {
    let mut connection = smithd.connect().await?;
    loops::create(&mut connection, &loops::request(id, repository, AGENT, n)).await?;
    loops::synced(&mut connection, id, Duration::from_secs(60)).await?;
    let page: Page<IterationRecord> =
        connection.get(&format!("/v1/loops/{id}/iterations")).await?.json()?;
    let all = page.items;
    ensure!(all.len() == n, "{} iterations instead of {n}", all.len());
    let pairs = || all.iter().zip(&all[1..]);
    let ms = |from: &IterationRecord, to: &IterationRecord| {
        to.started_at.duration_since(from.started_at).as_secs_f64() * 1e3
    };
    Ok(Iterations {
        whole: Samples::new(pairs().map(|(a, b)| ms(a, b)).collect()),
        agent: Samples::new(all.iter().map(|i| i.agent_millis as f64).collect()),
        gates: Samples::new(
            all.iter().map(|i| i.gates.iter().map(|g| g.millis as f64).sum()).collect(),
        ),
        between: Samples::new(
            pairs()
                .map(|(a, b)| b.started_at.duration_since(a.ended_at).as_secs_f64() * 1e3)
                .collect(),
        ),
    })
}

/// Measures it.
pub async fn measure(stage: &Stage, scale: &Scale) -> Result<Section> {
    let repository = loops::repository(stage.dir())?;
    let smithd = stage.smithd("smithd-iteration", 1).await?;
    let n = scale.iterations;
    let mut rounds = vec![];
    for round in 0..scale.rounds {
        let name = format!("shell-{round}");
        loops::clone(stage.dir(), &name)?;
        let shell = shell_loop(&stage.dir().join(&name), n).await?;
        let smith = smith_loop(&smithd, &repository, &format!("iterate-{round}"), n).await?;
        rounds.push((shell, smith));
    }
    smithd.stop().await?;
    let of = |figure: &dyn Fn(&Samples, &Iterations) -> f64| {
        Rounds::new(rounds.iter().map(|(shell, smith)| figure(shell, smith)))
    };
    let added = of(&|shell, smith| smith.whole.p50() - shell.p50());
    let row = Row::new(
        format!("{n} iterations: one, p50"),
        format!("{:.1}", of(&|shell, _| shell.p50())),
        format!("{:.1}", of(&|_, smith| smith.whole.p50())),
        format!("+ {added:.1}"),
    );
    let p99 = Row::new(
        "… p99",
        format!("{:.1}", of(&|shell, _| shell.p99())),
        format!("{:.1}", of(&|_, smith| smith.whole.p99())),
        format!("+ {:.1}", of(&|shell, smith| smith.whole.p99() - shell.p99())),
    );
    Ok(Section {
        title: "Fixed cost of an iteration",
        how: format!(
            "A loop of {n} stories on smithd (with its own etcd, as people run it), each done by one iteration of the agent `{AGENT}` with the gate `{GATE}`; from the begin of an iteration to the begin of the next. \
             The peer: bash runs the same agent and gate, `git add`, `git write-tree` and `git commit` in a clone of the same repository (twenty small files)."
        ),
        peer: "shell loop",
        rows: vec![row.goal("p50 + ≤ 100", Verdict::at_most(added.median(), 100.0)), p99],
        notes: vec![format!(
            "Of Smith's p50: the agent's process {:.0}, the gate's {:.0}, from the recorded end of one iteration to the begin of the next {:.1}. \
             Beyond the shell loop's work are in it: a fresh `.git` for the agent, the workspace read back without following links, PTY and host, a tree before and after the gates, a checkpoint pushed, artifacts and journal in etcd.",
            of(&|_, s| s.agent.p50()).median(),
            of(&|_, s| s.gates.p50()).median(),
            of(&|_, s| s.between.p50()).median()
        )],
    })
}
