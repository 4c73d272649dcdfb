//! Commands that act on loops. What follows is the reason.

use crate::action::Action;
use crate::acts::{ActAction, Verb};
use crate::command::{Command, command, none};

/// All of them.
pub(super) const COMMANDS: &[Command] = &[
    command("cancel", &[], "[REASON]", "stop loops", |args| ask(Verb::Cancel, args)),
    command(
        "retry",
        &[],
        "[fresh] [REASON]",
        "another round, from the checkpoint or the base",
        retry,
    ),
    command("hold", &[], "[REASON]", "put a stop sign beside loops", |args| ask(Verb::Hold, args)),
    command("release", &[], "[REASON]", "take the stop sign away", |args| ask(Verb::Release, args)),
    command("hold-or-release", &[], "", "hold loops, or release those that are held", |args| {
        none(args, Action::Act(ActAction::ToggleHold))
    }),
    command("flatline", &[], "[REASON]", "give loops up", |args| ask(Verb::Flatline, args)),
    command("accept", &[], "[REASON]", "declare loops done", |args| ask(Verb::Accept, args)),
    command("delete", &[], "[REASON]", "forget loops that have ended", |args| {
        ask(Verb::Delete, args)
    }),
    command("acts", &[], "", "what was done from here, and what was refused", |args| {
        none(args, Action::Act(ActAction::History))
    }),
];

fn ask(verb: Verb, reason: &str) -> Result<Action, String> {
    Ok(Action::Act(ActAction::Ask { verb, reason: reason.to_owned() }))
}

fn retry(args: &str) -> Result<Action, String> {
    match args.split_once(char::is_whitespace).unwrap_or((args, "")) {
        ("fresh", reason) => ask(Verb::RetryFresh, reason.trim()),
        _ => ask(Verb::Retry, args),
    }
}
