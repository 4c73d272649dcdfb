//! The worker's side of the worker protocol.
//!
//! Nothing is repeated here by itself: every call is safe to repeat (the server knows the session, the
//! client sequence and the prepared commit), but when to do so depends on the lease, which the replica
//! watches. [`Error`] tells apart what it decides on.

use std::time::Duration;

use bytes::Bytes;
use reqwest::Method;
use serde::Serialize;
use smith_model::id::Digest;
use smith_model::problem::{Code, Problem};
use smith_model::worker::{
    Bearer, ClaimAnswer, ClaimRequest, Directive, EvidenceAnswer, EvidenceItem, FinishAnswer,
    FinishRequest, HeartbeatAnswer, HeartbeatRequest, PROTOCOLS, Progress, PublishRequest,
};

use crate::stream::{self, Parsed, Signals};
use crate::{Client, Config, Secret};

/// What a worker has to know of a call that didn't work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The attempt is over for this worker: stop, change nothing.
    #[error("fenced: {0}")]
    Fenced(Box<Problem>),
    /// The lease ran out, but the attempt is still this worker's: claim again with the same secret.
    #[error("lock lost: {0}")]
    LockLost(Box<Problem>),
    /// Another session has claimed the attempt.
    #[error("claimed by another session: {0}")]
    Claimed(Box<Problem>),
    /// The credential isn't good.
    #[error("not authorized: {0}")]
    Unauthorized(Box<Problem>),
    /// The server can't be reached, is late, or says that it can't now. What was done is unknown.
    #[error("the API is away")]
    Away {
        /// Why.
        #[source]
        source: crate::Error,
        /// When the server says that trying again makes sense.
        retry_after: Option<Duration>,
    },
    /// The server refuses this call; the same one will be refused again.
    #[error("refused: {0}")]
    Refused(Box<Problem>),
    /// Anything that isn't the server's word and doesn't pass: a wrong address, another program there.
    #[error("the worker protocol isn't spoken")]
    Broken(#[source] crate::Error),
}

impl Error {
    /// The server's code, if it said anything.
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::Fenced(p)
            | Self::LockLost(p)
            | Self::Claimed(p)
            | Self::Unauthorized(p)
            | Self::Refused(p) => Some(p.code),
            Self::Away { source, .. } | Self::Broken(source) => source.code(),
        }
    }
}

impl From<crate::Error> for Error {
    fn from(error: crate::Error) -> Self {
        if error.may_pass() {
            let retry_after = error.retry_after();
            return Self::Away { source: error, retry_after };
        }
        match error {
            crate::Error::Problem { problem, .. } => match problem.code {
                Code::Fenced => Self::Fenced(problem),
                Code::LockLost => Self::LockLost(problem),
                Code::Claimed => Self::Claimed(problem),
                Code::Unauthenticated | Code::Forbidden => Self::Unauthorized(problem),
                _ => Self::Refused(problem),
            },
            error => Self::Broken(error),
        }
    }
}

/// One attempt's connection to the API.
#[derive(Clone, Debug)]
pub struct Session {
    claiming: Client,
    working: Client,
    secret: Secret,
}

impl Session {
    /// Sets up a session; nothing is sent yet.
    ///
    /// `claim` is the token that the worker was started with, `secret` 64 hex digits that it drew.
    pub fn new(config: Config, claim: &Bearer, secret: Secret) -> Result<Self, Error> {
        let claiming = Client::new(config.with_token(Secret::new(claim.token())))?;
        let bearer = Bearer {
            loop_id: claim.loop_id.clone(),
            no: claim.no,
            secret: secret.expose().to_owned(),
        };
        let working = claiming.bearing(&Secret::new(bearer.token()))?;
        Ok(Self { claiming, working, secret })
    }

    /// The server's address.
    pub fn server(&self) -> &str {
        self.working.server()
    }

    /// Takes the lock. Asked again (also after a lost lock), the same session gets it again.
    pub async fn claim(&self) -> Result<ClaimAnswer, Error> {
        let request = ClaimRequest {
            protocols: PROTOCOLS.to_vec(),
            session: self.secret.expose().to_owned(),
        };
        let call = self.claiming.act(Method::POST, ["v1", "worker", "claim"]).body(&request);
        Ok(self.claiming.json(call, "an answer to a claim").await?)
    }

    /// Keeps the lease, and asks what to do.
    pub async fn heartbeat(&self, progress: Option<Progress>) -> Result<HeartbeatAnswer, Error> {
        let request = HeartbeatRequest { progress };
        self.post("heartbeat", &request, "an answer to a heartbeat").await
    }

    /// Hands in the items numbered `first`, `first + 1`, … of the outbox.
    pub async fn evidence(
        &self,
        first: u64,
        items: &[EvidenceItem],
    ) -> Result<EvidenceAnswer, Error> {
        /// As [`smith_model::worker::EvidenceRequest`], without a copy of the items.
        #[derive(Serialize)]
        struct Borrowed<'a> {
            first: u64,
            items: &'a [EvidenceItem],
        }
        self.post("evidence", &Borrowed { first, items }, "an answer to evidence").await
    }

    /// Hands in an artifact's bytes; its name is their digest.
    pub async fn put_artifact(&self, bytes: Bytes) -> Result<Digest, Error> {
        let digest = Digest::of(&bytes);
        let path = ["v1", "worker", "artifacts", digest.as_str()];
        let call = self.working.act(Method::PUT, path).raw(&self.working, bytes);
        self.working.done(call).await?;
        Ok(digest)
    }

    /// A step of publishing.
    pub async fn publish(&self, request: &PublishRequest) -> Result<(), Error> {
        let call = self.working.act(Method::POST, ["v1", "worker", "publish"]).body(request);
        Ok(self.working.done(call).await?)
    }

    /// Ends the attempt, after the outbox is empty.
    pub async fn finish(&self, request: &FinishRequest) -> Result<FinishAnswer, Error> {
        self.post("finish", request, "an answer to finish").await
    }

    /// What to do, as soon as it changes. The newest directive holds; a heartbeat asks for it too.
    pub fn directives(&self) -> Signals<Directive> {
        let call = self.working.get(["v1", "worker", "directives"]);
        stream::open(&self.working, call, None, |name, data| match name {
            "directive" => serde_json::from_str(data).map(|event| Parsed::Event(Some(event))),
            _ => Ok(Parsed::Event(None)),
        })
    }

    async fn post<T: serde::de::DeserializeOwned>(
        &self,
        call: &'static str,
        request: &impl Serialize,
        expected: &'static str,
    ) -> Result<T, Error> {
        let call = self.working.act(Method::POST, ["v1", "worker", call]).body(request);
        Ok(self.working.json(call, expected).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_replica_can_tell_apart_what_it_decides_on() {
        let verdict = |code: Code| {
            let problem = Box::new(Problem::new(code, "x"));
            Error::from(crate::Error::Problem { problem, retry_after: None })
        };
        assert!(matches!(verdict(Code::Fenced), Error::Fenced(_)));
        assert!(matches!(verdict(Code::LockLost), Error::LockLost(_)));
        assert!(matches!(verdict(Code::Claimed), Error::Claimed(_)));
        assert!(matches!(verdict(Code::Unauthenticated), Error::Unauthorized(_)));
        assert!(matches!(verdict(Code::EvidenceMissing), Error::Refused(_)));
        assert!(matches!(verdict(Code::Unavailable), Error::Away { .. }));
        assert!(matches!(verdict(Code::Internal), Error::Away { .. }));
        assert_eq!(verdict(Code::Gone).code(), Some(Code::Gone));
    }

    #[test]
    fn a_session_shows_neither_secret() {
        let claim = "a-b.1.2.".to_owned() + &"c".repeat(64);
        let claim = claim.parse::<Bearer>().unwrap();
        let secret = Secret::new("d".repeat(64));
        let session = Session::new(Config::new("http://h", "t"), &claim, secret).unwrap();
        let shown = format!("{session:?}");
        assert!(!shown.contains("cccc") && !shown.contains("dddd"), "{shown}");
    }
}
