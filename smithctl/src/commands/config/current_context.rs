//! `smithctl config current-context`.

use crate::app::App;
use crate::error::{Error, Exit};
use crate::output::Shown;
use crate::{settings, show};

/// The arguments.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

/// Runs it.
pub(crate) fn run(app: &App, args: Args) -> Result<Exit, Error> {
    let Args {} = args;
    let known = app.contexts()?;
    let Some(name) = settings::context_name(&app.flags, &app.env, &known) else {
        let error = Error::failed("no context is in use");
        return Err(error.hint("smithctl config use-context NAME"));
    };
    let shown = show::line(&name);
    let value = serde_json::json!({ "current_context": name });
    app.ui.show(&Shown { value, names: vec![shown.clone()], human: shown })?;
    Ok(Exit::Done)
}
