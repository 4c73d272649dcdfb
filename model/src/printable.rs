//! Text from outside, made safe to show on a terminal.
//!
//! A title, a journal message or a gate's output may hold escape sequences that move the cursor, set
//! the window's title, write the clipboard or turn text around (bidi). Everything that isn't plainly
//! printable is shown as a visible escape instead. Terminals themselves are another matter: their bytes
//! go through a terminal engine.

use std::borrow::Cow;
use std::fmt::Write as _;

/// What to do with line ends and tabs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lines {
    /// One line: they are escaped too.
    One,
    /// Several lines: they stay.
    Many,
}

/// `text` with every character that could act on a terminal made visible.
///
/// Escaped as `\u{…}` (C0 as `\x1b`): whatever isn't [`is_printable`], but for line ends and tabs where
/// they may stay.
pub fn printable(text: &str, lines: Lines) -> Cow<'_, str> {
    if text.chars().all(|c| is_plain(c, lines)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_plain(c, lines) {
            out.push(c);
            continue;
        }
        let written = match c {
            '\n' => out.write_str("\\n"),
            '\r' => out.write_str("\\r"),
            '\t' => out.write_str("\\t"),
            c if (c as u32) < 0x100 => write!(out, "\\x{:02x}", c as u32),
            c => write!(out, "\\u{{{:x}}}", c as u32),
        };
        written.expect("a String takes every write");
    }
    Cow::Owned(out)
}

/// Whether a character shows as itself, or joins its neighbours as scripts and emoji need it.
///
/// Not so: controls (C0, DEL, C1), line and paragraph separators, bidi controls (Unicode UAX 9), and
/// whatever shows as nothing (Unicode's Default_Ignorable_Code_Point and Cf: format characters, fillers,
/// tags), since it hides or splits words; noncharacters. Joiners and variation selectors stay.
pub fn is_printable(c: char) -> bool {
    match c {
        c if c.is_control() => false,
        // Soft hyphen, grapheme joiner, Arabic letter mark.
        '\u{ad}' | '\u{34f}' | '\u{61c}' => false,
        // Fillers of Hangul, inherent vowels of Khmer, Mongolian vowel separator.
        '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' => false,
        '\u{17b4}' | '\u{17b5}' | '\u{180e}' => false,
        // Zero width space and bidi marks; the joiners (200c, 200d) are part of scripts and emoji.
        '\u{200b}' | '\u{200e}' | '\u{200f}' => false,
        // Separators, bidi embeddings and overrides, invisible operators, bidi isolates.
        '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => false,
        // Byte order mark, what is reserved for such, interlinear annotations.
        '\u{feff}' | '\u{fff0}'..='\u{fffb}' => false,
        // Formats of hieroglyphs, shorthand and music; tags.
        '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' => false,
        '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}' => false,
        c => (c as u32) & 0xfffe != 0xfffe && !('\u{fdd0}'..='\u{fdef}').contains(&c),
    }
}

fn is_plain(c: char, lines: Lines) -> bool {
    (lines == Lines::Many && matches!(c, '\n' | '\t')) || is_printable(c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_acts_on_a_terminal_becomes_visible() {
        let check = |text: &str, expected: &str| assert_eq!(printable(text, Lines::One), expected);
        check("plain ä 漢 👍🏽", "plain ä 漢 👍🏽");
        check("\x1b]52;c;aGk=\x07", "\\x1b]52;c;aGk=\\x07");
        check("a\u{202e}b", "a\\u{202e}b");
        check("a\nb\tc\r", "a\\nb\\tc\\r");
        check("\u{9b}31m", "\\x9b31m");
        // Words that look like others, and marks that carry bytes.
        check("pass\u{3164}word", "pass\\u{3164}word");
        check("a\u{34f}\u{115f}\u{1d173}b", "a\\u{34f}\\u{115f}\\u{1d173}b");
        check("x\u{e0041}\u{e0100}\u{fdd0}", "x\\u{e0041}\\u{e0100}\\u{fdd0}");
        check(
            "\u{2764}\u{fe0f} \u{1f469}\u{200d}\u{1f4bb}",
            "\u{2764}\u{fe0f} \u{1f469}\u{200d}\u{1f4bb}",
        );
        assert_eq!(printable("a\nb\r", Lines::Many), "a\nb\\r");
    }

    proptest! {
        #[test]
        fn nothing_is_left_that_acts(text in any::<String>()) {
            let one = printable(&text, Lines::One);
            prop_assert!(one.chars().all(|c| is_plain(c, Lines::One)));
            prop_assert_eq!(printable(&one, Lines::One), one.clone());
        }
    }
}
