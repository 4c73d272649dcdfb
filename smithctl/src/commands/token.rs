//! `smithctl token`.

pub(crate) mod create;
pub(crate) mod list;
pub(crate) mod revoke;

use clap::Subcommand;

use crate::app::App;
use crate::error::{Error, Exit};

/// What to do with tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a token. It is printed once, and never shown again.
    Create(create::Args),
    /// List the tokens that are good.
    List(list::Args),
    /// End tokens, with the streams that they opened.
    Revoke(revoke::Args),
}

/// Runs it.
pub(crate) async fn run(app: &App, command: Command) -> Result<Exit, Error> {
    match command {
        Command::Create(args) => create::run(app, args).await,
        Command::List(args) => list::run(app, args).await,
        Command::Revoke(args) => revoke::run(app, args).await,
    }
}
