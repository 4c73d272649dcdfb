//! `smithctl version`.

use crate::app::{App, to_value};
use crate::error::{Error, Exit};
use crate::output::Shown;
use crate::show;

/// The arguments.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only that of smithctl; no server is asked.
    #[arg(long)]
    client: bool,
}

/// Runs it.
pub(crate) async fn run(app: &App, args: Args) -> Result<Exit, Error> {
    let Args { client: only_client } = args;
    let own = env!("CARGO_PKG_VERSION");
    let mut human = format!("smithctl {own}");
    let mut value = serde_json::json!({ "client": { "version": own } });
    // Without a known server this is still an answer; with one that doesn't answer it isn't.
    if !only_client && app.target().is_ok() {
        let client = app.client()?;
        let server = client.version().await?;
        let version = show::line(&server.version);
        human.push_str(&format!("\nserver   {version} at {}", client.server()));
        value["server"] = to_value(&server);
    }
    app.ui.show(&Shown { value, names: vec![own.into()], human })?;
    Ok(Exit::Done)
}
