//! Reads recordings, also those that others made.

use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;

use super::Header;
use crate::size::Size;

/// A recording that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    /// What stands at the beginning.
    pub header: Header,
    /// What happened, in order.
    pub events: Vec<Event>,
    /// Whether the last line was cut off: whoever wrote it was stopped in its middle. It is left out.
    pub is_cut: bool,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When, since the beginning.
    pub at: Duration,
    /// What.
    pub kind: Kind,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The program's output: feed it to an engine, and show that.
    Output(String),
    /// What was typed.
    Input(String),
    /// Something to find again.
    Marker(String),
    /// Another size, the nearest possible one.
    Resize(Size),
    /// The program's end.
    Exit(i32),
    /// Something that only others know: its code, and its data.
    Other(String, String),
}

/// A text that isn't a recording.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} isn't asciicast: {why}")]
pub struct RecordingError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub why: String,
}

#[derive(Deserialize)]
struct Sides {
    cols: u16,
    rows: u16,
}

#[derive(Deserialize)]
struct Line {
    version: u32,
    term: Option<Sides>,
    width: Option<u16>,
    height: Option<u16>,
    timestamp: Option<i64>,
    title: Option<String>,
}

impl Recording {
    /// Reads a whole recording.
    pub fn read(bytes: &[u8]) -> Result<Self, RecordingError> {
        let text = str::from_utf8(bytes);
        // A last line may be cut in the middle of a character, too.
        let (text, broken) = match text {
            Ok(text) => (text, None),
            Err(e) => {
                let valid = &bytes[..e.valid_up_to()];
                (str::from_utf8(valid).expect("as far as it is valid"), Some(e.valid_up_to()))
            }
        };
        if let Some(at) = broken.filter(|at| bytes[*at..].contains(&b'\n')) {
            let line = 1 + text[..at].matches('\n').count();
            return Err(RecordingError { line, why: "it isn't UTF-8".to_owned() });
        }
        let mut lines = text.split_inclusive('\n').enumerate();
        let refuse = |line: usize| move |why: String| RecordingError { line: line + 1, why };
        let (_, first) = lines.next().ok_or_else(|| refuse(0)("it is empty".to_owned()))?;
        let (version, header) = header(first).map_err(refuse(0))?;

        let (mut events, mut is_cut, mut at) = (vec![], broken.is_some(), Duration::ZERO);
        for (number, line) in lines {
            let is_whole = line.ends_with('\n');
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match event(line) {
                Ok((time, kind)) => {
                    let told = if version == 2 { Some(time) } else { at.checked_add(time) };
                    at = told.ok_or_else(|| refuse(number)("its time is too large".to_owned()))?;
                    events.push(Event { at, kind });
                }
                Err(_) if !is_whole => is_cut = true,
                Err(why) => return Err(refuse(number)(why)),
            }
        }
        Ok(Self { header, events, is_cut })
    }

    /// How long it is.
    pub fn duration(&self) -> Duration {
        self.events.last().map_or(Duration::ZERO, |event| event.at)
    }
}

fn header(line: &str) -> Result<(u32, Header), String> {
    let Line { version, term, width, height, timestamp, title } =
        serde_json::from_str(line).map_err(|e| e.to_string())?;
    let sides = match (version, term, width, height) {
        (3, Some(Sides { cols, rows }), ..) | (2, _, Some(cols), Some(rows)) => (cols, rows),
        (3, None, ..) => return Err("`term` is missing".to_owned()),
        (2, ..) => return Err("`width` or `height` is missing".to_owned()),
        _ => return Err(format!("version {version} is unknown: 2 and 3 are known")),
    };
    let timestamp = timestamp.map(Timestamp::from_second).transpose();
    let timestamp = timestamp.map_err(|e| format!("`timestamp`: {e}"))?;
    Ok((version, Header { size: Size::nearest(sides.0, sides.1), timestamp, title }))
}

fn event(line: &str) -> Result<(Duration, Kind), String> {
    let (seconds, code, data): (f64, String, String) =
        serde_json::from_str(line).map_err(|e| e.to_string())?;
    let time = Duration::try_from_secs_f64(seconds).map_err(|e| format!("its time: {e}"))?;
    let kind = match code.as_str() {
        "o" => Kind::Output(data),
        "i" => Kind::Input(data),
        "m" => Kind::Marker(data),
        "r" => {
            let sides = data.split_once('x');
            let sides = sides.and_then(|(c, r)| Some((c.parse().ok()?, r.parse().ok()?)));
            let (columns, rows) =
                sides.ok_or_else(|| format!("{data:?} isn't a size such as \"80x24\""))?;
            Kind::Resize(Size::nearest(columns, rows))
        }
        "x" => {
            Kind::Exit(data.parse().map_err(|_| format!("{data:?} isn't the status of an exit"))?)
        }
        _ => Kind::Other(code, data),
    };
    Ok((time, kind))
}
