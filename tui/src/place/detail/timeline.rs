//! One scrubber over a loop's life: states, attempts, iterations, gates, and what people did, on one axis of time; and
//! below it what was at the moment of the cursor. Pure.

mod axis;
mod then;

use jiff::Timestamp;
use ratatui::layout::Rect;
use smith_model::attempt::Exit;
use smith_model::journal::{Level, Phase};

use super::DetailAction;
use super::overview::failures;
use super::pane::{Pane, Piece, Text};
use super::sheet::{Sheet, part};
use crate::action::{Action, Motion};
use crate::draw::Canvas;
use crate::fetch::Topic;
use crate::look::{Look, Role};
use crate::place::Handled;
use crate::text;
use crate::world::{Known, Moment, What, World};
use then::Then;

/// What it is made of.
pub(super) const TOPICS: [Topic; 2] = [Topic::Moments { after: 0 }, Topic::Iterations];

/// Entries of the journal that are shown before and behind the moment.
const AROUND: usize = 30;

/// Where one is.
#[derive(Clone, Debug, Default)]
pub(super) struct View {
    /// The entry of the cursor; none: the newest event, whichever that is.
    seq: Option<u64>,
    /// Times are told as they are, not as how far they are apart.
    is_absolute: bool,
    pane: Pane,
    axis: axis::Axis,
}

impl View {
    pub(super) fn act(&mut self, world: &World, known: Option<&Known>, action: &Action) -> Handled {
        let moments = moments(known);
        match action {
            Action::Move(Motion::Columns(by)) if !self.pane.is_cut() => self.step(moments, *by),
            Action::Move(Motion::Top) => self.go_to(moments.iter().find(|m| m.is_event())),
            Action::Move(Motion::Bottom) => {
                self.seq = None;
                self.pane.rewind();
            }
            action => return self.pane.act(world, action, "timeline"),
        }
        Handled::done()
    }

    /// To the event of an entry.
    pub(super) fn open(&mut self, seq: u64) {
        self.seq = Some(seq);
        self.pane.rewind();
    }

    /// Tells times the other way.
    pub(super) fn switch_times(&mut self) {
        self.is_absolute = !self.is_absolute;
    }

    fn go_to(&mut self, moment: Option<&Moment>) {
        if let Some(moment) = moment {
            self.open(moment.seq);
        }
    }

    /// To the next event, or to the one before.
    fn step(&mut self, moments: &[Moment], by: i32) {
        let Some(at) = self.at(moments) else { return };
        let steps = usize::try_from(by.unsigned_abs().saturating_sub(1)).unwrap_or(0);
        let to = if by < 0 {
            moments[..at].iter().rev().filter(|moment| moment.is_event()).nth(steps)
        } else {
            moments[at + 1..].iter().filter(|moment| moment.is_event()).nth(steps)
        };
        let Some(to) = to else { return };
        self.open(to.seq);
        // Who goes to the newest stays with the newest.
        let is_newest = moments.iter().rfind(|moment| moment.is_event()) == Some(to);
        if by > 0 && is_newest {
            self.seq = None;
        }
    }

    /// Which of the moments the cursor is on.
    fn at(&self, moments: &[Moment]) -> Option<usize> {
        let last = moments.iter().rposition(Moment::is_event);
        match self.seq {
            None => last,
            Some(seq) => {
                let at = moments.partition_point(|moment| moment.seq < seq);
                Some(at).filter(|at| *at < moments.len()).or(last)
            }
        }
    }

    pub(super) fn settle(&mut self, world: &World, known: Option<&Known>, area: Rect) {
        let moments = moments(known);
        let at = self.at(moments);
        let is_over = known.and_then(|known| world.fleet.get(known.loop_id()));
        let is_over = is_over.is_none_or(|row| row.state.ended());
        let until = if is_over { None } else { Some(world.now) };
        self.axis = axis::Axis::new(moments, at, until, area.width);
        let sheet = match (known, at) {
            (None, _) => waiting("asking …"),
            (Some(known), None) => {
                let mut sheet = Sheet::default();
                failures(&mut sheet, &[("the journal", known.moments.failure())]);
                let text =
                    if known.moments.value().is_some() { "nothing happened yet" } else { "…" };
                sheet.text(2, text, Role::Dim);
                sheet
            }
            (Some(known), Some(at)) => self.below(world, known, moments, at),
        };
        self.pane.set(Text::new(vec![Piece::Rows(sheet)]));
        self.pane.settle(self.pane_area(area));
    }

    fn pane_area(&self, area: Rect) -> Rect {
        let y = (area.y + axis::ROWS).min(area.bottom());
        Rect { y, height: area.bottom() - y, ..area }
    }

    /// What was at a moment.
    fn below(&self, world: &World, known: &Known, moments: &[Moment], at: usize) -> Sheet {
        let moment = &moments[at];
        let then = Then::at(moments, at);
        let mut sheet = Sheet::default();
        failures(&mut sheet, &[("the journal", known.moments.failure())]);
        self.happened(&mut sheet, world, moments, moment);
        then_fields(&mut sheet, world.look, known, &then);
        let events = |of: &[Moment]| of.iter().filter(|moment| moment.is_event()).count();
        let (number, all) = (events(&moments[..=at]), events(moments));
        sheet.heading(format!("Journal around it: event {number} of {all}"));
        let from = at.saturating_sub(AROUND);
        for (n, one) in moments.iter().enumerate().skip(from).take(2 * AROUND + 1) {
            let sign = if n == at { ">" } else { " " };
            let head = [
                part(format!("{sign} {:>9}  ", self.time(moments, one.at)), Role::Dim),
                part(format!("{:<10} ", one.phase.as_str()), Role::Dim),
            ];
            let role = match one.level {
                Level::Error => Role::Bad,
                Level::Warn => Role::Warning,
                _ if n == at => Role::Title,
                _ => Role::Text,
            };
            let row = sheet.item(head, [part(one.message.to_string(), role)]);
            if one.is_event() && n != at {
                row.link(Action::Detail(DetailAction::Moment(one.seq)));
            }
        }
        sheet
    }

    fn happened(&self, sheet: &mut Sheet, world: &World, moments: &[Moment], moment: &Moment) {
        let ago = text::age(world.now.duration_since(moment.at));
        let time = if self.is_absolute {
            format!("{} UTC", text::date(moment.at))
        } else {
            format!("{} after it began, {ago} ago", self.time(moments, moment.at))
        };
        let (sign, role) = sign(moment, world.look);
        let head = [part(format!("{sign} "), role)];
        let row = sheet.item(head, [part(moment.message.to_string(), Role::Title)]);
        match &moment.what {
            What::Began { iteration, .. }
            | What::Ended { iteration, .. }
            | What::Gate { iteration, .. } => {
                if let Some(no) = moment.attempt {
                    let iteration = *iteration;
                    row.link(Action::Detail(DetailAction::Iteration { no, iteration }));
                }
            }
            What::Handoff => {
                row.link(Action::Detail(DetailAction::Page(super::Page::Handoffs)));
            }
            What::Act(_) | What::Intervention { .. } => {
                row.link(Action::Detail(DetailAction::Page(super::Page::Acts)));
            }
            What::Recording { digest, .. } => {
                row.copy(digest.as_str());
            }
            _ => {}
        }
        sheet.field("When", [part(time, Role::Text)]).copy(moment.at.to_string());
        let by = format!("{}, entry {} of the journal", moment.actor, moment.seq);
        let (seq, at) = (moment.seq, moment.at);
        let entry = Action::Detail(DetailAction::Entry { seq, at });
        sheet.field("By", [part(by, Role::Dim)]).link(entry);
        if let What::Recording { session, from, millis, digest } = &moment.what {
            let from = self.time(moments, *from);
            let length = text::millis(*millis);
            let said = format!("of the {session}'s terminal, from {from} on, {length}");
            sheet.field("Recording", [part(said, Role::Text)]).copy(digest.as_str());
        }
        if let What::Intervention { by, from, diff } = &moment.what {
            let said = format!("{by} from {} on", self.time(moments, *from));
            let row = sheet.field("By hand", [part(said, Role::Warning)]);
            if let Some(diff) = diff {
                row.copy(diff.as_str());
            }
        }
    }

    /// A time, in the way that was chosen.
    fn time(&self, moments: &[Moment], at: Timestamp) -> String {
        match moments.first() {
            Some(first) if !self.is_absolute => format!("+{}", text::between(first.at, at)),
            _ => text::clock(at),
        }
    }

    pub(super) fn draw(&self, area: Rect, canvas: &mut Canvas<'_>) {
        let height = axis::ROWS.min(area.height);
        self.axis.draw(Rect { height, ..area }, self.is_absolute, canvas);
        self.pane.draw(self.pane_area(area), canvas);
    }

    /// What is looked for in the pane.
    pub(super) fn finding(&self) -> Option<String> {
        self.pane.finding()
    }
}

fn moments(known: Option<&Known>) -> &[Moment] {
    known.and_then(|known| known.moments.value()).map_or(&[], Vec::as_slice)
}

fn waiting(text: &str) -> Sheet {
    let mut sheet = Sheet::default();
    sheet.text(2, text, Role::Dim);
    sheet
}

fn then_fields(sheet: &mut Sheet, look: Look, known: &Known, then: &Then) {
    sheet.heading("Then");
    let Then { state, reason, attempt, iteration, story, done, ended } = then;
    if let Some(state) = state {
        let text = format!("{} {state}", look.sign_of(*state));
        let mut parts = vec![part(text, look.role_of(*state))];
        if let Some(reason) = reason {
            parts.push(part(format!(" ({reason})"), Role::Text));
        }
        sheet.field("State", parts);
    }
    if let Some(no) = attempt {
        sheet.field("Attempt", [part(no.to_string(), Role::Text)]);
    }
    if let Some(n) = iteration {
        let story = story.as_deref().unwrap_or("no story");
        sheet.field("Iteration", [part(format!("#{n} on {story}"), Role::Active)]);
    }
    let all = if done.is_empty() { "none".to_owned() } else { done.join(", ") };
    sheet.field("Stories done", [part(all, Role::Text)]);
    let Some((no, n)) = ended else { return };
    let iterations = known.iterations.value().map(Vec::as_slice).unwrap_or_default();
    let Some(record) = iterations.iter().find(|one| one.no == *no && one.iteration == *n) else {
        return;
    };
    let text = format!("{}, with {no} #{n}", text::change(record.stat));
    sheet
        .field("Change so far", [part(text, Role::Text)])
        .link(Action::Detail(DetailAction::Change { no: *no, iteration: *n }));
    if let Some(commit) = &record.commit {
        let short = text::short(commit.as_str()).to_owned();
        sheet.field("Commit", [part(short, Role::Text)]).copy(commit.as_str());
    }
}

/// A sign for what happened, told apart by its shape.
fn sign(moment: &Moment, look: Look) -> (&'static str, Role) {
    match &moment.what {
        What::State { to, .. } => (look.sign_of(*to), look.role_of(*to)),
        What::Claimed => ("^", Role::Active),
        What::WorkerEnded(_) => ("$", Role::Warning),
        What::Began { .. } => ("(", Role::Active),
        What::Ended { outcome, .. } => super::iterations::outcome(*outcome),
        What::Gate { exit, .. } if *exit == Exit::Code(0) => ("+", Role::Good),
        What::Gate { .. } => ("x", Role::Bad),
        What::Story(_) => ("*", Role::Good),
        What::Published => ("#", Role::Good),
        What::Recording { .. } => ("o", Role::Dim),
        What::Intervention { .. } | What::Act(_) => ("@", Role::Warning),
        What::Handoff => ("&", Role::Text),
        What::Note => ("!", Role::Warning),
    }
}

/// Whether a person did it.
fn is_persons(moment: &Moment) -> bool {
    match &moment.what {
        What::Act(_) | What::Intervention { .. } => true,
        What::State { .. } => moment.phase == Phase::Operator,
        _ => false,
    }
}
