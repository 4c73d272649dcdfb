//! Commands for the inbox.

use crate::action::{Action, Destination};
use crate::command::{Command, command, none};
use crate::layers::words::Asking;
use crate::place::inbox::InboxAction;
use crate::world::inbox::{Act, Until};

/// All of them.
pub(super) const COMMANDS: &[Command] = &[
    command("inbox", &[], "", "loops that wait for a person or went wrong", |args| {
        none(args, Action::Go(Destination::Inbox))
    }),
    command("next-needed", &[], "", "the next loop that needs you, from anywhere", |args| {
        none(args, Action::Inbox(InboxAction::NextNeeded))
    }),
    command("quiet", &[], "", "also what was acknowledged or sleeps, or not any more", |args| {
        none(args, Action::Inbox(InboxAction::Quiet))
    }),
    command("link", &[], "", "copy what leads others to the item", |args| {
        none(args, Action::Inbox(InboxAction::Link))
    }),
    command("claim", &[], "[REASON]", "take care of items; with a reason also others'", |args| {
        mark(Act::Claim { reason: words(args) })
    }),
    command("unclaim", &[], "[REASON]", "give that up", |args| {
        mark(Act::Unclaim { reason: words(args) })
    }),
    command("acknowledge", &["ack"], "[NOTE]", "items are seen: quiet while they are so", |args| {
        mark(Act::Acknowledge { note: words(args) })
    }),
    command("note", &[], "", "acknowledge items with a note for the others", |args| {
        none(args, Action::Inbox(InboxAction::Ask(Asking::Note)))
    }),
    command("snooze", &[], "[TIME [NOTE]]", "items are quiet for 2h, say, or until 08:00", snooze),
    command("unsnooze", &[], "[NOTE]", "items that sleep are back", |args| {
        mark(Act::Unsnooze { note: words(args) })
    }),
];

fn mark(act: Act) -> Result<Action, String> {
    Ok(Action::Inbox(InboxAction::Mark(act)))
}

fn words(args: &str) -> Option<String> {
    (!args.is_empty()).then(|| args.to_owned())
}

fn snooze(args: &str) -> Result<Action, String> {
    if args.is_empty() {
        return Ok(Action::Inbox(InboxAction::Ask(Asking::Until)));
    }
    let (time, note) = args.split_once(char::is_whitespace).unwrap_or((args, ""));
    mark(Act::Snooze { until: Until::parse(time)?, note: words(note.trim()) })
}
