//! Commands for texts that are read.

use crate::action::Action;
use crate::command::{Command, command, none};
use crate::pager::PagerAction;

/// All of them.
pub(super) const COMMANDS: &[Command] = &[
    command("find", &[], "[WORDS|/REGEX/]", "look for this here", |args| {
        Ok(Action::Pager(match args {
            "" => PagerAction::EditFind,
            text => PagerAction::Find(text.to_owned()),
        }))
    }),
    command("find-next", &[], "", "to the next line in which it is", |args| {
        none(args, Action::Pager(PagerAction::FindNext))
    }),
    command("find-previous", &[], "", "to the line before in which it is", |args| {
        none(args, Action::Pager(PagerAction::FindPrevious))
    }),
    command("wrap", &[], "", "break long lines, or cut them", |args| {
        none(args, Action::Pager(PagerAction::Wrap))
    }),
    command("select", &[], "", "choose lines from here on, to copy them", |args| {
        none(args, Action::Pager(PagerAction::Select))
    }),
    command("copy", &["yank"], "", "copy what is chosen, else what the cursor is on", |args| {
        none(args, Action::Pager(PagerAction::Copy))
    }),
    command("save", &[], "[FILE]", "write all of it to a new file", |args| {
        let name = Some(args).filter(|name| !name.is_empty()).map(str::to_owned);
        Ok(Action::Pager(PagerAction::Save(name)))
    }),
];
