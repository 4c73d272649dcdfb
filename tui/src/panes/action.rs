//! What can be done with terminals and their panes.

use serde::{Deserialize, Serialize};
use smith_model::id::LoopId;
use smith_model::terminal::Session;

use crate::keys::Chord;
use crate::panes::{Axis, Seek, Subject, Way};

/// Something to be done with terminals.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TerminalAction {
    /// Show a session of a loop: of this one, or of the one that is chosen.
    Attach(Option<LoopId>, Session),
    /// Show the recordings of a loop.
    Recordings(Option<LoopId>),
    /// Show something in the pane of the focus.
    Show(Subject),
    /// Split the pane of the focus; the new one shows a session of the same loop, or the same.
    Split(Axis, Option<Session>),
    /// Do something with panes.
    Pane(PaneAction),
    /// Type from now on: ask for the keyboard if it isn't there.
    Take,
    /// Take the keyboard from whoever has it. Without a reason it is asked for.
    Steal(Option<String>),
    /// Hand the keyboard back. Without a note it is asked for.
    HandBack(Option<String>),
    /// Keys are for the workstation again, and the keyboard stays.
    Aside,
    /// Give the program a key.
    Send(Chord),
    /// Give the program a text as if it were pasted, whatever is in it.
    Paste(String),
    /// Look for something.
    Find(Find),
    /// Copy what is selected.
    Copy,
    /// Attach again, or load again.
    Again,
    /// Do something with a recording.
    Play(Player),
    /// Ask the person for something.
    Ask(Asked),
}

/// What can be done with panes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PaneAction {
    /// Close the one of the focus.
    Close,
    /// Show only the one of the focus, or all again.
    Zoom,
    /// Change places with the next one.
    Swap,
    /// The focus goes to the next one.
    Next,
    /// The focus goes there.
    Focus(Way),
    /// A border goes there.
    Resize(Way),
}

/// What can be looked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Find {
    /// This text, upwards.
    Text(String),
    /// The same further up.
    Up,
    /// The same further down.
    Down,
}

/// What can be done with a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Player {
    /// Stand still, or go on.
    PauseOrGo,
    /// Twice as fast.
    Faster,
    /// Half as fast.
    Slower,
    /// Go elsewhere.
    Seek(Seek),
}

/// What a person is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Asked {
    /// What to look for.
    Find,
    /// Why the keyboard is taken from somebody, who is named.
    Reason(String),
    /// What the next agent should know.
    Note,
    /// Where to go in a recording.
    Time,
    /// Whether so many lines are to be pasted to a program that takes each as a command.
    Paste(String),
}
