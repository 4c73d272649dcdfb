//! What a single line is: heading, list item, code fence, rule, label. Reader and writer both ask here.

/// How a line stands to fenced code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fenced {
    /// Not code.
    No,
    /// The line that opens a block of code.
    Open,
    /// A line of code, or the one that closes it.
    Inside,
}

/// A line of the document, or what is left of it when markers are taken off.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'t> {
    /// From 1.
    pub(super) number: u32,
    pub(super) text: &'t str,
    pub(super) fenced: Fenced,
}

impl<'t> Line<'t> {
    pub(super) fn with_text(self, text: &'t str) -> Self {
        Self { text, ..self }
    }

    /// Whether it is code, which means nothing but itself.
    pub(super) fn is_code(self) -> bool {
        self.fenced != Fenced::No
    }

    pub(super) fn is_blank(self) -> bool {
        !self.is_code() && self.text.trim().is_empty()
    }
}

/// The lines of a document, and the numbers of lines that open a fence that is never closed; such a line is
/// plain text, since it would swallow the rest of the document.
pub(super) fn split(document: &str) -> (Vec<Line<'_>>, Vec<u32>) {
    let texts: Vec<&str> = document
        .trim_start_matches('\u{feff}')
        .split('\n')
        .map(|line| line.strip_suffix('\r').unwrap_or(line))
        .collect();
    let (fences, unclosed) = fences(&texts);
    // At most `MAX_INPUT_BYTES` lines get here, which is less than 2^32.
    let number = |index: usize| u32::try_from(index + 1).unwrap_or(u32::MAX);
    let lines = texts.iter().zip(fences).enumerate();
    let lines =
        lines.map(|(index, (text, fenced))| Line { number: number(index), text, fenced }).collect();
    (lines, unclosed.into_iter().map(number).collect())
}

/// Where lines are fenced code, and which lines open a fence that is never closed.
pub(super) fn fences(texts: &[&str]) -> (Vec<Fenced>, Vec<usize>) {
    // The longest closing line of each kind at or after an index, so that looking for a partner that
    // doesn't exist costs nothing.
    let mut longest_after = vec![[0_usize; 2]; texts.len() + 1];
    for (index, text) in texts.iter().enumerate().rev() {
        longest_after[index] = longest_after[index + 1];
        if let Some((kind, length)) = closes_fence(text) {
            let longest = &mut longest_after[index][kind as usize];
            *longest = length.max(*longest);
        }
    }
    let mut fenced = vec![Fenced::No; texts.len()];
    let mut unclosed = Vec::new();
    let mut index = 0;
    while index < texts.len() {
        if let Some((kind, length)) = opens_fence(texts[index]) {
            if longest_after[index + 1][kind as usize] >= length {
                fenced[index] = Fenced::Open;
                loop {
                    index += 1;
                    fenced[index] = Fenced::Inside;
                    if closes_fence(texts[index]).is_some_and(|(k, l)| k == kind && l >= length) {
                        break;
                    }
                }
            } else {
                unclosed.push(index);
            }
        }
        index += 1;
    }
    (fenced, unclosed)
}

/// The two characters that fences are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FenceKind {
    Backtick,
    Tilde,
}

/// Whether a line opens a fence, with any indentation and behind any list markers: what it belongs to is
/// decided later, and must not change where code begins.
pub(super) fn opens_fence(text: &str) -> Option<(FenceKind, usize)> {
    let mut rest = text.trim();
    while let Some(bullet) = bullet(rest) {
        rest = bullet.content.trim();
    }
    let (kind, length) = fence_run(rest)?;
    let info = &rest[length..];
    (kind == FenceKind::Tilde || !info.contains('`')).then_some((kind, length))
}

fn closes_fence(text: &str) -> Option<(FenceKind, usize)> {
    let text = text.trim();
    fence_run(text).filter(|(_, length)| *length == text.len())
}

fn fence_run(text: &str) -> Option<(FenceKind, usize)> {
    let (kind, mark) = match text.as_bytes().first()? {
        b'`' => (FenceKind::Backtick, b'`'),
        b'~' => (FenceKind::Tilde, b'~'),
        _ => return None,
    };
    let length = text.bytes().take_while(|byte| *byte == mark).count();
    (length >= 3).then_some((kind, length))
}

/// Level and text of a heading line (`## Text ##`).
pub(super) fn heading(text: &str) -> Option<(usize, &str)> {
    let (indent, rest) = indentation(text);
    let level = rest.bytes().take_while(|byte| *byte == b'#').count();
    let after = &rest[level..];
    if indent > 3
        || !(1..=6).contains(&level)
        || !(after.is_empty() || after.starts_with([' ', '\t']))
    {
        return None;
    }
    let title = after.trim();
    let unclosed = title.trim_end_matches('#');
    let title = if unclosed.is_empty() || unclosed.ends_with([' ', '\t']) {
        unclosed.trim_end()
    } else {
        title
    };
    Some((level, title))
}

/// The level that an underline (`====`, `----`) gives to the line above it.
pub(super) fn underline(text: &str) -> Option<usize> {
    let text = text.trim();
    let all = |mark: u8| text.len() >= 3 && text.bytes().all(|byte| byte == mark);
    if all(b'=') {
        Some(1)
    } else if all(b'-') {
        Some(2)
    } else {
        None
    }
}

/// Whether a line is only drawn (`---`, `* * *`) and says nothing.
pub(super) fn is_rule(text: &str) -> bool {
    let mut marks = text.bytes().filter(|byte| !matches!(byte, b' ' | b'\t'));
    let Some(first) = marks.next() else {
        return false;
    };
    let mut count = 1;
    matches!(first, b'-' | b'*' | b'_')
        && marks.all(|mark| {
            count += 1;
            mark == first
        })
        && count >= 3
}

/// A list item's first line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bullet<'t> {
    /// Columns before the marker.
    pub(super) indent: usize,
    /// Columns from the start of the line to where its text may begin.
    pub(super) width: usize,
    /// What stands behind the marker.
    pub(super) content: &'t str,
}

/// Takes the marker of a list item off: `-`, `*`, `+`, `1.`, `1)`.
pub(super) fn bullet(text: &str) -> Option<Bullet<'_>> {
    let (indent, rest) = indentation(text);
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let marker = match rest.as_bytes().get(digits)? {
        b'-' | b'*' | b'+' if digits == 0 => 1,
        b'.' | b')' if (1..=9).contains(&digits) => digits + 1,
        _ => return None,
    };
    let content = &rest[marker..];
    (content.is_empty() || content.starts_with([' ', '\t'])).then(|| Bullet {
        indent,
        width: indent + marker + 1,
        content: content.trim_start_matches([' ', '\t']),
    })
}

/// Columns of blanks at the start of a line (a tab counts four), and the rest of it.
pub(super) fn indentation(text: &str) -> (usize, &str) {
    let rest = text.trim_start_matches([' ', '\t']);
    let columns =
        text[..text.len() - rest.len()].bytes().map(|byte| if byte == b'\t' { 4 } else { 1 }).sum();
    (columns, rest)
}

/// Takes up to so many columns of blanks off the start of a line; a tab is taken whole.
pub(super) fn outdent(text: &str, columns: usize) -> &str {
    let mut left = columns;
    let mut rest = text;
    while left > 0 {
        if let Some(shorter) = rest.strip_prefix(' ') {
            (rest, left) = (shorter, left - 1);
        } else if let Some(shorter) = rest.strip_prefix('\t') {
            (rest, left) = (shorter, left.saturating_sub(4));
        } else {
            break;
        }
    }
    rest
}

/// Takes a checkbox (`[ ]`, `[x]`) off the start of an item; the flag says whether it is ticked.
pub(super) fn checkbox(text: &str) -> Option<(bool, &str)> {
    let rest = text.strip_prefix('[')?;
    let ticked = match rest.chars().next()? {
        ' ' => false,
        'x' | 'X' => true,
        _ => return None,
    };
    let rest = rest[1..].strip_prefix(']')?;
    (rest.is_empty() || rest.starts_with([' ', '\t'])).then(|| (ticked, rest.trim_start()))
}

/// What a labelled line of a story is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LabelKind {
    Status,
    DependsOn,
    Criteria,
    Description,
}

/// A labelled line: `Status: open`, `**Depends on:** US-001`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Label<'t> {
    pub(super) kind: LabelKind,
    /// Where the colon is.
    pub(super) colon: usize,
    /// How many backslashes stand before the colon; a label has none.
    pub(super) backslashes: usize,
    pub(super) value: &'t str,
}

/// Looks for a label; one with backslashes before its colon is text, and is reported as such.
pub(super) fn label(text: &str) -> Option<Label<'_>> {
    const NAMES: [(&str, LabelKind); 9] = [
        ("acceptance criteria", LabelKind::Criteria),
        ("acceptance", LabelKind::Criteria),
        ("criteria", LabelKind::Criteria),
        ("dependencies", LabelKind::DependsOn),
        ("depends on", LabelKind::DependsOn),
        ("dependson", LabelKind::DependsOn),
        ("depends_on", LabelKind::DependsOn),
        ("description", LabelKind::Description),
        ("status", LabelKind::Status),
    ];
    let emphasis = ['*', '_'];
    let trimmed = text.trim_start();
    let name_part = trimmed.trim_start_matches(emphasis);
    let (kind, rest) = NAMES.iter().find_map(|(name, kind)| {
        let start = name_part.get(..name.len())?;
        start.eq_ignore_ascii_case(name).then(|| (*kind, &name_part[name.len()..]))
    })?;
    let rest = rest.trim_start_matches(emphasis);
    let after_backslashes = rest.trim_start_matches('\\');
    let value = after_backslashes.strip_prefix(':')?;
    let value =
        if name_part.len() < trimmed.len() { value.trim_start_matches(emphasis) } else { value };
    Some(Label {
        kind,
        colon: text.len() - after_backslashes.len(),
        backslashes: rest.len() - after_backslashes.len(),
        value: value.trim(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings() {
        for (text, expected) in [
            ("# A", Some((1, "A"))),
            ("   ###### A # b ##", Some((6, "A # b"))),
            ("#", Some((1, ""))),
            ("## ##", Some((2, ""))),
            ("# C#", Some((1, "C#"))),
            ("#A", None),
            ("####### A", None),
            ("    # A", None),
            ("A", None),
        ] {
            assert_eq!(heading(text), expected, "{text:?}");
        }
    }

    #[test]
    fn bullets() {
        for (text, expected) in [
            ("- a", Some((0, 2, "a"))),
            ("  *   a", Some((2, 4, "a"))),
            ("12) a", Some((0, 4, "a"))),
            ("-", Some((0, 2, ""))),
            ("-a", None),
            ("1234567890. a", None),
            ("1 a", None),
            ("**a**", None),
        ] {
            assert_eq!(bullet(text).map(|b| (b.indent, b.width, b.content)), expected, "{text:?}");
        }
    }

    #[test]
    fn labels() {
        for (text, expected) in [
            ("Status: open", Some((LabelKind::Status, 0, "open"))),
            ("**Depends On:** US-001", Some((LabelKind::DependsOn, 0, "US-001"))),
            ("__acceptance__:", Some((LabelKind::Criteria, 0, ""))),
            ("Status\\\\: open", Some((LabelKind::Status, 2, "open"))),
            ("Statusbar: x", None),
            ("The status: x", None),
            ("Statuß: x", None),
        ] {
            assert_eq!(label(text).map(|l| (l.kind, l.backslashes, l.value)), expected, "{text:?}");
        }
    }

    #[test]
    fn an_unclosed_fence_is_text() {
        let texts = ["````", "```", "a", "~~~", "```", "- ```sh", "# b", "  ```"];
        let (fenced, unclosed) = fences(&texts);
        use Fenced::{Inside, No, Open};
        assert_eq!(fenced, [No, Open, Inside, Inside, Inside, Open, Inside, Inside]);
        assert_eq!(unclosed, [0]);
    }

    #[test]
    fn many_unclosed_fences_cost_little() {
        let text = "```a\n".repeat(100_000);
        assert_eq!(split(&text).1.len(), 100_000);
    }

    #[test]
    fn rules() {
        for (text, expected) in [
            ("---", true),
            (" * * *", true),
            ("__", false),
            ("- -", false),
            ("--a", false),
            ("", false),
            ("-*-", false),
        ] {
            assert_eq!(is_rule(text), expected, "{text:?}");
        }
    }
}
