//! One pane: what it shows, and from where one looks at it.

use ratatui::layout::Rect;
use smith_term::engine::Pattern;
use smith_term::view::{Direction, View as Look};

use crate::action::Motion;
use crate::panes::Subject;
use crate::world::World;

/// A pane.
#[derive(Debug)]
pub(super) struct Pane {
    pub(super) subject: Subject,
    /// What is seen of the terminal.
    pub(super) look: Look,
    /// The row of the cursor in a list of recordings.
    pub(super) row: usize,
    /// The first row of it that is seen.
    pub(super) top: usize,
    /// Rows that there are for what it shows.
    pub(super) rows: u16,
    /// What was looked for last, and what came of it.
    pub(super) found: Option<(String, String)>,
}

/// What is left of a pane for what it shows: its title is above, its status below.
pub(super) fn content(area: Rect) -> Rect {
    let above = area.height.min(1);
    let below = u16::from(area.height > 2);
    Rect { y: area.y + above, height: area.height - above - below, ..area }
}

impl Pane {
    /// It looks at the end.
    pub(super) fn new(subject: Subject) -> Self {
        Self { subject, look: Look::new(), row: 0, top: 0, rows: 0, found: None }
    }

    pub(super) fn settle(&mut self, world: &World, content: Rect) {
        self.rows = content.height;
        let Some(terminal) = world.terminals.get(&self.subject) else { return };
        terminal.stage.look(|engine| self.look.settle(engine, content.height));
        let last = terminal.tapes.as_ref().map_or(0, |tapes| tapes.len().saturating_sub(1));
        self.row = self.row.min(last);
        // The list has a line of titles.
        let rows = usize::from(self.rows.saturating_sub(1)).max(1);
        self.top = self.top.clamp((self.row + 1).saturating_sub(rows), self.row);
    }

    /// Scrolls, or moves the cursor of a list.
    pub(super) fn go(&mut self, motion: Motion) {
        let page = usize::from(self.rows.max(1));
        let by = |n: i32, unit: usize| (n < 0, unit.saturating_mul(n.unsigned_abs() as usize));
        let (is_up, n) = match motion {
            Motion::Rows(n) => by(n, 1),
            Motion::HalfPages(n) => by(n, (page / 2).max(1)),
            Motion::Pages(n) => by(n, page),
            Motion::Top => (true, usize::MAX),
            Motion::Bottom => (false, usize::MAX),
            Motion::To(row) => {
                self.row = row;
                return;
            }
            Motion::Columns(_) => return,
        };
        match &self.subject {
            Subject::Recordings(_) if is_up => self.row = self.row.saturating_sub(n),
            Subject::Recordings(_) => self.row = self.row.saturating_add(n),
            // Whether anything moved doesn't matter: nothing else is asked for by it.
            _ if is_up && n == usize::MAX => drop(self.look.to_start()),
            _ if n == usize::MAX => drop(self.look.to_end()),
            _ if is_up => drop(self.look.up(n)),
            _ => drop(self.look.down(n)),
        }
    }

    /// Looks for a text, from below upwards; or says why that can't be.
    pub(super) fn look_for(&mut self, world: &World, text: &str) -> Result<(), String> {
        let pattern = Pattern::text(text).map_err(|error| error.to_string())?;
        let terminal = world.terminals.get(&self.subject);
        let looked = terminal.and_then(|t| t.stage.look(|e| self.look.look_for(e, pattern)));
        looked.ok_or("there is nothing here to look through")?;
        self.found = Some((text.to_owned(), String::new()));
        self.find(world, Direction::Up)
    }

    /// Goes to the next one.
    pub(super) fn find(&mut self, world: &World, direction: Direction) -> Result<(), String> {
        let Some((text, _)) = self.found.clone() else {
            return Err("nothing was looked for yet: / looks for something".to_owned());
        };
        let terminal = world.terminals.get(&self.subject);
        let found = terminal.and_then(|terminal| {
            terminal.stage.look(|engine| {
                self.look.find(engine, direction)?;
                self.look.count(engine)
            })?
        });
        let Some(count) = found else {
            self.look.look_for_nothing();
            self.found = None;
            return Err(format!("{text:?} isn't here"));
        };
        let more = if count.is_more { "+" } else { "" };
        let is = count.current.map_or("?".to_owned(), |n| n.to_string());
        self.found = Some((text, format!("{is} of {}{more}", count.all)));
        Ok(())
    }

    /// Looks for nothing and selects nothing; answers whether it did before.
    pub(super) fn let_go(&mut self) -> bool {
        let is = self.found.is_some() || self.look.selection().is_some();
        self.found = None;
        self.look.look_for_nothing();
        self.look.deselect();
        is
    }
}
