//! The clocks of a worker: one that runs while the machine sleeps, for leases, and one that stops
//! while the work is paused, for the deadlines of the work.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, Timespec, clock_gettime};
use tokio::sync::watch;

/// A point on the clock that also runs during suspend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(Duration);

impl Moment {
    /// Now.
    pub fn now() -> Self {
        let Timespec { tv_sec, tv_nsec } = clock_gettime(ClockId::Boottime);
        let seconds = u64::try_from(tv_sec).unwrap_or(0);
        Self(Duration::new(seconds, u32::try_from(tv_nsec).unwrap_or(0)))
    }

    /// `after` later.
    pub fn plus(self, after: Duration) -> Self {
        Self(self.0.saturating_add(after))
    }

    /// How long after `earlier` it is; zero if it is before.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    #[cfg(test)]
    pub(crate) fn at(millis: u64) -> Self {
        Self(Duration::from_millis(millis))
    }
}

/// The longest that a wake-up of the machine may go unnoticed.
const WAKE: Duration = Duration::from_secs(1);

/// Sleeps until `at`; a sleep of the machine counts.
///
/// Timers stand still during suspend, so long sleeps are made of short ones. A `timerfd` would wake
/// up at once, for a descriptor a sleep and unsafe registration: a second is well below any lease.
pub async fn sleep_until(at: Moment) {
    loop {
        let left = at.since(Moment::now());
        if left.is_zero() {
            return;
        }
        tokio::time::sleep(left.min(WAKE)).await;
    }
}

/// How long the work has gone on, without its pauses.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch {
    began: Instant,
    /// The sum of the pauses that are over.
    paused: Duration,
    pause: Option<Instant>,
}

impl Stopwatch {
    /// Begins, running.
    pub fn start(now: Instant) -> Self {
        Self { began: now, paused: Duration::ZERO, pause: None }
    }

    /// Stops; nothing if it stands already.
    pub fn pause(&mut self, now: Instant) {
        self.pause.get_or_insert(now);
    }

    /// Goes on; nothing if it runs already.
    pub fn resume(&mut self, now: Instant) {
        if let Some(since) = self.pause.take() {
            self.paused += now.saturating_duration_since(since);
        }
    }

    /// Does it run?
    pub fn runs(&self) -> bool {
        self.pause.is_none()
    }

    /// The time worked.
    pub fn elapsed(&self, now: Instant) -> Duration {
        let end = self.pause.unwrap_or(now);
        end.saturating_duration_since(self.began).saturating_sub(self.paused)
    }
}

/// The attempt's stopwatch, shared by everything that has a deadline.
///
/// It may be paused for several reasons at once (held, no lease); it runs when none is left.
#[derive(Clone, Debug)]
pub struct WorkClock {
    inner: Arc<Mutex<Inner>>,
    running: Arc<watch::Sender<bool>>,
}

#[derive(Debug)]
struct Inner {
    watch: Stopwatch,
    pauses: u32,
}

/// Keeps the clock paused as long as it lives.
#[derive(Debug)]
pub struct Pause(WorkClock);

impl WorkClock {
    /// Begins, running.
    pub fn start() -> Self {
        let inner = Inner { watch: Stopwatch::start(Instant::now()), pauses: 0 };
        Self { inner: Arc::new(Mutex::new(inner)), running: Arc::new(watch::Sender::new(true)) }
    }

    /// The time worked so far.
    pub fn elapsed(&self) -> Duration {
        self.lock().watch.elapsed(Instant::now())
    }

    /// Pauses it until the answer is dropped.
    pub fn pause(&self) -> Pause {
        let mut inner = self.lock();
        inner.pauses += 1;
        inner.watch.pause(Instant::now());
        self.running.send_replace(false);
        Pause(self.clone())
    }

    /// Sleeps until so much has been worked.
    pub async fn sleep_until(&self, worked: Duration) {
        let mut running = self.running.subscribe();
        loop {
            let runs = *running.borrow_and_update();
            let left = worked.saturating_sub(self.elapsed());
            if left.is_zero() {
                return;
            }
            tokio::select! {
                // The sender lives as long as `self`.
                _ = running.changed() => {}
                () = tokio::time::sleep(left), if runs => {}
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Drop for Pause {
    fn drop(&mut self) {
        let mut inner = self.0.lock();
        inner.pauses -= 1;
        if inner.pauses == 0 {
            inner.watch.resume(Instant::now());
            self.0.running.send_replace(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn worked_time_is_the_time_outside_pauses(steps in prop::collection::vec((0u64..5_000, any::<bool>()), 0..40)) {
            let start = Instant::now();
            let mut watch = Stopwatch::start(start);
            let (mut now, mut expected, mut runs) = (start, Duration::ZERO, true);
            for (millis, pause) in steps {
                let step = Duration::from_millis(millis);
                now += step;
                if runs {
                    expected += step;
                }
                prop_assert_eq!(watch.elapsed(now), expected);
                if pause { watch.pause(now) } else { watch.resume(now) }
                runs = !pause;
                prop_assert_eq!(watch.runs(), runs);
            }
        }
    }

    #[tokio::test]
    async fn a_clock_paused_twice_runs_again_after_both() {
        let clock = WorkClock::start();
        let (first, second) = (clock.pause(), clock.pause());
        let stood = clock.elapsed();
        drop(first);
        assert_eq!(clock.elapsed(), stood);
        drop(second);
        clock.sleep_until(stood + Duration::from_millis(5)).await;
        assert!(clock.elapsed() >= stood + Duration::from_millis(5));
    }

    #[tokio::test]
    async fn a_moment_in_the_past_is_over_at_once() {
        sleep_until(Moment::at(1)).await;
        let soon = Moment::now().plus(Duration::from_millis(20));
        sleep_until(soon).await;
        assert!(Moment::now() >= soon);
    }
}
