//! An artifact as it is read: lines of text with what each piece is, within bounds, made once and away from the task
//! that draws. Pure.
//!
//! What a piece is doesn't depend on a theme: [`crate::look`] colours it when it is drawn.

mod code;
mod diff;
mod output;

use serde::{Deserialize, Serialize};

pub use output::{Colour, Paint};

/// The bytes at the beginning of an artifact that are shown, and as many at its end.
const MOST_HALF: usize = 256 * 1024;
/// The characters of a line that are kept.
const MOST_LINE: usize = 4096;

/// What an artifact is, which says how it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// What an agent was asked: text.
    Prompt,
    /// What an agent printed on its terminal.
    Output,
    /// What a gate printed, without a terminal.
    Gate,
    /// A change.
    Diff,
}

/// An artifact as it is read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Paper {
    /// Its lines.
    pub lines: Vec<Line>,
    /// Its bytes.
    pub size: u64,
    /// Bytes in its middle that aren't among the lines.
    pub left_out: u64,
}

/// A line.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// What it is.
    pub kind: Kind,
    /// Its text.
    pub spans: Vec<Span>,
}

/// What a line is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Just text.
    #[default]
    Plain,
    /// Where a file begins.
    File,
    /// What belongs to a file's beginning.
    Header,
    /// Where a hunk begins.
    Hunk,
    /// Added.
    Added,
    /// Removed.
    Removed,
    /// Around a change.
    Context,
    /// Something was left out here.
    Gap,
}

/// A piece of a line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Span {
    /// Its text.
    pub text: Box<str>,
    /// What it is.
    pub ink: Ink,
    /// It is what changed within the line.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_changed: bool,
}

/// What a piece of text is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ink {
    /// Nothing special.
    #[default]
    Plain,
    /// A comment.
    Comment,
    /// A word of the language.
    Keyword,
    /// A string or a character.
    String,
    /// A number or another constant.
    Constant,
    /// A type.
    Type,
    /// A function.
    Function,
    /// As a program painted it.
    Painted(Paint),
}

impl Paper {
    /// Reads an artifact.
    pub fn read(subject: Subject, bytes: &[u8]) -> Self {
        let (head, tail) = halves(bytes);
        let read = |part: &[u8]| match subject {
            Subject::Prompt => plain(part),
            Subject::Output => output::lines(part, output::LineEnds::AsTheyAre),
            Subject::Gate => output::lines(part, output::LineEnds::OfAFile),
            Subject::Diff => diff::lines(&String::from_utf8_lossy(part)),
        };
        let mut lines = read(head);
        let size = bytes.len() as u64;
        let left_out = (bytes.len() - head.len() - tail.len()) as u64;
        if left_out > 0 {
            let text = format!("{left_out} of {size} bytes are left out here");
            lines.push(Line { kind: Kind::Gap, spans: vec![Span::plain(&text)] });
            lines.extend(read(tail));
        }
        Self { lines, size, left_out }
    }

    /// In place of one that its reader failed at.
    pub fn unreadable() -> Self {
        let text = "this can't be shown; smithctl has its bytes";
        let line = Line { kind: Kind::Gap, spans: vec![Span::plain(text)] };
        Self { lines: vec![line], ..Self::default() }
    }

    /// About the memory that it takes.
    pub fn bytes(&self) -> usize {
        let of = |line: &Line| {
            let spans = line.spans.iter().map(|span| size_of::<Span>() + span.text.len());
            size_of::<Line>() + spans.sum::<usize>()
        };
        self.lines.iter().map(of).sum()
    }

    /// The line of its first file or hunk.
    pub fn first_change(&self) -> Option<usize> {
        self.lines.iter().position(|line| matches!(line.kind, Kind::File | Kind::Hunk))
    }

    /// The line of the next file or hunk from a line on, forwards or (negative) backwards.
    pub fn next_change(&self, from: usize, by: i32) -> Option<usize> {
        let is_stop = |at: &usize| {
            self.lines.get(*at).is_some_and(|line| matches!(line.kind, Kind::File | Kind::Hunk))
        };
        if by < 0 {
            (0..from.min(self.lines.len())).rev().find(is_stop)
        } else {
            (from + 1..self.lines.len()).find(is_stop)
        }
    }
}

impl Line {
    /// Its text.
    pub fn text(&self) -> String {
        self.spans.iter().map(|span| &*span.text).collect()
    }
}

impl Span {
    fn plain(text: &str) -> Self {
        Self { text: text.into(), ink: Ink::Plain, is_changed: false }
    }
}

/// Beginning and end, whole lines where there are any; the end is empty where the beginning is all.
fn halves(bytes: &[u8]) -> (&[u8], &[u8]) {
    if bytes.len() <= 2 * MOST_HALF {
        return (bytes, &[]);
    }
    let head = &bytes[..MOST_HALF];
    let head = head.iter().rposition(|b| *b == b'\n').map_or(head, |at| &head[..=at]);
    let tail = &bytes[bytes.len() - MOST_HALF..];
    let tail = tail.iter().position(|b| *b == b'\n').map_or(tail, |at| &tail[at + 1..]);
    (head, tail)
}

fn plain(bytes: &[u8]) -> Vec<Line> {
    let text = String::from_utf8_lossy(bytes);
    text.lines()
        .map(|line| Line { kind: Kind::Plain, spans: vec![Span::plain(&untabbed(line))] })
        .collect()
}

/// A line with blanks up to the next stop in place of tabs, and cut where nobody reads on.
fn untabbed(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut column = 0;
    for c in line.chars().take(MOST_LINE) {
        if c == '\t' {
            let blanks = 8 - column % 8;
            out.extend(std::iter::repeat_n(' ', blanks));
            column += blanks;
        } else {
            out.push(c);
            column += 1;
        }
    }
    if line.chars().nth(MOST_LINE).is_some() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests;
