//! Where one is in a text, and how one moves. Pure.

use std::ops::RangeInclusive;

use super::find::Found;
use super::spot::Spot;
use super::{Line, Lines, PagerAction, Pattern};
use crate::action::Motion;

/// Columns that one step to the side moves.
const ASIDE: usize = 8;

/// Where one is in a text.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// The first row that is seen.
    pub(super) top: Spot,
    pub(super) cursor: usize,
    /// Cells that are hidden at the left.
    pub(super) aside: usize,
    pub(super) is_cut: bool,
    pub(super) is_following: bool,
    pub(super) rows: usize,
    pub(super) columns: usize,
    /// Where choosing lines began.
    chosen_from: Option<usize>,
    pub(super) found: Option<Found>,
    /// Where one was when one began to look for something.
    origin: Option<Box<Origin>>,
    pressed: Option<Pressed>,
}

#[derive(Clone, Debug)]
struct Origin {
    top: Spot,
    cursor: usize,
    is_following: bool,
    found: Option<Found>,
}

/// Where the mouse was pressed.
#[derive(Clone, Copy, Debug)]
struct Pressed {
    line: usize,
    was_cursor: bool,
    is_drawn: bool,
}

/// What a pager did with an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// It is done.
    Yes,
    /// It can't be done; why.
    No(String),
    /// What is looked for is to be typed; this was it before.
    EditFind(String),
    /// Copy these lines; none chosen: whatever belongs to the cursor's.
    Copy(Option<RangeInclusive<usize>>),
    /// Write all of it to a file.
    Save(Option<String>),
    /// The line of the cursor is to be opened.
    Open,
}

impl View {
    /// At the first line.
    pub fn new() -> Self {
        Self::default()
    }

    /// At the last line, and at each that comes.
    pub fn following() -> Self {
        Self { is_following: true, ..Self::default() }
    }

    /// Does it go on to each line that comes?
    pub fn is_following(&self) -> bool {
        self.is_following
    }

    /// The cursor's line.
    pub fn cursor(&self) -> usize {
        self.cursor
    }

    /// The first line that is seen.
    pub fn top(&self) -> usize {
        self.top.line
    }

    /// Are long lines broken?
    pub fn is_wrapped(&self) -> bool {
        !self.is_cut
    }

    /// The lines that are chosen.
    pub fn chosen(&self) -> Option<RangeInclusive<usize>> {
        let from = self.chosen_from?;
        Some(from.min(self.cursor)..=from.max(self.cursor))
    }

    /// What is looked for; which line with it the cursor is on, counted from 1; how many there are.
    pub fn finding(&self) -> Option<(&str, Option<usize>, usize)> {
        let found = self.found.as_ref()?;
        let (at, count) = found.place(self.cursor);
        Some((found.pattern.text(), at, count))
    }

    /// Moves the cursor.
    pub fn go(&mut self, lines: &dyn Lines, motion: Motion) {
        let last = lines.len().saturating_sub(1);
        let page = i32::try_from(self.rows.max(1)).unwrap_or(i32::MAX);
        let is_up = match motion {
            Motion::Rows(by) => {
                self.step(lines, by);
                by < 0
            }
            Motion::HalfPages(times) => {
                self.page(lines, (page / 2).max(1).saturating_mul(times));
                times < 0
            }
            Motion::Pages(times) => {
                self.page(lines, page.saturating_mul(times));
                times < 0
            }
            Motion::Top => {
                self.cursor = 0;
                true
            }
            Motion::Bottom => {
                self.cursor = last;
                self.is_following = true;
                false
            }
            Motion::To(line) => {
                let before = std::mem::replace(&mut self.cursor, line.min(last));
                self.cursor < before
            }
            Motion::Columns(by) => {
                let by = isize::try_from(by).unwrap_or(0).saturating_mul(ASIDE as isize);
                let aside = if self.is_cut { self.aside.saturating_add_signed(by) } else { 0 };
                self.aside = aside.min(self.widest(lines));
                return;
            }
        };
        if is_up {
            self.is_following = false;
        }
        self.reveal(lines);
    }

    /// Does what is asked for.
    pub fn act(&mut self, lines: &dyn Lines, action: &PagerAction) -> Done {
        match action {
            PagerAction::EditFind => {
                self.origin = Some(Box::new(Origin {
                    top: self.top,
                    cursor: self.cursor,
                    is_following: self.is_following,
                    found: self.found.clone(),
                }));
                return Done::EditFind(self.finding().map_or("", |(text, ..)| text).to_owned());
            }
            PagerAction::FindTyped(text) => self.find_typed(lines, text),
            PagerAction::FindNot => self.go_to_origin(),
            PagerAction::Find(text) => {
                match Pattern::parse(text) {
                    Ok(pattern) => self.found = pattern.map(Found::new),
                    Err(why) => return Done::No(why),
                }
                if self.found.is_some() {
                    return self.find(lines, |found, cursor| found.at_or_after(cursor));
                }
            }
            PagerAction::FindNext => {
                return self.find(lines, |found, cursor| found.at_or_after(cursor + 1));
            }
            PagerAction::FindPrevious => {
                return self.find(lines, |found, cursor| found.before(cursor));
            }
            PagerAction::Wrap => {
                (self.is_cut, self.aside) = (!self.is_cut, 0);
                self.top.row = 0;
            }
            PagerAction::Select => {
                self.chosen_from = match self.chosen_from {
                    None if !lines.is_empty() => Some(self.cursor),
                    _ => None,
                };
            }
            PagerAction::Copy => {
                let chosen = self.chosen();
                self.chosen_from = None;
                return if lines.is_empty() {
                    Done::No("there is nothing to copy".to_owned())
                } else {
                    Done::Copy(chosen)
                };
            }
            PagerAction::Save(name) => return Done::Save(name.clone()),
            PagerAction::Scroll(by) => self.scroll(lines, *by),
            PagerAction::Press(row) => self.press(lines, *row),
            PagerAction::Drag(row) => self.draw_to(lines, *row),
            PagerAction::Release => {
                let pressed = self.pressed.take();
                if pressed.is_some_and(|pressed| pressed.was_cursor && !pressed.is_drawn) {
                    return Done::Open;
                }
            }
        }
        Done::Yes
    }

    /// Lets go of what is half done; answers whether anything was.
    pub fn dismiss(&mut self) -> bool {
        self.chosen_from.take().is_some() || self.found.take().is_some()
    }

    /// Makes it fit an area, after whatever changed. Lines that came behind the last are seen here.
    pub fn settle(&mut self, lines: &dyn Lines, columns: usize, rows: usize) {
        (self.rows, self.columns) = (rows.max(1), columns.max(1));
        let last = lines.len().saturating_sub(1);
        // What is at the top may be another line now, or broken elsewhere.
        self.top.line = self.top.line.min(last);
        self.top.row = self.top.row.min(self.height(lines, self.top.line) - 1);
        self.cursor = if self.is_following { last } else { self.cursor.min(last) };
        self.chosen_from = self.chosen_from.map(|from| from.min(last));
        if let Some(found) = &mut self.found {
            found.look(lines);
        }
        self.reveal(lines);
    }

    /// So many lines came before the first.
    pub fn came_before(&mut self, lines: usize) {
        self.top.line += lines;
        self.cursor += lines;
        self.chosen_from = self.chosen_from.map(|from| from + lines);
        if let Some(found) = &mut self.found {
            found.came_before(lines);
        }
        // What is kept for later is of other lines now.
        (self.origin, self.pressed) = (None, None);
    }

    /// The first so many lines are gone.
    pub fn went_before(&mut self, lines: usize) {
        self.top = match self.top.line.checked_sub(lines) {
            Some(line) => Spot { line, ..self.top },
            None => Spot::default(),
        };
        self.cursor = self.cursor.saturating_sub(lines);
        self.chosen_from = self.chosen_from.map(|from| from.saturating_sub(lines));
        if let Some(found) = &mut self.found {
            found.went_before(lines);
        }
        (self.origin, self.pressed) = (None, None);
    }

    /// Other lines are there; what was at the top and at the cursor is there now.
    pub fn replaced(&mut self, top: usize, cursor: usize) {
        (self.top, self.cursor) = (Spot { line: top, row: 0 }, cursor);
        (self.chosen_from, self.origin, self.pressed) = (None, None, None);
        if let Some(found) = &mut self.found {
            found.forget();
        }
    }

    /// Stays here while lines come, or goes on with them.
    pub fn toggle_following(&mut self) {
        self.is_following = !self.is_following;
    }

    fn step(&mut self, lines: &dyn Lines, by: i32) {
        // The rest of a line that is taller than what is seen comes before the next line.
        let height = self.height(lines, self.cursor);
        let below = self.rows_to(lines, Spot { line: self.cursor, row: height - 1 });
        if by > 0 && height > self.rows && below.is_none() {
            self.top = self.down(lines, self.top, 1);
        } else if by < 0 && self.top.line == self.cursor && self.top.row > 0 {
            self.top.row -= 1;
        } else {
            let last = lines.len().saturating_sub(1);
            let by = isize::try_from(by).unwrap_or(0);
            self.cursor = self.cursor.saturating_add_signed(by).min(last);
        }
    }

    fn page(&mut self, lines: &dyn Lines, rows: i32) {
        let top = self.top;
        self.scroll(lines, rows);
        if self.top == top {
            self.cursor = if rows < 0 { 0 } else { lines.len().saturating_sub(1) };
        }
    }

    fn scroll(&mut self, lines: &dyn Lines, rows: i32) {
        let by = usize::try_from(rows.unsigned_abs()).unwrap_or(usize::MAX);
        if rows < 0 {
            self.is_following = false;
            self.top = self.up(lines, self.top, by);
        } else {
            self.top = self.down(lines, self.top, by).min(self.lowest_top(lines));
        }
        let first = if self.top.row == 0 || self.height(lines, self.top.line) - self.top.row > 1 {
            self.top.line
        } else {
            self.top.line + 1
        };
        let end = self.down(lines, self.top, self.rows - 1).line;
        self.cursor = self.cursor.clamp(first.min(end), end);
    }

    /// How far to the side what is seen goes.
    fn widest(&self, lines: &dyn Lines) -> usize {
        let mut line = Line::default();
        let seen = self.top.line..lines.len().min(self.top.line + self.rows);
        let widths = seen.map(|at| {
            line.clear();
            lines.write(at, &mut line);
            crate::text::width(line.text())
        });
        widths.max().unwrap_or(0).saturating_sub(self.columns / 2)
    }

    fn press(&mut self, lines: &dyn Lines, row: u16) {
        let line = self.line_at(lines, row);
        let was_cursor = self.cursor == line;
        if line + 1 < lines.len() {
            self.is_following = false;
        }
        self.cursor = line;
        self.chosen_from = None;
        self.pressed = Some(Pressed { line, was_cursor, is_drawn: false });
    }

    fn draw_to(&mut self, lines: &dyn Lines, row: u16) {
        let line = self.line_at(lines, row);
        let Some(pressed) = &mut self.pressed else { return };
        if line != pressed.line || pressed.is_drawn {
            pressed.is_drawn = true;
            self.chosen_from = Some(pressed.line);
            self.cursor = line;
            self.is_following = false;
        }
    }

    fn find(
        &mut self,
        lines: &dyn Lines,
        which: impl FnOnce(&Found, usize) -> Option<usize>,
    ) -> Done {
        let Some(found) = &mut self.found else {
            return Done::No("nothing is looked for yet".to_owned());
        };
        found.look(lines);
        let Some(line) = which(found, self.cursor) else {
            return Done::No(format!("{} is nowhere here", found.pattern.text()));
        };
        self.show_found(lines, line);
        Done::Yes
    }

    fn show_found(&mut self, lines: &dyn Lines, line: usize) {
        // What was found stays on the screen, whatever comes.
        self.is_following = false;
        self.cursor = line;
        self.reveal(lines);
    }

    fn find_typed(&mut self, lines: &dyn Lines, text: &str) {
        if let Some(origin) = &self.origin {
            (self.top, self.cursor) = (origin.top, origin.cursor);
            self.is_following = origin.is_following;
        }
        // Half of an expression may be none yet: nothing is found until it is one.
        self.found = Pattern::parse(text).ok().flatten().map(Found::new);
        let Some(found) = &mut self.found else { return };
        found.look(lines);
        if let Some(line) = found.at_or_after(self.cursor) {
            self.show_found(lines, line);
        }
    }

    fn go_to_origin(&mut self) {
        let Some(origin) = self.origin.take() else {
            self.found = None;
            return;
        };
        let Origin { top, cursor, is_following, found } = *origin;
        (self.top, self.cursor, self.is_following) = (top, cursor, is_following);
        self.found = found;
    }
}
