//! `smithctl config use-context`.

use crate::app::App;
use crate::error::{Error, Exit};
use crate::settings;

/// The arguments.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The context.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
}

/// Runs it.
pub(crate) fn run(app: &App, args: Args) -> Result<Exit, Error> {
    let Args { name } = args;
    super::change(app, |known| {
        if !known.contexts.contains_key(&name) {
            return Err(settings::unknown_context(&name, known));
        }
        known.current_context = Some(name.clone());
        Ok(())
    })?;
    app.ui.note(&format!("context {name} is in use"));
    Ok(Exit::Done)
}
