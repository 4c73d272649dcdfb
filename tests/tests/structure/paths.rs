//! The paths that a file's code names: `use` trees spread out, and `a::b::c` wherever it stands.

use crate::source::{Source, is_word};

/// A path, as segments, and the line (from 1) where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    /// `crate::store::Loops` is three.
    pub(crate) segments: Vec<String>,
    /// From 1.
    pub(crate) line: usize,
}

impl Named {
    /// Whether the path ends with these segments, as `Timestamp::now` does however `Timestamp` was imported.
    pub(crate) fn ends_with(&self, tail: &[&str]) -> bool {
        self.segments.len() >= tail.len()
            && self.segments[self.segments.len() - tail.len()..] == *tail
    }

    /// Whether the path begins with these segments.
    pub(crate) fn starts_with(&self, head: &[&str]) -> bool {
        self.segments.len() >= head.len() && self.segments[..head.len()] == *head
    }
}

/// Every path of a file outside its tests.
pub(crate) fn named(source: &Source) -> Vec<Named> {
    let mut reader = Reader { tokens: tokens(&source.code), at: 0, found: Vec::new() };
    reader.read();
    reader.found
}

#[derive(Debug, PartialEq, Eq)]
enum Token {
    Word(String, usize),
    /// `::`
    Joint,
    Other(char),
}

fn tokens(code: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut line = 1;
    let mut chars = code.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\n' => line += 1,
            ':' if chars.next_if_eq(&':').is_some() => tokens.push(Token::Joint),
            // A raw identifier is the identifier.
            '#' if matches!(tokens.last(), Some(Token::Word(word, _)) if word == "r") => {
                tokens.pop();
            }
            c if is_word(c) => {
                let mut word = String::from(c);
                while let Some(c) = chars.next_if(|&c| is_word(c)) {
                    word.push(c);
                }
                tokens.push(Token::Word(word, line));
            }
            c if c.is_whitespace() => {}
            c => tokens.push(Token::Other(c)),
        }
    }
    tokens
}

struct Reader {
    tokens: Vec<Token>,
    at: usize,
    found: Vec<Named>,
}

impl Reader {
    fn read(&mut self) {
        while self.at < self.tokens.len() {
            match self.word() {
                Some((word, _)) if word == "use" => {
                    self.at += 1;
                    // `+ use<'a>` is a bound.
                    if self.tokens.get(self.at) != Some(&Token::Other('<')) {
                        self.tree(&[]);
                    }
                }
                Some((word, line)) if word == "crate" && self.previous_is("extern") => {
                    self.at += 1;
                    if let Some((name, _)) = self.word() {
                        self.found.push(Named { segments: vec![name], line });
                    }
                }
                Some((_, line)) => {
                    let segments = self.segments();
                    if segments.len() > 1 {
                        self.found.push(Named { segments, line });
                    }
                }
                None => self.at += 1,
            }
        }
    }

    fn word(&self) -> Option<(String, usize)> {
        match self.tokens.get(self.at) {
            Some(Token::Word(word, line)) => Some((word.clone(), *line)),
            _ => None,
        }
    }

    fn previous_is(&self, wanted: &str) -> bool {
        self.at > 0 && matches!(&self.tokens[self.at - 1], Token::Word(word, _) if word == wanted)
    }

    /// `a::b::c`, and stands behind it.
    fn segments(&mut self) -> Vec<String> {
        let mut segments = Vec::new();
        while let Some((word, _)) = self.word() {
            segments.push(word);
            self.at += 1;
            if self.tokens.get(self.at) != Some(&Token::Joint)
                || !matches!(self.tokens.get(self.at + 1), Some(Token::Word(..)))
            {
                break;
            }
            self.at += 1;
        }
        segments
    }

    /// One tree of a `use`, under `prefix`; ends at the `,`, `}` or `;` behind it.
    fn tree(&mut self, prefix: &[String]) {
        if self.tokens.get(self.at) == Some(&Token::Joint) {
            self.at += 1;
        }
        let line = self.word().map_or(0, |(_, line)| line);
        let mut path = prefix.to_vec();
        path.extend(self.segments());
        if self.tokens.get(self.at) == Some(&Token::Joint) {
            self.at += 1;
        }
        match self.tokens.get(self.at) {
            Some(Token::Other('{')) => {
                self.at += 1;
                while !matches!(self.tokens.get(self.at), None | Some(Token::Other('}' | ';'))) {
                    self.tree(&path);
                    if self.tokens.get(self.at) == Some(&Token::Other(',')) {
                        self.at += 1;
                    }
                }
                self.at += 1;
            }
            _ => {
                // `{self}` names its prefix.
                if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
                    path.pop();
                }
                if !path.is_empty() {
                    self.found.push(Named { segments: path, line });
                }
                // `as name`, `*`: whatever it is, it doesn't change what was named.
                while !matches!(
                    self.tokens.get(self.at),
                    None | Some(Token::Other(',' | '}' | ';'))
                ) {
                    self.at += 1;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_name_something_is_seen() {
        for (text, expect) in [
            ("use axum;", vec!["axum"]),
            ("use a::b;", vec!["a::b"]),
            (
                "pub(crate) use ::a::{b, c::{self, d as e}, f::*};",
                vec!["a::b", "a::c", "a::c::d", "a::f"],
            ),
            ("use {a::b, c};", vec!["a::b", "c"]),
            ("extern crate kube;", vec!["kube"]),
            (
                "fn f(x: a::B<c::D>) -> impl T + use<'_> { e::f::<G>() }",
                vec!["a::B", "c::D", "e::f"],
            ),
            ("m!(a::b!(c))", vec!["a::b"]),
            ("use r#type::b;", vec!["type::b"]),
            ("// use a::b;\nlet x = \"c::d\";", vec![]),
            ("use a::{\n    b,\n", vec!["a::b"]),
        ] {
            let found: Vec<String> = named(&Source::new("x/src/a.rs", text))
                .iter()
                .map(|named| named.segments.join("::"))
                .collect();
            assert_eq!(found, expect, "{text}");
        }
    }

    #[test]
    fn lines_are_those_of_the_file() {
        let found = named(&Source::new("x/src/a.rs", "/* one\n two */\nuse a::{\n  b,\n  c,\n};"));
        assert_eq!(found.iter().map(|named| named.line).collect::<Vec<_>>(), [4, 5]);
    }
}
