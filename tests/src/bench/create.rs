//! Creating loops through the API, against the same writes straight to the same etcd.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Result, bail};
use serde_json::json;

use super::Scale;
use super::http::Connection;
use super::load::{Load, Operation, drive};
use super::raw::{RawTxn, Writes};
use super::stage::Stage;
use super::stats::Rounds;
use super::table::{Row, Section, Verdict};

const PREFIX: &str = "/bench-create";

/// A client that creates loops.
struct Creator {
    connection: Connection,
    counter: Arc<AtomicU64>,
}

/// A request as people send it, with a key of its own.
pub fn request(n: u64) -> serde_json::Value {
    json!({
        "idempotency_key": format!("bench-{n}"),
        "source_type": "api",
        "source_ref": format!("bench/{n:08}"),
        "title": "Refuse dates that are not on the calendar",
        "description": "A date such as 2025-02-30 is taken and listed today. Refuse it with exit code 1, say which line it is in, and keep the file as it was. Add tests for leap years.",
        "repository": "https://git.example.com/team/tally.git",
        "command": "agent --model big --prompt-file \"$SMITH_PROMPT_FILE\"",
        "gates": ["make test", "make lint"],
        "labels": { "team": "tally" },
    })
}

impl Operation for Creator {
    async fn once(&mut self) -> Result<()> {
        let n = self.counter.fetch_add(1, Ordering::Relaxed);
        let answer = self.connection.post("/v1/loops", &request(n)).await?;
        if answer.status != 201 {
            bail!(
                "a create was answered with {}: {}",
                answer.status,
                String::from_utf8_lossy(&answer.body)
            );
        }
        Ok(())
    }
}

/// Measures it.
pub async fn measure(stage: &Stage, scale: &Scale) -> Result<Section> {
    let etcd = stage.etcd("etcd-create").await?;
    let api = stage.api(&etcd, PREFIX).await?;
    let counter = Arc::new(AtomicU64::new(0));
    let mut first = Creator { connection: api.connect().await?, counter: counter.clone() };
    first.once().await?;
    let client = etcd.client().await?;
    let writes = Arc::new(Writes::newest(&client, PREFIX).await?);
    let (keys, bytes) = writes.size();
    let raw_counter = Arc::new(AtomicU64::new(0));
    let mut rows = vec![];
    for n in [1, 16, 64] {
        let mut rounds: Vec<(Load, Load)> = vec![];
        let mut creators = vec![];
        for _ in 0..n {
            creators.push(Creator { connection: api.connect().await?, counter: counter.clone() });
        }
        for _ in 0..scale.rounds {
            let raw = RawTxn::clients(&client, &writes, &raw_counter, 3, n);
            let (raw, _) = drive(raw, scale.span).await?;
            let (smith, back) = drive(creators, scale.span).await?;
            creators = back;
            rounds.push((raw, smith));
        }
        rows.extend(compare(n, &rounds));
    }
    drop(client);
    api.stop().await?;
    etcd.stop().await?;
    Ok(Section {
        title: "Creating loops",
        how: format!(
            "`POST /v1/loops` to smith-api, every request another loop, over kept-alive connections; against a transaction of as many compares, keys and bytes \
             ({keys} keys, {bytes} bytes) straight to the same etcd over one connection. The load shares the cores with both."
        ),
        peer: "etcd alone",
        rows,
        notes: vec![],
    })
}

fn compare(n: usize, rounds: &[(Load, Load)]) -> Vec<Row> {
    let of = |figure: &dyn Fn(&Load, &Load) -> f64| {
        Rounds::new(rounds.iter().map(|(raw, smith)| figure(raw, smith)))
    };
    let ratio = of(&|raw, smith| smith.rate / raw.rate);
    let added = of(&|raw, smith| smith.took.p50() - raw.took.p50());
    let mut rate = Row::new(
        format!("{n} at once: creates a second"),
        format!("{:.0}", of(&|raw, _| raw.rate)),
        format!("{:.0}", of(&|_, smith| smith.rate)),
        format!("ratio {ratio:.2}"),
    );
    if n == 64 {
        rate = rate.goal("ratio ≥ 0.6", Verdict::at_least(ratio.median(), 0.6));
    }
    let both = |p50: f64, p99: f64| format!("{p50:.2} / {p99:.2}");
    let mut took = Row::new(
        format!("{n} at once: p50 / p99"),
        both(of(&|raw, _| raw.took.p50()).median(), of(&|raw, _| raw.took.p99()).median()),
        both(of(&|_, smith| smith.took.p50()).median(), of(&|_, smith| smith.took.p99()).median()),
        format!("p50 + {added:.2}"),
    );
    if n == 1 {
        took = took.goal("p50 + ≤ 1", Verdict::at_most(added.median(), 1.0));
    }
    vec![rate, took]
}
