//! `smith-replica`: the worker, and the host that runs its processes.

use smith_replica::{host, run};
use tracing_subscriber::EnvFilter;

mod args;

fn main() -> anyhow::Result<()> {
    match args::parse() {
        args::Command::Run(options) => {
            log();
            let result = run::run(&options.resolve());
            if let Err(error) = &result {
                tracing::error!(error = smith_replica::worker::chain(error), "the worker failed");
            }
            Ok(result?)
        }
        args::Command::Host(host) => {
            let (options, role) = host.resolve();
            Ok(host::run(&options, role)?)
        }
        args::Command::Keep => Ok(host::keep()?),
    }
}

/// To standard error, which the runtime keeps; `SMITH_LOG` says how much.
fn log() {
    let filter = EnvFilter::try_from_env("SMITH_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
}
