//! Recordings of terminals, in asciinema's format: asciicast v3 written, v3 and v2 read.
//!
//! A line of JSON each: a header, then `[interval, code, data]`, the interval in seconds since the event
//! before. What is written is handed back as text; where it goes, and what must be taken out of it first
//! (secrets, and what is typed unseen), is the caller's business, and so is the time.
//!
//! A recording may be in pieces: each is one of its own, with the size at its beginning, and should begin with
//! a [`crate::snapshot`]'s state as output, so that it can be played without those before.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::size::Size;
use crate::utf8::Held;

mod reader;

pub use self::reader::{Event, Kind, Recording, RecordingError};

/// What stands at the beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The size at the beginning.
    pub size: Size,
    /// When it began; whole seconds are kept.
    pub timestamp: Option<Timestamp>,
    /// A title for people.
    pub title: Option<String>,
}

/// Writes a recording. Each method answers lines that end in a line feed, or nothing while a character isn't
/// whole yet. Times count from the beginning, and never go back.
#[derive(Debug)]
pub struct Recorder {
    /// The time of the last event, as it is to be read out of what was written.
    last: Duration,
    output: Held,
    input: Held,
}

impl Recorder {
    /// Begins; answers the header's line.
    pub fn begin(header: &Header) -> (Self, String) {
        #[derive(Serialize)]
        struct Term {
            cols: u16,
            rows: u16,
        }
        #[derive(Serialize)]
        struct Line<'a> {
            version: u32,
            term: Term,
            #[serde(skip_serializing_if = "Option::is_none")]
            timestamp: Option<i64>,
            #[serde(skip_serializing_if = "Option::is_none")]
            title: Option<&'a str>,
        }
        let Header { size, timestamp, title } = header;
        let line = Line {
            version: 3,
            term: Term { cols: size.columns(), rows: size.rows() },
            timestamp: timestamp.map(Timestamp::as_second),
            title: title.as_deref(),
        };
        let line = serde_json::to_string(&line).expect("a header serializes") + "\n";
        (Self { last: Duration::ZERO, output: Held::default(), input: Held::default() }, line)
    }

    /// The program's output.
    pub fn output(&mut self, at: Duration, bytes: &[u8]) -> String {
        let text = self.output.push(bytes);
        self.unless_empty(at, "o", &text)
    }

    /// What was typed.
    pub fn input(&mut self, at: Duration, bytes: &[u8]) -> String {
        let text = self.input.push(bytes);
        self.unless_empty(at, "i", &text)
    }

    /// Something to find again.
    pub fn marker(&mut self, at: Duration, label: &str) -> String {
        self.event(at, "m", label)
    }

    /// Another size.
    pub fn resize(&mut self, at: Duration, size: Size) -> String {
        self.event(at, "r", &size.to_string())
    }

    /// The program's end.
    pub fn exit(&mut self, at: Duration, status: i32) -> String {
        self.event(at, "x", &status.to_string())
    }

    /// What was held back. Nothing should follow.
    pub fn finish(&mut self, at: Duration) -> String {
        let (output, input) = (self.output.finish(), self.input.finish());
        self.unless_empty(at, "o", &output) + &self.unless_empty(at, "i", &input)
    }

    fn unless_empty(&mut self, at: Duration, code: &str, text: &str) -> String {
        if text.is_empty() { String::new() } else { self.event(at, code, text) }
    }

    fn event(&mut self, at: Duration, code: &str, data: &str) -> String {
        // Whole microseconds, counted from what was written, so that rounding doesn't add up.
        let interval = at.saturating_sub(self.last);
        let (seconds, micros) = (interval.as_secs(), interval.subsec_micros());
        self.last += Duration::new(seconds, micros * 1000);
        let data = serde_json::to_string(data).expect("text serializes");
        format!("[{seconds}.{micros:06},\"{code}\",{data}]\n")
    }
}

#[cfg(test)]
mod tests;
