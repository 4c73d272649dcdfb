//! An open terminal: the stream to the worker, and the records of what its viewer does.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use smith_model::terminal::Mode;
use smith_term::frame::Frame;
use smith_term::message::{EndReason, FromViewer, FromWorker, Hello, PROTOCOLS, Ticket, Welcome};
use tokio::time::timeout;

use super::NoTarget;
use super::lease::{Lease, LeaseChange};
use super::places::Place;
use super::wire::{Incoming, Outgoing, halves};
use super::{Deed, Ending, Entered, Target, words};
use crate::app::why::RuntimeView;
use crate::app::{App, Caller, Error};

/// How long a worker may take to take a connection.
const CONNECT: Duration = Duration::from_secs(5);

/// The nonce of the pings that the API sends for its viewers; their pongs aren't passed on.
const OWN_PING: u64 = u64::MAX;

/// A viewer that is attached. Its place is given back when this is dropped.
pub struct Attachment {
    app: App,
    caller: Caller,
    target: Target,
    session: &'static str,
    lease: Mutex<Lease>,
    _place: Place,
}

/// What becomes of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// It goes on.
    On,
    /// It was for this process, or says nothing that it knows.
    Skip,
    /// It goes on, and is the last: this is why.
    Last(EndReason),
}

/// What a frame of a worker is about, without what it says.
#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
}

impl App {
    /// Connects somebody who was let in to the worker. The viewer's own hello gives wishes; who it is, and what it
    /// may do, is the ticket's.
    pub async fn open(
        &self,
        entered: Entered,
        wishes: Hello,
        runtime: &dyn RuntimeView,
    ) -> Result<(Attachment, Incoming, Outgoing), Ending> {
        let Entered { caller, target, session, mode, ticket, place } = entered;
        let Hello { protocols, size, from, session: _, mode: _, viewer: _, ticket: _ } = wishes;
        let stream = connect(&target, runtime).await?;
        let what = match mode {
            Mode::Read => "watches",
            Mode::Write => "may ask for the keyboard of",
        };
        let name = &caller.identity.name;
        let deed = Deed {
            action: "terminal.attach",
            reason: None,
            after: json!({ "session": session, "mode": mode, "worker": target.worker }),
            message: format!("{name} {what} the terminal {session} of {}", target.no),
        };
        self.record(&caller, &target, deed).await?;
        let (incoming, mut outgoing) = halves(stream);
        let hello = Hello {
            protocols: protocols.into_iter().filter(|p| PROTOCOLS.contains(p)).collect(),
            session,
            mode,
            viewer: name.clone(),
            ticket: Ticket(ticket),
            size,
            from,
        };
        outgoing.tell(&FromViewer::Hello(hello)).await?;
        let attachment = Attachment {
            app: self.clone(),
            caller,
            target,
            session: session.as_str(),
            lease: Mutex::default(),
            _place: place,
        };
        Ok((attachment, incoming, outgoing))
    }
}

/// Connects to a worker's terminal server.
pub(super) async fn connect(
    target: &Target,
    runtime: &dyn RuntimeView,
) -> Result<Box<dyn crate::runtime::Duplex>, NoTarget> {
    let connecting = runtime.terminal(target.worker.clone());
    match timeout(CONNECT, connecting).await {
        Ok(connected) => Ok(connected?),
        Err(_) => {
            let why = format!("the worker {} took no connection in {CONNECT:?}", target.worker);
            Err(NoTarget { why, soon: true })
        }
    }
}

impl Attachment {
    fn lease(&self) -> MutexGuard<'_, Lease> {
        self.lease.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Judges a frame of the viewer.
    pub fn from_viewer(&self, frame: &Frame) -> Result<Pass, Ending> {
        let broke = |text: String| Ending::new(EndReason::Protocol, text);
        let Frame::Text(_) = frame else { return Ok(Pass::On) };
        let message =
            FromViewer::from_frame(frame.clone()).map_err(|error| broke(error.to_string()))?;
        match message {
            FromViewer::Hello(_) => Err(broke("a second hello".into())),
            FromViewer::Ask(_) => Err(broke("an ask isn't for an attached terminal".into())),
            FromViewer::Ping { nonce: OWN_PING } | FromViewer::Unknown => Ok(Pass::Skip),
            FromViewer::Lease(request) => {
                self.lease().ask(&request);
                Ok(Pass::On)
            }
            FromViewer::Input(_)
            | FromViewer::Resize { .. }
            | FromViewer::Ping { .. }
            | FromViewer::Detach => Ok(Pass::On),
        }
    }

    /// Judges a frame of the worker, and records what it tells of the viewer's own lease before anybody sees it.
    pub async fn from_worker(&self, frame: &Frame) -> Result<Pass, Ending> {
        let Frame::Text(text) = frame else { return Ok(Pass::On) };
        // A snapshot is large, and nothing of it is of interest here.
        let kind = serde_json::from_str::<Kind<'_>>(text).map_or("", |kind| kind.kind);
        if !matches!(kind, "welcome" | "lease" | "pong" | "end") {
            return Ok(Pass::On);
        }
        let message = FromWorker::from_frame(frame.clone())
            .map_err(|error| Ending::passing(error.to_string()))?;
        let change = match message {
            FromWorker::Welcome(Welcome { you, lease, .. }) => {
                let mut known = self.lease();
                known.welcome(you);
                known.told(lease.as_ref())
            }
            FromWorker::Lease { holder } => self.lease().told(holder.as_ref()),
            FromWorker::Pong { nonce: OWN_PING } => return Ok(Pass::Skip),
            FromWorker::End { reason, .. } => return Ok(Pass::Last(reason)),
            _ => None,
        };
        if let Some(change) = change {
            self.lease_changed(change).await?;
        }
        Ok(Pass::On)
    }

    /// What keeps a quiet viewer's stream alive.
    pub fn ping(&self) -> Frame {
        FromViewer::Ping { nonce: OWN_PING }.to_frame()
    }

    /// The stream is over: what goes with it is recorded.
    pub async fn close(self) {
        let Some(change) = self.lease().over() else { return };
        if let Err(error) = self.lease_changed(change).await {
            let Self { caller, target, session, .. } = &self;
            let (loop_id, cause) = (&target.loop_id, crate::telemetry::chain(&error));
            tracing::error!(%loop_id, session, by = %caller.identity.name, %cause, "a lost lease isn't recorded");
        }
    }

    async fn lease_changed(&self, change: LeaseChange) -> Result<(), Error> {
        let (name, session) = (&self.caller.identity.name, self.session);
        let kept = |text: &str| words(&self.app.settings.secrets.redact_text(text));
        let mut after = json!({ "session": session, "worker": self.target.worker });
        let (action, reason, said) = match change {
            LeaseChange::Take => ("terminal.lease.take", None, "takes the keyboard".to_owned()),
            LeaseChange::Steal(steal) => {
                let said = format!("steals the keyboard from {}", words(&steal.from));
                after["from"] = words(&steal.from).into();
                ("terminal.lease.steal", Some(kept(&steal.reason)), said)
            }
            LeaseChange::Release { note } => {
                let said = "hands the keyboard back".to_owned();
                ("terminal.lease.release", note.as_deref().map(kept), said)
            }
            LeaseChange::Lost { why } => {
                ("terminal.lease.lost", Some(words(&why)), "loses the keyboard".to_owned())
            }
        };
        let told = reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        let message = format!("{name} {said} of the terminal {session}{told}");
        self.app.record(&self.caller, &self.target, Deed { action, reason, after, message }).await
    }
}
