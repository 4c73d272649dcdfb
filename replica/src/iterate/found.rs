//! Seeing an iteration through: the agent, the tree that it left, the gates, the tree after them.
//!
//! What need not wait for something doesn't: the prompt is kept while the agent works, its output and
//! the diff while the gates do. It decides nothing but whether the gates are worth running.

use jiff::Timestamp;
use smith_failpoint as failpoint;
use smith_model::attempt::{ArtifactRef, Exit};
use smith_model::story::Usage;

use super::Attempt;
use crate::agent::{self, Ran};
use crate::capture::{Capture, Captured};
use crate::execution::Cut;
use crate::gates::{self, Judgement};
use crate::git::{CommandError, Snapshot, SnapshotError, Tree, Written};
use crate::notes::Notes;
use crate::orders::Order;
use crate::verdict;
use crate::worker::{Stop, Worker, chain, tree_id};

/// The most bytes of a diff that are kept.
const MOST_DIFF: usize = 2 * 1024 * 1024;

/// What an iteration found.
pub(super) struct Found {
    pub(super) started_at: Timestamp,
    pub(super) agent: Exit,
    pub(super) agent_millis: u64,
    pub(super) prompt: Option<ArtifactRef>,
    pub(super) output: Option<ArtifactRef>,
    /// The end of the agent's output.
    pub(super) tail: String,
    /// What ended the agent or a gate before its time.
    pub(super) cut: Option<Cut>,
    pub(super) not_started: Option<String>,
    pub(super) snapshot: Option<Snapshot>,
    pub(super) diff: Option<ArtifactRef>,
    pub(super) unreadable: Option<String>,
    pub(super) after_gates: Option<Tree>,
    pub(super) judgement: Judgement,
    pub(super) notes: Notes,
    pub(super) usage: Usage,
}

impl Attempt {
    /// Runs agent and gates, and writes the trees.
    pub(super) async fn find(
        &self,
        worker: &Worker,
        iteration: u32,
        prompt: &str,
        env: &[(String, String)],
    ) -> Result<Found, Stop> {
        worker.held().await?;
        let prompt = whole(worker, iteration, "prompt", prompt.as_bytes())?;
        let _ = failpoint::hit!("replica.agent.before");
        let started_at = Timestamp::now();
        let (ran, prompt) =
            tokio::try_join!(agent::run(worker, iteration, env), worker.keep(prompt))?;
        let _ = failpoint::hit!("replica.agent.after");
        let mut found = Found {
            started_at,
            agent: Exit::NotStarted,
            agent_millis: 0,
            prompt,
            output: None,
            tail: String::new(),
            cut: None,
            not_started: None,
            snapshot: None,
            diff: None,
            unreadable: None,
            after_gates: None,
            judgement: Judgement::default(),
            notes: Notes::default(),
            usage: Usage::default(),
        };
        let mut output = None;
        match ran {
            Ran::NotStarted(why) => found.not_started = Some(why),
            Ran::HostLost(why) => {
                found.cut = Some(Cut::HostLost(why));
                found.agent = Exit::Unknown;
            }
            Ran::Ended(done) => {
                found.agent = done.exit;
                found.agent_millis = done.millis;
                output = Some(done.captured);
                found.tail = done.tail;
                found.cut = done.cut;
            }
        }
        (found.notes, found.usage) = agent::left(worker, &self.ground, iteration)?;
        let (output, ()) =
            tokio::try_join!(keep(worker, output), self.judge(worker, iteration, env, &mut found))?;
        found.output = output;
        Ok(found)
    }

    /// Writes the tree, and lets the gates judge it.
    async fn judge(
        &self,
        worker: &Worker,
        iteration: u32,
        env: &[(String, String)],
        found: &mut Found,
    ) -> Result<(), Stop> {
        if matches!(found.cut, Some(Cut::Order(Order::Cancel(_) | Order::Abandon(_)))) {
            return Ok(());
        }
        let repo = &self.ground.repo;
        let written = match repo.write().await {
            Ok(written) => written,
            Err(error) => {
                found.unreadable = Some(unreadable(error)?);
                return Ok(());
            }
        };
        let tree = written.tree.clone();
        let cut_off = !matches!(found.cut, None | Some(Cut::TimedOut | Cut::Stalled(_)));
        let head_tree = tree_id(&self.ground.head_tree);
        let judged = !cut_off && verdict::worth_judging(found.agent, &head_tree, &tree_id(&tree));
        let gates = async {
            if !judged {
                return Ok(Judgement::default());
            }
            let _ = failpoint::hit!("replica.gates.before");
            let judgement = gates::judge(worker, iteration, env).await?;
            let _ = failpoint::hit!("replica.gates.after");
            Ok(judgement)
        };
        let (judgement, compared) =
            tokio::try_join!(gates, self.compare(worker, iteration, written))?;
        found.judgement = judgement;
        match compared {
            Ok((snapshot, diff)) => (found.snapshot, found.diff) = (Some(snapshot), diff),
            Err(why) => found.unreadable = Some(why),
        }
        if let Some(cut) = found.judgement.cut.take() {
            found.cut = Some(cut);
            return Ok(());
        }
        if !judged || found.unreadable.is_some() {
            return Ok(());
        }
        if worker.spec.gates.is_empty() {
            found.after_gates = Some(tree);
            return Ok(());
        }
        match repo.tree_after(&tree).await {
            Ok(after) => found.after_gates = Some(after),
            Err(error) => found.unreadable = Some(unreadable(error)?),
        }
        Ok(())
    }

    /// What was changed, with the diff; or why that can't be used.
    async fn compare(
        &self,
        worker: &Worker,
        iteration: u32,
        written: Written,
    ) -> Result<Result<(Snapshot, Option<ArtifactRef>), String>, Stop> {
        let tree = written.tree.clone();
        let (snapshot, diff) = tokio::try_join!(
            async { Ok(self.ground.repo.compared(&self.ground.head, written).await) },
            self.diff(worker, iteration, &tree),
        )?;
        match snapshot {
            Ok(snapshot) => Ok(Ok((snapshot, diff))),
            Err(error) => Ok(Err(unreadable(error)?)),
        }
    }

    async fn diff(
        &self,
        worker: &Worker,
        iteration: u32,
        tree: &Tree,
    ) -> Result<Option<ArtifactRef>, Stop> {
        let from = &self.ground.head_tree;
        if tree == from {
            return Ok(None);
        }
        let diff = self.ground.repo.diff(from, tree, MOST_DIFF).await;
        let mut diff = diff.map_err(|e| Stop::environment(&e))?;
        if diff.truncated {
            diff.bytes.extend_from_slice(b"\n[the rest is left out]\n");
        }
        worker.keep(whole(worker, iteration, "diff", &diff.bytes)?).await
    }
}

fn whole(worker: &Worker, iteration: u32, what: &str, bytes: &[u8]) -> Result<Captured, Stop> {
    let path = worker.places.captures.join(format!("{iteration}-{what}"));
    Capture::whole(&path, &worker.secrets, bytes).map_err(|e| Stop::environment(&e))
}

async fn keep(worker: &Worker, captured: Option<Captured>) -> Result<Option<ArtifactRef>, Stop> {
    match captured {
        Some(captured) => worker.keep(captured).await,
        None => Ok(None),
    }
}

/// An agent's doing is an iteration's failure; anything else is the environment's.
fn unreadable(error: SnapshotError) -> Result<String, Stop> {
    match &error {
        SnapshotError::Git(CommandError::Start { .. }) => Err(Stop::environment(&error)),
        _ => Ok(chain(&error)),
    }
}
