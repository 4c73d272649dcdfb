//! What a person typed, as lines, as far as the terminal showed it. Pure.
//!
//! A terminal in its ordinary mode echoes. A prompt for a password keeps that mode and turns the echo off. A shell with
//! line editing, and every full-screen program, turns both off and shows what is typed itself, or doesn't: there a line
//! counts as shown only when it is found on the screen.

use std::collections::VecDeque;

use smith_model::printable::{Lines, printable};

use crate::excerpt::cut;
use crate::host::Echo;

/// The most lines that are kept of an intervention, the most bytes of one, and of all: with the note they fit into one
/// journal entry, however they are escaped there. The recording has the rest.
const MOST_LINES: usize = 50;
const MOST_LINE: usize = 400;
const MOST_BYTES: usize = 2 * 1024;
/// Lines that may yet appear on the screen; of a paste that is longer the first are given up.
const MOST_PENDING: usize = 32;
/// Shorter ones are on every screen by chance: a `y` proves nothing.
const SHORTEST_SEEN: usize = 2;

/// Lines as they are typed.
#[derive(Debug, Default)]
pub(super) struct Typed {
    lines: Vec<String>,
    line: Vec<u8>,
    /// What of the line was shown least was typed in this mode.
    echo: Option<Echo>,
    pending: VecDeque<String>,
    hidden: bool,
    escape: Escape,
}

/// Where in an escape sequence (an arrow key, a mouse report) the input is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Escape {
    #[default]
    None,
    Begun,
    Sequence,
}

impl Typed {
    /// Takes input.
    pub(super) fn push(&mut self, bytes: &[u8], echo: Echo) {
        for &byte in bytes {
            self.byte(byte, echo);
        }
    }

    fn byte(&mut self, byte: u8, echo: Echo) {
        match (self.escape, byte) {
            (Escape::Begun, b'[' | b'O') => return self.escape = Escape::Sequence,
            (Escape::Begun, _) => return self.escape = Escape::None,
            (Escape::Sequence, 0x40..=0x7e) => return self.escape = Escape::None,
            (Escape::Sequence, _) => return,
            (Escape::None, 0x1b) => return self.escape = Escape::Begun,
            (Escape::None, _) => {}
        }
        match byte {
            b'\r' | b'\n' => self.end(),
            0x7f | 0x08 => {
                // One character back, of whatever length.
                while self.line.pop().is_some_and(|b| b & 0xc0 == 0x80) {}
            }
            // ^U and ^C.
            0x15 | 0x03 => self.line.clear(),
            // ^W.
            0x17 => {
                while self.line.last() == Some(&b' ') {
                    self.line.pop();
                }
                while self.line.last().is_some_and(|b| *b != b' ') {
                    self.line.pop();
                }
            }
            b'\t' | 0x20.. if self.line.len() < 4 * MOST_LINE => {
                self.line.push(byte);
                self.echo = Some(least(self.echo, echo));
            }
            _ => {}
        }
    }

    fn end(&mut self) {
        let line = String::from_utf8_lossy(&std::mem::take(&mut self.line)).trim().to_owned();
        let echo = self.echo.take();
        if line.is_empty() {
            return;
        }
        match echo {
            Some(Echo::Shown) => self.keep(&line),
            Some(Echo::Hidden) | None => self.hidden = true,
            Some(Echo::Raw) if line.chars().count() < SHORTEST_SEEN => self.hidden = true,
            Some(Echo::Raw) => {
                if self.pending.len() == MOST_PENDING {
                    self.pending.pop_front();
                    self.hidden = true;
                }
                self.pending.push_back(line);
            }
        }
    }

    /// Is there anything that may yet appear on the screen?
    pub(super) fn waits(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Looks for what was typed on the screen, in order.
    pub(super) fn look(&mut self, screen: &str) {
        while let Some(line) = self.pending.front() {
            if !screen.contains(line.as_str()) {
                return;
            }
            let line = line.clone();
            self.pending.pop_front();
            self.keep(&line);
        }
    }

    fn keep(&mut self, line: &str) {
        let line = cut(&printable(line, Lines::One), MOST_LINE).to_owned();
        let bytes: usize = self.lines.iter().map(String::len).sum();
        if self.lines.len() < MOST_LINES && bytes + line.len() <= MOST_BYTES {
            self.lines.push(line);
        }
    }

    /// What was shown, and whether there was more.
    pub(super) fn finish(mut self) -> (Vec<String>, bool) {
        // A line without its end was never given to the program, or is half of one.
        let hidden = self.hidden || !self.pending.is_empty();
        (std::mem::take(&mut self.lines), hidden)
    }
}

/// A line is shown only if all of it was.
fn least(line: Option<Echo>, key: Echo) -> Echo {
    match (line, key) {
        (Some(Echo::Hidden), _) | (_, Echo::Hidden) => Echo::Hidden,
        (Some(Echo::Raw), _) | (_, Echo::Raw) => Echo::Raw,
        (Some(Echo::Shown) | None, Echo::Shown) => Echo::Shown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn typed(steps: &[(&[u8], Echo)]) -> (Vec<String>, bool) {
        let mut typed = Typed::default();
        for (bytes, echo) in steps {
            typed.push(bytes, *echo);
        }
        typed.finish()
    }

    #[test]
    fn lines_are_kept_as_they_were_given_to_the_program() {
        let (lines, hidden) = typed(&[(b"makr\x7fe tset\x17test\x1b[A\r", Echo::Shown)]);
        assert_eq!((lines, hidden), (vec!["make test".to_owned()], false));
        let (lines, hidden) = typed(&[(b"wrong\x03ls\n\n", Echo::Shown), (b"half", Echo::Shown)]);
        assert_eq!((lines, hidden), (vec!["ls".to_owned()], false));
    }

    #[test]
    fn a_password_is_not_kept_and_leaves_a_mark() {
        let (lines, hidden) = typed(&[
            (b"sudo id\r", Echo::Shown),
            (b"hunter2\r", Echo::Hidden),
            (b"ls\r", Echo::Shown),
        ]);
        assert_eq!((lines, hidden), (vec!["sudo id".to_owned(), "ls".to_owned()], true));
        // Half shown is not shown.
        let (lines, hidden) = typed(&[(b"hun", Echo::Hidden), (b"ter2\r", Echo::Shown)]);
        assert_eq!((lines, hidden), (vec![], true));
    }

    #[test]
    fn where_the_program_echoes_a_line_counts_once_it_is_on_the_screen() {
        let mut typed = Typed::default();
        typed.push(b"git status\rsecret\r", Echo::Raw);
        assert!(typed.waits());
        typed.look("$ git");
        typed.look("$ git status");
        assert!(typed.waits());
        typed.look("$ git status\n******");
        assert_eq!(typed.finish(), (vec!["git status".to_owned()], true));
    }

    proptest! {
        #[test]
        fn any_input_is_bounded_and_printable(
            steps in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..200), 0u8..3), 0..20)
        ) {
            let mut typed = Typed::default();
            for (bytes, echo) in &steps {
                typed.push(bytes, [Echo::Shown, Echo::Hidden, Echo::Raw][usize::from(*echo)]);
            }
            let (lines, _) = typed.finish();
            prop_assert!(lines.len() <= MOST_LINES);
            for line in lines {
                prop_assert!(line.len() <= MOST_LINE);
                let shown = printable(&line, Lines::One).into_owned();
                prop_assert_eq!(shown, line);
            }
        }

        #[test]
        fn nothing_hidden_is_ever_kept(
            before in "[a-z]{0,5}", secret in "[A-Z]{4,12}", after in "[a-z]{0,5}"
        ) {
            let mut typed = Typed::default();
            typed.push(before.as_bytes(), Echo::Shown);
            typed.push(secret.as_bytes(), Echo::Hidden);
            typed.push(after.as_bytes(), Echo::Shown);
            typed.push(b"\r", Echo::Shown);
            let (lines, _) = typed.finish();
            prop_assert!(lines.iter().all(|l| !l.contains(&secret)));
        }
    }
}
