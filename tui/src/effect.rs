//! What an update asks of the world outside; [`crate::run`] carries it out.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use smith_model::id::LoopId;

use crate::acts::Order;
use crate::create::Draft;
use crate::fetch::Fetch;
use crate::fleet::{OrderJob, ViewsJob};
use crate::hints::Hints;
use crate::host::Notice;
use crate::journal::Form;
use crate::layers::palette::SeekJob;
use crate::panes::{self, Subject};
use crate::settings::Asked;
use crate::world::inbox;

/// Something to be done outside of the state.
#[derive(Debug)]
pub enum Effect {
    /// Find out which rows a view shows, in which order. A newer job for the same view makes it void.
    Order(OrderJob),
    /// Read or change the file in which views are kept.
    Views(ViewsJob),
    /// Have the server do it; each loop's outcome comes as a message with this number.
    Act(u64, Order),
    /// Ask the server for a loop.
    Create(Draft),
    /// Give a text and the terminal to the person's editor.
    Edit(Edit),
    /// Find out which contexts there are.
    Contexts,
    /// Speak to another server, if it answers.
    Connect(Asked),
    /// Start smithd on this machine, and speak to it.
    StartSmithd,
    /// Ask the server. A newer question of the same kind takes the place of one that waits.
    Fetch(Fetch),
    /// Have the server mark items of the inbox; each one's outcome comes as a message with this number.
    Mark(u64, inbox::Order),
    /// Stop, as Ctrl-Z does elsewhere.
    Suspend,
    /// Draw every cell again.
    Redraw,
    /// Have the task of a terminal do something; [`crate::msg::Msg::Terminal`] says if it can't.
    Terminal(Subject, panes::Order),
    /// Put a text on the person's clipboard; [`crate::msg::Msg::Copied`] says what came of it.
    Copy(String),
    /// Write a text to a new file; [`crate::msg::Msg::Told`] says what came of it.
    Save(Save),
    /// Get older entries of a journal; [`crate::world::journals::Said::Older`] answers.
    Older(OlderEntries),
    /// Write whole journals to a new file, as [`Effect::Save`] does.
    SaveJournal(SaveJournal),
    /// Name the terminal's window.
    Title(String),
    /// Find loops for the palette; [`crate::msg::Msg::Found`] is the answer.
    Seek(SeekJob),
    /// Take the mouse, or give it back.
    Mouse(bool),
    /// Remember what somebody knows already.
    KeepHints(Hints),
    /// Read the settings' file again; [`crate::msg::Msg::Config`] is the answer.
    ReadConfig,
    /// Draw the person's eye, if it isn't on the terminal.
    Notify(Notice),
}

/// A text for the person's editor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edit {
    /// What it is for.
    pub what: EditFor,
    /// The end of the file's name, which tells editors what it is.
    pub name: String,
    /// What it begins with.
    pub text: String,
}

/// What an edited text is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EditFor {
    /// A request for a loop.
    Loop {
        /// Drawn once, however often the editor is opened again.
        key: String,
    },
}

/// Entries before one that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OlderEntries {
    /// Whose.
    pub loop_id: LoopId,
    /// See [`crate::world::journals::Ask::generation`].
    pub generation: u64,
    /// The number of the one that is known.
    pub before: u64,
}

/// Whole journals for a file that isn't there yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaveJournal {
    /// Whose.
    pub loops: Vec<LoopId>,
    /// The file, as a person names it.
    pub name: String,
    /// As what.
    pub form: Form,
}

/// A text for a file that isn't there yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Save {
    /// The file, as a person names it.
    pub name: String,
    /// What goes into it.
    pub text: String,
}

impl Save {
    /// A name for a file about something, at a time.
    pub fn name(about: &str, now: Timestamp, ending: &str) -> String {
        format!("{about}-{}.{ending}", now.strftime("%Y%m%dT%H%M%SZ"))
    }
}
