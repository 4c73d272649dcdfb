//! Finish: a worker's attempt ends, and the server decides what that means for the loop.

use smith_failpoint as failpoint;
use smith_model::attempt::{AttemptRecord, End};
use smith_model::failure::FailureClass;
use smith_model::journal::{Draft, Level, Payload, Phase};
use smith_model::problem::{Code, Problem};
use smith_model::state::{By, Failure, StateRecord, Step};
use smith_model::story::StoryStatus;
use smith_model::worker::{Bearer, FinishAnswer, FinishRequest, Outcome};

use super::super::{App, Error, now};
use super::{actor, holds, same, session_hash};
use crate::store::change::{Change, Decision, LockStep, Snapshot};

impl App {
    /// Ends an attempt, in one transaction that also gives the lock back. Repeated: the same answer.
    pub async fn finish(
        &self,
        bearer: &Bearer,
        request: &FinishRequest,
    ) -> Result<FinishAnswer, Error> {
        let _ = failpoint::hit!("app.finish.before");
        let now = now();
        let mut lease = None;
        let result = self
            .store
            .change(&bearer.loop_id, now, |snapshot| {
                lease = snapshot.lock.as_ref().map(|lock| lock.value.lease);
                decide(snapshot, bearer, request, now)
            })
            .await;
        let _ = failpoint::hit!("app.finish.after");
        match result {
            Ok(committed) => {
                if let Some(lease) = lease {
                    // The lock is deleted; the lease would end by itself.
                    let _ = self.store.revoke(lease).await;
                }
                Ok(committed.answer)
            }
            Err(refused) => match self.answered_before(bearer).await? {
                Some(answer) => Ok(answer),
                None => Err(refused.into()),
            },
        }
    }

    /// What this session's `finish` was answered before, also when later attempts came since.
    async fn answered_before(&self, bearer: &Bearer) -> Result<Option<FinishAnswer>, Error> {
        let attempt = self.store.attempt(&bearer.loop_id, bearer.no).await?.map(|a| a.value);
        let hash = session_hash(&bearer.secret);
        let own = |a: &AttemptRecord| a.session_hash.as_deref().is_some_and(|h| same(h, &hash));
        Ok(attempt.filter(own).and_then(|a| a.answer))
    }
}

fn decide(
    snapshot: &Snapshot,
    bearer: &Bearer,
    request: &FinishRequest,
    now: jiff::Timestamp,
) -> Result<Decision<FinishAnswer>, Problem> {
    let attempt = holds(snapshot, bearer)?;
    let state = &snapshot.state.value;
    let (step, failure) = if state.is_running(bearer.no) {
        let step = judge(snapshot, attempt, &request.outcome)?;
        let failure = match &step {
            Step::Fail { failure, .. } => Some(failure.clone()),
            _ => None,
        };
        (Some(step), failure)
    } else {
        (None, None)
    };
    let next = match &step {
        Some(step) => Some(
            state
                .step(step, now)
                .map_err(|illegal| Problem::new(Code::IllegalTransition, illegal.to_string()))?,
        ),
        None => None,
    };
    let after: &StateRecord = next.as_ref().unwrap_or(state);
    let answer =
        FinishAnswer { state: after.state, reason: after.reason, message: after.message.clone() };
    let class = failure.as_ref().map(|f| f.class);
    let end = End {
        class,
        counted: class.map(FailureClass::counted),
        message: match &failure {
            Some(failure) => failure.message.clone(),
            None => after.message.clone(),
        },
        exit: None,
        at: now,
    };
    let mut record = attempt.clone();
    record.end = Some(end);
    record.answer = Some(answer.clone());
    let no = Some(bearer.no);
    let summary = format!(
        "handoff: {} stories done, {} remaining",
        request.handoff.done.len(),
        request.handoff.remaining.len()
    );
    let handoff = Draft::info(Phase::Completion, summary).with(Payload::Handoff);
    let mut entries = vec![(actor(bearer), no, handoff)];
    if request.processes_gone {
        record.gone_at = Some(now);
        let words = "every process of the worker's agent is gone";
        let entry = Draft::info(Phase::Completion, words).with(Payload::ProcessesGone);
        entries.push((actor(bearer), no, entry));
    }
    if let Some(next) = &next {
        let payload = Payload::transition(Some(state), next);
        let level = if failure.is_some() { Level::Error } else { Level::Info };
        let message =
            format!("{} → {} ({}): {}", state.state, next.state, next.reason, next.message);
        let message = message.chars().take(1500).collect::<String>();
        let entry = Draft::info(Phase::Completion, message).at(level).with(payload);
        entries.push((actor(bearer), no, entry));
    }
    let change = Change {
        entries,
        state: next,
        attempt: Some(record),
        handoff: Some((bearer.no, class, request.handoff.clone())),
        lock: LockStep::Release,
        drop_progress: true,
        ..Change::default()
    };
    Ok(Decision::Write(Box::new(change), answer))
}

/// What the worker's outcome means, by the evidence that the server holds.
fn judge(snapshot: &Snapshot, attempt: &AttemptRecord, outcome: &Outcome) -> Result<Step, Problem> {
    match outcome {
        Outcome::Done => {
            let stories = snapshot.stories.as_ref().map(|s| s.value.stories.as_slice());
            let stories = stories.unwrap_or_default();
            let open = stories.iter().find(|s| s.status != StoryStatus::Done);
            let missing = |detail: String| Err(Problem::new(Code::EvidenceMissing, detail));
            if stories.is_empty() {
                return missing("no stories are recorded".into());
            }
            if let Some(open) = open {
                return missing(format!("story {} isn't done", open.id));
            }
            match (&attempt.prepared, attempt.pushed_at) {
                (Some(prepared), Some(_)) => Ok(Step::Complete {
                    branch: prepared.branch.clone(),
                    commit: prepared.new.clone(),
                }),
                _ => missing("the branch isn't known to be pushed".into()),
            }
        }
        Outcome::Failed(Failure { class, message }) => {
            let message = message.chars().take(1000).collect();
            let failure = Failure { class: *class, message };
            Ok(Step::Fail { by: By::Finish, failure })
        }
        Outcome::Stopped => {
            let message = "the worker stopped although nobody had asked it to".into();
            let failure = Failure { class: FailureClass::Interrupted, message };
            Ok(Step::Fail { by: By::Finish, failure })
        }
    }
}
