//! The iterations of an attempt: story by story, agent then gates, until all are done or none can go on.

mod found;
mod record;

use std::collections::HashMap;
use std::time::Duration;

use smith_model::attempt::Exit;
use smith_model::failure::FailureClass;
use smith_model::gate::GateResult;
use smith_model::handoff::HandoffDraft;
use smith_model::journal::{Draft, Level, Payload, Phase};
use smith_model::story::{DiffStat, DoneAs, IterationOutcome, Usage};
use smith_model::terminal::Intervention;
use smith_model::worker::{EvidenceItem, WorkerPhase};

use crate::agent;
use crate::checkout::Ground;
use crate::excerpt::tail;
use crate::execution::Cut;
use crate::git::Sha;
use crate::interventions;
use crate::notes::Notes;
use crate::orders::Order;
use crate::prompt::{self, LastFailure, Parts};
use crate::stories::{Next, Stories, Which};
use crate::verdict::{self, Break, Facts, Trees};
use crate::worker::{Stop, Worker, tree_id};
use found::Found;

/// The most interventions that are handed on.
const MOST_INTERVENTIONS: usize = 8;

/// What an attempt has come to so far.
#[derive(Debug)]
pub struct Attempt {
    /// The repository.
    pub ground: Ground,
    /// The stories.
    pub stories: Stories,
    /// What agents left.
    pub notes: Notes,
    /// What the last attempt handed on.
    pub handoff: Option<HandoffDraft>,
    /// Iterations so far.
    pub iterations: u32,
    /// Tokens and money so far.
    pub usage: Usage,
    /// What the gates last said.
    pub gates: Vec<GateResult>,
    /// The end of what the last red gate printed.
    pub red_tail: String,
    /// What people did at the terminals.
    pub interventions: Vec<Intervention>,
    /// How many of them a prompt has told.
    told: usize,
    /// What the next prompt has to tell of the last iteration.
    failure: Option<LastFailure>,
    /// The head at which the workspace has a `.git` that no agent has seen.
    renewed: Option<Sha>,
    tries: HashMap<usize, Tries>,
    /// The class of the first story whose tries were used up.
    exhausted: Option<(FailureClass, String)>,
}

/// The iterations of one story.
#[derive(Debug, Default)]
struct Tries {
    trees: Trees,
    outcomes: Vec<IterationOutcome>,
}

/// What it means.
struct Verdict {
    outcome: IterationOutcome,
    /// One sentence for people.
    message: String,
    /// The story is done by it.
    done_as: Option<DoneAs>,
}

impl Attempt {
    /// Begins; `iterations` were recorded before.
    pub fn new(
        ground: Ground,
        stories: Stories,
        handoff: Option<HandoffDraft>,
        iterations: u32,
    ) -> Self {
        Self {
            ground,
            stories,
            notes: Notes::default(),
            handoff,
            iterations,
            usage: Usage::default(),
            gates: vec![],
            red_tail: String::new(),
            interventions: vec![],
            told: 0,
            failure: None,
            renewed: None,
            tries: HashMap::new(),
            exhausted: None,
        }
    }

    /// Iterates until every story is done.
    pub async fn iterate(&mut self, worker: &Worker) -> Result<(), Stop> {
        loop {
            let at = match self.stories.next() {
                Next::AllDone => return Ok(()),
                Next::Story(at) => at,
                Next::Stuck => {
                    let (class, why) = self.exhausted.clone().unwrap_or_else(|| {
                        (FailureClass::SpecInvalid, "no story can be begun".to_owned())
                    });
                    return Err(Stop::failed(class, why));
                }
            };
            go_on(worker).await?;
            self.within_limits(worker)?;
            self.one(worker, at).await?;
        }
    }

    fn within_limits(&self, worker: &Worker) -> Result<(), Stop> {
        let policy = &worker.spec.policy;
        let over = |class, why: String| Err(Stop::failed(class, why));
        if self.iterations >= policy.iterations {
            let why = format!("all {} iterations of the attempt are used up", policy.iterations);
            return over(FailureClass::IterationsExhausted, why);
        }
        if let Some(most) = policy.tokens
            && self.usage.tokens() >= most
        {
            let why = format!("{} of {most} tokens are used up", self.usage.tokens());
            return over(FailureClass::BudgetExhausted, why);
        }
        if let Some(most) = policy.cost_microusd
            && self.usage.cost_microusd >= most
        {
            let used = self.usage.cost_microusd;
            let why = format!("{used} of {most} millionths of a US dollar are used up");
            return over(FailureClass::BudgetExhausted, why);
        }
        if worker.clock.elapsed() >= worker.landing_at() {
            return over(FailureClass::TimedOut, attempt_over(worker));
        }
        Ok(())
    }

    /// One iteration on the story at `at`.
    async fn one(&mut self, worker: &Worker, at: usize) -> Result<(), Stop> {
        self.iterations += 1;
        let iteration = self.iterations;
        let tries = self.stories.begin(at);
        let id = self.stories.story(at).id.to_string();
        let title = self.stories.story(at).title.clone();
        worker.session.report(|progress| {
            progress.phase = WorkerPhase::Iterating;
            progress.iteration = iteration;
            progress.story = Some(id.clone());
            progress.suspect(None);
        });
        let words = format!("iteration {iteration} on {id} {title} (try {tries})");
        let begun = Draft::info(Phase::Iteration, words)
            .with(Payload::IterationStarted { iteration, story: id.clone() });
        worker.store(vec![
            EvidenceItem::Journal(worker.fit(begun)),
            EvidenceItem::Stories(self.stories.record().clone()),
        ])?;
        self.look_at_terminals(worker).await?;
        let prompt = worker.secrets.redact_text(&self.prompt(worker, at));
        self.told = self.interventions.len();
        // Whatever an agent gets was made after the last process of the one before had ended.
        if self.renewed.take().as_ref() != Some(&self.ground.head) {
            agent::renew_git(&self.ground, &self.ground.head).await?;
        }
        agent::hand_over(&self.ground, prompt.clone()).await?;
        let env = agent::environment(worker, &id, iteration);
        let found = self.find(worker, iteration, &prompt, &env).await?;
        self.conclude(worker, at, found).await
    }

    fn prompt(&self, worker: &Worker, at: usize) -> String {
        prompt::prompt(&Parts {
            story: self.stories.story(at),
            prd: self.stories.prd(),
            words: worker.spec.prompt.as_deref(),
            gates: &worker.spec.gates,
            title: &worker.spec.title,
            done: &self.stories.names(Which::Done),
            handoff: self.handoff.as_ref(),
            notes: &self.notes,
            interventions: &self.interventions[self.told..],
            failure: self.failure.as_ref(),
        })
    }

    /// Makes what came of the terminals meanwhile evidence, and tells it to who comes next.
    pub async fn look_at_terminals(&mut self, worker: &Worker) -> Result<(), Stop> {
        let new = interventions::evidence(worker, &self.ground.repo).await?;
        self.interventions.extend(new);
        // The newest count, and those that no prompt has told yet.
        let surplus = self.interventions.len().saturating_sub(MOST_INTERVENTIONS).min(self.told);
        self.interventions.drain(..surplus);
        self.told -= surplus;
        Ok(())
    }

    /// Says what the iteration came to, records it, and decides how the attempt goes on.
    async fn conclude(&mut self, worker: &Worker, at: usize, found: Found) -> Result<(), Stop> {
        let outcome = self.outcome(worker, &found);
        let message = describe(worker, outcome, &found);
        self.usage = self.usage.plus(found.usage);
        self.notes.absorb(found.notes.clone());
        if !found.judgement.results.is_empty() {
            self.gates = found.judgement.results.clone();
            if self.gates.iter().any(|g| !g.green()) {
                self.red_tail = found.judgement.tail.clone();
            }
        }
        let tries = self.tries.entry(at).or_default();
        tries.outcomes.push(outcome);
        let oscillates = match (&found.snapshot, outcome) {
            // What is committed is progress; where it was stopped nothing is known.
            (_, IterationOutcome::Green | IterationOutcome::Interrupted) => false,
            (Some(snapshot), _) => tries.trees.oscillates(&tree_id(&snapshot.tree)),
            (None, _) => false,
        };
        let twice = matches!(
            tries.outcomes[..],
            [.., IterationOutcome::Unchanged, IterationOutcome::Unchanged]
        );
        let done_as = match outcome {
            IterationOutcome::Green => Some(DoneAs::Certified),
            IterationOutcome::Unchanged if twice => Some(DoneAs::Unchanged),
            _ => None,
        };
        let used_up = self.stories.record().stories[at].tries >= worker.spec.policy.story_tries;
        if outcome == IterationOutcome::Interrupted || outcome == IterationOutcome::HostLost {
            self.stories.take_back(at);
        } else if done_as.is_none() && used_up {
            self.stories.exhaust(at);
            let class = verdict::class_of(&self.tries[&at].outcomes);
            let story = self.stories.story(at);
            let why = format!("{} {} used up its tries: {message}", story.id, story.title);
            self.exhausted.get_or_insert((class, why));
        }
        self.failure = self.next_failure(worker, outcome, &message, &found);
        let cut = found.cut.clone();
        let fast = found.agent_millis < 1_000;
        let verdict = Verdict { outcome, message: message.clone(), done_as };
        self.record(worker, at, found, verdict).await?;
        let done = self.stories.record().counts().done;
        let usage = self.usage;
        worker.session.report(|progress| {
            progress.stories_done = done;
            progress.usage = usage;
            progress.suspect(None);
        });
        match cut {
            Some(Cut::Order(order)) => return Err(order.into()),
            Some(Cut::AttemptOver) => {
                return Err(Stop::failed(FailureClass::TimedOut, attempt_over(worker)));
            }
            Some(Cut::HostLost(why)) => return Err(Stop::failed(FailureClass::HostLost, why)),
            Some(Cut::TimedOut | Cut::Stalled(_)) | None => {}
        }
        if oscillates {
            let story = self.stories.story(at);
            let why = format!(
                "{} {} goes in circles: the tree of an earlier iteration came back twice ({message})",
                story.id, story.title
            );
            return Err(Stop::failed(FailureClass::Oscillating, why));
        }
        if outcome == IterationOutcome::AgentFailed && fast {
            breathe(worker, self.tries[&at].outcomes.len()).await?;
        }
        Ok(())
    }

    fn outcome(&self, worker: &Worker, found: &Found) -> IterationOutcome {
        let broken = match &found.cut {
            Some(Cut::Order(_) | Cut::AttemptOver) => Some(Break::Interrupted),
            Some(Cut::HostLost(_)) => Some(Break::HostLost),
            Some(Cut::TimedOut | Cut::Stalled(_)) | None => {
                found.unreadable.is_some().then_some(Break::Unreadable)
            }
        };
        let tree = found.snapshot.as_ref().map(|s| tree_id(&s.tree));
        let after = found.after_gates.as_ref().map(tree_id);
        verdict::outcome(&Facts {
            broken,
            agent: found.agent,
            committed: &tree_id(&self.ground.head_tree),
            tree: tree.as_ref(),
            gates: &found.judgement.results,
            gate_count: worker.spec.gates.len(),
            tree_after_gates: after.as_ref(),
        })
    }

    /// What the next prompt tells of this iteration.
    fn next_failure(
        &self,
        worker: &Worker,
        outcome: IterationOutcome,
        message: &str,
        found: &Found,
    ) -> Option<LastFailure> {
        let of_agent = |what: String| LastFailure {
            what,
            command: None,
            output: tail(&found.tail, 4 * 1024).to_owned(),
        };
        let red = found.judgement.results.iter().find(|g| !g.green());
        match outcome {
            IterationOutcome::Green => None,
            IterationOutcome::Unchanged => Some(LastFailure {
                what: "Nothing was changed, and every gate was green. If there is nothing to do, change nothing again and end with 0: the story then counts as done, unchanged.".to_owned(),
                command: None,
                output: String::new(),
            }),
            _ if red.is_some() => red.map(|gate| LastFailure {
                what: format!("A gate was red ({}).", gate.exit),
                command: Some(worker.secrets.redact_text(&gate.run)),
                output: found.judgement.tail.clone(),
            }),
            IterationOutcome::Unreadable | IterationOutcome::GatesChangedTree => Some(LastFailure {
                what: message.to_owned(),
                command: None,
                output: String::new(),
            }),
            _ => Some(of_agent(message.to_owned())),
        }
    }
}

/// Waits while the loop is held; ends where an order says so.
async fn go_on(worker: &Worker) -> Result<(), Stop> {
    if let Order::Pause(why) = worker.orders.now() {
        worker.say(Draft::info(Phase::Iteration, format!("paused: {why}")))?;
        worker.phase(WorkerPhase::Paused);
        let pause = worker.clock.pause();
        worker.orders.wait_for(|order| !matches!(order, Order::Pause(_))).await;
        drop(pause);
        worker.say(Draft::info(Phase::Iteration, "goes on"))?;
    }
    match worker.orders.now() {
        Order::Go | Order::Pause(_) => worker.held().await,
        order => Err(order.into()),
    }
}

/// A little more time after each failed start, so that one that fails at once isn't tried in a hurry.
async fn breathe(worker: &Worker, failures: usize) -> Result<(), Stop> {
    let millis = 100u64 << failures.min(6);
    tokio::select! { biased;
        order = worker.orders.halted() => Err(order.into()),
        () = tokio::time::sleep(Duration::from_millis(millis)) => Ok(()),
    }
}

fn attempt_over(worker: &Worker) -> String {
    let timeout = worker.spec.policy.attempt_timeout;
    format!("the attempt's time ({timeout}, its last tenth for landing) is used up")
}

/// One sentence for people.
fn describe(worker: &Worker, outcome: IterationOutcome, found: &Found) -> String {
    let red = found.judgement.results.iter().find(|g| !g.green());
    let gate = |g: &GateResult| {
        format!("{} was red ({})", crate::sink::shown_line(worker, &g.run), g.exit)
    };
    let stat = found.snapshot.as_ref().map_or(DiffStat::default(), record::stat);
    let change = format!("{} files, +{} -{}", stat.files, stat.insertions, stat.deletions);
    match outcome {
        IterationOutcome::Green => format!("every gate is green ({change})"),
        IterationOutcome::Unchanged => "nothing was changed, and every gate is green".to_owned(),
        IterationOutcome::GatesFailed => red.map_or("the gates did not run".to_owned(), gate),
        IterationOutcome::GatesChangedTree => {
            "the gates changed the files that they were judging: a gate must leave them alone, or the change must be made before".to_owned()
        }
        IterationOutcome::AgentFailed => match (&found.not_started, found.agent, red) {
            (Some(why), ..) => format!("the agent can't be started: {why}"),
            (None, exit @ Exit::Code(126 | 127), _) => {
                let command = crate::sink::shown_line(worker, &worker.spec.command);
                format!("the agent can't be started ({exit}); is it installed and executable? {command}")
            }
            (None, exit, Some(red)) => format!("the agent failed ({exit}), and {}", gate(red)),
            (None, exit, None) => format!("the agent failed ({exit}) and changed nothing"),
        },
        IterationOutcome::TimedOut => {
            format!("the agent was ended after {}", worker.spec.policy.agent_timeout)
        }
        IterationOutcome::Stalled => match &found.cut {
            Some(Cut::Stalled(why)) => format!("the agent stalled: {why}"),
            _ => "the agent stalled".to_owned(),
        },
        IterationOutcome::Unreadable => {
            let why = found.unreadable.as_deref().unwrap_or("nobody knows why");
            format!("the workspace can't be read: {why}")
        }
        IterationOutcome::HostLost => "the host that ran the agent was lost".to_owned(),
        IterationOutcome::Interrupted => "stopped in the middle".to_owned(),
    }
}

/// The level of an outcome in the journal.
fn level(outcome: IterationOutcome) -> Level {
    match outcome {
        IterationOutcome::Green | IterationOutcome::Unchanged => Level::Info,
        _ => Level::Warn,
    }
}
