//! How much came, how much was skipped, when the owner is told, and when the task has worked enough. Pure.

use std::time::Duration;

use smith_term::message::{FromWorker, Position, Snapshot, Welcome};
use tokio::time::Instant;

use crate::panes::News;

/// The time between two notices, as between two frames that data asks for.
const FRAME: Duration = Duration::from_millis(33);
/// Whoever works so long in such a time rests twice as long as it worked: a flood costs a third of a processor at most.
const WORK: Duration = Duration::from_millis(10);
/// The longest rest.
const LONGEST: Duration = Duration::from_millis(250);
/// How long a program may be in the middle of drawing before that is shown as it stands.
const UPDATING: Duration = Duration::from_millis(150);
/// What is shown at once when it was quiet before, or somebody waits for it.
const SOON: Duration = Duration::from_millis(2);

/// The meter.
#[derive(Debug, Default)]
pub(super) struct Meter {
    bytes: u64,
    skipped: u64,
    is_echo: bool,
    /// Where the output stands, once that is known.
    position: Option<Position>,
    due: Option<Instant>,
    /// Until when it is waited for the end of what a program draws.
    updating: Option<Instant>,
    told: Option<Instant>,
    /// Since when work is counted, and how much it was.
    frame: Option<Instant>,
    work: Duration,
    rest: Option<Instant>,
}

impl Meter {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Something was typed: what is printed next is waited for.
    pub(super) fn typed(&mut self) {
        self.is_echo = true;
    }

    /// Counts a message.
    pub(super) fn hears(&mut self, message: &FromWorker) {
        match message {
            FromWorker::Output(bytes) => {
                self.bytes += bytes.len() as u64;
                if let Some(position) = &mut self.position {
                    position.offset += bytes.len() as u64;
                }
            }
            FromWorker::Snapshot(Snapshot { at, .. }) => {
                let before = self.position.replace(*at);
                if let Some(before) = before.filter(|before| before.generation == at.generation) {
                    self.skipped += at.offset.saturating_sub(before.offset);
                }
            }
            FromWorker::Welcome(Welcome { from: Some(from), .. }) => self.position = Some(*from),
            FromWorker::Began { generation, .. } => {
                self.position = Some(Position { generation: *generation, offset: 0 });
            }
            _ => {}
        }
    }

    /// The stage shows something else, and the program says that it isn't all.
    pub(super) fn updating(&mut self, now: Instant) {
        self.due = Some(*self.updating.get_or_insert(now + UPDATING));
    }

    /// The stage shows something else.
    pub(super) fn changed(&mut self, now: Instant) {
        self.updating = None;
        let soonest = now + SOON;
        let due = match self.told {
            Some(told) if !self.is_echo => soonest.max(told + FRAME),
            _ => soonest,
        };
        self.due = Some(self.due.map_or(due, |before| before.min(due)));
    }

    /// When the owner is to be told.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// What it is told.
    pub(super) fn report(&mut self) -> Option<News> {
        self.due.take()?;
        self.updating = None;
        self.told = Some(Instant::now());
        Some(News::Printed {
            bytes: std::mem::take(&mut self.bytes),
            skipped: std::mem::take(&mut self.skipped),
            is_echo: std::mem::take(&mut self.is_echo),
        })
    }

    /// Work was done.
    pub(super) fn worked(&mut self, from: Instant, until: Instant) {
        let frame = *self.frame.get_or_insert(from);
        if from.duration_since(frame) >= FRAME {
            (self.frame, self.work) = (Some(from), Duration::ZERO);
        }
        self.work += until.duration_since(from);
        if self.work >= WORK {
            self.rest = Some(until + (self.work * 2).min(LONGEST));
        }
    }

    /// Until when it rests.
    pub(super) fn rest(&self) -> Option<Instant> {
        self.rest
    }

    /// It has rested.
    pub(super) fn rested(&mut self) {
        (self.rest, self.frame, self.work) = (None, None, Duration::ZERO);
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use smith_term::size::Size;

    use super::*;

    fn snapshot(generation: u64, offset: u64) -> FromWorker {
        let at = Position { generation, offset };
        FromWorker::Snapshot(Snapshot { at, size: Size::DEFAULT, title: None, state: vec![] })
    }

    #[test]
    fn what_lies_between_output_and_a_snapshot_of_its_process_was_skipped() {
        let mut meter = Meter::new();
        let skipped = |meter: &mut Meter| {
            meter.changed(Instant::now());
            match meter.report() {
                Some(News::Printed { bytes, skipped, .. }) => (bytes, skipped),
                other => panic!("{other:?}"),
            }
        };
        meter.hears(&snapshot(1, 5_000));
        assert_eq!(skipped(&mut meter), (0, 0), "what was before it was attached isn't");
        meter.hears(&FromWorker::Output(Bytes::from_static(&[b'x'; 100])));
        meter.hears(&snapshot(1, 9_100));
        assert_eq!(skipped(&mut meter), (100, 4_000));
        meter.hears(&snapshot(2, 50));
        assert_eq!(skipped(&mut meter), (0, 0), "another process");
    }

    #[test]
    fn who_has_worked_rests_twice_as_long() {
        let mut meter = Meter::new();
        let begin = Instant::now();
        let ms = Duration::from_millis;
        meter.worked(begin, begin + ms(4));
        assert_eq!(meter.rest(), None);
        meter.worked(begin + ms(5), begin + ms(12));
        assert_eq!(meter.rest(), Some(begin + ms(12) + ms(22)));
        meter.rested();
        // Little work now and then is no reason to rest.
        for frame in 2..10 {
            let from = begin + FRAME * frame;
            meter.worked(from, from + ms(3));
            assert_eq!(meter.rest(), None);
        }
    }

    #[test]
    fn what_is_half_drawn_waits_for_its_other_half_but_not_for_ever() {
        let mut meter = Meter::new();
        let now = Instant::now();
        meter.changed(now);
        meter.updating(now);
        let later = now + Duration::from_millis(50);
        meter.updating(later);
        assert_eq!(meter.due(), Some(now + UPDATING));
        meter.changed(later);
        assert_eq!(meter.due(), Some(later + SOON));
    }

    #[test]
    fn what_is_waited_for_is_told_at_once() {
        let mut meter = Meter::new();
        let now = Instant::now();
        meter.changed(now);
        assert_eq!(meter.due(), Some(now + SOON));
        meter.report();
        let told = Instant::now();
        meter.changed(told);
        assert!(meter.due() > Some(told + SOON));
        meter.typed();
        meter.changed(told);
        assert_eq!(meter.due(), Some(told + SOON));
        assert!(matches!(meter.report(), Some(News::Printed { is_echo: true, .. })));
        assert_eq!(meter.report(), None);
    }
}
