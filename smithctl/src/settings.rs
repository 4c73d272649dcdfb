//! From flags, environment and contexts to one target (the high arguments). Pure but for [`Env::of_process`].
//!
//! A flag wins over the environment, and that over the context. A context's token goes only to that
//! context's server: who names another server has to bring its token.

use std::path::PathBuf;

use smith_client::Secret;
use smith_model::context::{Context, Contexts, LOCAL};
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

/// The context in use, if there is one: as named, else the current one, else `local` where it exists.
pub(crate) fn context_name<'a>(
    flags: &'a Flags,
    env: &'a Env,
    contexts: &'a Contexts,
) -> Option<&'a str> {
    let named = flags.context.as_deref().or(env.context.as_deref());
    named
        .or(contexts.current_context.as_deref())
        .or_else(|| contexts.contexts.contains_key(LOCAL).then_some(LOCAL))
}

/// Makes sense of it all.
pub(crate) fn resolve(flags: &Flags, env: &Env, contexts: &Contexts) -> Result<Target, Error> {
    let Flags { server, context: _, project, output: _, token_file } = flags;
    let name = context_name(flags, env, contexts);
    let context = match name {
        Some(name) => match contexts.contexts.get(name) {
            Some(context) => Some(context),
            // A server that is named needs no context, unless one was asked for on this line.
            None if flags.context.is_none() && (server.is_some() || env.server.is_some()) => None,
            None => return Err(unknown_context(name, contexts)),
        },
        None => None,
    };
    // A context named on the line is a flag, so it wins over the environment.
    let chosen = context.filter(|_| flags.context.is_some());
    let address = server
        .as_ref()
        .or_else(|| chosen.map(|context| &context.server))
        .or(env.server.as_ref())
        .or_else(|| context.map(|context| &context.server));
    let Some(address) = address else {
        return Err(no_server());
    };
    let own = context.filter(|context| same_server(&context.server, address));
    let of_context = own.map_or(TokenSource::None, token_of);
    let token = match (token_file, &env.token) {
        (Some(file), _) => TokenSource::File(file.clone()),
        (None, _) if chosen.is_some() && of_context != TokenSource::None => of_context,
        (None, Some(token)) => TokenSource::Given(token.clone()),
        (None, None) => of_context,
    };
    let project =
        match (project, own.and_then(|context| context.project.as_deref())) {
            (Some(project), _) => Some(project.clone()),
            (None, Some(name)) => Some(name.parse().map_err(|error| {
                Error::usage(format!("the context's project {name:?}: {error}"))
            })?),
            (None, None) => None,
        };
    Ok(Target { server: address.clone(), token, project })
}

fn token_of(context: &Context) -> TokenSource {
    match (&context.token_file, &context.token) {
        (Some(file), _) => TokenSource::File(file.into()),
        (None, Some(token)) => TokenSource::Given(Secret::new(token)),
        (None, None) => TokenSource::None,
    }
}

fn same_server(one: &str, other: &str) -> bool {
    match (url::Url::parse(one.trim()), url::Url::parse(other.trim())) {
        (Ok(one), Ok(other)) => {
            let path = |url: &url::Url| url.path().trim_end_matches('/').to_owned();
            one.origin() == other.origin() && path(&one) == path(&other)
        }
        _ => one == other,
    }
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
