//! The command line of `smith-replica`.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use smith_model::duration::Span;
use smith_replica::{host, run};

/// Runs one loop's work: the worker of Smith.
#[derive(Debug, Parser)]
#[command(name = "smith-replica", version)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

/// Reads the command line; ends the process on a usage error.
pub(crate) fn parse() -> Command {
    Args::parse().command
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run one attempt; a runtime does this, with a launch on standard input.
    Run(RunArgs),
    /// Run agents, gates and shells for a replica, and end them when it is gone.
    Host(HostArgs),
    /// Keep the processes of one start; a host does this itself.
    #[command(hide = true)]
    Keep,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RunArgs {
    /// The worker's directory, which holds nothing of another attempt.
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// End all processes when the API was away for so long.
    #[arg(long, value_name = "TIME", default_value = "15m")]
    api_patience: Span,
    /// Hide this directory from agents and gates, where the kernel allows it. May be given again.
    #[arg(long, value_name = "DIR")]
    hide: Vec<PathBuf>,
}

impl RunArgs {
    pub(crate) fn resolve(self) -> run::Options {
        let Self { dir, api_patience, hide } = self;
        run::Options { dir, api_patience: api_patience.std(), hidden: hide }
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct HostArgs {
    /// The unix socket on which the replica listens.
    #[arg(long, value_name = "PATH")]
    socket: PathBuf,
    /// The directory in which commands run.
    #[arg(long, value_name = "DIR")]
    workspace: PathBuf,
    /// Hide this directory from what is started.
    #[arg(long, hide = true, value_name = "DIR")]
    hide: Vec<PathBuf>,
    /// Which part of the host this process plays.
    #[arg(long, hide = true, default_value = host::Role::Direct.name(), value_parser = role)]
    role: host::Role,
}

impl HostArgs {
    pub(crate) fn resolve(self) -> (host::Options, host::Role) {
        let Self { socket, workspace, hide, role } = self;
        (host::Options { socket, workspace, hidden: hide }, role)
    }
}

fn role(name: &str) -> Result<host::Role, String> {
    host::Role::ALL
        .into_iter()
        .find(|role| role.name() == name)
        .ok_or_else(|| format!("there is no role '{name}'"))
}
