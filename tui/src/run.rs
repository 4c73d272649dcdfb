//! Drives a [`State`](crate::state::State): what happens outside becomes messages, effects are carried out, frames are drawn and written.
//!
//! One task owns the state. What it draws goes to a thread that writes it, so that a slow terminal holds up frames and
//! nothing else: while one is being written no other is drawn.

mod acts;
mod connect;
mod editor;
mod fetches;
mod files;
mod finds;
mod host;
mod input;
mod journal;
mod marks;
mod owner;
mod paint;
mod player;
mod private;
mod probe;
mod recorder;
mod save;
mod signals;
mod smithd;
mod sources;
mod terminals;
mod turns;
mod views;
mod window;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use smith_model::context::NoChoice;

use crate::args::Args;
use crate::replay;
use crate::settings::{self, Env};
use owner::own;

/// What ends the program with an error.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is nobody to speak to.
    #[error(transparent)]
    Settings(#[from] settings::Error),
    /// Standard input or output isn't a terminal.
    #[error("standard input and output must be a terminal; for scripts there is smithctl")]
    NotATerminal,
    /// The terminal can't be used.
    #[error("can't use the terminal")]
    Terminal(#[source] io::Error),
    /// A task panicked, and said so.
    #[error("a part of smith failed in a way that it shouldn't: see above")]
    Panicked,
    /// The async runtime can't be started.
    #[error("can't start the async runtime")]
    Runtime(#[source] io::Error),
    /// A recording can't be written.
    #[error("can't record to {path}")]
    Record {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A recording can't be shown.
    #[error("can't show {path}")]
    Replay {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: replay::Error,
    },
    /// Signals can't be listened for.
    #[error("can't listen for signals")]
    Signals(#[source] io::Error),
}

/// Runs the workstation until its person leaves it.
pub fn main(args: Args, env: Env) -> Result<ExitCode, Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(Error::Runtime)?;
    let ended = match &args.replay {
        Some(path) => runtime.block_on(player::play(path)),
        None => match settings::target(&settings::Asked::from(&args), &env) {
            Ok(target) => runtime.block_on(own(&args, env, Some(target))),
            // Whoever comes here for the first time is asked what to do about it.
            Err(settings::Error::Choice(NoChoice::NoServer)) => {
                runtime.block_on(own(&args, env, None))
            }
            Err(error) => Err(error.into()),
        },
    };
    // A read of the keyboard may still be blocked; nothing waits for it.
    runtime.shutdown_background();
    ended.map(|()| ExitCode::SUCCESS)
}

async fn sleep_until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}
