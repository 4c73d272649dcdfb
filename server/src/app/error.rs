//! What a use case answers when it doesn't do what was asked.

use smith_model::problem::{Code, Problem};

use crate::outbound::artifacts;
use crate::store;
use crate::store::change::ChangeError;

/// An error of a use case.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller can do something about it.
    #[error(transparent)]
    Problem(Box<Problem>),
    /// The store could not do it.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The artifact store could not do it.
    #[error(transparent)]
    Artifacts(#[from] artifacts::Error),
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::Problem(Box::new(problem))
    }
}

impl From<ChangeError<Problem>> for Error {
    fn from(error: ChangeError<Problem>) -> Self {
        match error {
            ChangeError::Refused(problem) => problem.into(),
            ChangeError::Store(error) => error.into(),
        }
    }
}

impl Error {
    /// As the API tells it. What isn't the caller's business is only named, and logged by the edge.
    pub fn problem(&self) -> Problem {
        match self {
            Self::Problem(problem) => (**problem).clone(),
            Self::Store(error) => match error {
                store::Error::NoSuchLoop(id) => {
                    Problem::new(Code::NotFound, format!("there is no loop {id}"))
                }
                store::Error::TooLarge { .. } => Problem::new(Code::TooLarge, error.to_string()),
                store::Error::Full => Problem::new(Code::Unavailable, error.to_string()),
                store::Error::Unknown { .. } => Problem::new(
                    Code::Unavailable,
                    "etcd did not answer, so it isn't known whether this was done: ask again",
                ),
                store::Error::Unavailable { .. }
                | store::Error::Contended
                | store::Error::Locked(_)
                | store::Error::NotLocked(_) => Problem::new(
                    Code::Unavailable,
                    "the store could not do this now, nothing was changed: try again",
                ),
                store::Error::Refused { .. }
                | store::Error::Compacted { .. }
                | store::Error::Record { .. }
                | store::Error::Newer { .. }
                | store::Error::LeaseGone
                | store::Error::NotLeading
                | store::Error::Unfounded { .. }
                | store::Error::OtherCluster => internal(),
            },
            Self::Artifacts(artifacts::Error::Mismatch { .. }) => {
                Problem::new(Code::InvalidRequest, self.to_string())
            }
            Self::Artifacts(_) => internal(),
        }
    }
}

fn internal() -> Problem {
    Problem::new(Code::Internal, "the server failed; its log has the cause under the request id")
}
