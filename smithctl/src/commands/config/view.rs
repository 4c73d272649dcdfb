//! `smithctl config view`.

use serde_json::Value;
use smith_model::context::Contexts;

use crate::app::{App, to_value};
use crate::error::{Error, Exit};
use crate::output::{self, Format, Shown};

/// The arguments.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

/// Runs it.
pub(crate) fn run(app: &App, args: Args) -> Result<Exit, Error> {
    let Args {} = args;
    let known = app.contexts()?;
    let value = hidden(&known);
    if let (Some(path), true) = (&app.env.config_file, app.ui.format.is_human()) {
        app.ui.note(&format!("# {}", path.display()));
    }
    let names = known.contexts.keys().cloned().collect();
    // People read the file's shape best in YAML.
    let shown = Shown { value, names, human: String::new() };
    let human = output::render(&Format::Yaml, &shown)?;
    app.ui.show(&Shown { human, ..shown })?;
    Ok(Exit::Done)
}

/// The contexts without their tokens.
pub(super) fn hidden(known: &Contexts) -> Value {
    let mut known = known.clone();
    for context in known.contexts.values_mut() {
        if context.token.is_some() {
            context.token = Some("(hidden)".into());
        }
    }
    to_value(&known)
}
