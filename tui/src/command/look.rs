//! Commands for looks and settings.

use crate::action::{Action, ConfigAction, Switch};
use crate::command::{Command, Completes, command, near, none};
use crate::look::Theme;

/// All of them.
pub(super) const COMMANDS: &[Command] = &[
    command("theme", &[], "[NAME]", "choose the colours; without a name: look at each", |args| {
        if args.is_empty() {
            return Ok(Action::Themes);
        }
        let names = Theme::ALL.map(Theme::as_str);
        let theme = Theme::named(args).ok_or_else(|| {
            format!("there is no theme {args:?}{}", near::meant_or_all(args, &names))
        })?;
        Ok(Action::Theme(theme))
    })
    .completing(Completes::Themes),
    command("mouse", &[], "[on|off]", "whether the mouse is for Smith, or selects text", |args| {
        switch(args).map(Action::Mouse)
    }),
    command("config", &[], "[reload]", "settings: what is in use, and what is wrong", |args| {
        match args {
            "reload" => Ok(Action::Config(ConfigAction::Reload)),
            args => none(args, Action::Config(ConfigAction::Show)),
        }
    }),
    command("hints", &[], "[on|off]", "tips for the first days", |args| {
        switch(args).map(Action::Hints)
    }),
];

fn switch(args: &str) -> Result<Switch, String> {
    match args {
        "" => Ok(Switch::Other),
        "on" => Ok(Switch::On),
        "off" => Ok(Switch::Off),
        other => Err(format!("{other:?} isn't on or off")),
    }
}
