//! What a terminal answers to questions, told apart from what its person types meanwhile. Pure.

use crate::keys::{Chord, Key};
use crate::look::Rgb;

/// Which ground, whether the keyboard can be told apart, and (which every terminal answers) what it is: the answers
/// come in this order, so that behind the last there is nothing to wait for.
pub const QUESTIONS: &[u8] = b"\x1b]11;?\x1b\\\x1b[?u\x1b[c";
/// The most bytes that are kept of an answer that isn't whole.
const MOST_BYTES: usize = 4096;

/// What was answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// The ground.
    pub ground: Option<Rgb>,
    /// It tells apart keys that are one byte elsewhere (kitty's protocol).
    pub tells_keys: bool,
    /// The last question was answered.
    pub is_whole: bool,
    /// What was typed meanwhile.
    pub typed: Vec<Chord>,
    rest: Vec<u8>,
}

/// The beginning of some bytes.
enum Part {
    /// So many bytes that say this.
    Whole(usize, Said),
    /// More has to come.
    Begun,
}

enum Said {
    Ground(Rgb),
    Keyboard,
    Terminal,
    Typed(Chord),
    Nothing,
}

impl Answers {
    /// Takes bytes.
    pub fn take(&mut self, bytes: &[u8]) {
        self.rest.extend_from_slice(bytes);
        self.read();
        if self.rest.len() > MOST_BYTES {
            self.rest.clear();
        }
    }

    /// Nothing more is waited for: what was begun is what it looks like. Answers whether an answer may still come.
    pub fn end(&mut self) -> bool {
        let is_late = !self.is_whole;
        // An escape that nothing follows was typed.
        if self.rest == b"\x1b" {
            self.typed.push(Chord::plain(Key::Esc));
            self.rest.clear();
        }
        is_late
    }

    fn read(&mut self) {
        while !self.rest.is_empty() {
            let Part::Whole(bytes, said) = part(&self.rest) else { return };
            self.rest.drain(..bytes);
            match said {
                Said::Ground(rgb) => self.ground = Some(rgb),
                Said::Keyboard => self.tells_keys = true,
                Said::Terminal => self.is_whole = true,
                Said::Typed(chord) => self.typed.push(chord),
                Said::Nothing => {}
            }
        }
    }
}

fn part(bytes: &[u8]) -> Part {
    match bytes {
        [0x1b] | [0x1b, b'[' | b'O'] => Part::Begun,
        [0x1b, b']', rest @ ..] => osc(rest),
        [0x1b, b'[', rest @ ..] => {
            let end = rest.iter().position(|byte| (0x40..=0x7e).contains(byte));
            end.map_or(Part::Begun, |end| Part::Whole(end + 3, csi(&rest[..end], rest[end])))
        }
        [0x1b, b'O', last, ..] => Part::Whole(3, csi(&[], *last)),
        [0x1b, rest @ ..] => match character(rest) {
            Part::Whole(bytes, Said::Typed(chord)) => {
                Part::Whole(bytes + 1, Said::Typed(Chord { alt: true, ..chord }))
            }
            Part::Whole(bytes, said) => Part::Whole(bytes + 1, said),
            Part::Begun => Part::Begun,
        },
        bytes => character(bytes),
    }
}

fn osc(rest: &[u8]) -> Part {
    let Some(end) = rest.iter().position(|byte| matches!(byte, 0x07 | 0x1b)) else {
        return Part::Begun;
    };
    let bytes = match (rest[end], rest.get(end + 1)) {
        (0x07, _) => end + 3,
        (_, Some(b'\\')) => end + 4,
        (_, None) => return Part::Begun,
        // Something else begins there: this one was cut off.
        (_, Some(_)) => end + 2,
    };
    let text = std::str::from_utf8(&rest[..end]).ok();
    let ground = text.and_then(ground);
    Part::Whole(bytes, ground.map_or(Said::Nothing, Said::Ground))
}

/// What an answer about the ground says, without what begins and ends it.
pub fn ground(text: &str) -> Option<Rgb> {
    colour(text.strip_prefix("11;")?)
}

fn csi(params: &[u8], last: u8) -> Said {
    let key = match (params, last) {
        ([b'?', ..], b'u') => return Said::Keyboard,
        ([b'?', ..], b'c') => return Said::Terminal,
        ([], b'A') => Key::Up,
        ([], b'B') => Key::Down,
        ([], b'C') => Key::Right,
        ([], b'D') => Key::Left,
        ([], b'H') => Key::Home,
        ([], b'F') => Key::End,
        (b"5", b'~') => Key::PageUp,
        (b"6", b'~') => Key::PageDown,
        ([], b'Z') => {
            return Said::Typed(Chord { shift: true, ..Chord::plain(Key::Tab) });
        }
        _ => return Said::Nothing,
    };
    Said::Typed(Chord::plain(key))
}

fn character(bytes: &[u8]) -> Part {
    let plain = |key| Said::Typed(Chord::plain(key));
    let said = match bytes[0] {
        b'\r' => plain(Key::Enter),
        b'\t' => plain(Key::Tab),
        0x7f => plain(Key::Backspace),
        0x1b => plain(Key::Esc),
        letter @ 0x01..=0x1a => {
            let key = Key::Char(char::from(letter - 1 + b'a'));
            Said::Typed(Chord { ctrl: true, ..Chord::plain(key) })
        }
        0x00..=0x1f => Said::Nothing,
        _ => return typed(bytes),
    };
    Part::Whole(1, said)
}

fn typed(bytes: &[u8]) -> Part {
    let first = &bytes[..bytes.len().min(4)];
    let valid = match std::str::from_utf8(first) {
        Ok(text) => text,
        Err(error) if error.valid_up_to() > 0 => {
            std::str::from_utf8(&first[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(error) => {
            return match error.error_len() {
                Some(wrong) => Part::Whole(wrong, Said::Nothing),
                None => Part::Begun,
            };
        }
    };
    match valid.chars().next() {
        Some(c) => Part::Whole(c.len_utf8(), Said::Typed(Chord::plain(Key::Char(c)))),
        None => Part::Whole(1, Said::Nothing),
    }
}

/// `rgb:ffff/ffff/ffff`, with one to four digits a channel, and perhaps an alpha.
fn colour(text: &str) -> Option<Rgb> {
    let channels = text.strip_prefix("rgb:").or_else(|| text.strip_prefix("rgba:"))?;
    let mut channels = channels.split('/').map(|digits| {
        let value = u32::from_str_radix(digits, 16).ok().filter(|_| digits.len() <= 4)?;
        let most = 16_u32.pow(u32::try_from(digits.len()).ok()?) - 1;
        u8::try_from(value * 255 / most.max(1)).ok()
    });
    Some(Rgb(channels.next()??, channels.next()??, channels.next()??))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(bytes: &[u8]) -> Answers {
        let mut answers = Answers::default();
        answers.take(bytes);
        answers
    }

    fn keys(answers: &Answers) -> String {
        let keys: Vec<String> = answers.typed.iter().map(Chord::to_string).collect();
        keys.join(" ")
    }

    #[test]
    fn a_terminal_is_heard_through_what_is_typed() {
        let said: &[u8] =
            b"j\x1b]11;rgb:ffff/fafa/f0f0\x1b\\\x1b[A\x1b[?1u\xc3\xa4\x1b[?62;22c\x1bx\x03\r";
        let whole = answers(said);
        assert_eq!(whole.ground, Some(Rgb(255, 250, 240)));
        assert!(whole.tells_keys && whole.is_whole);
        assert_eq!(keys(&whole), "j up ä alt-x ctrl-c enter");
        let mut by_bytes = Answers::default();
        for byte in said {
            by_bytes.take(&[*byte]);
        }
        assert_eq!(by_bytes, whole);
    }

    #[test]
    fn colours_are_read_in_every_width() {
        for (text, expect) in [
            ("rgb:0000/0000/0000", Some(Rgb(0, 0, 0))),
            ("rgb:f/f/f", Some(Rgb(255, 255, 255))),
            ("rgb:1e/1e/2e", Some(Rgb(30, 30, 46))),
            ("rgba:ffff/0000/0000/ffff", Some(Rgb(255, 0, 0))),
            ("rgb:zz/00/00", None),
            ("rgb://", None),
            ("rgb:00/00", None),
            ("#ffffff", None),
        ] {
            assert_eq!(colour(text), expect, "{text}");
        }
    }

    #[test]
    fn a_terminal_that_does_not_answer_leaves_what_was_typed() {
        let mut silent = answers(b"q\x1b");
        assert!(silent.end());
        assert_eq!(keys(&silent), "q esc");
        assert!(!answers(b"\x1b[?6c").end());
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_are_too_much(bytes: Vec<u8>) {
            let mut answers = answers(&bytes);
            answers.end();
        }
    }
}
