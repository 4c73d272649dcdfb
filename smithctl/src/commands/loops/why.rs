//! `smithctl loop why`.

use smith_model::api::Why;
use smith_model::id::LoopId;

use crate::app::App;
use crate::error::{Error, Exit};
use crate::show;

/// The arguments.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The loops.
    #[arg(required = true, value_name = "ID")]
    ids: Vec<LoopId>,
}

/// Runs it.
pub(crate) async fn run(app: &App, args: Args) -> Result<Exit, Error> {
    let Args { ids } = args;
    let client = app.client()?;
    let act = async |id: &LoopId| app.ask(&client, id, client.why(id)).await;
    let human = |done: &[Why]| done.iter().map(sentence).collect::<Vec<_>>().join("\n");
    app.each(&ids, act, human).await
}

fn sentence(why: &Why) -> String {
    let Why { loop_id, state, code, message, until, waits_for, revision: _ } = why;
    let mut text = format!("{loop_id} is {state}: {} ({})", show::line(message), show::word(code));
    if let Some(until) = until {
        text.push_str(&format!(", until {}", show::time(*until)));
    }
    let named: Vec<_> = waits_for.iter().map(ToString::to_string).collect();
    if !named.is_empty() {
        text.push_str(&format!("\n  waits for {}", named.join(", ")));
    }
    text
}
