//! What a program may print to get at the person who watches it; for tests, here and in other crates.
//!
//! Feed each of [`HOSTILE`] to whatever shows a worker's output, and hand what comes out to [`foreign`].

use smith_model::printable::is_printable;

/// Names, and bytes.
pub const HOSTILE: &[(&str, &[u8])] = &[
    ("clipboard write", b"\x1b]52;c;ZXZpbA==\x07"),
    ("clipboard read", b"\x1b]52;c;?\x1b\\"),
    ("clipboard in tmux", b"\x1bPtmux;\x1b\x1b]52;c;ZXZpbA==\x07\x1b\\"),
    ("clipboard in screen", b"\x1bP\x1b]52;c;ZXZpbA==\x07\x1b\\"),
    ("title", b"\x1b]0;rm -rf ~\x07"),
    ("icon name", b"\x1b]1;evil\x07"),
    ("title with controls", b"\x1b]2;a\x1bc\x9d\xe2\x80\xaeb\x07"),
    ("title report", b"\x1b]2;;rm -rf ~;\x07\x1b[21t"),
    ("icon report", b"\x1b[20t"),
    ("title stack", b"\x1b[22;0t\x1b[23;0t"),
    ("directory", b"\x1b]7;file:///evil\x07"),
    ("link", b"\x1b]8;;https://evil.example/\x1b\\click\x1b]8;;\x1b\\"),
    ("link with an id", b"\x1b]8;id=x;javascript:alert(1)\x07click\x1b]8;;\x07"),
    ("notification", b"\x1b]9;evil\x07\x1b]777;notify;evil;body\x07\x1b]99;;evil\x1b\\"),
    ("progress", b"\x1b]9;4;1;50\x07"),
    ("shell marks", b"\x1b]133;A\x07\x1b]633;E;evil\x07"),
    ("colours", b"\x1b]4;0;#ffffff\x07\x1b]10;#000000\x07\x1b]11;#000000\x07\x1b]12;#000000\x07"),
    ("colour queries", b"\x1b]4;0;?\x07\x1b]10;?\x07\x1b]11;?\x1b\\"),
    ("font", b"\x1b]50;-misc-evil\x07"),
    ("mouse pointer", b"\x1b]22;wait\x07"),
    ("logging to a file", b"\x1b]46;/tmp/evil\x07"),
    ("iterm file", b"\x1b]1337;File=name=ZXZpbA==;inline=0:ZXZpbA==\x07"),
    ("iterm copy", b"\x1b]1337;CopyToClipboard=\x07evil\x1b]1337;EndCopy\x07"),
    ("iterm focus", b"\x1b]1337;StealFocus\x07"),
    ("kitty image", b"\x1b_Ga=T,f=100,t=f;L2V0Yy9wYXNzd2Q=\x1b\\"),
    ("kitty remote control", b"\x1bP@kitty-cmd{\"cmd\":\"launch\"}\x1b\\"),
    ("sixel", b"\x1bPq#0;2;0;0;0#0!100~-\x1b\\"),
    ("request of a setting", b"\x1bP$q\"p\x1b\\"),
    ("request of a capability", b"\x1bP+q544e\x1b\\"),
    ("user defined keys", b"\x1bP0;0|17/65766965\x1b\\"),
    ("macro", b"\x1bP1;0;0!zevil\x1b\\\x1b[1*z"),
    ("soft font", b"\x1bP1;1;1{ @???\x1b\\"),
    ("application program command", b"\x1b_evil\x1b\\"),
    ("privacy message", b"\x1b^evil\x1b\\"),
    ("start of string", b"\x1bXevil\x1b\\"),
    ("tmux title", b"\x1bkevil\x1b\\"),
    ("unfinished string", b"\x1bPevil"),
    ("unfinished command", b"\x1b]0;evil"),
    ("string broken off", b"\x1b]0;evil\x18\x1bPevil\x1a"),
    ("device attributes", b"\x1b[c\x1b[>c\x1b[=c\x1bZ\x1b[>q"),
    ("status", b"\x1b[5n\x1b[6n\x1b[?6n\x1b[?15n\x1b[?25n\x1b[?26n"),
    ("mode requests", b"\x1b[?1049$p\x1b[4$p\x1b[?2026$p"),
    ("parameters", b"\x1b[x\x1b[1x"),
    ("checksum", b"\x1b[1;1;1;1;24;80*y"),
    ("enquiry", b"\x05"),
    ("bell", b"\x07\x07\x07"),
    ("keyboard", b"\x1b[>31u\x1b[=31;1u\x1b[?u\x1b[>4;2m"),
    ("window", b"\x1b[2t\x1b[3;0;0t\x1b[4;1;1t\x1b[5t\x1b[8;1;1t\x1b[9;1t\x1b[10;1t"),
    ("window reports", b"\x1b[11t\x1b[13t\x1b[14t\x1b[18t\x1b[19t"),
    ("printing", b"\x1b[5i\x1b[0i\x1b[?5ievil\x1b[4i"),
    ("leds", b"\x1b[1q\x1b[3q"),
    ("mouse", b"\x1b[?9h\x1b[?1000h\x1b[?1003h\x1b[?1006h\x1b[?1015h\x1b[?1016h"),
    ("focus and paste", b"\x1b[?1004h\x1b[?2004h"),
    ("alternate screen", b"\x1b[?47h\x1b[?1047h\x1b[?1049hevil\x1b[?1049l"),
    ("columns", b"\x1b[?40h\x1b[?3h\x1b[?3l"),
    ("reverse screen", b"\x1b[?5h"),
    ("8-bit controls wanted", b"\x1b G\x1b[62;1\"p"),
    ("another character set", b"\x1b%@\x1b(0lqk\x0elqk"),
    ("vt52", b"\x1b[?2l\x1bY  \x1b<"),
    ("tektronix", b"\x1b[?38h\x1b\x0c"),
    ("8-bit controls", b"\x9b31m\x9d0;evil\x9c\x90q\x9c\x9f\x9e"),
    ("C1 in UTF-8", b"\xc2\x9b31m\xc2\x9d0;evil\xc2\x9c\xc2\x90q\xc2\x9c\xc2\x85"),
    ("overlong", b"\xc0\x9b\xe0\x80\x9b\xf0\x80\x80\x9b[31m"),
    ("surrogates", b"\xed\xa0\x80\xed\xb0\x80\xf4\x90\x80\x80"),
    ("bidi override", b"\xe2\x80\xaetxt.exe\xe2\x80\xac \xe2\x81\xa6a\xe2\x81\xa9 \xd8\x9c\xe2\x80\x8f"),
    ("bidi modes", b"\x1b[8l\x1b[1 k\x1b[?2501h"),
    ("invisible", b"pay\xe2\x80\x8bpal\xc2\xad\xe2\x81\xa0\xef\xbb\xbf\xe3\x85\xa4\xcd\x8f"),
    ("tags", b"a\xf3\xa0\x81\xa1\xf3\xa0\x81\xbf\xf3\xa0\x84\x80"),
    ("separators", b"a\xe2\x80\xa8b\xe2\x80\xa9c\x0bd\x0ce\x85"),
    ("marks without end", "a\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}\u{307}\u{308}\u{309}\u{30a}\u{30b}\u{30c}\u{30d}\u{30e}\u{30f}".as_bytes()),
    ("emoji of many", "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}\u{200d}\u{1f466}\u{fe0f}\u{1f3fb}\u{1f1e9}\u{1f1ea}".as_bytes()),
    ("wide at the margin", "\x1b[500C漢\x1b[500C漢\x1b[?7l\x1b[500C漢漢\x1b[?7h".as_bytes()),
    ("repeat", b"x\x1b[65535b\x1b[99999999999999999999b"),
    ("repeat of wide", "漢\x1b[65535b\u{301}\x1b[65535b".as_bytes()),
    ("huge parameters", b"\x1b[4294967296;18446744073709551616H\x1b[65535A\x1b[65535B\x1b[65535C\x1b[65535D\x1b[65535@\x1b[65535L\x1b[65535M\x1b[65535P\x1b[65535S\x1b[65535T\x1b[65535X\x1b[65535I\x1b[65535Z"),
    ("many parameters", b"\x1b[1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1m"),
    ("huge scroll regions", b"\x1b[1;65535r\x1b[65534;65535r\x1b[0;0r\x1b[5;2r\x1b[65535S"),
    ("origin outside", b"\x1b7\x1b[2;3r\x1b[?6h\x1b8\x1b[65535A\x1bM\x1b[J\x1b[L\x1b[M"),
    ("rectangles", b"\x1b[65;1;1;65535;65535$x\x1b[1;1;65535;65535$z\x1b[1;1;9;9;1;5;5;1$v"),
    ("sub-parameters", b"\x1b[38:2::1:2:3m\x1b[38:5m\x1b[48:2:1m\x1b[4:9m\x1b[:::m"),
    ("half colours", b"\x1b[38;2;1m\x1b[38m\x1b[48;5m\x1b[38;5;999mx"),
    ("tab stops", b"\x1b[3g\t\tx\x1bH\x1b[0g\x1b[?5W\x1b[5W"),
    ("alignment", b"\x1b#8\x1b#3\x1b#6"),
    ("reset", b"\x1b[!p\x1bc"),
    ("update without end", b"\x1b[?2026hevil"),
    ("hidden text", b"\x1b[8mevil\x1b[28m\x1b[30;40mevil\x1b[m"),
];

/// What is in bytes that no [`crate::draw::Painter`] writes: sequences beyond those that it names, controls,
/// and characters that aren't printable. Empty for everything that is safe.
pub fn foreign(bytes: &[u8]) -> Vec<String> {
    let mut found = vec![];
    for chunk in bytes.utf8_chunks() {
        let mut rest = chunk.valid();
        while let Some(c) = rest.chars().next() {
            let plain = || is_printable(c).then(|| c.len_utf8());
            let length = if c == '\x1b' { allowed(rest) } else { plain() };
            if length.is_none() {
                let start: String = rest.chars().take(12).collect();
                found.push(start.escape_debug().to_string());
            }
            rest = &rest[length.unwrap_or(c.len_utf8())..];
        }
        if !chunk.invalid().is_empty() {
            found.push(chunk.invalid().escape_ascii().to_string());
        }
    }
    found
}

/// The length of an allowed sequence at the beginning.
fn allowed(text: &str) -> Option<usize> {
    let body = text.strip_prefix("\x1b[")?;
    let end = body.find(|c: char| !matches!(c, '0'..='9' | ';' | ':' | '?'))?;
    let is_allowed = match (&body[..end], &body[end..=end]) {
        (params, "m" | "H") => !params.contains('?'),
        ("2", "J") | ("?7" | "?25" | "?2026", "h" | "l") => true,
        _ => false,
    };
    is_allowed.then_some(2 + end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_foreign_is_found() {
        assert_eq!(foreign("a漢\x1b[0;1m\x1b[1;2H\x1b[?25l".as_bytes()), [""; 0]);
        for text in [
            "\x1b]0;x\x07",
            "\x1b[?1m",
            "\x1b[3J",
            "\x1b[6n",
            "\x1bc",
            "\x1b[",
            "\n",
            "\u{9b}m",
            "\u{202e}",
            "\x1b[?2004h",
        ] {
            assert!(!foreign(text.as_bytes()).is_empty(), "{text:?}");
        }
        // Most of the corpus is foreign in itself; the rest only uses what is allowed to make a mess.
        let n_foreign = HOSTILE.iter().filter(|(_, bytes)| !foreign(bytes).is_empty()).count();
        assert!(n_foreign > HOSTILE.len() - 8, "{n_foreign} of {}", HOSTILE.len());
    }
}
