//! The replica's two tasks on a host's connection: one writes, the other reads and sees to its end.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use super::channel::{ChannelError, HangUp, Receiver, Sender};
use super::handle::Shared;
use super::local::{Patience, Watched};
use super::loss::{Gone, Loss};
use super::wire::{Report, Request};

/// Sends requests in order.
pub(super) async fn write(mut sender: Sender, mut requests: mpsc::Receiver<Request>) {
    while let Some(request) = requests.recv().await {
        if let Err(error) = sender.send(&request, &[]).await {
            tracing::debug!(%error, "the host takes no more requests");
            return sender.hang_up().now();
        }
    }
}

/// Reads reports until there are no more, then verifies the host's end.
pub(super) struct Supervisor {
    pub(super) shared: Arc<Shared>,
    pub(super) receiver: Receiver,
    pub(super) hang_up: HangUp,
    pub(super) watched: Option<Watched>,
    pub(super) lost: watch::Sender<Option<Arc<Loss>>>,
}

/// How reading ended.
struct Silence {
    reason: String,
    /// The host's own last word: how many processes it leaves.
    left: Option<u32>,
}

impl Supervisor {
    pub(super) async fn run(mut self) {
        let (silence, patience) = tokio::select! {
            silence = read(&self.shared, &mut self.receiver) => (silence, Patience::Usual),
            reason = self.shared.given_up() => (Silence { reason, left: None }, Patience::None),
        };
        self.hang_up.now();
        let verified = match self.watched.take() {
            Some(watched) => watched.verify(patience).await,
            None => Gone::Unverified { why: "it runs where the replica can't look".to_owned() },
        };
        let gone = match (verified, silence.left) {
            (Gone::Unverified { .. }, Some(0)) => Gone::Verified,
            (verified, _) => verified,
        };
        let loss = Arc::new(Loss { reason: silence.reason, gone });
        tracing::debug!(%loss, "the host is gone");
        self.shared.close();
        self.lost.send_replace(Some(loss));
    }
}

async fn read(shared: &Shared, receiver: &mut Receiver) -> Silence {
    let mut left = None;
    loop {
        let reason = match receiver.recv::<Report>().await {
            Ok(Some((Report::Gone { remaining }, _))) => {
                left = Some(remaining);
                continue;
            }
            Ok(Some((report, fds))) => {
                shared.take(report, fds);
                continue;
            }
            Ok(None) if left.is_some() => "the host has ended".to_owned(),
            Ok(None) => "the host hung up".to_owned(),
            Err(ChannelError::Read(error)) => format!("the host's connection broke: {error}"),
            Err(error) => format!("the host broke the protocol: {error}"),
        };
        return Silence { reason, left };
    }
}
