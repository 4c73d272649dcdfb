//! What a key is, by its text: read here anew, so that a mistake in the store's own keys shows.

use smith_model::id::LoopId;

/// What lies under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Anomaly(LoopId),
    State(LoopId),
    Progress(LoopId),
    Lock(LoopId),
    /// What people marked a loop with in the inbox.
    Attention(LoopId),
    Leader,
    /// Of the attempt with this number, as in the key.
    Attempt(LoopId, String),
    Stories(LoopId),
    Iteration(LoopId),
    Head(String),
    /// A journal (a loop's, or `_system`) and the number as in the key.
    Entry(String, String),
    Handoff(LoopId, String),
    Override(LoopId, String),
    Audit,
    Request,
    /// A ticket that was used.
    Ticket,
    Tombstone(LoopId),
    Installation,
    /// Tokens, members, the tick, and who depends on whom.
    Other,
    /// Nothing that is known.
    Unknown,
}

/// The journal of acts that belong to no loop.
pub(super) const SYSTEM: &str = "_system";

impl Kind {
    pub(super) fn of(key: &str) -> Self {
        let parts: Vec<&str> = key.split('/').collect();
        let id = |text: &str| text.parse::<LoopId>().ok();
        let known = match parts[..] {
            ["anomalies", l] => id(l).map(Self::Anomaly),
            ["live", "state", l] => id(l).map(Self::State),
            ["live", "progress", l] => id(l).map(Self::Progress),
            ["live", "locks", l] => id(l).map(Self::Lock),
            ["live", "attention", l] => id(l).map(Self::Attention),
            ["live", "leader"] => Some(Self::Leader),
            ["live", "tick"] | ["live", "members" | "tokens", _] => Some(Self::Other),
            ["attempts", l, no] => id(l).map(|l| Self::Attempt(l, no.to_owned())),
            ["stories", l] => id(l).map(Self::Stories),
            ["iterations", l, _] => id(l).map(Self::Iteration),
            ["heads", scope] => Some(Self::Head(scope.to_owned())),
            ["journal", scope, seq] => Some(Self::Entry(scope.to_owned(), seq.to_owned())),
            ["handoffs", l, seq] => id(l).map(|l| Self::Handoff(l, seq.to_owned())),
            ["overrides", l, seq] => id(l).map(|l| Self::Override(l, seq.to_owned())),
            ["audit", _, _] => Some(Self::Audit),
            ["requests", _] => Some(Self::Request),
            ["tickets", _] => Some(Self::Ticket),
            ["tombstones", l] => id(l).map(Self::Tombstone),
            ["dependents", a, b] => id(a).and(id(b)).map(|_| Self::Other),
            ["meta", "installation"] => Some(Self::Installation),
            ["meta", "generation"] => Some(Self::Other),
            _ => None,
        };
        known.unwrap_or(Self::Unknown)
    }

    /// May it be written once only?
    pub(super) fn is_written_once(&self) -> bool {
        match self {
            Self::Anomaly(_)
            | Self::Iteration(_)
            | Self::Entry(..)
            | Self::Handoff(..)
            | Self::Override(..)
            | Self::Audit
            | Self::Request
            | Self::Ticket
            | Self::Tombstone(_)
            | Self::Installation => true,
            Self::State(_)
            | Self::Progress(_)
            | Self::Lock(_)
            | Self::Attention(_)
            | Self::Leader
            | Self::Attempt(..)
            | Self::Stories(_)
            | Self::Head(_)
            | Self::Other
            | Self::Unknown => false,
        }
    }

    /// Does it stay also when its loop is deleted?
    pub(super) fn outlives_its_loop(&self) -> bool {
        matches!(self, Self::Audit | Self::Request | Self::Tombstone(_) | Self::Installation)
    }

    /// Does it go by itself, when it can't be used any more?
    pub(super) fn expires(&self) -> bool {
        *self == Self::Ticket
    }

    /// Whose it is, where it goes with its loop.
    pub(super) fn loop_id(&self) -> Option<LoopId> {
        match self {
            Self::Anomaly(id)
            | Self::State(id)
            | Self::Progress(id)
            | Self::Lock(id)
            | Self::Attention(id)
            | Self::Attempt(id, _)
            | Self::Stories(id)
            | Self::Iteration(id)
            | Self::Handoff(id, _)
            | Self::Override(id, _) => Some(id.clone()),
            Self::Head(scope) | Self::Entry(scope, _) => scope.parse().ok(),
            Self::Tombstone(_)
            | Self::Leader
            | Self::Audit
            | Self::Request
            | Self::Ticket
            | Self::Installation
            | Self::Other
            | Self::Unknown => None,
        }
    }
}
