//! Loops that a palette's words may mean, found on a thread of their own: one question at a time, and then the newest.

use tokio::sync::mpsc;

use crate::layers::palette::SeekJob;
use crate::msg::Msg;

/// What is being sought.
pub(super) struct Seeker {
    tx: mpsc::Sender<Msg>,
    is_running: bool,
    next: Option<SeekJob>,
}

impl Seeker {
    /// Nothing yet; answers go there.
    pub(super) fn new(tx: mpsc::Sender<Msg>) -> Self {
        Self { tx, is_running: false, next: None }
    }

    /// Begins, or puts it in the place of the one that waits.
    pub(super) fn ask(&mut self, job: SeekJob) {
        if self.is_running {
            self.next = Some(job);
            return;
        }
        self.is_running = true;
        let tx = self.tx.clone();
        // It ends by itself within milliseconds, and nobody is left to hear it when the owner is gone.
        drop(tokio::task::spawn_blocking(move || {
            let _ = tx.blocking_send(Msg::Found(job.run()));
        }));
    }

    /// The one that ran is done.
    pub(super) fn done(&mut self) {
        self.is_running = false;
        if let Some(next) = self.next.take() {
            self.ask(next);
        }
    }
}
