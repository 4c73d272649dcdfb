//! Commands that move the cursor.

use crate::action::{Action, Motion};
use crate::command::{Command, command, none};

/// All of them.
pub(super) const COMMANDS: &[Command] = &[
    command("open", &[], "", "open what the cursor is on", |args| none(args, Action::Open)),
    command("up", &[], "", "a row up", |args| none(args, Action::Move(Motion::Rows(-1)))),
    command("down", &[], "", "a row down", |args| none(args, Action::Move(Motion::Rows(1)))),
    command("page-up", &[], "", "a page up", |args| none(args, Action::Move(Motion::Pages(-1)))),
    command("page-down", &[], "", "a page down", |args| none(args, Action::Move(Motion::Pages(1)))),
    command("half-page-up", &[], "", "half a page up", |args| {
        none(args, Action::Move(Motion::HalfPages(-1)))
    }),
    command("half-page-down", &[], "", "half a page down", |args| {
        none(args, Action::Move(Motion::HalfPages(1)))
    }),
    command("top", &[], "", "to the first row", |args| none(args, Action::Move(Motion::Top))),
    command("bottom", &[], "", "to the last row", |args| none(args, Action::Move(Motion::Bottom))),
    command("left", &[], "", "to the left", |args| none(args, Action::Move(Motion::Columns(-1)))),
    command("right", &[], "", "to the right", |args| none(args, Action::Move(Motion::Columns(1)))),
];
