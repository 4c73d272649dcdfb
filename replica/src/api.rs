//! The API as a worker sees it: the seam behind which the client (or a test's script) stands.

use std::path::PathBuf;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use smith_client::stream::Signal;
use smith_client::worker::{Error as ClientError, Session};
use smith_model::id::Digest;
use smith_model::problem::Problem;
use smith_model::worker::{
    ClaimAnswer, Directive, EvidenceAnswer, EvidenceRequest, FinishAnswer, FinishRequest,
    HeartbeatAnswer, HeartbeatRequest, PublishRequest,
};

/// Why a call was not answered with a success. What each means for the worker is the same for all
/// calls, so it is said once, here.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The lease ran out, but the attempt is still this worker's: claim again with the same secret.
    #[error("the lease ran out")]
    LockLost,
    /// The attempt is over for this worker: stop, change nothing.
    #[error("the attempt is over for this worker: {0}")]
    Fenced(String),
    /// Another session has claimed the attempt.
    #[error("the attempt is claimed by another session: {0}")]
    Claimed(String),
    /// The server understood and says no; the same request again gets the same answer.
    #[error("refused: {}", .0.detail)]
    Refused(Box<Problem>),
    /// No answer, or one that says to try again later.
    #[error("the API can't be reached: {0}")]
    Unreachable(String),
}

/// The answer to a call.
pub type Answer<'a, T> = BoxFuture<'a, Result<T, Error>>;

/// The worker protocol, one method a call; none of them tries twice.
pub trait Api: Send + Sync + 'static {
    /// Takes the attempt, or takes it again after the lease ran out.
    fn claim(&self) -> Answer<'_, ClaimAnswer>;
    /// Keeps the lease.
    fn heartbeat(&self, request: HeartbeatRequest) -> Answer<'_, HeartbeatAnswer>;
    /// What the server wants, as it changes; the stream ends when the connection does.
    fn directives(&self) -> Answer<'_, BoxStream<'static, Directive>>;
    /// Hands over a batch.
    fn evidence(&self, request: EvidenceRequest) -> Answer<'_, EvidenceAnswer>;
    /// Hands over the bytes of an artifact. One that is there already is success.
    fn put_artifact(&self, digest: Digest, file: PathBuf) -> Answer<'_, ()>;
    /// Asks to push, or says what came of it.
    fn publish(&self, request: PublishRequest) -> Answer<'_, ()>;
    /// Ends the attempt.
    fn finish(&self, request: FinishRequest) -> Answer<'_, FinishAnswer>;
}

impl From<ClientError> for Error {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Fenced(problem) => Self::Fenced(problem.detail),
            ClientError::LockLost(_) => Self::LockLost,
            ClientError::Claimed(problem) => Self::Claimed(problem.detail),
            ClientError::Unauthorized(problem) | ClientError::Refused(problem) => {
                Self::Refused(problem)
            }
            // Something else than the server answers (a proxy, a page): it may come back.
            error @ (ClientError::Away { .. } | ClientError::Broken(_)) => {
                Self::Unreachable(crate::worker::chain(&error))
            }
        }
    }
}

impl Api for Session {
    fn claim(&self) -> Answer<'_, ClaimAnswer> {
        Box::pin(async { Ok(Session::claim(self).await?) })
    }

    fn heartbeat(&self, request: HeartbeatRequest) -> Answer<'_, HeartbeatAnswer> {
        Box::pin(async { Ok(Session::heartbeat(self, request.progress).await?) })
    }

    fn directives(&self) -> Answer<'_, BoxStream<'static, Directive>> {
        let signals = Session::directives(self);
        Box::pin(async {
            let events = signals.filter_map(|signal| async {
                match signal {
                    Ok(Signal::Event { event, .. }) => Some(event),
                    // It opens itself again; heartbeats bring directives meanwhile.
                    Ok(Signal::Disconnected { .. } | Signal::Reconnected) | Err(_) => None,
                }
            });
            Ok(events.boxed())
        })
    }

    fn evidence(&self, request: EvidenceRequest) -> Answer<'_, EvidenceAnswer> {
        Box::pin(async move {
            let EvidenceRequest { first, items } = request;
            Ok(Session::evidence(self, first, &items).await?)
        })
    }

    fn put_artifact(&self, digest: Digest, file: PathBuf) -> Answer<'_, ()> {
        Box::pin(async move {
            let gone = |e: std::io::Error| Error::Unreachable(format!("{}: {e}", file.display()));
            let bytes = tokio::fs::read(&file).await.map_err(gone)?;
            let stored = Session::put_artifact(self, bytes.into()).await?;
            debug_assert_eq!(stored, digest, "a captured file doesn't change");
            Ok(())
        })
    }

    fn publish(&self, request: PublishRequest) -> Answer<'_, ()> {
        Box::pin(async move { Ok(Session::publish(self, &request).await?) })
    }

    fn finish(&self, request: FinishRequest) -> Answer<'_, FinishAnswer> {
        Box::pin(async move { Ok(Session::finish(self, &request).await?) })
    }
}

/// An API that a test writes: each call is a closure.
#[cfg(test)]
pub(crate) mod script;
