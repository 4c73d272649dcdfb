//! What an iteration came to, and what the iterations of a story come to together. Pure.

use std::time::Duration;

use smith_model::attempt::Exit;
use smith_model::failure::FailureClass;
use smith_model::gate::GateResult;
use smith_model::id::TreeId;
use smith_model::story::IterationOutcome;

/// Where the workspace could not be followed to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// Stopped from outside in the middle.
    Interrupted,
    /// The host vanished.
    HostLost,
    /// The workspace could not be read.
    Unreadable,
}

/// What was found in one iteration.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// What ended it before its end, if anything did.
    pub broken: Option<Break>,
    /// How the agent ended.
    pub agent: Exit,
    /// The tree that was last committed (or the base's).
    pub committed: &'a TreeId,
    /// The tree after the agent.
    pub tree: Option<&'a TreeId>,
    /// The gates that ran; they stop at the first red one.
    pub gates: &'a [GateResult],
    /// How many gates there are.
    pub gate_count: usize,
    /// The tree after the gates.
    pub tree_after_gates: Option<&'a TreeId>,
}

/// Are gates to be run after this end of the agent?
///
/// Not where the answer can't matter: an agent that was cut off has not said that it is done, and one
/// that failed without changing anything leaves nothing to judge.
pub fn worth_judging(agent: Exit, committed: &TreeId, tree: &TreeId) -> bool {
    match agent {
        Exit::TimedOut | Exit::Stalled | Exit::NotStarted => false,
        Exit::Code(0) => true,
        Exit::Code(_) | Exit::Signal(_) | Exit::Unknown => tree != committed,
    }
}

/// What the iteration came to. Gates decide; an agent's exit code counts only where they can't.
pub fn outcome(facts: &Facts<'_>) -> IterationOutcome {
    match facts.broken {
        Some(Break::Interrupted) => return IterationOutcome::Interrupted,
        Some(Break::HostLost) => return IterationOutcome::HostLost,
        Some(Break::Unreadable) => return IterationOutcome::Unreadable,
        None => {}
    }
    let Some(tree) = facts.tree else { return IterationOutcome::Unreadable };
    match facts.agent {
        Exit::TimedOut => return IterationOutcome::TimedOut,
        Exit::Stalled => return IterationOutcome::Stalled,
        Exit::NotStarted => return IterationOutcome::AgentFailed,
        Exit::Code(_) | Exit::Signal(_) | Exit::Unknown => {}
    }
    let well = facts.agent == Exit::Code(0);
    let changed = tree != facts.committed;
    if !well && !changed {
        return IterationOutcome::AgentFailed;
    }
    let green = facts.gates.len() == facts.gate_count && facts.gates.iter().all(GateResult::green);
    if !green {
        return if well { IterationOutcome::GatesFailed } else { IterationOutcome::AgentFailed };
    }
    if facts.tree_after_gates != Some(tree) {
        return IterationOutcome::GatesChangedTree;
    }
    if changed { IterationOutcome::Green } else { IterationOutcome::Unchanged }
}

/// The class of a story whose tries are used up.
pub fn class_of(outcomes: &[IterationOutcome]) -> FailureClass {
    let all = |f: fn(&IterationOutcome) -> bool| !outcomes.is_empty() && outcomes.iter().all(f);
    if all(|o| {
        matches!(
            o,
            IterationOutcome::AgentFailed
                | IterationOutcome::TimedOut
                | IterationOutcome::Unreadable
        )
    }) {
        return FailureClass::AgentFailed;
    }
    match outcomes.last() {
        Some(IterationOutcome::Stalled) => FailureClass::Stalled,
        // Every gate was green, and the agent left nothing to be judged.
        Some(IterationOutcome::Unchanged) => FailureClass::AgentFailed,
        _ => FailureClass::GatesFailed,
    }
}

/// The trees of one story's iterations, watched for a walk in circles.
#[derive(Clone, Debug, Default)]
pub struct Trees {
    seen: Vec<TreeId>,
    returns: u32,
}

/// How often an earlier tree may come back before the story counts as oscillating.
const RETURNS: u32 = 2;

impl Trees {
    /// Adds the tree of the next iteration; true when the story oscillates: the tree of an earlier,
    /// non-adjacent iteration came back for the second time. That nothing was changed (the tree of
    /// the iteration just before) is another matter and isn't counted.
    pub fn oscillates(&mut self, tree: &TreeId) -> bool {
        let repeats = self.seen.last() == Some(tree);
        if !repeats && self.seen.contains(tree) {
            self.returns += 1;
        }
        self.seen.push(tree.clone());
        self.returns >= RETURNS
    }
}

/// What the host and the workspace show of a running agent at one moment of the work clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// When, on the work clock.
    pub at: Duration,
    /// Bytes that it has printed.
    pub printed: u64,
    /// CPU time of all its processes, in milliseconds.
    pub cpu_millis: u64,
    /// Its processes.
    pub alive: u32,
    /// Those of them that are stopped.
    pub stopped: u32,
    /// When the newest file was changed, in any unit that grows.
    pub changed: u128,
}

/// See [`Silence::look`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Quiet {
    /// It works.
    No,
    /// Half of the time has passed in silence.
    Suspect,
    /// All of it has; with the evidence, as one sentence.
    Stalled(String),
}

/// Watches a running agent for signs of life.
#[derive(Clone, Debug)]
pub struct Silence {
    after: Duration,
    last: Sample,
    /// When it last showed life.
    alive_at: Duration,
}

impl Silence {
    /// It counts as stalled when silent for `after`.
    pub fn new(after: Duration, first: Sample) -> Self {
        Self { after, last: first, alive_at: first.at }
    }

    /// Takes the next sample.
    ///
    /// Output and file changes are life. CPU is life from one part in a hundred on: idle runtimes
    /// wake up many times a second and compute nothing.
    pub fn look(&mut self, now: Sample) -> Quiet {
        let last = std::mem::replace(&mut self.last, now);
        let passed = now.at.saturating_sub(last.at).as_millis();
        let computed = u128::from(now.cpu_millis.saturating_sub(last.cpu_millis));
        let busy = computed > 0 && computed * 100 >= passed;
        if now.printed != last.printed || now.changed > last.changed || busy {
            self.alive_at = now.at;
            return Quiet::No;
        }
        let silent = now.at.saturating_sub(self.alive_at);
        if silent >= self.after {
            return Quiet::Stalled(verdict(silent, &now));
        }
        if silent * 2 >= self.after { Quiet::Suspect } else { Quiet::No }
    }
}

fn verdict(silent: Duration, now: &Sample) -> String {
    let seconds = silent.as_secs_f64();
    let time = format!("no output, no CPU and no file change for {seconds:.1} s");
    match (now.stopped, now.alive) {
        (0, alive) => format!("{time}, with {alive} processes waiting"),
        (stopped, alive) if stopped == alive => format!(
            "{time}: all of its {alive} processes are stopped (SIGSTOP, SIGTSTP or SIGTTOU), and nothing will let them go on"
        ),
        (stopped, alive) => {
            format!("{time}, with {stopped} of its {alive} processes stopped and the rest waiting")
        }
    }
}

#[cfg(test)]
mod tests;
