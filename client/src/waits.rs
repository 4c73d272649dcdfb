//! How long a stream or a terminal whose connection was lost waits before it is tried again.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};

use crate::Error;

/// The first wait; doubled after each failure.
pub(crate) const FIRST: Duration = Duration::from_millis(200);
/// The longest one, unless the server asks for more.
const LONGEST: Duration = Duration::from_secs(10);
/// The most that a server's wish for a wait is followed.
pub(crate) const MOST_ASKED: Duration = Duration::from_secs(60);

/// The waits since it last worked.
#[derive(Debug)]
pub(crate) struct Waits(ExponentialBackoff);

impl Waits {
    /// It works (again): the next loss begins with a short wait.
    pub(crate) fn new() -> Self {
        let waits = ExponentialBuilder::default()
            .with_min_delay(FIRST)
            .with_max_delay(LONGEST)
            .without_max_times()
            .with_jitter();
        Self(waits.build())
    }

    /// The wait after this failure.
    pub(crate) fn after(&mut self, error: &Error) -> Duration {
        let wait = self.0.next().unwrap_or(LONGEST);
        wait.max(error.retry_after().unwrap_or_default().min(MOST_ASKED))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_waits_grow_and_never_end() {
        let waits: Vec<_> = Waits::new().0.take(100).collect();
        assert_eq!(waits.len(), 100);
        // Jitter adds at most one wait more.
        assert!(waits.iter().all(|wait| *wait >= FIRST && *wait <= LONGEST * 2));
    }
}
