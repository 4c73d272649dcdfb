//! Answers as people read them. Every text from outside is made printable here.

mod detail;
#[cfg(test)]
pub(crate) mod fixtures;
pub(crate) mod inbox;
mod journal;
mod loops;

use jiff::Timestamp;
use smith_model::inbox::Severity;
use smith_model::printable::{Lines, printable};
use smith_model::state::State;

pub(crate) use detail::{Depth, Detail, detail};
pub(crate) use journal::{LogFilter, entry, excerpt};
pub(crate) use loops::{headers, paint, row, table};

/// Colours, or none. A colour never says anything that a word doesn't.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// No escape sequences.
    Plain,
    /// With colours.
    Colour,
}

impl Style {
    /// A state in its colour.
    pub(crate) fn state(self, state: State) -> String {
        let code = match state {
            State::Unresolved => "33",
            State::Overwriting => "36",
            State::Synced => "32",
            State::Flatline => "31",
            State::Cancelled => "90",
        };
        self.coded(code, state.as_str())
    }

    /// A severity in its colour.
    pub(crate) fn severity(self, severity: Severity) -> String {
        let code = match severity {
            Severity::Critical => "31",
            Severity::Warning => "33",
            Severity::Notice => "36",
        };
        self.coded(code, severity.as_str())
    }

    /// Something that failed.
    pub(crate) fn bad(self, text: &str) -> String {
        self.coded("31", text)
    }

    /// Something that matters less.
    pub(crate) fn dim(self, text: &str) -> String {
        self.coded("2", text)
    }

    fn coded(self, code: &str, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Colour => format!("\x1b[{code}m{text}\x1b[0m"),
        }
    }
}

/// A text on one line.
pub(crate) fn line(text: &str) -> String {
    printable(text, Lines::One).into_owned()
}

/// A row of a table with a word of it in colour. The id is plain and comes first, so that the word is found behind it.
pub(crate) fn in_colour(line: &str, id: &str, word: &str, coloured: &str) -> String {
    match line.get(id.len()..).and_then(|rest| rest.find(word)) {
        Some(found) => {
            let start = id.len() + found;
            format!("{}{coloured}{}", &line[..start], &line[start + word.len()..])
        }
        None => line.to_owned(),
    }
}

/// How long ago: the largest unit.
pub(crate) fn age(at: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(at).as_secs().max(0);
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7_200 => format!("{}m", seconds / 60),
        7_200..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// A time, to the second.
pub(crate) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Milliseconds as people say them.
pub(crate) fn millis(n: u64) -> String {
    match n {
        0..10_000 => format!("{:.1}s", n as f64 / 1000.0),
        10_000..120_000 => format!("{}s", n / 1000),
        _ => format!("{}m{:02}s", n / 60_000, n / 1000 % 60),
    }
}

/// Millionths of a dollar as dollars.
pub(crate) fn dollars(micro: u64) -> String {
    format!("${}.{:02}", micro / 1_000_000, micro % 1_000_000 / 10_000)
}

/// A wire enum's name.
pub(crate) fn word(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        Ok(value) => value.to_string(),
        Err(_) => "?".into(),
    }
}

/// The first digits of a commit.
pub(crate) fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}

#[cfg(test)]
mod tests;
