//! `smithctl recording export`.

use std::path::PathBuf;

use smith_term::playback::reel::Reel;

use super::{Which, reel};
use crate::app::App;
use crate::error::{Error, Exit};
use crate::output;

/// The arguments.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    which: Which,
    /// What to write: cast is asciinema's format (version 3), with everything as it happened; text is what the terminal
    /// showed at last, below what had scrolled out of it.
    #[arg(long, value_name = "FORMAT", default_value = "cast")]
    format: Format,
    /// Where to write it; standard output where none is named.
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Cast,
    Text,
}

/// Runs it.
pub(crate) async fn run(app: &App, args: Args) -> Result<Exit, Error> {
    let Args { which, format, file } = args;
    let text = text(&reel(app, &which).await?, format);
    match file {
        None => app.ui.print(&text)?,
        Some(path) => std::fs::write(&path, text)
            .map_err(|error| Error::failed(format!("can't write {}: {error}", path.display())))?,
    }
    Ok(Exit::Done)
}

/// Printable in both formats: a cast may be printed on a terminal by mistake.
fn text(reel: &Reel, format: Format) -> String {
    match format {
        Format::Cast => output::printable_json(&reel.cast()),
        Format::Text => reel.text(),
    }
}

#[cfg(test)]
mod tests {
    use smith_model::printable::{Lines, printable};
    use smith_term::corpus::HOSTILE;
    use smith_term::playback::samples::of;
    use smith_term::recording::Recording;

    use super::*;

    #[test]
    fn nothing_that_is_exported_acts_on_a_terminal() {
        for (name, bytes) in HOSTILE {
            let reel = of(bytes);
            for format in [Format::Cast, Format::Text] {
                let text = text(&reel, format);
                assert_eq!(printable(&text, Lines::Many), text, "{name} as {format:?}");
            }
        }
    }

    #[test]
    fn a_cast_says_the_same_as_the_recording() {
        for (name, bytes) in HOSTILE {
            let reel = of(bytes);
            let read = Recording::read(text(&reel, Format::Cast).as_bytes()).unwrap();
            assert_eq!(read.events, reel.events, "{name}");
        }
    }
}
