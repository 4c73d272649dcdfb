//! The scheduler: admits loops, starts their workers, and ends what vanished.

use anyhow::Context as _;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let config = smith_server::args::core();
    smith_server::telemetry::init(&config.logs.filter, config.logs.format);
    smith_server::run_core(config).await.context("smith-core stopped")
}
