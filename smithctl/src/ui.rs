//! What reaches the terminal: answers on standard output, everything else on standard error.

use std::io::{self, IsTerminal as _, Write as _};

use serde_json::Value;
use smith_model::printable::{Lines, printable};

use crate::error::{Error, Kind};
use crate::output::{self, Format, Shown};
use crate::show::Style;

/// The two ways out.
#[derive(Debug)]
pub(crate) struct Ui {
    /// What to print.
    pub(crate) format: Format,
    /// Colours, or none.
    pub(crate) style: Style,
}

impl Ui {
    /// Colours only on a terminal that wants them.
    pub(crate) fn new(format: Format, plain: bool) -> Self {
        let style = match !plain && io::stdout().is_terminal() {
            true => Style::Colour,
            false => Style::Plain,
        };
        Self { format, style }
    }

    /// An answer, in the form asked for.
    pub(crate) fn show(&self, shown: &Shown) -> Result<(), Error> {
        self.print(&output::render(&self.format, shown)?)
    }

    /// An event of a stream: a line of JSON for programs, else the text.
    pub(crate) fn event(&self, value: &Value, human: &str) -> Result<(), Error> {
        match &self.format {
            Format::Table | Format::Wide => self.print(human),
            Format::JsonPath(path) => self.print(&path.find(value).join("\n")),
            Format::Json | Format::Yaml | Format::Name => self.print(&output::json_line(value)),
        }
    }

    /// Text that is printable already.
    pub(crate) fn print(&self, text: &str) -> Result<(), Error> {
        if text.is_empty() {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        if !text.ends_with('\n') {
            out.write_all(b"\n")?;
        }
        out.flush()?;
        Ok(())
    }

    /// A remark, which is no part of the answer.
    pub(crate) fn note(&self, text: &str) {
        // Where standard error is gone there is nobody to tell.
        drop(writeln!(io::stderr().lock(), "{}", printable(text, Lines::Many)));
    }

    /// What went wrong: as a problem object where the answer would be one.
    pub(crate) fn error(&self, error: &Error) {
        if error.kind == Kind::BrokenPipe {
            return;
        }
        let text = match self.format {
            Format::Table | Format::Wide | Format::Name => {
                let mut text = format!("error: {}", error.message);
                for hint in &error.hints {
                    text.push_str(&format!("\n  hint: {hint}"));
                }
                text
            }
            Format::Json | Format::Yaml | Format::JsonPath(_) => output::json_line(&error.json()),
        };
        self.note(&text);
    }
}
