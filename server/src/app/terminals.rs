//! Terminals of workers: who may attach, run a command or detach somebody, and how it is recorded.
//!
//! A worker's own terminal server has the screens, the viewers and the leases. What lies here is between it and
//! the person: the role, the ticket and its single use, the limits, and an audit record with its journal entry for
//! every act. Frames pass through; only those that say who may type are read.

mod ask;
mod attachment;
mod ending;
mod enter;
mod lease;
mod places;
pub mod wire;

pub use attachment::{Attachment, Pass};
pub use ending::{Again, Ending};
pub use enter::Entered;
pub use places::{MOST_OF_AN_IDENTITY, MOST_OF_THE_PROCESS};

use jiff::{SignedDuration, Timestamp};
use smith_model::access::Role;
use smith_model::chain::Key;
use smith_model::id::{AttemptNo, LoopId};
use smith_model::journal::{Draft, Level, Phase};
use smith_model::printable::{Lines, printable};
use smith_model::problem::{Code, Problem};
use smith_model::state::{State, StateRecord};
use smith_model::terminal::ticket::{self, Act, Claims, GOOD_FOR_SECONDS, Ticket};
use smith_model::terminal::{AttachAnswer, AttachRequest, RuntimeAnswer};
use uuid::Uuid;

use super::why::RuntimeView;
use super::{App, Caller, Error, now};
use crate::runtime::NoTerminal;
use crate::store::change::{Change, Decision};
use places::Places;

/// What the process knows of terminals: the key, and how many are open.
#[derive(Clone)]
pub(super) struct Terminals {
    key: Key,
    places: Places,
}

impl Terminals {
    pub(super) fn new(key: Key) -> Self {
        Self { key, places: Places::default() }
    }
}

/// A worker whose terminals could be asked for.
#[derive(Clone, Debug)]
struct Target {
    loop_id: LoopId,
    uid: Uuid,
    no: AttemptNo,
    worker: String,
}

/// Why there is none, in one sentence.
struct NoTarget {
    why: String,
    /// A moment may change it.
    soon: bool,
}

impl From<NoTarget> for Error {
    fn from(NoTarget { why, soon }: NoTarget) -> Self {
        let code = if soon { Code::Unavailable } else { Code::NotAttachable };
        Problem::new(code, why).into()
    }
}

impl From<NoTerminal> for NoTarget {
    fn from(error: NoTerminal) -> Self {
        let soon = matches!(error, NoTerminal::NotYet { .. } | NoTerminal::Connect { .. });
        Self { why: crate::telemetry::chain(&error), soon }
    }
}

/// The most characters of a person's words that a record keeps of a reason or a note.
const MOST_WORDS: usize = 1000;

/// What a person said, as a record keeps it: one printable line, not endless.
fn words(text: &str) -> String {
    let line = printable(text.trim(), Lines::One);
    line.chars().take(MOST_WORDS).collect()
}

impl App {
    /// A ticket for a terminal, and how the session stands.
    pub async fn attach(
        &self,
        caller: &Caller,
        id: &LoopId,
        request: &AttachRequest,
        runtime: &dyn RuntimeView,
    ) -> Result<AttachAnswer, Error> {
        caller.needs(Role::Operator)?;
        let AttachRequest { session, mode } = *request;
        let (_, target) = self.target(caller, id).await?;
        let target = target?;
        let sessions = self.status(caller, &target, runtime).await?;
        let found = sessions.into_iter().find(|state| state.session == session);
        let Some(state) = found else {
            let detail = format!("the worker {} has no session {session}", target.worker);
            return Err(Problem::new(Code::NotAttachable, detail).into());
        };
        let (ticket, expires_at) = self.ticket(caller, &target, Act::Attach { session, mode });
        Ok(AttachAnswer {
            ticket: ticket.to_string(),
            expires_at,
            path: format!("/v1/loops/{id}/control/terminal"),
            worker: target.worker,
            no: target.no,
            session: state,
        })
    }

    /// Whether and why (not) a loop's worker can be attached to, and who is.
    pub async fn runtime(
        &self,
        caller: &Caller,
        id: &LoopId,
        runtime: &dyn RuntimeView,
    ) -> Result<RuntimeAnswer, Error> {
        let (_, target) = self.target(caller, id).await?;
        let mut answer = RuntimeAnswer {
            loop_id: id.clone(),
            attachable: false,
            why: String::new(),
            worker: None,
            no: None,
            sessions: vec![],
        };
        let target = match target {
            Ok(target) => target,
            Err(none) => {
                answer.why = none.why;
                return Ok(answer);
            }
        };
        (answer.worker, answer.no) = (Some(target.worker.clone()), Some(target.no));
        match self.status(caller, &target, runtime).await {
            Ok(sessions) => {
                answer.attachable = true;
                answer.why = format!("the worker {} serves its terminals", target.worker);
                answer.sessions = sessions;
            }
            Err(error) => answer.why = error.problem().detail,
        }
        Ok(answer)
    }

    /// The loop as it is, and its worker if it has one that holds the lock.
    async fn target(
        &self,
        caller: &Caller,
        id: &LoopId,
    ) -> Result<(StateRecord, Result<Target, NoTarget>), Error> {
        self.visible(caller, id).await?;
        let snapshot = self.store.snapshot(id).await?;
        let state = snapshot.state.value;
        let none = |soon, why: String| Err(NoTarget { why, soon });
        let target = match (state.state, state.current_attempt(), &snapshot.lock) {
            (State::Overwriting, Some(no), Some(lock)) if lock.value.no == no => {
                Ok(Target { loop_id: id.clone(), uid: state.uid, no, worker: no.worker_name(id) })
            }
            (State::Overwriting, no, _) => {
                let no = no.map_or_else(String::new, |no| format!(" {no}"));
                none(true, format!("no worker has claimed{no} of loop {id}: try again in a moment"))
            }
            (State::Unresolved, _, _) => none(
                false,
                format!(
                    "loop {id} is unresolved: it has no worker (`smithctl loop why {id}` says what it waits for)"
                ),
            ),
            (ended, _, _) => none(false, format!("loop {id} is {ended}: its worker is gone")),
        };
        Ok((state, target))
    }

    fn attempt_key(&self, uid: Uuid, no: AttemptNo) -> Key {
        ticket::key(&ticket::secret(&self.terminals.key, self.store.installation(), uid, no))
    }

    /// A ticket for the caller, and until when it is good.
    fn ticket(&self, caller: &Caller, target: &Target, act: Act) -> (Ticket, Timestamp) {
        let now = now();
        let good_for = SignedDuration::from_secs(GOOD_FOR_SECONDS);
        let expires_at = now.checked_add(good_for).unwrap_or(now);
        let claims = Claims {
            act,
            viewer: caller.identity.name.clone(),
            token_id: caller.identity.token_id.clone(),
            expires_at,
            nonce: Uuid::new_v4(),
        };
        let key = self.attempt_key(target.uid, target.no);
        (Ticket::sign(&key, target.loop_id.clone(), target.no, &claims), expires_at)
    }

    /// Records what a person does at a terminal: an audit record and its journal entry.
    async fn record(
        &self,
        caller: &Caller,
        target: &Target,
        Deed { action, reason, after, message }: Deed,
    ) -> Result<(), Error> {
        let entry = Draft::info(Phase::Operator, words(&message)).at(Level::Warn);
        self.store
            .change(&target.loop_id, now(), |_| {
                let mut act = caller.act(action, reason.as_deref());
                act.after.clone_from(&after);
                let change = Change {
                    entries: vec![(caller.actor(), Some(target.no), entry.clone())],
                    act: Some(act),
                    ..Change::default()
                };
                Ok::<_, Problem>(Decision::Write(Box::new(change), ()))
            })
            .await?;
        Ok(())
    }

    /// How many terminals are open in this process.
    pub fn open_terminals(&self) -> usize {
        self.terminals.places.taken()
    }
}

/// An act at a terminal, to be recorded.
struct Deed {
    /// Such as `terminal.attach`.
    action: &'static str,
    /// In the person's words.
    reason: Option<String>,
    /// The act's particulars.
    after: serde_json::Value,
    /// For people.
    message: String,
}
