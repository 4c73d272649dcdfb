//! What can be done in the fleet's table.

use serde::{Deserialize, Serialize};

use crate::fleet::{Column, Grouping};

/// Something to be done in the table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FleetAction {
    /// Show only what this lets through.
    Filter(String),
    /// Begin to type a filter.
    EditFilter,
    /// By this column; again: the other way round.
    Sort(Column),
    /// Under these headings.
    Group(Grouping),
    /// Only what went wrong, or everything again.
    Faults,
    /// Mark the row of the cursor for an act on several, or take the mark away.
    Mark,
}
