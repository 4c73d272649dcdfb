//! What people have marked an item of the inbox with: who takes care, who has seen it, until when it sleeps.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Occurrence;
use crate::Extra;

/// A mark as stored under `live/attention/{loop}`. It goes with its loop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = InboxMark))]
pub struct Mark {
    /// Major version of the record.
    pub schema_version: u32,
    /// The occurrence that it is good for.
    pub occurrence: Occurrence,
    /// The identity that takes care of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed_by: Option<String>,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed_at: Option<Timestamp>,
    /// The identity that has seen it and wants it quiet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged_by: Option<String>,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged_at: Option<Timestamp>,
    /// The identity that wants it quiet for a while.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snoozed_by: Option<String>,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snoozed_until: Option<Timestamp>,
    /// The newest note or reason of any of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Fields of a later version.
    #[serde(flatten)]
    #[cfg_attr(feature = "openapi", schema(ignore))]
    pub extra: Extra,
}

/// What a person does to an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Takes care of it; with a reason also where somebody else does.
    Claim {
        /// Why, in the person's words.
        reason: Option<String>,
    },
    /// Gives that up; with a reason also for somebody else.
    Unclaim {
        /// Why, in the person's words.
        reason: Option<String>,
    },
    /// Has seen it: it is quiet for as long as this occurrence lasts.
    Acknowledge {
        /// For the others.
        note: Option<String>,
    },
    /// Wants it quiet for a while.
    Snooze {
        /// Until when.
        until: Timestamp,
        /// For the others.
        note: Option<String>,
    },
    /// Wants it back.
    Unsnooze {
        /// For the others.
        note: Option<String>,
    },
}

/// Somebody else takes care of it, and no reason was given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{by} has claimed it since {since}; give a reason to take it over")]
pub struct Refused {
    /// Who.
    pub by: String,
    /// Since when.
    pub since: Timestamp,
}

impl Act {
    /// The name in journal and audit, behind `inbox.`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Claim { .. } => "claim",
            Self::Unclaim { .. } => "unclaim",
            Self::Acknowledge { .. } => "acknowledge",
            Self::Snooze { .. } => "snooze",
            Self::Unsnooze { .. } => "unsnooze",
        }
    }

    /// The person's words.
    pub fn words(&self) -> Option<&str> {
        match self {
            Self::Claim { reason } | Self::Unclaim { reason } => reason.as_deref(),
            Self::Acknowledge { note } | Self::Snooze { note, .. } | Self::Unsnooze { note } => {
                note.as_deref()
            }
        }
    }
}

impl Mark {
    /// Nothing is marked yet.
    pub fn blank(occurrence: Occurrence) -> Self {
        Self {
            schema_version: crate::SCHEMA_VERSION,
            occurrence,
            claimed_by: None,
            claimed_at: None,
            acknowledged_by: None,
            acknowledged_at: None,
            snoozed_by: None,
            snoozed_until: None,
            note: None,
            extra: Extra::new(),
        }
    }

    /// Does it sleep?
    pub fn snoozes(&self, now: Timestamp) -> bool {
        self.snoozed_until.is_some_and(|until| now < until)
    }

    /// The mark after `by` did `act` to `occurrence`; `None`: it is so already.
    pub fn after(
        before: Option<&Self>,
        occurrence: &Occurrence,
        act: &Act,
        by: &str,
        now: Timestamp,
    ) -> Result<Option<Self>, Refused> {
        let same = before.filter(|mark| mark.occurrence == *occurrence).cloned();
        let before = same.unwrap_or_else(|| Self::blank(occurrence.clone()));
        let mut next = before.clone();
        match act {
            Act::Claim { reason } => {
                before.free_for(by, reason)?;
                if before.claimed_by.as_deref() != Some(by) {
                    (next.claimed_by, next.claimed_at) = (Some(by.to_owned()), Some(now));
                }
            }
            Act::Unclaim { reason } => {
                before.free_for(by, reason)?;
                (next.claimed_by, next.claimed_at) = (None, None);
            }
            Act::Acknowledge { .. } if before.acknowledged_at.is_some() => {}
            Act::Acknowledge { .. } => {
                (next.acknowledged_by, next.acknowledged_at) = (Some(by.to_owned()), Some(now));
            }
            Act::Snooze { until, .. } if before.snoozed_until == Some(*until) => {}
            Act::Snooze { until, .. } => {
                (next.snoozed_by, next.snoozed_until) = (Some(by.to_owned()), Some(*until));
            }
            Act::Unsnooze { .. } => (next.snoozed_by, next.snoozed_until) = (None, None),
        }
        if let Some(words) = act.words() {
            next.note = Some(words.to_owned());
        }
        Ok((next != before).then_some(next))
    }

    fn free_for(&self, by: &str, reason: &Option<String>) -> Result<(), Refused> {
        match (&self.claimed_by, self.claimed_at, reason) {
            (Some(other), Some(since), None) if other != by => {
                Err(Refused { by: other.clone(), since })
            }
            _ => Ok(()),
        }
    }
}
