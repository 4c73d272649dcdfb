//! `smith`, the operator's workstation.

use std::process::ExitCode;

use smith_tui::{args, run, settings};

fn main() -> anyhow::Result<ExitCode> {
    let args = match args::parse(std::env::args_os()) {
        Ok(args) => args,
        Err(code) => return Ok(code),
    };
    Ok(run::main(args, settings::Env::of_process())?)
}
