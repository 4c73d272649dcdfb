//! A person's own editor: a text goes into a private file, the terminal to the program, and both come back.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use tokio::process::{Child, Command};

use crate::run::private;

/// The longest text that is read back.
const MOST: u64 = 4 * 1024 * 1024;

/// An editor that runs.
pub(super) struct Editor {
    editor: String,
    path: PathBuf,
    child: Child,
}

impl Editor {
    /// Starts it on a text. The terminal has to be free.
    pub(super) fn start(editor: &str, name: &str, text: &str) -> Result<Self, String> {
        let path = std::env::temp_dir().join(format!("smith-{}-{name}", uuid::Uuid::new_v4()));
        let begun = write(&path, text).and_then(|()| {
            // As git does it: what the variable holds is a command line.
            let line = format!("{editor} \"$1\"");
            Command::new("/bin/sh").args(["-c", &line, "smith"]).arg(&path).spawn()
        });
        match begun {
            Ok(child) => Ok(Self { editor: editor.to_owned(), path, child }),
            Err(error) => {
                // What is left of it helps nobody; the error that matters is the first one.
                drop(fs::remove_file(&path));
                Err(format!("can't start {editor}: {error}"))
            }
        }
    }

    /// Waits for its end. Cancel-safe.
    pub(super) async fn ended(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// What it left; the file is gone then.
    pub(super) fn text(self, ended: io::Result<ExitStatus>) -> Result<String, String> {
        let Self { editor, path, child: _ } = self;
        let read = read(&path);
        drop(fs::remove_file(&path));
        match ended {
            Ok(status) if status.success() => read.map_err(|error| format!("{editor}: {error}")),
            Ok(status) => Err(format!("{editor} ended with {status}: nothing is taken from it")),
            Err(error) => Err(format!("{editor}: {error}")),
        }
    }
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    private::create(path)?.write_all(text.as_bytes())
}

fn read(path: &Path) -> io::Result<String> {
    if fs::metadata(path)?.len() > MOST {
        return Err(io::Error::other(format!("the text has more than {MOST} bytes")));
    }
    fs::read_to_string(path)
}
