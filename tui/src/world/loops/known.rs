//! What is known of one loop. Pure.

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use smith_model::api::{ChainState, Cost, LoopDetail, Why};
use smith_model::attempt::AttemptRecord;
use smith_model::audit::{AuditRecord, Override};
use smith_model::handoff::Handoff;
use smith_model::id::{Digest, LoopId};
use smith_model::story::{IterationRecord, StoriesRecord};
use uuid::Uuid;

use super::{Moment, Slot, Stamp};
use crate::fetch::{Answer, Failure, Fetch, More, Topic};
use crate::fleet::Row;
use crate::paper::{Paper, Subject};

/// What is seen of a loop that runs is asked for again after so long, even though its row says nothing of a change:
/// records may be written a moment after the progress that told of them.
const OLD: SignedDuration = SignedDuration::from_secs(10);
/// The same of the whole trace, which is a big answer.
const OLD_CHAIN: SignedDuration = SignedDuration::from_secs(60);
/// The bytes of artifacts that are kept, as they are shown.
const MOST_PAPER: usize = 16 * 1024 * 1024;

/// Entries of a journal that a timeline has, the newest ones.
const MOST_MOMENTS: usize = 20_000;

/// What is known of a loop.
#[derive(Debug)]
pub struct Known {
    loop_id: LoopId,
    uid: Option<Uuid>,
    /// The loop itself, with its spec.
    pub detail: Slot<LoopDetail>,
    /// What it waits for.
    pub why: Slot<Why>,
    /// Its attempts, oldest first.
    pub attempts: Slot<Vec<AttemptRecord>>,
    /// Its stories; nothing, before a worker found them.
    pub stories: Slot<Option<Box<StoriesRecord>>>,
    /// Its iterations, oldest first.
    pub iterations: Slot<Vec<IterationRecord>>,
    /// Its handoffs, oldest first.
    pub handoffs: Slot<Vec<Handoff>>,
    /// What people changed of it, oldest first.
    pub overrides: Slot<Vec<Override>>,
    /// What people did to it, newest first, and whether there is more.
    pub audit: Slot<(Vec<AuditRecord>, More)>,
    /// What it has cost.
    pub cost: Slot<Cost>,
    /// Whether its journal is what was written.
    pub chain: Slot<ChainState>,
    /// Its journal without output.
    pub moments: Slot<Vec<Moment>>,
    /// Artifacts of it.
    pub papers: Papers,
    /// More of the journal is to be read at once.
    has_more: bool,
}

/// Artifacts, the ones that were looked at last.
#[derive(Debug, Default)]
pub struct Papers {
    /// The one that was looked at last is the last.
    papers: VecDeque<(Digest, Subject, Slot<Arc<Paper>>)>,
}

impl Known {
    pub(super) fn nothing(loop_id: LoopId) -> Self {
        Self {
            loop_id,
            uid: None,
            detail: Slot::default(),
            why: Slot::default(),
            attempts: Slot::default(),
            stories: Slot::default(),
            iterations: Slot::default(),
            handoffs: Slot::default(),
            overrides: Slot::default(),
            audit: Slot::default(),
            cost: Slot::default(),
            chain: Slot::default(),
            moments: Slot::default(),
            papers: Papers::default(),
            has_more: false,
        }
    }

    /// Of which loop.
    pub fn loop_id(&self) -> &LoopId {
        &self.loop_id
    }

    /// The server says that it isn't there, and nothing was known of it.
    pub fn is_absent(&self) -> bool {
        let failure = self.detail.failure().is_some_and(|failure| failure.is_absent);
        failure && self.detail.value().is_none()
    }

    pub(super) fn expire(&mut self) {
        self.detail.expire();
        self.why.expire();
        self.attempts.expire();
        self.stories.expire();
        self.iterations.expire();
        self.handoffs.expire();
        self.overrides.expire();
        self.audit.expire();
        self.cost.expire();
        self.chain.expire();
        self.moments.expire();
        self.papers.expire();
    }

    pub(super) fn ask(
        &mut self,
        now: Timestamp,
        row: Option<&Row>,
        topics: &[Topic],
    ) -> Vec<Fetch> {
        let stamp = row.map(Stamp::of);
        if let Some(stamp) = &stamp {
            if self.uid.is_some_and(|uid| uid != stamp.uid()) {
                *self = Self::nothing(self.loop_id.clone());
            }
            self.uid = Some(stamp.uid());
        }
        let stamp = stamp.as_ref();
        let old = row.filter(|row| !row.state.ended()).map(|_| OLD);
        let mut fetches = vec![];
        for topic in topics {
            let mut topic = topic.clone();
            let is_due = match &mut topic {
                Topic::Detail => self.detail.ask(now, stamp, old),
                Topic::Why => self.why.ask(now, stamp, old),
                Topic::Attempts => self.attempts.ask(now, stamp, old),
                Topic::Stories => self.stories.ask(now, stamp, old),
                Topic::Iterations => self.iterations.ask(now, stamp, old),
                Topic::Handoffs => self.handoffs.ask(now, stamp, old),
                Topic::Overrides => self.overrides.ask(now, stamp, old),
                Topic::Audit => self.audit.ask(now, stamp, old),
                Topic::Cost => self.cost.ask(now, stamp, old),
                Topic::Chain => self.chain.ask(now, None, old.and(Some(OLD_CHAIN))),
                Topic::Moments { after } => {
                    if std::mem::take(&mut self.has_more) {
                        self.moments.expire();
                    }
                    let newest = self.moments.value().and_then(|moments| moments.last());
                    *after = newest.map_or(0, |moment| moment.seq);
                    self.moments.ask(now, stamp, old)
                }
                // What a digest names never changes.
                Topic::Artifact { digest, subject } => {
                    self.papers.look(digest, *subject).ask(now, None, None)
                }
            };
            if is_due {
                fetches.push(Fetch { loop_id: self.loop_id.clone(), topic });
            }
        }
        fetches
    }

    pub(super) fn take(&mut self, topic: Topic, answer: Result<Answer, Failure>) -> bool {
        match answer {
            Err(failure) => self.fail(&topic, failure),
            Ok(Answer::Detail(detail)) => self.detail.take(*detail),
            Ok(Answer::Why(why)) => self.why.take(*why),
            Ok(Answer::Attempts(attempts)) => self.attempts.take(attempts),
            Ok(Answer::Stories(stories)) => self.stories.take(stories),
            Ok(Answer::Iterations(iterations)) => self.iterations.take(iterations),
            Ok(Answer::Handoffs(handoffs)) => self.handoffs.take(handoffs),
            Ok(Answer::Overrides(overrides)) => self.overrides.take(overrides),
            Ok(Answer::Audit(records, more)) => self.audit.take((records, more)),
            Ok(Answer::Cost(cost)) => self.cost.take(*cost),
            Ok(Answer::Chain(chain)) => self.chain.take(chain),
            Ok(Answer::Moments(moments, more)) => self.go_on(moments, more),
            Ok(Answer::Artifact(paper)) => match &topic {
                Topic::Artifact { digest, subject } => {
                    let slot = self.papers.find(digest, *subject);
                    let is_new = slot.is_some_and(|slot| slot.take(Arc::new(*paper)));
                    self.papers.shrink();
                    is_new
                }
                _ => false,
            },
        }
    }

    fn fail(&mut self, topic: &Topic, failure: Failure) -> bool {
        match topic {
            Topic::Detail => self.detail.fail(failure),
            Topic::Why => self.why.fail(failure),
            Topic::Attempts => self.attempts.fail(failure),
            Topic::Stories => self.stories.fail(failure),
            Topic::Iterations => self.iterations.fail(failure),
            Topic::Handoffs => self.handoffs.fail(failure),
            Topic::Overrides => self.overrides.fail(failure),
            Topic::Audit => self.audit.fail(failure),
            Topic::Cost => self.cost.fail(failure),
            Topic::Chain => self.chain.fail(failure),
            Topic::Moments { .. } => self.moments.fail(failure),
            Topic::Artifact { digest, subject } => {
                self.papers.find(digest, *subject).is_some_and(|slot| slot.fail(failure))
            }
        }
    }

    /// Adds what is behind the newest entry that was known.
    fn go_on(&mut self, moments: Vec<Moment>, more: More) -> bool {
        self.has_more = more == More::Some;
        let is_first = self.moments.value().is_none() || self.moments.failure().is_some();
        let mut all = self.moments.known().unwrap_or_default();
        let newest = all.last().map_or(0, |moment| moment.seq);
        let before = all.len();
        // Two answers may overlap, where the second was asked for before the first came.
        all.extend(moments.into_iter().filter(|moment| moment.seq > newest));
        let excess = all.len().saturating_sub(MOST_MOMENTS);
        all.drain(..excess);
        let is_new = is_first || all.len() != before || excess > 0;
        self.moments.take(all);
        is_new
    }
}

impl Papers {
    /// One, as far as it is known.
    pub fn get(&self, digest: &Digest, subject: Subject) -> Option<&Slot<Arc<Paper>>> {
        let found = self.papers.iter().find(|(d, s, _)| d == digest && *s == subject);
        found.map(|(_, _, slot)| slot)
    }

    fn find(&mut self, digest: &Digest, subject: Subject) -> Option<&mut Slot<Arc<Paper>>> {
        let found = self.papers.iter_mut().find(|(d, s, _)| d == digest && *s == subject);
        found.map(|(_, _, slot)| slot)
    }

    fn look(&mut self, digest: &Digest, subject: Subject) -> &mut Slot<Arc<Paper>> {
        let at = self.papers.iter().position(|(d, s, _)| d == digest && *s == subject);
        let paper = at.and_then(|at| self.papers.remove(at));
        let paper = paper.unwrap_or_else(|| (digest.clone(), subject, Slot::default()));
        &mut self.papers.push_back_mut(paper).2
    }

    /// Forgets those that were looked at longest ago, until the rest is small enough; the newest stays.
    fn shrink(&mut self) {
        let size = |slot: &Slot<Arc<Paper>>| slot.value().map_or(0, |paper| paper.bytes());
        let mut kept: usize = self.papers.iter().map(|(_, _, slot)| size(slot)).sum();
        while kept > MOST_PAPER && self.papers.len() > 1 {
            let Some((_, _, slot)) = self.papers.pop_front() else { break };
            kept -= size(&slot);
        }
    }

    fn expire(&mut self) {
        for (_, _, slot) in &mut self.papers {
            // What came is as it will always be.
            if slot.value().is_none() {
                slot.expire();
            }
        }
    }
}
