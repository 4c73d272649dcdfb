//! Why an attempt did not finish its loop: a closed set, each with what may follow.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The class of an attempt's end when it isn't success.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum FailureClass {
    /// The agent could not be started, or failed on every try of a story.
    AgentFailed,
    /// A story used up its tries with red gates.
    GatesFailed,
    /// No output, no CPU, no file change for longer than allowed.
    Stalled,
    /// The tree of an earlier iteration came back, twice.
    Oscillating,
    /// Tokens or money used up; landed.
    BudgetExhausted,
    /// The attempt's iterations used up; landed.
    IterationsExhausted,
    /// The attempt's time used up; landed.
    TimedOut,
    /// The workspace or its tools could not be prepared.
    EnvironmentFailed,
    /// The image could not be pulled or built.
    ImageFailed,
    /// The repository could not be reached, or the ref isn't there.
    RepositoryFailed,
    /// Somebody else moved the branch.
    PublishConflict,
    /// The dependencies' commits don't merge.
    DependencyConflict,
    /// The spec can never run.
    SpecInvalid,
    /// The worker vanished without finishing.
    WorkerLost,
    /// The process that runs the agent vanished.
    HostLost,
    /// Told to stop from outside: drain, eviction, SIGTERM, or held for too long.
    Interrupted,
    /// The model's provider is down or over its limits.
    ProviderUnavailable,
    /// The model's provider refuses the credential.
    ProviderUnauthorized,
}

/// May the loop be tried again by itself after a failure of this class?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Yes, after its backoff.
    Allowed,
    /// No: another try would end the same way; a person decides.
    Never,
}

/// Does a failure of this class use up one of the loop's attempts?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Counted {
    /// It counts against `policy.attempts`.
    Yes,
    /// Not the loop's fault: it counts against the cap for such ends alone.
    No,
}

impl FailureClass {
    /// Every class, in the order of the documentation.
    pub const ALL: [Self; 18] = [
        Self::AgentFailed,
        Self::GatesFailed,
        Self::Stalled,
        Self::Oscillating,
        Self::BudgetExhausted,
        Self::IterationsExhausted,
        Self::TimedOut,
        Self::EnvironmentFailed,
        Self::ImageFailed,
        Self::RepositoryFailed,
        Self::PublishConflict,
        Self::DependencyConflict,
        Self::SpecInvalid,
        Self::WorkerLost,
        Self::HostLost,
        Self::Interrupted,
        Self::ProviderUnavailable,
        Self::ProviderUnauthorized,
    ];

    /// May it be tried again by itself?
    ///
    /// Never where the same input gives the same end: an oscillation and a conflict of dependencies
    /// need a decision, an invalid spec another spec.
    pub fn retry(self) -> Retry {
        match self {
            Self::Oscillating | Self::DependencyConflict | Self::SpecInvalid => Retry::Never,
            Self::AgentFailed
            | Self::GatesFailed
            | Self::Stalled
            | Self::BudgetExhausted
            | Self::IterationsExhausted
            | Self::TimedOut
            | Self::EnvironmentFailed
            | Self::ImageFailed
            | Self::RepositoryFailed
            | Self::PublishConflict
            | Self::WorkerLost
            | Self::HostLost
            | Self::Interrupted
            | Self::ProviderUnavailable
            | Self::ProviderUnauthorized => Retry::Allowed,
        }
    }

    /// Does it use up an attempt?
    pub fn counted(self) -> Counted {
        match self {
            Self::WorkerLost
            | Self::HostLost
            | Self::Interrupted
            | Self::ProviderUnavailable
            | Self::ProviderUnauthorized => Counted::No,
            Self::AgentFailed
            | Self::GatesFailed
            | Self::Stalled
            | Self::Oscillating
            | Self::BudgetExhausted
            | Self::IterationsExhausted
            | Self::TimedOut
            | Self::EnvironmentFailed
            | Self::ImageFailed
            | Self::RepositoryFailed
            | Self::PublishConflict
            | Self::DependencyConflict
            | Self::SpecInvalid => Counted::Yes,
        }
    }

    /// The name in records, on the wire and on screens.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AgentFailed => "agent-failed",
            Self::GatesFailed => "gates-failed",
            Self::Stalled => "stalled",
            Self::Oscillating => "oscillating",
            Self::BudgetExhausted => "budget-exhausted",
            Self::IterationsExhausted => "iterations-exhausted",
            Self::TimedOut => "timed-out",
            Self::EnvironmentFailed => "environment-failed",
            Self::ImageFailed => "image-failed",
            Self::RepositoryFailed => "repository-failed",
            Self::PublishConflict => "publish-conflict",
            Self::DependencyConflict => "dependency-conflict",
            Self::SpecInvalid => "spec-invalid",
            Self::WorkerLost => "worker-lost",
            Self::HostLost => "host-lost",
            Self::Interrupted => "interrupted",
            Self::ProviderUnavailable => "provider-unavailable",
            Self::ProviderUnauthorized => "provider-unauthorized",
        }
    }
}

impl fmt::Display for FailureClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_wire_names_and_all_is_complete() {
        for class in FailureClass::ALL {
            let wire = serde_json::to_value(class).expect("serializes");
            assert_eq!(wire, class.as_str());
        }
        let mut sorted = FailureClass::ALL.to_vec();
        sorted.sort();
        sorted.dedup();
        assert_eq!(sorted.len(), FailureClass::ALL.len());
    }
}
