//! Publish: may this commit go on the branch, and has it?

use smith_failpoint as failpoint;
use smith_model::attempt::{AttemptRecord, Prepared};
use smith_model::journal::{Draft, Level, Payload, Phase};
use smith_model::problem::{Code, FieldError, Problem};
use smith_model::story::StoryStatus;
use smith_model::worker::{Bearer, PublishRequest};

use super::super::{App, Error, now};
use super::{actor, fenced, holds};
use crate::store::change::{Change, Decision, LockStep, Snapshot};

impl App {
    /// One step of a publish. Repeated steps are success.
    pub async fn publish(&self, bearer: &Bearer, request: &PublishRequest) -> Result<(), Error> {
        let _ = failpoint::hit!("app.publish.before");
        let now = now();
        self.store
            .change(&bearer.loop_id, now, |snapshot| {
                let attempt = holds(snapshot, bearer)?;
                let state = &snapshot.state.value;
                if !state.is_running(bearer.no) {
                    return Err(fenced(bearer, &format!("the loop is {}", state.state)));
                }
                match request {
                    PublishRequest::Prepare(wanted) => prepare(snapshot, bearer, attempt, wanted),
                    PublishRequest::Pushed { new } => {
                        let Some(prepared) = attempt.prepared.as_ref().filter(|p| p.new == *new)
                        else {
                            return Err(not_prepared(new.as_str()));
                        };
                        if attempt.pushed_at.is_some() {
                            return Ok(Decision::Done(()));
                        }
                        let record = AttemptRecord { pushed_at: Some(now), ..attempt.clone() };
                        let branch = prepared.branch.clone();
                        let message = format!("{branch} is at {:.12}", new.as_str());
                        let payload = Payload::Pushed { branch, new: new.clone() };
                        let entry = Draft::info(Phase::Publish, message).with(payload);
                        Ok(write(bearer, record, entry))
                    }
                    PublishRequest::Abandoned { new, found } => {
                        let unsettled = attempt.unsettled().filter(|p| p.new == *new);
                        let Some(prepared) = unsettled else { return Ok(Decision::Done(())) };
                        let found = found.as_ref().map_or("nowhere", |f| f.as_str());
                        let message = format!(
                            "{:.12} was prepared for {} and never pushed: the branch is at {found:.12}",
                            new.as_str(),
                            prepared.branch
                        );
                        let record = AttemptRecord { prepared: None, ..attempt.clone() };
                        let entry = Draft::info(Phase::Publish, message).at(Level::Warn);
                        Ok(write(bearer, record, entry))
                    }
                }
            })
            .await?;
        let _ = failpoint::hit!("app.publish.after");
        Ok(())
    }
}

fn write(bearer: &Bearer, record: AttemptRecord, entry: Draft) -> Decision<()> {
    let change = Change {
        entries: vec![(actor(bearer), Some(bearer.no), entry)],
        attempt: Some(record),
        lock: LockStep::Hold,
        ..Change::default()
    };
    Decision::Write(Box::new(change), ())
}

fn not_prepared(new: &str) -> Problem {
    let detail = format!("{new:.12} isn't what was prepared: prepare it first");
    Problem::new(Code::EvidenceMissing, detail)
}

fn prepare(
    snapshot: &Snapshot,
    bearer: &Bearer,
    attempt: &AttemptRecord,
    wanted: &Prepared,
) -> Result<Decision<()>, Problem> {
    let branch = format!("smith/{}", bearer.loop_id);
    if wanted.branch != branch {
        return Err(Problem::fields(vec![FieldError::new("branch", &wanted.branch, branch)]));
    }
    if let Some(unsettled) = attempt.unsettled() {
        if unsettled == wanted {
            return Ok(Decision::Done(()));
        }
        let detail = format!(
            "{:.12} was prepared for {branch} and isn't settled: say first whether it was pushed",
            unsettled.new.as_str()
        );
        return Err(Problem::new(Code::PublishUnsettled, detail));
    }
    let stories = snapshot.stories.as_ref().map(|s| s.value.stories.as_slice()).unwrap_or_default();
    let missing = |detail: String| Err(Problem::new(Code::EvidenceMissing, detail));
    if let Some(open) = stories.iter().find(|s| s.status != StoryStatus::Done) {
        return missing(format!("story {} isn't done", open.id));
    }
    let certificates = stories.iter().filter_map(|s| s.certificate.as_ref());
    if stories.is_empty() || !certificates.into_iter().any(|c| c.tree == wanted.tree) {
        let tree = wanted.tree.as_str();
        return missing(format!("no story has green gates for the tree {tree:.12}"));
    }
    let record =
        AttemptRecord { prepared: Some(wanted.clone()), pushed_at: None, ..attempt.clone() };
    let message = format!("{branch} may go to {:.12}", wanted.new.as_str());
    let payload = Payload::Prepared { branch, old: wanted.old.clone(), new: wanted.new.clone() };
    let entry = Draft::info(Phase::Publish, message).with(payload);
    Ok(write(bearer, record, entry))
}
