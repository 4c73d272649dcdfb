//! The acts by name.

use serde::{Deserialize, Serialize};

/// An act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    /// Stop it.
    Cancel,
    /// Another round, from the newest checkpoint.
    Retry,
    /// Another round, from the base.
    RetryFresh,
    /// Put a stop sign beside it.
    Hold,
    /// Take the stop sign away.
    Release,
    /// Give it up.
    Flatline,
    /// Declare it done.
    Accept,
    /// Forget it.
    Delete,
}

impl Verb {
    /// The command.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Retry => "retry",
            Self::RetryFresh => "retry fresh",
            Self::Hold => "hold",
            Self::Release => "release",
            Self::Flatline => "flatline",
            Self::Accept => "accept",
            Self::Delete => "delete",
        }
    }

    /// The same at the beginning of a title.
    pub fn title(self) -> &'static str {
        match self {
            Self::Cancel => "Cancel",
            Self::Retry => "Retry",
            Self::RetryFresh => "Retry afresh",
            Self::Hold => "Hold",
            Self::Release => "Release",
            Self::Flatline => "Give up",
            Self::Accept => "Accept as done",
            Self::Delete => "Delete",
        }
    }

    /// What a loop is when it was done.
    pub fn done(self) -> &'static str {
        match self {
            Self::Cancel => "cancelled",
            Self::Retry => "retried",
            Self::RetryFresh => "retried afresh",
            Self::Hold => "held",
            Self::Release => "released",
            Self::Flatline => "given up",
            Self::Accept => "accepted",
            Self::Delete => "deleted",
        }
    }

    /// Has the person to say why? Where one's word replaces the evidence, or the evidence goes.
    pub fn needs_reason(self) -> bool {
        match self {
            Self::Flatline | Self::Accept | Self::Delete => true,
            Self::Cancel | Self::Retry | Self::RetryFresh | Self::Hold | Self::Release => false,
        }
    }
}
