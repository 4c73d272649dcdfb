//! From flags, environment and contexts to whom to speak to, and how to draw.

use std::path::{Path, PathBuf};

use smith_client::{Client, Config, Proxy, Secret};
use smith_model::context::{Contexts, LOCAL};

use crate::args::Args;
use crate::host::Host;

/// What of the process's environment matters.
#[derive(Clone, Debug, Default)]
pub struct Env {
    /// `SMITH_API_URL`.
    pub server: Option<String>,
    /// `SMITH_OPERATOR_TOKEN`.
    pub token: Option<Secret>,
    /// `SMITH_CONTEXT`.
    pub context: Option<String>,
    /// The directory of Smith's files, if a home is known.
    pub config_dir: Option<PathBuf>,
    /// The directory of what Smith remembers, if a home is known.
    pub state_dir: Option<PathBuf>,
    /// `NO_COLOR`, or a terminal without colours.
    pub is_plain: bool,
    /// The locale has no UTF-8.
    pub is_ascii: bool,
    /// The terminal.
    pub host: Host,
}

/// Why there is nobody to speak to.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No server is known.
    #[error("no server is known: start smithd, or give --server and --token-file")]
    NoServer,
    /// A context that isn't there.
    #[error("there is no context {0:?}: smithctl config get-contexts lists them")]
    NoContext(String),
    /// A server without a token.
    #[error("no token for {0}: give --token-file, or set SMITH_OPERATOR_TOKEN")]
    NoToken(String),
    /// A file that can't be read.
    #[error("can't read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file that isn't what it should be.
    #[error("{path} isn't a contexts file")]
    Parse {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// The client refuses what it was told.
    #[error(transparent)]
    Client(#[from] smith_client::Error),
}

/// Whom to speak to.
#[derive(Debug)]
pub struct Target {
    /// The context, if it was one.
    pub context: Option<String>,
    /// A client for it.
    pub client: Client,
}

impl Env {
    /// Reads the environment; an empty variable counts as unset.
    pub fn of_process() -> Self {
        let get = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
        let absolute = |text: String| Some(PathBuf::from(text)).filter(|path| path.is_absolute());
        let config = get("XDG_CONFIG_HOME").and_then(absolute);
        let config = config.or_else(|| Some(get("HOME").and_then(absolute)?.join(".config")));
        let state = get("XDG_STATE_HOME").and_then(absolute);
        let state = state.or_else(|| Some(get("HOME").and_then(absolute)?.join(".local/state")));
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(get);
        Self {
            server: get("SMITH_API_URL"),
            token: get("SMITH_OPERATOR_TOKEN").map(Secret::new),
            context: get("SMITH_CONTEXT"),
            config_dir: config.map(|dir| dir.join("smith")),
            state_dir: state.map(|dir| dir.join("smith")),
            is_plain: get("NO_COLOR").is_some() || get("TERM").is_some_and(|term| term == "dumb"),
            host: Host::of(get),
            is_ascii: locale.is_some_and(|locale| {
                !locale.to_ascii_lowercase().replace('-', "").contains("utf8")
            }),
        }
    }
}

/// Finds whom to speak to.
pub fn target(args: &Args, env: &Env) -> Result<Target, Error> {
    let contexts = match &env.config_dir {
        Some(dir) => load(&dir.join("config.json"))?,
        None => Contexts::default(),
    };
    let named = args.context.as_ref().or(env.context.as_ref());
    let name = named.or(contexts.current_context.as_ref()).cloned();
    let name = name.or_else(|| contexts.contexts.contains_key(LOCAL).then(|| LOCAL.to_owned()));
    let context = match &name {
        Some(name) => match contexts.contexts.get(name) {
            Some(context) => Some(context),
            None if args.server.is_some() => None,
            None => return Err(Error::NoContext(name.clone())),
        },
        None => None,
    };
    let server = args.server.as_ref().or(env.server.as_ref());
    let Some(address) = server.or(context.map(|context| &context.server)) else {
        return Err(Error::NoServer);
    };
    let own = context.filter(|context| context.server == *address);
    let file = args.token_file.clone();
    let file = file.or_else(|| own.and_then(|c| c.token_file.clone()).map(PathBuf::from));
    let token = match (&args.token_file, &env.token, file) {
        (None, Some(token), _) => Some(token.clone()),
        (_, _, Some(path)) => {
            let text = std::fs::read_to_string(&path)
                .map_err(|source| Error::Read { path: path.clone(), source })?;
            Some(Secret::new(text))
        }
        _ => own.and_then(|context| context.token.as_ref()).map(Secret::new),
    };
    let token = token.filter(|token| !token.is_empty());
    let token = token.ok_or_else(|| Error::NoToken(address.clone()))?;
    let agent = concat!("smith/", env!("CARGO_PKG_VERSION"));
    let mut config = Config::new(address, agent).with_token(token);
    config.proxy = Proxy::System;
    let client = Client::new(config)?;
    Ok(Target { context: own.and(name), client })
}

fn load(path: &Path) -> Result<Contexts, Error> {
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(Contexts::default());
        }
        Err(source) => return Err(Error::Read { path: path.into(), source }),
    };
    serde_json::from_slice(&text).map_err(|source| Error::Parse { path: path.into(), source })
}
