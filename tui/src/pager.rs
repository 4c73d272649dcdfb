//! A pager: lines of text that are held elsewhere, scrolled, wrapped, searched, and chosen for a copy. Pure.
//!
//! Whoever has lines gives them as [`Lines`] with every call; the [`View`] knows only where one is among them. Nothing
//! is measured but what is seen and what is passed on the way there, so that 100,000 lines cost what a screen does;
//! only a search reads all of them, each once.

mod action;
mod draw;
mod find;
mod line;
mod sheet;
mod spot;
mod view;

pub use action::PagerAction;
pub use find::Pattern;
pub use line::Line;
pub use sheet::Sheet;
pub(crate) use sheet::{found, text_of};
pub use view::{Done, View};

/// Lines of text.
pub trait Lines {
    /// How many there are.
    fn len(&self) -> usize;

    /// Writes one of them, counted from 0, to an empty line.
    fn write(&self, at: usize, line: &mut Line);

    /// Is this in a line, or in what it stands for? `line` is one to be written to.
    fn has(&self, at: usize, pattern: &Pattern, line: &mut Line) -> bool {
        line.clear();
        self.write(at, line);
        pattern.is_in(line.body())
    }

    /// Is there none?
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests;
