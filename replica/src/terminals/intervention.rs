//! What a person did between taking a session's lease and giving it back.
//!
//! The session tells of beginnings and ends; a task of its own looks at the workspace at both, so that what changed
//! meanwhile, by whomever, is known. What came of it waits here until the attempt takes it into prompt, journal and
//! handoff.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use smith_model::terminal::{Intervention, Session as Name};
use tokio::sync::{mpsc, watch};

use super::typed::Typed;
use crate::git::{Repo, Tree};

/// Beginnings and ends on their way to the task; a lease changes hands at the pace of people.
const EVENTS: usize = 64;
/// The longest that a look at the workspace is waited for.
const LOOK: Duration = Duration::from_secs(10);
/// The most interventions that wait to be taken.
const MOST_WAITING: usize = 32;

/// An intervention under way.
#[derive(Debug)]
pub(super) struct Episode {
    number: u64,
    by: String,
    session: Name,
    since: Timestamp,
    pub(super) typed: Typed,
}

/// What a session tells.
#[derive(Debug)]
enum Event {
    Begun { number: u64 },
    Ended { number: u64, intervention: Box<Intervention> },
}

/// An intervention that is over, and the trees around it.
#[derive(Debug)]
pub struct Concluded {
    /// What was done; without the change.
    pub intervention: Intervention,
    /// The workspace before and after, where it could be read.
    pub trees: Option<(Tree, Tree)>,
}

/// The interventions of a worker.
#[derive(Debug)]
pub(super) struct Episodes {
    events: mpsc::Sender<Event>,
    numbers: Mutex<u64>,
    concluded: Mutex<Vec<Concluded>>,
    /// Those that are over, and whose trees are being looked at.
    looking: watch::Sender<usize>,
}

/// The other end, for the task.
#[derive(Debug)]
pub(super) struct Watch {
    events: mpsc::Receiver<Event>,
}

impl Episodes {
    pub(super) fn new() -> (Self, Watch) {
        let (tx, events) = mpsc::channel(EVENTS);
        let looking = watch::channel(0).0;
        let (numbers, concluded) = (Mutex::default(), Mutex::default());
        let episodes = Self { events: tx, numbers, concluded, looking };
        (episodes, Watch { events })
    }

    /// Somebody has the lease.
    pub(super) fn begin(&self, by: String, session: Name, since: Timestamp) -> Episode {
        let number = {
            let mut numbers = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
            *numbers += 1;
            *numbers
        };
        // Without the event the change isn't known, and all else is.
        let _ = self.events.try_send(Event::Begun { number });
        Episode { number, by, session, since, typed: Typed::default() }
    }

    /// It is over. One in which nothing was typed or said wasn't one.
    pub(super) fn end(&self, episode: Episode, note: Option<String>, until: Timestamp) {
        let Episode { number, by, session, since, typed } = episode;
        let (typed, hidden) = typed.finish();
        if typed.is_empty() && !hidden && note.is_none() {
            return;
        }
        let intervention = Intervention {
            by,
            session,
            from: since,
            until,
            typed,
            hidden,
            note,
            stat: Default::default(),
            diff: None,
        };
        let event = Event::Ended { number, intervention: Box::new(intervention) };
        self.looking.send_modify(|n| *n += 1);
        if let Err(
            mpsc::error::TrySendError::Full(event) | mpsc::error::TrySendError::Closed(event),
        ) = self.events.try_send(event)
            && let Event::Ended { intervention, .. } = event
        {
            self.conclude(Concluded { intervention: *intervention, trees: None });
        }
    }

    fn conclude(&self, concluded: Concluded) {
        let mut all = self.concluded.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() < MOST_WAITING {
            all.push(concluded);
        }
        drop(all);
        self.looking.send_modify(|n| *n = n.saturating_sub(1));
    }

    /// Waits, within bounds, for what is being looked at.
    pub(super) async fn settled(&self) {
        let mut looking = self.looking.subscribe();
        let _ = tokio::time::timeout(LOOK, looking.wait_for(|n| *n == 0)).await;
    }

    /// Takes those that are over.
    pub(super) async fn take(&self) -> Vec<Concluded> {
        self.settled().await;
        std::mem::take(&mut self.concluded.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Looks at the workspace at beginnings and ends, until nobody tells of any more.
pub(super) async fn look(
    watch: Watch,
    episodes: &Episodes,
    repo: &watch::Receiver<Option<Arc<Repo>>>,
) {
    let Watch { mut events } = watch;
    let mut before: Option<(u64, Option<Tree>)> = None;
    while let Some(event) = events.recv().await {
        // Before the checkout there is nothing to look at.
        let repo = repo.borrow().clone();
        let look = async || match &repo {
            // An agent that changes files at this moment can make it fail.
            Some(repo) => repo.write().await.ok().map(|written| written.tree),
            None => None,
        };
        match event {
            Event::Begun { number } => before = Some((number, look().await)),
            Event::Ended { number, intervention } => {
                let begun = before.take().filter(|(n, _)| *n == number).and_then(|(_, tree)| tree);
                let trees = match begun {
                    Some(begun) => look().await.map(|ended| (begun, ended)),
                    None => None,
                };
                episodes.conclude(Concluded { intervention: *intervention, trees });
            }
        }
    }
}
