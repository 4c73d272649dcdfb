//! A fleet that stands still, since no core schedules it, and is changed straight in etcd.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use etcd_client::Client;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::{Value, json};
use smith_model::api::BatchAnswer;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::bench::stage::{Etcd, Server};

/// Loops of one request.
const BATCH: usize = 100;
/// Requests at once.
const AT_ONCE: usize = 8;
/// Loops whose records are changed while the fleet is under load.
const CHANGED: usize = 2_000;

/// The fleet.
pub(super) struct Fleet {
    client: Client,
    prefix: String,
    /// The records of the loops that are changed, by number.
    records: Vec<Value>,
}

fn request(n: usize) -> Value {
    json!({
        "idempotency_key": format!("bench-{n}"),
        "loop_id": format!("loop-{n:06}"),
        "source_type": "api",
        "source_ref": format!("bench/{n:08}"),
        "title": "Refuse dates that are not on the calendar",
        "description": "A date such as 2025-02-30 is taken and listed today.",
        "project": format!("team-{}", n % 20),
        "repository": "https://git.example.com/team/tally.git",
        "command": "agent --model big",
        "gates": ["make test"],
        "labels": { "team": "tally" },
    })
}

impl Fleet {
    /// Creates so many loops.
    pub(super) async fn create(api: &Server, etcd: &Etcd, prefix: &str, n: usize) -> Result<Self> {
        let batches: Vec<usize> = (0..n).step_by(BATCH).collect();
        stream::iter(batches)
            .map(|first| async move {
                let loops: Vec<Value> = (first..n.min(first + BATCH)).map(request).collect();
                let asked = loops.len();
                let mut connection = api.connect().await?;
                let answer = connection.post("/v1/loops", &json!({ "loops": loops })).await?;
                let answer: BatchAnswer = answer.json()?;
                if answer.created != asked {
                    bail!("{} of {asked} loops were created", answer.created);
                }
                anyhow::Ok(())
            })
            .buffer_unordered(AT_ONCE)
            .try_collect::<()>()
            .await?;
        let client = etcd.client().await?;
        let mut kv = client.kv_client();
        let mut records = vec![];
        // Spread over the whole fleet, but for the first ones, which are on the screen.
        let step = (n / CHANGED).max(1);
        for number in (0..10.min(n)).chain((10..n).step_by(step)) {
            let key = format!("{prefix}/live/state/loop-{number:06}");
            let got = kv.get(key, None).await?;
            let record = got.kvs().first().context("a loop's state is there")?;
            records.push(serde_json::from_slice(record.value())?);
        }
        Ok(Self { client, prefix: prefix.to_owned(), records })
    }

    /// Gives one of the first ten loops another title; when that was committed.
    pub(super) async fn retitle(&self, number: usize, title: &str) -> Result<Instant> {
        let mut record = self.records[number].clone();
        record["summary"]["title"] = title.into();
        let key = format!("{}/live/state/loop-{number:06}", self.prefix);
        self.client.kv_client().put(key, record.to_string(), None).await?;
        Ok(Instant::now())
    }
}

/// Changes that go on until they are stopped.
pub(super) struct Updates {
    stop: CancellationToken,
    task: JoinHandle<Result<()>>,
}

impl Updates {
    /// So many a second, each of another loop.
    pub(super) fn start(fleet: &Fleet, a_second: u32) -> Self {
        let stop = CancellationToken::new();
        let (client, prefix, records) =
            (fleet.client.clone(), fleet.prefix.clone(), fleet.records.clone());
        let stopped = stop.clone();
        let task = tokio::spawn(async move {
            let mut kv = client.kv_client();
            let mut pace = tokio::time::interval(Duration::from_secs(1) / a_second);
            for n in 0_u64.. {
                tokio::select! {
                    () = stopped.cancelled() => break,
                    _ = pace.tick() => {}
                }
                let mut record = records[usize::try_from(n)? % records.len()].clone();
                record["message"] = format!("update {n}").into();
                let id = record["loop_id"].as_str().context("a record names its loop")?;
                kv.put(format!("{prefix}/live/state/{id}"), record.to_string(), None).await?;
            }
            Ok(())
        });
        Self { stop, task }
    }

    /// Stops them.
    pub(super) async fn stop(self) -> Result<()> {
        self.stop.cancel();
        self.task.await?
    }
}
