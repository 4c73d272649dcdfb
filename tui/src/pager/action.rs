//! What can be done with a text.

use serde::{Deserialize, Serialize};

/// Something to be done with a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PagerAction {
    /// Begin to type what is looked for.
    EditFind,
    /// What has been typed of it so far: to the first that is found from where one began.
    FindTyped(String),
    /// Don't look for it after all: back to where one began.
    FindNot,
    /// Look for this from here on; empty: for nothing any more.
    Find(String),
    /// To the next line in which it is.
    FindNext,
    /// To the line before in which it is.
    FindPrevious,
    /// Break long lines, or cut them.
    Wrap,
    /// Choose lines from here on, or none any more.
    Select,
    /// Copy what is chosen, else the line of the cursor.
    Copy,
    /// Write all of it to a file; unnamed: one named after what it is.
    Save(Option<String>),
    /// Move what is seen by so many rows; the cursor stays where it can.
    Scroll(i32),
    /// The mouse was pressed at this row of what is seen.
    Press(u16),
    /// It was drawn to this row.
    Drag(u16),
    /// It was released.
    Release,
}
