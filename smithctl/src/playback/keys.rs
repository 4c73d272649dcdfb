//! The keys of a player.

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// Space: stands still, or goes on.
    Pause,
    /// `,` or the left arrow.
    Back,
    /// `.` or the right arrow.
    Forward,
    /// `+`.
    Faster,
    /// `-`.
    Slower,
    /// `q` or Ctrl-C.
    End,
}

/// Reads keys, also where a read ends in the middle of an arrow.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    sequence: Option<Vec<u8>>,
}

impl Keys {
    /// Takes what was read.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Vec<Key> {
        bytes.iter().filter_map(|byte| self.one(*byte)).collect()
    }

    fn one(&mut self, byte: u8) -> Option<Key> {
        match (self.sequence.take(), byte) {
            // Ends whatever was begun.
            (_, 0x03) => Some(Key::End),
            (_, 0x1b) => {
                self.sequence = Some(vec![]);
                None
            }
            (Some(begun), b'[' | b'O') if begun.is_empty() => {
                self.sequence = Some(vec![byte]);
                None
            }
            (Some(begun), 0x20..=0x3f) if !begun.is_empty() => {
                self.sequence = Some(begun);
                None
            }
            (Some(begun), _) if !begun.is_empty() => match byte {
                b'C' => Some(Key::Forward),
                b'D' => Some(Key::Back),
                _ => None,
            },
            // Behind a lone Escape, keys are keys.
            (_, b' ') => Some(Key::Pause),
            (_, b',') => Some(Key::Back),
            (_, b'.') => Some(Key::Forward),
            (_, b'+' | b'=') => Some(Key::Faster),
            (_, b'-') => Some(Key::Slower),
            (_, b'q' | b'Q') => Some(Key::End),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Key::{Back, End, Faster, Forward, Pause, Slower};

    #[track_caller]
    fn check(reads: &[&[u8]], expect: &[Key]) {
        let mut keys = Keys::default();
        let all: Vec<Key> = reads.iter().flat_map(|bytes| keys.push(bytes)).collect();
        assert_eq!(all, expect);
    }

    #[test]
    fn keys_and_arrows_are_read_wherever_a_read_ends() {
        check(&[b" ,.+-q"], &[Pause, Back, Forward, Faster, Slower, End]);
        check(&[b"\x1b[C\x1bOD"], &[Forward, Back]);
        check(&[b"\x1b", b"[", b"D", b"."], &[Back, Forward]);
        check(&[b"\x1b[1;5C\x1b[5~\x1b[A "], &[Forward, Pause]);
        check(&[b"\x1bq"], &[End]);
        check(&[b"\x1b[\x03"], &[End]);
        check(&[b"xyz\r"], &[]);
    }
}
