//! The gates of one iteration, one after the other until one is red.

use smith_model::attempt::Exit;
use smith_model::gate::{Gate, GateResult};
use smith_model::journal::{Draft, Level, Payload, Phase};
use smith_model::worker::WorkerPhase;

use crate::execution::{Cut, Output, Run, follow};
use crate::host::{Command, Error as HostError, Program, StartFailure, Stdin};
use crate::sink::shown_line;
use crate::worker::{Stop, Worker, chain};

/// What the gates found.
#[derive(Debug, Default)]
pub struct Judgement {
    /// Those that ran.
    pub results: Vec<GateResult>,
    /// The end of what the last one printed.
    pub tail: String,
    /// What ended one before its end, if it wasn't its own time.
    pub cut: Option<Cut>,
}

/// Runs the gates.
pub async fn judge(
    worker: &Worker,
    iteration: u32,
    env: &[(String, String)],
) -> Result<Judgement, Stop> {
    worker.phase(WorkerPhase::Gates);
    let mut judgement = Judgement::default();
    for (n, gate) in worker.spec.gates.iter().enumerate() {
        // The lease may have run out since the last one ended.
        worker.held().await?;
        one(worker, iteration, n, gate, env, &mut judgement).await?;
        let red = judgement.results.last().is_some_and(|r| !r.green());
        if judgement.cut.is_some() || red {
            break;
        }
    }
    Ok(judgement)
}

async fn one(
    worker: &Worker,
    iteration: u32,
    n: usize,
    gate: &Gate,
    env: &[(String, String)],
    judgement: &mut Judgement,
) -> Result<(), Stop> {
    let command = Command {
        program: Program::Shell(gate.run.clone()),
        env: env.iter().cloned().collect(),
        cwd: Default::default(),
    };
    let result = |exit, millis, output| GateResult { run: gate.run.clone(), exit, millis, output };
    let (process, piped) = match worker.host.start_in_pipes(command, Stdin::Null).await {
        Ok(started) => started,
        Err(HostError::Refused(refused)) if refused.kind == StartFailure::Lost => {
            judgement.cut = Some(Cut::HostLost(refused.to_string()));
            return Ok(());
        }
        Err(HostError::Refused(refused)) => {
            judgement.results.push(result(Exit::NotStarted, 0, None));
            judgement.tail = refused.to_string();
            return report(worker, iteration, gate, Exit::NotStarted, 0);
        }
        Err(HostError::Lost(loss)) => {
            judgement.cut = Some(Cut::HostLost(chain(&*loss)));
            return Ok(());
        }
        Err(error) => return Err(Stop::environment(&error)),
    };
    let run = Run {
        iteration,
        gate: Some(&gate.run),
        timeout: gate.timeout.unwrap_or(worker.spec.policy.gate_timeout).std(),
        stall_after: None,
        path: worker.places.captures.join(format!("{iteration}-gate-{n}")),
        tap: None,
    };
    let output = Output::of(vec![Box::new(piped.stdout), Box::new(piped.stderr)]);
    let done = follow(worker, run, process, output).await?;
    let output = worker.keep(done.captured).await?;
    judgement.results.push(result(done.exit, done.millis, output));
    judgement.tail = done.tail;
    judgement.cut = done.cut.filter(|cut| *cut != Cut::TimedOut);
    report(worker, iteration, gate, done.exit, done.millis)
}

fn report(
    worker: &Worker,
    iteration: u32,
    gate: &Gate,
    exit: Exit,
    millis: u64,
) -> Result<(), Stop> {
    let green = exit == Exit::Code(0);
    let run = shown_line(worker, &gate.run);
    let word = if green { "green" } else { "red" };
    let message = format!("{word}: {run} ({exit}, {:.1} s)", millis as f64 / 1000.0);
    let level = if green { Level::Info } else { Level::Warn };
    let payload = Payload::Gate { iteration, run, exit, millis };
    worker.say(Draft::info(Phase::Gates, message).at(level).with(payload))
}
