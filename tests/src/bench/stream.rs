//! From a commit in etcd to an event at clients of the stream of loops.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use etcd_client::{Client, WatchOptions};
use smith_model::api::{Created, LoopEvent};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::http::Events;
use super::stage::{Server, Stage};
use super::stats::{Samples, millis};
use super::table::{Row, Section};
use super::{Scale, create};

const PREFIX: &str = "/bench-stream";
/// Stands in the changed field, before the change's number.
const MARK: &str = "change-";

/// The number of a change, wherever it stands in a text.
fn number(text: &[u8]) -> Option<usize> {
    let mark = MARK.as_bytes();
    let at = text.windows(mark.len()).position(|w| w == mark)? + mark.len();
    std::str::from_utf8(text.get(at..at + 6)?).ok()?.parse().ok()
}

/// Does the event say that the list was sent?
fn is_ready(data: &[u8]) -> bool {
    matches!(serde_json::from_slice(data), Ok(LoopEvent::Ready))
}

/// Reads a client's stream until the last change; when each change came.
async fn listen(mut events: Events, changes: usize, begun: Instant) -> Result<Vec<f64>> {
    let mut seen = vec![f64::NAN; changes];
    loop {
        let Some(n) = number(events.next().await?).filter(|n| *n < changes) else { continue };
        seen[n] = millis(begun.elapsed());
        if n + 1 == changes {
            return Ok(seen);
        }
    }
}

/// Watches the key itself: what anybody outside can know of the commit.
async fn put_times(
    mut client: Client,
    key: String,
    changes: usize,
    begun: Instant,
) -> Result<Vec<f64>> {
    let mut watch = client.watch(key, Some(WatchOptions::new())).await?;
    let mut seen = vec![f64::NAN; changes];
    loop {
        let message = watch.message().await?.context("the watch ended")?;
        let now = millis(begun.elapsed());
        for event in message.events() {
            let Some(n) = event.kv().and_then(|kv| number(kv.value())) else { continue };
            seen[n] = now;
            if n + 1 == changes {
                return Ok(seen);
            }
        }
    }
}

struct Latencies {
    /// From the put's start to the watch.
    watched: Samples,
    /// From the put's start to each client.
    arrived: Samples,
    /// From the commit (watch or answer, whichever came first) to each client.
    behind: Samples,
    /// The same to the last client of each change.
    last: Samples,
}

async fn round(
    api: &Server,
    client: &Client,
    key: &str,
    clients: usize,
    (changes, pause): (usize, Duration),
) -> Result<Latencies> {
    let mut kv = client.kv_client();
    let before = kv.get(key, None).await?;
    let record = before.kvs().first().context("the loop's state is there")?.value_str()?.to_owned();
    let mut record: serde_json::Value = serde_json::from_str(&record)?;
    let begun = Instant::now();
    let (ready, mut readied) = watch::channel(0);
    let mut listeners = JoinSet::new();
    for _ in 0..clients {
        let mut events = api.connect().await?.events("/v1/loops/stream").await?;
        let ready = ready.clone();
        listeners.spawn(async move {
            // The list comes first.
            while !is_ready(events.next().await?) {}
            ready.send_modify(|ready| *ready += 1);
            listen(events, changes, begun).await
        });
    }
    let watching = tokio::spawn(put_times(client.clone(), key.to_owned(), changes, begun));
    let all = readied.wait_for(|ready| *ready == clients);
    let all = tokio::time::timeout(Duration::from_secs(60), all).await;
    all.context("not every client has its list")?.context("a client ended early")?;
    // The watch has been made, and what the lists woke is asleep again.
    sleep(Duration::from_millis(300)).await;
    let (mut sent, mut answered) = (vec![], vec![]);
    for n in 0..changes {
        record["message"] = format!("{MARK}{n:06}").into();
        let value = record.to_string();
        sent.push(millis(begun.elapsed()));
        kv.put(key, value, None).await?;
        answered.push(millis(begun.elapsed()));
        sleep(pause).await;
    }
    let within = Duration::from_secs(30);
    let watched =
        tokio::time::timeout(within, watching).await.context("the watch is too late")???;
    let mut arrived = vec![];
    let all = async {
        while let Some(seen) = listeners.join_next().await {
            arrived.push(seen??);
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(within, all).await.context("events are missing")??;
    let committed: Vec<f64> = watched.iter().zip(&answered).map(|(w, a)| w.min(*a)).collect();
    let from = |begin: &[f64]| {
        let each = arrived.iter().flat_map(|seen| seen.iter().zip(begin).map(|(a, b)| a - b));
        // A change that was overtaken by the next one is shown by that.
        Samples::new(each.filter(|ms| !ms.is_nan()).collect())
    };
    let last = (0..changes).map(|n| {
        let times = arrived.iter().map(|seen| seen[n]).filter(|ms| !ms.is_nan());
        times.fold(f64::NAN, f64::max) - committed[n]
    });
    Ok(Latencies {
        watched: Samples::new(
            watched.iter().zip(&sent).map(|(w, s)| w - s).filter(|ms| !ms.is_nan()).collect(),
        ),
        arrived: from(&sent),
        behind: from(&committed),
        last: Samples::new(last.filter(|ms| !ms.is_nan()).collect()),
    })
}

/// Measures it.
pub async fn measure(stage: &Stage, scale: &Scale) -> Result<Section> {
    let etcd = stage.etcd("etcd-stream").await?;
    let api = stage.api(&etcd, PREFIX).await?;
    let created: Created =
        api.connect().await?.post("/v1/loops", &create::request(1)).await?.json()?;
    let key = format!("{PREFIX}/live/state/{}", created.item.record.loop_id);
    let client = etcd.client().await?;
    let mut rows = vec![];
    let mut notes = vec![];
    for (n, pause) in [(1, 20), (100, 20), (1000, 200)] {
        let changes = if n == 1000 { scale.changes / 3 } else { scale.changes };
        let pace = (changes, Duration::from_millis(pause));
        let Latencies { watched, arrived, behind, last } =
            round(&api, &client, &key, n, pace).await?;
        let both = |s: &Samples| format!("{:.2} / {:.2}", s.p50(), s.p99());
        rows.push(Row::new(
            format!("{n} client{}: put to event, p50 / p99", if n == 1 { "" } else { "s" }),
            both(&watched),
            both(&arrived),
            format!("commit to event {}", both(&behind)),
        ));
        let lost = changes * n - arrived.len();
        notes.push(format!(
            "{n}: {changes} changes, {pause} ms apart; the last client of a change had it {} after the commit; {lost} events were overtaken by a newer one.",
            both(&last)
        ));
    }
    drop(client);
    api.stop().await?;
    etcd.stop().await?;
    Ok(Section {
        title: "Streams",
        how: "A loop's state record is put straight into etcd; clients of smith-api's `GET /v1/loops/stream` (bare TCP connections that only look for the changed words, in the same process as the put, on the same cores) note when it comes. \
              The peer is a watch of the key itself. A commit isn't visible from outside; it counts as seen when the put is answered or the watch has it, whichever is first.".into(),
        peer: "watch of etcd",
        rows,
        notes,
    })
}
