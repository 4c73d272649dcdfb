//! The person's own settings: `$XDG_CONFIG_HOME/smith/workstation.toml`. Pure.
//!
//! What is wrong in the file is named by its line; the rest of it is used.

mod keys;
mod read;
mod report;
mod setup;

use std::fmt;
use std::path::PathBuf;

pub use setup::{Setup, Surroundings};

use crate::host::Depth;
use crate::keys::Keymap;
use crate::look::{Motion, Theme};

/// The file's name, beside that of the contexts.
pub const FILE: &str = "workstation.toml";

/// What the file says.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Where it is looked for; nothing, where no home is known.
    pub path: Option<PathBuf>,
    /// It is there.
    pub is_there: bool,
    /// The theme; nothing: what suits the terminal.
    pub theme: Setting<Option<Theme>>,
    /// No characters beyond ASCII; nothing: as the locale has it.
    pub ascii: Setting<Option<bool>>,
    /// The terminal's colours; nothing: as it says itself.
    pub colours: Setting<Option<Depth>>,
    /// How much may move.
    pub motion: Setting<Motion>,
    /// The mouse is this program's, not the terminal's own.
    pub mouse: Setting<bool>,
    /// A person who looks elsewhere is told.
    pub notifications: Setting<bool>,
    /// The window is named.
    pub title: Setting<bool>,
    /// Tips for the first days.
    pub hints: Setting<bool>,
    /// The keys.
    pub keymap: Keymap,
    /// How many bindings the file makes or takes away.
    pub keys_set: usize,
    /// What is wrong, by line.
    pub problems: Vec<Problem>,
}

/// A setting, and where it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting<T> {
    /// What it is.
    pub value: T,
    /// Where the file says so; nothing: it doesn't.
    pub at: Option<Position>,
}

/// A place in the file, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The character in it.
    pub column: usize,
}

/// How bad something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It isn't used, or takes something away.
    Wrong,
    /// It is used, and does more than one may think.
    Note,
}

/// Something that isn't right in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub at: Position,
    /// How bad it is.
    pub severity: Severity,
    /// What it is, and what would be right.
    pub what: String,
}

impl<T> Setting<T> {
    const fn standard(value: T) -> Self {
        Self { value, at: None }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            path: None,
            is_there: false,
            theme: Setting::standard(None),
            ascii: Setting::standard(None),
            colours: Setting::standard(None),
            motion: Setting::standard(Motion::Full),
            mouse: Setting::standard(true),
            notifications: Setting::standard(true),
            title: Setting::standard(true),
            hints: Setting::standard(true),
            keymap: Keymap::standard(),
            keys_set: 0,
            problems: vec![],
        }
    }
}

impl Config {
    /// What is wrong, without notes.
    pub fn wrong(&self) -> impl Iterator<Item = &Problem> {
        self.problems.iter().filter(|problem| problem.severity == Severity::Wrong)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{FILE}:{}: {}", self.at, self.what)
    }
}

#[cfg(test)]
mod tests;
