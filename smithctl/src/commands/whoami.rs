//! `smithctl whoami`.

use smith_model::access::{Identity, Scope};

use crate::app::{App, to_value};
use crate::error::{Error, Exit};
use crate::output::Shown;
use crate::show;

/// The arguments.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

/// Runs it.
pub(crate) async fn run(app: &App, args: Args) -> Result<Exit, Error> {
    let Args {} = args;
    let client = app.client()?;
    let identity = client.whoami().await?;
    let Identity { token_id, name, role, scope: may, expires_at } = &identity;
    let name_shown = show::line(name);
    let mut human = format!("{name_shown} ({role}, {}) at {}", scope(may), client.server());
    human.push_str(&format!("\ntoken {token_id}"));
    if let Some(at) = expires_at {
        human.push_str(&format!(", good until {}", show::time(*at)));
    }
    app.ui.show(&Shown { value: to_value(&identity), names: vec![name_shown], human })?;
    Ok(Exit::Done)
}

/// The projects in words.
pub(crate) fn scope(scope: &Scope) -> String {
    match scope {
        Scope::All => "all projects".into(),
        Scope::Projects(projects) => {
            let names: Vec<_> = projects.iter().map(ToString::to_string).collect();
            format!("projects {}", names.join(", "))
        }
    }
}
