//! `smithctl loop delete`.

use smith_model::id::LoopId;

use crate::app::App;
use crate::error::{Error, Exit};

/// The arguments.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The loops.
    #[arg(required = true, value_name = "ID")]
    ids: Vec<LoopId>,
    /// Why; it goes into the audit.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// What is printed of a deletion, which the API answers with nothing.
#[derive(Debug, serde::Serialize)]
struct Deleted {
    loop_id: LoopId,
    deleted: bool,
}

/// Runs it.
pub(crate) async fn run(app: &App, args: Args) -> Result<Exit, Error> {
    let Args { ids, reason } = args;
    let reason = reason.unwrap_or_else(|| "smithctl loop delete".into());
    let client = app.client()?;
    let act = async |id: &LoopId| {
        app.ask(&client, id, client.delete_loop(id, &reason, None)).await?;
        Ok(Deleted { loop_id: id.clone(), deleted: true })
    };
    let human = |done: &[Deleted]| {
        let lines = done.iter().map(|deleted| format!("{} deleted", deleted.loop_id));
        lines.collect::<Vec<_>>().join("\n")
    };
    app.each(&ids, act, human).await
}
