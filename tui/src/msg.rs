//! Everything that happens, as the state hears of it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use smith_model::id::LoopId;

use crate::action::Action;
use crate::acts::Outcome;
use crate::connect::ConnectNews;
use crate::create::Answered;
use crate::effect::Edit;
use crate::fetch::Fetched;
use crate::fleet::{Ordered, Row, ViewsSaid};
use crate::keys::Chord;
use crate::layers::palette::Found;
use crate::look::Ground;
use crate::panes::{News, Subject};
use crate::world::inbox::{self, InboxChange};
use crate::world::journals::Heard;

/// Something that happened.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Msg {
    /// A key was pressed.
    Key(Chord),
    /// Text was pasted.
    Paste(String),
    /// The mouse did something.
    Mouse(Mouse),
    /// The window has another size.
    Resize {
        /// Columns.
        columns: u16,
        /// Rows.
        rows: u16,
    },
    /// The terminal got the focus, or lost it.
    Focus(bool),
    /// Something was asked for without a key: by the mouse, or from outside.
    Action(Action),
    /// The fleet's stream said something.
    Fleet(Stream<FleetChange>),
    /// Something was heard of a journal.
    Journal(Heard),
    /// The inbox's stream said something.
    Inbox(Stream<InboxChange>),
    /// What came of an act about an item of the inbox.
    Marked {
        /// The number of the order.
        order: u64,
        /// The item.
        target: inbox::Target,
        /// What came of it.
        outcome: inbox::Outcome,
    },
    /// An order was found.
    Ordered(Ordered),
    /// Loops were found for the palette.
    Found(Found),
    /// The terminal said late what its ground is.
    Ground(Ground),
    /// The settings' file was read: its text, nothing where it isn't there, or why it can't be read.
    Config(Result<Option<String>, String>),
    /// A text was copied: what was done with it, or why it wasn't.
    Copied(Result<String, String>),
    /// Something was asked for outside: what was done, or why it wasn't.
    Told(Result<String, String>),
    /// Something came of the file in which views are kept.
    Views(ViewsSaid),
    /// What came of an act on a loop.
    Acted {
        /// The number of the order.
        order: u64,
        /// The loop.
        id: LoopId,
        /// What came of it.
        outcome: Outcome,
    },
    /// Something about the connection.
    Connect(ConnectNews),
    /// The editor was left.
    Edited {
        /// What it was for, and began with.
        edit: Edit,
        /// The text that was left in it, or why there is none.
        after: Result<String, String>,
    },
    /// The server answered to a request for a loop.
    Created {
        /// The request's key.
        key: String,
        /// The file that it was read from; nothing, if it is from a form.
        document: Option<String>,
        /// What came of it.
        answer: Answered,
    },
    /// The server answered a question.
    Fetched(Box<Fetched>),
    /// Something is new about a terminal.
    Terminal(Subject, News),
    /// Time went on.
    Tick,
}

impl Msg {
    /// The same as a recording may hold it; nothing, for what is made anew when it is played.
    pub fn for_recording(&self) -> Option<&Self> {
        match self {
            Self::Ordered(_) => None,
            msg => Some(msg),
        }
    }
}

/// What the mouse did, at a cell counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mouse {
    /// What.
    pub kind: MouseKind,
    /// The column.
    pub column: u16,
    /// The row.
    pub row: u16,
    /// With Shift held.
    pub shift: bool,
    /// With Control held.
    pub ctrl: bool,
    /// With Alt held.
    pub alt: bool,
}

/// What the mouse did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MouseKind {
    /// A button was pressed.
    Down(Button),
    /// A button was released.
    Up(Button),
    /// It moved with a button held.
    Drag(Button),
    /// The wheel went up.
    WheelUp,
    /// The wheel went down.
    WheelDown,
}

/// A button of the mouse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Button {
    /// The left one.
    Left,
    /// The middle one.
    Middle,
    /// The right one.
    Right,
}

/// What a stream of the server said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stream<T> {
    /// Forget everything: the whole follows.
    Reset,
    /// These things happened, in this order.
    Changes(Vec<T>),
    /// The whole was sent; what follows is live.
    Ready,
    /// The connection was lost; it is being tried again.
    Lost {
        /// Since when.
        since: Timestamp,
        /// Why.
        why: String,
    },
    /// It is back.
    Back,
    /// It is over, and trying again changes nothing.
    Refused {
        /// Why.
        why: String,
    },
}

/// A change of the fleet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FleetChange {
    /// A loop is new, or changed.
    Updated(Box<Row>),
    /// A loop is gone.
    Removed(LoopId),
}
