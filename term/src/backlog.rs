//! The newest output of a session, by offset: for viewers that come back and missed little.

use std::collections::VecDeque;

use crate::message::Position;

/// A ring of bytes.
#[derive(Debug)]
pub struct Backlog {
    bytes: VecDeque<u8>,
    most: usize,
    end: Position,
}

impl Backlog {
    /// An empty one for a process's output, which keeps the last `most` bytes.
    pub fn new(generation: u64, most: usize) -> Self {
        Self { bytes: VecDeque::new(), most, end: Position { generation, offset: 0 } }
    }

    /// The position behind all that was pushed.
    pub fn end(&self) -> Position {
        self.end
    }

    /// Takes the next output.
    pub fn push(&mut self, bytes: &[u8]) {
        self.end.offset += bytes.len() as u64;
        let kept = &bytes[bytes.len().saturating_sub(self.most)..];
        let surplus = (self.bytes.len() + kept.len()).saturating_sub(self.most);
        self.bytes.drain(..surplus);
        self.bytes.extend(kept);
    }

    /// All output behind a position, as two slices that follow each other. `None` when some of it is gone, or
    /// it is another process's, or there never was as much: then only a snapshot helps.
    pub fn since(&self, from: Position) -> Option<(&[u8], &[u8])> {
        let missing = self.end.offset.checked_sub(from.offset)?;
        let missing = usize::try_from(missing).ok()?;
        if from.generation != self.end.generation || missing > self.bytes.len() {
            return None;
        }
        let skipped = self.bytes.len() - missing;
        let (first, second) = self.bytes.as_slices();
        Some(match skipped.checked_sub(first.len()) {
            None => (&first[skipped..], second),
            Some(more) => (&second[more..], &[]),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_kept_is_what_was_pushed(
            chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..20),
            most in 0usize..50,
            from in 0u64..450,
        ) {
            let mut backlog = Backlog::new(3, most);
            for chunk in &chunks {
                backlog.push(chunk);
            }
            let all = chunks.concat();
            prop_assert_eq!(backlog.end(), Position { generation: 3, offset: all.len() as u64 });
            let found = backlog.since(Position { generation: 3, offset: from });
            let expected = all.get(from as usize..).filter(|rest| rest.len() <= most);
            prop_assert_eq!(found.map(|(a, b)| [a, b].concat()), expected.map(<[u8]>::to_vec));
            prop_assert_eq!(backlog.since(Position { generation: 2, offset: from }), None);
        }
    }
}
