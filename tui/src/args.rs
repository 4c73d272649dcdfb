//! The command line of `smith`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

/// The workstation of Smith: watches the fleet live, attaches to workers, acts on loops.
///
/// The server and token come from flags, else from the environment (SMITH_API_URL, SMITH_OPERATOR_TOKEN,
/// SMITH_CONTEXT), else from the context in use in $XDG_CONFIG_HOME/smith/config.json. smithd writes the
/// context `local` there by itself.
#[derive(Debug, Parser)]
#[command(name = "smith", version)]
pub struct Args {
    /// The API's address
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
    /// The context to use
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
    /// A file that holds the token
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// Change nothing: every act is refused here
    #[arg(long)]
    pub read_only: bool,
    /// Write everything that happens to a new file, for a bug report; keys typed into workers' terminals aren't in it, but
    /// what journals that were looked at say of them is
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Show such a file again: space pauses, right skips a wait, q leaves
    #[arg(long, value_name = "FILE", conflicts_with_all = ["server", "context", "token_file", "read_only", "record"])]
    pub replay: Option<PathBuf>,
}

/// Reads the command line; help, the version and mistakes are answered already.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Args, ExitCode> {
    Args::try_parse_from(args).map_err(|error| {
        // Nobody is left to tell where even this can't be written.
        let _ = error.print();
        ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
    })
}
