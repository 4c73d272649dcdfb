//! Commands for a loop's pages.

use crate::action::Action;
use crate::command::{Command, command, named, none};
use crate::place::detail::{DetailAction, Page, Part};

/// All of them.
pub(super) const COMMANDS: &[Command] = &[
    command(
        "page",
        &[],
        "overview|journal|iterations|handoffs|acts|spec|timeline",
        "a page of the loop",
        |args| named::<Page>(args, "a page").map(|page| Action::Detail(DetailAction::Page(page))),
    ),
    command("next-page", &[], "", "the next page of the loop", |args| {
        none(args, Action::Detail(DetailAction::Step(1)))
    }),
    command("previous-page", &[], "", "the page of the loop before", |args| {
        none(args, Action::Detail(DetailAction::Step(-1)))
    }),
    command("show", &[], "record|prompt|output|gates|diff", "this of the iteration", |args| {
        named::<Part>(args, "a part of an iteration")
            .map(|part| Action::Detail(DetailAction::Part(part)))
    }),
    command("clock", &[], "", "the timeline's times as they are, or how far apart", |args| {
        none(args, Action::Detail(DetailAction::Times))
    }),
    command("across", &[], "", "give the keys to the other column", |args| {
        none(args, Action::Detail(DetailAction::Across))
    }),
    command("refresh", &[], "", "ask the server for all of the loop again", |args| {
        none(args, Action::Detail(DetailAction::Refresh))
    }),
];
