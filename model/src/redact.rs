//! Takes known secret values out of a stream of bytes, also where a chunk ends in their middle.
//!
//! Each value is looked for as it is and in the forms in which programs print values: base64 (standard
//! and URL alphabet, at each of the three alignments), hex in both cases, percent-encoded, and escaped
//! as in JSON. What could be the beginning of a value is held back until it is decided.

use std::sync::Arc;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, MatchKind};
use data_encoding::{BASE64, BASE64URL};

/// What stands where a secret was.
pub const MARK: &[u8] = b"[redacted]";

/// Values shorter than this aren't looked for: they would match by chance everywhere.
pub const SHORTEST: usize = 8;

/// The patterns of a set of secrets.
#[derive(Clone, Debug)]
pub struct Secrets {
    search: Option<AhoCorasick>,
    patterns: Arc<[Vec<u8>]>,
    longest: usize,
}

impl Secrets {
    /// Prepares to look for `values`; those shorter than [`SHORTEST`] are left out.
    pub fn new<S: AsRef<[u8]>>(values: impl IntoIterator<Item = S>) -> Self {
        let mut patterns: Vec<Vec<u8>> = vec![];
        for value in values {
            let value = value.as_ref();
            if value.len() >= SHORTEST {
                patterns.extend(forms(value));
            }
        }
        patterns.sort();
        patterns.dedup();
        let longest = patterns.iter().map(Vec::len).max().unwrap_or(0);
        let build =
            AhoCorasickBuilder::new().match_kind(MatchKind::LeftmostLongest).build(&patterns);
        Self { search: build.ok().filter(|_| longest > 0), patterns: patterns.into(), longest }
    }

    /// How many bytes at the end of `bytes` could be the beginning of a value (or of a longer one).
    fn undecided(&self, bytes: &[u8]) -> usize {
        let most = self.longest.saturating_sub(1).min(bytes.len());
        let could_begin = |n: &usize| {
            let tail = &bytes[bytes.len() - n..];
            self.patterns.iter().any(|p| p.len() > tail.len() && p.starts_with(tail))
        };
        (1..=most).rev().find(could_begin).unwrap_or(0)
    }

    /// A whole text at once.
    pub fn redact(&self, bytes: &[u8]) -> Vec<u8> {
        match &self.search {
            None => bytes.to_vec(),
            Some(search) => search.replace_all_bytes(bytes, &vec![MARK; search.patterns_len()]),
        }
    }

    /// The same for text; a replacement never breaks a character.
    pub fn redact_text(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.redact(text.as_bytes())).into_owned()
    }

    /// Begins a stream.
    pub fn stream(&self) -> Stream {
        Stream { secrets: self.clone(), held: vec![] }
    }
}

/// A stream being redacted; see [`Secrets::stream`].
#[derive(Clone, Debug)]
pub struct Stream {
    secrets: Secrets,
    held: Vec<u8>,
}

impl Stream {
    /// Takes the next chunk; answers what can be shown already.
    pub fn push(&mut self, chunk: &[u8]) -> Vec<u8> {
        let Some(search) = &self.secrets.search else { return chunk.to_vec() };
        self.held.extend_from_slice(chunk);
        let mut out = Vec::with_capacity(self.held.len());
        // A match that begins before `safe` can't become another one by what follows.
        let safe = self.held.len() - self.secrets.undecided(&self.held);
        let mut done = 0;
        for found in search.find_iter(&self.held) {
            if found.start() >= safe {
                break;
            }
            out.extend_from_slice(&self.held[done..found.start()]);
            out.extend_from_slice(MARK);
            done = found.end();
        }
        if done < safe {
            out.extend_from_slice(&self.held[done..safe]);
            done = safe;
        }
        self.held.drain(..done);
        out
    }

    /// The stream has ended; answers what was held back.
    pub fn finish(self) -> Vec<u8> {
        self.secrets.redact(&self.held)
    }
}

fn forms(value: &[u8]) -> Vec<Vec<u8>> {
    let mut forms = vec![value.to_vec()];
    let hex = hex::encode(value);
    forms.push(hex.to_uppercase().into_bytes());
    forms.push(hex.into_bytes());
    for encoding in [&BASE64, &BASE64URL] {
        for lead in 0..3usize {
            // The characters that depend on nothing but the value: the first and the last group may
            // also hold bits of what stands before and behind it.
            let mut padded = vec![0u8; lead];
            padded.extend_from_slice(value);
            let text = encoding.encode(&padded);
            let start = [0, 2, 3][lead];
            let end = padded.len() * 8 / 6;
            if end > start + SHORTEST {
                forms.push(text.as_bytes()[start..end].to_vec());
            }
        }
    }
    for upper in [true, false] {
        for all in [true, false] {
            let mut text = vec![];
            for &b in value {
                if !all && (b.is_ascii_alphanumeric() || b"-._~".contains(&b)) {
                    text.push(b);
                } else if upper {
                    text.extend_from_slice(format!("%{b:02X}").as_bytes());
                } else {
                    text.extend_from_slice(format!("%{b:02x}").as_bytes());
                }
            }
            forms.push(text);
        }
    }
    if let Ok(text) = std::str::from_utf8(value) {
        let json = serde_json::to_string(text).expect("text serializes");
        forms.push(json.as_bytes()[1..json.len() - 1].to_vec());
        forms.push(json[1..json.len() - 1].replace('/', "\\/").into_bytes());
    }
    forms
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECRET: &str = "s3cr3t/value+with \"quotes\"";

    fn holds(haystack: &[u8], needle: &[u8]) -> bool {
        haystack.windows(needle.len()).any(|w| w == needle)
    }

    #[test]
    fn every_form_is_found() {
        let secrets = Secrets::new([SECRET]);
        for form in forms(SECRET.as_bytes()) {
            let text = [b"before ", &form[..], b" after"].concat();
            let clean = secrets.redact(&text);
            assert!(!holds(&clean, &form), "{}", String::from_utf8_lossy(&form));
        }
        for lead in ["", "a", "ab", "user:"] {
            let inside = BASE64.encode(format!("{lead}{SECRET} and more").as_bytes());
            let clean = secrets.redact(inside.as_bytes());
            assert!(clean.len() < inside.len() - 20, "{lead}");
        }
    }

    proptest! {
        #[test]
        fn chunk_borders_change_nothing(
            before in ".{0,40}", after in ".{0,40}",
            form in 0usize..12, cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        ) {
            let secrets = Secrets::new([SECRET]);
            let forms = forms(SECRET.as_bytes());
            let form = &forms[form % forms.len()];
            let text = [before.as_bytes(), form, after.as_bytes()].concat();
            let mut cuts: Vec<usize> = cuts.iter().map(|c| c.index(text.len() + 1)).collect();
            cuts.extend([0, text.len()]);
            cuts.sort();
            let mut stream = secrets.stream();
            let mut out = vec![];
            for pair in cuts.windows(2) {
                out.extend(stream.push(&text[pair[0]..pair[1]]));
            }
            out.extend(stream.finish());
            prop_assert_eq!(out, secrets.redact(&text));
        }
    }

    #[test]
    fn only_what_could_begin_a_secret_is_held_back() {
        let mut stream = Secrets::new([SECRET]).stream();
        assert_eq!(stream.push(b"busy 50%, go on\n"), b"busy 50%, go on\n");
        assert_eq!(stream.push(b"key: s3cr"), b"key: ");
        assert_eq!(stream.push(b"ipt"), b"s3cript");
    }

    #[test]
    fn without_secrets_nothing_is_held_back() {
        let mut stream = Secrets::new(["short"]).stream();
        assert_eq!(stream.push(b"short"), b"short");
    }
}
