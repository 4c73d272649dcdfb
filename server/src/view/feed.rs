//! The task that keeps a view current: it watches, and recovers from everything a watch can do.
//!
//! - The watch ends: another one from the next revision on.
//! - The history that it needs was compacted away: a new list, whose difference is one batch.
//! - It is silent: a tick must come back as an event, or the watch is given up. A watch can be dead and
//!   say nothing, and a keep-alive only tells that the connection lives.
//! - Another etcd answers, or the same one with older data: the end.

use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use smith_model::id::Revision;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::store::Error;
use crate::store::live::WatchEnd;
use crate::telemetry::chain;

use super::View;
use super::table::Table;

/// Why a watch was given up.
enum End {
    /// List again.
    Compacted,
    /// Watch again.
    Lost(Lost),
    /// End the process.
    Fatal(Error),
}

/// What became of a watch that has to be opened again.
#[derive(Debug, thiserror::Error)]
enum Lost {
    #[error("etcd could not be asked")]
    Store(#[source] Error),
    #[error(transparent)]
    Watch(WatchEnd),
    #[error("the watch is silent")]
    Silent,
    #[error("the watch told of revision {0}, which is older than what was seen")]
    Older(i64),
}

impl From<Error> for End {
    fn from(error: Error) -> Self {
        match error {
            Error::OtherCluster => Self::Fatal(error),
            error => Self::Lost(Lost::Store(error)),
        }
    }
}

/// Whether a watch has to prove itself before the view counts as current.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Doubt {
    /// The list was just read.
    None,
    /// It goes on after a break.
    UntilTick,
}

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LAST_PAUSE: Duration = Duration::from_secs(2);

pub(super) async fn run(view: View, shutdown: CancellationToken) -> Result<(), Error> {
    let _ended = view.inner.ended.clone().drop_guard();
    tokio::select! {
        biased;
        () = shutdown.cancelled() => Ok(()),
        error = follow(&view) => Err(error),
    }
}

async fn follow(view: &View) -> Error {
    let mut doubt = Doubt::None;
    let mut pause = FIRST_PAUSE;
    loop {
        let mut heard = Instant::now();
        let mut end = watch(view, doubt, &mut heard).await;
        if matches!(end, End::Compacted) {
            end = match list_again(view).await {
                Ok(()) => {
                    (doubt, pause) = (Doubt::None, FIRST_PAUSE);
                    continue;
                }
                Err(error) => error.into(),
            };
        }
        let lost = match end {
            End::Fatal(error) => return error,
            // The list wasn't in time either: the next watch will say so again.
            End::Compacted => continue,
            End::Lost(lost) => lost,
        };
        doubt = Doubt::UntilTick;
        if view.lose(heard) == Was::Current {
            pause = FIRST_PAUSE;
        }
        tracing::warn!(error = %chain(&lost), ?pause, "the watch is opened again");
        sleep(pause.mul_f64(rand::random_range(0.5..1.0))).await;
        pause = (pause * 2).min(LAST_PAUSE);
    }
}

/// Reads everything again after history was compacted away.
async fn list_again(view: &View) -> Result<(), Error> {
    let list = view.inner.store.list_live().await?;
    if list.cluster != view.inner.cluster || Revision(list.revision) < view.revision() {
        return Err(Error::OtherCluster);
    }
    let revision = Revision(list.revision);
    tracing::warn!(%revision, "history was compacted away before it was seen: everything was listed again");
    view.replace(Table::new(list), revision);
    view.find();
    Ok(())
}

/// Is it still the etcd that the view was read from?
async fn same_history(view: &View) -> Result<(), Error> {
    // Both reads are linearizable, so nothing later than the answer can have been seen before.
    let seen = view.revision();
    let store = &view.inner.store;
    let (cluster, now) = store.position().await?;
    let other = view.inner.cluster != cluster;
    if other || now < seen.0 || store.generation().await? != view.inner.generation {
        return Err(Error::OtherCluster);
    }
    Ok(())
}

async fn watch(view: &View, doubt: Doubt, heard: &mut Instant) -> End {
    let store = &view.inner.store;
    let silence = view.inner.settings.silence;
    if doubt == Doubt::UntilTick
        && let Err(error) = same_history(view).await
    {
        return error.into();
    }
    let mut watch = match store.watch_live(view.revision().0 + 1).await {
        Ok(watch) => watch,
        Err(error) => return error.into(),
    };
    let mut tick = match doubt {
        Doubt::None => Tick::None,
        Doubt::UntilTick => Tick::write(view),
    };
    let mut deadline = Instant::now() + silence;
    loop {
        tokio::select! {
            // Events first: a tick's answer must not hide that they came.
            biased;
            batch = watch.next() => {
                let batch = match batch {
                    Ok(batch) => batch,
                    Err(WatchEnd::Compacted(_)) => return End::Compacted,
                    Err(end) => return End::Lost(Lost::Watch(end)),
                };
                if batch.revision < view.revision().0 {
                    return match batch.events.is_empty() {
                        true => End::Lost(Lost::Older(batch.revision)),
                        false => End::Fatal(Error::OtherCluster),
                    };
                }
                view.take(batch);
                *heard = Instant::now();
                match tick {
                    Tick::None => deadline = *heard + silence,
                    Tick::Written(revision) if revision <= view.revision() => {
                        tick = Tick::None;
                        deadline = *heard + silence;
                        view.find();
                    }
                    Tick::Written(_) | Tick::Writing(_) => {}
                }
            }
            answer = tick.answer() => match answer {
                Ok(revision) => {
                    tick = Tick::Written(Revision(revision));
                    if Revision(revision) <= view.revision() {
                        // Its event was there before its answer.
                        tick = Tick::None;
                        view.find();
                    }
                    deadline = Instant::now() + silence;
                }
                Err(Error::Full) => {
                    // No tick can be written, but that is an answer, and hardly anything can happen.
                    tick = Tick::None;
                    deadline = Instant::now() + silence;
                    view.find();
                }
                Err(error) => return error.into(),
            },
            () = sleep_until(deadline) => match tick {
                Tick::None => {
                    tick = Tick::write(view);
                    deadline = Instant::now() + silence;
                }
                Tick::Writing(_) | Tick::Written(_) => return End::Lost(Lost::Silent),
            },
        }
    }
}

/// A sign of life that was asked for.
enum Tick<'a> {
    None,
    Writing(BoxFuture<'a, Result<i64, Error>>),
    Written(Revision),
}

impl<'a> Tick<'a> {
    fn write(view: &'a View) -> Self {
        let before = view.revision();
        let write = async move {
            let revision = view.inner.store.tick().await?;
            // A write gets the newest revision of all.
            if revision <= before.0 { Err(Error::OtherCluster) } else { Ok(revision) }
        };
        Self::Writing(write.boxed())
    }

    async fn answer(&mut self) -> Result<i64, Error> {
        match self {
            Self::Writing(write) => write.await,
            Self::None | Self::Written(_) => std::future::pending().await,
        }
    }
}

/// What a view was before it lost touch.
#[derive(PartialEq, Eq)]
enum Was {
    Current,
    Lost,
}

impl View {
    /// Notes that touch was lost; `heard` is when the last sign of life came.
    fn lose(&self, heard: Instant) -> Was {
        let newly = self.inner.lost.send_if_modified(|lost| {
            let newly = lost.is_none();
            lost.get_or_insert(heard);
            newly
        });
        if newly { Was::Current } else { Was::Lost }
    }

    /// Notes that the view is current again.
    fn find(&self) {
        self.inner.lost.send_if_modified(|lost| lost.take().is_some());
    }
}
