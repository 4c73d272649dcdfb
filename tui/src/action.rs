//! Everything that a person can do here, as data: what keys, commands, the palette and the mouse ask for.

use serde::{Deserialize, Serialize};
use smith_model::id::LoopId;

use crate::acts::ActAction;
use crate::connect::ConnectAction;
use crate::create::CreateAction;
use crate::fleet::FleetAction;
use crate::journal::JournalAction;
use crate::keys::Chord;
use crate::look::Theme;
use crate::pager::PagerAction;
use crate::panes::{Subject, TerminalAction};
use crate::place::detail::DetailAction;
use crate::place::inbox::InboxAction;

/// Something that a person asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Leave the program.
    Quit,
    /// Put the program into the shell's background.
    Suspend,
    /// Draw everything anew.
    Redraw,
    /// Show which keys do what here.
    Help,
    /// Search through everything that can be done.
    Palette,
    /// Begin to type a command.
    CommandLine(String),
    /// Close what lies on top, or let go of what is half done.
    Dismiss,
    /// Where one was before.
    Back,
    /// And back again.
    Forward,
    /// Show something in this tab.
    Go(Destination),
    /// Move the cursor.
    Move(Motion),
    /// Open what the cursor is on.
    Open,
    /// Do something with tabs.
    Tab(TabAction),
    /// Do something in the fleet's table.
    Fleet(FleetAction),
    /// Do something in a loop's pages.
    Detail(DetailAction),
    /// Do something with a text.
    Pager(PagerAction),
    /// Do something with journals.
    Journal(JournalAction),
    /// Do something in the inbox.
    Inbox(InboxAction),
    /// Do something with terminals.
    Terminal(TerminalAction),
    /// Choose what stands there in the palette, counted from 0.
    Choose(usize),
    /// Choose a theme by looking at each.
    Themes,
    /// Use a theme.
    Theme(Theme),
    /// Take the mouse from the terminal, or give it back.
    Mouse(Switch),
    /// Do something with the settings' file.
    Config(ConfigAction),
    /// Show tips, or none.
    Hints(Switch),
    /// Do something to loops.
    Act(ActAction),
    /// Ask for a loop.
    Create(CreateAction),
    /// Do something about the connection.
    Connect(ConnectAction),
    /// As if this key had been pressed: what a click on a layer's button is.
    Press(Chord),
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Switch {
    /// On.
    On,
    /// Off.
    Off,
    /// What it isn't now.
    Other,
}

impl Switch {
    /// What comes out, from what it is.
    pub fn of(self, is_on: bool) -> bool {
        match self {
            Self::On => true,
            Self::Off => false,
            Self::Other => !is_on,
        }
    }
}

/// What can be done with the settings' file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConfigAction {
    /// Show what is in use, and what is wrong.
    Show,
    /// Read it again.
    Reload,
}

/// What a tab can show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Destination {
    /// The fleet.
    Fleet,
    /// The loops that wait for a person.
    Inbox,
    /// A loop.
    Loop(LoopId),
    /// The journals of loops, as one.
    Journal(Vec<LoopId>),
    /// A terminal or a recording, in a pane.
    Terminal(Subject),
}

/// How a cursor moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Motion {
    /// So many rows; up where it is negative.
    Rows(i32),
    /// Half the rows that are shown, so many times.
    HalfPages(i32),
    /// The rows that are shown, so many times.
    Pages(i32),
    /// To the first.
    Top,
    /// To the last.
    Bottom,
    /// To this one, counted from 0.
    To(usize),
    /// So many columns; left where it is negative.
    Columns(i32),
}

impl Motion {
    /// Where a cursor comes to, from a row of a list whose last row and seen rows are these; nothing: it goes sideways.
    pub fn lands(self, from: usize, last: usize, seen: usize) -> Option<usize> {
        let page = i32::try_from(seen.max(1)).unwrap_or(i32::MAX);
        let by = |rows: i32| {
            let rows = isize::try_from(rows).unwrap_or_default();
            from.saturating_add_signed(rows).min(last)
        };
        Some(match self {
            Self::Rows(rows) => by(rows),
            Self::HalfPages(times) => by((page / 2).max(1).saturating_mul(times)),
            Self::Pages(times) => by(page.saturating_mul(times)),
            Self::Top => 0,
            Self::Bottom => last,
            Self::To(row) => row.min(last),
            Self::Columns(_) => return None,
        })
    }
}

/// What can be done with tabs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TabAction {
    /// Another one, that shows the same.
    New,
    /// Close this one.
    Close,
    /// The next one.
    Next,
    /// The one before.
    Previous,
    /// This one, counted from 1.
    Show(usize),
    /// It is called that; nothing: what it shows.
    Name(Option<String>),
}
