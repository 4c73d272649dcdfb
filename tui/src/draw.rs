//! A state as a frame: the bar at the top, the tabs, what the tab shows, the line at the bottom, and what lies over it.

mod canvas;
mod chrome;
mod foot;
mod hindrance;
#[cfg(test)]
pub(crate) mod picture;

use ratatui::Frame;
use ratatui::layout::Rect;

pub use canvas::{Canvas, Hits, Region};

use crate::layers::which_key;
use crate::look::Role;
use crate::state::State;

/// Where things are on a screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The bar at the top.
    pub bar: Rect,
    /// The tabs; no height where there is one only.
    pub tabs: Rect,
    /// What the tab shows.
    pub body: Rect,
    /// The tip above the line at the bottom; no height where there is none.
    pub tip: Rect,
    /// The line at the bottom.
    pub foot: Rect,
}

/// The rows of a window that has room for a tip.
const ROOM_FOR_TIP: u16 = 16;

impl Layout {
    /// For a screen of this size, with so many tabs.
    pub fn new(columns: u16, rows: u16, tabs: usize) -> Self {
        let full = Rect::new(0, 0, columns, rows);
        let line = |y: u16| Rect { y, height: 1.min(rows.saturating_sub(y)), ..full };
        let bar = line(0);
        let tabs_height = u16::from(tabs > 1 && rows > 4);
        let tabs = Rect { height: tabs_height, ..line(bar.bottom()) };
        let foot_height = u16::from(rows > 2);
        let foot = Rect { y: rows - foot_height.min(rows), height: foot_height, ..full };
        let top = bar.height + tabs_height;
        let height = rows.saturating_sub(top + foot_height);
        let body = Rect { y: top.min(rows), height, ..full };
        let tip = Rect { y: body.bottom(), height: 0, ..full };
        Self { bar, tabs, body, tip, foot }
    }

    /// The same with a tip, where there is room for one.
    pub fn with_tip(self) -> Self {
        if self.body.height < ROOM_FOR_TIP {
            return self;
        }
        let body = Rect { height: self.body.height - 1, ..self.body };
        Self { body, tip: Rect { y: body.bottom(), height: 1, ..body }, ..self }
    }
}

/// Draws everything; answers where the mouse can do what.
pub fn frame(state: &State, frame: &mut Frame<'_>) -> Hits {
    let area = frame.area();
    let layout = state.layout();
    let mut hits = Hits::default();
    let mut canvas = Canvas::new(frame.buffer_mut(), &mut hits, state.world.look)
        .with_keys(&state.keymap, state.tabs.current().place.contexts());
    canvas.clear(area, Role::Text);
    chrome::bar(state, layout.bar, &mut canvas);
    chrome::tabs(state, layout.tabs, &mut canvas);
    state.tabs.current().place.draw(&state.world, layout.body, &mut canvas);
    hindrance::draw(state, layout.body, &mut canvas);
    chrome::tip(state, layout.tip, &mut canvas);
    foot::foot(state, layout.foot, &mut canvas);
    for layer in &state.layers {
        layer.draw(state, area, &mut canvas);
    }
    which_key::draw(state, area, &mut canvas);
    if let Some(cursor) = canvas.cursor() {
        frame.set_cursor_position(cursor);
    }
    hits
}
