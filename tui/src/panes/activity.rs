//! Where something happens in a recording, after nothing did. Pure.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use smith_term::recording::Event;

/// What counts as nothing happening.
const QUIET: Duration = Duration::from_secs(2);

/// A direction in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Toward {
    /// Later.
    Next,
    /// Earlier.
    Previous,
}

/// The nearest time, seen from a position, at which something happens after it was quiet. Backwards the beginning of
/// what goes on at the position doesn't count while it is less than a second old: who goes back twice gets further.
pub fn activity(events: &[Event], from: Duration, toward: Toward) -> Option<Duration> {
    let begins = |pair: &[Event]| pair[1].at.saturating_sub(pair[0].at) >= QUIET;
    match toward {
        Toward::Next => {
            let first = events.partition_point(|event| event.at <= from).saturating_sub(1);
            events[first..].windows(2).find(|pair| begins(pair)).map(|pair| pair[1].at)
        }
        Toward::Previous => {
            let before = from.saturating_sub(Duration::from_secs(1));
            let end = events.partition_point(|event| event.at < before);
            let found = events[..end].windows(2).rev().find(|pair| begins(pair));
            found.map(|pair| pair[1].at).or_else(|| events.first().map(|event| event.at))
        }
    }
}

#[cfg(test)]
mod tests {
    use smith_term::recording::Kind;

    use super::*;

    #[test]
    fn it_begins_after_two_quiet_seconds() {
        let event = |at| Event { at: Duration::from_secs(at), kind: Kind::Output("x".to_owned()) };
        let events: Vec<Event> = [0, 1, 5, 6, 20, 21].map(event).into();
        let to = |from, toward| activity(&events, Duration::from_secs(from), toward);
        let s = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(to(0, Toward::Next), s(5));
        assert_eq!(to(5, Toward::Next), s(20));
        assert_eq!(to(12, Toward::Next), s(20));
        assert_eq!(to(20, Toward::Next), None);
        assert_eq!(to(30, Toward::Previous), s(20));
        assert_eq!(to(20, Toward::Previous), s(5));
        assert_eq!(to(3, Toward::Previous), s(0));
        assert_eq!(activity(&[], Duration::ZERO, Toward::Next), None);
    }
}
