//! A Rust file as the rules read it: comments and literals blanked out, tests set apart.
//!
//! A small scanner rather than a parser: it also reads the inside of macros, which a parser hands on as tokens, and a file
//! that doesn't compile yet.

use std::collections::BTreeSet;

/// One source file.
pub(crate) struct Source {
    /// Where it lies, from the root of the workspace.
    pub(crate) path: String,
    /// What was read.
    pub(crate) text: String,
    /// The text without comments, literals and tests, every line where it was.
    pub(crate) code: String,
    /// How many lines don't belong to tests.
    pub(crate) n_lines: usize,
}

impl Source {
    /// Reads `text` as the file `path`.
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let mut code = blank_literals(text);
        let test_lines = blank_tests(&mut code);
        let n_lines = if is_test_file(path) { 0 } else { text.lines().count() - test_lines.len() };
        let code = if is_test_file(path) { String::new() } else { code.into_iter().collect() };
        Self { path: path.to_owned(), text: text.to_owned(), code, n_lines }
    }
}

/// Files that are tests from end to end.
fn is_test_file(path: &str) -> bool {
    // `testing.rs` and `fixtures.rs` are what the tests of several rooms share, under `cfg(test)`.
    ["/tests.rs", "/testing.rs", "/fixtures.rs"].iter().any(|end| path.ends_with(end))
        || path.contains("/tests/")
        || path.contains("/benches/")
}

/// The text with comments and the insides of literals turned into spaces.
fn blank_literals(text: &str) -> Vec<char> {
    let chars: Vec<char> = text.chars().collect();
    let mut out = chars.clone();
    let mut at = 0;
    while at < chars.len() {
        let end = literal_end(&chars, at);
        for slot in &mut out[at..end] {
            if *slot != '\n' {
                *slot = ' ';
            }
        }
        at = end.max(at + 1);
    }
    out
}

/// Where the comment or literal that begins at `at` ends; `at` itself where none begins.
fn literal_end(chars: &[char], at: usize) -> usize {
    let follows = |offset: usize| chars.get(at + offset).copied();
    let in_word = at > 0 && is_word(chars[at - 1]);
    match chars[at] {
        '/' if follows(1) == Some('/') => line_end(chars, at),
        '/' if follows(1) == Some('*') => block_comment_end(chars, at),
        '"' => string_end(chars, at + 1),
        'r' if !in_word => raw_string_end(chars, at + 1).unwrap_or(at),
        'b' | 'c' if !in_word && follows(1) == Some('r') => {
            raw_string_end(chars, at + 2).unwrap_or(at)
        }
        '\'' => char_end(chars, at),
        _ => at,
    }
}

fn line_end(chars: &[char], at: usize) -> usize {
    chars[at..].iter().position(|&c| c == '\n').map_or(chars.len(), |n| at + n)
}

fn block_comment_end(chars: &[char], at: usize) -> usize {
    let (mut depth, mut at) = (0, at);
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => (depth, at) = (depth + 1, at + 2),
            ('*', Some('/')) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at.min(chars.len())
}

fn string_end(chars: &[char], mut at: usize) -> usize {
    while at < chars.len() && chars[at] != '"' {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(chars.len())
}

/// `at` is behind the `r`; a raw identifier is none.
fn raw_string_end(chars: &[char], at: usize) -> Option<usize> {
    let n_hashes = chars[at..].iter().take_while(|&&c| c == '#').count();
    if chars.get(at + n_hashes) != Some(&'"') {
        return None;
    }
    let mut at = at + n_hashes + 1;
    while at < chars.len() {
        let closes = chars[at] == '"'
            && chars[at + 1..].iter().take(n_hashes).filter(|&&c| c == '#').count() == n_hashes;
        if closes {
            return Some(at + 1 + n_hashes);
        }
        at += 1;
    }
    Some(chars.len())
}

/// A character literal's end; `at` for a lifetime.
fn char_end(chars: &[char], at: usize) -> usize {
    match (chars.get(at + 1), chars.get(at + 2)) {
        // The escaped character may itself be a quote.
        (Some('\\'), Some(_)) => {
            let close = chars[at + 3..].iter().position(|&c| c == '\'');
            close.map_or(chars.len(), |n| at + 3 + n + 1)
        }
        (Some(_), Some('\'')) => at + 3,
        _ => at,
    }
}

/// Blanks every item under `#[cfg(test)]`; returns the lines (from 0) that belonged to one.
fn blank_tests(code: &mut [char]) -> BTreeSet<usize> {
    let mut lines = BTreeSet::new();
    let mut at = 0;
    while at + 1 < code.len() {
        if code[at] != '#' || code[at + 1] != '[' {
            at += 1;
            continue;
        }
        let attribute_end = closing(code, at + 1) + 1;
        if !asks_for_tests(&code[at..attribute_end.min(code.len())]) {
            at = attribute_end;
            continue;
        }
        let end = item_end(code, attribute_end);
        let line_of = |index: usize| code[..index].iter().filter(|&&c| c == '\n').count();
        lines.extend(line_of(at)..=line_of(end.saturating_sub(1)));
        for slot in &mut code[at..end] {
            if *slot != '\n' {
                *slot = ' ';
            }
        }
        at = end;
    }
    lines
}

/// `#[cfg(test)]`, or `test` as one of several conditions, but not its opposite.
fn asks_for_tests(attribute: &[char]) -> bool {
    let text: String = attribute.iter().filter(|c| !c.is_whitespace()).collect();
    let condition = text.strip_prefix("#[cfg(").unwrap_or_default();
    let words = condition.split(|c| !is_word(c));
    !condition.contains("not(test)") && words.into_iter().any(|word| word == "test")
}

/// The end of the item, field or statement that starts behind an attribute.
fn item_end(code: &[char], from: usize) -> usize {
    const ITEMS: &[&str] = &[
        "async",
        "const",
        "enum",
        "extern",
        "fn",
        "impl",
        "let",
        "macro_rules",
        "mod",
        "pub",
        "static",
        "struct",
        "trait",
        "type",
        "unsafe",
        "use",
    ];
    let mut at = from;
    let mut first_word = String::new();
    while at < code.len() {
        match code[at] {
            // More attributes.
            '#' if first_word.is_empty() => at = closing(code, at + 1),
            '(' | '[' => at = closing(code, at),
            '{' => return closing(code, at) + 1,
            ';' => return at + 1,
            // Generics have commas too, so that only a field or an arm ends at one.
            ',' if !ITEMS.contains(&first_word.as_str()) => return at + 1,
            ')' | ']' | '}' => return at,
            c if is_word(c) && first_word.is_empty() => {
                first_word = code[at..].iter().take_while(|&&c| is_word(c)).collect();
            }
            _ => {}
        }
        at += 1;
    }
    code.len()
}

/// The index of the bracket that closes the one at `open`, or the last index.
fn closing(code: &[char], open: usize) -> usize {
    let mut depth = 0_usize;
    for (offset, c) in code[open..].iter().enumerate() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return open + offset;
                }
            }
            _ => {}
        }
    }
    code.len() - 1
}

/// A character of an identifier.
pub(crate) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let code = Source::new("model/src/a.rs", text).code;
        code.split(|c| !is_word(c)).filter(|word| !word.is_empty()).map(str::to_owned).collect()
    }

    #[test]
    fn comments_and_literals_are_not_code() {
        for (text, left) in [
            ("a // b\nc", vec!["a", "c"]),
            ("a /* b /* c */ d */ e", vec!["a", "e"]),
            (r#"a("b \" c", d)"#, vec!["a", "d"]),
            (r###"a(r#"b " c"#, d)"###, vec!["a", "d"]),
            (r##"a(br"b\", d)"##, vec!["a", "d"]),
            (r"a('\'', b, '\u{1f}', c, 'd', e)", vec!["a", "b", "c", "e"]),
            ("a<'b>(c: &'b D)", vec!["a", "b", "c", "b", "D"]),
            ("r#type = bar\"x\"", vec!["r", "type", "bar"]),
            ("a \"never closed", vec!["a"]),
        ] {
            assert_eq!(words(text), left, "{text}");
        }
    }

    #[test]
    fn tests_are_set_apart() {
        for (text, left) in [
            ("a\n#[cfg(test)]\nmod tests { fn b() { c } }\nd", vec!["a", "d"]),
            ("#[cfg(test)]\nmod tests;\na", vec!["a"]),
            ("#[cfg(all(test, unix))]\n#[allow(x)]\nfn b<C, D>(e: E) {}\na", vec!["a"]),
            ("S { #[cfg(test)] b: C, a }", vec!["S", "a"]),
            ("#[cfg(test)] use b::{c, d};\na", vec!["a"]),
            ("#[cfg(not(test))] a", vec!["cfg", "not", "test", "a"]),
            ("#[cfg(feature = \"test\")] a", vec!["cfg", "feature", "a"]),
        ] {
            assert_eq!(words(text), left, "{text}");
        }
    }

    #[test]
    fn lines_of_tests_are_not_counted() {
        let text = "one\ntwo\n#[cfg(test)]\nmod tests {\n}\nthree\n";
        assert_eq!(Source::new("model/src/a.rs", text).n_lines, 3);
        assert_eq!(Source::new("model/src/a/tests.rs", text).n_lines, 0);
    }
}
