//! `smithctl config get-contexts`.

use crate::app::App;
use crate::error::{Error, Exit};
use crate::output::{Shown, Table};
use crate::settings;

/// The arguments.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

/// Runs it.
pub(crate) fn run(app: &App, args: Args) -> Result<Exit, Error> {
    let Args {} = args;
    let known = app.contexts()?;
    let current = settings::context_name(&app.flags, &app.env, &known);
    let mut table = Table::new(&["NAME", "IN USE", "SERVER", "PROJECT", "TOKEN"]);
    for (name, context) in &known.contexts {
        let in_use = if current.as_ref() == Some(name) { "*" } else { "" };
        let token = match (&context.token_file, &context.token) {
            (Some(file), _) => format!("in {file}"),
            (None, Some(_)) => "kept here".into(),
            (None, None) => "none".into(),
        };
        let project = context.project.clone().unwrap_or_default();
        table.row([name.clone(), in_use.into(), context.server.clone(), project, token]);
    }
    if known.contexts.is_empty() && app.ui.format.is_human() {
        app.ui.note("no contexts; smithd writes one for itself when it starts");
        return Ok(Exit::Done);
    }
    let names = known.contexts.keys().cloned().collect();
    app.ui.show(&Shown { value: super::view::hidden(&known), names, human: table.text() })?;
    Ok(Exit::Done)
}
