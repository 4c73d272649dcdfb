//! From flags, environment and contexts to one target (the high arguments), by the rules of
//! [`smith_model::context`]. Pure but for [`Env::of_process`].

use std::path::PathBuf;

use smith_client::Secret;
use smith_model::context::{Choice, Contexts, Given, NoChoice, TokenFrom};
use smith_model::id::ProjectName;

use crate::args::Flags;
use crate::error::Error;

/// What of the process's environment matters.
#[derive(Clone, Debug, Default)]
pub(crate) struct Env {
    /// `SMITH_API_URL`.
    pub(crate) server: Option<String>,
    /// `SMITH_OPERATOR_TOKEN`.
    pub(crate) token: Option<Secret>,
    /// `SMITH_CONTEXT`.
    pub(crate) context: Option<String>,
    /// The contexts file, if a home is known.
    pub(crate) config_file: Option<PathBuf>,
    /// `NO_COLOR`, or a terminal without colours.
    pub(crate) plain: bool,
}

impl Env {
    /// Reads the environment; an empty variable counts as unset.
    pub(crate) fn of_process() -> Self {
        let get = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
        let absolute = |text: String| Some(PathBuf::from(text)).filter(|path| path.is_absolute());
        let config = get("XDG_CONFIG_HOME").and_then(absolute);
        let config = config.or_else(|| Some(get("HOME").and_then(absolute)?.join(".config")));
        Self {
            server: get("SMITH_API_URL"),
            token: get("SMITH_OPERATOR_TOKEN").map(Secret::new),
            context: get("SMITH_CONTEXT"),
            config_file: config.map(|dir| dir.join("smith").join("config.json")),
            plain: get("NO_COLOR").is_some() || get("TERM").is_some_and(|term| term == "dumb"),
        }
    }
}

/// Where the token comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TokenSource {
    /// It was given.
    Given(Secret),
    /// It is to be read.
    File(PathBuf),
    /// There is none.
    None,
}

/// Whom to speak to, and as whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// The server's address.
    pub(crate) server: String,
    /// The token.
    pub(crate) token: TokenSource,
    /// The project of commands that name none.
    pub(crate) project: Option<ProjectName>,
}

/// What was said, as the shared rules take it.
fn given<'a>(flags: &'a Flags, env: &'a Env) -> Given<'a> {
    let Flags { server, context, project, output: _, token_file } = flags;
    Given {
        server: server.as_deref(),
        context: context.as_deref(),
        token_file: token_file.as_deref(),
        project: project.as_ref(),
        env_server: env.server.as_deref(),
        env_context: env.context.as_deref(),
        env_has_token: env.token.is_some(),
    }
}

/// The context in use, if there is one.
pub(crate) fn context_name(flags: &Flags, env: &Env, contexts: &Contexts) -> Option<String> {
    given(flags, env).context_name(contexts).map(str::to_owned)
}

/// Makes sense of it all.
pub(crate) fn resolve(flags: &Flags, env: &Env, contexts: &Contexts) -> Result<Target, Error> {
    let choice = given(flags, env).choose(contexts).map_err(|error| match error {
        NoChoice::NoServer => no_server(),
        NoChoice::UnknownContext(name) => unknown_context(&name, contexts),
        error @ NoChoice::Project { .. } => Error::usage(error.to_string()),
    })?;
    let Choice { context, server, token, project } = choice;
    let kept = context.and_then(|name| contexts.contexts.get(&name)?.token.as_ref());
    let token = match (token, &env.token, kept) {
        (TokenFrom::File(path), _, _) => TokenSource::File(path),
        (TokenFrom::Environment, Some(token), _) => TokenSource::Given(token.clone()),
        (TokenFrom::Context, _, Some(token)) => TokenSource::Given(Secret::new(token)),
        (TokenFrom::Environment | TokenFrom::Context | TokenFrom::Nowhere, _, _) => {
            TokenSource::None
        }
    };
    Ok(Target { server, token, project })
}

fn no_server() -> Error {
    Error::usage("no server is known")
        .hint("start smithd: it writes a context for itself")
        .hint("or name one: smithctl config set-context NAME --server URL --token-file FILE")
        .hint("or give --server, or set SMITH_API_URL")
}

pub(crate) fn unknown_context(name: &str, contexts: &Contexts) -> Error {
    let error = Error::usage(format!("there is no context {name:?}"));
    let names = contexts.contexts.keys().map(String::as_str);
    let close = crate::suggest::close(name, names);
    match (close.as_slice(), contexts.contexts.is_empty()) {
        (_, true) => error
            .hint("start smithd: it writes a context for itself")
            .hint(format!("or make it: smithctl config set-context {name} --server URL")),
        ([], false) => error.hint("smithctl config get-contexts lists them"),
        (close, false) => error.hint(format!("did you mean {}?", close.join(" or "))),
    }
}

#[cfg(test)]
mod tests;
