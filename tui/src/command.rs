//! The commands behind `:`, which keys are bound to and the palette lists: the one list of what can be done.

mod acts;
pub mod complete;
mod connect;
mod create;
mod detail;
mod fleet;
mod inbox;
mod journal;
mod look;
mod movement;
pub mod near;
mod program;
mod terminals;
mod text;

use serde::de::DeserializeOwned;

use crate::action::Action;

pub use complete::Completes;

/// All commands by what they are about, as help lists them.
pub const GROUPS: &[(&str, &[Command])] = &[
    ("Fleet", fleet::COMMANDS),
    ("Acting", acts::COMMANDS),
    ("Creating", create::COMMANDS),
    ("Journals", journal::COMMANDS),
    ("Connection", connect::COMMANDS),
    ("Loop", detail::COMMANDS),
    ("Inbox", inbox::COMMANDS),
    ("Moving", movement::COMMANDS),
    ("Texts", text::COMMANDS),
    ("Terminals", terminals::COMMANDS),
    ("Program and tabs", program::COMMANDS),
    ("Looks and settings", look::COMMANDS),
];

/// A command.
#[derive(Debug)]
pub struct Command {
    /// Its name.
    pub name: &'static str,
    /// Shorter names.
    pub aliases: &'static [&'static str],
    /// What may follow, for help; empty: nothing.
    pub args: &'static str,
    /// What it does, in one line.
    pub help: &'static str,
    /// What the words that may follow name.
    pub completes: Completes,
    /// What it means with what follows, or why that isn't right.
    pub parse: fn(&str) -> Result<Action, String>,
}

/// Reads a command.
pub fn parse(text: &str) -> Result<Action, String> {
    let text = text.trim();
    let (name, args) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let Some(command) = find(name) else {
        let names = all().flat_map(|c| c.aliases.iter().copied().chain([c.name]));
        let meant = near::meant(name, names);
        let meant = if meant.is_empty() { "; ? lists what there is".to_owned() } else { meant };
        return Err(format!("there is no command {name:?}{meant}"));
    };
    (command.parse)(args.trim()).map_err(|error| format!("{}: {error}", command.name))
}

/// The command of a name or alias.
pub fn find(name: &str) -> Option<&'static Command> {
    all().find(|command| command.name == name || command.aliases.contains(&name))
}

/// All commands.
pub fn all() -> impl Iterator<Item = &'static Command> {
    GROUPS.iter().flat_map(|(_, commands)| *commands)
}

const fn command(
    name: &'static str,
    aliases: &'static [&'static str],
    args: &'static str,
    help: &'static str,
    parse: fn(&str) -> Result<Action, String>,
) -> Command {
    Command { name, aliases, args, help, completes: Completes::Words, parse }
}

impl Command {
    /// The same, with what the words that may follow name.
    const fn completing(self, completes: Completes) -> Self {
        Self { completes, ..self }
    }
}

fn none(args: &str, action: Action) -> Result<Action, String> {
    if args.is_empty() { Ok(action) } else { Err(format!("nothing may follow, not {args:?}")) }
}

/// One of the names that a type has.
fn named<T: DeserializeOwned>(args: &str, what: &str) -> Result<T, String> {
    let value = serde_json::Value::String(args.to_owned());
    serde_json::from_value(value).map_err(|_| format!("{args:?} isn't {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_is_taken_twice() {
        let mut names: Vec<&str> =
            all().flat_map(|c| c.aliases.iter().copied().chain([c.name])).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn a_mistake_names_the_command_and_what_may_follow() {
        assert_eq!(parse("quit"), Ok(Action::Quit));
        for (text, expect) in [
            ("quti", "there is no command"),
            ("quit now", "quit: nothing may follow"),
            ("sort colour", "sort: \"colour\" isn't a column"),
            ("tab 0", "tab: \"0\" isn't"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.starts_with(expect), "{error}");
        }
    }
}
