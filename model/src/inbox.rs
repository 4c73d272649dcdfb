//! The inbox: loops that wait for a person or went wrong, and what people have marked them with.
//!
//! A loop has [`condition`]s, which are read off its records; the worst of them is its [`Item`], so that
//! a loop stands in the inbox once. Steps of the state count at once; what comes and goes by itself has to
//! last ([`standing`]). A condition has an [`Occurrence`]: a [`Mark`] is good for one occurrence, so that
//! what was acknowledged stays quiet, and what happens again is told again.

pub mod condition;
pub mod mark;
pub mod standing;

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::api::LoopItem;
use crate::duration::Span;
use crate::id::{LoopId, ProjectName, Revision};

pub use condition::{Condition, Dependency, conditions};
pub use mark::{Act, Mark, Refused};
pub use standing::{Hysteresis, Standing};

/// How much a thing matters; the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Nothing goes on until a person acts.
    Critical,
    /// Something goes wrong now; Smith deals with it, within bounds.
    Warning,
    /// Worth knowing.
    Notice,
}

/// Why a loop stands in the inbox; the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = InboxKind))]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// It was given up by Smith. One that a person gave up waits for nobody.
    Flatlined,
    /// It depends on a loop that flatlined or was cancelled.
    DependencyEnded,
    /// Its worker was there and has let its lease run out.
    WorkerSilent,
    /// Its agent has done nothing for half the time that counts as stalled, or longer.
    Suspect,
    /// Two or more attempts of the round failed, and another one runs or follows.
    Retrying,
    /// A person's hold stands.
    Held,
}

impl Severity {
    /// All of them, the worst first.
    pub const ALL: [Self; 3] = [Self::Critical, Self::Warning, Self::Notice];

    /// The name on the wire and on screens.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Warning => "warning",
            Self::Notice => "notice",
        }
    }
}

impl Kind {
    /// All of them, the worst first.
    pub const ALL: [Self; 6] = [
        Self::Flatlined,
        Self::DependencyEnded,
        Self::WorkerSilent,
        Self::Suspect,
        Self::Retrying,
        Self::Held,
    ];

    /// The name on the wire and on screens.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Flatlined => "flatlined",
            Self::DependencyEnded => "dependency-ended",
            Self::WorkerSilent => "worker-silent",
            Self::Suspect => "suspect",
            Self::Retrying => "retrying",
            Self::Held => "held",
        }
    }

    /// How much it matters.
    pub fn severity(self) -> Severity {
        match self {
            Self::Flatlined | Self::DependencyEnded => Severity::Critical,
            Self::WorkerSilent | Self::Suspect => Severity::Warning,
            Self::Retrying | Self::Held => Severity::Notice,
        }
    }

    /// Can it come and go without a step of the state? Then it has to last to be told.
    pub fn flaps(self) -> bool {
        match self {
            Self::WorkerSilent | Self::Suspect => true,
            Self::Flatlined | Self::DependencyEnded | Self::Retrying | Self::Held => false,
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A text that names no severity, or no kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} isn't one: use {known}")]
pub struct UnknownName {
    given: String,
    known: String,
}

fn named<T: Copy>(
    text: &str,
    all: &[T],
    name: impl Fn(T) -> &'static str,
) -> Result<T, UnknownName> {
    all.iter().copied().find(|one| name(*one) == text).ok_or_else(|| UnknownName {
        given: text.chars().take(40).collect(),
        known: all.iter().map(|one| name(*one)).collect::<Vec<_>>().join(", "),
    })
}

impl FromStr for Severity {
    type Err = UnknownName;
    fn from_str(text: &str) -> Result<Self, UnknownName> {
        named(text, &Self::ALL, Self::as_str)
    }
}

impl FromStr for Kind {
    type Err = UnknownName;
    fn from_str(text: &str) -> Result<Self, UnknownName> {
        named(text, &Self::ALL, Self::as_str)
    }
}

/// Tells one time that something is so from the next; good for comparing only.
///
/// Every process makes the same of the same records.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String))]
#[serde(try_from = "String", into = "String")]
pub struct Occurrence(String);

/// A text that can't be an occurrence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "an occurrence is 1 to 100 characters of a-z, 0-9, '-' and '.', as an item of the inbox has it"
)]
pub struct InvalidOccurrence;

impl Occurrence {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `what` is what makes it a new occurrence, of letters and digits, as short as a name.
    fn new(uid: Uuid, kind: Kind, what: &str) -> Self {
        Self(format!("{kind}.{:.8}.{what}", uid.simple().to_string()))
    }
}

impl fmt::Display for Occurrence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for Occurrence {
    type Err = InvalidOccurrence;
    fn from_str(text: &str) -> Result<Self, InvalidOccurrence> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b);
        let good = (1..=100).contains(&text.len()) && text.bytes().all(plain);
        good.then(|| Self(text.to_owned())).ok_or(InvalidOccurrence)
    }
}

impl TryFrom<String> for Occurrence {
    type Error = InvalidOccurrence;
    fn try_from(text: String) -> Result<Self, InvalidOccurrence> {
        text.parse()
    }
}

impl From<Occurrence> for String {
    fn from(occurrence: Occurrence) -> Self {
        occurrence.0
    }
}

/// A loop in the inbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = InboxItem))]
pub struct Item {
    /// The loop.
    pub loop_id: LoopId,
    /// Distinguishes it from any other loop that ever was.
    pub uid: Uuid,
    /// Its project.
    pub project: ProjectName,
    /// Its title.
    pub title: String,
    /// Why it stands here.
    pub kind: Kind,
    /// How much that matters.
    pub severity: Severity,
    /// Which time it is that this is so; acts name it.
    pub occurrence: Occurrence,
    /// Since when. Of a silent worker, which writes nothing: since when this API process has seen it.
    pub since: Timestamp,
    /// What happened, in one sentence for people.
    pub message: String,
    /// What a person can do about it, in one sentence.
    pub next: String,
    /// What people have marked this occurrence with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<Mark>,
}

impl Item {
    /// The item of a loop in a condition; a mark of another occurrence says nothing about it.
    pub fn new(
        of: &LoopItem,
        condition: &Condition,
        since: Timestamp,
        mark: Option<&Mark>,
    ) -> Self {
        let Condition { kind, occurrence, since: _, message, next } = condition;
        let record = &of.record;
        Self {
            loop_id: record.loop_id.clone(),
            uid: record.uid,
            project: record.summary.project.clone(),
            title: record.summary.title.clone(),
            kind: *kind,
            severity: kind.severity(),
            occurrence: occurrence.clone(),
            since,
            message: message.clone(),
            next: next.clone(),
            mark: mark.filter(|mark| mark.occurrence == *occurrence).cloned(),
        }
    }

    /// Does it ask for somebody now: neither acknowledged nor snoozed?
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.mark.as_ref().is_none_or(|mark| mark.acknowledged_at.is_none() && !mark.snoozes(now))
    }

    /// Where it stands: the worst first, then the oldest.
    pub fn place(&self) -> Place {
        Place { severity: self.severity, since: self.since, loop_id: self.loop_id.clone() }
    }
}

/// The order of the inbox.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The worst first.
    pub severity: Severity,
    /// The oldest first.
    pub since: Timestamp,
    /// Among equals.
    pub loop_id: LoopId,
}

/// `GET /v1/inbox`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = InboxPage))]
pub struct Page {
    /// The worst first, then the oldest.
    pub items: Vec<Item>,
    /// Where the next page begins; `None`: this was the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// The revision at which the list is read. A stream from here on misses nothing.
    pub revision: Revision,
    /// The server has lost touch with its store since then: what stands here may be outdated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_lost_since: Option<Timestamp>,
}

/// The events of `GET /v1/inbox/stream`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = InboxEvent))]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// An item is new, or changed.
    Updated(Box<Item>),
    /// A loop doesn't stand in the inbox any more, or left the filter.
    Removed {
        /// The loop.
        loop_id: LoopId,
    },
    /// Forget everything: what follows is the whole inbox.
    Reset,
    /// The whole inbox was sent; what follows is live.
    Ready,
    /// The server has lost touch with its store: what was told may be outdated, and nothing is told.
    SourceLost {
        /// Since when.
        since: Timestamp,
    },
    /// It is in touch again, and what was missed has been told, or is told next.
    SourceFound,
}

/// `POST /v1/inbox/{loop}/claim` and `/unclaim`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = InboxClaimRequest))]
#[serde(deny_unknown_fields)]
pub struct ClaimRequest {
    /// The occurrence that is meant.
    pub occurrence: Occurrence,
    /// Why, in the person's words; without it nothing is taken from somebody else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// `POST /v1/inbox/{loop}/acknowledge` and `/unsnooze`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = InboxNoteRequest))]
#[serde(deny_unknown_fields)]
pub struct NoteRequest {
    /// The occurrence that is meant.
    pub occurrence: Occurrence,
    /// A note for the others, in the person's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// `POST /v1/inbox/{loop}/snooze`; exactly one of `until` and `for`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = InboxSnoozeRequest))]
#[serde(deny_unknown_fields)]
pub struct SnoozeRequest {
    /// The occurrence that is meant.
    pub occurrence: Occurrence,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// For how long.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub span: Option<Span>,
    /// A note for the others, in the person's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

#[cfg(test)]
mod tests;
