//! Following a loop by its journal: until it gets somewhere, or to show what it says.

use std::time::Duration;

use futures::StreamExt as _;
use smith_client::stream::{Signal, Signals};
use smith_client::{Client, JournalEvent, JournalPage};
use smith_model::api::LoopDetail;
use smith_model::id::LoopId;
use smith_model::journal::{Entry, Payload};
use smith_model::state::State;

use crate::app::App;
use crate::error::{Error, chain};

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    /// Any end.
    Ended,
    /// This state.
    State(State),
}

impl std::fmt::Display for Goal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ended => f.write_str("ended"),
            Self::State(state) => state.fmt(f),
        }
    }
}

impl std::str::FromStr for Goal {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "ended" => Ok(Self::Ended),
            text => match text.parse() {
                Ok(state) => Ok(Self::State(state)),
                Err(error) => Err(format!("{error}, or ended")),
            },
        }
    }
}

/// What a state means to somebody who waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Reached,
    Wait,
    /// It has ended elsewhere; nothing more will happen by itself.
    Missed,
}

fn verdict(goal: Goal, state: State) -> Verdict {
    match goal {
        Goal::Ended if state.ended() => Verdict::Reached,
        Goal::State(wanted) if wanted == state => Verdict::Reached,
        Goal::Ended | Goal::State(_) if state.ended() => Verdict::Missed,
        Goal::Ended | Goal::State(_) => Verdict::Wait,
    }
}

/// Waits until the loop gets there. Another end, or none in time, is [`Kind::NotReached`](crate::error::Kind).
pub(crate) async fn reach(
    app: &App,
    client: &Client,
    id: &LoopId,
    goal: Goal,
    timeout: Option<Duration>,
) -> Result<LoopDetail, Error> {
    let Some(timeout) = timeout else {
        return reached(app, client, id, goal).await;
    };
    match tokio::time::timeout(timeout, reached(app, client, id, goal)).await {
        Ok(ended) => ended,
        Err(_) => {
            let detail = app.ask(client, id, client.get_loop(id)).await?;
            let record = detail.item.record;
            let state = record.state;
            let error = format!(
                "{id} is {state} after {}s, not {goal}: {}",
                timeout.as_secs(),
                record.message
            );
            Err(Error::not_reached(error)
                .hint(format!("smithctl loop why {id} says what it waits for")))
        }
    }
}

async fn reached(app: &App, client: &Client, id: &LoopId, goal: Goal) -> Result<LoopDetail, Error> {
    // The journal's end is read before the state, so that no step falls between the two.
    let tail = JournalPage { tail: Some(1), ..JournalPage::default() };
    let tail = app.ask(client, id, client.journal(id, tail)).await?;
    let after = tail.items.last().map_or(0, |entry| entry.seq);
    let detail = app.ask(client, id, client.get_loop(id)).await?;
    let state = detail.item.record.state;
    match verdict(goal, state) {
        Verdict::Reached => return Ok(detail),
        Verdict::Missed => return Err(missed(id, state, goal, &detail.item.record.message)),
        Verdict::Wait => {}
    }
    let mut journal = client.journal_stream(id, after, None);
    loop {
        let event = match next(app, &mut journal).await {
            Some(event) => {
                event.map_err(|error| Error::failed(format!("{id}: {}", error.message)))?
            }
            None => return Err(Error::failed(format!("{id}: its journal's stream ended"))),
        };
        let entered = match event {
            JournalEvent::Entry(entry) => match entry.draft.payload {
                Some(Payload::Transition { to, .. }) => Some(to),
                _ => None,
            },
            JournalEvent::Reset => None,
            JournalEvent::Ended => {
                let detail = app.ask(client, id, client.get_loop(id)).await?;
                let record = &detail.item.record;
                return match verdict(goal, record.state) {
                    Verdict::Reached => Ok(detail),
                    _ => Err(missed(id, record.state, goal, &record.message)),
                };
            }
        };
        let Some(entered) = entered else { continue };
        match verdict(goal, entered) {
            Verdict::Reached => return app.ask(client, id, client.get_loop(id)).await,
            Verdict::Missed => {
                let detail = app.ask(client, id, client.get_loop(id)).await?;
                return Err(missed(id, entered, goal, &detail.item.record.message));
            }
            Verdict::Wait => {}
        }
    }
}

fn missed(id: &LoopId, state: State, goal: Goal, message: &str) -> Error {
    let error = Error::not_reached(format!("{id} ended as {state}, not {goal}: {message}"));
    error.hint(format!("smithctl loop get {id} shows what was done"))
}

/// The next event; a lost connection is a remark, because the stream goes on by itself.
pub(crate) async fn next<T>(app: &App, signals: &mut Signals<T>) -> Option<Result<T, Error>> {
    loop {
        match signals.next().await? {
            Ok(Signal::Event { event, .. }) => return Some(Ok(event)),
            Ok(Signal::Disconnected { error, .. }) => {
                app.ui.note(&format!("(lost the server, trying again: {})", chain(&error)));
            }
            Ok(Signal::Reconnected) => app.ui.note("(the server is back)"),
            Err(error) => return Some(Err(error.into())),
        }
    }
}

/// Every entry of a journal behind `after` that is there now, a page at a time.
pub(crate) async fn pages(
    app: &App,
    client: &Client,
    id: &LoopId,
    mut after: u64,
    mut take: impl FnMut(Entry) -> Result<(), Error>,
) -> Result<u64, Error> {
    loop {
        let page = JournalPage { after: Some(after), limit: Some(500), tail: None };
        let page = app.ask(client, id, client.journal(id, page)).await?;
        let Some(last) = page.items.last().map(|entry| entry.seq) else {
            return Ok(after);
        };
        after = last;
        for entry in page.items {
            take(entry)?;
        }
        if page.cursor.is_none() {
            return Ok(after);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_end_is_missed_and_a_state_on_the_way_is_waited_out() {
        let check = |goal: &str, state, expected| {
            assert_eq!(verdict(goal.parse().unwrap(), state), expected, "{goal} {state}");
        };
        check("synced", State::Synced, Verdict::Reached);
        check("synced", State::Overwriting, Verdict::Wait);
        check("synced", State::Flatline, Verdict::Missed);
        check("ended", State::Cancelled, Verdict::Reached);
        check("ended", State::Unresolved, Verdict::Wait);
        check("overwriting", State::Unresolved, Verdict::Wait);
        check("overwriting", State::Synced, Verdict::Missed);
        check("flatline", State::Flatline, Verdict::Reached);
        assert!("done".parse::<Goal>().unwrap_err().contains("or ended"));
    }
}
