//! One core leads; the others stand by until the leader's key is gone.

use std::time::Duration;

use smith_model::id::LoopId;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::Core;
use crate::store::lease::Leadership;
use crate::store::{Error, Store};
use crate::telemetry::chain;

/// How long a standby waits at most before it tries again, in case an event was missed.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

impl Core {
    /// Leads whenever no other core does, until `shutdown`.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), Error> {
        // There is one receiver, for all reigns of this process.
        let mut events = self.runtime.events();
        while !shutdown.is_cancelled() {
            let won = match self.campaign().await {
                Ok(won) => won,
                Err(error) => {
                    tracing::warn!(error = %chain(&error), "can't ask for the leadership");
                    // Without room there are no leases, and without a leader nobody makes room.
                    if matches!(error, Error::Full)
                        && let Err(error) = self.make_room().await
                    {
                        tracing::warn!(error = %chain(&error), "can't make room in etcd");
                    }
                    None
                }
            };
            match won {
                Some(leadership) => self.lead(leadership, &mut events, &shutdown).await,
                None => self.stand_by(&shutdown).await,
            }
        }
        Ok(())
    }

    async fn campaign(&self) -> Result<Option<Leadership>, Error> {
        let candidate = &self.config.candidate;
        // Who comes back to its own place doesn't wait for the lease that it left there.
        if let Some(seat) = &candidate.seat
            && self.store.unseat(seat).await?
        {
            tracing::info!(holder = %candidate.holder, "an earlier leadership was ended");
        }
        self.store.lead(candidate, self.config.leader_ttl).await
    }

    async fn stand_by(&self, shutdown: &CancellationToken) {
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = self.leader_gone() => {}
            () = tokio::time::sleep(LOOK_AGAIN.min(self.config.leader_ttl)) => {}
        }
    }

    /// Drops history and gives its space back. Only when etcd is full: defragmentation blocks the member.
    pub(super) async fn make_room(&self) -> Result<(), Error> {
        self.store.compact(self.store.revision().await?).await?;
        self.store.make_room().await
    }

    /// Waits until there is no leader's key.
    async fn leader_gone(&self) {
        let mut changes = self.view.changes();
        while self.view.leader().is_some() && changes.next().await.is_some() {}
    }

    /// Reigns until the lease is lost or the process stops; nothing of the reign goes on after.
    async fn lead(
        &self,
        leadership: Leadership,
        events: &mut mpsc::Receiver<LoopId>,
        shutdown: &CancellationToken,
    ) {
        tracing::info!(holder = %self.config.candidate.holder, epoch = leadership.created, "this core leads");
        let over = shutdown.child_token();
        let keeping = keep(&self.store, leadership, self.config.leader_ttl);
        tokio::select! {
            () = self.reign(leadership.created, events, over.clone()) => {}
            () = keeping => tracing::warn!("the leadership was lost"),
        }
        over.cancel();
        // Another core can go on at once, not only when the lease ends.
        if let Err(error) = self.store.revoke(leadership.lease).await {
            tracing::debug!(error = %chain(&error), "the lease will end by itself");
        }
    }
}

/// Keeps the leadership; returns when it is lost. Counted from before the last request that succeeded.
async fn keep(store: &Store, leadership: Leadership, ttl: Duration) {
    let mut tick = tokio::time::interval(ttl / 3);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut good_until = Instant::now() + ttl;
    loop {
        tick.tick().await;
        let sent = Instant::now();
        let left = good_until.saturating_duration_since(sent);
        match tokio::time::timeout(left, store.keep_alive(leadership.lease)).await {
            Ok(Ok(())) => good_until = sent + ttl,
            Ok(Err(Error::LeaseGone)) | Err(_) => return,
            Ok(Err(error)) => {
                tracing::warn!(error = %chain(&error), "can't keep the leadership");
                if Instant::now() >= good_until {
                    return;
                }
            }
        }
    }
}
