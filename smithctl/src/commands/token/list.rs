//! `smithctl token list`.

use crate::app::{App, to_value};
use crate::commands::whoami::scope;
use crate::error::{Error, Exit};
use crate::output::{self, Shown, Table};
use crate::show;

/// The arguments.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

/// Runs it.
pub(crate) async fn run(app: &App, args: Args) -> Result<Exit, Error> {
    let Args {} = args;
    let page = app.client()?.list_tokens().await?;
    let mut table = Table::new(&["ID", "NAME", "ROLE", "SCOPE", "MADE BY", "CREATED", "EXPIRES"]);
    for token in &page.items {
        table.row([
            token.id.to_string(),
            token.name.clone(),
            token.role.to_string(),
            scope(&token.scope),
            token.created_by.clone(),
            show::time(token.created_at),
            token.expires_at.map_or("never".into(), show::time),
        ]);
    }
    let names = page.items.iter().map(|token| token.id.to_string()).collect();
    let value = output::items(page.items.iter().map(to_value).collect());
    app.ui.show(&Shown { value, names, human: table.text() })?;
    Ok(Exit::Done)
}
