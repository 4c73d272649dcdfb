//! Letting a ticket in: its signature, its single use, and whether its identity is still good.

use std::sync::Arc;
use std::time::Duration;

use smith_model::access::{Identity, Role, TokenRecord};
use smith_model::id::{LoopId, Revision, TokenId};
use smith_model::terminal::ticket::{Act, Refused, Ticket};
use smith_model::terminal::{Mode, Session};
use smith_term::message::EndReason;
use tokio::time::{MissedTickBehavior, interval};

use super::places::Place;
use super::{Ending, Target};
use crate::app::{App, Caller, Error, now};
use crate::view::Changed;

/// How much longer than a ticket is good it is remembered, because clocks of API processes differ.
const SLACK: Duration = Duration::from_secs(60);

/// How often an attachment looks at its token, besides whenever the view tells that the token changed: time makes no
/// event, and a view may be behind.
const TOKEN_CHECK: Duration = Duration::from_secs(5);

/// Somebody whom a ticket has let in; it is used up.
pub struct Entered {
    pub(super) caller: Caller,
    pub(super) target: Target,
    pub(super) session: Session,
    pub(super) mode: Mode,
    pub(super) ticket: String,
    pub(super) place: Place,
}

impl Entered {
    /// Whose terminal it is.
    pub fn identity(&self) -> &Identity {
        &self.caller.identity
    }
}

impl App {
    /// Lets a ticket in, once, on whichever process.
    pub async fn enter(
        &self,
        id: &LoopId,
        text: &str,
        request_id: Option<String>,
    ) -> Result<Entered, Ending> {
        let ticket: Ticket = text.parse().map_err(no_ticket)?;
        if ticket.loop_id != *id {
            return Err(Ending::refused("the ticket is for another loop"));
        }
        let state = self.store.state(id).await.map_err(Error::from)?;
        let state = state.ok_or_else(|| no_ticket(Refused::Forged))?.value;
        let key = self.attempt_key(state.uid, ticket.no);
        let now = now();
        let claims = ticket.verify(&key, now).map_err(no_ticket)?;
        let Act::Attach { session, mode } = claims.act else {
            return Err(Ending::refused("the ticket isn't one for a terminal"));
        };
        if !state.is_running(ticket.no) {
            let why =
                format!("the ticket is for {}, which is over; ask for another one", ticket.no);
            return Err(Ending::refused(why));
        }
        let identity = self.identity(&claims.token_id).await?;
        let good = identity.filter(|identity| {
            identity.name == claims.viewer
                && identity.role >= Role::Operator
                && identity.scope.allows(&state.summary.project)
        });
        let identity = good.ok_or_else(revoked)?;
        let place = self.terminals.places.take(&identity.name)?;
        let left = claims.expires_at.duration_since(now).unsigned_abs();
        let fresh = self.store.use_ticket(claims.nonce, left + SLACK).await.map_err(Error::from)?;
        if !fresh {
            return Err(Ending::refused("the ticket was used before; ask for another one"));
        }
        let no = ticket.no;
        let worker = no.worker_name(id);
        Ok(Entered {
            caller: Caller { identity, request_id },
            target: Target { loop_id: id.clone(), uid: state.uid, no, worker },
            session,
            mode,
            ticket: text.to_owned(),
            place,
        })
    }

    /// Whose credential this is now; `None`: it isn't one any more.
    async fn identity(&self, id: &TokenId) -> Result<Option<Identity>, Error> {
        let record = match self.view.token(id) {
            Some(record) => Some(record),
            // One that was made a moment ago by another process: what watches over it is the view.
            None => {
                let revision = self.store.revision().await?;
                self.caught_up(Revision(revision)).await?;
                self.view.token(id)
            }
        };
        let good = record.filter(|record| record.expires_at.is_none_or(|at| at > now()));
        Ok(good.map(|record| {
            let TokenRecord { id, name, role, scope, expires_at, .. } =
                Arc::unwrap_or_clone(record);
            Identity { token_id: id, name, role, scope, expires_at }
        }))
    }

    /// Waits until an identity is no longer what it was: revoked, expired, or with another role or scope.
    pub async fn lapsed(&self, identity: &Identity) -> Ending {
        let mut changes = self.view.changes();
        let mut check = interval(TOKEN_CHECK);
        check.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            if !self.still_good(identity) {
                let expired = identity.expires_at.is_some_and(|at| at <= now());
                return if expired {
                    Ending::new(EndReason::Expired, "the token has expired")
                } else {
                    revoked()
                };
            }
            // Both may be dropped: the one keeps its place, the other its time.
            loop {
                tokio::select! {
                    _ = check.tick() => break,
                    changed = changes.next() => match changed {
                        Some(Changed::Batch(batch)) if batch.tokens.contains(&identity.token_id) => break,
                        Some(Changed::Batch(_)) => {}
                        Some(Changed::Everything) => break,
                        // The process is ending, and says so elsewhere.
                        None => return std::future::pending().await,
                    },
                }
            }
        }
    }
}

fn no_ticket(refused: Refused) -> Ending {
    let reason = match refused {
        Refused::Forged => EndReason::Refused,
        Refused::Expired => EndReason::Expired,
    };
    Ending::new(reason, refused.to_string())
}

fn revoked() -> Ending {
    let text = "the token was revoked, or its role or scope doesn't allow this any more";
    Ending::new(EndReason::Revoked, text)
}
