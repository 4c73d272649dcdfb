//! Which condition of a loop counts as there: hysteresis for those that come and go by themselves.
//!
//! A silent agent that prints a line now and then would else come and go with every line. So such a
//! condition has to last before it stands, and to be gone for a while before it doesn't. Steps of the
//! state are no such thing: they count at once, and end what was so with the attempt before.

use jiff::Timestamp;

use super::{Condition, Occurrence};
use crate::duration::Span;
use crate::id::AttemptNo;

/// How long something has to last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hysteresis {
    /// Before it is there.
    pub appears_after: Span,
    /// Before it is gone.
    pub goes_after: Span,
}

impl Default for Hysteresis {
    fn default() -> Self {
        Self { appears_after: Span::seconds(10), goes_after: Span::seconds(30) }
    }
}

/// The conditions of one loop over time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    attempt: Option<AttemptNo>,
    steady: Option<Condition>,
    flapping: Vec<Flapping>,
}

/// A condition that comes and goes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Flapping {
    condition: Condition,
    since: Timestamp,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// So since then, and not long enough yet.
    Coming(Timestamp),
    There,
    /// Not so since then, and not long enough yet.
    Going(Timestamp),
}

impl Phase {
    fn shows(self) -> bool {
        match self {
            Self::Coming(_) => false,
            Self::There | Self::Going(_) => true,
        }
    }

    fn due(self, times: Hysteresis) -> Option<Timestamp> {
        match self {
            Self::Coming(since) => since.checked_add(times.appears_after.signed()).ok(),
            Self::There => None,
            Self::Going(since) => since.checked_add(times.goes_after.signed()).ok(),
        }
    }
}

impl Standing {
    /// Takes in what is so now, of the attempt that runs (`None`: none does).
    pub fn observe(
        &mut self,
        attempt: Option<AttemptNo>,
        conditions: Vec<Condition>,
        now: Timestamp,
        times: Hysteresis,
    ) {
        if self.attempt != attempt {
            self.attempt = attempt;
            self.flapping.clear();
        }
        let (flapping, steady): (Vec<_>, Vec<_>) =
            conditions.into_iter().partition(|condition| condition.kind.flaps());
        self.steady = steady.into_iter().min_by_key(|condition| condition.kind);
        // What was due before comes first: a look that came late must not undo it.
        self.advance(now, times);
        for known in &mut self.flapping {
            let still = flapping.iter().any(|c| c.kind == known.condition.kind);
            known.phase = match known.phase {
                Phase::There if !still => Phase::Going(now),
                Phase::Going(_) if still => Phase::There,
                phase => phase,
            };
        }
        self.flapping.retain(|known| {
            known.phase.shows() || flapping.iter().any(|c| c.kind == known.condition.kind)
        });
        for condition in flapping {
            // A clock ahead of this one must not keep it away.
            let since = condition.since.map_or(now, |since| since.min(now));
            match self.flapping.iter_mut().find(|known| known.condition.kind == condition.kind) {
                Some(known) => {
                    let told = condition.since.is_some();
                    let another = known.condition.occurrence != condition.occurrence;
                    known.since = if told || another { since } else { known.since };
                    known.condition = condition;
                }
                None => {
                    let phase = Phase::Coming(since);
                    self.flapping.push(Flapping { condition, since, phase });
                }
            }
        }
        self.advance(now, times);
    }

    /// Takes in that it is later. Nothing else may have changed, so only one who is sure of that says so.
    pub fn advance(&mut self, now: Timestamp, times: Hysteresis) {
        let is_due = |phase: Phase| phase.due(times).is_some_and(|at| at <= now);
        self.flapping
            .retain(|known| !(is_due(known.phase) && matches!(known.phase, Phase::Going(_))));
        for known in &mut self.flapping {
            if is_due(known.phase) {
                known.phase = Phase::There;
            }
        }
    }

    /// The worst condition that counts as there, and since when it is so.
    pub fn worst(&self) -> Option<(&Condition, Option<Timestamp>)> {
        let flapping = self.flapping.iter().filter(|known| known.phase.shows());
        let flapping = flapping.map(|known| (&known.condition, Some(known.since)));
        let steady = self.steady.iter().map(|condition| (condition, condition.since));
        steady.chain(flapping).min_by_key(|(condition, _)| condition.kind)
    }

    /// When [`Standing::advance`] has something to do.
    pub fn due(&self, times: Hysteresis) -> Option<Timestamp> {
        self.flapping.iter().filter_map(|known| known.phase.due(times)).min()
    }

    /// Is something shown that isn't so any more?
    pub fn lingers(&self) -> bool {
        self.flapping.iter().any(|known| matches!(known.phase, Phase::Going(_)))
    }

    /// Is there nothing to know?
    pub fn is_empty(&self) -> bool {
        self.steady.is_none() && self.flapping.is_empty()
    }

    /// What is still coming: another process, which has seen more of it, may show it already.
    pub fn coming(&self) -> Option<(&Condition, Timestamp)> {
        let coming = self.flapping.iter().filter(|known| !known.phase.shows());
        let worst = coming.min_by_key(|known| known.condition.kind);
        worst.map(|known| (&known.condition, known.since))
    }

    /// What somebody means who names that occurrence, and since when it is so; `None`: nothing that is now.
    pub fn find(&self, occurrence: &Occurrence) -> Option<(&Condition, Option<Timestamp>)> {
        let coming = self.coming().map(|(condition, since)| (condition, Some(since)));
        let mut all = self.worst().into_iter().chain(coming);
        all.find(|(condition, _)| condition.occurrence == *occurrence)
    }
}
