//! `smithctl prd`.

pub(crate) mod submit;
pub(crate) mod template;
pub(crate) mod validate;

use clap::Subcommand;
use smith_model::prd::{Diagnostic, Format, Prd, Report, format_of};

use crate::app::App;
use crate::error::{Error, Exit};
use crate::{input, show};

/// What to do with PRDs.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check a PRD on this machine; exit code 1 if it has errors.
    Validate(validate::Args),
    /// Ask for one loop that works through a PRD, or for one loop a story.
    Submit(Box<submit::Args>),
    /// Print a PRD to begin with.
    Template(template::Args),
}

/// Runs it.
pub(crate) async fn run(app: &App, command: Command) -> Result<Exit, Error> {
    match command {
        Command::Validate(args) => validate::run(app, args).await,
        Command::Submit(args) => submit::run(app, *args).await,
        Command::Template(args) => template::run(app, args),
    }
}

/// A PRD of a file; its warnings are told, and its errors are the command's.
pub(crate) async fn read(app: &App, name: &str, format: Option<Format>) -> Result<Prd, Error> {
    let text = input::text(name).await?;
    let format = format.unwrap_or_else(|| format_of(Some(name), &text));
    match Prd::from_text(format, &text) {
        Ok((prd, report)) => {
            for warning in &report.warnings {
                app.ui.note(&format!("warning: {name}: {}", told(warning)));
            }
            Ok(prd)
        }
        Err(report) => Err(refused(name, &report)),
    }
}

fn refused(name: &str, report: &Report) -> Error {
    let n = report.errors.len() + report.omitted as usize;
    let mut error =
        Error::failed(format!("{name} isn't a PRD that can be worked on ({n} problems)"));
    for diagnostic in &report.errors {
        error = error.hint(told(diagnostic));
    }
    error
}

/// A diagnostic on one line.
fn told(diagnostic: &Diagnostic) -> String {
    show::line(&diagnostic.to_string())
}
