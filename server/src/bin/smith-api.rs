//! The HTTP API: people's requests and the worker protocol.

use anyhow::Context as _;
use smith_server::args::{self, ApiTask};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match args::api() {
        ApiTask::Serve(config) => {
            smith_server::telemetry::init(&config.logs.filter, config.logs.format);
            smith_server::run_api(config).await.context("smith-api stopped")
        }
        ApiTask::BootstrapToken(config, out) => {
            smith_server::bootstrap_token(config, &out).await.context("no token was made")
        }
        ApiTask::Openapi => {
            println!("{}", smith_server::api::openapi().to_pretty_json()?);
            Ok(())
        }
    }
}
