//! How things look: what is meant ([`Role`]) becomes a colour and an attribute here, and nowhere else. Pure.

mod code;
mod colour;
mod theme;

use jiff::Timestamp;
use ratatui::style::{Color, Modifier, Style};
use serde::{Deserialize, Serialize};
use smith_model::inbox::Severity;
use smith_model::state::State;

pub use code::Change;
pub use colour::Rgb;
pub use theme::{Ground, Theme};

use crate::host::Depth;
use crate::paper;
use theme::Ink;

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
    /// Code, a change, or what a program painted.
    Code(paper::Ink, Change),
}

/// How much on the screen may move by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Motion {
    /// What changes is shown at once, and what is waited for turns.
    #[default]
    Full,
    /// What changes by itself is shown once a second, and nothing turns.
    Reduced,
}

/// How this terminal is drawn on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// Its colours.
    pub theme: Theme,
    /// No characters beyond ASCII may be used.
    pub ascii: bool,
    /// How many colours the terminal has.
    pub depth: Depth,
    /// How much may move.
    pub motion: Motion,
    /// The terminal's own ground, if it is known.
    pub ground: Option<Ground>,
}

impl Look {
    /// The style of a role.
    pub fn style(self, role: Role) -> Style {
        let style = Style::default();
        let Some(palette) = self.theme.palette() else { return style.add_modifier(plain(role)) };
        let colour = |(rgb, sixteen): (Rgb, Color)| match self.depth {
            Depth::Sixteen => sixteen,
            Depth::Indexed | Depth::True => rgb.on(self.depth),
        };
        let bar = match self.depth {
            // Of sixteen none is near enough to the ground to be one itself.
            Depth::Sixteen => style.add_modifier(Modifier::REVERSED),
            Depth::Indexed | Depth::True => {
                style.fg(colour(palette.ink(Ink::Bar))).bg(colour(palette.bar))
            }
        };
        match role {
            // The same over the whole row, whatever stands in it.
            Role::Cursor => style
                .fg(colour(palette.ink(Ink::Text)))
                .bg(self.base().bg.unwrap_or(Color::Reset))
                .remove_modifier(Modifier::BOLD)
                .add_modifier(Modifier::REVERSED),
            Role::Hit => style.add_modifier(Modifier::UNDERLINED | Modifier::BOLD),
            Role::Bar => bar,
            Role::Text => style.fg(colour(palette.ink(Ink::Text))),
            Role::Dim | Role::Waiting => style.fg(colour(palette.ink(Ink::Dim))),
            Role::Border => style.fg(colour(palette.ink(Ink::Border))),
            Role::Good => style.fg(colour(palette.ink(Ink::Good))),
            Role::Active => style.fg(colour(palette.ink(Ink::Active))),
            Role::Title => strong(colour(palette.ink(Ink::Title))),
            Role::Key => strong(colour(palette.ink(Ink::Key))),
            Role::Marked => strong(colour(palette.ink(Ink::Mark))),
            Role::Warning => strong(colour(palette.ink(Ink::Warning))),
            Role::Bad => strong(colour(palette.ink(Ink::Bad))),
            Role::Code(ink, change) => {
                code::style(self, colour(palette.ink(Ink::Text)), ink, change)
            }
        }
    }

    /// What lies under everything: the terminal's own ground where it suits the theme, else the theme's.
    pub fn base(self) -> Style {
        let style = Style::default();
        let Some(palette) = self.theme.palette() else { return style };
        if self.ground.is_some() && self.ground == self.theme.ground() {
            return style;
        }
        let (rgb, sixteen) = palette.ground;
        style.bg(match self.depth {
            Depth::Sixteen => sixteen,
            Depth::Indexed | Depth::True => rgb.on(self.depth),
        })
    }

    /// A sign for what is waited for; it turns once a second.
    pub fn busy(self, now: Timestamp) -> &'static str {
        let turn = usize::try_from(now.as_second().rem_euclid(4)).unwrap_or(0);
        match (self.motion, self.ascii) {
            (Motion::Reduced, _) => self.ellipsis(),
            (Motion::Full, true) => ["|", "/", "-", "\\"][turn],
            (Motion::Full, false) => ["◐", "◓", "◑", "◒"][turn],
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

    /// What a severity is.
    pub fn role_of_severity(self, severity: Severity) -> Role {
        match severity {
            Severity::Critical => Role::Bad,
            Severity::Warning => Role::Warning,
            Severity::Notice => Role::Text,
        }
    }

    /// A sign for a severity, told apart by its shape.
    pub fn sign_of_severity(self, severity: Severity) -> &'static str {
        match (severity, self.ascii) {
            (Severity::Critical, _) => "!",
            (Severity::Warning, false) => "▲",
            (Severity::Warning, true) => "^",
            (Severity::Notice, false) => "·",
            (Severity::Notice, true) => ".",
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

fn strong(colour: Color) -> Style {
    Style::default().fg(colour).add_modifier(Modifier::BOLD)
}

/// What a role is without colours.
fn plain(role: Role) -> Modifier {
    match role {
        Role::Cursor | Role::Bar => Modifier::REVERSED,
        Role::Hit => Modifier::UNDERLINED | Modifier::BOLD,
        Role::Dim | Role::Border | Role::Waiting => Modifier::DIM,
        Role::Text | Role::Good | Role::Active => Modifier::empty(),
        Role::Code(ink, change) => code::plain(ink, change),
        Role::Title | Role::Key | Role::Marked | Role::Warning | Role::Bad => Modifier::BOLD,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_theme_is_painted_unless_the_terminal_has_its_ground() {
        let look = Look { theme: Theme::Light, ..Look::default() };
        for (ground, is_painted) in
            [(None, true), (Some(Ground::Dark), true), (Some(Ground::Light), false)]
        {
            assert_eq!(Look { ground, ..look }.base().bg.is_some(), is_painted, "{ground:?}");
        }
        let plain = Look { theme: Theme::Plain, ..look };
        assert_eq!(plain.base(), Style::default());
        assert_eq!(plain.style(Role::Bad).fg, None);
    }

    #[test]
    fn no_two_states_have_the_same_sign() {
        for ascii in [false, true] {
            let look = Look { ascii, ..Look::default() };
            let mut signs: Vec<&str> = State::ALL.iter().map(|s| look.sign_of(*s)).collect();
            signs.sort_unstable();
            signs.dedup();
            assert_eq!(signs.len(), State::ALL.len());
            assert!(!ascii || signs.iter().all(|sign| sign.is_ascii()));
        }
    }

    #[test]
    fn nothing_turns_where_motion_is_reduced() {
        let look = Look { motion: Motion::Reduced, ..Look::default() };
        let at = |second| look.busy(Timestamp::from_second(second).unwrap());
        assert_eq!(at(0), at(1));
        let full = Look::default();
        assert_ne!(
            full.busy(Timestamp::from_second(0).unwrap()),
            full.busy(Timestamp::from_second(1).unwrap())
        );
    }
}
