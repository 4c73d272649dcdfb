//! How long this worker may believe that the attempt is its own. Pure.

use std::time::Duration;

use crate::clock::Moment;

/// A lease as the worker counts it: from before the call that renewed it was *sent*, so that it is
/// over here no later than at the server, however long the answer took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    ttl: Duration,
    from: Moment,
}

impl Lease {
    /// Taken by a call that was sent at `sent`.
    pub fn new(ttl: Duration, sent: Moment) -> Self {
        Self { ttl, from: sent }
    }

    /// Renewed by a call that was sent at `sent`; an answer that comes late never shortens it.
    pub fn renew(&mut self, sent: Moment) {
        self.from = self.from.max(sent);
    }

    /// When it is over.
    pub fn ends(&self) -> Moment {
        self.from.plus(self.ttl)
    }

    /// Is it over?
    pub fn over(&self, now: Moment) -> bool {
        now >= self.ends()
    }

    /// When the next heartbeat is due.
    pub fn beat(&self) -> Moment {
        self.from.plus(self.ttl / 3)
    }

    /// How long a heartbeat may wait for its answer: there is time for another one after it.
    pub fn patience(&self) -> Duration {
        self.ttl / 3
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// The server's lease runs from some moment between sending and answer. Whatever the delays
        /// (a suspended machine is one), the worker never believes longer than the server.
        #[test]
        fn it_is_over_here_before_it_is_over_there(
            ttl in 1u64..60_000,
            calls in prop::collection::vec((0u64..40_000, 0u64..40_000, 0u64..40_000), 1..20),
            after in 0u64..120_000,
        ) {
            let mut now = 0;
            let (mut lease, mut server_ends): (Option<Lease>, u64) = (None, 0);
            for (idle, to, back) in calls {
                now += idle;
                let sent = Moment::at(now);
                let there = now + to;
                if lease.is_some() && there >= server_ends {
                    break;
                }
                server_ends = there + ttl;
                now = there + back;
                match &mut lease {
                    Some(lease) => lease.renew(sent),
                    None => lease = Some(Lease::new(Duration::from_millis(ttl), sent)),
                }
            }
            let lease = lease.expect("taken");
            now += after;
            if !lease.over(Moment::at(now)) {
                prop_assert!(now < server_ends);
            }
        }

        #[test]
        fn renewals_only_lengthen_it(sent in prop::collection::vec(0u64..10_000, 1..20)) {
            let mut lease = Lease::new(Duration::from_secs(1), Moment::at(0));
            for at in sent {
                let before = lease.ends();
                lease.renew(Moment::at(at));
                prop_assert!(lease.ends() >= before && lease.beat() < lease.ends());
            }
        }
    }
}
