//! A recording being played: what its terminal has seen, and when it sees more.
//!
//! A terminal that has to be somewhere else begins at the nearest whole screen before: one that a worker put
//! at the beginning of a part, or a key frame, which is kept where the player has been. A worker's part has a
//! few megabytes, so the first way into one costs that at most, and every later one an interval.

use std::ops::Range;
use std::time::Duration;

use super::clock::Clock;
use super::frames::Frames;
use super::reel::{Reel, feed};
use crate::engine::Engine;

/// The player. Times of the person who watches are counted from whenever, as the [`Clock`] does.
pub struct Player {
    reel: Reel,
    clock: Clock,
    engine: Engine,
    /// How many events the engine has seen.
    fed: usize,
    frames: Frames,
}

/// Where a terminal begins that is to be somewhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begin {
    /// As it is.
    Here,
    /// Empty, before this event.
    Empty(usize),
    /// At the key frame before this event.
    Frame(usize),
}

impl Player {
    /// Goes from the beginning.
    pub fn new(reel: Reel, speed: f64, now: Duration) -> Self {
        Self::with_frames(reel, speed, now, Frames::new())
    }

    fn with_frames(reel: Reel, speed: f64, now: Duration, frames: Frames) -> Self {
        let clock = Clock::new(reel.duration(), speed, now);
        let engine = Engine::new(reel.size());
        Self { reel, clock, engine, fed: 0, frames }
    }

    /// What is played.
    pub fn reel(&self) -> &Reel {
        &self.reel
    }

    /// Where it stands.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// To seek, to stand still, to go on, to go faster or slower. What is to be seen follows with
    /// [`Player::show`].
    pub fn clock_mut(&mut self) -> &mut Clock {
        &mut self.clock
    }

    /// Goes on to what is to be seen now. Where that isn't further on, or far, it is another engine, whose
    /// lines have other numbers.
    pub fn show(&mut self, now: Duration) -> &Engine {
        let position = self.clock.position(now);
        let due = self.reel.events.partition_point(|event| event.at <= position);
        let (begin, events) = plan(&self.reel, &self.frames, self.fed, due);
        match begin {
            Begin::Here => {}
            Begin::Empty(_) => {
                self.engine = Engine::numbered(self.reel.size(), self.engine.fresh_numbers());
                self.frames.begin();
            }
            Begin::Frame(event) => {
                let fresh = self.engine.fresh_numbers();
                if let Some(engine) = self.frames.rebuild(event, fresh) {
                    self.engine = engine;
                }
            }
        }
        for at in events {
            let kind = &self.reel.events[at].kind;
            feed(&mut self.engine, kind);
            self.frames.fed(at + 1, kind, &mut self.engine);
        }
        self.fed = due;
        &self.engine
    }

    /// The terminal as it was shown at last.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// How long until there is more to see; `None`: not by itself.
    pub fn wait(&self, now: Duration) -> Option<Duration> {
        let next = self.reel.events.get(self.fed)?;
        self.clock.until(next.at, now)
    }
}

/// From having seen `fed` events to having seen `due`: where to begin, and what to feed then.
fn plan(reel: &Reel, frames: &Frames, fed: usize, due: usize) -> (Begin, Range<usize>) {
    let screen = if due == 0 { 0 } else { reel.screen_before(due - 1) };
    let frame = frames.before(due);
    // A whole screen further on makes what is before it superfluous.
    let (begin, from) = match frame.filter(|frame| *frame > screen) {
        Some(frame) => (Begin::Frame(frame), frame),
        None => (Begin::Empty(screen), screen),
    };
    if fed <= due && from <= fed { (Begin::Here, fed..due) } else { (begin, from..due) }
}

#[cfg(test)]
mod tests;
