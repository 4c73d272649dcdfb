//! Smith on one machine: API and core in one process, with an etcd of its own.

use anyhow::Context as _;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let config = smith_server::args::smithd();
    smith_server::telemetry::init(&config.logs.filter, config.logs.format);
    smith_server::run_smithd(config).await.context("smithd stopped")
}
