//! Orders of big fleets, found on threads of their own: at most one a tab at a time, and then the newest that was asked.

use std::collections::HashMap;

use tokio::sync::mpsc;

use crate::fleet::OrderJob;
use crate::msg::Msg;

/// What is being found out.
pub(super) struct Orders {
    tx: mpsc::Sender<Msg>,
    /// By tab: there while one is being found; the next one, if there is one.
    running: HashMap<u64, Option<OrderJob>>,
}

impl Orders {
    /// Nothing yet; answers go there.
    pub(super) fn new(tx: mpsc::Sender<Msg>) -> Self {
        Self { tx, running: HashMap::new() }
    }

    /// Begins, or puts it in the place of the one that waits.
    pub(super) fn ask(&mut self, job: OrderJob) {
        let tab = job.view.tab;
        match self.running.get_mut(&tab) {
            Some(next) => *next = Some(job),
            None => self.start(tab, job),
        }
    }

    /// The one that ran for this tab is done.
    pub(super) fn done(&mut self, tab: u64) {
        if let Some(Some(next)) = self.running.remove(&tab) {
            self.start(tab, next);
        }
    }

    fn start(&mut self, tab: u64, job: OrderJob) {
        self.running.insert(tab, None);
        let tx = self.tx.clone();
        // It ends by itself within milliseconds, and nobody is left to hear it when the owner is gone.
        drop(tokio::task::spawn_blocking(move || {
            let _ = tx.blocking_send(Msg::Ordered(job.run()));
        }));
    }
}
