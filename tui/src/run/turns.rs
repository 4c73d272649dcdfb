//! Who waits for whom: of each kind one job at a time, and behind it the newest that was asked for. Pure.

use std::collections::HashMap;
use std::hash::Hash;

/// Jobs that run, and those that wait for them.
#[derive(Debug)]
pub(super) struct Turns<K, J> {
    /// There while one of the kind runs; the next one, if there is one.
    running: HashMap<K, Option<J>>,
}

impl<K: Eq + Hash, J> Turns<K, J> {
    /// None yet.
    pub(super) fn new() -> Self {
        Self { running: HashMap::new() }
    }

    /// Answers the job if it begins now; else it waits, in the place of the one that did.
    pub(super) fn ask(&mut self, kind: K, job: J) -> Option<J> {
        match self.running.get_mut(&kind) {
            Some(next) => {
                *next = Some(job);
                None
            }
            None => {
                self.running.insert(kind, None);
                Some(job)
            }
        }
    }

    /// The one that ran is done; answers what begins now.
    pub(super) fn done(&mut self, kind: &K) -> Option<J> {
        let next = self.running.get_mut(kind)?.take();
        if next.is_none() {
            self.running.remove(kind);
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_each_kind_one_runs_and_the_newest_is_next() {
        let mut turns = Turns::new();
        assert_eq!(turns.ask("a", 1), Some(1));
        assert_eq!(turns.ask("b", 2), Some(2));
        assert_eq!([turns.ask("a", 3), turns.ask("a", 4)], [None, None]);
        assert_eq!(turns.done(&"a"), Some(4));
        assert_eq!(turns.ask("a", 5), None, "the fourth runs");
        assert_eq!([turns.done(&"a"), turns.done(&"a"), turns.done(&"a")], [Some(5), None, None]);
        assert_eq!(turns.ask("a", 6), Some(6));
    }
}
