//! A unified diff: what each line is, what changed within it, and what its code says. Pure.

use similar::{ChangeTag, TextDiff};

use crate::paper::code::{self, Reader};
use crate::paper::{Kind, Line, Span, untabbed};

/// Lines of a run that are compared with their counterparts; longer runs are new text, where that helps nobody.
const MOST_RUN: usize = 64;
/// Lines that are so different are new ones, not changed ones.
const ALIKE: f32 = 0.4;
/// The most of a line that is compared word by word.
const MOST_COMPARED: usize = 1024;

/// The lines of a diff.
pub(super) fn lines(text: &str) -> Vec<Line> {
    let mut out: Vec<Line> = vec![];
    let mut reader = Readers::default();
    // Lines of the hunk that are still to come, on both sides.
    let (mut old, mut new) = (0u64, 0u64);
    for raw in text.lines() {
        let body = raw.get(1..).unwrap_or_default();
        let in_hunk = old + new > 0;
        let kind = match raw.as_bytes().first() {
            Some(b'+') if in_hunk => Kind::Added,
            Some(b'-') if in_hunk => Kind::Removed,
            Some(b' ') | None if in_hunk => Kind::Context,
            Some(b'\\') => Kind::Header,
            _ if raw.starts_with("diff ") => Kind::File,
            _ if raw.starts_with("@@ ") => Kind::Hunk,
            _ => Kind::Header,
        };
        match kind {
            Kind::Added => new = new.saturating_sub(1),
            Kind::Removed => old = old.saturating_sub(1),
            Kind::Context => (old, new) = (old.saturating_sub(1), new.saturating_sub(1)),
            Kind::File => {
                (old, new) = (0, 0);
                reader = Readers::default();
            }
            Kind::Hunk => {
                (old, new) = counts(raw);
                reader.begin();
            }
            Kind::Header => {
                if let Some(path) = raw.strip_prefix("+++ ").or_else(|| raw.strip_prefix("--- "))
                    && path != "/dev/null"
                {
                    reader.of(path);
                }
            }
            Kind::Plain | Kind::Gap => {}
        }
        let spans = match kind {
            Kind::Added | Kind::Removed | Kind::Context => {
                let mut spans = vec![Span::plain(raw.get(..1).unwrap_or(" "))];
                spans.extend(reader.read(kind, &untabbed(body)));
                spans
            }
            _ => vec![Span::plain(&untabbed(raw))],
        };
        out.push(Line { kind, spans });
    }
    mark_changes(&mut out);
    out
}

/// The lines that a hunk has of the old and the new file: `@@ -3,4 +3,5 @@`.
fn counts(header: &str) -> (u64, u64) {
    let mut words = header.split(' ').skip(1);
    let mut count = |sign: char| {
        let range = words.next().and_then(|word| word.strip_prefix(sign)).unwrap_or_default();
        range.split_once(',').map_or(1, |(_, count)| count.parse().unwrap_or(0))
    };
    (count('-'), count('+'))
}

/// Readers of the code on both sides.
#[derive(Default)]
struct Readers {
    syntax: Option<code::Syntax>,
    old: Option<Reader>,
    new: Option<Reader>,
}

impl Readers {
    fn of(&mut self, path: &str) {
        self.syntax = code::Syntax::of(path.trim_end_matches('\t'));
    }

    /// A hunk begins: nothing is known of the lines before it.
    fn begin(&mut self) {
        self.old = self.syntax.map(Reader::new);
        self.new = self.syntax.map(Reader::new);
    }

    fn read(&mut self, kind: Kind, text: &str) -> Vec<Span> {
        if kind == Kind::Context
            && let Some(old) = &mut self.old
        {
            old.read(text);
        }
        let reader = if kind == Kind::Removed { &mut self.old } else { &mut self.new };
        reader.as_mut().map_or_else(|| vec![Span::plain(text)], |reader| reader.read(text))
    }
}

/// Marks what changed within lines: each run of removed lines against the run of added ones that follows it.
fn mark_changes(lines: &mut [Line]) {
    let mut at = 0;
    while at < lines.len() {
        let run = |from: usize, kind| lines[from..].iter().take_while(|l| l.kind == kind).count();
        let removed = run(at, Kind::Removed);
        if removed == 0 {
            at += 1;
            continue;
        }
        let added = run(at + removed, Kind::Added);
        if removed.max(added) <= MOST_RUN {
            let (old, new) = lines[at..at + removed + added].split_at_mut(removed);
            for (old, new) in old.iter_mut().zip(new) {
                mark_words(old, new);
            }
        }
        at += removed + added;
    }
}

fn mark_words(old: &mut Line, new: &mut Line) {
    let (before, after) = (old.text(), new.text());
    let (Some(before), Some(after)) = (before.get(1..), after.get(1..)) else { return };
    if before.len().max(after.len()) > MOST_COMPARED {
        return;
    }
    let (old_words, new_words) = (words(before), words(after));
    let diff = TextDiff::from_slices(&old_words, &new_words);
    if diff.ratio() < ALIKE {
        return;
    }
    let (mut in_old, mut in_new) = (vec![], vec![]);
    let (mut at_old, mut at_new) = (1, 1);
    for change in diff.iter_all_changes() {
        let length = change.value().len();
        match change.tag() {
            ChangeTag::Equal => (at_old, at_new) = (at_old + length, at_new + length),
            ChangeTag::Delete => {
                in_old.push((at_old, at_old + length));
                at_old += length;
            }
            ChangeTag::Insert => {
                in_new.push((at_new, at_new + length));
                at_new += length;
            }
        }
    }
    mark(old, &in_old);
    mark(new, &in_new);
}

/// A line's names and numbers, its blanks, and each of its other characters.
fn words(text: &str) -> Vec<&str> {
    let class = |c: char| match c {
        c if c.is_alphanumeric() || c == '_' => 1,
        c if c.is_whitespace() => 2,
        _ => 0,
    };
    let mut words = vec![];
    let mut from = 0;
    let mut before = None;
    for (at, c) in text.char_indices() {
        let this = class(c);
        if at > 0 && (this == 0 || before != Some(this)) {
            words.push(&text[from..at]);
            from = at;
        }
        before = Some(this);
    }
    if from < text.len() {
        words.push(&text[from..]);
    }
    words
}

/// Marks byte ranges of a line's text, in their order, as what changed.
fn mark(line: &mut Line, ranges: &[(usize, usize)]) {
    if ranges.is_empty() {
        return;
    }
    let mut out = vec![];
    let mut start = 0;
    for span in line.spans.drain(..) {
        let end = start + span.text.len();
        let mut cuts = vec![start];
        for edge in ranges.iter().flat_map(|(from, to)| [*from, *to]) {
            if edge > start && edge < end {
                cuts.push(edge);
            }
        }
        cuts.push(end);
        cuts.dedup();
        for pair in cuts.windows(2) {
            let (from, to) = (pair[0], pair[1]);
            let is_changed = ranges.iter().any(|(begin, stop)| *begin <= from && to <= *stop);
            if let Some(text) = span.text.get(from - start..to - start) {
                out.push(Span { text: text.into(), ink: span.ink, is_changed });
            }
        }
        start = end;
    }
    line.spans = out;
}
