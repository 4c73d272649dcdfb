//! A recording being played: what its terminal has seen, and when it sees more.

use std::ops::Range;
use std::time::Duration;

use smith_term::engine::Engine;
use smith_term::playback::clock::{Clock, shown};
use smith_term::playback::reel::{Reel, feed};
use smith_term::screen::Screen;

use super::keys::Key;

/// How far one key seeks.
const STEP: Duration = Duration::from_secs(5);

/// Whether it goes on behind a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// It does.
    GoOn,
    /// It was ended.
    End,
}

/// What a terminal has to see to be at a position.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Feed {
    /// It begins anew.
    anew: bool,
    events: Range<usize>,
}

/// The player.
pub(crate) struct Player {
    reel: Reel,
    clock: Clock,
    engine: Engine,
    /// How many events the engine has seen.
    fed: usize,
}

impl Player {
    /// Goes from the beginning.
    pub(crate) fn new(reel: Reel, speed: f64, now: Duration) -> Self {
        let clock = Clock::new(reel.duration(), speed, now);
        let engine = Engine::new(reel.size());
        Self { reel, clock, engine, fed: 0 }
    }

    /// Goes to a position.
    pub(crate) fn seek(&mut self, to: Duration, now: Duration) {
        self.clock.seek(to, now);
    }

    /// A key.
    pub(crate) fn press(&mut self, key: Key, now: Duration) -> Then {
        let position = self.clock.position(now);
        match key {
            Key::Pause => self.clock.pause_or_go(now),
            Key::Back => self.clock.seek(position.saturating_sub(STEP), now),
            Key::Forward => self.clock.seek(position.saturating_add(STEP), now),
            Key::Faster => self.clock.faster(now),
            Key::Slower => self.clock.slower(now),
            Key::End => return Then::End,
        }
        Then::GoOn
    }

    /// What is to be seen now.
    pub(crate) fn screen(&mut self, now: Duration) -> Screen {
        let position = self.clock.position(now);
        let due = self.reel.events.partition_point(|event| event.at <= position);
        let Feed { anew, events } = plan(&self.reel, self.fed, due);
        if anew {
            self.engine = Engine::new(self.reel.size());
        }
        for event in &self.reel.events[events] {
            feed(&mut self.engine, &event.kind);
        }
        self.fed = due;
        self.engine.screen()
    }

    /// How long until there is more to see; `None`: not by itself.
    pub(crate) fn wait(&self, now: Duration) -> Option<Duration> {
        let next = self.reel.events.get(self.fed)?;
        self.clock.until(next.at, now)
    }

    /// A line about it: printable, and cut to so many columns.
    pub(crate) fn status(&self, columns: u16, now: Duration) -> String {
        let (position, length) = (self.clock.position(now), self.clock.length());
        let state = match (position == length, self.clock.is_paused()) {
            (true, _) => "  ended",
            (false, true) => "  paused",
            (false, false) => "",
        };
        let (position, length) = (shown(position), shown(length));
        let (name, speed) = (&self.reel.name, self.clock.speed());
        let text = format!(" {name}  {position} / {length}  x{speed}{state}  [space , . + - q]",);
        format!("{text:<width$.width$}", width = usize::from(columns))
    }
}

/// From having seen `fed` events to having seen `due`.
fn plan(reel: &Reel, fed: usize, due: usize) -> Feed {
    let screen = if due == 0 { 0 } else { reel.screen_before(due - 1) };
    // A whole screen further on makes what is before it superfluous.
    match due < fed || screen > fed {
        true => Feed { anew: true, events: screen..due },
        false => Feed { anew: false, events: fed..due },
    }
}

#[cfg(test)]
mod tests;
