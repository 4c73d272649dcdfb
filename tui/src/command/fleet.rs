//! Commands for the fleet's table.

use crate::action::Action;
use crate::command::{Command, Completes, command, named, none};
use crate::fleet::{Column, ColumnChange, FleetAction, Folding, Grouping, Marking, name};

/// All of them.
pub(super) const COMMANDS: &[Command] = &[
    command(
        "filter",
        &[],
        "[WORDS]",
        "show only loops that all words let through: text, !not, /regex/, ~fuzzy, field:value",
        |args| {
            Ok(fleet(match args {
                "" => FleetAction::EditFilter,
                words => FleetAction::Filter(words.to_owned()),
            }))
        },
    )
    .completing(Completes::Filter),
    command("word", &[], "WORD", "a word of the filter more, or one less", |args| match args {
        "" => Err("a word of a filter follows, such as state:flatline".to_owned()),
        word => Ok(fleet(FleetAction::Word(word.to_owned()))),
    }),
    command("sort", &[], "COLUMN", "by this column; again: the other way round", |args| {
        Column::named(args).map(|column| fleet(FleetAction::Sort(column)))
    })
    .completing(Completes::Columns),
    command("group", &[], "none|project|state", "under these headings", |args| {
        named::<Grouping>(args, "none, project or state").map(|by| fleet(FleetAction::Group(by)))
    }),
    command("fold", &[], "[all|none]", "hide the rows under a heading, or show them", |args| {
        Ok(fleet(FleetAction::Fold(match args {
            "" => Folding::Toggle,
            args => named(args, "all or none")?,
        })))
    }),
    command(
        "faults",
        &[],
        "",
        "only what is flatline, waits after a failed attempt or is silent; again: everything",
        |args| none(args, fleet(FleetAction::Faults)),
    ),
    command(
        "mark",
        &[],
        "[range|all|none]",
        "mark the loop for an act on several; range: from the last mark to here",
        |args| {
            Ok(fleet(FleetAction::Mark(match args {
                "" => Marking::Toggle,
                args => named(args, "range, all or none")?,
            })))
        },
    ),
    command(
        "columns",
        &["cols"],
        "+COLUMN -COLUMN|COLUMNS|default",
        "other columns; default: what the width has room for",
        |args| ColumnChange::parse(args).map(|change| fleet(FleetAction::Columns(change))),
    )
    .completing(Completes::ColumnChanges),
    command("facets", &[], "", "what there is how often, each a word of the filter", |args| {
        none(args, fleet(FleetAction::Facets))
    }),
    command("keep", &[], "NAME", "keep this view's filter, order and columns", |args| {
        name(args).map(|name| fleet(FleetAction::Save(name)))
    }),
    command("view", &["views"], "[NAME]", "look as it was kept; nothing: which are", |args| {
        Ok(fleet(match args {
            "" => FleetAction::Views,
            args => FleetAction::Use(name(args)?),
        }))
    })
    .completing(Completes::Views),
    command("forget-view", &[], "NAME", "forget a view that was kept", |args| {
        name(args).map(|name| fleet(FleetAction::Forget(name)))
    })
    .completing(Completes::Views),
];

fn fleet(action: FleetAction) -> Action {
    Action::Fleet(action)
}
