//! The server's side of the worker protocol: what a worker may change, and what becomes of it.
//!
//! A worker is who bears the session secret of an attempt. Every write compares the lock (its create
//! revision is the epoch), so that a worker that lost it can change nothing.

mod claim;
mod evidence;
mod finish;
mod publish;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use smith_failpoint as failpoint;
use smith_model::attempt::AttemptRecord;
use smith_model::id::{AttemptNo, Digest};
use smith_model::journal::{Actor, ActorKind};
use smith_model::problem::{Code, FieldError, Problem};
use smith_model::state::StateRecord;
use smith_model::worker::{Bearer, Directive, HeartbeatAnswer, HeartbeatRequest, Want};
use subtle::ConstantTimeEq;

use super::{App, Error};
use crate::outbound::artifacts::{MOST_ARTIFACT_BYTES, MOST_LOOP_BYTES};
use crate::store;
use crate::store::change::Snapshot;

fn session_hash(secret: &str) -> String {
    hex::encode(Sha256::digest(secret))
}

fn same(a: &str, b: &str) -> bool {
    a.as_bytes().ct_eq(b.as_bytes()).into()
}

fn actor(bearer: &Bearer) -> Actor {
    Actor { kind: ActorKind::Worker, id: bearer.no.worker_name(&bearer.loop_id) }
}

fn lock_lost(bearer: &Bearer) -> Problem {
    let detail = format!(
        "the lease of {} {} ran out: claim again with the same secret",
        bearer.loop_id, bearer.no
    );
    Problem::new(Code::LockLost, detail)
}

fn fenced(bearer: &Bearer, why: &str) -> Problem {
    let detail = format!("{} {} is over for this worker: {why}", bearer.loop_id, bearer.no);
    Problem::new(Code::Fenced, detail)
}

/// The worker's own attempt record, if the bearer's secret is the session's and it holds the lock.
///
/// A bearer that was never this attempt's gets 401; the session's own gets told whether it may claim
/// again or is fenced.
fn holds<'a>(snapshot: &'a Snapshot, bearer: &Bearer) -> Result<&'a AttemptRecord, Problem> {
    let hash = session_hash(&bearer.secret);
    let newest = snapshot.attempt.as_ref().map(|a| &a.value);
    if let (Some(lock), Some(attempt)) = (&snapshot.lock, newest)
        && lock.value.no == bearer.no
        && attempt.no == bearer.no
        && same(&lock.value.session_hash, &hash)
    {
        return Ok(attempt);
    }
    let Some(attempt) = newest.filter(|a| a.no == bearer.no) else {
        return Err(fenced(bearer, "a later attempt was admitted"));
    };
    match &attempt.session_hash {
        Some(session) if same(session, &hash) => {}
        _ => return Err(Problem::new(Code::Unauthenticated, "not this attempt's session")),
    }
    if attempt.end.is_some() {
        return Err(fenced(bearer, "its end is recorded"));
    }
    if snapshot.lock.is_none() {
        // Also where the loop was cancelled meanwhile: the worker may still write its handoff.
        return Err(lock_lost(bearer));
    }
    Err(fenced(bearer, "another worker holds the lock"))
}

/// What a worker is to do, as the state says.
pub fn directive(state: &StateRecord, no: AttemptNo) -> Directive {
    if !state.is_running(no) {
        let why = format!("the loop is {} ({}): {}", state.state, state.reason, state.message);
        return Directive { want: Want::Cancel, why };
    }
    match &state.hold {
        Some(hold) => {
            Directive { want: Want::Pause, why: format!("held by {}: {}", hold.by, hold.reason) }
        }
        None => Directive { want: Want::Run, why: String::new() },
    }
}

impl App {
    /// Keeps a worker's lease alive, takes its progress, and says what it is to do.
    pub async fn heartbeat(
        &self,
        bearer: &Bearer,
        request: &HeartbeatRequest,
    ) -> Result<HeartbeatAnswer, Error> {
        let snapshot = self.snapshot(bearer).await?;
        holds(&snapshot, bearer)?;
        let lock = snapshot.lock.as_ref().ok_or_else(|| lock_lost(bearer))?;
        match self.store.keep_alive(lock.value.lease).await {
            Err(store::Error::LeaseGone) => return Err(lock_lost(bearer).into()),
            kept => kept?,
        }
        let _ = failpoint::hit!("app.heartbeat.kept");
        let state = &snapshot.state.value;
        if let Some(progress) = &request.progress
            && progress.no == bearer.no
            && state.is_running(bearer.no)
        {
            let (epoch, lease) = (lock.created, lock.value.lease);
            if !self.store.put_progress(&bearer.loop_id, epoch, lease, progress).await? {
                return Err(lock_lost(bearer).into());
            }
        }
        Ok(HeartbeatAnswer { directive: directive(state, bearer.no) })
    }

    async fn snapshot(&self, bearer: &Bearer) -> Result<Snapshot, Error> {
        match self.store.snapshot(&bearer.loop_id).await {
            Err(store::Error::NoSuchLoop(_)) => {
                Err(Problem::new(Code::Unauthenticated, "not a worker of this installation").into())
            }
            found => Ok(found?),
        }
    }

    /// What the worker is to do now; for the stream of directives, which asks again when the loop changed.
    pub async fn worker_directive(&self, bearer: &Bearer) -> Result<Directive, Error> {
        let snapshot = self.snapshot(bearer).await?;
        holds(&snapshot, bearer)?;
        Ok(directive(&snapshot.state.value, bearer.no))
    }

    /// Keeps an artifact; evidence may name it after this.
    pub async fn put_artifact(
        &self,
        bearer: &Bearer,
        digest: &Digest,
        bytes: Bytes,
    ) -> Result<(), Error> {
        let snapshot = self.snapshot(bearer).await?;
        holds(&snapshot, bearer)?;
        let size = bytes.len();
        if size > MOST_ARTIFACT_BYTES {
            let rule = format!("at most {MOST_ARTIFACT_BYTES} bytes");
            return Err(Problem::fields(vec![FieldError::new("(the artifact)", size, rule)]).into());
        }
        if snapshot.head.value.artifact_bytes + size as u64 > MOST_LOOP_BYTES {
            let rule = format!("at most {MOST_LOOP_BYTES} bytes for all artifacts of a loop");
            return Err(Problem::fields(vec![FieldError::new("(the artifact)", size, rule)]).into());
        }
        let _ = failpoint::hit!("app.artifact.before");
        self.artifacts.put(snapshot.state.value.uid, digest, bytes).await?;
        let _ = failpoint::hit!("app.artifact.after");
        Ok(())
    }
}
