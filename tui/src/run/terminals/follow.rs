//! What comes after a worker's terminal ended: the next attempt's, if there will be one.

use std::time::Duration;

use smith_client::Error;
use smith_model::id::LoopId;
use smith_model::problem::Code;
use smith_term::message::EndReason;

use super::{Gone, Seat};
use crate::panes::{News, Over, Subject};
use crate::run::sources::why;

/// How often it is asked whether there is a worker.
const ASK: Duration = Duration::from_secs(3);

/// What an end means.
pub(super) fn ended(subject: &Subject, reason: EndReason, text: String) -> Over {
    let is_followed = match reason {
        // A shell that was left isn't started again by anybody's looking at it.
        EndReason::SessionOver => !matches!(subject, Subject::Shell(_)),
        EndReason::ReplicaEnding => true,
        EndReason::Detached
        | EndReason::Revoked
        | EndReason::Expired
        | EndReason::Refused
        | EndReason::Full
        | EndReason::Idle
        | EndReason::Protocol
        | EndReason::Error => false,
    };
    Over { why: text, is_followed }
}

/// What a refusal means: without a worker one may come.
pub(super) fn refused(error: &Error) -> Over {
    Over { why: why(error), is_followed: error.code() == Some(Code::NotAttachable) }
}

impl Seat {
    /// Waits until the loop has a worker that can be attached to, and says meanwhile why it hasn't.
    pub(super) async fn next_worker(&mut self, id: &LoopId) -> Result<(), Gone> {
        let mut told = String::new();
        loop {
            let until = tokio::time::sleep(ASK);
            tokio::pin!(until);
            loop {
                // Both may be dropped.
                tokio::select! {
                    () = &mut until => break,
                    order = self.orders.recv() => match order {
                        Some(order) => self.unsent(&order).await?,
                        None => return Err(Gone),
                    },
                }
            }
            let why = match self.client.runtime(id).await {
                Ok(runtime) if runtime.attachable => return Ok(()),
                Ok(runtime) => runtime.why,
                Err(error) => why(&error),
            };
            if why != told {
                told.clone_from(&why);
                self.say(News::Over(Over { why, is_followed: true })).await?;
            }
        }
    }
}
