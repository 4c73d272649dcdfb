//! `smithctl loop override` (the word itself is reserved).

use clap::ValueEnum;
use smith_model::api::{LoopItem, OverrideRequest, TargetState};
use smith_model::id::LoopId;

use crate::app::App;
use crate::error::{Error, Exit};

/// The arguments.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The loops.
    #[arg(required = true, value_name = "ID")]
    ids: Vec<LoopId>,
    /// Where they shall go.
    #[arg(long, value_name = "STATE")]
    to: To,
    /// Why; it goes into the loop's journal and the audit.
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// The states that a person can declare.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum To {
    /// Accept it as done.
    Synced,
    /// Give it up.
    Flatline,
    /// Stop it.
    Cancelled,
    /// Another round, from the newest checkpoint.
    Unresolved,
}

/// Runs it.
pub(crate) async fn run(app: &App, args: Args) -> Result<Exit, Error> {
    let Args { ids, to, reason } = args;
    let target_state = match to {
        To::Synced => TargetState::Synced,
        To::Flatline => TargetState::Flatline,
        To::Cancelled => TargetState::Cancelled,
        To::Unresolved => TargetState::Unresolved,
    };
    let client = app.client()?;
    let act = async |id: &LoopId| {
        let request = OverrideRequest { loop_id: id.clone(), target_state, reason: reason.clone() };
        app.ask(&client, id, client.override_loop(&request, None)).await
    };
    let human = |done: &[LoopItem]| {
        let lines =
            done.iter().map(|item| format!("{} is {}", item.record.loop_id, item.record.state));
        lines.collect::<Vec<_>>().join("\n")
    };
    app.each(&ids, act, human).await
}
