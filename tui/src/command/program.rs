//! Commands for the program and its tabs.

use crate::action::{Action, Destination, TabAction};
use crate::command::{Command, Completes, command, none};
use crate::fleet;

/// All of them.
pub(super) const COMMANDS: &[Command] = &[
    command("quit", &["q!", "exit"], "", "leave", |args| none(args, Action::Quit)),
    command("suspend", &[], "", "stop, as Ctrl-Z does elsewhere", |args| {
        none(args, Action::Suspend)
    }),
    command("redraw", &[], "", "draw everything anew", |args| none(args, Action::Redraw)),
    command("help", &["h"], "", "which keys do what here", |args| none(args, Action::Help)),
    command("palette", &[], "", "search through everything that can be done", |args| {
        none(args, Action::Palette)
    }),
    command("command", &[], "[TEXT]", "type a command", |args| {
        Ok(Action::CommandLine(args.to_owned()))
    }),
    command("dismiss", &[], "", "close what lies on top", |args| none(args, Action::Dismiss)),
    command("back", &[], "", "where one was before", |args| none(args, Action::Back)),
    command("forward", &[], "", "take a step back again", |args| none(args, Action::Forward)),
    command("fleet", &["loops"], "", "all loops", |args| {
        none(args, Action::Go(Destination::Fleet))
    }),
    command("loop", &["l"], "ID", "one loop", |args| {
        let id = args.parse().map_err(|error| format!("{error}"))?;
        Ok(Action::Go(Destination::Loop(id)))
    })
    .completing(Completes::Loops),
    command("tab", &[], "new|close|next|previous|N|name [NAME]", "another tab, or its name", tab),
];

fn tab(args: &str) -> Result<Action, String> {
    let tab = match args {
        "new" => TabAction::New,
        "close" => TabAction::Close,
        "next" => TabAction::Next,
        "previous" => TabAction::Previous,
        "name" => TabAction::Name(None),
        args if args.starts_with("name ") => TabAction::Name(Some(fleet::name(&args[5..])?)),
        number => match number.parse() {
            Ok(number @ 1..) => TabAction::Show(number),
            _ => {
                return Err(format!("{args:?} isn't new, close, next, previous, name or a number"));
            }
        },
    };
    Ok(Action::Tab(tab))
}
