//! What can be done with journals.

use serde::{Deserialize, Serialize};
use smith_model::journal::{Level, Phase};

/// Something to be done with journals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JournalAction {
    /// Show the journals of the loops that an act is for.
    Open,
    /// Begin to type a filter.
    EditFilter,
    /// Show only entries that this lets through.
    Filter(String),
    /// Entries of this level too, or not any more; nothing: of all.
    Level(Option<Level>),
    /// Entries of this phase too, or not any more; nothing: of all.
    Phase(Option<Phase>),
    /// Write times like this; nothing: the next way.
    Times(Option<Clock>),
    /// Go on with entries as they come, or stay here.
    Follow,
    /// Show all of the cursor's entry, or less again.
    Fold,
    /// The same for every entry.
    FoldAll,
    /// Write whole journals to a new file; unnamed: one named after the loops.
    SaveAll(Option<String>),
}

/// How times are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Clock {
    /// The time of day.
    #[default]
    Day,
    /// With the date.
    Date,
    /// How long ago.
    Ago,
}

impl Clock {
    /// The next way.
    pub(super) fn next(self) -> Self {
        match self {
            Self::Day => Self::Date,
            Self::Date => Self::Ago,
            Self::Ago => Self::Day,
        }
    }

    /// The cells that it takes.
    pub(super) fn width(self) -> usize {
        match self {
            Self::Day => 8,
            Self::Date => 20,
            Self::Ago => 4,
        }
    }
}
