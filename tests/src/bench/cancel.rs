//! From a cancel to the end of every process of an agent that doesn't want to go.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::json;
use tokio::time::timeout;

use super::stage::Stage;
use super::stats::{Samples, millis};
use super::table::{Row, Section, Verdict};
use super::{Scale, loops};
use crate::agent::{AliveFile, Fifo};

/// Longer than anything that is a result.
const MOST: Duration = Duration::from_secs(30);

/// Measures it.
pub async fn measure(stage: &Stage, scale: &Scale) -> Result<Section> {
    let repository = loops::repository(stage.dir())?;
    let smithd = stage.smithd("smithd-cancel", 4).await?;
    let mut connection = smithd.connect().await?;
    let mut took = vec![];
    for n in 0..scale.cancels {
        let id = format!("cancel-{n}");
        let alive = AliveFile::create(&stage.dir().join(format!("{id}.alive")));
        let mut begun = Fifo::create(&stage.dir().join(format!("{id}.fifo")));
        // A child of its own session that ignores the same signals, and this shell itself.
        let agent = format!(
            "{}; trap '' TERM INT HUP; setsid sh -c 'trap \"\" TERM INT HUP; while :; do sleep 1; done' & echo begun >'{}'; while :; do sleep 1; done",
            alive.take(),
            begun.path()
        );
        loops::create(&mut connection, &loops::request(&id, &repository, &agent, 1)).await?;
        timeout(MOST, begun.line()).await?;
        ensure!(alive.is_held(), "the agent doesn't hold its file");
        let stop = json!({ "loop_id": id, "target_state": "cancelled", "reason": "measured" });
        let asked = Instant::now();
        let released = async {
            timeout(MOST, alive.released()).await?;
            anyhow::Ok(asked.elapsed())
        };
        let cancel = async {
            connection.post("/v1/control/override", &stop).await?.json::<serde_json::Value>()
        };
        let (gone, _) = tokio::try_join!(released, cancel)?;
        took.push(millis(gone) / 1e3);
    }
    smithd.stop().await?;
    let took = Samples::new(took);
    Ok(Section {
        title: "Cancel",
        how: "From `POST /v1/control/override` to the moment when no process holds a file any more that the agent opened and all its processes inherited. \
              The agent and its child, in a session of its own, ignore SIGTERM, SIGINT and SIGHUP."
            .into(),
        peer: "",
        rows: vec![
            Row::new(
                format!("{} runs, p50 / most, in seconds", took.len()),
                "",
                format!("{:.2} / {:.2}", took.p50(), took.max()),
                "",
            )
            .goal("≤ 5 s", Verdict::at_most(took.max(), 5.0)),
        ],
        notes: vec![],
    })
}
