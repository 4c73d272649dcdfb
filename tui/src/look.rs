//! How things look: what is meant ([`Role`]) becomes a colour and an attribute here, and nowhere else. Pure.

use ratatui::style::{Color, Modifier, Style};
use serde::{Deserialize, Serialize};
use smith_model::state::State;

/// What a piece of text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Plain.
    Text,
    /// Of less interest.
    Dim,
    /// Titles of columns and boxes.
    Title,
    /// What one can press.
    Key,
    /// The row of the cursor.
    Cursor,
    /// A marked row.
    Marked,
    /// What a search found.
    Hit,
    /// The bar at the top.
    Bar,
    /// Lines around boxes.
    Border,
    /// It went well.
    Good,
    /// It runs.
    Active,
    /// It waits.
    Waiting,
    /// Worth a look.
    Warning,
    /// It went wrong.
    Bad,
}

/// A theme by its name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Theme {
    /// For a dark terminal.
    #[default]
    Dark,
    /// No colours at all.
    Plain,
}

/// How this terminal is drawn on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// Its colours.
    pub theme: Theme,
    /// Characters beyond ASCII may be used.
    pub ascii: bool,
}

impl Look {
    /// The style of a role.
    pub fn style(self, role: Role) -> Style {
        let style = Style::default();
        let bold = style.add_modifier(Modifier::BOLD);
        let plain = match role {
            Role::Cursor => style.add_modifier(Modifier::REVERSED),
            Role::Hit => style.add_modifier(Modifier::UNDERLINED | Modifier::BOLD),
            Role::Bar => style.add_modifier(Modifier::REVERSED),
            Role::Dim | Role::Border | Role::Waiting => style.add_modifier(Modifier::DIM),
            Role::Text | Role::Good | Role::Active => style,
            Role::Title | Role::Key | Role::Marked | Role::Warning | Role::Bad => bold,
        };
        if self.theme == Theme::Plain {
            return plain;
        }
        match role {
            Role::Text | Role::Dim | Role::Cursor | Role::Hit => plain,
            Role::Title => plain.fg(Color::Cyan),
            Role::Key => plain.fg(Color::Yellow),
            Role::Marked => plain.fg(Color::Magenta),
            Role::Bar => style.fg(Color::White).bg(Color::Indexed(237)),
            Role::Border => style.fg(Color::DarkGray),
            Role::Good => style.fg(Color::Green),
            Role::Active => style.fg(Color::Blue),
            Role::Waiting => style.fg(Color::Gray),
            Role::Warning => plain.fg(Color::Yellow),
            Role::Bad => plain.fg(Color::Red),
        }
    }

    /// What stands where something was left out.
    pub fn ellipsis(self) -> &'static str {
        if self.ascii { "~" } else { "…" }
    }

    /// What a state is.
    pub fn role_of(self, state: State) -> Role {
        match state {
            State::Unresolved => Role::Waiting,
            State::Overwriting => Role::Active,
            State::Synced => Role::Good,
            State::Flatline => Role::Bad,
            State::Cancelled => Role::Dim,
        }
    }

    /// A sign for a state, told apart by its shape.
    pub fn sign_of(self, state: State) -> &'static str {
        match (state, self.ascii) {
            (State::Unresolved, false) => "○",
            (State::Overwriting, false) => "▶",
            (State::Synced, false) => "✔",
            (State::Flatline, false) => "✖",
            (State::Cancelled, false) => "■",
            (State::Unresolved, true) => "o",
            (State::Overwriting, true) => ">",
            (State::Synced, true) => "+",
            (State::Flatline, true) => "x",
            (State::Cancelled, true) => "-",
        }
    }
}
