//! What is looked for, where it is shown, and the way from one hit to the next. A frame looks through the lines
//! that it shows; only a person's step or question looks further.

use std::ops::{ControlFlow, Range};

use crate::engine::{Engine, Extent, Hit, Line, Pattern, Place};

/// The most hits that are counted, and that are marked in a frame.
pub const MAX_HITS: usize = 10_000;

/// Where to look for the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Towards the oldest.
    Up,
    /// Towards the newest.
    Down,
}

/// How many hits there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// How many were counted.
    pub all: usize,
    /// Which of them is the current one, from 1, if it is among them.
    pub current: Option<usize>,
    /// Whether there are more than are counted.
    pub is_more: bool,
}

#[derive(Debug)]
pub(super) struct Search {
    pattern: Pattern,
    current: Option<Hit>,
    shown: Vec<Hit>,
}

impl Search {
    pub(super) fn new(pattern: Pattern) -> Self {
        Self { pattern, current: None, shown: vec![] }
    }

    pub(super) fn current(&self) -> Option<Hit> {
        self.current
    }

    pub(super) fn shown(&self) -> &[Hit] {
        &self.shown
    }

    /// Finds what is shown now.
    pub(super) fn settle(&mut self, engine: &Engine, lines: Range<Line>) {
        let extent = engine.lines();
        self.current = self.current.filter(|hit| extent.contains(hit.first.line));
        self.shown.clear();
        engine.hits(&mut self.pattern, lines, |hit| {
            self.shown.push(hit);
            if self.shown.len() < MAX_HITS {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        });
    }

    pub(super) fn find(
        &mut self,
        engine: &Engine,
        direction: Direction,
        shown: Range<Line>,
    ) -> Option<Hit> {
        let lines = engine.lines();
        let current = self.current.map(|hit| hit.first);
        self.current = match direction {
            // What begins at the first line shown is below that.
            Direction::Down => {
                let from = current.map_or(start_of(shown.start), after);
                self.first(engine, from, lines.end)
                    .or_else(|| self.first(engine, start_of(lines.first), from.line.down(1)))
            }
            Direction::Up => {
                let from = current.unwrap_or(start_of(shown.end.min(lines.end)));
                self.last(engine, lines, from)
                    .or_else(|| self.last(engine, lines, start_of(lines.end)))
            }
        };
        self.current
    }

    /// The first hit at a place or behind it.
    fn first(&mut self, engine: &Engine, from: Place, end: Line) -> Option<Hit> {
        let mut found = None;
        engine.hits(&mut self.pattern, from.line..end, |hit| {
            if hit.first < from {
                return ControlFlow::Continue(());
            }
            found = Some(hit);
            ControlFlow::Break(())
        });
        found
    }

    /// The last hit before a place.
    fn last(&mut self, engine: &Engine, lines: Extent, before: Place) -> Option<Hit> {
        let mut end = before.line.down(1).min(lines.end);
        while end > lines.first {
            let start = engine.whole_line(end.up(1)).start;
            let mut found = None;
            engine.hits(&mut self.pattern, start..end, |hit| {
                if hit.first < before {
                    found = Some(hit);
                }
                ControlFlow::Continue(())
            });
            if found.is_some() {
                return found;
            }
            end = start;
        }
        None
    }

    pub(super) fn count(&mut self, engine: &Engine) -> Count {
        let lines = engine.lines();
        let mut count = Count { all: 0, current: None, is_more: false };
        engine.hits(&mut self.pattern, lines.first..lines.end, |hit| {
            if count.all == MAX_HITS {
                count.is_more = true;
                return ControlFlow::Break(());
            }
            count.all += 1;
            if self.current == Some(hit) {
                count.current = Some(count.all);
            }
            ControlFlow::Continue(())
        });
        count
    }
}

fn start_of(line: Line) -> Place {
    Place { line, column: 0 }
}

fn after(place: Place) -> Place {
    Place { column: place.column.saturating_add(1), ..place }
}
