//! Whether etcd has room for what can be left out: excerpts of output, whose whole is in the artifacts.
//!
//! There is no event for it, so it is looked at when excerpts come, and remembered for a while.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::store::Store;
use crate::telemetry::chain;

/// How long an answer is good for. A worker writes 40 KiB of excerpts a second at the very most, so that fifty
/// of them take far less than the last tenth of a quota meanwhile.
const GOOD_FOR: Duration = Duration::from_secs(2);

/// What becomes of excerpts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Excerpts {
    Kept,
    LeftOut,
}

/// What is known of the room; cheap to clone.
#[derive(Clone)]
pub(super) struct Room {
    store: Store,
    known: Arc<Mutex<Option<(Instant, Excerpts)>>>,
}

impl Room {
    /// Nothing is known yet.
    pub(super) fn new(store: Store) -> Self {
        Self { store, known: Arc::default() }
    }

    /// Asks etcd at most once in a while, however many want to know.
    pub(super) async fn excerpts(&self) -> Excerpts {
        let mut known = self.known.lock().await;
        if let Some((at, excerpts)) = *known
            && at.elapsed() < GOOD_FOR
        {
            return excerpts;
        }
        let excerpts = match self.store.fill().await {
            Ok(fill) if fill.has_room_for_excerpts() => Excerpts::Kept,
            Ok(_) => Excerpts::LeftOut,
            Err(error) => {
                tracing::debug!(error = %chain(&error), "can't read etcd's fill");
                known.map_or(Excerpts::Kept, |(_, excerpts)| excerpts)
            }
        };
        *known = Some((Instant::now(), excerpts));
        excerpts
    }
}
