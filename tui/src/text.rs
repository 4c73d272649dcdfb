//! Text in cells: cut to a width, and times as people say them. Pure.

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::Value;
use smith_model::printable::{Lines, printable};
use smith_model::story::DiffStat;
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

/// Milliseconds: `14ms`, `1.3s`, `75s`, `12m05s`, `3h20m`.
pub fn millis(n: u64) -> String {
    match n {
        0..1000 => format!("{n}ms"),
        1000..10_000 => format!("{:.1}s", n as f64 / 1000.0),
        10_000..120_000 => format!("{}s", n / 1000),
        120_000..7_200_000 => format!("{}m{:02}s", n / 60_000, n / 1000 % 60),
        _ => format!("{}h{:02}m", n / 3_600_000, n / 60_000 % 60),
    }
}

/// The time from one moment to another; none, where they are the wrong way round.
pub fn between(from: Timestamp, to: Timestamp) -> String {
    millis(u64::try_from(to.duration_since(from).as_millis()).unwrap_or(0))
}

/// A time of a day, in UTC as all times here: `12:05:00`.
pub fn clock(at: Timestamp) -> String {
    at.strftime("%H:%M:%S").to_string()
}

/// A time of any day: `2026-01-31 12:05:00`.
pub fn date(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// Millionths of a dollar as dollars.
pub fn dollars(micro: u64) -> String {
    format!("${}.{:02}", micro / 1_000_000, micro % 1_000_000 / 10_000)
}

/// The name that a value has in records.
pub fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        Ok(value) => value.to_string(),
        Err(_) => "?".to_owned(),
    }
}

/// So many of something: `1 try`, `2 tries`, `3 iterations`.
pub fn count(n: u64, what: &str) -> String {
    match (n, what.strip_suffix('y')) {
        (1, _) => format!("1 {what}"),
        (n, Some(stem)) => format!("{n} {stem}ies"),
        (n, None) => format!("{n} {what}s"),
    }
}

/// The size of a change: `1 file +2 -1`.
pub fn change(stat: DiffStat) -> String {
    let DiffStat { files, insertions, deletions } = stat;
    format!("{} +{insertions} -{deletions}", count(files, "file"))
}

/// The first digits of a commit or a digest, where there is room for as many as git shows.
pub fn short(commit: &str) -> &str {
    digits(commit, 12)
}

/// So many digits of a commit.
pub fn digits(commit: &str, most: usize) -> &str {
    commit.get(..most).unwrap_or(commit)
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
    fn a_length_is_told_as_finely_as_it_matters() {
        for (n, expect) in [
            (14, "14ms"),
            (9_949, "9.9s"),
            (75_000, "75s"),
            (125_000, "2m05s"),
            (7_265_000, "2h01m"),
        ] {
            assert_eq!(millis(n), expect);
        }
        assert_eq!(dollars(1_239_999), "$1.23");
        assert_eq!(
            [count(1, "try"), count(2, "try"), count(0, "file")],
            ["1 try", "2 tries", "0 files"]
        );
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
