//! A filter's text as words: separated by blanks, but for those within quotes.

/// A word as it was written, taken apart.
#[derive(Debug, PartialEq)]
pub(crate) struct Raw<'a> {
    /// All of it.
    pub(crate) written: &'a str,
    /// `!` stood before it.
    pub(crate) is_inverse: bool,
    /// What stood before a colon.
    pub(crate) field: Option<&'a str>,
    /// The rest, without quotes.
    pub(crate) text: &'a str,
    /// The rest was quoted: nothing in it means anything.
    pub(crate) is_quoted: bool,
}

/// Takes a text apart.
pub(crate) fn split(text: &str) -> Result<Vec<Raw<'_>>, String> {
    written(text).map(raw).collect()
}

/// The words as they were written.
pub(crate) fn written(text: &str) -> impl Iterator<Item = &str> {
    let mut is_within = false;
    text.split(move |c: char| {
        if c == '"' {
            is_within = !is_within;
        }
        c.is_whitespace() && !is_within
    })
    .filter(|word| !word.is_empty())
}

/// A filter's text with a word more, or without it, if it was there.
pub(crate) fn toggled(text: &str, word: &str) -> String {
    let others: Vec<&str> = written(text).filter(|w| *w != word).collect();
    let rest = others.join(" ");
    match (written(text).any(|w| w == word), rest.as_str()) {
        (true, _) => rest,
        (false, "") => word.to_owned(),
        (false, rest) => format!("{rest} {word}"),
    }
}

fn raw(written: &str) -> Result<Raw<'_>, String> {
    let (is_inverse, rest) = match written.strip_prefix('!') {
        Some(rest) => (true, rest),
        None => (false, written),
    };
    if rest.is_empty() {
        return Err("!: what isn't wanted follows it".to_owned());
    }
    // A regular expression may hold colons, and so may text in quotes.
    let is_plain = !rest.starts_with(['"', '/', '~', '=']);
    let (field, rest) = match rest.split_once(':') {
        Some((name, rest)) if is_plain && !name.is_empty() => (Some(name), rest),
        _ => (None, rest),
    };
    let (text, is_quoted) = match rest.strip_prefix('"') {
        None => (rest, false),
        Some(quoted) => match quoted.strip_suffix('"') {
            Some(text) => (text, true),
            None => {
                return Err(format!("{written}: the quote has to end the word, with another \""));
            }
        },
    };
    Ok(Raw { written, is_inverse, field, text, is_quoted })
}
