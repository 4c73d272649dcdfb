//! `smithctl loop cancel`.

use smith_model::api::{OverrideRequest, TargetState};
use smith_model::id::LoopId;

use super::act::{self, Args};
use crate::app::App;
use crate::error::{Error, Exit};

/// Runs it.
pub(crate) async fn run(app: &App, args: Args) -> Result<Exit, Error> {
    let client = app.client()?;
    let reason = args.reason("cancel");
    let act = async |id: &LoopId| {
        let request = OverrideRequest {
            loop_id: id.clone(),
            target_state: TargetState::Cancelled,
            reason: reason.clone(),
        };
        client.override_loop(&request, None).await
    };
    act::run(app, &client, &args, "cancelled", act).await
}
