//! The part of an output that goes into the journal: its beginning and its end, in pieces that fit
//! into entries, with what is left out counted.
//!
//! Memory is bounded by what may be shown. Pure.

use std::collections::VecDeque;

/// The most that one piece may take when written as JSON; the rest of an entry's 8 KiB is for the
/// fields around it.
pub const MOST_PIECE_ENCODED: usize = 6 * 1024;

/// A piece of an output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The text.
    pub text: String,
    /// Bytes of text left out before it.
    pub omitted: u64,
}

/// An output being excerpted.
#[derive(Debug)]
pub struct Excerpt {
    decoder: Utf8,
    /// Bytes that the beginning may still take.
    head_left: usize,
    /// The beginning, as far as it wasn't taken yet.
    head: String,
    tail_max: usize,
    tail: VecDeque<u8>,
    omitted: u64,
}

impl Excerpt {
    /// Shows the first `head` and the last `tail` bytes of text.
    pub fn new(head: usize, tail: usize) -> Self {
        Self {
            decoder: Utf8::default(),
            head_left: head,
            head: String::new(),
            tail_max: tail,
            tail: VecDeque::new(),
            omitted: 0,
        }
    }

    /// Takes the next bytes of the output.
    pub fn push(&mut self, bytes: &[u8]) {
        let text = self.decoder.push(bytes);
        self.text(&text);
    }

    fn text(&mut self, text: &str) {
        let cut = floor_char(text, self.head_left);
        let (head, rest) = text.split_at(cut);
        self.head.push_str(head);
        self.head_left -= head.len();
        if rest.is_empty() {
            return;
        }
        // The beginning ends here, also where a character would have fitted no more.
        self.head_left = 0;
        self.tail.extend(rest.as_bytes());
        let over = self.tail.len().saturating_sub(self.tail_max);
        self.tail.drain(..over);
        self.omitted += over as u64;
        while self.tail.front().is_some_and(|b| b & 0xc0 == 0x80) {
            self.tail.pop_front();
            self.omitted += 1;
        }
    }

    /// What can be shown of the beginning by now.
    pub fn take(&mut self) -> Vec<Piece> {
        pieces(std::mem::take(&mut self.head), 0)
    }

    /// The output has ended: what wasn't taken yet.
    pub fn finish(mut self) -> Vec<Piece> {
        let last = std::mem::take(&mut self.decoder).finish();
        self.text(&last);
        let tail = String::from_utf8_lossy(self.tail.make_contiguous()).into_owned();
        if self.omitted == 0 {
            return pieces(std::mem::take(&mut self.head) + &tail, 0);
        }
        let mut all = pieces(std::mem::take(&mut self.head), 0);
        let tail = pieces(tail, self.omitted);
        if tail.is_empty() {
            all.push(Piece { text: String::new(), omitted: self.omitted });
        }
        all.extend(tail);
        all
    }
}

/// Cuts a text into pieces that fit into entries, at ends of lines where there are any.
pub fn pieces(text: String, omitted: u64) -> Vec<Piece> {
    let mut all = vec![];
    let mut omitted = omitted;
    let (mut start, mut encoded, mut line) = (0, 0, 0);
    for (at, c) in text.char_indices() {
        let size = encoded_len(c);
        if encoded + size > MOST_PIECE_ENCODED {
            // A line that fills more than half of a piece is cut where it stands.
            let end = if line > start + (at - start) / 2 { line } else { at };
            all.push(Piece { text: text[start..end].to_owned(), omitted });
            omitted = 0;
            encoded = text[end..at].chars().map(encoded_len).sum();
            start = end;
        }
        encoded += size;
        if c == '\n' {
            line = at + 1;
        }
    }
    if start < text.len() {
        all.push(Piece { text: text[start..].to_owned(), omitted });
    }
    all
}

/// The bytes that a character takes inside a JSON string.
fn encoded_len(c: char) -> usize {
    match c {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        c if (c as u32) < 0x20 => 6,
        c => c.len_utf8(),
    }
}

/// The start of `text` of at most `most` bytes, and how many bytes more there were.
pub fn cut(text: &str, most: usize) -> &str {
    &text[..floor_char(text, most)]
}

/// The end of `text` of at most `most` bytes, from the start of a line where there is one.
pub fn tail(text: &str, most: usize) -> &str {
    if text.len() <= most {
        return text;
    }
    let mut start = text.len() - most;
    while !text.is_char_boundary(start) {
        start += 1;
    }
    let end = &text[start..];
    match end.find('\n') {
        Some(at) if at + 1 < end.len() => &end[at + 1..],
        _ => end,
    }
}

fn floor_char(text: &str, most: usize) -> usize {
    let mut at = most.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Makes text of bytes that come in chunks; what isn't UTF-8 becomes U+FFFD.
#[derive(Debug, Default)]
struct Utf8 {
    held: Vec<u8>,
}

impl Utf8 {
    fn push(&mut self, bytes: &[u8]) -> String {
        self.held.extend_from_slice(bytes);
        let mut out = String::with_capacity(self.held.len());
        let mut used = 0;
        for chunk in self.held.utf8_chunks() {
            out.push_str(chunk.valid());
            used += chunk.valid().len();
            let invalid = chunk.invalid();
            let last = used + invalid.len() == self.held.len();
            if invalid.is_empty() || (last && may_go_on(invalid)) {
                break;
            }
            out.push('\u{fffd}');
            used += invalid.len();
        }
        self.held.drain(..used);
        out
    }

    fn finish(self) -> String {
        String::from_utf8_lossy(&self.held).into_owned()
    }
}

/// Could these bytes be the beginning of a character?
fn may_go_on(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|e| e.error_len().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn run(head: usize, tail: usize, chunks: &[Vec<u8>]) -> Vec<Piece> {
        let mut excerpt = Excerpt::new(head, tail);
        let mut all = vec![];
        for chunk in chunks {
            excerpt.push(chunk);
            all.extend(excerpt.take());
        }
        all.extend(excerpt.finish());
        all
    }

    #[test]
    fn beginning_and_end_are_kept_and_the_middle_is_counted() {
        let text = format!("first\n{}last\n", "x".repeat(100));
        let pieces = run(6, 5, &[text.into_bytes()]);
        assert_eq!(
            pieces,
            [
                Piece { text: "first\n".into(), omitted: 0 },
                Piece { text: "last\n".into(), omitted: 100 }
            ]
        );
    }

    #[test]
    fn a_short_output_is_whole() {
        assert_eq!(run(100, 100, &[b"a\nb".to_vec()]), [Piece { text: "a\nb".into(), omitted: 0 }]);
        assert_eq!(run(100, 100, &[]), []);
    }

    #[test]
    fn a_tail_begins_at_a_line() {
        assert_eq!(tail("one\ntwo\nthree", 9), "three");
        assert_eq!(tail("onetwothree", 5), "three");
        assert_eq!(tail("ü", 1), "");
        assert_eq!(cut("aü", 2), "a");
    }

    proptest! {
        #[test]
        fn nothing_is_lost_uncounted_and_nothing_is_too_large(
            chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..3000), 0..12),
            head in 0usize..8000, tail in 0usize..8000,
        ) {
            let whole = String::from_utf8_lossy(&chunks.concat()).into_owned();
            let pieces = run(head, tail, &chunks);
            let shown: usize = pieces.iter().map(|p| p.text.len()).sum();
            let omitted: u64 = pieces.iter().map(|p| p.omitted).sum();
            prop_assert_eq!(shown as u64 + omitted, whole.len() as u64);
            prop_assert!(shown <= head + tail);
            for piece in &pieces {
                let encoded = serde_json::to_string(&piece.text).unwrap().len() - 2;
                prop_assert!(encoded <= MOST_PIECE_ENCODED, "{}", encoded);
            }
            let text: String = pieces.iter().map(|p| p.text.as_str()).collect();
            if omitted == 0 {
                prop_assert_eq!(text, whole);
            }
        }

        #[test]
        fn pieces_of_controls_fit_too(text in "[\u{0}-\u{1f}a\n\"]{0,20000}") {
            for piece in pieces(text, 0) {
                prop_assert!(serde_json::to_string(&piece.text).unwrap().len() - 2 <= MOST_PIECE_ENCODED);
            }
        }
    }
}
