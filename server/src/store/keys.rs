//! Where everything lies in etcd. Every number in a key is zero-padded, so that keys sort as numbers.

use sha2::{Digest as _, Sha256};
use smith_model::id::{AttemptNo, LoopId, ProjectName, TokenId};
use uuid::Uuid;

/// The name of the journal for acts that belong to no loop. No loop can have it.
pub const SYSTEM: &str = "_system";

/// Makes keys under one prefix.
#[derive(Clone, Debug)]
pub struct Keys {
    prefix: String,
}

/// What a key under `live/` is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LiveKey {
    /// A loop's state record.
    State(LoopId),
    /// A loop's progress.
    Progress(LoopId),
    /// A loop's lock.
    Lock(LoopId),
    /// What people marked a loop with in the inbox.
    Attention(LoopId),
    /// A token.
    Token(TokenId),
    /// The core that leads.
    Leader,
    /// A process that is alive.
    Member(String),
    /// Written by whoever waits for its own event.
    Tick,
}

impl Keys {
    /// Keys under `prefix`, which may end with a slash or not.
    pub fn new(prefix: &str) -> Self {
        Self { prefix: prefix.trim_end_matches('/').to_owned() }
    }

    /// Everything that is listed, streamed or reconciled.
    pub fn live(&self) -> String {
        format!("{}/live/", self.prefix)
    }

    /// What a key under [`Keys::live`] is; `None`: something of a later version.
    pub fn parse_live(&self, key: &[u8]) -> Option<LiveKey> {
        let key = std::str::from_utf8(key).ok()?;
        let rest = key.strip_prefix(self.prefix.as_str())?.strip_prefix("/live/")?;
        Some(match rest.split_once('/') {
            Some(("state", id)) => LiveKey::State(id.parse().ok()?),
            Some(("progress", id)) => LiveKey::Progress(id.parse().ok()?),
            Some(("locks", id)) => LiveKey::Lock(id.parse().ok()?),
            Some(("attention", id)) => LiveKey::Attention(id.parse().ok()?),
            Some(("tokens", id)) => LiveKey::Token(id.parse().ok()?),
            Some(("members", name)) => LiveKey::Member(name.to_owned()),
            None if rest == "leader" => LiveKey::Leader,
            None if rest == "tick" => LiveKey::Tick,
            _ => return None,
        })
    }

    /// The spec.
    pub fn anomaly(&self, id: &LoopId) -> String {
        format!("{}/anomalies/{id}", self.prefix)
    }

    /// The state record.
    pub fn state(&self, id: &LoopId) -> String {
        format!("{}/live/state/{id}", self.prefix)
    }

    /// The worker's progress.
    pub fn progress(&self, id: &LoopId) -> String {
        format!("{}/live/progress/{id}", self.prefix)
    }

    /// The worker's lock.
    pub fn lock(&self, id: &LoopId) -> String {
        format!("{}/live/locks/{id}", self.prefix)
    }

    /// What people marked a loop with in the inbox.
    pub fn attention(&self, id: &LoopId) -> String {
        format!("{}/live/attention/{id}", self.prefix)
    }

    /// A token.
    pub fn token(&self, id: &TokenId) -> String {
        format!("{}/live/tokens/{id}", self.prefix)
    }

    /// The core that leads.
    pub fn leader(&self) -> String {
        format!("{}/live/leader", self.prefix)
    }

    /// A process that is alive.
    pub fn member(&self, name: &str) -> String {
        format!("{}/live/members/{name}", self.prefix)
    }

    /// See [`LiveKey::Tick`].
    pub fn tick(&self) -> String {
        format!("{}/live/tick", self.prefix)
    }

    /// All attempts of a loop.
    pub fn attempts(&self, id: &LoopId) -> String {
        format!("{}/attempts/{id}/", self.prefix)
    }

    /// One attempt.
    pub fn attempt(&self, id: &LoopId, no: AttemptNo) -> String {
        format!("{}{}", self.attempts(id), no.key())
    }

    /// The stories.
    pub fn stories(&self, id: &LoopId) -> String {
        format!("{}/stories/{id}", self.prefix)
    }

    /// All iterations of a loop.
    pub fn iterations(&self, id: &LoopId) -> String {
        format!("{}/iterations/{id}/", self.prefix)
    }

    /// All iterations of an attempt.
    pub fn iterations_of(&self, id: &LoopId, no: AttemptNo) -> String {
        format!("{}{}.", self.iterations(id), no.key())
    }

    /// One iteration.
    pub fn iteration(&self, id: &LoopId, no: AttemptNo, n: u32) -> String {
        format!("{}{n:06}", self.iterations_of(id, no))
    }

    /// The head of a journal: a loop's, or [`SYSTEM`].
    pub fn head(&self, scope: &str) -> String {
        format!("{}/heads/{scope}", self.prefix)
    }

    /// A whole journal.
    pub fn journal(&self, scope: &str) -> String {
        format!("{}/journal/{scope}/", self.prefix)
    }

    /// One entry of a journal.
    pub fn entry(&self, scope: &str, seq: u64) -> String {
        format!("{}{seq:020}", self.journal(scope))
    }

    /// All handoffs of a loop.
    pub fn handoffs(&self, id: &LoopId) -> String {
        format!("{}/handoffs/{id}/", self.prefix)
    }

    /// All overrides of a loop.
    pub fn overrides(&self, id: &LoopId) -> String {
        format!("{}/overrides/{id}/", self.prefix)
    }

    /// All audit records.
    pub fn audit(&self) -> String {
        format!("{}/audit/", self.prefix)
    }

    /// The audit records of the day (UTC) of a time.
    pub fn audit_day(&self, at: jiff::Timestamp) -> String {
        format!("{}{}/", self.audit(), at.strftime("%Y-%m-%d"))
    }

    /// One audit record, under the day (UTC) of its time.
    pub fn audit_record(&self, at: jiff::Timestamp, id: Uuid) -> String {
        format!("{}{id}", self.audit_day(at))
    }

    /// A ticket that was used; not under `live/`, since nobody watches them.
    pub fn ticket(&self, nonce: Uuid) -> String {
        format!("{}/tickets/{nonce}", self.prefix)
    }

    /// A used idempotency key.
    pub fn request(&self, project: &ProjectName, key: &str) -> String {
        let mut hash = Sha256::new();
        hash.update(project.as_str());
        hash.update([0]);
        hash.update(key);
        format!("{}/requests/{}", self.prefix, hex::encode(hash.finalize()))
    }

    /// All loops that were created to depend on one.
    pub fn dependents(&self, id: &LoopId) -> String {
        format!("{}/dependents/{id}/", self.prefix)
    }

    /// Says that `dependent` depends on `id`, so that a delete and a create can't pass each other.
    pub fn dependent(&self, id: &LoopId, dependent: &LoopId) -> String {
        format!("{}{dependent}", self.dependents(id))
    }

    /// What is left of a deleted loop.
    pub fn tombstone(&self, id: &LoopId) -> String {
        format!("{}/tombstones/{id}", self.prefix)
    }

    /// The installation's id.
    pub fn installation(&self) -> String {
        format!("{}/meta/installation", self.prefix)
    }

    /// The number of times that history was replaced.
    pub fn generation(&self) -> String {
        format!("{}/meta/generation", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn live_keys_are_read_back() {
        let keys = Keys::new("/smith/v1/");
        let id: LoopId = "a-b".parse().expect("valid");
        let check = |key: String, expected| assert_eq!(keys.parse_live(key.as_bytes()), expected);
        check(keys.state(&id), Some(LiveKey::State(id.clone())));
        check(keys.progress(&id), Some(LiveKey::Progress(id.clone())));
        check(keys.lock(&id), Some(LiveKey::Lock(id.clone())));
        check(keys.attention(&id), Some(LiveKey::Attention(id.clone())));
        check(keys.leader(), Some(LiveKey::Leader));
        check(keys.tick(), Some(LiveKey::Tick));
        check("/smith/v1/live/later".into(), None);
        check(keys.anomaly(&id), None);
    }

    #[test]
    fn numbers_sort_as_keys() {
        let keys = Keys::new("/s");
        let id: LoopId = "a".parse().expect("valid");
        assert!(keys.entry("a", 9) < keys.entry("a", 10));
        let no = |round, attempt| AttemptNo { round, attempt };
        assert!(keys.attempt(&id, no(1, 10)) < keys.attempt(&id, no(2, 1)));
        assert!(keys.iteration(&id, no(1, 1), 9) < keys.iteration(&id, no(1, 1), 10));
    }
}
