//! `smithctl loop get`.

use smith_client::{Client, Error as ClientError};
use smith_model::api::LoopDetail;
use smith_model::id::LoopId;

use crate::app::App;
use crate::error::{Error, Exit};
use crate::output::Format;
use crate::show::{self, Depth, Detail};

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
    if !app.ui.format.is_human() {
        let act = async |id: &LoopId| app.ask(&client, id, client.get_loop(id)).await;
        return app.each(&ids, act, |_: &[LoopDetail]| String::new()).await;
    }
    let depth = if app.ui.format == Format::Wide { Depth::Long } else { Depth::Short };
    let act = async |id: &LoopId| {
        let known = app.ask(&client, id, gather(&client, id)).await?;
        Ok(show::detail(&known, depth, app.ui.style, jiff::Timestamp::now()))
    };
    app.each(&ids, act, |done: &[String]| done.join("\n")).await
}

/// Everything that somebody on call wants to know at once.
async fn gather(client: &Client, id: &LoopId) -> Result<Detail, ClientError> {
    let (detail, why, stories, attempts, iterations, handoffs) = futures::try_join!(
        client.get_loop(id),
        client.why(id),
        client.stories(id),
        client.attempts(id),
        client.iterations(id),
        client.handoffs(id),
    )?;
    Ok(Detail {
        detail,
        why: Some(why),
        stories,
        attempts: attempts.items,
        iterations: iterations.items,
        handoff: handoffs.items.into_iter().next_back(),
    })
}
