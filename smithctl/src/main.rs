//! `smithctl`, the scriptable side of Smith: one command, one answer, one exit code.

// Doc comments of arguments are help texts: they are read on a terminal, not as Markdown.
#![allow(rustdoc::broken_intra_doc_links, rustdoc::bare_urls, rustdoc::invalid_html_tags)]

mod app;
mod args;
mod attached;
mod commands;
mod contexts;
mod error;
mod follow;
mod git;
mod input;
mod output;
mod playback;
mod seen;
mod settings;
mod show;
mod suggest;
mod ui;

use std::process::ExitCode;

use anyhow::Context as _;

fn main() -> anyhow::Result<ExitCode> {
    let cli = match args::parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(code) => return Ok(code),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("can't start the async runtime")?;
    let code = runtime.block_on(app::run(cli, settings::Env::of_process()));
    // A thread may still be blocked in a read of standard input; nothing waits for it.
    runtime.shutdown_background();
    Ok(code)
}
