//! A planted secret, and every form in which it could get out.

use std::fs;
use std::path::{Path, PathBuf};

/// The forms in which a value is searched for.
#[derive(Clone, Debug)]
pub struct Planted {
    forms: Vec<(&'static str, Vec<u8>)>,
}

impl Planted {
    /// `value` should hold characters that encodings change.
    pub fn new(value: &str) -> Self {
        let bytes = value.as_bytes();
        let percent = |upper: bool| -> String {
            let escape = |b: &u8| match b {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                    char::from(*b).to_string()
                }
                b if upper => format!("%{b:02X}"),
                b => format!("%{b:02x}"),
            };
            bytes.iter().map(escape).collect()
        };
        let json = serde_json::to_string(value).expect("text is JSON");
        let mut forms = vec![
            ("plain", bytes.to_vec()),
            ("reversed", bytes.iter().rev().copied().collect()),
            ("hex", hex::encode(bytes).into_bytes()),
            ("HEX", hex::encode_upper(bytes).into_bytes()),
            ("url", percent(true).into_bytes()),
            ("url in lower case", percent(false).into_bytes()),
            ("json", json.trim_matches('"').as_bytes().to_vec()),
        ];
        // What of its base64 doesn't depend on what stands before and behind.
        for shift in 0..3 {
            let mut padded = vec![0; shift];
            padded.extend(bytes);
            let whole = base64(&padded);
            let from = [0, 2, 3][shift];
            let until = whole.len() - if padded.len().is_multiple_of(3) { 0 } else { 3 };
            forms.push(("base64", whole.as_bytes()[from..until].to_vec()));
            let url = whole[from..until].replace('+', "-").replace('/', "_");
            forms.push(("base64url", url.into_bytes()));
        }
        Self { forms }
    }

    /// In which forms it stands there.
    pub fn found_in(&self, bytes: &[u8]) -> Vec<&'static str> {
        let holds = |form: &Vec<u8>| bytes.windows(form.len()).any(|window| window == form);
        self.forms.iter().filter(|(_, form)| holds(form)).map(|(name, _)| *name).collect()
    }

    /// Every file below `dir` in which it stands, but those that `passes` lets pass.
    pub fn found_below(
        &self,
        dir: &Path,
        passes: &dyn Fn(&Path) -> bool,
    ) -> Vec<(PathBuf, Vec<&'static str>)> {
        let mut found = vec![];
        let mut dirs = vec![dir.to_owned()];
        while let Some(dir) = dirs.pop() {
            for entry in fs::read_dir(&dir).into_iter().flatten().flatten() {
                let (path, kind) = (entry.path(), entry.file_type().unwrap());
                if kind.is_dir() {
                    dirs.push(path);
                } else if kind.is_file() && !passes(&path) {
                    let forms = self.found_in(&fs::read(&path).unwrap_or_default());
                    if !forms.is_empty() {
                        found.push((path, forms));
                    }
                }
            }
        }
        found
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word =
            chunk.iter().fold(0u32, |word, b| word << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = DIGITS[(word >> (18 - 6 * place) & 63) as usize];
            text.push(if place > chunk.len() { '=' } else { char::from(digit) });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_found_wherever_it_stands() {
        let value = "s3cret/ü+\"x\"=&";
        let planted = Planted::new(value);
        assert_eq!(base64(b"any carnal pleas"), "YW55IGNhcm5hbCBwbGVhcw==");
        for before in ["", "a", "ab", "abc"] {
            let text = format!("{before}{value}zz");
            assert!(!planted.found_in(base64(text.as_bytes()).as_bytes()).is_empty(), "{before:?}");
        }
        assert_eq!(planted.found_in(b"nothing here"), Vec::<&str>::new());
        assert!(planted.found_in(format!("x{value}y").as_bytes()).contains(&"plain"));
        assert!(planted.found_in(hex::encode(value).as_bytes()).contains(&"hex"));
    }
}
