//! Journals of many workers at once, against raw puts of the same bytes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use smith_model::journal::{Draft, Phase};
use smith_model::worker::{ClaimRequest, EvidenceItem, EvidenceRequest, PROTOCOLS};
use smith_server::view::View;
use tokio_util::sync::CancellationToken;

use super::core;
use super::http::Connection;
use super::load::{Load, Operation, drive};
use super::raw::{RawTxn, Writes};
use super::runtime::{Noop, Work, session};
use super::stage::{Etcd, Server, Stage};
use super::stats::Rounds;
use super::table::{Row, Section};
use super::{Scale, create};

const PREFIX: &str = "/bench-journal";
const REPLICAS: usize = 50;
/// A line of an agent's output, an act, a finding: what a replica says in half a second of work.
const ENTRIES: usize = 10;
const MESSAGE: &str = "iteration 3 of US-002: the gate `make test` is red with exit code 2 after 1.4 s; its last lines are in the excerpt below, the whole output is kept as an artifact, and is fed back";

/// A worker that says something all the time.
struct Talker {
    connection: Connection,
    next: u64,
}

impl Operation for Talker {
    async fn once(&mut self) -> Result<()> {
        let entry = || EvidenceItem::Journal(Draft::info(Phase::Iteration, MESSAGE));
        let items = (0..ENTRIES).map(|_| entry()).collect();
        let request = EvidenceRequest { first: self.next, items };
        let answer = self.connection.post("/v1/worker/evidence", &request).await?;
        if answer.status != 200 {
            bail!(
                "evidence was answered with {}: {}",
                answer.status,
                String::from_utf8_lossy(&answer.body)
            );
        }
        self.next += ENTRIES as u64;
        Ok(())
    }
}

/// Loops with claimed attempts: a core admits them, workers without a process claim them.
async fn talkers(etcd: &Etcd, api: &Server) -> Result<Vec<Talker>> {
    let mut connection = api.connect().await?;
    for n in 0..REPLICAS {
        let answer = connection.post("/v1/loops", &create::request(n as u64)).await?;
        ensure!(answer.status == 201, "a create was answered with {}", answer.status);
    }
    let shutdown = CancellationToken::new();
    let store = etcd.store(PREFIX).await?;
    let (view, feeding) = View::start(store.clone(), shutdown.clone()).await?;
    let feeding = tokio::spawn(feeding);
    let noop = Noop::new(Work::Wait);
    let core = core::core(store, view.clone(), noop.clone(), REPLICAS as u32);
    let leading = tokio::spawn(core.run(shutdown.clone()));
    let mut launched = noop.launched();
    let all = launched.wait_for(|launched| *launched == REPLICAS);
    let all = tokio::time::timeout(Duration::from_secs(30), all).await;
    all.context("loops aren't admitted")??;
    let mut talkers = vec![];
    for launch in noop.launches() {
        let (claim, session) = session(&launch).context("a core makes good claim tokens")?;
        let mut connection = Connection::open(api.address, &claim.token()).await?;
        let request =
            ClaimRequest { protocols: PROTOCOLS.to_vec(), session: session.secret.clone() };
        connection.post("/v1/worker/claim", &request).await?.json::<serde_json::Value>()?;
        connection.bear(&session.token());
        talkers.push(Talker { connection, next: 1 });
    }
    shutdown.cancel();
    leading.await??;
    feeding.await??;
    Ok(talkers)
}

/// Measures it.
pub async fn measure(stage: &Stage, scale: &Scale) -> Result<Section> {
    let etcd = stage.etcd("etcd-journal").await?;
    let api = stage.api(&etcd, PREFIX).await?;
    let mut all = talkers(&etcd, &api).await?;
    all[0].once().await?;
    let client = etcd.client().await?;
    let writes = Arc::new(Writes::newest(&client, PREFIX).await?);
    let (keys, bytes) = writes.size();
    let counter = Arc::new(AtomicU64::new(0));
    let mut rounds: BTreeMap<usize, Vec<(Load, Load)>> = BTreeMap::new();
    for _ in 0..scale.rounds {
        for n in [1, REPLICAS] {
            let raw = RawTxn::clients(&client, &writes, &counter, 0, n);
            let (raw, _) = drive(raw, scale.span).await?;
            let some = all.split_off(all.len() - n);
            let (smith, back) = drive(some, scale.span).await?;
            all.extend(back);
            rounds.entry(n).or_default().push((raw, smith));
        }
    }
    let mut rows = vec![];
    for (n, rounds) in &rounds {
        let of = |figure: &dyn Fn(&Load, &Load) -> f64| {
            Rounds::new(rounds.iter().map(|(raw, smith)| figure(raw, smith)))
        };
        let entries = ENTRIES as f64;
        rows.push(Row::new(
            format!("{n} replica{}: entries a second", if *n == 1 { "" } else { "s" }),
            format!("{:.0}", of(&|raw, _| raw.rate * entries)),
            format!("{:.0}", of(&|_, smith| smith.rate * entries)),
            format!("ratio {:.2}", of(&|raw, smith| smith.rate / raw.rate)),
        ));
        rows.push(Row::new(
            format!("… a batch of {ENTRIES}: p50 / p99"),
            format!(
                "{:.2} / {:.2}",
                of(&|raw, _| raw.took.p50()).median(),
                of(&|raw, _| raw.took.p99()).median()
            ),
            format!(
                "{:.2} / {:.2}",
                of(&|_, s| s.took.p50()).median(),
                of(&|_, s| s.took.p99()).median()
            ),
            format!("p50 + {:.2}", of(&|raw, smith| smith.took.p50() - raw.took.p50())),
        ));
    }
    drop(client);
    api.stop().await?;
    etcd.stop().await?;
    Ok(Section {
        title: "Journal",
        how: format!(
            "`POST /v1/worker/evidence` with {ENTRIES} entries of {} bytes of message, by workers that claimed their attempts and send the next batch at once; \
             against transactions of as many puts and bytes ({keys} keys, {bytes} bytes) straight to the same etcd. Smith's are sealed (a keyed chain), compare the lock and the journal's head, and say whose they are.",
            MESSAGE.len()
        ),
        peer: "etcd alone",
        rows,
        notes: vec!["A real replica sends at most ten batches a second, so fifty of them ask for at most 500 batches a second.".into()],
    })
}
