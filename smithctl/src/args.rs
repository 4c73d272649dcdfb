//! The command line as given (the low arguments); [`crate::settings`] makes sense of it.

pub(crate) mod reference;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory as _, Parser, Subcommand};
use smith_model::id::ProjectName;

use crate::commands::{self, audit, completion, config, inbox, loops, prd, recording, token};
use crate::output::Format;

/// Command line of Smith: asks for autonomous coding loops, watches them, and acts on them.
///
/// The server, token and project come from flags, else from the environment (SMITH_API_URL,
/// SMITH_OPERATOR_TOKEN, SMITH_CONTEXT), else from the context in use in
/// $XDG_CONFIG_HOME/smith/config.json. smithd writes the context `local` there by itself.
///
/// Exit codes: 0 done; 1 the server or an item said no; 2 the command line is wrong; 3 `wait` (and
/// `create --wait`) saw another end than the one waited for; 130 interrupted; 141 the reader of the output
/// went away. `exec` ends with the code of what it ran.
#[derive(Debug, Parser)]
#[command(name = "smithctl", version, subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) flags: Flags,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags that every command takes, anywhere on the line.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Flags {
    /// The server's address, such as https://smith.example.org.
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) server: Option<String>,
    /// The context to take server, token and project from.
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) context: Option<String>,
    /// The project; that of the context where none is named.
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) project: Option<ProjectName>,
    /// What to print: table, wide, json, yaml, name (ids only) or jsonpath=EXPR.
    ///
    /// JSON and YAML are the API's objects as they are; several of them are {"items": […]}. EXPR is a
    /// JSONPath of RFC 9535, or kubectl's form {.items[*].loop_id}; each match is printed on a line.
    #[arg(short, long, global = true, value_name = "FORMAT", default_value = "table")]
    pub(crate) output: Format,
    /// A file that holds the token. There is no flag for the token itself: others could read it in the
    /// process list.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Ask for loops, look at them, act on them.
    #[command(subcommand)]
    Loop(loops::Command),
    /// Where you are needed: loops that wait for a person or went wrong, the worst first.
    ///
    /// Without a command it lists them. Marks are for everybody, and for what is so now: a loop that goes on
    /// and gets stuck again stands here anew.
    Inbox(inbox::Args),
    /// Check and submit PRDs.
    #[command(subcommand)]
    Prd(prd::Command),
    /// Watch what a loop's agent is doing, in its own terminal, and type there.
    ///
    /// It only watches, unless --write is given: then the keyboard is taken if nobody has it. Ctrl-] makes
    /// the next key a command: d leaves, t takes the keyboard, s takes it from whoever has it (with a
    /// reason), r hands it back (with a note for the next agent), and Ctrl-] sends Ctrl-].
    Attach(commands::attach::Args),
    /// Run a command in a loop's workspace.
    ///
    /// The exit code is the command's own; 1 also where it could not be run, 124 where its time was up.
    Exec(commands::exec::Args),
    /// What was recorded of workers' terminals.
    #[command(subcommand)]
    Recording(recording::Command),
    /// Who did what.
    Audit(audit::Args),
    /// Where the server is: contexts.
    #[command(subcommand)]
    Config(config::Command),
    /// API tokens.
    #[command(subcommand)]
    Token(token::Command),
    /// Whose token this is, and what it may do.
    Whoami(commands::whoami::Args),
    /// The versions of smithctl and of the server.
    Version(commands::version::Args),
    /// A completion script for a shell.
    Completion(completion::Args),
    /// The reference of all commands as Markdown (docs/cli.md).
    #[command(hide = true)]
    Reference,
}

/// Reads the command line; what isn't one is told, with its exit code.
pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Cli, ExitCode> {
    let args: Vec<_> = args.into_iter().collect();
    if args.len() <= 1 {
        // Asking for nothing is no mistake.
        let printed = Cli::command().print_help();
        return Err(if printed.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(1) });
    }
    Cli::try_parse_from(args).map_err(|error| {
        let printed = error.print();
        match (error.use_stderr(), printed) {
            (true, _) => ExitCode::from(2),
            (false, Ok(())) => ExitCode::SUCCESS,
            (false, Err(_)) => ExitCode::from(1),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split_whitespace())
    }

    #[test]
    fn the_definition_holds_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn flags_stand_anywhere_on_the_line() {
        for line in [
            "smithctl -o json --server http://h loop cancel a b --reason why",
            "smithctl loop -o json cancel a --server http://h --reason why b",
            "smithctl loop cancel a b --reason why -o json --server=http://h",
        ] {
            let cli = read(line).unwrap();
            assert_eq!(cli.flags.server.as_deref(), Some("http://h"), "{line}");
            assert_eq!(cli.flags.output, Format::Json, "{line}");
            let Command::Loop(loops::Command::Cancel(args)) = cli.command else { panic!("{line}") };
            assert_eq!(args.ids.len(), 2, "{line}");
            assert_eq!(args.reason.as_deref(), Some("why"), "{line}");
        }
    }

    #[test]
    fn a_mistyped_command_is_told_its_neighbour() {
        let error = read("smithctl loop cancle a").unwrap_err().to_string();
        assert!(error.contains("'cancel'"), "{error}");
        let error = read("smithctl loop list --staet synced").unwrap_err().to_string();
        assert!(error.contains("'--state'"), "{error}");
    }

    #[test]
    fn what_is_no_id_or_format_is_refused_with_the_rule() {
        let error = read("smithctl loop get Not/An/Id").unwrap_err().to_string();
        assert!(error.contains("1 to 40 characters"), "{error}");
        let error = read("smithctl loop list -o xml").unwrap_err().to_string();
        assert!(error.contains("jsonpath="), "{error}");
    }
}
