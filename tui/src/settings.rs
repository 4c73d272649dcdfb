//! From flags, environment and contexts to whom to speak to, and how to draw.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use smith_client::{Client, Config, Proxy, Secret};
use smith_model::context::{Choice, Contexts, Given, NoChoice, TokenFrom};
use smith_model::id::ProjectName;

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
    /// `VISUAL`, else `EDITOR`, else `vi`.
    pub editor: String,
    /// The clone that the working directory is in, as a repository's address.
    pub here: Option<String>,
    /// Where programs are.
    pub path: Vec<PathBuf>,
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
    /// Nobody was named.
    #[error("{why}{way}", why = .0, way = way_out(.0))]
    Choice(#[from] NoChoice),
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

/// What to do where nobody was chosen.
fn way_out(why: &NoChoice) -> &'static str {
    match why {
        NoChoice::NoServer => ": start smithd, or give --server and --token-file",
        NoChoice::UnknownContext(_) => ": smithctl config get-contexts lists them",
        NoChoice::Project { .. } => "",
    }
}

/// Whom to speak to.
#[derive(Debug)]
pub struct Target {
    /// The context, if it was one.
    pub context: Option<String>,
    /// The project of what names none.
    pub project: Option<ProjectName>,
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
            here: clone_around(),
            editor: get("VISUAL").or(get("EDITOR")).unwrap_or_else(|| "vi".to_owned()),
            path: get("PATH")
                .map(|dirs| std::env::split_paths(&dirs).collect())
                .unwrap_or_default(),
            is_plain: get("NO_COLOR").is_some() || get("TERM").is_some_and(|term| term == "dumb"),
            host: Host::of(get),
            is_ascii: locale.is_some_and(|locale| {
                !locale.to_ascii_lowercase().replace('-', "").contains("utf8")
            }),
        }
    }
}

/// What is asked for by name; the rest comes from the environment and the contexts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Asked {
    /// The server's address.
    pub server: Option<String>,
    /// The context.
    pub context: Option<String>,
    /// The file of the token.
    pub token_file: Option<PathBuf>,
}

impl From<&Args> for Asked {
    fn from(args: &Args) -> Self {
        let Args { server, context, token_file, read_only: _, record: _, replay: _ } = args;
        Self { server: server.clone(), context: context.clone(), token_file: token_file.clone() }
    }
}

/// The contexts as they are on disk.
pub fn contexts(env: &Env) -> Result<Contexts, Error> {
    match &env.config_dir {
        Some(dir) => load(&dir.join("config.json")),
        None => Ok(Contexts::default()),
    }
}

/// The nearest directory at or above the working directory that has a `.git`.
fn clone_around() -> Option<String> {
    let dir = std::env::current_dir().ok()?;
    let clone = dir.ancestors().find(|dir| dir.join(".git").exists())?;
    Some(format!("file://{}", clone.to_str()?))
}

/// Finds whom to speak to.
pub fn target(asked: &Asked, env: &Env) -> Result<Target, Error> {
    let contexts = contexts(env)?;
    let given = Given {
        server: asked.server.as_deref(),
        context: asked.context.as_deref(),
        token_file: asked.token_file.as_deref(),
        project: None,
        env_server: env.server.as_deref(),
        env_context: env.context.as_deref(),
        env_has_token: env.token.is_some(),
    };
    let Choice { context, server, token, project } = given.choose(&contexts)?;
    let token = match token {
        TokenFrom::File(path) => {
            let read = std::fs::read_to_string(&path);
            Some(Secret::new(read.map_err(|source| Error::Read { path, source })?))
        }
        TokenFrom::Environment => env.token.clone(),
        TokenFrom::Context => {
            let context = context.as_ref().and_then(|name| contexts.contexts.get(name));
            context.and_then(|context| context.token.as_ref()).map(Secret::new)
        }
        TokenFrom::Nowhere => None,
    };
    let token = token.filter(|token| !token.is_empty());
    let token = token.ok_or_else(|| Error::NoToken(server.clone()))?;
    let agent = concat!("smith/", env!("CARGO_PKG_VERSION"));
    let mut config = Config::new(server, agent).with_token(token);
    config.proxy = Proxy::System;
    Ok(Target { context, project, client: Client::new(config)? })
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
