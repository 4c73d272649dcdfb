//! `smithctl completion`.

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::app::App;
use crate::args::Cli;
use crate::error::{Error, Exit};

/// The arguments.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The shell; for bash: source <(smithctl completion bash).
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// Runs it.
pub(crate) fn run(app: &App, args: Args) -> Result<Exit, Error> {
    let Args { shell } = args;
    let mut script = vec![];
    clap_complete::generate(shell, &mut Cli::command(), "smithctl", &mut script);
    app.ui.print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}
