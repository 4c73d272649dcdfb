//! Texts that are written to files: each on a thread of its own, into a file that wasn't there, for its owner alone.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::PathBuf;

use tokio::sync::mpsc;

use crate::effect::Save;
use crate::msg::Msg;
use crate::run::connect::Told;
use crate::run::private;

/// Writes files, and says so.
pub(super) struct Saver {
    tx: mpsc::Sender<Told>,
}

impl Saver {
    /// Answers go there.
    pub(super) fn new(tx: mpsc::Sender<Told>) -> Self {
        Self { tx }
    }

    /// Writes a file.
    pub(super) fn save(&self, save: Save) {
        let tx = self.tx.clone();
        // It ends by itself, and nobody is left to hear it when the owner is gone.
        drop(tokio::task::spawn_blocking(move || {
            let _ = tx.blocking_send(Told::Msg(Msg::Told(write(&save))));
        }));
    }

    /// Keeps something small that a person didn't ask for; only what goes wrong with it is said. Others may be faster:
    /// what is kept twice at once is kept by either.
    pub(super) fn keep(&self, keep: impl FnOnce() -> Result<(), String> + Send + 'static) {
        let tx = self.tx.clone();
        drop(tokio::task::spawn_blocking(move || {
            if let Err(why) = keep() {
                let _ = tx.blocking_send(Told::Msg(Msg::Told(Err(why))));
            }
        }));
    }
}

/// Writes a file; answers where, or why not.
fn write(save: &Save) -> Result<String, String> {
    let (path, mut file) = create(&save.name)?;
    let shown = path.display();
    file.write_all(save.text.as_bytes())
        .map_err(|error| format!("can't write {shown}: {error}"))?;
    Ok(format!("saved as {shown}"))
}

/// Makes a new file that only its owner may read.
pub(super) fn create(name: &str) -> Result<(PathBuf, File), String> {
    let path = std::path::absolute(name).map_err(|error| format!("{name}: {error}"))?;
    let shown = path.display();
    match private::create(&path) {
        Ok(file) => Ok((path, file)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err(format!("{shown} is there already: name another file"))
        }
        Err(error) => Err(format!("can't make {shown}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_text_gets_a_file_of_its_own_that_nobody_else_reads() {
        let dir = tempfile::tempdir().unwrap();
        let name = dir.path().join("a.txt").display().to_string();
        let save = |text: &str| write(&Save { name: name.clone(), text: text.to_owned() });
        assert_eq!(save("one\n"), Ok(format!("saved as {name}")));
        let mode = std::fs::metadata(&name).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let again = save("two\n").unwrap_err();
        assert!(again.contains("is there already"), "{again}");
        assert_eq!(std::fs::read_to_string(&name).unwrap(), "one\n");
    }
}
