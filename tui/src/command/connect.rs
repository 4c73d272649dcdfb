//! Commands for the connection.

use crate::action::Action;
use crate::command::{Command, command, none};
use crate::connect::ConnectAction;
use crate::settings::Asked;

/// All of them.
pub(super) const COMMANDS: &[Command] = &[
    command("ctx", &["context"], "[NAME]", "speak to the server of another context", |args| {
        Ok(Action::Connect(match args {
            "" => ConnectAction::Pick,
            name => ConnectAction::To(Asked { context: Some(name.to_owned()), ..Asked::default() }),
        }))
    }),
    command("server", &[], "", "name a server to speak to", |args| {
        none(args, Action::Connect(ConnectAction::Name))
    }),
    command("smithd", &[], "", "start smithd on this machine, and speak to it", |args| {
        none(args, Action::Connect(ConnectAction::StartSmithd))
    }),
];
