//! The command that asks for a loop.

use crate::action::Action;
use crate::command::{Command, command};
use crate::create::CreateAction;

/// All of them.
pub(super) const COMMANDS: &[Command] =
    &[command("create", &["new"], "[edit]", "ask for a loop, in a form or in $EDITOR", |args| {
        match args {
            "" => Ok(Action::Create(CreateAction::Form)),
            "edit" => Ok(Action::Create(CreateAction::EditorHere)),
            other => Err(format!("{other:?} isn't edit; with nothing behind it there is a form")),
        }
    })];
