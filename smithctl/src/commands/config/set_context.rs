//! `smithctl config set-context`.

use smith_client::{Client, Config};
use smith_model::context::Contexts;

use crate::app::App;
use crate::args::Flags;
use crate::error::{Error, Exit};
use crate::input;

/// The arguments.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The context. The global options say what it holds; what isn't given stays as it is.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Read the token from standard input, and keep it in the file (mode 0600).
    #[arg(long)]
    pub(crate) token_stdin: bool,
}

/// Runs it.
pub(crate) async fn run(app: &App, args: Args) -> Result<Exit, Error> {
    let Args { name, token_stdin } = args;
    if token_stdin && app.flags.token_file.is_some() {
        return Err(Error::usage("--token-stdin and --token-file name two tokens"));
    }
    let token = match token_stdin {
        true => Some(input::text("-").await?.trim().to_owned()),
        false => None,
    };
    if token.as_deref() == Some("") {
        return Err(Error::usage("standard input holds no token"));
    }
    super::change(app, |known| set(known, &name, &app.flags, token))?;
    app.ui.note(&format!("context {name} is set"));
    Ok(Exit::Done)
}

/// Changes what is given. The first context is in use at once.
pub(super) fn set(
    known: &mut Contexts,
    name: &str,
    flags: &Flags,
    token: Option<String>,
) -> Result<(), Error> {
    let Flags { server, context: _, project, output: _, token_file } = flags;
    if name.is_empty() || name.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(Error::usage("a context's name has no blanks"));
    }
    let mut context = known.contexts.get(name).cloned().unwrap_or_default();
    if let Some(server) = server {
        // A token is for one server: it doesn't go along to another.
        if !context.server.is_empty() && context.server != *server {
            (context.token, context.token_file) = (None, None);
        }
        context.server = server.clone();
    }
    if context.server.is_empty() {
        return Err(Error::usage(format!("context {name} needs a server")).hint("add --server URL"));
    }
    Client::new(Config::new(&context.server, "smithctl"))?;
    if let Some(project) = project {
        context.project = Some(project.to_string());
    }
    if let Some(token) = token {
        (context.token, context.token_file) = (Some(token), None);
    }
    if let Some(file) = token_file {
        let file = std::path::absolute(file)
            .map_err(|error| Error::usage(format!("--token-file: {error}")))?;
        let Some(file) = file.to_str() else {
            return Err(Error::usage("--token-file isn't UTF-8"));
        };
        (context.token, context.token_file) = (None, Some(file.to_owned()));
    }
    known.contexts.insert(name.to_owned(), context);
    if known.current_context.is_none() {
        known.current_context = Some(name.to_owned());
    }
    Ok(())
}
