//! The axis: a row each for states, attempts, iterations with their gates, and people, over the same time. Pure.

use jiff::Timestamp;
use ratatui::layout::Rect;
use smith_model::state::State;

use super::{is_persons, sign};
use crate::action::Action;
use crate::draw::{Canvas, Region};
use crate::look::Role;
use crate::place::detail::DetailAction;
use crate::text;
use crate::world::{Moment, What};

/// The rows of it.
pub(super) const ROWS: u16 = 7;
/// The columns of the rows' names.
const NAMES: u16 = 12;

/// The axis as it is drawn.
#[derive(Clone, Debug, Default)]
pub(super) struct Axis {
    from: Timestamp,
    until: Timestamp,
    /// What of the time a state holds: its first column, the state, and the entry that says so.
    states: Vec<(u16, State, u64)>,
    /// Where attempts begin, and their names.
    attempts: Vec<(u16, String)>,
    /// Where iterations begin and end.
    runs: Vec<(u16, Option<u16>)>,
    /// Marks: of iterations and gates, of people, and of everything else.
    marks: [Vec<(u16, Moment)>; 3],
    cursor: Option<u16>,
}

impl Axis {
    /// Of moments, over so many columns; the time goes on until now where the loop does.
    pub(super) fn new(
        moments: &[Moment],
        at: Option<usize>,
        now: Option<Timestamp>,
        columns: u16,
    ) -> Self {
        let (Some(first), Some(last)) = (moments.first(), moments.last()) else {
            return Self::default();
        };
        let mut axis = Self {
            from: first.at,
            until: now.map_or(last.at, |now| now.max(last.at)),
            ..Self::default()
        };
        let room = columns.saturating_sub(NAMES + 1).max(1);
        let mut attempt = None;
        let mut lanes: [Vec<(u16, &Moment)>; 3] = Default::default();
        for moment in moments.iter().filter(|moment| moment.is_event()) {
            let column = axis.column(moment.at, room);
            if moment.attempt.is_some() && moment.attempt != attempt {
                attempt = moment.attempt;
                if let Some(no) = attempt {
                    axis.attempts.push((column, no.to_string()));
                }
            }
            let lane = match &moment.what {
                _ if is_persons(moment) => 1,
                What::Began { .. } | What::Ended { .. } | What::Gate { .. } => 0,
                _ => 2,
            };
            if let What::State { to, .. } = moment.what {
                axis.states.push((column, to, moment.seq));
                if !is_persons(moment) {
                    continue;
                }
            }
            match moment.what {
                What::Began { .. } => axis.runs.push((column, None)),
                What::Ended { .. } => {
                    if let Some((_, end)) = axis.runs.last_mut() {
                        *end = Some(column);
                    }
                }
                _ => {}
            }
            // What says more hides what is at the same place; of two that say as much, the newer one.
            match lanes[lane].last_mut() {
                Some((at, other)) if *at == column => {
                    if weight(moment) >= weight(other) {
                        *other = moment;
                    }
                }
                _ => lanes[lane].push((column, moment)),
            }
        }
        // Only what is seen is kept: at most one a column.
        axis.marks = lanes.map(|lane| {
            let marks = lane.into_iter();
            marks.map(|(column, moment)| (column, moment.clone())).collect()
        });
        axis.cursor = at.and_then(|at| moments.get(at)).map(|moment| axis.column(moment.at, room));
        axis
    }

    fn column(&self, at: Timestamp, room: u16) -> u16 {
        let whole = self.until.duration_since(self.from).as_millis().max(1);
        let part = at.duration_since(self.from).as_millis().clamp(0, whole);
        let last = i128::from(room.saturating_sub(1));
        u16::try_from(part * last / whole).unwrap_or(0)
    }

    pub(super) fn draw(&self, area: Rect, is_absolute: bool, canvas: &mut Canvas<'_>) {
        let line = |n: u16| Rect { y: area.y + n, height: u16::from(n < area.height), ..area };
        let x = area.x + NAMES;
        let right = area.right().saturating_sub(1);
        let cells = |n: u16| {
            let line = line(n);
            Rect { x: x.min(line.right()), width: right.saturating_sub(x), ..line }
        };
        for (n, name) in
            ["state", "attempt", "iterations", "people", "other"].into_iter().enumerate()
        {
            canvas.text(line(n as u16), &format!(" {name}"), Role::Dim);
        }
        self.draw_states(cells(0), canvas);
        let lane = cells(1);
        for (n, (column, name)) in self.attempts.iter().enumerate() {
            let end = self.attempts.get(n + 1).map_or(lane.width, |(next, _)| *next);
            let room = Rect { x: lane.x + column, width: end.saturating_sub(*column), ..lane };
            canvas.text(room.intersection(lane), name, Role::Text);
        }
        let lane = cells(2);
        for (from, end) in &self.runs {
            let end = end.unwrap_or(lane.width);
            let room = Rect { x: lane.x + from, width: end.saturating_sub(*from), ..lane };
            let room = room.intersection(lane);
            canvas.text(room, &"─".repeat(room.width.into()), Role::Dim);
        }
        for (n, marks) in self.marks.iter().enumerate() {
            let lane = cells(n as u16 + 2);
            for (column, moment) in marks {
                let (sign, role) = sign(moment, canvas.look);
                let cell = Rect { x: lane.x + column, width: 1, ..lane }.intersection(lane);
                canvas.text(cell, sign, role);
                let click = Action::Detail(DetailAction::Moment(moment.seq));
                canvas.region(Region::click(cell, click));
            }
        }
        let lane = cells(5);
        if let Some(cursor) = self.cursor {
            let sign = if canvas.look.ascii { "^" } else { "▲" };
            canvas.text(Rect { x: lane.x + cursor, width: 1, ..lane }, sign, Role::Key);
            for n in 0..5 {
                let cell = Rect { x: lane.x + cursor, width: 1, ..cells(n) };
                canvas.restyle(cell.intersection(cells(n)), Role::Cursor);
            }
        }
        self.draw_times(cells(6), is_absolute, canvas);
    }

    fn draw_states(&self, lane: Rect, canvas: &mut Canvas<'_>) {
        let look = canvas.look;
        for (n, (column, state, seq)) in self.states.iter().enumerate() {
            let end = self.states.get(n + 1).map_or(lane.width, |(next, _, _)| *next);
            let role = look.role_of(*state);
            let room = Rect { x: lane.x + column, width: end.saturating_sub(*column), ..lane };
            let room = room.intersection(lane);
            let line = match (state, look.ascii) {
                (State::Overwriting, false) => "━",
                (State::Overwriting, true) => "=",
                (_, false) => "·",
                (_, true) => ".",
            };
            canvas.text(room, &line.repeat(room.width.into()), role);
            canvas.text(Rect { width: 1.min(room.width), ..room }, look.sign_of(*state), role);
            let click = Action::Detail(DetailAction::Moment(*seq));
            canvas.region(Region::click(room, click));
        }
    }

    fn draw_times(&self, lane: Rect, is_absolute: bool, canvas: &mut Canvas<'_>) {
        if self.cursor.is_none() {
            return;
        }
        let (from, until) = if is_absolute {
            (text::date(self.from), text::date(self.until))
        } else {
            ("+0".to_owned(), format!("+{}", text::between(self.from, self.until)))
        };
        canvas.text(lane, &from, Role::Dim);
        let width = u16::try_from(text::width(&until)).unwrap_or(0).min(lane.width);
        if width + 20 < lane.width {
            canvas.text(Rect { x: lane.right() - width, width, ..lane }, &until, Role::Dim);
        }
    }
}

/// How much a moment says, against others at the same place.
fn weight(moment: &Moment) -> u8 {
    match &moment.what {
        What::Recording { .. } | What::Note => 0,
        What::Began { .. } | What::Claimed => 1,
        What::Gate { .. } | What::Handoff => 2,
        What::Ended { .. } | What::WorkerEnded(_) => 3,
        What::Story(_) | What::Published | What::Act(_) => 4,
        What::State { .. } | What::Intervention { .. } => 5,
    }
}
