//! The last batches, so that those who read slowly, or come back, go on without asking etcd. Pure.
//!
//! It is also the only queue of all streams: a reader has a position and no buffer of its own, so a slow
//! one costs nothing and holds up nobody.

use std::collections::VecDeque;
use std::sync::Arc;

use smith_model::id::Revision;

use super::table::Batch;

/// How much is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    pub(super) batches: usize,
    pub(super) bytes: usize,
}

/// Some minutes of a busy fleet (50 changes a second), and a bound for the memory of it.
pub(super) const ROOM: Room = Room { batches: 16 * 1024, bytes: 16 * 1024 * 1024 };

/// Batches in the order of their revisions.
#[derive(Debug)]
pub(super) struct Ring {
    batches: VecDeque<(usize, Arc<Batch>)>,
    bytes: usize,
    room: Room,
    /// Everything after it is here.
    floor: Revision,
}

/// What follows a position.
pub(super) enum After {
    /// These, in order; maybe none.
    Batches(Vec<Arc<Batch>>),
    /// It isn't known here any more (or never was).
    Unknown,
}

impl Ring {
    pub(super) fn new(floor: Revision, room: Room) -> Self {
        Self { batches: VecDeque::new(), bytes: 0, room, floor }
    }

    pub(super) fn push(&mut self, batch: Arc<Batch>) {
        let weight = batch.weight();
        self.bytes += weight;
        self.batches.push_back((weight, batch));
        // The newest stays, however large, so that whoever keeps up never asks etcd.
        while self.batches.len() > 1
            && (self.batches.len() > self.room.batches || self.bytes > self.room.bytes)
            && let Some((weight, oldest)) = self.batches.pop_front()
        {
            self.bytes -= weight;
            self.floor = oldest.revision;
        }
    }

    /// At most `most` batches that follow a position.
    pub(super) fn after(&self, position: Revision, most: usize) -> After {
        if position < self.floor {
            return After::Unknown;
        }
        let first = self.batches.partition_point(|(_, batch)| batch.revision <= position);
        let rest = self.batches.range(first..);
        // A batch that stands for a span says nothing to one who stands within it.
        if rest.clone().next().is_some_and(|(_, batch)| batch.is_entered_by(position)) {
            return After::Unknown;
        }
        After::Batches(rest.take(most).map(|(_, batch)| batch.clone()).collect())
    }
}

impl Batch {
    fn is_entered_by(&self, position: Revision) -> bool {
        self.since < position
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::table::LeaderChange;

    fn batch(since: i64, revision: i64) -> Arc<Batch> {
        Arc::new(Batch {
            since: Revision(since),
            revision: Revision(revision),
            loops: vec![],
            locks: vec![],
            marks: vec![],
            tokens: vec![],
            leader: LeaderChange::Changed,
        })
    }

    fn check(ring: &Ring, position: i64, expected: Option<&[i64]>) {
        let found = match ring.after(Revision(position), 10) {
            After::Batches(found) => Some(found.iter().map(|b| b.revision.0).collect::<Vec<_>>()),
            After::Unknown => None,
        };
        assert_eq!(found.as_deref(), expected, "after {position}");
    }

    #[test]
    fn a_position_is_answered_exactly_or_not_at_all() {
        let mut ring = Ring::new(Revision(5), Room { batches: 3, bytes: 1 << 20 });
        check(&ring, 4, None);
        check(&ring, 5, Some(&[]));
        ring.push(batch(6, 7));
        ring.push(batch(9, 10));
        check(&ring, 5, Some(&[7, 10]));
        check(&ring, 8, Some(&[10]));
        // History was compacted away: one batch stands for all from 12 to 20.
        ring.push(batch(12, 20));
        check(&ring, 7, Some(&[10, 20]));
        check(&ring, 12, Some(&[20]));
        check(&ring, 15, None);
        check(&ring, 20, Some(&[]));
        ring.push(batch(20, 21));
        check(&ring, 6, None);
        check(&ring, 7, Some(&[10, 20, 21]));
    }

    #[test]
    fn bytes_bound_it_too() {
        let mut ring = Ring::new(Revision(0), Room { batches: 100, bytes: 1 });
        ring.push(batch(0, 1));
        ring.push(batch(1, 2));
        check(&ring, 0, None);
        check(&ring, 1, Some(&[2]));
    }
}
