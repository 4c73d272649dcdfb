//! Key frames of a recording: what a terminal was like here and there, so that seeking needn't begin far away.
//! They are bounded in bytes; where there are too many, every second one goes, and the distance doubles.

use std::collections::BTreeMap;

use crate::engine::{Engine, Numbers};
use crate::message::{Position, Snapshot};
use crate::recording::Kind;
use crate::snapshot;

/// Bytes of output between two: a terminal takes them within milliseconds.
const INTERVAL: usize = 256 * 1024;

/// Bytes of all of them.
const MOST: usize = 16 * 1024 * 1024;

pub(super) struct Frames {
    /// By how many events had been seen.
    kept: BTreeMap<usize, Snapshot>,
    n_bytes: usize,
    /// Bytes that were fed since there was a whole screen.
    since: usize,
    interval: usize,
    most: usize,
}

impl Frames {
    pub(super) fn new() -> Self {
        Self::bounded(INTERVAL, MOST)
    }

    pub(super) fn bounded(interval: usize, most: usize) -> Self {
        Self { kept: BTreeMap::new(), n_bytes: 0, since: 0, interval, most }
    }

    /// The newest one at which no more than `due` events had been seen.
    pub(super) fn before(&self, due: usize) -> Option<usize> {
        self.kept.range(..=due).next_back().map(|(event, _)| *event)
    }

    /// A terminal begins empty, at a part's beginning.
    pub(super) fn begin(&mut self) {
        self.since = 0;
    }

    /// The terminal as it was at one of them.
    pub(super) fn rebuild(&mut self, event: usize, numbers: Numbers) -> Option<Engine> {
        let Snapshot { size, state, .. } = self.kept.get(&event)?;
        let mut engine = Engine::numbered(*size, numbers);
        engine.feed(state);
        self.since = 0;
        Some(engine)
    }

    /// A terminal has now seen so many events, of which this is the last.
    pub(super) fn fed(&mut self, event: usize, kind: &Kind, engine: &mut Engine) {
        if let Kind::Output(output) = kind {
            self.since += output.len();
        }
        if self.kept.contains_key(&event) {
            self.since = 0;
        } else if self.since >= self.interval {
            self.since = 0;
            // Where a recording stands is told by its events.
            let frame = snapshot::take(engine, Position { generation: 0, offset: 0 });
            self.n_bytes += frame.state.len();
            self.kept.insert(event, frame);
            while self.n_bytes > self.most && self.kept.len() > 1 {
                self.thin();
            }
        }
    }

    fn thin(&mut self) {
        self.interval = self.interval.saturating_mul(2);
        let mut is_kept = false;
        self.kept.retain(|_, frame| {
            is_kept = !is_kept;
            self.n_bytes -= if is_kept { 0 } else { frame.state.len() };
            is_kept
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::size::Size;

    #[test]
    fn they_are_bounded_and_nowhere_far_apart() {
        let mut frames = Frames::bounded(1000, 20_000);
        let mut engine = Engine::new(Size::DEFAULT);
        let output = Kind::Output("\x1b[H0123456789".repeat(10));
        for event in 1..=3000 {
            let Kind::Output(text) = &output else { unreachable!() };
            engine.feed(text.as_bytes());
            frames.fed(event, &output, &mut engine);
            assert!(frames.n_bytes <= 20_000);
            let n_bytes: usize = frames.kept.values().map(|frame| frame.state.len()).sum();
            assert_eq!(frames.n_bytes, n_bytes);
        }
        let mut events: Vec<usize> = frames.kept.keys().copied().collect();
        events.extend([0, 3000]);
        events.sort_unstable();
        let farthest = events.windows(2).map(|pair| pair[1] - pair[0]).max();
        assert!(frames.kept.len() > 5 && farthest < Some(1000), "{events:?}");
    }
}
