//! `smithctl loop`.

pub(crate) mod act;
pub(crate) mod cancel;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod hold;
pub(crate) mod list;
pub(crate) mod logs;
pub(crate) mod overrule;
pub(crate) mod release;
pub(crate) mod retry;
pub(crate) mod trace;
pub(crate) mod wait;
pub(crate) mod why;

use clap::Subcommand;

use crate::app::App;
use crate::error::{Error, Exit};

/// What to do with loops.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Ask for a loop, or for several from a file.
    Create(Box<create::Args>),
    /// List loops, or watch them change.
    #[command(visible_alias = "ls")]
    List(list::Args),
    /// Show loops: where they stand, why, what is done on what evidence, what comes next.
    Get(get::Args),
    /// Print what loops say, or follow it.
    Logs(logs::Args),
    /// Print everything that is known of loops.
    Trace(trace::Args),
    /// Stop loops; every process of their agents is ended.
    Cancel(act::Args),
    /// Begin another round of loops that have ended.
    Retry(retry::Args),
    /// Hold loops: one that waits isn't started, one that runs pauses before its next iteration.
    Hold(act::Args),
    /// Let held loops go on.
    Release(act::Args),
    /// Change the state of loops by your word.
    Override(overrule::Args),
    /// Forget loops that have ended. Their branches stay, their ids are never used again.
    #[command(visible_alias = "rm")]
    Delete(delete::Args),
    /// Say what loops that don't run wait for.
    Why(why::Args),
    /// Wait until loops get to a state; exit code 3 if they end elsewhere, or not in time.
    Wait(wait::Args),
}

/// Runs it.
pub(crate) async fn run(app: &App, command: Command) -> Result<Exit, Error> {
    match command {
        Command::Create(args) => create::run(app, *args).await,
        Command::List(args) => list::run(app, args).await,
        Command::Get(args) => get::run(app, args).await,
        Command::Logs(args) => logs::run(app, args).await,
        Command::Trace(args) => trace::run(app, args).await,
        Command::Cancel(args) => cancel::run(app, args).await,
        Command::Retry(args) => retry::run(app, args).await,
        Command::Hold(args) => hold::run(app, args).await,
        Command::Release(args) => release::run(app, args).await,
        Command::Override(args) => overrule::run(app, args).await,
        Command::Delete(args) => delete::run(app, args).await,
        Command::Why(args) => why::run(app, args).await,
        Command::Wait(args) => wait::run(app, args).await,
    }
}
