//! `smithctl prd template`.

use smith_model::prd::{Format, Kind, template};

use crate::app::App;
use crate::error::{Error, Exit};

/// The arguments.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What kind of work: default, feature or bugfix.
    #[arg(value_name = "KIND", default_value = "default")]
    kind: Kind,
    /// json or markdown.
    #[arg(long, value_name = "FORMAT", default_value = "markdown")]
    format: Format,
}

/// Runs it.
pub(crate) fn run(app: &App, args: Args) -> Result<Exit, Error> {
    let Args { kind, format } = args;
    let prd = template(kind);
    let text = match format {
        Format::Json => prd.canonical_json(),
        Format::Markdown => prd.to_markdown(),
    };
    app.ui.print(&text)?;
    Ok(Exit::Done)
}
