//! What an update asks of the world outside; [`crate::run`] carries it out.

use crate::acts::Order;
use crate::fleet::{OrderJob, ViewsJob};
use crate::hints::Hints;
use crate::host::Notice;
use crate::layers::palette::SeekJob;

/// Something to be done outside of the state.
#[derive(Debug)]
pub enum Effect {
    /// Find out which rows a view shows, in which order. A newer job for the same view makes it void.
    Order(OrderJob),
    /// Read or change the file in which views are kept.
    Views(ViewsJob),
    /// Have the server do it; each loop's outcome comes as a message with this number.
    Act(u64, Order),
    /// Stop, as Ctrl-Z does elsewhere.
    Suspend,
    /// Draw every cell again.
    Redraw,
    /// Put a text on the person's clipboard; [`crate::msg::Msg::Copied`] says what came of it.
    Copy(String),
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
