//! A viewer's look at a terminal: which of its lines are shown, what is selected, what is looked for. Pure state
//! beside an [`Engine`], which doesn't know of it, so that many can look at one.
//!
//! A view follows the live end until it is scrolled up; from then on it stays on its lines, whatever the
//! program prints, until they are gone. [`View::settle`] brings it up to date: call it when the engine has
//! changed and when the pane has, before something is drawn or asked.

mod search;
mod selection;

pub use self::search::{Count, Direction, MAX_HITS};
pub use self::selection::{Copied, Selection, Unit};

use self::search::Search;
use crate::engine::{Engine, Extent, Hit, Line, Pattern, Place};

/// A look at an engine.
#[derive(Debug, Default)]
pub struct View {
    /// The first line shown; nothing, while it follows the end.
    anchor: Option<Line>,
    settled: Option<Settled>,
    selection: Option<Selection>,
    search: Option<Search>,
}

/// What the engine and the pane were like.
#[derive(Clone, Copy, Debug)]
struct Settled {
    lines: Extent,
    /// The first line that is shown while it follows the end.
    live: Line,
    rows: u16,
}

impl View {
    /// One that follows the end.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes note of what the engine and the pane are like now: of so many rows, at least one.
    pub fn settle(&mut self, engine: &Engine, rows: u16) {
        let lines = engine.lines();
        let rows = rows.max(1);
        // As far as the cursor needs it, the top is cut off.
        let cursor = engine.cursor().map_or(0, |cursor| cursor.row + 1);
        let live = lines.top.down(cursor.saturating_sub(rows).into());
        let before = self.settled.replace(Settled { lines, live, rows });
        self.anchor = self.anchor.and_then(|anchor| {
            let anchor = match before {
                // None of what was seen is there: lines were broken anew, or a flood went by.
                Some(before)
                    if lines.first >= before.lines.end || lines.end <= before.lines.first =>
                {
                    live.up(before.live.below(anchor))
                }
                _ => anchor,
            };
            Some(anchor.max(lines.first)).filter(|anchor| *anchor < live)
        });
        self.selection = self.selection.take().and_then(|selection| selection.settle(lines));
        let shown = self.first()..self.first().down(rows.into());
        if let Some(search) = &mut self.search {
            search.settle(engine, shown);
        }
    }

    /// The first line that is shown.
    pub fn first(&self) -> Line {
        let live = self.settled.map(|settled| settled.live);
        self.anchor.or(live).unwrap_or_default()
    }

    /// How many lines it is back from the live end; none, while it follows.
    pub fn back(&self) -> usize {
        self.settled.map_or(0, |settled| settled.live.below(self.first()))
    }

    /// Scrolls up. Answers whether it could: otherwise there is nothing to draw.
    pub fn up(&mut self, n: usize) -> bool {
        self.show(self.first().up(n))
    }

    /// Scrolls down; at the end it follows again. Answers whether it could.
    pub fn down(&mut self, n: usize) -> bool {
        self.show(self.first().down(n))
    }

    /// Scrolls to the oldest line. Answers whether it could.
    pub fn to_start(&mut self) -> bool {
        self.show(self.settled.map_or(self.first(), |settled| settled.lines.first))
    }

    /// Scrolls to the end, and follows it. Answers whether it could.
    pub fn to_end(&mut self) -> bool {
        self.anchor.take().is_some()
    }

    /// Scrolls as little as makes a line be shown.
    pub fn reveal(&mut self, line: Line) -> bool {
        let Some(Settled { rows, .. }) = self.settled else { return false };
        let (first, rows) = (self.first(), usize::from(rows));
        if line < first {
            self.show(line)
        } else if line >= first.down(rows) {
            self.show(line.up(rows - 1))
        } else {
            false
        }
    }

    fn show(&mut self, first: Line) -> bool {
        let Some(Settled { lines, live, .. }) = self.settled else { return false };
        let before = self.anchor;
        self.anchor = Some(first.max(lines.first)).filter(|first| *first < live);
        self.anchor != before
    }

    /// The cell of the terminal at a place of the pane: of its last line, below that.
    pub fn place(&self, column: u16, row: u16) -> Place {
        let line = self.first().down(row.into());
        let last = self.settled.map_or(line, |settled| settled.lines.end.up(1));
        Place { line: line.min(last), column }
    }

    /// Begins to select, at a cell.
    pub fn select(&mut self, engine: &Engine, place: Place, unit: Unit) {
        self.selection = Some(Selection::begin(engine, place, unit));
    }

    /// Selects on, to a cell.
    pub fn extend(&mut self, engine: &Engine, place: Place) {
        if let Some(selection) = &mut self.selection {
            selection.extend(engine, place);
        }
    }

    /// Selects nothing.
    pub fn deselect(&mut self) {
        self.selection = None;
    }

    /// What is selected.
    pub fn selection(&self) -> Option<&Selection> {
        self.selection.as_ref()
    }

    /// Looks for something from now on. Nothing is current yet.
    pub fn look_for(&mut self, engine: &Engine, pattern: Pattern) {
        let mut search = Search::new(pattern);
        if let Some(Settled { rows, .. }) = self.settled {
            search.settle(engine, self.first()..self.first().down(rows.into()));
        }
        self.search = Some(search);
    }

    /// Looks for nothing any more.
    pub fn look_for_nothing(&mut self) {
        self.search = None;
    }

    /// Goes to the next hit in a direction, from the current one, or from what is shown; behind the last one
    /// is the first. It is shown then. `None`: there is none.
    pub fn find(&mut self, engine: &Engine, direction: Direction) -> Option<Hit> {
        let rows = self.settled.map_or(0, |settled| settled.rows);
        let shown = self.first()..self.first().down(rows.into());
        let hit = self.search.as_mut()?.find(engine, direction, shown)?;
        self.reveal(hit.first.line);
        self.settle(engine, rows);
        Some(hit)
    }

    /// How many hits there are, and which the current one is. It looks through everything: for when somebody
    /// asks, not for each frame.
    pub fn count(&mut self, engine: &Engine) -> Option<Count> {
        Some(self.search.as_mut()?.count(engine))
    }

    /// The hit that [`View::find`] went to.
    pub fn current(&self) -> Option<Hit> {
        self.search.as_ref()?.current()
    }

    /// The hits among the lines that are shown, from the top.
    pub fn hits(&self) -> &[Hit] {
        self.search.as_ref().map_or(&[], Search::shown)
    }
}

#[cfg(test)]
mod tests;
