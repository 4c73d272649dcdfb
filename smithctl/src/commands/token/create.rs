//! `smithctl token create`.

use std::collections::BTreeSet;

use clap::ValueEnum;
use smith_model::access::{Role, Scope};
use smith_model::api::TokenRequest;
use smith_model::duration::Span;
use smith_model::id::ProjectName;

use crate::app::{App, to_value};
use crate::error::{Error, Exit};
use crate::output::Shown;

/// The arguments.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The identity that acts with it, in journals and audit.
    #[arg(value_name = "NAME")]
    name: String,
    /// What it may do.
    #[arg(long, value_name = "ROLE", default_value = "operator")]
    role: RoleName,
    /// A project that it sees; may be given again; all where none is given.
    #[arg(long = "scope", value_name = "PROJECT")]
    projects: Vec<ProjectName>,
    /// For how long it is good, such as 720h; for ever where none is given.
    #[arg(long, value_name = "TIME")]
    expires_in: Option<Span>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum RoleName {
    /// Reads.
    Viewer,
    /// Also creates and overrides.
    Operator,
    /// Also makes tokens.
    Admin,
}

/// Runs it.
pub(crate) async fn run(app: &App, args: Args) -> Result<Exit, Error> {
    let Args { name, role, projects, expires_in } = args;
    let role = match role {
        RoleName::Viewer => Role::Viewer,
        RoleName::Operator => Role::Operator,
        RoleName::Admin => Role::Admin,
    };
    let projects: BTreeSet<_> = projects.into_iter().collect();
    let scope = if projects.is_empty() { Scope::All } else { Scope::Projects(projects) };
    let created =
        app.client()?.create_token(&TokenRequest { name, role, scope, expires_in }).await?;
    if app.ui.format.is_human() {
        app.ui.note(&format!("token {}; it isn't shown again", created.item.id));
    }
    // The token alone, so that it can go straight into a file.
    let human = created.token.clone();
    let names = vec![created.item.id.to_string()];
    app.ui.show(&Shown { value: to_value(&created), names, human })?;
    Ok(Exit::Done)
}
