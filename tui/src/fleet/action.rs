//! What can be done in the fleet's table.

use serde::{Deserialize, Serialize};

use crate::fleet::{Column, ColumnChange, Grouping, Slot};

/// Something to be done in the table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FleetAction {
    /// Show only what this lets through; it is remembered.
    Filter(String),
    /// The same while it is typed.
    Preview(String),
    /// Begin to type a filter.
    EditFilter,
    /// A word of the filter more, or one less.
    Word(String),
    /// By this column; again: the other way round.
    Sort(Column),
    /// Under these headings.
    Group(Grouping),
    /// Only what went wrong, or everything again.
    Faults,
    /// Marks, for acts on several.
    Mark(Marking),
    /// Hide the rows beneath headings, or show them.
    Fold(Folding),
    /// Other columns.
    Columns(ColumnChange),
    /// Open the facets, go into them, close them.
    Facets,
    /// The cursor goes to the row in this slot.
    Point(Slot),
    /// Keep how this view looks, by a name.
    Save(String),
    /// Look as it was kept by that name.
    Use(String),
    /// Say which views are kept.
    Views,
    /// Forget what was kept by that name.
    Forget(String),
}

/// What becomes of marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Marking {
    /// The row of the cursor is marked, or not any more.
    Toggle,
    /// Every row from the one that was marked last to the cursor is marked.
    Range,
    /// Everything that the filter lets through is marked.
    All,
    /// Nothing is marked any more.
    None,
}

/// What becomes of groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Folding {
    /// The group of the cursor is folded, or unfolded.
    Toggle,
    /// All are folded.
    All,
    /// All are unfolded.
    None,
}
