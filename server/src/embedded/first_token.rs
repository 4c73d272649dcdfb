//! The admin token of a local installation, and the context with which `smith` and `smithctl` find it.
//!
//! The token itself is made by the tokens' use case, which stores its hash; here it is only kept in a
//! file. The context names that file instead of holding the token, so there is one place to protect and
//! a new token is picked up by itself.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use smith_model::context::{Context, Contexts};

use super::atomic_file;
use super::state_dir::StateDir;

/// Why the token or the context can't be kept.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The token's file.
    #[error("can't {act} the admin token {}", path.display())]
    Token {
        /// `read` or `write`.
        act: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The contexts file can't be read or written.
    #[error("can't {act} the contexts file {}", path.display())]
    Contexts {
        /// `read` or `write`.
        act: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The contexts file isn't one. It is left as it is: it may hold other servers.
    #[error("the contexts file {} can't be understood; correct it, or move it away to have a new one written", path.display())]
    ContextsCorrupt {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// A path that JSON can't hold.
    #[error("the path {} isn't UTF-8, so that no context can name it; choose another state directory", path.display())]
    PathNotUtf8 {
        /// The path.
        path: PathBuf,
    },
}

/// The token that is kept, if there is one. The caller finds out whether it is still good.
pub fn read_token(state: &StateDir) -> Result<Option<String>, Error> {
    let path = state.admin_token();
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text.trim().to_owned()).filter(|token| !token.is_empty())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::Token { act: "read", path, source }),
    }
}

/// Keeps a token, in place of the one before.
pub fn write_token(state: &StateDir, token: &str) -> Result<(), Error> {
    let path = state.admin_token();
    atomic_file::replace(&path, format!("{token}\n").as_bytes()).map_err(|source| Error::Token {
        act: "write",
        path,
        source,
    })
}

/// What became of the contexts file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It says now where this server is.
    Changed,
    /// It said so already.
    Unchanged,
}

/// Makes the context `name` in the contexts file (`$XDG_CONFIG_HOME/smith/config.json`) lead to this
/// server, with the admin token's file. Other contexts and fields that aren't known here are kept; the
/// context in use changes only where none is set.
pub fn write_context(
    file: &Path,
    name: &str,
    server: &str,
    state: &StateDir,
) -> Result<Written, Error> {
    let token_file = state.admin_token();
    let Some(token_file) = token_file.to_str() else {
        return Err(Error::PathNotUtf8 { path: token_file });
    };
    // Who keeps the file elsewhere and links to it wants the target written, not the link replaced.
    let file = fs::canonicalize(file).unwrap_or_else(|_| file.to_path_buf());
    let failed = |act| {
        let path = file.clone();
        move |source| Error::Contexts { act, path, source }
    };
    let (before, mode) = match fs::read(&file) {
        Ok(text) => (text, fs::metadata(&file).map_err(failed("read"))?.mode()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => (Vec::new(), 0),
        Err(error) => return Err(failed("read")(error)),
    };
    let mut contexts: Contexts = match before.trim_ascii() {
        b"" => Contexts::default(),
        text => serde_json::from_slice(text)
            .map_err(|source| Error::ContextsCorrupt { path: file.clone(), source })?,
    };
    let known = contexts.clone();

    let context = contexts.contexts.entry(name.to_owned()).or_default();
    // Its project and what a later version put there stay; a token of its own would win over the file.
    let Context { server: its_server, token, token_file: its_token_file, project: _, extra: _ } =
        context;
    *its_server = server.to_owned();
    *token = None;
    *its_token_file = Some(token_file.to_owned());
    contexts.current_context.get_or_insert_with(|| name.to_owned());

    if contexts == known {
        // It may hold other servers' tokens.
        if mode & 0o077 != 0 {
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600))
                .map_err(failed("write"))?;
        }
        return Ok(Written::Unchanged);
    }
    if let Some(directory) = file.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(failed("write"))?;
    }
    let mut text = serde_json::to_vec_pretty(&contexts).expect("strings and JSON values serialise");
    text.push(b'\n');
    atomic_file::replace(&file, &text).map_err(failed("write"))?;
    Ok(Written::Changed)
}
