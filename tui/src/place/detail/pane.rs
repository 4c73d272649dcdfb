//! A text with a cursor: what every page of a loop is made of. Its lines are rows of a sheet, and artifacts. Pure.

use std::sync::Arc;

use ratatui::layout::Rect;

use super::sheet::Sheet;
use crate::action::Action;
use crate::draw::Canvas;
use crate::effect::{Effect, Save};
use crate::layers::Layer;
use crate::layers::line::{Line as Typed, Purpose};
use crate::look::{Change, Role};
use crate::pager::{self, Done, Line, Lines, PagerAction};
use crate::paper::{self, Kind, Paper};
use crate::place::Handled;
use crate::world::World;

/// Pieces of a text, one below the other.
#[derive(Clone, Debug, Default)]
pub(super) struct Text {
    pieces: Vec<Piece>,
}

/// A piece.
#[derive(Clone, Debug)]
pub(super) enum Piece {
    /// Rows.
    Rows(Sheet),
    /// An artifact.
    Paper(Arc<Paper>),
}

/// A text with a cursor.
#[derive(Clone, Debug, Default)]
pub(super) struct Pane {
    text: Text,
    view: pager::View,
}

impl Piece {
    fn len(&self) -> usize {
        match self {
            Self::Rows(sheet) => sheet.len(),
            Self::Paper(paper) => paper.lines.len(),
        }
    }
}

impl Text {
    /// Of these pieces.
    pub(super) fn new(pieces: Vec<Piece>) -> Self {
        Self { pieces }
    }

    /// The piece that has a line, and which of its lines it is.
    fn piece(&self, mut at: usize) -> Option<(&Piece, usize)> {
        for piece in &self.pieces {
            if at < piece.len() {
                return Some((piece, at));
            }
            at -= piece.len();
        }
        None
    }

    fn sheet_at(&self, at: usize) -> Option<(&Sheet, usize)> {
        match self.piece(at)? {
            (Piece::Rows(sheet), at) => Some((sheet, at)),
            (Piece::Paper(_), _) => None,
        }
    }

    /// The next file or hunk of a change.
    fn next_change(&self, from: usize, by: i32) -> Option<usize> {
        let mut first = 0;
        for piece in &self.pieces {
            if let Piece::Paper(paper) = piece {
                let found = match from.checked_sub(first) {
                    Some(within) => paper.next_change(within, by),
                    // From before its beginning: its first.
                    None if by > 0 => paper.first_change(),
                    None => None,
                };
                if let Some(found) = found {
                    return Some(first + found);
                }
            }
            first += piece.len();
        }
        None
    }
}

impl Lines for Text {
    fn len(&self) -> usize {
        self.pieces.iter().map(Piece::len).sum()
    }

    fn write(&self, at: usize, line: &mut Line) {
        match self.piece(at) {
            Some((Piece::Rows(sheet), at)) => sheet.write(at, line),
            Some((Piece::Paper(paper), at)) => {
                if let Some(of) = paper.lines.get(at) {
                    write(of, line);
                }
            }
            None => {}
        }
    }
}

fn write(of: &paper::Line, line: &mut Line) {
    for span in &of.spans {
        let change = match (of.kind, span.is_changed) {
            (Kind::Added, false) => Change::Added,
            (Kind::Added, true) => Change::AddedWord,
            (Kind::Removed, false) => Change::Removed,
            (Kind::Removed, true) => Change::RemovedWord,
            _ => Change::None,
        };
        let role = match of.kind {
            Kind::File => Role::Title,
            Kind::Header => Role::Dim,
            Kind::Hunk => Role::Active,
            Kind::Gap => Role::Warning,
            Kind::Plain | Kind::Added | Kind::Removed | Kind::Context => {
                Role::Code(span.ink, change)
            }
        };
        line.push(&span.text, role);
    }
}

impl Pane {
    /// Shows this now; the cursor stays on its line.
    pub(super) fn set(&mut self, text: Text) {
        let before = self.text.len();
        self.text = text;
        if self.text.len() != before {
            // What was found may be elsewhere.
            self.view.replaced(self.view.top(), self.view.cursor());
        }
    }

    /// Shows something else from its beginning.
    pub(super) fn rewind(&mut self) {
        self.view = pager::View::new();
    }

    /// The line of the cursor.
    pub(super) fn cursor(&self) -> usize {
        self.view.cursor()
    }

    /// Puts the cursor on a line.
    pub(super) fn go_to(&mut self, line: usize) {
        self.view.go(&self.text, crate::action::Motion::To(line));
    }

    /// Are long lines cut, so that one can move to the side?
    pub(super) fn is_cut(&self) -> bool {
        !self.view.is_wrapped()
    }

    /// What opening the line of the cursor means.
    pub(super) fn link(&self) -> Option<&Action> {
        let (sheet, at) = self.text.sheet_at(self.view.cursor())?;
        sheet.link_at(at)
    }

    /// Moves to the next file or hunk; answers whether there is one.
    pub(super) fn change(&mut self, by: i32) -> bool {
        let next = self.text.next_change(self.view.cursor(), by);
        if let Some(next) = next {
            self.go_to(next);
        }
        next.is_some()
    }

    /// Does what was asked for, if it is for a text. A file is named after `name`.
    pub(super) fn act(&mut self, world: &World, action: &Action, name: &str) -> Handled {
        let done = match action {
            Action::Move(motion) => {
                self.view.go(&self.text, *motion);
                return Handled::done();
            }
            Action::Open => return self.open(),
            Action::Dismiss if self.view.dismiss() => return Handled::done(),
            // Without words that are looked for, the next thing to look at in a change.
            Action::Pager(PagerAction::FindNext) if self.view.finding().is_none() => {
                return self.step(1);
            }
            Action::Pager(PagerAction::FindPrevious) if self.view.finding().is_none() => {
                return self.step(-1);
            }
            Action::Pager(action) => self.view.act(&self.text, action),
            _ => return Handled::No,
        };
        match done {
            Done::Yes => Handled::done(),
            Done::Open => self.open(),
            Done::No(why) => Handled::Refused(why),
            Done::EditFind(before) => {
                Handled::Over(Box::new(Layer::Line(Typed::new(Purpose::Find, &before))))
            }
            Done::Copy(chosen) => Handled::Yes(vec![Effect::Copy(self.copy(chosen))]),
            Done::Save(file) => {
                let name = file.unwrap_or_else(|| Save::name(name, world.now, "txt"));
                let all = 0..=self.text.len().saturating_sub(1);
                Handled::Yes(vec![Effect::Save(Save {
                    name,
                    text: pager::text_of(&self.text, all),
                })])
            }
        }
    }

    fn step(&mut self, by: i32) -> Handled {
        if self.change(by) {
            return Handled::done();
        }
        Handled::Refused("no file or hunk that way; / looks for words".to_owned())
    }

    fn open(&self) -> Handled {
        match self.link() {
            Some(action) => Handled::Instead(action.clone()),
            None => Handled::Refused("nothing to open on this line".to_owned()),
        }
    }

    fn copy(&self, chosen: Option<std::ops::RangeInclusive<usize>>) -> String {
        let at = self.view.cursor();
        let own = self.text.sheet_at(at).and_then(|(sheet, at)| sheet.copy_at(at));
        match (chosen, own) {
            (None, Some(own)) => own.to_owned(),
            (None, None) => pager::text_of(&self.text, at..=at).trim().to_owned(),
            (Some(chosen), _) => pager::text_of(&self.text, chosen),
        }
    }

    /// Makes it fit an area.
    pub(super) fn settle(&mut self, area: Rect) {
        self.view.settle(&self.text, pager::View::columns_of(area), area.height.into());
    }

    /// Draws it.
    pub(super) fn draw(&self, area: Rect, canvas: &mut Canvas<'_>) {
        self.view.draw(&self.text, area, canvas);
    }

    /// Draws it while the keys are for something else.
    pub(super) fn draw_beside(&self, area: Rect, canvas: &mut Canvas<'_>) {
        self.view.draw_beside(&self.text, area, canvas);
    }

    /// What is looked for in it, as a title says it.
    pub(super) fn finding(&self) -> Option<String> {
        let (text, at, count) = self.view.finding()?;
        Some(pager::found(text, at, count))
    }
}
