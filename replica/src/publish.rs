//! Putting the branch where the certified work is, in steps that can be repeated after any crash.
//!
//! `prepared` is recorded before the push and names the exact commits, so that whoever comes next
//! settles it by looking: it is there, or it can still be pushed as it is, or it never will be.

use smith_failpoint as failpoint;
use smith_model::attempt::Prepared;
use smith_model::failure::FailureClass;
use smith_model::journal::{Draft, Level, Phase};
use smith_model::problem::Code;
use smith_model::worker::{ClaimAnswer, PublishRequest, WorkerPhase};

use crate::api::Error as ApiError;
use crate::checkout::Ground;
use crate::git::{DeleteOutcome, Expect, PushOutcome, RefName, Repo, Sha};
use crate::worker::{Stop, Worker, commit_id, sha, tree_id};

/// Publishes the head. Every story is done.
pub async fn publish(worker: &Worker, ground: &Ground, claim: &ClaimAnswer) -> Result<(), Stop> {
    worker.phase(WorkerPhase::Publishing);
    // What was said so far is the evidence that the server looks at.
    worker.flushed().await?;
    let name = ground.branch.ref_name();
    let mut at = claim.published.as_ref().map(sha);
    if let Some(earlier) = &claim.prepared
        && settle(worker, ground, &name, earlier).await?
    {
        at = Some(sha(&earlier.new));
        if at.as_ref() == Some(&ground.head) {
            return Ok(());
        }
    }
    let found = remote(&ground.repo, &name).await?;
    if found != at && found.as_ref() != Some(&ground.head) {
        return Err(conflict(&name, at.as_ref(), found.as_ref()));
    }
    let prepared = Prepared {
        branch: ground.branch.to_string(),
        old: found.as_ref().map(commit_id),
        new: commit_id(&ground.head),
        tree: tree_id(&ground.head_tree),
    };
    say(worker, PublishRequest::Prepare(prepared.clone())).await?;
    let _ = failpoint::hit!("replica.prepare.after");
    push(worker, ground, &name, &prepared).await
}

/// Finds out what became of a publish that was prepared before: true if it is there now.
async fn settle(
    worker: &Worker,
    ground: &Ground,
    name: &RefName,
    earlier: &Prepared,
) -> Result<bool, Stop> {
    let new = sha(&earlier.new);
    let old = earlier.old.as_ref().map(sha);
    let found = remote(&ground.repo, name).await?;
    if found.as_ref() == Some(&new) {
        let words =
            format!("{name} is at {:.12} already, as an earlier attempt prepared", new.as_str());
        worker.say(Draft::info(Phase::Publish, words))?;
        say(worker, PublishRequest::Pushed { new: earlier.new.clone() }).await?;
        return Ok(true);
    }
    if found == old {
        match ground.repo.fetch_sha(&new).await {
            Ok(()) => {
                push(worker, ground, name, earlier).await?;
                return Ok(true);
            }
            Err(error) => {
                let words =
                    format!("what an earlier attempt prepared can't be had any more: {error}");
                worker.say(Draft::info(Phase::Publish, words).at(Level::Warn))?;
            }
        }
    }
    let found_id = found.as_ref().map(commit_id);
    say(worker, PublishRequest::Abandoned { new: earlier.new.clone(), found: found_id }).await?;
    if found == old { Ok(false) } else { Err(conflict(name, old.as_ref(), found.as_ref())) }
}

/// Pushes exactly what was prepared, and says so.
async fn push(
    worker: &Worker,
    ground: &Ground,
    name: &RefName,
    prepared: &Prepared,
) -> Result<(), Stop> {
    let expect = prepared.old.as_ref().map_or(Expect::Absent, |old| Expect::Sha(sha(old)));
    worker.held().await?;
    match ground.repo.push(&sha(&prepared.new), name, &expect).await {
        Ok(PushOutcome::Pushed | PushOutcome::AlreadyThere) => {}
        Ok(PushOutcome::Conflict { found }) => {
            let old = prepared.old.as_ref().map(sha);
            return Err(conflict(name, old.as_ref(), found.as_ref()));
        }
        Err(error) => return Err(Stop::repository(&error)),
    }
    let _ = failpoint::hit!("replica.push.after");
    say(worker, PublishRequest::Pushed { new: prepared.new.clone() }).await
}

async fn say(worker: &Worker, request: PublishRequest) -> Result<(), Stop> {
    worker.held().await?;
    match worker.publish(request).await {
        Ok(()) => Ok(()),
        Err(ApiError::Fenced(why) | ApiError::Claimed(why)) => Err(Stop::Abandoned(why)),
        Err(ApiError::Refused(problem)) if problem.code == Code::PublishUnsettled => {
            Err(Stop::failed(FailureClass::PublishConflict, problem.detail))
        }
        Err(error) => Err(Stop::environment(&error)),
    }
}

async fn remote(repo: &Repo, name: &RefName) -> Result<Option<Sha>, Stop> {
    repo.ls_remote(name).await.map_err(|e| Stop::repository(&e))
}

fn conflict(name: &RefName, expected: Option<&Sha>, found: Option<&Sha>) -> Stop {
    let shown =
        |sha: Option<&Sha>| sha.map_or("nowhere".to_owned(), |s| s.as_str()[..12].to_owned());
    let why = format!(
        "somebody else moved {name}: it is at {}, and was expected at {}; move it back or delete it, then retry the loop",
        shown(found),
        shown(expected)
    );
    Stop::failed(FailureClass::PublishConflict, why)
}

/// How many attempts without a ref end the search in a round.
const GONE_IN_A_ROW: u32 = 5;

/// Deletes the checkpoints of earlier rounds, after the loop is synced; those of the last round stay.
/// It is housekeeping: what fails is left.
pub async fn tidy(worker: &Worker, repo: &Repo) {
    let policy = &worker.spec.policy;
    let most = policy.attempts.saturating_add(policy.uncounted_attempts);
    for round in 1..worker.no.round {
        let mut gone = 0;
        for attempt in 1..=most {
            let no = smith_model::id::AttemptNo { round, attempt };
            let Ok(name) = no.checkpoint_ref(worker.uid).parse() else { return };
            match repo.delete_ref(&name, &Expect::Any).await {
                Ok(DeleteOutcome::Deleted) => gone = 0,
                Ok(DeleteOutcome::AlreadyGone | DeleteOutcome::Conflict { .. }) => gone += 1,
                Err(error) => {
                    tracing::warn!(%error, "checkpoints of earlier rounds are left");
                    return;
                }
            }
            if gone == GONE_IN_A_ROW {
                break;
            }
        }
    }
}
