//! `smithctl recording`.

pub(crate) mod export;
pub(crate) mod list;
pub(crate) mod play;

use clap::Subcommand;
use smith_client::Client;
use smith_model::id::LoopId;
use smith_term::playback::catalog::Catalog;
use smith_term::playback::reel::Reel;
use smith_term::recording::Recording;

use crate::app::App;
use crate::error::{Error, Exit};

/// What to do with recordings.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List what was recorded of the terminals of a loop's workers.
    #[command(visible_alias = "ls")]
    List(list::Args),
    /// Play a recording on this terminal.
    ///
    /// Keys: space stands still and goes on, the left and right arrow (or , and .) go 5 seconds back and forth, + and -
    /// double and halve the speed, q ends it.
    Play(play::Args),
    /// Write a recording as asciicast, for players such as asciinema, or as text.
    Export(export::Args),
}

/// Runs it.
pub(crate) async fn run(app: &App, command: Command) -> Result<Exit, Error> {
    match command {
        Command::List(args) => list::run(app, args).await,
        Command::Play(args) => play::run(app, args).await,
        Command::Export(args) => export::run(app, args).await,
    }
}

/// Which recording.
#[derive(Debug, clap::Args)]
pub(crate) struct Which {
    /// The loop.
    #[arg(value_name = "ID")]
    id: LoopId,
    /// The recording's number in `smithctl recording list`; the newest of an agent where none is given.
    #[arg(value_name = "N")]
    number: Option<usize>,
}

/// What was recorded of a loop's terminals.
async fn catalog(app: &App, client: &Client, id: &LoopId) -> Result<Catalog, Error> {
    let (mut items, mut cursor) = (vec![], None);
    loop {
        let page = app.ask(client, id, client.recordings(id, cursor.as_deref())).await?;
        items.extend(page.items);
        cursor = page.cursor;
        if cursor.is_none() {
            return Ok(Catalog::new(items));
        }
    }
}

/// A recording with all its parts.
async fn reel(app: &App, which: &Which) -> Result<Reel, Error> {
    let Which { id, number } = which;
    let client = app.client()?;
    let items = catalog(app, &client, id).await?.process(*number);
    let items = items.ok_or_else(|| match number {
        Some(number) => Error::failed(format!("{id}: there is no recording {number}"))
            .hint(format!("smithctl recording list {id} shows which there are")),
        None => Error::failed(format!("{id}: nothing was recorded"))
            .hint("a recording is there when its part is complete, at the latest when the process has ended"),
    })?;
    let mut parts = vec![];
    for item in items {
        let digest = &item.recording.artifact.digest;
        let bytes = app.ask(&client, id, client.artifact(id, digest)).await?;
        let cast = Recording::read(&bytes)
            .map_err(|error| Error::failed(format!("{id}: artifact {digest}: {error}")))?;
        parts.push((item, cast));
    }
    Reel::join(parts).ok_or_else(|| Error::failed(format!("{id}: the recording is empty")))
}
