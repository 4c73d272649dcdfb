//! `smithctl prd submit`.

use std::path::Path;

use clap::ValueEnum;
use smith_model::api::{PrdAnswer, PrdMode, PrdRequest};
use smith_model::id::LoopId;
use smith_model::prd::Format;

use crate::app::{App, to_value};
use crate::commands::loops::create;
use crate::commands::work::{Wanted, Work};
use crate::error::{Error, Exit};
use crate::git;
use crate::output::Shown;

/// The arguments.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The PRD, in JSON or Markdown; `-` is standard input.
    #[arg(value_name = "FILE")]
    file: String,
    /// json or markdown; guessed from name and text where it isn't given.
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// One loop for all stories, or one loop a story that waits for those it depends on.
    #[arg(long, value_name = "MODE", default_value = "loop")]
    mode: Mode,
    /// Where the PRD came from. The same source and PRD again are the same loops; drawn anew by each
    /// call where none is given.
    #[arg(long, value_name = "TEXT")]
    source_ref: Option<String>,
    /// The loop's name, or the beginning of the loops' names.
    #[arg(long, value_name = "ID")]
    loop_id: Option<LoopId>,
    #[command(flatten)]
    work: Work,
    #[command(flatten)]
    wanted: Wanted,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Mode {
    /// One loop that works through the stories.
    Loop,
    /// One loop a story.
    Stories,
}

/// Runs it.
pub(crate) async fn run(app: &App, args: Args) -> Result<Exit, Error> {
    let Args { file, format, mode, source_ref, loop_id, work, wanted } = args;
    // Checked here first: the report comes without a server, and the request is the canonical form.
    let prd = super::read(app, &file, format).await?;
    let gates = work.gates();
    let Some(repo) = &work.repo else {
        return Err(Error::usage("no repository is named").hint("this one: --repo ."));
    };
    let found = git::find(repo).await?;
    for warning in &found.warnings {
        app.ui.note(&format!("warning: {warning}"));
    }
    let drawn = source_ref.is_none();
    let source_ref = source_ref.unwrap_or_else(|| fresh_source(&file));
    let request = PrdRequest {
        format: Some(smith_model::api::PrdFormat::Json),
        prd: Some(to_value(&prd)),
        mode: match mode {
            Mode::Loop => PrdMode::Loop,
            Mode::Stories => PrdMode::Stories,
        },
        source_ref: Some(source_ref.clone()),
        loop_id: loop_id.map(String::from),
        project: app.project()?,
        repository: Some(found.repository),
        reference: work.reference,
        model: work.model,
        command: work.agent,
        gates,
        policy: wanted.policy(),
        priority: wanted.priority,
        labels: wanted.labels(),
        ..PrdRequest::default()
    };
    let answer = app.client()?.submit_prd(&request).await?;
    let PrdAnswer { batch, report: _ } = &answer;
    let exit = if batch.refused > 0 { Exit::Failed } else { Exit::Done };
    let (names, human) = (create::names(batch), create::batch(batch));
    app.ui.show(&Shown { value: to_value(&answer), names, human })?;
    if drawn && app.ui.format.is_human() {
        app.ui.note(&format!("source: {source_ref}"));
    }
    Ok(exit)
}

/// The file's name, and what no other call has.
fn fresh_source(file: &str) -> String {
    let name =
        Path::new(file).file_stem().and_then(|name| name.to_str()).filter(|name| *name != "-");
    let name: String = name.unwrap_or("prd").chars().filter(|c| !c.is_control()).take(80).collect();
    format!("{name}#{}", uuid::Uuid::new_v4())
}
