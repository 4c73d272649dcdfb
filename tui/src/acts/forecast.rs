//! What an act will do to a loop in its state, in words, or why it can't be done. Pure.

use smith_model::state::{By, State, legal};
use smith_model::worker::WorkerPhase;

use crate::acts::Verb;
use crate::fleet::Row;

/// May it be done to this loop as it is? Else why not.
pub fn allowed(verb: Verb, row: &Row) -> Result<(), String> {
    let state = row.state;
    let can = |to| legal(Some(state), to, By::Operator);
    match verb {
        Verb::Cancel if !can(State::Cancelled) => {
            Err(format!("it is {state} already: nothing runs"))
        }
        Verb::Flatline if !can(State::Flatline) => {
            Err(format!("it is {state}: only what hasn't ended can be given up"))
        }
        Verb::Accept if !can(State::Synced) => {
            let way = if state == State::Cancelled { ": retry it first" } else { " already" };
            Err(format!("it is {state}{way}"))
        }
        Verb::Retry | Verb::RetryFresh if !can(State::Unresolved) => {
            Err(format!("it is {state}: it hasn't ended, so there is nothing to try again"))
        }
        Verb::Retry if state == State::Synced => {
            Err("it is synced, so it can only be retried fresh".to_owned())
        }
        Verb::Hold | Verb::Release if state.ended() => {
            Err(format!("it is {state}: there is nothing to {}", verb.name()))
        }
        Verb::Hold if let Some(hold) = &row.hold => {
            Err(format!("{} holds it already: {}", hold.by, hold.reason))
        }
        Verb::Release if row.hold.is_none() => Err("nobody holds it".to_owned()),
        Verb::Delete if !state.ended() => Err(format!("it is {state}: cancel it first")),
        Verb::Delete if row.claimed => {
            Err("its worker isn't gone yet: try again in a moment".to_owned())
        }
        _ => Ok(()),
    }
}

/// What it will do to this loop: what stops, what stays, what comes next.
pub fn forecast(verb: Verb, row: &Row) -> Vec<String> {
    match verb {
        Verb::Cancel => stop(row, "It won't go on unless somebody retries it."),
        Verb::Flatline => stop(row, "It is given up, and waits for a person."),
        Verb::Accept => {
            let mut lines = running(row);
            lines.push("It counts as synced by your word: no gate has certified it.".to_owned());
            lines.push("Loops that depend on it may begin.".to_owned());
            lines.push(branch(row));
            lines
        }
        Verb::Retry => vec![
            format!("Round {} begins, with {} attempts.", row.round + 1, row.allowed),
            "It goes on from the newest checkpoint; certified stories stay done.".to_owned(),
            branch(row),
        ],
        Verb::RetryFresh => vec![
            format!("Round {} begins, with {} attempts.", row.round + 1, row.allowed),
            "It begins at the base: checkpoint and certified stories aren't used.".to_owned(),
            match &row.branch {
                Some(branch) => {
                    format!("The branch {branch} stays until the round publishes anew.")
                }
                None => branch(row),
            },
        ],
        Verb::Hold if row.state == State::Overwriting => vec![
            "The iteration that runs goes on to its end; the next one waits.".to_owned(),
            "The worker stays, until the loop's limit for holds.".to_owned(),
        ],
        Verb::Hold => vec!["It isn't begun until somebody releases it.".to_owned()],
        Verb::Release => {
            let mut lines = vec![];
            if let Some(hold) = &row.hold {
                lines.push(format!("{} holds it: {}", hold.by, hold.reason));
            }
            lines.push(match row.state {
                State::Overwriting => "Its worker goes on with the next iteration.".to_owned(),
                _ => "It may be begun as soon as its turn comes.".to_owned(),
            });
            lines
        }
        Verb::Delete => vec![
            "Its record, journal and artifacts are gone for good.".to_owned(),
            "Its name and key can't be used again.".to_owned(),
            branch(row),
        ],
    }
}

fn stop(row: &Row, after: &str) -> Vec<String> {
    let mut lines = running(row);
    if row.state == State::Overwriting {
        lines.push(
            "What the running iteration hasn't finished is lost; checkpoints stay.".to_owned(),
        );
    }
    lines.push(branch(row));
    lines.push(after.to_owned());
    lines
}

/// Whether a worker runs now, and what it is at.
fn running(row: &Row) -> Vec<String> {
    if row.state != State::Overwriting {
        return vec!["No worker runs.".to_owned()];
    }
    if !row.claimed {
        return vec![format!("Attempt {} has no worker at the moment.", row.attempt)];
    }
    let at = match row.phase {
        Some(WorkerPhase::Iterating) => format!("the agent, in iteration {}", row.iteration),
        Some(WorkerPhase::Gates) => format!("the gates of iteration {}", row.iteration),
        Some(WorkerPhase::Publishing) => "publishing the branch".to_owned(),
        Some(WorkerPhase::Paused) => "paused".to_owned(),
        Some(WorkerPhase::Checkout) => "the checkout".to_owned(),
        Some(WorkerPhase::Landing | WorkerPhase::Finishing) => "its end".to_owned(),
        Some(WorkerPhase::Starting) | None => "its start".to_owned(),
    };
    vec![format!("The worker of attempt {} is stopped now; it is at {at}.", row.attempt)]
}

fn branch(row: &Row) -> String {
    match (&row.branch, &row.commit) {
        (Some(branch), Some(commit)) => format!("The branch {branch} stays, at {commit:.12}."),
        (Some(branch), None) => format!("The branch {branch} stays."),
        (None, _) => "No branch has been published.".to_owned(),
    }
}
