//! Making an iteration last: commit, checkpoint, artifacts, and its evidence in one batch.

use smith_failpoint as failpoint;
use smith_model::SCHEMA_VERSION;
use smith_model::attempt::Checkpoint;
use smith_model::gate::gate_set;
use smith_model::journal::{Draft, Payload, Phase};
use smith_model::story::{Certificate, DiffStat, DoneAs, IterationOutcome, IterationRecord};
use smith_model::worker::EvidenceItem;

use super::found::Found;
use super::{Attempt, Verdict, level};
use crate::agent;
use crate::git::{
    Author, Expect, Message, PushOutcome, RefName, RemoteError, Sha, Snapshot, TrailerKey,
};
use crate::worker::{Stop, Worker, commit_id, identity, tree_id};

/// How often a push is tried that failed for the remote's sake.
const PUSHES: u32 = 3;

impl Attempt {
    /// Commits what is green, and stores the iteration with everything that follows from it.
    pub(super) async fn record(
        &mut self,
        worker: &Worker,
        at: usize,
        found: Found,
        verdict: Verdict,
    ) -> Result<(), Stop> {
        let Verdict { outcome, message, done_as } = verdict;
        let iteration = self.iterations;
        let story = self.stories.story(at).id.to_string();
        let commit = match (&found.snapshot, outcome) {
            (Some(snapshot), IterationOutcome::Green) => {
                Some(self.checkpoint(worker, at, snapshot).await?)
            }
            _ => None,
        };
        let tree = found.snapshot.as_ref().map(|s| tree_id(&s.tree));
        let gate_set = gate_set(&worker.spec.gates);
        let record = IterationRecord {
            schema_version: SCHEMA_VERSION,
            no: worker.no,
            iteration,
            story: story.clone(),
            started_at: found.started_at,
            ended_at: jiff::Timestamp::now(),
            outcome,
            message: worker.secrets.redact_text(&message),
            agent: found.agent,
            agent_millis: found.agent_millis,
            prompt: found.prompt,
            output: found.output,
            diff: found.diff,
            gates: found.judgement.results,
            gate_set: gate_set.clone(),
            tree: tree.clone(),
            commit: commit.as_ref().map(|c| commit_id(&c.commit)),
            stat: found.snapshot.as_ref().map_or(DiffStat::default(), stat),
            usage: found.usage,
        };
        let payload = Payload::IterationEnded {
            iteration,
            story: story.clone(),
            outcome,
            commit: record.commit.clone(),
            tree: tree.clone(),
        };
        let words = format!("iteration {iteration} on {story}: {message}");
        let ended = Draft::info(Phase::Iteration, words).at(level(outcome)).with(payload);
        let mut items =
            vec![EvidenceItem::Iteration(record), EvidenceItem::Journal(worker.fit(ended))];
        if let (Some(done_as), Some(tree)) = (done_as, tree) {
            let commit = commit.as_ref().map(|c| commit_id(&c.commit));
            let certificate = Certificate { tree, commit, gate_set, no: worker.no, iteration };
            self.stories.done(at, done_as, certificate);
            let how = match done_as {
                DoneAs::Certified => "committed, every gate green",
                DoneAs::Unchanged => "unchanged, every gate green twice",
                DoneAs::Assumed => "assumed",
            };
            let payload = Payload::StoryDone { story: story.clone(), done_as };
            let done =
                Draft::info(Phase::Iteration, format!("{story} is done: {how}")).with(payload);
            items.push(EvidenceItem::Journal(worker.fit(done)));
        }
        if let Some(Committed { commit, checkpoint, renewed }) = commit {
            items.push(EvidenceItem::Checkpoint(checkpoint));
            if let Some(snapshot) = found.snapshot {
                self.ground.head_tree = snapshot.tree;
            }
            self.renewed = renewed.then(|| commit.clone());
            self.ground.head = commit;
        }
        items.push(EvidenceItem::Stories(self.stories.record().clone()));
        let _ = failpoint::hit!("replica.evidence.before");
        worker.store(items)
    }

    /// Commits a tree that passed the gates, and pushes it to where no attempt can lose it.
    async fn checkpoint(
        &self,
        worker: &Worker,
        at: usize,
        snapshot: &Snapshot,
    ) -> Result<Committed, Stop> {
        let story = self.stories.story(at);
        let id = story.id.to_string();
        let subject = format!("{id}: {}", story.title);
        self.commit(worker, &subject, Some(&id), snapshot, Kept::Certified).await
    }

    /// Keeps the work tree as it is, for the next attempt; it is never published.
    pub async fn keep_work(&self, worker: &Worker) -> Result<Option<Checkpoint>, Stop> {
        let snapshot = self.ground.repo.snapshot(&self.ground.head).await;
        let snapshot = snapshot.map_err(|e| Stop::environment(&e))?;
        if !snapshot.changed {
            return Ok(None);
        }
        let subject = "wip: work in progress that passed no gates";
        let kept = self.commit(worker, subject, None, &snapshot, Kept::InProgress).await?;
        worker.store(vec![EvidenceItem::Checkpoint(kept.checkpoint.clone())])?;
        Ok(Some(kept.checkpoint))
    }

    async fn commit(
        &self,
        worker: &Worker,
        subject: &str,
        story: Option<&str>,
        snapshot: &Snapshot,
        kept: Kept,
    ) -> Result<Committed, Stop> {
        let no = worker.no.to_string();
        let mut trailers = vec![
            (TrailerKey::LoopId, worker.spec.loop_id.as_str()),
            (TrailerKey::Attempt, no.as_str()),
        ];
        trailers.extend(story.map(|story| (TrailerKey::Story, story)));
        trailers.push((TrailerKey::CorrelationId, worker.spec.correlation_id.as_str()));
        let subject = worker.secrets.redact_text(subject);
        let message = Message::new(&subject, "", &trailers);
        let author = Author { identity: identity(), date: jiff::Timestamp::now() };
        let repo = &self.ground.repo;
        let parents = [self.ground.head.clone()];
        let commit = repo.commit_tree(&snapshot.tree, &parents, &message, &author).await;
        let commit = commit.map_err(|e| Stop::environment(&e))?;
        let _ = failpoint::hit!("replica.commit.after");
        let reference = worker.no.checkpoint_ref(worker.uid);
        let name = reference.parse().map_err(|e| Stop::environment(&e))?;
        let ((), renewed) = tokio::try_join!(
            self.push(worker, &commit, &name),
            self.renew(&commit, snapshot, kept)
        )?;
        let _ = failpoint::hit!("replica.checkpoint.after-push");
        let checkpoint = Checkpoint {
            commit: commit_id(&commit),
            tree: tree_id(&snapshot.tree),
            reference,
            wip: kept == Kept::InProgress,
        };
        Ok(Committed { commit, checkpoint, renewed })
    }

    /// Makes the next agent's `.git` meanwhile; true if it is there. Where it isn't, it is made when it
    /// is needed, and what is in the way is said then.
    async fn renew(&self, commit: &Sha, snapshot: &Snapshot, kept: Kept) -> Result<bool, Stop> {
        if kept == Kept::InProgress {
            return Ok(false);
        }
        self.ground.repo.extend_history(commit, snapshot).await;
        Ok(agent::renew_git(&self.ground, commit).await.is_ok())
    }

    /// Pushes a checkpoint, as long as the attempt is this worker's.
    async fn push(&self, worker: &Worker, commit: &Sha, name: &RefName) -> Result<(), Stop> {
        for left in (0..PUSHES).rev() {
            worker.still_own().await?;
            match self.ground.repo.push(commit, name, &Expect::Any).await {
                Ok(PushOutcome::Pushed | PushOutcome::AlreadyThere) => break,
                Ok(PushOutcome::Conflict { .. }) => unreachable!("whatever it is was expected"),
                Err(error @ (RemoteError::Unreachable { .. } | RemoteError::TimedOut { .. }))
                    if left > 0 =>
                {
                    tracing::warn!(%error, "trying the checkpoint again");
                }
                Err(error) => return Err(Stop::repository(&error)),
            }
        }
        Ok(())
    }
}

/// A commit that no attempt can lose any more.
struct Committed {
    commit: Sha,
    checkpoint: Checkpoint,
    /// The workspace has a fresh `.git` at it.
    renewed: bool,
}

/// What a checkpoint holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kept {
    Certified,
    InProgress,
}

/// The size of a change as records hold it.
pub(super) fn stat(snapshot: &Snapshot) -> DiffStat {
    let crate::git::DiffStat { files, insertions, deletions } = snapshot.stat;
    DiffStat { files, insertions, deletions }
}
