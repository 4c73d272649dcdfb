//! Cuts the bytes of a program into whole characters and whole escape sequences.
//!
//! The emulator behind it never stands in the middle of anything, and what is incomplete is known: it is
//! part of a snapshot. Each kind of sequence has a bound; one that is longer is dropped whole. Where
//! sequences begin and end follows Paul Williams' state machine with 7-bit controls. Strings that no
//! terminal needs (DCS, SOS, PM, APC: sixel, XTGETTCAP, DECUDK, kitty's images) end here.

use std::str;

use crate::utf8::is_incomplete;

/// Longer than any SGR with three colours and all attributes, and than mode lists of real programs.
const MAX_CSI: usize = 256;

/// Longer than any title; a list of a whole palette is cut into several by those who send one.
const MAX_OSC: usize = 4096;

/// What stands for a CSI sequence that is too long: a marker behind a digit makes any terminal ignore it.
const IGNORED_CSI: &[u8] = b"\x1b[0?";

/// The same for an OSC: nothing has the empty name.
const IGNORED_OSC: &[u8] = b"\x1b];";

const ESC: u8 = 0x1b;

/// Something whole.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// Text and controls of C0; no escape.
    Text(&'a str),
    /// `ESC`, intermediates and a final byte.
    Escape(&'a [u8]),
    /// `ESC [` to the final byte.
    Csi(&'a [u8]),
    /// What stands between `ESC ]` and the end.
    Osc(&'a [u8]),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Text,
    Escape,
    Intermediate,
    Csi,
    Osc,
    Ignored,
}

/// Where in the stream it stands.
#[derive(Debug)]
pub(super) struct Gate {
    state: State,
    held: Vec<u8>,
}

impl Gate {
    pub(super) fn new() -> Self {
        Self { state: State::Text, held: vec![] }
    }

    /// The bytes that bring a new gate to where this one stands.
    pub(super) fn pending(&self) -> &[u8] {
        &self.held
    }

    /// Takes the next bytes and hands on what is whole.
    pub(super) fn feed(&mut self, bytes: &[u8], each: &mut impl FnMut(Piece<'_>)) {
        let mut rest = bytes;
        while let Some(&byte) = rest.first() {
            if self.state != State::Text {
                self.sequence(byte, each);
                rest = &rest[1..];
            } else if self.held.is_empty() {
                let end = rest.iter().position(|b| *b == ESC);
                self.text(&rest[..end.unwrap_or(rest.len())], end.is_none(), each);
                rest = &rest[end.unwrap_or(rest.len())..];
                if end.is_some() {
                    self.begin();
                    rest = &rest[1..];
                }
            } else if self.character(byte, each) {
                rest = &rest[1..];
            }
        }
    }

    /// A run without escapes. An incomplete character at its end is held where more may come.
    fn text(&mut self, run: &[u8], may_go_on: bool, each: &mut impl FnMut(Piece<'_>)) {
        let mut chunks = run.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            if !chunk.valid().is_empty() {
                each(Piece::Text(chunk.valid()));
            }
            if chunk.invalid().is_empty() {
                continue;
            }
            if may_go_on && chunks.peek().is_none() && is_incomplete(chunk.invalid()) {
                self.held.extend_from_slice(chunk.invalid());
            } else {
                each(Piece::Text("\u{fffd}"));
            }
        }
    }

    /// The next byte of a character that is held; false when it belongs to the next one.
    fn character(&mut self, byte: u8, each: &mut impl FnMut(Piece<'_>)) -> bool {
        self.held.push(byte);
        if let Ok(c) = str::from_utf8(&self.held) {
            each(Piece::Text(c));
            self.held.clear();
        } else if !is_incomplete(&self.held) {
            each(Piece::Text("\u{fffd}"));
            self.held.clear();
            return false;
        }
        true
    }

    fn begin(&mut self) {
        self.held.clear();
        self.held.push(ESC);
        self.state = State::Escape;
    }

    fn end(&mut self) {
        self.held.clear();
        self.state = State::Text;
    }

    fn hold(&mut self, byte: u8, most: usize, instead: &[u8]) {
        if self.held.len() >= most {
            self.held.clear();
            self.held.extend_from_slice(instead);
        } else {
            self.held.push(byte);
        }
    }

    /// The next byte of a sequence.
    fn sequence(&mut self, byte: u8, each: &mut impl FnMut(Piece<'_>)) {
        match (self.state, byte) {
            // CAN and SUB break off whatever it is.
            (_, 0x18 | 0x1a) => self.end(),
            (State::Osc, 0x07 | ESC) => {
                each(Piece::Osc(&self.held[2..]));
                self.end();
                if byte == ESC {
                    self.begin();
                }
            }
            (_, ESC) => self.begin(),
            (State::Ignored, _) | (State::Osc, 0..0x20) => {}
            (State::Osc, _) => self.hold(byte, MAX_OSC, IGNORED_OSC),
            // Controls act at once, also in the middle.
            (_, 0..0x20) => each(Piece::Text(str::from_utf8(&[byte]).expect("ASCII is UTF-8"))),
            (_, 0x7f..) => {}
            (State::Csi, 0x40..) => {
                self.held.push(byte);
                each(Piece::Csi(&self.held));
                self.end();
            }
            (State::Csi, _) => self.hold(byte, MAX_CSI, IGNORED_CSI),
            (_, 0x20..0x30) => {
                // No sequence has more than two; three of them are none.
                if self.held.len() < 4 {
                    self.held.push(byte);
                }
                self.state = State::Intermediate;
            }
            (State::Escape, b'[' | b']' | b'P' | b'X' | b'^' | b'_') => {
                self.held.push(byte);
                self.state = match byte {
                    b'[' => State::Csi,
                    b']' => State::Osc,
                    _ => State::Ignored,
                };
            }
            (State::Text | State::Escape | State::Intermediate, _) => {
                self.held.push(byte);
                each(Piece::Escape(&self.held));
                self.end();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What comes out, with texts that touch joined.
    fn pieces(gate: &mut Gate, bytes: &[u8]) -> Vec<String> {
        let mut out: Vec<(bool, String)> = vec![];
        gate.feed(bytes, &mut |piece| match (&piece, out.last_mut()) {
            (Piece::Text(text), Some((true, last))) => last.push_str(text),
            (Piece::Text(text), _) => out.push((true, (*text).to_owned())),
            _ => out.push((false, format!("{piece:?}"))),
        });
        out.into_iter().map(|(_, text)| text).collect()
    }

    fn all(bytes: &[u8]) -> (Vec<String>, Vec<u8>) {
        let mut gate = Gate::new();
        (pieces(&mut gate, bytes), gate.held)
    }

    #[test]
    fn what_is_whole_is_handed_on() {
        let (out, held) =
            all(b"a\x1b[1;2mb\x1b(0c\x1b]0;t\x07d\x1b]2;u\x1b\\e\x1bPq#1\x1b\\f\x1b7");
        assert_eq!(
            out,
            [
                "a",
                "Csi([27, 91, 49, 59, 50, 109])",
                "b",
                "Escape([27, 40, 48])",
                "c",
                "Osc([48, 59, 116])",
                "d",
                "Osc([50, 59, 117])",
                "Escape([27, 92])",
                "e",
                "Escape([27, 92])",
                "f",
                "Escape([27, 55])",
            ]
        );
        assert_eq!(held, b"");
    }

    #[test]
    fn what_is_not_is_held() {
        for (bytes, pending) in [
            (&b"x\x1b"[..], &b"\x1b"[..]),
            (b"\x1b[1;", b"\x1b[1;"),
            (b"\x1b]0;ti", b"\x1b]0;ti"),
            (b"\x1bPq#1;2;", b"\x1bP"),
            (b"\xe6\xbc", b"\xe6\xbc"),
            (b"\xe6\xbc\x1b[", b"\x1b["),
            (b"\x1b[1\x18", b""),
        ] {
            assert_eq!(all(bytes).1, pending, "{bytes:?}");
        }
    }

    #[test]
    fn what_is_broken_shows_as_such() {
        assert_eq!(
            all(b"a\xffb\xe6\xbc\x1b[mc\x9bd").0.concat(),
            "a\u{fffd}b\u{fffd}Csi([27, 91, 109])c\u{fffd}d"
        );
    }

    #[test]
    fn nothing_grows_without_bound() {
        for (begin, end) in [
            ("\x1b[", "m"),
            ("\x1b]0;", "\x07"),
            ("\x1bP", "\x1b\\"),
            ("\x1b(", "B"),
            ("\x1b", "7"),
        ] {
            let mut gate = Gate::new();
            pieces(&mut gate, begin.as_bytes());
            for _ in 0..1000 {
                pieces(&mut gate, "1 \r".repeat(100).as_bytes());
                assert!(gate.held.len() <= MAX_OSC, "{begin:?}");
            }
            pieces(&mut gate, end.as_bytes());
            assert_eq!(pieces(&mut gate, b"x"), ["x"], "{begin:?}");
        }
    }

    proptest! {
        #[test]
        fn cuts_change_nothing_and_pending_is_all_there_is_to_know(
            parts in prop::collection::vec(prop_oneof![
                "[a-z\u{e4}\u{6f22}\u{1f44d}\r\n]{0,5}".prop_map(String::into_bytes),
                prop::collection::vec(any::<u8>(), 0..4),
                prop::sample::select(vec![&b"\x1b["[..], b"1;2", b"m", b"\x1b]", b"0;t", b"\x07", b"\x1b\\", b"\x1bP", b"\x1b", b"(", b"\x18", b"\xf0\x9f"]).prop_map(<[u8]>::to_vec),
            ], 0..20),
            cut in any::<prop::sample::Index>(),
        ) {
            let bytes = parts.concat();
            let cut = cut.index(bytes.len() + 1);
            let mut gate = Gate::new();
            let mut cut_out = pieces(&mut gate, &bytes[..cut]);
            let mut resumed = Gate::new();
            prop_assert_eq!(pieces(&mut resumed, gate.pending()), Vec::<String>::new());
            let rest = pieces(&mut gate, &bytes[cut..]);
            prop_assert_eq!(&rest, &pieces(&mut resumed, &bytes[cut..]));
            prop_assert_eq!(gate.pending(), resumed.pending());
            cut_out.extend(rest);
            let (whole, held) = all(&bytes);
            prop_assert_eq!(cut_out.concat(), whole.concat());
            prop_assert_eq!(gate.pending(), &held[..]);
        }
    }
}
