//! `smithctl config delete-context`.

use crate::app::App;
use crate::error::{Error, Exit};
use crate::settings;

/// The arguments.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The contexts.
    #[arg(required = true, value_name = "NAME")]
    pub(crate) names: Vec<String>,
}

/// Runs it.
pub(crate) fn run(app: &App, args: Args) -> Result<Exit, Error> {
    let Args { names } = args;
    super::change(app, |known| {
        for name in &names {
            if known.contexts.remove(name).is_none() {
                return Err(settings::unknown_context(name, known));
            }
            if known.current_context.as_deref() == Some(name) {
                known.current_context = None;
            }
        }
        Ok(())
    })?;
    for name in &names {
        app.ui.note(&format!("context {name} is deleted"));
    }
    Ok(Exit::Done)
}
