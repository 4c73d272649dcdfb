//! Every change in order, for the core.

use std::sync::Arc;

use smith_model::id::{LoopId, Revision};
use tokio::sync::watch;

use super::ring::After;
use super::table::Batch;
use super::{MOST_BATCHES, View, reach};

/// What [`View::changes`] tells.
#[derive(Clone, Debug)]
pub enum Changed {
    /// These.
    Batch(Arc<Batch>),
    /// More than is remembered: look at everything.
    Everything,
}

/// All changes in order. It has no queue of its own; one that reads too slowly is told so.
pub struct Receiver {
    view: View,
    seen: watch::Receiver<Revision>,
    position: Revision,
    /// Newest first.
    ready: Vec<Arc<Batch>>,
}

impl Receiver {
    pub(super) fn new(view: View) -> Self {
        let seen = view.inner.seen.subscribe();
        let position = view.revision();
        Self { view, seen, position, ready: vec![] }
    }

    /// The next change; `None`: the view has ended. Cancel-safe.
    pub async fn next(&mut self) -> Option<Changed> {
        loop {
            if let Some(batch) = self.ready.pop() {
                return Some(Changed::Batch(batch));
            }
            {
                let known = self.view.read();
                match known.ring.after(self.position, MOST_BATCHES) {
                    After::Unknown => {
                        self.position = known.seen;
                        return Some(Changed::Everything);
                    }
                    After::Batches(mut batches) => {
                        self.position = batches.last().map_or(known.seen, |last| last.revision);
                        batches.reverse();
                        self.ready = batches;
                    }
                }
            }
            if self.ready.is_empty() {
                let later = Revision(self.position.0 + 1);
                tokio::select! {
                    biased;
                    seen = reach(&mut self.seen, later) => seen?,
                    () = self.view.inner.ended.cancelled() => return None,
                };
            }
        }
    }
}

impl Receiver {
    /// Waits until something changed that may concern one loop; false: the view has ended. Cancel-safe.
    pub async fn touches(&mut self, id: &LoopId) -> bool {
        loop {
            match self.next().await {
                None => return false,
                Some(Changed::Everything) => return true,
                Some(Changed::Batch(batch)) => {
                    let changed = batch.loops.iter().any(|change| change.loop_id == *id);
                    if changed || batch.locks.contains(id) {
                        return true;
                    }
                }
            }
        }
    }
}
