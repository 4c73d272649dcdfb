//! `smithctl inbox`.

pub(crate) mod list;
pub(crate) mod mark;

use clap::Subcommand;

use crate::app::App;
use crate::error::{Error, Exit};

/// The arguments.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(flatten)]
    list: list::Args,
    #[command(subcommand)]
    act: Option<Command>,
}

/// What to mark items with.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Take care of items, so that nobody else does.
    Claim(mark::ClaimArgs),
    /// Give that up.
    Unclaim(mark::ClaimArgs),
    /// Say that you have seen items: they are quiet for as long as they are so.
    #[command(visible_alias = "acknowledge")]
    Ack(mark::NoteArgs),
    /// Make items quiet for a while.
    Snooze(mark::SnoozeArgs),
    /// Have snoozed items back.
    Unsnooze(mark::NoteArgs),
}

/// Runs it.
pub(crate) async fn run(app: &App, args: Args) -> Result<Exit, Error> {
    let Args { list, act } = args;
    match act {
        None => list::run(app, list).await,
        Some(Command::Claim(args)) => mark::claim(app, args).await,
        Some(Command::Unclaim(args)) => mark::unclaim(app, args).await,
        Some(Command::Ack(args)) => mark::acknowledge(app, args).await,
        Some(Command::Snooze(args)) => mark::snooze(app, args).await,
        Some(Command::Unsnooze(args)) => mark::unsnooze(app, args).await,
    }
}
