//! Finding text in the lines of an engine, without regard to case.
//!
//! Lines that were broken for want of room are searched as one. Marks on characters aren't looked at, so `e`
//! finds an `é` that is written as two.

use std::ops::{ControlFlow, Range};
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::emulator::find::{At, Regex};
use super::{Engine, Line, Place};

/// The most characters of a pattern. What a person looks for is shorter.
const MAX_PATTERN: usize = 256;

/// How far a line that was broken is followed to its beginning: more than anybody reads as one line, so that
/// a program that prints no line ends doesn't make each step a search of everything.
const MAX_BROKEN: usize = 100;

/// What is looked for.
pub struct Pattern {
    regex: Regex,
}

/// A text that can't be looked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// There is nothing in it.
    #[error("nothing to look for: write some text")]
    Empty,
    /// It is too long.
    #[error("a pattern has at most {MAX_PATTERN} characters: look for a part of it")]
    TooLong,
    /// It is no regular expression, or one that needs too much.
    #[error("not a regular expression that can be searched for: {0}")]
    Expression(String),
}

impl Pattern {
    /// Just this text.
    pub fn text(text: &str) -> Result<Self, PatternError> {
        let mut expression = String::with_capacity(text.len());
        for c in text.chars() {
            match c {
                // Tabs leave blanks of two kinds.
                ' ' | '\t' => expression.push_str("[ \\t]"),
                c => {
                    if c.is_ascii_punctuation() {
                        expression.push('\\');
                    }
                    expression.push(c);
                }
            }
        }
        Self::new(text, &expression)
    }

    /// A regular expression. Word borders are `(?-u:\b)`.
    pub fn regex(expression: &str) -> Result<Self, PatternError> {
        Self::new(expression, expression)
    }

    fn new(written: &str, expression: &str) -> Result<Self, PatternError> {
        if written.is_empty() {
            return Err(PatternError::Empty);
        }
        if written.chars().count() > MAX_PATTERN {
            return Err(PatternError::TooLong);
        }
        let regex = Regex::new(expression).map_err(PatternError::Expression)?;
        Ok(Self { regex })
    }
}

impl std::fmt::Debug for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pattern").finish_non_exhaustive()
    }
}

/// A place where it was found. It never ends in another line than it begins, unless that one was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The first cell.
    pub first: Place,
    /// The last cell.
    pub last: Place,
}

impl Hit {
    /// Which columns of a line it takes; none where it isn't there.
    pub fn columns(&self, line: Line) -> Option<Range<u16>> {
        (self.first.line <= line && line <= self.last.line).then(|| {
            let first = if line == self.first.line { self.first.column } else { 0 };
            let end =
                if line == self.last.line { self.last.column.saturating_add(1) } else { u16::MAX };
            first..end
        })
    }
}

impl Engine {
    /// The lines, broken for want of room, that a line is part of: as a whole they are what was printed.
    pub fn whole_line(&self, line: Line) -> Range<Line> {
        let lines = self.lines();
        let line = line.clamp(lines.first, lines.end.up(1));
        let goes_on = |line: Line| self.core.emulator.goes_on(self.index(line));
        let (mut first, mut last) = (line, line);
        while first > lines.first && line.below(first) < MAX_BROKEN && goes_on(first.up(1)) {
            first = first.up(1);
        }
        while last.down(1) < lines.end && last.below(line) < MAX_BROKEN && goes_on(last) {
            last = last.down(1);
        }
        first..last.down(1)
    }

    /// Tells every hit that touches these lines, from the top, until it is told to break.
    pub fn hits(
        &self,
        pattern: &mut Pattern,
        lines: Range<Line>,
        mut each: impl FnMut(Hit) -> ControlFlow<()>,
    ) {
        let all = self.lines();
        let (mut next, end) = (lines.start.max(all.first), lines.end.min(all.end));
        let mut start = self.whole_line(next).start;
        while next < end {
            let whole = start..self.whole_line(next).end;
            let begin = self.index(whole.start);
            let place = |(line, column): At| Place {
                line: whole.start.down(usize::try_from(line - begin).unwrap_or(0)),
                column,
            };
            let mut from: At = (begin, 0);
            while let Some((first, last)) = self.find(pattern, from, self.index(whole.end.up(1))) {
                let hit = Hit { first: place(first), last: place(last) };
                let touches = hit.first.line < end && hit.last.line >= lines.start;
                if touches && each(hit).is_break() {
                    return;
                }
                from = match last.1 + 1 {
                    column if column < self.size.columns() => (last.0, column),
                    _ => (last.0 + 1, 0),
                };
                if from.0 >= begin + whole.end.below(whole.start) as i32 {
                    break;
                }
            }
            (start, next) = (whole.end, whole.end);
        }
    }

    /// An expression that needs too much finds nothing, also where the emulator panics at it.
    fn find(&self, pattern: &mut Pattern, from: At, last: i32) -> Option<(At, At)> {
        let find = || self.core.emulator.find(&mut pattern.regex, from, last);
        catch_unwind(AssertUnwindSafe(find)).unwrap_or_default()
    }
}
