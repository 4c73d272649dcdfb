//! What is found out on threads of its own, such as the order of a big fleet, while the task that draws goes on.

use std::hash::Hash;

use tokio::sync::mpsc;

use crate::msg::Msg;
use crate::run::turns::Turns;

/// What is being found out.
pub(super) struct Finds<K, J> {
    tx: mpsc::Sender<Msg>,
    find: fn(J) -> Msg,
    turns: Turns<K, J>,
}

impl<K: Eq + Hash, J: Send + 'static> Finds<K, J> {
    /// Nothing yet; a job is done by this, and the answer goes there.
    pub(super) fn new(tx: mpsc::Sender<Msg>, find: fn(J) -> Msg) -> Self {
        Self { tx, find, turns: Turns::new() }
    }

    /// Begins, or puts it in the place of the one that waits.
    pub(super) fn ask(&mut self, kind: K, job: J) {
        let job = self.turns.ask(kind, job);
        self.start(job);
    }

    /// The one of this kind that ran is done.
    pub(super) fn done(&mut self, kind: &K) {
        let next = self.turns.done(kind);
        self.start(next);
    }

    fn start(&self, job: Option<J>) {
        let Some(job) = job else { return };
        let (tx, find) = (self.tx.clone(), self.find);
        // It ends by itself within milliseconds, and nobody is left to hear it when the owner is gone.
        drop(tokio::task::spawn_blocking(move || {
            let _ = tx.blocking_send(find(job));
        }));
    }
}
