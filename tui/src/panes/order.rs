//! What the task of a terminal is asked to do.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use smith_term::message::LeaseRequest;
use smith_term::size::Size;

use crate::panes::Toward;

/// Something for the task of a terminal, or of a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Give the program these bytes.
    Type(Vec<u8>),
    /// Ask for the keyboard, or hand it back.
    Lease(LeaseRequest),
    /// The terminal is to have this size, once it has stayed the same for a moment.
    Resize(Size),
    /// Stand still, or go on.
    PauseOrGo,
    /// Twice as fast.
    Faster,
    /// Half as fast.
    Slower,
    /// Go elsewhere in the recording.
    Seek(Seek),
}

/// Where to in a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Seek {
    /// So many seconds on; back where it is negative.
    By(i32),
    /// To this many tenths of it.
    Tenth(u8),
    /// To a time from its beginning.
    To(Duration),
    /// To where something begins to happen again.
    Activity(Toward),
}
