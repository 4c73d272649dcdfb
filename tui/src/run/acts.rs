//! Acts, carried out: one request a loop, a few at a time, each outcome told as it comes.

use futures::StreamExt as _;
use smith_client::{Client, Error};
use smith_model::api::{OverrideRequest, ReasonRequest, RetryRequest, TargetState};
use smith_model::problem::{Code, Problem};
use smith_model::state::RetryFrom;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::acts::{Order, Outcome, Target, Verb};
use crate::msg::Msg;

/// Requests of one order at a time.
const AT_ONCE: usize = 8;

/// Orders under way.
pub(super) struct Acts {
    client: Client,
    tx: mpsc::Sender<Msg>,
    tasks: JoinSet<()>,
}

impl Acts {
    /// None yet; outcomes go there.
    pub(super) fn new(client: Client, tx: mpsc::Sender<Msg>) -> Self {
        Self { client, tx, tasks: JoinSet::new() }
    }

    /// Begins an order.
    pub(super) fn begin(&mut self, number: u64, order: Order) {
        while self.tasks.try_join_next().is_some() {}
        self.tasks.spawn(carry_out(self.client.clone(), self.tx.clone(), number, order));
    }
}

async fn carry_out(client: Client, tx: mpsc::Sender<Msg>, number: u64, order: Order) {
    let Order { verb, reason, targets } = order;
    let (client, tx, reason) = (&client, &tx, &reason);
    let acts = futures::stream::iter(targets).for_each_concurrent(AT_ONCE, async |target| {
        let outcome = match one(client, verb, reason, &target).await {
            Ok(()) => Outcome::Done,
            Err(error) => outcome(&error),
        };
        // Nobody hears it any more only when the program ends.
        let _ = tx.send(Msg::Acted { order: number, id: target.id, outcome }).await;
    });
    acts.await;
}

async fn one(client: &Client, verb: Verb, reason: &str, target: &Target) -> Result<(), Error> {
    let Target { id, revision } = target;
    let (reason, expect) = (reason.to_owned(), Some(*revision));
    let put = |target_state| {
        let request = OverrideRequest { loop_id: id.clone(), target_state, reason: reason.clone() };
        async move { client.override_loop(&request, expect).await.map(drop) }
    };
    let retry = |from| {
        let request = RetryRequest { reason: reason.clone(), from };
        async move { client.retry_loop(id, &request, expect).await.map(drop) }
    };
    let why = ReasonRequest { reason: reason.clone() };
    match verb {
        Verb::Cancel => put(TargetState::Cancelled).await,
        Verb::Flatline => put(TargetState::Flatline).await,
        Verb::Accept => put(TargetState::Synced).await,
        Verb::Retry => retry(RetryFrom::Checkpoint).await,
        Verb::RetryFresh => retry(RetryFrom::Fresh).await,
        Verb::Hold => client.hold_loop(id, &why, expect).await.map(drop),
        Verb::Release => client.release_loop(id, &why, expect).await.map(drop),
        Verb::Delete => client.delete_loop(id, &reason, expect).await,
    }
}

fn outcome(error: &Error) -> Outcome {
    match error {
        Error::Problem { problem, .. } if problem.code == Code::RevisionMismatch => {
            Outcome::Stale(words(problem))
        }
        Error::Problem { problem, .. } if problem.status < 500 => Outcome::Refused(words(problem)),
        Error::InvalidServer { .. } | Error::InvalidToken | Error::Setup(_) => {
            Outcome::Refused(super::sources::why(error))
        }
        error => Outcome::Unknown(super::sources::why(error)),
    }
}

/// A problem in the server's words: its detail, and each field that the detail doesn't name.
pub(super) fn words(problem: &Problem) -> String {
    let mut text = problem.detail.clone();
    for error in problem.errors.iter().filter(|error| !problem.detail.contains(&error.field)) {
        text.push_str(&format!("; {}: must be {}", error.field, error.rule));
    }
    text
}
