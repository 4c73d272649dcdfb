//! `smithctl token revoke`.

use smith_model::id::TokenId;

use crate::app::{App, to_value};
use crate::error::{Error, Exit};
use crate::output::{self, Shown};

/// The arguments.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The tokens, by the ids that `token list` shows.
    #[arg(required = true, value_name = "ID")]
    ids: Vec<TokenId>,
}

#[derive(Debug, serde::Serialize)]
struct Revoked {
    id: TokenId,
    revoked: bool,
}

/// Runs it.
pub(crate) async fn run(app: &App, args: Args) -> Result<Exit, Error> {
    let Args { ids } = args;
    let client = app.client()?;
    let (mut exit, mut names, mut values, mut lines) = (Exit::Done, vec![], vec![], vec![]);
    for id in &ids {
        match client.revoke_token(id).await {
            Ok(()) => {
                names.push(id.to_string());
                values.push(to_value(&Revoked { id: id.clone(), revoked: true }));
                lines.push(format!("{id} revoked"));
            }
            Err(error) if ids.len() == 1 => return Err(error.into()),
            Err(error) => {
                app.ui.error(&error.into());
                exit = Exit::Failed;
            }
        }
    }
    let value = match ids.len() {
        1 => values.pop().unwrap_or_default(),
        _ => output::items(values),
    };
    app.ui.show(&Shown { value, names, human: lines.join("\n") })?;
    Ok(exit)
}
