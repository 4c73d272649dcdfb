//! Acts, carried out: one request a loop, a few at a time, each outcome told as it comes.

use futures::StreamExt as _;
use smith_client::{Client, Error};
use smith_model::api::{Created, OverrideRequest, ReasonRequest, RetryRequest, TargetState};
use smith_model::problem::{Code, Problem};
use smith_model::state::RetryFrom;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::marks;
use crate::acts::{Order, Outcome, Target, Verb};
use crate::create::{Answered, Draft, Refusal};
use crate::msg::Msg;
use crate::run::connect::Told;
use crate::world::inbox;

/// Requests of one order at a time.
const AT_ONCE: usize = 8;

/// Orders under way.
pub(super) struct Acts {
    tx: mpsc::Sender<Told>,
    tasks: JoinSet<()>,
}

impl Acts {
    /// None yet; outcomes go there.
    pub(super) fn new(tx: mpsc::Sender<Told>) -> Self {
        Self { tx, tasks: JoinSet::new() }
    }

    /// Begins an order. Its outcomes are heard also when another server is spoken to meanwhile.
    pub(super) fn begin(&mut self, client: Client, number: u64, order: Order) {
        while self.tasks.try_join_next().is_some() {}
        self.tasks.spawn(carry_out(client, self.tx.clone(), number, order));
    }

    /// Asks for a loop.
    pub(super) fn create(&mut self, client: Client, draft: Draft) {
        while self.tasks.try_join_next().is_some() {}
        self.tasks.spawn(ask_for(client, self.tx.clone(), draft));
    }

    /// Begins an order about items of the inbox.
    pub(super) fn mark(&mut self, client: Client, number: u64, order: inbox::Order) {
        while self.tasks.try_join_next().is_some() {}
        self.tasks.spawn(marks::carry_out(client, self.tx.clone(), number, order));
    }
}

async fn ask_for(client: Client, tx: mpsc::Sender<Told>, draft: Draft) {
    let Draft { key, request, document } = draft;
    let answer = match client.create_loop(&request, Some(&key)).await {
        Ok(Created { created, item }) => {
            Answered::Created { id: item.record.loop_id, is_new: created }
        }
        Err(error) => Answered::Refused(match error.problem() {
            Some(problem) => {
                Refusal { why: problem.detail.clone(), fields: problem.errors.clone() }
            }
            None => Refusal {
                why: format!("{}; the same again can't make two", super::sources::why(&error)),
                fields: vec![],
            },
        }),
    };
    // Nobody hears it any more only when the program ends.
    let _ = tx.send(Told::Msg(Msg::Created { key, document, answer })).await;
}

async fn carry_out(client: Client, tx: mpsc::Sender<Told>, number: u64, order: Order) {
    let Order { verb, reason, targets } = order;
    let (client, tx, reason) = (&client, &tx, &reason);
    let acts = futures::stream::iter(targets).for_each_concurrent(AT_ONCE, async |target| {
        let outcome = match one(client, verb, reason, &target).await {
            Ok(()) => Outcome::Done,
            Err(error) => outcome(&error),
        };
        // Nobody hears it any more only when the program ends.
        let msg = Msg::Acted { order: number, id: target.id, outcome };
        let _ = tx.send(Told::Msg(msg)).await;
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
