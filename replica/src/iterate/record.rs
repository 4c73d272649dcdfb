//! Making an iteration last: commit, checkpoint, artifacts, and its evidence in one batch.

use smith_failpoint as failpoint;
use smith_model::SCHEMA_VERSION;
use smith_model::attempt::Checkpoint;
use smith_model::gate::gate_set;
use smith_model::journal::{Draft, Payload, Phase};
use smith_model::story::{Certificate, DiffStat, DoneAs, IterationOutcome, IterationRecord};
use smith_model::worker::EvidenceItem;

use super::{Attempt, Found, Verdict, level};
use crate::capture::{Capture, Captured};
use crate::git::{
    Author, Expect, Message, PushOutcome, RemoteError, Sha, Snapshot, TrailerKey, Tree,
};
use crate::worker::{Stop, Worker, commit_id, identity, tree_id};

/// The most bytes of a diff that are kept.
const MOST_DIFF: usize = 2 * 1024 * 1024;
/// How often a push is tried that failed for the remote's sake.
const PUSHES: u32 = 3;

impl Attempt {
    /// Commits what is green, and stores the iteration with everything that follows from it.
    pub(super) async fn record(
        &mut self,
        worker: &Worker,
        at: usize,
        prompt: String,
        found: Found,
        verdict: Verdict,
    ) -> Result<(), Stop> {
        let Verdict { outcome, message, done_as } = verdict;
        let iteration = self.iterations;
        let story = self.stories.story(at).id.to_string();
        let diff = self.diff(worker, &found).await?;
        let prompt_file = worker.places.captures.join(format!("{iteration}-prompt"));
        let prompt = Capture::whole(&prompt_file, &worker.secrets, prompt.as_bytes())
            .map_err(|e| Stop::environment(&e))?;
        let (prompt, output, diff) =
            tokio::try_join!(worker.keep(prompt), keep(worker, found.output), keep(worker, diff),)?;
        let commit = match (&found.snapshot, outcome) {
            (Some(snapshot), IterationOutcome::Green) => {
                Some(self.checkpoint(worker, at, &snapshot.tree).await?)
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
            prompt,
            output,
            diff,
            gates: found.judgement.results,
            gate_set: gate_set.clone(),
            tree: tree.clone(),
            commit: commit.as_ref().map(|c| commit_id(&c.0)),
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
            let commit = commit.as_ref().map(|c| commit_id(&c.0));
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
        if let Some((commit, checkpoint)) = commit {
            items.push(EvidenceItem::Checkpoint(checkpoint));
            self.ground.head = commit;
            if let Some(snapshot) = found.snapshot {
                self.ground.head_tree = snapshot.tree;
            }
        }
        items.push(EvidenceItem::Stories(self.stories.record().clone()));
        let _ = failpoint::hit!("replica.evidence.before");
        worker.store(items)
    }

    async fn diff(&self, worker: &Worker, found: &Found) -> Result<Option<Captured>, Stop> {
        let Some(snapshot) = found.snapshot.as_ref().filter(|s| s.changed) else { return Ok(None) };
        let (from, to) = (&self.ground.head_tree, &snapshot.tree);
        let diff = self.ground.repo.diff(from, to, MOST_DIFF).await;
        let mut bytes = diff.map_err(|e| Stop::environment(&e))?;
        if bytes.truncated {
            bytes.bytes.extend_from_slice(b"\n[the rest is left out]\n");
        }
        let path = worker.places.captures.join(format!("{}-diff", self.iterations));
        let captured = Capture::whole(&path, &worker.secrets, &bytes.bytes);
        captured.map(Some).map_err(|e| Stop::environment(&e))
    }

    /// Commits a tree that passed the gates, and pushes it to where no attempt can lose it.
    async fn checkpoint(
        &self,
        worker: &Worker,
        at: usize,
        tree: &Tree,
    ) -> Result<(Sha, Checkpoint), Stop> {
        let story = self.stories.story(at);
        let id = story.id.to_string();
        let subject = format!("{id}: {}", story.title);
        self.commit(worker, &subject, Some(&id), tree, Kept::Certified).await
    }

    /// Keeps the work tree as it is, for the next attempt; it is never published.
    pub async fn keep_work(&self, worker: &Worker) -> Result<Option<Checkpoint>, Stop> {
        let snapshot = self.ground.repo.snapshot(&self.ground.head).await;
        let snapshot = snapshot.map_err(|e| Stop::environment(&e))?;
        if !snapshot.changed {
            return Ok(None);
        }
        let subject = "wip: work in progress that passed no gates";
        let kept = self.commit(worker, subject, None, &snapshot.tree, Kept::InProgress).await?;
        worker.store(vec![EvidenceItem::Checkpoint(kept.1.clone())])?;
        Ok(Some(kept.1))
    }

    async fn commit(
        &self,
        worker: &Worker,
        subject: &str,
        story: Option<&str>,
        tree: &Tree,
        kept: Kept,
    ) -> Result<(Sha, Checkpoint), Stop> {
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
        let commit = repo.commit_tree(tree, &parents, &message, &author).await;
        let commit = commit.map_err(|e| Stop::environment(&e))?;
        let _ = failpoint::hit!("replica.commit.after");
        let reference = worker.no.checkpoint_ref(worker.uid);
        let name = reference.parse().map_err(|e| Stop::environment(&e))?;
        for left in (0..PUSHES).rev() {
            worker.still_own().await?;
            match repo.push(&commit, &name, &Expect::Any).await {
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
        let _ = failpoint::hit!("replica.checkpoint.after-push");
        let checkpoint = Checkpoint {
            commit: commit_id(&commit),
            tree: tree_id(tree),
            reference,
            wip: kept == Kept::InProgress,
        };
        Ok((commit, checkpoint))
    }
}

/// What a checkpoint holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kept {
    Certified,
    InProgress,
}

async fn keep(
    worker: &Worker,
    captured: Option<Captured>,
) -> Result<Option<smith_model::attempt::ArtifactRef>, Stop> {
    match captured {
        Some(captured) => worker.keep(captured).await,
        None => Ok(None),
    }
}

/// The size of a change as records hold it.
pub(super) fn stat(snapshot: &Snapshot) -> DiffStat {
    let crate::git::DiffStat { files, insertions, deletions } = snapshot.stat;
    DiffStat { files, insertions, deletions }
}
