//! Claim: a worker takes the lock of an attempt, and is told everything that it needs.

use std::time::Duration;

use smith_failpoint as failpoint;
use smith_model::attempt::{AttemptRecord, LockRecord};
use smith_model::journal::{Draft, Payload, Phase};
use smith_model::problem::{Code, FieldError, Problem};
use smith_model::state::{State, StateRecord};
use smith_model::story::StoriesRecord;
use smith_model::worker::{Bearer, ClaimAnswer, ClaimRequest, Dependency, PROTOCOLS, claim_token};

use super::super::{App, Error, now};
use super::{actor, directive, fenced, same, session_hash};
use crate::store::change::{Change, Decision, LockStep, Snapshot};
use crate::store::read::ClaimRecords;

/// What the claim answers of the loop itself.
#[derive(Clone)]
struct Claimed {
    attempt: AttemptRecord,
    accepted: u64,
    stories: Option<StoriesRecord>,
    /// The lock's create revision, if it was held already.
    epoch: Option<i64>,
}

impl App {
    /// Claims an attempt. The same session secret asked again gets the same answer.
    pub async fn claim(
        &self,
        bearer: &Bearer,
        request: &ClaimRequest,
    ) -> Result<ClaimAnswer, Error> {
        let id = &bearer.loop_id;
        let before = self.snapshot(bearer).await?;
        let uid = before.state.value.uid;
        let expected = claim_token(&self.worker_key, self.store.installation(), uid, id, bearer.no);
        if !same(&expected, &bearer.token()) {
            return Err(
                Problem::new(Code::Unauthenticated, "not a claim token of this attempt").into()
            );
        }
        let protocol = PROTOCOLS.into_iter().find(|p| request.protocols.contains(p));
        let Some(protocol) = protocol else {
            let detail =
                format!("the worker speaks {:?}, the server {PROTOCOLS:?}", request.protocols);
            return Err(Problem::new(Code::ProtocolMismatch, detail).into());
        };
        let plain = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if request.session.len() != 64 || !request.session.bytes().all(plain) {
            let error = FieldError::new("session", "(hidden)", "64 lower-case hex digits");
            return Err(Problem::fields(vec![error]).into());
        }
        let ttl = self.settings.worker_ttl;
        let lease = self.store.grant(ttl).await?;
        let _ = failpoint::hit!("app.claim.after-grant");
        let now = now();
        let result = self
            .store
            .change(id, now, |snapshot| decide(snapshot, bearer, request, lease, ttl, now))
            .await;
        let unused = match &result {
            Ok(committed) => committed.answer.epoch.is_some(),
            Err(_) => true,
        };
        if unused {
            // A lease that isn't on a key does no harm; it ends by itself.
            let _ = self.store.revoke(lease).await;
        }
        let committed = result?;
        let _ = failpoint::hit!("app.claim.after-commit");
        let Claimed { attempt, accepted, stories, epoch } = committed.answer;
        let state = committed.state.value;
        let depends_on = &state.summary.depends_on;
        let Some(records) = self.store.claim_records(id, bearer.no, depends_on).await? else {
            return Err(super::super::not_found(id));
        };
        let ClaimRecords { spec, before, iteration, handoff, dependencies } = records;
        // One that was accepted without a commit merges nothing.
        let merged = |found: StateRecord| match (found.state, found.branch, found.commit) {
            (State::Synced, Some(branch), Some(commit)) => {
                Some(Dependency { loop_id: found.loop_id, branch, commit })
            }
            _ => None,
        };
        let settled = attempt.prepared.as_ref().filter(|_| attempt.pushed_at.is_some());
        let published = settled.map(|p| p.new.clone()).or_else(|| state.commit.clone());
        Ok(ClaimAnswer {
            protocol,
            spec,
            no: bearer.no,
            epoch: epoch.unwrap_or(committed.revision),
            ttl_millis: u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX),
            base: attempt.base.clone(),
            dependencies: dependencies.into_iter().filter_map(merged).collect(),
            checkpoint: attempt.checkpoint.clone(),
            prepared: attempt.unsettled().cloned(),
            published,
            stories: stories.filter(|s| s.round == state.round || !state.fresh),
            handoff,
            last_end: before.and_then(|attempt| attempt.end),
            accepted,
            iterations: iteration.map_or(0, |iteration| iteration.iteration),
            directive: directive(&state, bearer.no),
        })
    }
}

fn decide(
    snapshot: &Snapshot,
    bearer: &Bearer,
    request: &ClaimRequest,
    lease: i64,
    ttl: Duration,
    now: jiff::Timestamp,
) -> Result<Decision<Claimed>, Problem> {
    let state = &snapshot.state.value;
    let hash = session_hash(&request.session);
    let attempt = snapshot.attempt.as_ref().map(|a| &a.value).filter(|a| a.no == bearer.no);
    let Some(attempt) = attempt else {
        return Err(fenced(bearer, "another attempt is the newest"));
    };
    if attempt.end.is_some() {
        return Err(fenced(bearer, "its end is recorded"));
    }
    let again = match &attempt.session_hash {
        Some(session) if same(session, &hash) => true,
        Some(_) => {
            let detail = format!("{} {} is claimed by another session", bearer.loop_id, bearer.no);
            return Err(Problem::new(Code::Claimed, detail));
        }
        None => false,
    };
    // A worker that comes back to a loop that was cancelled meanwhile may write its handoff; a new one
    // has no business there.
    if !again && !state.is_running(bearer.no) {
        return Err(fenced(bearer, &format!("the loop is {}", state.state)));
    }
    let head = &snapshot.head.value;
    let accepted = if head.attempt == Some(bearer.no) { head.accepted } else { 0 };
    let stories = snapshot.stories.as_ref().map(|s| s.value.clone());
    if let Some(lock) = &snapshot.lock {
        if again && lock.value.no == bearer.no && same(&lock.value.session_hash, &hash) {
            let attempt = attempt.clone();
            let epoch = Some(lock.created);
            return Ok(Decision::Done(Claimed { attempt, accepted, stories, epoch }));
        }
        let detail = format!("the worker {} still holds the lock", lock.value.holder);
        return Err(Problem::new(Code::Claimed, detail));
    }
    let lock = LockRecord {
        schema_version: smith_model::SCHEMA_VERSION,
        uid: state.uid,
        no: bearer.no,
        holder: attempt.worker.clone(),
        session_hash: hash.clone(),
        lease,
        ttl_millis: u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX),
    };
    let mut record = attempt.clone();
    record.claimed_at.get_or_insert(now);
    record.session_hash = Some(hash);
    let words = if again { "claimed again, after its lease ran out" } else { "claimed" };
    let message = format!("{} {words} by {}", bearer.no, record.worker);
    let entry = Draft::info(Phase::Startup, message)
        .with(Payload::Claimed { worker: record.worker.clone() });
    let change = Change {
        entries: vec![(actor(bearer), Some(bearer.no), entry)],
        attempt: Some(record.clone()),
        lock: LockStep::Take(Box::new(lock)),
        ..Change::default()
    };
    let claimed = Claimed { attempt: record, accepted, stories, epoch: None };
    Ok(Decision::Write(Box::new(change), claimed))
}
