//! Text out of a stream of bytes that is cut anywhere.

use std::str;

/// Whether bytes could become a character by more of them.
pub(crate) fn is_incomplete(bytes: &[u8]) -> bool {
    str::from_utf8(bytes).is_err_and(|e| e.valid_up_to() == 0 && e.error_len().is_none())
}

/// The bytes of a character that isn't whole yet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Held(Vec<u8>);

impl Held {
    /// The text up to the last whole character; what is no character shows as U+FFFD.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> String {
        self.0.extend_from_slice(bytes);
        let mut text = String::with_capacity(self.0.len());
        let mut rest = vec![];
        let mut chunks = self.0.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            text.push_str(chunk.valid());
            if chunks.peek().is_none() && is_incomplete(chunk.invalid()) {
                rest = chunk.invalid().to_vec();
            } else if !chunk.invalid().is_empty() {
                text.push(char::REPLACEMENT_CHARACTER);
            }
        }
        self.0 = rest;
        text
    }

    /// What is left, at the end.
    pub(crate) fn finish(&mut self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut self.0)).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn cuts_change_nothing(
            parts in prop::collection::vec(prop_oneof![".{0,4}".prop_map(String::into_bytes), prop::collection::vec(any::<u8>(), 0..4)], 0..8),
            size in 1usize..5,
        ) {
            let bytes = parts.concat();
            let mut held = Held::default();
            let mut text: String = bytes.chunks(size).map(|chunk| held.push(chunk)).collect();
            text.push_str(&held.finish());
            prop_assert_eq!(text, String::from_utf8_lossy(&bytes));
        }
    }
}
