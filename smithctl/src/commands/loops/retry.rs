//! `smithctl loop retry`.

use smith_model::api::{LoopItem, RetryRequest};
use smith_model::id::LoopId;
use smith_model::state::RetryFrom;

use crate::app::App;
use crate::error::{Error, Exit};

/// The arguments.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The loops.
    #[arg(required = true, value_name = "ID")]
    ids: Vec<LoopId>,
    /// Begin at the base again, instead of at the newest checkpoint with what is certified; a synced loop
    /// can only be retried so.
    #[arg(long)]
    fresh: bool,
    /// Why; it goes into the loop's journal and the audit.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Runs it.
pub(crate) async fn run(app: &App, args: Args) -> Result<Exit, Error> {
    let Args { ids, fresh, reason } = args;
    let reason = reason.unwrap_or_else(|| "smithctl loop retry".into());
    let from = if fresh { RetryFrom::Fresh } else { RetryFrom::Checkpoint };
    let request = RetryRequest { reason, from };
    let client = app.client()?;
    let act = async |id: &LoopId| app.ask(&client, id, client.retry_loop(id, &request, None)).await;
    let human = |done: &[LoopItem]| {
        let lines = done.iter().map(|item| {
            format!(
                "{} begins round {} ({})",
                item.record.loop_id, item.record.round, item.record.state
            )
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    app.each(&ids, act, human).await
}
