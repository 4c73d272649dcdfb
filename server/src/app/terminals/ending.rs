//! Why an attachment ends (or doesn't begin), as its viewer is told.

use smith_term::message::EndReason;

use super::NoTarget;
use super::places::Full;
use super::wire::Broken;
use crate::app::Error;

/// The last word to a viewer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// For programs.
    pub reason: EndReason,
    /// For people.
    pub text: String,
    /// May the viewer come back, with a new ticket, as after a broken connection?
    pub again: Again,
}

/// What a viewer may do after an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// It is over.
    No,
    /// In a moment.
    Later,
    /// At once, on another process: this one is ending.
    Elsewhere,
}

impl Ending {
    /// A final one.
    pub fn new(reason: EndReason, text: impl Into<String>) -> Self {
        Self { reason, text: text.into(), again: Again::No }
    }

    /// One that a moment may change.
    pub fn passing(text: impl Into<String>) -> Self {
        Self { reason: EndReason::Error, text: text.into(), again: Again::Later }
    }

    /// The process ends.
    pub fn shutdown() -> Self {
        let text = "this API process is ending: come back, to it or to another one".into();
        Self { reason: EndReason::Error, text, again: Again::Elsewhere }
    }

    pub(super) fn refused(text: impl Into<String>) -> Self {
        Self::new(EndReason::Refused, text)
    }
}

impl From<Full> for Ending {
    fn from(full: Full) -> Self {
        Self::new(EndReason::Full, full.to_string())
    }
}

impl From<NoTarget> for Ending {
    fn from(NoTarget { why, soon }: NoTarget) -> Self {
        if soon { Self::passing(why) } else { Self::new(EndReason::Error, why) }
    }
}

impl From<Error> for Ending {
    fn from(error: Error) -> Self {
        let problem = error.problem();
        if problem.status >= 500 {
            let cause = crate::telemetry::chain(&error);
            tracing::warn!(%cause, "a terminal ends");
            return Self::passing(problem.detail);
        }
        Self::new(EndReason::Error, problem.detail)
    }
}

impl From<Broken> for Ending {
    fn from(broken: Broken) -> Self {
        Self::passing(format!(
            "the stream to the worker broke: {}",
            crate::telemetry::chain(&broken)
        ))
    }
}
