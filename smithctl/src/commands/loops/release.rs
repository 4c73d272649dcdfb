//! `smithctl loop release`.

use smith_model::api::ReasonRequest;
use smith_model::id::LoopId;

use crate::app::App;
use crate::error::{Error, Exit};

/// The arguments.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The loops.
    #[arg(required = true, value_name = "ID")]
    pub(crate) ids: Vec<LoopId>,
    /// Why; it goes into the loop's journal and the audit.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
}

/// Runs it.
pub(crate) async fn run(app: &App, args: Args) -> Result<Exit, Error> {
    let Args { ids, reason } = args;
    let reason = reason.unwrap_or_else(|| "smithctl loop release".into());
    let client = app.client()?;
    let act = async |id: &LoopId| {
        let request = ReasonRequest { reason: reason.clone() };
        app.ask(&client, id, client.release_loop(id, &request, None)).await
    };
    let human = |done: &[smith_model::api::LoopItem]| {
        let lines = done
            .iter()
            .map(|item| format!("{} released ({})", item.record.loop_id, item.record.state));
        lines.collect::<Vec<_>>().join("\n")
    };
    app.each(&ids, act, human).await
}
