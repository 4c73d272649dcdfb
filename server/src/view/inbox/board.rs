//! What stands in the inbox, and the log of how it came to that. Pure: records and times come in.
//!
//! The log is the queue of all streams, as the view's ring is: a reader has a position and no buffer.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;
use smith_model::api::LoopItem;
use smith_model::id::{LoopId, Revision};
use smith_model::inbox::{Condition, Dependency, Hysteresis, Item, Mark, Standing, conditions};

/// What is looked at of a loop.
#[derive(Clone, Debug)]
pub(super) struct Observed {
    pub(super) item: Arc<LoopItem>,
    pub(super) dependencies: Vec<(LoopId, Option<Arc<LoopItem>>)>,
    pub(super) mark: Option<Arc<Mark>>,
}

/// One loop that has something to know.
#[derive(Debug, Default)]
struct Watched {
    standing: Standing,
    shown: Option<Arc<Item>>,
    /// What isn't shown yet, but may be by another process.
    coming: Option<Arc<Item>>,
    /// What it was made of, to be made anew when time has passed.
    observed: Option<Observed>,
}

/// A change of the board.
#[derive(Clone, Debug)]
pub(super) struct Moved {
    pub(super) revision: Revision,
    pub(super) at: Timestamp,
    pub(super) cause: Cause,
    /// Whether who has this one has everything up to the revision, and can go on from there elsewhere.
    pub(super) resumable: Resumable,
    /// What may have been shown.
    pub(super) before: Option<Arc<Item>>,
    /// What is shown now.
    pub(super) after: Option<Arc<Item>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// Something was written at the revision.
    Written,
    /// Time has passed since.
    Time,
    /// It was written that what was never shown here isn't so any more: that matters only to those who
    /// come from another process, which may have shown it.
    Unshown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resumable {
    Yes,
    No,
}

/// How many changes are remembered: some hours of a busy fleet.
const MOST_MOVED: usize = 4096;

#[derive(Debug)]
pub(super) struct Board {
    times: Hysteresis,
    loops: HashMap<LoopId, Watched>,
    log: VecDeque<Moved>,
    /// How many changes were forgotten: the number of the first that is remembered.
    forgotten: u64,
    /// Everything behind it is remembered.
    floor: Revision,
    /// Up to when snoozes were looked at.
    at: Timestamp,
}

impl Board {
    pub(super) fn new(times: Hysteresis, floor: Revision, now: Timestamp) -> Self {
        let (loops, log) = (HashMap::new(), VecDeque::new());
        Self { times, loops, log, forgotten: 0, floor, at: now }
    }

    /// All items that match, in the order of the inbox.
    pub(super) fn items(&self, matches: impl Fn(&Item) -> bool) -> Vec<Arc<Item>> {
        let shown = self.loops.values().filter_map(|watched| watched.shown.as_ref());
        let mut items: Vec<_> = shown.filter(|item| matches(item)).cloned().collect();
        items.sort_by_cached_key(|item| item.place());
        items
    }

    /// Takes in a loop as it was seen at a revision; `None`: there is no such loop.
    pub(super) fn observe(
        &mut self,
        id: &LoopId,
        observed: Option<Observed>,
        revision: Revision,
        now: Timestamp,
    ) {
        let mut watched = self.loops.remove(id).unwrap_or_default();
        match &observed {
            Some(observed) => see(&mut watched.standing, observed, now, self.times),
            None => watched.standing = Standing::default(),
        }
        watched.observed = observed;
        self.put(id, watched, revision, Cause::Written, now);
    }

    /// Takes in that only these loops are left.
    pub(super) fn forget_others(
        &mut self,
        left: &BTreeSet<&LoopId>,
        revision: Revision,
        now: Timestamp,
    ) {
        let gone: Vec<_> = self.loops.keys().filter(|id| !left.contains(id)).cloned().collect();
        for id in gone {
            self.observe(&id, None, revision, now);
        }
    }

    /// Takes in that it is later, and nothing was written since `revision`.
    pub(super) fn advance(&mut self, revision: Revision, now: Timestamp) {
        let is_due = |watched: &Watched| {
            let flaps = watched.standing.due(self.times).is_some_and(|due| due <= now);
            flaps || wakes(watched, self.at).is_some_and(|at| at <= now)
        };
        let due = self.loops.iter().filter(|(_, watched)| is_due(watched));
        let due: Vec<_> = due.map(|(id, _)| id.clone()).collect();
        for id in due {
            let Some(mut watched) = self.loops.remove(&id) else { continue };
            watched.standing.advance(now, self.times);
            self.put(&id, watched, revision, Cause::Time, now);
        }
        self.at = self.at.max(now);
        self.settle();
    }

    /// Ends what was taken in together: whoever has the last change of it has all of it.
    pub(super) fn settle(&mut self) {
        let lingers = self.loops.values().any(|watched| watched.standing.lingers());
        if let Some(last) = self.log.back_mut() {
            // What lingers goes without another write, so that another process can't know that it has to.
            last.resumable = if lingers { Resumable::No } else { Resumable::Yes };
        }
    }

    /// Does something stand that isn't so any more?
    pub(super) fn lingers(&self) -> bool {
        self.loops.values().any(|watched| watched.standing.lingers())
    }

    /// When [`Board::advance`] has something to do.
    pub(super) fn due(&self, now: Timestamp) -> Option<Timestamp> {
        let due = |watched: &Watched| {
            let wakes = wakes(watched, now.max(self.at));
            watched.standing.due(self.times).into_iter().chain(wakes).min()
        };
        self.loops.values().filter_map(due).min()
    }

    /// How a loop stands after what was seen of it now, without taking it in.
    pub(super) fn judge(&self, id: &LoopId, observed: &Observed, now: Timestamp) -> Standing {
        let known = self.loops.get(id).map(|watched| watched.standing.clone());
        let mut standing = known.unwrap_or_default();
        see(&mut standing, observed, now, self.times);
        standing
    }

    /// The changes behind a position, and the position behind them; `None`: they aren't all remembered.
    pub(super) fn after(&self, position: u64, most: usize) -> Option<(Vec<Moved>, u64)> {
        let skip = usize::try_from(position.checked_sub(self.forgotten)?).ok()?;
        let found: Vec<_> = self.log.iter().skip(skip).take(most).cloned().collect();
        let next = position + found.len() as u64;
        Some((found, next))
    }

    /// The position behind everything.
    pub(super) fn end(&self) -> u64 {
        self.forgotten + self.log.len() as u64
    }

    /// The position of who has everything up to a revision; `None`: that isn't remembered.
    pub(super) fn position(&self, revision: Revision) -> Option<u64> {
        if revision < self.floor {
            return None;
        }
        let has = |moved: &Moved| {
            let by_time = moved.revision == revision && moved.cause == Cause::Time;
            moved.revision <= revision && !by_time
        };
        let had = self.log.iter().take_while(|moved| has(moved)).count();
        Some(self.forgotten + had as u64)
    }

    fn put(
        &mut self,
        id: &LoopId,
        mut watched: Watched,
        revision: Revision,
        cause: Cause,
        now: Timestamp,
    ) {
        let before = watched.shown.take();
        let came = watched.coming.take();
        if let Some(observed) = &watched.observed {
            let make = |condition: &Condition, since: Option<Timestamp>| {
                let mark = observed.mark.as_deref();
                let since = since.unwrap_or(observed.item.record.updated_at);
                Arc::new(Item::new(&observed.item, condition, since, mark))
            };
            watched.shown = watched.standing.worst().map(|(found, since)| make(found, since));
            watched.coming = watched.standing.coming().map(|(found, at)| make(found, Some(at)));
        }
        let after = watched.shown.clone();
        let awake = |item: &Arc<Item>| item.mark.as_ref().and_then(|mark| mark.snoozed_until);
        let woken = after.as_ref().and_then(awake).is_some_and(|at| self.at < at && at <= now);
        if before != after || (cause == Cause::Time && woken) {
            self.push(revision, cause, before, after, now);
        } else if after.is_none() && watched.coming.is_none() && came.is_some() {
            self.push(revision, Cause::Unshown, came, None, now);
        }
        if !watched.standing.is_empty() {
            self.loops.insert(id.clone(), watched);
        }
    }

    fn push(
        &mut self,
        revision: Revision,
        cause: Cause,
        before: Option<Arc<Item>>,
        after: Option<Arc<Item>>,
        at: Timestamp,
    ) {
        let resumable = Resumable::No;
        self.log.push_back(Moved { revision, at, cause, resumable, before, after });
        if self.log.len() > MOST_MOVED
            && let Some(oldest) = self.log.pop_front()
        {
            self.forgotten += 1;
            // What time brought at that revision is forgotten too.
            self.floor = Revision(oldest.revision.0 + 1);
        }
    }
}

/// Takes in what is so with a loop now.
fn see(standing: &mut Standing, observed: &Observed, now: Timestamp, times: Hysteresis) {
    let Observed { item, dependencies, mark: _ } = observed;
    let dependencies: Vec<_> = dependencies
        .iter()
        .map(|(loop_id, item)| Dependency { loop_id, record: item.as_ref().map(|i| &i.record) })
        .collect();
    let record = &item.record;
    let attempt = record.current_attempt().filter(|no| record.is_running(*no));
    standing.observe(attempt, conditions(item, &dependencies), now, times);
}

/// When a snoozed item comes back, if that is later than `after`.
fn wakes(watched: &Watched, after: Timestamp) -> Option<Timestamp> {
    let mark = watched.shown.as_ref()?.mark.as_ref()?;
    mark.snoozed_until.filter(|at| *at > after)
}

#[cfg(test)]
mod tests;
