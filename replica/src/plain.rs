//! The text of a terminal's output, for the journal and for prompts: without escape sequences, and
//! with lines as they stood when they were ended.
//!
//! A program that draws a progress bar prints the same line many times over, each after a carriage
//! return. What counts is the last of them. The artifact keeps the bytes as they were. Pure.

/// The longest line that is held back until its end; a longer one is passed on in parts.
const MOST_LINE: usize = 8 * 1024;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    /// After a carriage return: what comes next decides what it meant.
    Return,
    Escape,
    /// `ESC [` … up to a final byte.
    Csi,
    /// `ESC ]`, `P`, `X`, `^`, `_` … up to BEL or `ESC \`.
    String,
    StringEscape,
    /// `ESC (` and its like: one byte more.
    OneMore,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Plain {
    state: State,
    line: Vec<u8>,
}

impl Plain {
    /// Takes the next bytes; answers the lines that they end.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len());
        for &byte in bytes {
            self.byte(byte, &mut out);
        }
        out
    }

    /// The output has ended; answers its last line.
    pub fn finish(self) -> Vec<u8> {
        self.line
    }

    fn byte(&mut self, byte: u8, out: &mut Vec<u8>) {
        self.state = match (self.state, byte) {
            (State::Return, b'\r') => State::Return,
            (State::Return, b'\n') => self.text(b'\n', out),
            (State::Return, b'\x1b') | (State::Text, b'\x1b') => {
                if self.state == State::Return {
                    self.line.clear();
                }
                State::Escape
            }
            (State::Return, byte) => {
                self.line.clear();
                self.text(byte, out)
            }
            (State::Text, b'\r') => State::Return,
            (State::Text, byte) => self.text(byte, out),
            (State::Escape, b'[') => State::Csi,
            (State::Escape, b']' | b'P' | b'X' | b'^' | b'_') => State::String,
            (State::Escape, b' '..=b'/') => State::OneMore,
            (State::Escape | State::OneMore, _) => State::Text,
            (State::Csi, 0x40..=0x7e) => State::Text,
            // Not a sequence after all; a line's end must not vanish in it.
            (State::Csi | State::String, b'\n') => self.text(b'\n', out),
            (State::Csi, _) => State::Csi,
            (State::String, 0x07) => State::Text,
            (State::String | State::StringEscape, b'\x1b') => State::StringEscape,
            (State::StringEscape, b'\\') => State::Text,
            (State::String | State::StringEscape, _) => State::String,
        };
    }

    fn text(&mut self, byte: u8, out: &mut Vec<u8>) -> State {
        match byte {
            b'\n' => {
                out.append(&mut self.line);
                out.push(b'\n');
            }
            0x08 => _ = self.line.pop(),
            b'\t' | 0x20..=0x7e | 0x80.. => self.line.push(byte),
            _ => {}
        }
        if self.line.len() >= MOST_LINE {
            out.append(&mut self.line);
        }
        State::Text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(given: &str, expected: &str) {
        let mut plain = Plain::default();
        let mut out = plain.push(given.as_bytes());
        out.extend(plain.finish());
        assert_eq!(String::from_utf8_lossy(&out), expected, "{given:?}");
    }

    #[test]
    fn colours_titles_and_overwritten_lines_go() {
        check("a\r\nb\n", "a\nb\n");
        check("\x1b[1;36m● US-001\x1b[0m x\r\n", "● US-001 x\n");
        check("\r  \x1b[33m⠋\x1b[0m thinking\r  ⠙ thinking\r\x1b[K  + file\r\n", "  + file\n");
        check("10%\r20%\r100%\r\n", "100%\n");
        check("\x1b]0;title\x07text\x1b]8;;http://x\x1b\\link\n", "textlink\n");
        check("\x1b(Babc\x08d", "abd");
        check("un\x1b[ended\nnext\n", "unnded\nnext\n");
    }

    proptest! {
        #[test]
        fn chunks_make_no_difference_and_memory_is_bounded(
            bytes in prop::collection::vec(prop_oneof![any::<u8>(), Just(b'\r'), Just(b'\n'), Just(0x1b), Just(b'[')], 0..400),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut whole = Plain::default();
            let mut expected = whole.push(&bytes);
            expected.extend(whole.finish());
            let (a, b) = bytes.split_at(cut.index(bytes.len() + 1));
            let mut parts = Plain::default();
            let mut found = parts.push(a);
            found.extend(parts.push(b));
            found.extend(parts.finish());
            prop_assert_eq!(&found, &expected);
            prop_assert!(!found.contains(&0x1b) && !found.contains(&b'\r'));
        }
    }
}
