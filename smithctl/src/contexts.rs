//! The contexts file on disk: read whole, written whole, never seen half-written or by others.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use smith_model::context::Contexts;

/// What can go wrong with it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// It is there and can't be read.
    #[error("can't read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// It isn't of this shape.
    #[error("{path} isn't a contexts file")]
    Parse {
        /// The file.
        path: PathBuf,
        #[source]
        source: serde_json::Error,
    },
    /// It can't be written.
    #[error("can't write {path}")]
    Write {
        /// The file.
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// The file's contents; nothing, if there is no file.
pub(crate) fn load(path: &Path) -> Result<Contexts, Error> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Contexts::default()),
        Err(source) => {
            return Err(Error::Read { path: path.into(), source });
        }
    };
    serde_json::from_slice(&text).map_err(|source| Error::Parse { path: path.into(), source })
}

/// Can somebody else read a file that may hold a token?
pub(crate) fn is_open_to_others(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| meta.mode() & 0o077 != 0)
}

/// Replaces the file: mode 0600, in a directory of mode 0700.
pub(crate) fn save(path: &Path, contexts: &Contexts) -> Result<(), Error> {
    let error = |source| Error::Write { path: path.into(), source };
    let Some(dir) = path.parent() else {
        return Err(error(io::ErrorKind::InvalidInput.into()));
    };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(error)?;
    let mut text = serde_json::to_vec_pretty(contexts).expect("plain data serializes");
    text.push(b'\n');
    let draft = dir.join(format!(".config.json.{}", uuid::Uuid::new_v4()));
    let written = write_private(&draft, &text).and_then(|()| fs::rename(&draft, path));
    if written.is_err() {
        // What is left of the draft helps nobody; the error that matters is the first one.
        drop(fs::remove_file(&draft));
    }
    written.map_err(error)
}

fn write_private(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_private_whole_and_keeps_what_it_doesn_t_know() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("smith/config.json");
        assert_eq!(load(&path).unwrap(), Contexts::default());
        let json = serde_json::json!({
            "current_context": "a",
            "contexts": {"a": {"server": "http://h", "token": "t", "later": 1}},
            "theme": "dark",
        });
        let contexts: Contexts = serde_json::from_value(json.clone()).unwrap();
        save(&path, &contexts).unwrap();
        save(&path, &contexts).unwrap();
        assert_eq!(serde_json::to_value(load(&path).unwrap()).unwrap(), json);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().mode() & 0o777, 0o700);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no draft is left");
        assert!(!is_open_to_others(&path));
    }

    #[test]
    fn a_broken_file_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.json");
        fs::write(&path, "{").unwrap();
        let error = load(&path).unwrap_err();
        assert!(error.to_string().contains("config.json"), "{error}");
    }
}
