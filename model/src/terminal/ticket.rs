//! What lets somebody into a worker's terminal server: signed with a key that only the API and that worker have.
//!
//! `{loop}.{round}.{attempt}.{claims}.{mac}`: the first three find the key, the claims (base64url of JSON) say who may
//! do what until when, and the MAC covers all of it. That a ticket is used once is the API's business, which keeps its
//! nonce until it has expired.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE64URL_NOPAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Mode, Session};
use crate::chain::Key;
use crate::id::{AttemptNo, LoopId, TokenId};

/// How long a ticket is good for.
pub const GOOD_FOR_SECONDS: i64 = 60;

/// The secret of an attempt that its tickets are signed with, in hex: any core and any API can make it from the key
/// for `terminal`, and the worker gets it with its launch.
pub fn secret(terminal: &Key, installation: Uuid, uid: Uuid, no: AttemptNo) -> String {
    let AttemptNo { round, attempt } = no;
    terminal.sign(&[
        installation.as_bytes(),
        uid.as_bytes(),
        &round.to_be_bytes(),
        &attempt.to_be_bytes(),
    ])
}

/// The key of an attempt, from its [`secret`].
pub fn key(secret: &str) -> Key {
    Key::derive(secret.as_bytes(), "ticket")
}

/// What a ticket lets one do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "kebab-case")]
pub enum Act {
    /// Attach to a session.
    Attach {
        /// Which.
        session: Session,
        /// To do what.
        mode: Mode,
    },
    /// Ask how the sessions are.
    Status,
    /// Run a command.
    Command,
    /// Detach somebody.
    Detach,
}

/// Who may do what until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// What.
    #[serde(flatten)]
    pub act: Act,
    /// Who: the credential's name.
    pub viewer: String,
    /// The credential.
    pub token_id: TokenId,
    /// Until when.
    pub expires_at: Timestamp,
    /// Tells this ticket from every other.
    pub nonce: Uuid,
}

/// A ticket whose signature nobody has looked at yet.
#[derive(Clone, PartialEq, Eq)]
pub struct Ticket {
    /// The loop.
    pub loop_id: LoopId,
    /// The attempt.
    pub no: AttemptNo,
    claims: String,
    mac: String,
}

/// Why a ticket lets nobody in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It isn't one, or was signed with another key.
    #[error("the ticket isn't good here; ask for another one")]
    Forged,
    /// It came too late.
    #[error("the ticket has expired; ask for another one")]
    Expired,
}

impl Ticket {
    /// Makes a ticket.
    pub fn sign(key: &Key, loop_id: LoopId, no: AttemptNo, claims: &Claims) -> Self {
        let json = serde_json::to_vec(claims).expect("plain data serializes");
        let claims = BASE64URL_NOPAD.encode(&json);
        let mac = mac(key, &loop_id, no, &claims);
        Self { loop_id, no, claims, mac }
    }

    /// What it says, if it was signed with this key and is still good at `now`.
    pub fn verify(&self, key: &Key, now: Timestamp) -> Result<Claims, Refused> {
        let Self { loop_id, no, claims, mac } = self;
        if !key.verify(&parts(loop_id, &numbers(*no), claims), mac) {
            return Err(Refused::Forged);
        }
        let json = BASE64URL_NOPAD.decode(claims.as_bytes()).map_err(|_| Refused::Forged)?;
        let claims: Claims = serde_json::from_slice(&json).map_err(|_| Refused::Forged)?;
        if now >= claims.expires_at { Err(Refused::Expired) } else { Ok(claims) }
    }
}

fn numbers(no: AttemptNo) -> [u8; 8] {
    let mut bytes = [0; 8];
    bytes[..4].copy_from_slice(&no.round.to_be_bytes());
    bytes[4..].copy_from_slice(&no.attempt.to_be_bytes());
    bytes
}

fn parts<'a>(loop_id: &'a LoopId, no: &'a [u8; 8], claims: &'a str) -> [&'a [u8]; 3] {
    [loop_id.as_str().as_bytes(), no, claims.as_bytes()]
}

fn mac(key: &Key, loop_id: &LoopId, no: AttemptNo, claims: &str) -> String {
    key.sign(&parts(loop_id, &numbers(no), claims))
}

impl fmt::Display for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { loop_id, no: AttemptNo { round, attempt }, claims, mac } = self;
        write!(f, "{loop_id}.{round}.{attempt}.{claims}.{mac}")
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ticket({} {}, …)", self.loop_id, self.no)
    }
}

impl FromStr for Ticket {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        let mut parts = text.split('.');
        let mut next = || parts.next().ok_or(Refused::Forged);
        let loop_id = next()?.parse().map_err(|_| Refused::Forged)?;
        let round = next()?.parse().map_err(|_| Refused::Forged)?;
        let attempt = next()?.parse().map_err(|_| Refused::Forged)?;
        let (claims, mac) = (next()?.to_owned(), next()?.to_owned());
        if parts.next().is_some() {
            return Err(Refused::Forged);
        }
        Ok(Self { loop_id, no: AttemptNo { round, attempt }, claims, mac })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn claims(expires_at: i64) -> Claims {
        Claims {
            act: Act::Attach { session: Session::Shell, mode: Mode::Write },
            viewer: "maria".into(),
            token_id: "abcdefghijkl".parse().expect("an id"),
            expires_at: Timestamp::from_second(expires_at).expect("a time"),
            nonce: Uuid::nil(),
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    fn some_key(attempt: u32) -> Key {
        let root = Key::derive(b"root", "terminal");
        let no = AttemptNo { round: 1, attempt };
        key(&secret(&root, Uuid::nil(), Uuid::nil(), no))
    }

    #[test]
    fn a_ticket_is_good_for_its_attempt_until_it_expires() {
        let no = AttemptNo { round: 1, attempt: 2 };
        let ticket = Ticket::sign(&some_key(2), "a-b".parse().expect("an id"), no, &claims(100));
        let read: Ticket = ticket.to_string().parse().expect("a ticket");
        assert_eq!(read.verify(&some_key(2), at(99)), Ok(claims(100)));
        assert_eq!(read.verify(&some_key(2), at(100)), Err(Refused::Expired));
        assert_eq!(read.verify(&some_key(3), at(99)), Err(Refused::Forged));
        // It is a subprotocol's name too, which takes no other characters.
        let token = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        assert!(ticket.to_string().chars().all(token), "{ticket}");
    }

    proptest! {
        #[test]
        fn any_change_is_a_forgery(at_byte in any::<prop::sample::Index>(), to in "[a-z0-9]") {
            let no = AttemptNo { round: 1, attempt: 2 };
            let ticket = Ticket::sign(&some_key(2), "a-b".parse().unwrap(), no, &claims(100)).to_string();
            let i = at_byte.index(ticket.len());
            let changed = format!("{}{to}{}", &ticket[..i], &ticket[i + 1..]);
            prop_assume!(changed != ticket);
            let verdict = changed.parse::<Ticket>().and_then(|t| t.verify(&some_key(2), at(99)));
            prop_assert_eq!(verdict, Err(Refused::Forged));
        }

        #[test]
        fn any_text_gets_an_answer(text in ".*") {
            let _ = text.parse::<Ticket>().and_then(|t| t.verify(&some_key(2), at(99)));
        }
    }
}
