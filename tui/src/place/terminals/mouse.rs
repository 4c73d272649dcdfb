//! The mouse over panes: borders are dragged, the focus follows a click, a program that wants the mouse gets it while
//! one types there; else text is selected and the wheel scrolls. With Shift the program gets nothing.

use jiff::{SignedDuration, Timestamp};
use ratatui::layout::{Position, Rect};
use smith_term::input::{self, WHEEL_LINES};
use smith_term::view::Unit;

use super::{View, pane};
use crate::action::Motion;
use crate::effect::Effect;
use crate::msg::{Button, Mouse, MouseKind};
use crate::panes::{Divider, Order, PaneNo, mouse_of};
use crate::world::World;

/// How soon a click must follow another to be one with it.
const AGAIN: SignedDuration = SignedDuration::from_millis(400);

/// What a button that is down does.
#[derive(Debug, Default)]
pub(super) struct Held {
    does: Does,
    /// The last click: when, where, the how many-eth in a row.
    click: Option<(Timestamp, u16, u16, u8)>,
}

#[derive(Debug, Default)]
enum Does {
    #[default]
    Nothing,
    /// It drags a border.
    Border(Divider),
    /// It is the program's.
    Program,
    /// It will select from there once it moves.
    Point(u16, u16, Unit),
    /// It selects.
    Select,
}

impl View {
    /// The mouse did something; nothing, where it isn't over what a pane shows or a border.
    pub(crate) fn mouse(&mut self, world: &World, mouse: Mouse) -> Option<Vec<Effect>> {
        let Mouse { kind, column, row, .. } = mouse;
        match kind {
            MouseKind::Down(_) => self.down(world, mouse),
            MouseKind::Drag(_) => self.drag(world, mouse),
            MouseKind::Up(_) => self.up(world, mouse),
            MouseKind::WheelUp | MouseKind::WheelDown => {
                let no = self.laid().at(column, row)?;
                if let Some(effects) = self.passed(world, no, mouse) {
                    return Some(effects);
                }
                let lines = i32::try_from(WHEEL_LINES).unwrap_or(1);
                let lines = if kind == MouseKind::WheelUp { -lines } else { lines };
                self.panes.get_mut(&no)?.go(Motion::Rows(lines));
                Some(vec![])
            }
        }
    }

    fn down(&mut self, world: &World, mouse: Mouse) -> Option<Vec<Effect>> {
        let Mouse { kind, column, row, alt, .. } = mouse;
        let laid = self.laid();
        self.held.does = Does::Nothing;
        if let Some(divider) = laid.divider(column, row) {
            self.held.does = Does::Border(divider.clone());
        }
        let Some(no) = laid.at(column, row) else {
            return matches!(self.held.does, Does::Border(_)).then(Vec::new);
        };
        let was_focus = self.focus == no;
        self.focus_on(no);
        if matches!(self.held.does, Does::Border(_)) {
            return Some(vec![]);
        }
        let content = pane::content(laid.of(no));
        if !content.contains(Position { x: column, y: row }) {
            // What is drawn there says itself what a click on it means.
            return None;
        }
        // The click that brings the focus is nothing that the program asked for.
        if was_focus && let Some(effects) = self.passed(world, no, mouse) {
            self.held.does = Does::Program;
            return Some(effects);
        }
        let pane = self.panes.get_mut(&no)?;
        if pane.subject.session().is_none() && world.terminals.get(&pane.subject)?.tapes.is_some() {
            return None;
        }
        if kind != MouseKind::Down(Button::Left) {
            return Some(vec![]);
        }
        let times = match self.held.click {
            Some((at, x, y, times))
                if (x, y) == (column, row) && world.now.duration_since(at) <= AGAIN =>
            {
                times % 3 + 1
            }
            _ => 1,
        };
        self.held.click = Some((world.now, column, row, times));
        let unit = match times {
            1 if alt => Unit::Block,
            1 => Unit::Cells,
            2 => Unit::Words,
            _ => Unit::Lines,
        };
        let (x, y) = (column - content.x, row - content.y);
        pane.look.deselect();
        if times == 1 {
            self.held.does = Does::Point(x, y, unit);
        } else {
            let place = pane.look.place(x, y);
            let stage = &world.terminals.get(&pane.subject)?.stage;
            stage.look(|engine| pane.look.select(engine, place, unit));
            self.held.does = Does::Select;
        }
        Some(vec![])
    }

    fn drag(&mut self, world: &World, mouse: Mouse) -> Option<Vec<Effect>> {
        let Mouse { column, row, .. } = mouse;
        let content = self.content();
        match &self.held.does {
            Does::Nothing => return None,
            Does::Border(divider) => {
                self.tree.drag(&divider.clone(), column, row);
                return Some(vec![]);
            }
            Does::Program => {
                return Some(self.passed(world, self.focus, mouse).unwrap_or_default());
            }
            Does::Point(x, y, unit) => {
                let (x, y, unit) = (*x, *y, *unit);
                let stage = &self.terminal(world)?.stage;
                let look = &mut self.panes.get_mut(&self.focus)?.look;
                let place = look.place(x, y);
                stage.look(|engine| look.select(engine, place, unit));
                self.held.does = Does::Select;
            }
            Does::Select => {}
        }
        let stage = &self.terminal(world)?.stage;
        let look = &mut self.panes.get_mut(&self.focus)?.look;
        // Beyond the edge it goes on to what isn't seen yet.
        if row < content.y {
            look.up(1);
        } else if row >= content.bottom() {
            look.down(1);
        }
        let (x, y) = within(content, column, row);
        let place = look.place(x, y);
        stage.look(|engine| look.extend(engine, place));
        Some(vec![])
    }

    fn up(&mut self, world: &World, mouse: Mouse) -> Option<Vec<Effect>> {
        match std::mem::take(&mut self.held.does) {
            Does::Nothing => None,
            Does::Border(_) | Does::Point(..) => Some(vec![]),
            Does::Program => Some(self.passed(world, self.focus, mouse).unwrap_or_default()),
            Does::Select => Some(self.copied(world).map(Effect::Copy).into_iter().collect()),
        }
    }

    /// What the mouse did, for the program; nothing, where it isn't for it.
    fn passed(&self, world: &World, no: PaneNo, mouse: Mouse) -> Option<Vec<Effect>> {
        if !self.is_typing || no != self.focus || mouse.shift {
            return None;
        }
        let modes = self.terminal(world)?.stage.look(|engine| engine.modes())?;
        let (x, y) = within(self.content(), mouse.column, mouse.row);
        let bytes = input::mouse(mouse_of(mouse, x, y), &modes)?;
        let typed = Effect::Terminal(self.subject().clone(), Order::Type(bytes));
        Some(vec![typed])
    }

    /// Where what the pane of the focus shows is.
    fn content(&self) -> Rect {
        pane::content(self.laid().of(self.focus))
    }
}

/// The nearest cell of an area, counted from its first.
fn within(area: Rect, column: u16, row: u16) -> (u16, u16) {
    let x = column.saturating_sub(area.x).min(area.width.saturating_sub(1));
    let y = row.saturating_sub(area.y).min(area.height.saturating_sub(1));
    (x, y)
}
