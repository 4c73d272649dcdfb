//! The iterations: a list, and of one of them its record, prompt, output, gates and change. Pure.

mod list;
mod record;

use ratatui::layout::Rect;
use serde::{Deserialize, Serialize};
use smith_model::attempt::ArtifactRef;
use smith_model::gate::GateResult;
use smith_model::id::AttemptNo;
use smith_model::story::IterationRecord;

use super::DetailAction;
use super::pane::{Pane, Piece, Text};
use super::sheet::{Sheet, part};
use crate::action::Action;
use crate::draw::{Canvas, Region};
use crate::fetch::Topic;
use crate::look::Role;
use crate::paper::Subject;
use crate::place::Handled;
use crate::text;
use crate::world::{Known, World};
pub(super) use list::outcome;

/// The columns of the list, where both fit beside each other.
const LIST: u16 = 44;
/// The columns from which on they do.
const BOTH: u16 = 100;

/// What of an iteration is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// Its record.
    #[default]
    Record,
    /// What the agent was asked.
    Prompt,
    /// What the agent printed.
    Output,
    /// What the gates found, each with its output.
    Gates,
    /// What was changed.
    Diff,
}

impl Part {
    /// All, in the order of their names on the screen.
    const ALL: [Self; 5] = [Self::Record, Self::Prompt, Self::Output, Self::Gates, Self::Diff];

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Record => "record",
            Self::Prompt => "prompt",
            Self::Output => "output",
            Self::Gates => "gates",
            Self::Diff => "diff",
        }
    }
}

/// Where one is.
#[derive(Clone, Debug, Default)]
pub(super) struct View {
    list: Pane,
    detail: Pane,
    part: Part,
    /// The iteration that is shown; none: the newest, whichever that is.
    shown: Option<(AttemptNo, u32)>,
    /// The keys are for the detail.
    is_in_detail: bool,
    /// Both are seen.
    has_both: bool,
}

impl View {
    /// What it needs to show what it shows.
    pub(super) fn topics(&self, known: Option<&Known>) -> Vec<Topic> {
        let mut topics = vec![Topic::Iterations];
        if let Some(record) = known.and_then(|known| self.record(known)) {
            let needs = artifacts(record, self.part);
            topics.extend(needs.map(|(digest, subject)| Topic::Artifact {
                digest: digest.digest.clone(),
                subject,
            }));
        }
        topics
    }

    fn record<'a>(&self, known: &'a Known) -> Option<&'a IterationRecord> {
        let all = known.iterations.value()?;
        match self.shown {
            None => all.last(),
            Some((no, n)) => all.iter().find(|one| one.no == no && one.iteration == n),
        }
    }

    /// Shows an iteration, or the first of its attempt.
    pub(super) fn open(&mut self, no: AttemptNo, iteration: u32) {
        self.shown = Some((no, iteration));
        self.is_in_detail = true;
        self.detail.rewind();
    }

    /// Shows a part of it.
    pub(super) fn show(&mut self, part: Part) {
        if self.part != part {
            self.detail.rewind();
        }
        self.part = part;
        self.is_in_detail = true;
    }

    /// Gives the keys to the other of list and detail.
    pub(super) fn across(&mut self) {
        self.is_in_detail = !self.is_in_detail;
    }

    /// Goes back from the detail to the list; answers whether it was there.
    pub(super) fn leave(&mut self) -> bool {
        std::mem::take(&mut self.is_in_detail)
    }

    /// May the side keys turn to another page?
    pub(super) fn is_cut(&self) -> bool {
        self.is_in_detail && self.detail.is_cut()
    }

    pub(super) fn act(&mut self, world: &World, known: Option<&Known>, action: &Action) -> Handled {
        if self.is_in_detail {
            let name = self.file_name(known);
            return self.detail.act(world, action, &name);
        }
        if *action == Action::Open {
            self.is_in_detail = true;
            return Handled::done();
        }
        let handled = self.list.act(world, action, "iterations");
        // The newest stands at the top.
        let all = known.and_then(|known| known.iterations.value());
        let at = self.list.cursor();
        if let Some(one) = all.and_then(|all| all.iter().rev().nth(at)) {
            let shown = Some((one.no, one.iteration));
            // The cursor of who only looks at the newest goes on with it.
            if self.shown != shown && (self.shown.is_some() || at > 0) {
                self.shown = shown;
                self.detail.rewind();
            }
        }
        handled
    }

    fn file_name(&self, known: Option<&Known>) -> String {
        let part = self.part.title();
        match known.and_then(|known| Some((known.loop_id(), self.record(known)?))) {
            Some((id, one)) => format!("{id}-{}-{}-{part}", one.no, one.iteration),
            None => part.to_owned(),
        }
    }

    pub(super) fn settle(&mut self, world: &World, known: Option<&Known>, area: Rect) {
        self.has_both = area.width >= BOTH;
        self.list.set(Text::new(vec![Piece::Rows(list::list(known))]));
        let (list_area, detail_area) = self.areas(area);
        self.list.settle(list_area);
        let all = known.and_then(|known| known.iterations.value());
        if let (Some((no, n)), Some(all)) = (self.shown, all) {
            let found = all.iter().rev().position(|one| one.no == no && one.iteration == n);
            if let Some(at) = found
                && at != self.list.cursor()
            {
                self.list.go_to(at);
            }
        }
        let pieces = known.map(|known| self.pieces(world, known)).unwrap_or_default();
        self.detail.set(Text::new(pieces));
        self.detail.settle(below(detail_area));
    }

    fn areas(&self, area: Rect) -> (Rect, Rect) {
        if !self.has_both {
            return (area, area);
        }
        let list = Rect { width: LIST, ..area };
        let x = area.x + LIST + 1;
        (list, Rect { x, width: area.right().saturating_sub(x), ..area })
    }

    fn pieces(&self, world: &World, known: &Known) -> Vec<Piece> {
        let mut sheet = Sheet::default();
        let Some(record) = self.record(known) else {
            let text = match (self.shown, known.iterations.value()) {
                (_, None) => "…".to_owned(),
                (Some((no, n)), _) => format!("{no} #{n} has not ended, or isn't kept"),
                (None, _) => "no iteration has ended yet".to_owned(),
            };
            sheet.text(1, &text, Role::Dim);
            return vec![Piece::Rows(sheet)];
        };
        let mut pieces = vec![];
        let (prompt, output, diff) = (&record.prompt, &record.output, &record.diff);
        let mut one = |of: &Option<ArtifactRef>, subject, none| {
            artifact(&mut pieces, known, of.as_ref(), subject, none);
        };
        match self.part {
            Part::Record => pieces.push(Piece::Rows(record::page(world, record))),
            Part::Prompt => one(prompt, Subject::Prompt, "the prompt isn't kept"),
            Part::Output => one(output, Subject::Output, "the agent printed nothing"),
            Part::Diff => one(diff, Subject::Diff, "nothing was changed"),
            Part::Gates if record.gates.is_empty() => {
                sheet.text(1, "no gate ran", Role::Dim);
                pieces.push(Piece::Rows(sheet));
            }
            Part::Gates => record.gates.iter().for_each(|gate| of_gate(&mut pieces, known, gate)),
        }
        pieces
    }

    pub(super) fn draw(&self, area: Rect, canvas: &mut Canvas<'_>) {
        let (list, detail) = self.areas(area);
        if self.has_both || !self.is_in_detail {
            if self.is_in_detail {
                self.list.draw_beside(list, canvas);
                canvas.region(Region::click(list, Action::Detail(DetailAction::Across)));
            } else {
                self.list.draw(list, canvas);
            }
        }
        if self.has_both {
            for y in area.y..area.bottom() {
                let cell = Rect { x: list.right(), y, width: 1, height: 1 };
                canvas.text(cell, "│", Role::Border);
            }
        }
        if self.has_both || self.is_in_detail {
            self.parts(Rect { height: 1.min(detail.height), ..detail }, canvas);
            if self.is_in_detail {
                self.detail.draw(below(detail), canvas);
            } else {
                self.detail.draw_beside(below(detail), canvas);
                let across = Action::Detail(DetailAction::Across);
                canvas.region(Region::click(below(detail), across));
            }
        }
    }

    /// The names of the parts.
    fn parts(&self, area: Rect, canvas: &mut Canvas<'_>) {
        let mut x = area.x;
        for of in Part::ALL {
            let is_shown = of == self.part;
            let role = match (is_shown, self.is_in_detail) {
                (true, true) => Role::Cursor,
                (true, false) => Role::Title,
                (false, _) => Role::Dim,
            };
            let room = Rect { x, width: area.right().saturating_sub(x), ..area };
            let width = canvas.text(room, &format!(" {} ", of.title()), role);
            let cell = Rect { width, ..room };
            canvas.region(Region::click(cell, Action::Detail(DetailAction::Part(of))));
            x += width;
        }
        if let Some(found) = self.detail.finding() {
            let room = Rect { x: x + 1, width: area.right().saturating_sub(x + 1), ..area };
            canvas.text(room, &found, Role::Hit);
        }
    }
}

fn below(area: Rect) -> Rect {
    let y = area.y + 1.min(area.height);
    Rect { y, height: area.bottom().saturating_sub(y), ..area }
}

fn artifacts(
    record: &IterationRecord,
    part: Part,
) -> impl Iterator<Item = (&ArtifactRef, Subject)> {
    let one = match part {
        Part::Record | Part::Gates => None,
        Part::Prompt => record.prompt.as_ref().map(|of| (of, Subject::Prompt)),
        Part::Output => record.output.as_ref().map(|of| (of, Subject::Output)),
        Part::Diff => record.diff.as_ref().map(|of| (of, Subject::Diff)),
    };
    let gates = record.gates.iter().filter(move |_| part == Part::Gates);
    one.into_iter().chain(gates.filter_map(|gate| Some((gate.output.as_ref()?, Subject::Gate))))
}

fn of_gate(pieces: &mut Vec<Piece>, known: &Known, gate: &GateResult) {
    let (sign, role) = if gate.green() { ("+", Role::Good) } else { ("x", Role::Bad) };
    let head = [part(format!("{sign} "), role)];
    let took = text::millis(gate.millis);
    let body =
        [part(gate.run.clone(), Role::Title), part(format!("  {}, {took}", gate.exit), role)];
    let mut title = Sheet::default();
    title.item(head, body).copy(&*gate.run);
    pieces.push(Piece::Rows(title));
    artifact(pieces, known, gate.output.as_ref(), Subject::Gate, "no output");
    pieces.push(Piece::Rows(Sheet::blank()));
}

fn artifact(
    pieces: &mut Vec<Piece>,
    known: &Known,
    of: Option<&ArtifactRef>,
    subject: Subject,
    none: &str,
) {
    let mut sheet = Sheet::default();
    let Some(of) = of else {
        sheet.text(1, none, Role::Dim);
        pieces.push(Piece::Rows(sheet));
        return;
    };
    let ArtifactRef { digest, size, omitted } = of;
    let slot = known.papers.get(digest, subject);
    let paper = slot.and_then(|slot| slot.value());
    if *omitted > 0 {
        let text = format!("! {omitted} bytes more were printed, and not kept");
        sheet.text(1, &text, Role::Warning);
    }
    if let Some(failure) = slot.and_then(|slot| slot.failure()) {
        let text =
            format!("! can't read artifact {}: {}", text::short(digest.as_str()), failure.why);
        sheet.text(1, &text, Role::Bad);
    } else if paper.is_none() {
        sheet.text(1, &format!("reading {size} bytes …"), Role::Dim);
    }
    pieces.push(Piece::Rows(sheet));
    if let Some(paper) = paper {
        pieces.push(Piece::Paper(paper.clone()));
    }
}
