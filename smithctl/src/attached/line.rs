//! One line that is asked for on the status line: a reason, or a note. Pure.

use smith_model::printable::{Lines, printable};

/// The most characters of an answer.
const MOST: usize = 500;

/// What a key came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It goes on.
    Asking,
    /// Enter.
    Given(String),
    /// Escape, or Ctrl-C.
    Dropped,
}

/// A line being typed.
#[derive(Debug)]
pub(crate) struct Line {
    question: &'static str,
    text: Vec<u8>,
}

impl Line {
    /// Asks.
    pub(crate) fn ask(question: &'static str) -> Self {
        Self { question, text: vec![] }
    }

    /// Takes what was read.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Answer {
        for (i, &byte) in bytes.iter().enumerate() {
            match byte {
                b'\r' | b'\n' => return Answer::Given(self.text().trim().to_owned()),
                0x03 => return Answer::Dropped,
                // A sequence (an arrow key) isn't the Escape key, and moves nothing here.
                0x1b if bytes.len() == i + 1 => return Answer::Dropped,
                0x1b => return Answer::Asking,
                0x7f | 0x08 => while self.text.pop().is_some_and(|b| b & 0xc0 == 0x80) {},
                0x15 => self.text.clear(),
                0x20.. if self.text.len() < MOST => self.text.push(byte),
                _ => {}
            }
        }
        Answer::Asking
    }

    fn text(&self) -> String {
        printable(&String::from_utf8_lossy(&self.text), Lines::One).into_owned()
    }

    /// As it is shown.
    pub(crate) fn shown(&self) -> String {
        format!("{} {}_", self.question, self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_edited_given_or_dropped() {
        let mut line = Line::ask("Why?");
        assert_eq!(line.push("prod ü".as_bytes()), Answer::Asking);
        assert_eq!(line.push(b"\x7fis down"), Answer::Asking);
        assert_eq!(line.shown(), "Why? prod is down_");
        assert_eq!(line.push(b"\x1b[A"), Answer::Asking);
        assert_eq!(line.push(b"\r"), Answer::Given("prod is down".to_owned()));
        assert_eq!(Line::ask("Why?").push(b"x\x1b"), Answer::Dropped);
        assert_eq!(Line::ask("Why?").push(b"\x03"), Answer::Dropped);
    }
}
