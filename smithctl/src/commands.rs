//! The commands, one file each.

pub(crate) mod attach;
pub(crate) mod audit;
pub(crate) mod completion;
pub(crate) mod config;
pub(crate) mod exec;
pub(crate) mod inbox;
pub(crate) mod loops;
pub(crate) mod prd;
pub(crate) mod recording;
pub(crate) mod token;
pub(crate) mod version;
pub(crate) mod whoami;
pub(crate) mod work;

use crate::app::App;
use crate::args::Command;
use crate::error::{Error, Exit};

/// Runs the command that was asked for.
pub(crate) async fn run(app: &App, command: Command) -> Result<Exit, Error> {
    match command {
        Command::Loop(command) => loops::run(app, command).await,
        Command::Inbox(args) => inbox::run(app, args).await,
        Command::Prd(command) => prd::run(app, command).await,
        Command::Attach(args) => attach::run(app, args).await,
        Command::Exec(args) => exec::run(app, args).await,
        Command::Recording(command) => recording::run(app, command).await,
        Command::Audit(args) => audit::run(app, args).await,
        Command::Config(command) => config::run(app, command).await,
        Command::Token(command) => token::run(app, command).await,
        Command::Whoami(args) => whoami::run(app, args).await,
        Command::Version(args) => version::run(app, args).await,
        Command::Completion(args) => completion::run(app, args),
        Command::Reference => app.ui.print(&crate::args::reference::text()).map(|()| Exit::Done),
    }
}
