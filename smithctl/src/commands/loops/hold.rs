//! `smithctl loop hold`.

use smith_model::api::ReasonRequest;
use smith_model::id::LoopId;

use super::act::{self, Args};
use crate::app::App;
use crate::error::{Error, Exit};

/// Runs it.
pub(crate) async fn run(app: &App, args: Args) -> Result<Exit, Error> {
    let client = app.client()?;
    let reason = args.reason("hold");
    let act = async |id: &LoopId| {
        let request = ReasonRequest { reason: reason.clone() };
        client.hold_loop(id, &request, None).await
    };
    act::run(app, &client, &args, "held", act).await
}
