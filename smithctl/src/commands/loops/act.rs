//! What holding, releasing and cancelling loops have in common: several at once, for a reason, told in a line each.

use smith_client::Client;
use smith_model::api::LoopItem;
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

impl Args {
    /// The reason given, else the command itself.
    pub(crate) fn reason(&self, command: &str) -> String {
        self.reason.clone().unwrap_or_else(|| format!("smithctl loop {command}"))
    }
}

/// Does `act` to each of the loops; `done` is the word for it.
pub(crate) async fn run(
    app: &App,
    client: &Client,
    args: &Args,
    done: &str,
    act: impl AsyncFn(&LoopId) -> Result<LoopItem, smith_client::Error>,
) -> Result<Exit, Error> {
    let act = async |id: &LoopId| app.ask(client, id, act(id)).await;
    let human = |items: &[LoopItem]| {
        let line =
            |item: &LoopItem| format!("{} {done} ({})", item.record.loop_id, item.record.state);
        items.iter().map(line).collect::<Vec<_>>().join("\n")
    };
    app.each(&args.ids, act, human).await
}
