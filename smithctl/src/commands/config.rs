//! `smithctl config`: the contexts, on this machine only.

pub(crate) mod current_context;
pub(crate) mod delete_context;
pub(crate) mod get_contexts;
pub(crate) mod set_context;
pub(crate) mod use_context;
pub(crate) mod view;

use std::path::Path;

use clap::Subcommand;
use smith_model::context::Contexts;

use crate::app::App;
use crate::contexts;
use crate::error::{Error, Exit};

/// What to do with contexts.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the contexts.
    GetContexts(get_contexts::Args),
    /// Print the name of the context in use.
    CurrentContext(current_context::Args),
    /// Use another context from now on.
    UseContext(use_context::Args),
    /// Make a context, or change one: --server, --project, --token-file, --token-stdin.
    SetContext(set_context::Args),
    /// Forget contexts.
    DeleteContext(delete_context::Args),
    /// Print the contexts, with tokens hidden.
    View(view::Args),
}

/// Runs it.
pub(crate) async fn run(app: &App, command: Command) -> Result<Exit, Error> {
    match command {
        Command::GetContexts(args) => get_contexts::run(app, args),
        Command::CurrentContext(args) => current_context::run(app, args),
        Command::UseContext(args) => use_context::run(app, args),
        Command::SetContext(args) => set_context::run(app, args).await,
        Command::DeleteContext(args) => delete_context::run(app, args),
        Command::View(args) => view::run(app, args),
    }
}

fn path(app: &App) -> Result<&Path, Error> {
    let path = app.env.config_file.as_deref();
    path.ok_or_else(|| Error::usage("no home: set HOME or XDG_CONFIG_HOME to an absolute path"))
}

/// Reads the contexts, lets `change` change them, and writes them.
fn change<T>(
    app: &App,
    change: impl FnOnce(&mut Contexts) -> Result<T, Error>,
) -> Result<T, Error> {
    let path = path(app)?;
    let mut known = contexts::load(path)?;
    let answer = change(&mut known)?;
    contexts::save(path, &known)?;
    Ok(answer)
}

#[cfg(test)]
mod tests;
