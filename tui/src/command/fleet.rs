//! Commands for the fleet's table.

use crate::action::Action;
use crate::command::{Command, Completes, command, named, none};
use crate::fleet::{Column, FleetAction, Grouping};

/// All of them.
pub(super) const COMMANDS: &[Command] = &[
    command("filter", &[], "[WORDS]", "show only loops that the words let through", |args| {
        Ok(Action::Fleet(match args {
            "" => FleetAction::EditFilter,
            words => FleetAction::Filter(words.to_owned()),
        }))
    })
    .completing(Completes::Filter),
    command(
        "sort",
        &[],
        "loop|project|state|age|title",
        "by this column; again: reversed",
        |args| {
            named::<Column>(args, "a column").map(|column| Action::Fleet(FleetAction::Sort(column)))
        },
    ),
    command("group", &[], "none|project|state", "under these headings", |args| {
        named::<Grouping>(args, "a grouping").map(|by| Action::Fleet(FleetAction::Group(by)))
    }),
    command("faults", &[], "", "only what went wrong, or everything again", |args| {
        none(args, Action::Fleet(FleetAction::Faults))
    }),
    command("mark", &[], "", "mark the loop for an act on several", |args| {
        none(args, Action::Fleet(FleetAction::Mark))
    }),
];
