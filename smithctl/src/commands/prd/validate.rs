//! `smithctl prd validate`.

use smith_model::prd::{Diagnostic, Format, Prd, Report, format_of};

use crate::app::{App, to_value};
use crate::error::{Error, Exit};
use crate::input;
use crate::output::Shown;
use crate::show::{self, Style};

/// The arguments.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The PRD; `-` is standard input.
    #[arg(value_name = "FILE")]
    file: String,
    /// json or markdown; guessed from name and text where it isn't given.
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
}

/// Runs it.
pub(crate) async fn run(app: &App, args: Args) -> Result<Exit, Error> {
    let Args { file, format } = args;
    let text = input::text(&file).await?;
    let format = format.unwrap_or_else(|| format_of(Some(&file), &text));
    let (report, exit) = match Prd::from_text(format, &text) {
        Ok((_, report)) => (report, Exit::Done),
        Err(report) => (report, Exit::Failed),
    };
    let human = text_of(&file, &report, app.ui.style);
    let names = if exit == Exit::Done { vec![file] } else { vec![] };
    app.ui.show(&Shown { value: to_value(&report), names, human })?;
    Ok(exit)
}

fn text_of(file: &str, report: &Report, style: Style) -> String {
    let mut lines = vec![];
    for diagnostic in &report.errors {
        lines.push(format!("{} {}", style.bad("error:"), one(diagnostic)));
    }
    for diagnostic in &report.warnings {
        lines.push(format!("warning: {}", one(diagnostic)));
    }
    if report.omitted > 0 {
        lines.push(format!("({} more are not shown)", report.omitted));
    }
    let (errors, warnings) = (report.errors.len(), report.warnings.len());
    let verdict = if report.valid { "valid" } else { "not valid" };
    lines.push(format!("{}: {verdict}, {errors} errors, {warnings} warnings", show::line(file)));
    lines.join("\n")
}

/// Where, what, its code; below it the way out.
fn one(diagnostic: &Diagnostic) -> String {
    let Diagnostic { code, path, line, column, story_id, message, suggestion } = diagnostic;
    let mut text = String::new();
    if let Some(line) = line {
        text.push_str(&format!("line {line}"));
        if let Some(column) = column {
            text.push_str(&format!(", column {column}"));
        }
        text.push_str(": ");
    }
    text.push_str(&show::line(path));
    if let Some(story) = story_id {
        text.push_str(&format!(" ({})", show::line(story)));
    }
    text.push_str(&format!(": {} [{code}]", show::line(message)));
    if let Some(suggestion) = suggestion {
        text.push_str(&format!("\n  hint: {}", show::line(suggestion)));
    }
    text
}
