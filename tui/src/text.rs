//! Text in cells: cut to a width, and times as people say them. Pure.

use std::borrow::Cow;

use jiff::SignedDuration;
use smith_model::printable::{Lines, printable};
use unicode_width::UnicodeWidthChar as _;

/// The cells that a text takes.
pub fn width(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

/// Text from outside on one line, with nothing in it that acts on a terminal.
pub fn clean(text: &str) -> Cow<'_, str> {
    printable(text, Lines::One)
}

/// The beginning of a text that fits; `mark` stands at its end where something was left out.
pub fn cut<'a>(text: &'a str, columns: usize, mark: &str) -> Cow<'a, str> {
    // No character is wider than two cells, so most texts are seen to fit without being measured.
    if text.is_ascii() && text.len() <= columns || width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let room = columns.saturating_sub(width(mark));
    let (mut out, mut used) = (String::new(), 0);
    for c in text.chars() {
        let w = c.width().unwrap_or(0);
        if used + w > room {
            break;
        }
        out.push(c);
        used += w;
    }
    if width(mark) <= columns {
        out.push_str(mark);
    }
    Cow::Owned(out)
}

/// How long, in at most four characters: `9s`, `59m`, `23h`, `99d`, `9y`.
pub fn age(time: SignedDuration) -> String {
    let seconds = time.as_secs().max(0);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86_400 => format!("{}h", seconds / 3600),
        86_400..31_536_000 => format!("{}d", seconds / 86_400),
        _ => format!("{}y", seconds / 31_536_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_to_its_cells() {
        for (text, columns, expect) in [
            ("short", 5, "short"),
            ("longer", 5, "long…"),
            ("日本語", 5, "日本…"),
            ("日本語", 4, "日…"),
            ("ab", 1, "…"),
            ("ab", 0, ""),
        ] {
            assert_eq!(cut(text, columns, "…"), expect, "{text} in {columns}");
        }
    }

    #[test]
    fn an_age_has_one_unit() {
        for (seconds, expect) in
            [(-5, "0s"), (59, "59s"), (60, "1m"), (7199, "1h"), (86_400, "1d"), (40_000_000, "1y")]
        {
            assert_eq!(age(SignedDuration::from_secs(seconds)), expect);
        }
    }
}
