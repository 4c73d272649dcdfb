//! The emulator's search for regular expressions, within a few of its lines.

use alacritty_terminal::grid::Dimensions as _;
use alacritty_terminal::index::{Column, Line, Point};
use alacritty_terminal::term::cell::Flags;
use alacritty_terminal::term::search::RegexSearch;

use super::{Emulator, small};

/// A compiled expression.
pub(in crate::engine) struct Regex(RegexSearch);

impl Regex {
    /// The reason, where it can't be one.
    pub(in crate::engine) fn new(expression: &str) -> Result<Self, String> {
        // The emulator's own rule is to respect case where there is an upper case letter.
        RegexSearch::new(&format!("(?i){expression}")).map(Self).map_err(|error| {
            // The text itself only says that there is one beneath.
            let mut deepest: &dyn std::error::Error = &*error;
            while let Some(source) = deepest.source() {
                deepest = source;
            }
            deepest.to_string()
        })
    }
}

/// A line and a column, as the emulator counts them.
pub(in crate::engine) type At = (i32, u16);

impl Emulator {
    /// Whether a line goes on in the next one.
    pub(in crate::engine) fn goes_on(&self, line: i32) -> bool {
        let last = self.term.last_column();
        self.term.grid()[Line(line)][last].flags.contains(Flags::WRAPLINE)
    }

    /// The first match that begins at `from` or behind it and ends in the line `last` or before it: its first and
    /// its last cell.
    pub(in crate::engine) fn find(
        &self,
        regex: &mut Regex,
        from: At,
        last: i32,
    ) -> Option<(At, At)> {
        let start = Point::new(Line(from.0), Column(from.1.into()));
        let end = Point::new(Line(last), self.term.last_column());
        let found = self.term.regex_search_right(&mut regex.0, start, end)?;
        let at = |point: Point| (point.line.0, small(point.column.0));
        let (first, last) = (at(*found.start()), at(*found.end()));
        // A search that gets to the end of everything goes round.
        let is_within = from <= first && first <= last && *found.end() <= end;
        is_within.then_some((first, last))
    }
}
