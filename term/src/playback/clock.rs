//! The time of a recording that is being played: where it stands, how fast it goes. Times of the person who watches
//! come in as arguments, counted from whenever.

use std::time::Duration;

/// The slowest and the fastest; one key doubles or halves.
pub const SPEEDS: (f64, f64) = (1.0 / 16.0, 64.0);

/// Where a recording stands.
#[derive(Clone, Debug)]
pub struct Clock {
    length: Duration,
    speed: f64,
    is_paused: bool,
    /// The position at `since`.
    position: Duration,
    since: Duration,
}

impl Clock {
    /// Goes from the beginning.
    pub fn new(length: Duration, speed: f64, now: Duration) -> Self {
        let speed = speed.clamp(SPEEDS.0, SPEEDS.1);
        Self { length, speed, is_paused: false, position: Duration::ZERO, since: now }
    }

    /// How long the recording is.
    pub fn length(&self) -> Duration {
        self.length
    }

    /// How many of its seconds pass in one.
    pub fn speed(&self) -> f64 {
        self.speed
    }

    /// Does it stand still because somebody wanted it?
    pub fn is_paused(&self) -> bool {
        self.is_paused
    }

    /// Where it stands.
    pub fn position(&self, now: Duration) -> Duration {
        if self.is_paused {
            return self.position;
        }
        let passed = scaled(now.saturating_sub(self.since), self.speed);
        self.position.saturating_add(passed).min(self.length)
    }

    /// How long it takes to get to a position; `None`: by itself it doesn't.
    pub fn until(&self, to: Duration, now: Duration) -> Option<Duration> {
        let missing = to.saturating_sub(self.position(now));
        (!self.is_paused && to <= self.length).then(|| scaled(missing, 1.0 / self.speed))
    }

    /// Stands still, or goes on; at the end, from the beginning.
    pub fn pause_or_go(&mut self, now: Duration) {
        self.settle(now);
        if self.position == self.length {
            self.position = Duration::ZERO;
            self.is_paused = false;
        } else {
            self.is_paused = !self.is_paused;
        }
    }

    /// Goes to a position, or to the end if that is nearer.
    pub fn seek(&mut self, to: Duration, now: Duration) {
        self.settle(now);
        self.position = to.min(self.length);
    }

    /// Twice as fast.
    pub fn faster(&mut self, now: Duration) {
        self.settle(now);
        self.speed = (self.speed * 2.0).min(SPEEDS.1);
    }

    /// Half as fast.
    pub fn slower(&mut self, now: Duration) {
        self.settle(now);
        self.speed = (self.speed / 2.0).max(SPEEDS.0);
    }

    fn settle(&mut self, now: Duration) {
        self.position = self.position(now);
        self.since = self.since.max(now);
    }
}

fn scaled(time: Duration, by: f64) -> Duration {
    // What is too long for a duration never passes anyway.
    Duration::try_from_secs_f64(time.as_secs_f64() * by).unwrap_or(Duration::MAX)
}

/// A time as players show it: `1:05`, `1:00:05`.
pub fn shown(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

/// A text that isn't a time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} isn't a time: write seconds, 1:05 or 1:00:05")]
pub struct NoTime(String);

/// A time as people write it: seconds, `1:05` or `1:00:05`.
pub fn read(text: &str) -> Result<Duration, NoTime> {
    let wrong = || NoTime(text.to_owned());
    let (rest, last) =
        text.rsplit_once(':').map_or((None, text), |(rest, last)| (Some(rest), last));
    let mut whole = 0_u64;
    let parts: Vec<&str> = rest.map(|rest| rest.split(':').collect()).unwrap_or_default();
    if parts.len() > 2 {
        return Err(wrong());
    }
    for part in parts {
        let part: u64 = part.parse().map_err(|_| wrong())?;
        whole = whole.checked_add(part).and_then(|n| n.checked_mul(60)).ok_or_else(wrong)?;
    }
    let seconds: f64 = last.parse().map_err(|_| wrong())?;
    let seconds = Duration::try_from_secs_f64(seconds).map_err(|_| wrong())?;
    Duration::from_secs(whole).checked_add(seconds).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const S: fn(u64) -> Duration = Duration::from_secs;

    #[test]
    fn it_goes_stands_seeks_and_changes_its_speed() {
        let mut clock = Clock::new(S(100), 2.0, S(1000));
        assert_eq!(clock.position(S(1010)), S(20));
        assert_eq!(clock.until(S(40), S(1010)), Some(S(10)));
        assert_eq!(clock.until(S(101), S(1010)), None);
        clock.pause_or_go(S(1010));
        assert_eq!((clock.position(S(1050)), clock.until(S(40), S(1050))), (S(20), None));
        clock.pause_or_go(S(1050));
        clock.slower(S(1060));
        assert_eq!((clock.speed(), clock.position(S(1070))), (1.0, S(50)));
        clock.seek(S(10), S(1070));
        assert_eq!(clock.position(S(1071)), S(11));
        assert_eq!(clock.position(S(9999)), S(100));
        // At the end, the same key begins again.
        clock.pause_or_go(S(9999));
        assert_eq!((clock.position(S(9999)), clock.is_paused()), (S(0), false));
    }

    #[test]
    fn times_are_read_as_they_are_shown() {
        for (text, seconds) in [("5", 5.0), ("0.5", 0.5), ("1:05", 65.0), ("1:00:05.5", 3605.5)] {
            assert_eq!(read(text), Ok(Duration::from_secs_f64(seconds)), "{text}");
        }
        for text in
            ["", "x", "-5", "1:", ":5", "1:2:3:4", "nan", "inf", "1e400", "99999999999999999999:0"]
        {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains("1:05"), "{error}");
        }
        assert_eq!(shown(S(65)), "1:05");
        assert_eq!(shown(S(3605)), "1:00:05");
    }

    proptest! {
        #[test]
        fn it_never_leaves_the_recording_nor_goes_back_by_itself(
            length in 0_u64..1000, speed in 0.001_f64..1000.0, n in proptest::collection::vec((0_u8..5, 0_u64..500), 0..40),
        ) {
            let mut clock = Clock::new(S(length), speed, S(7));
            let mut now = S(7);
            for (act, n) in n {
                let before = clock.position(now);
                now += Duration::from_millis(n * 10);
                let after = clock.position(now);
                prop_assert!(before <= after && after <= S(length));
                prop_assert!(!clock.is_paused() || before == after);
                // Who waits as long as it says is there, but for rounding.
                if let Some(wait) = clock.until(S(length), now) {
                    let there = clock.position(now + wait + Duration::from_micros(1));
                    prop_assert!(S(length) - there < Duration::from_micros(1), "{there:?}");
                }
                match act {
                    0 => clock.pause_or_go(now),
                    1 => clock.seek(S(n), now),
                    2 => clock.faster(now),
                    3 => clock.slower(now),
                    _ => {}
                }
                prop_assert!((SPEEDS.0..=SPEEDS.1).contains(&clock.speed()));
                if act == 2 || act == 3 {
                    prop_assert_eq!(clock.position(now), after);
                }
            }
        }

        #[test]
        fn the_longest_times_overflow_nothing(nanos: u64, now: u64, to: u64) {
            let mut clock = Clock::new(Duration::MAX, 64.0, Duration::ZERO);
            clock.seek(Duration::from_secs(nanos), S(1));
            let _ = (clock.position(S(now)), clock.until(S(to), S(2)));
            clock.slower(S(now));
            let _ = clock.until(Duration::MAX, S(now));
        }
    }
}
