//! Asks for the words of an act about items of the inbox: a note, a reason, or until when.
//!
//! What it is about stays what it was when it was asked for. Where that isn't so any more it is said, and the server
//! refuses it.

use ratatui::layout::Rect;
use serde::{Deserialize, Serialize};
use tui_input::Input;

use crate::action::Action;
use crate::draw::{Canvas, Region};
use crate::keys::{Chord, Key};
use crate::layers::{Answer, dialog};
use crate::look::Role;
use crate::place::inbox::InboxAction;
use crate::world::World;
use crate::world::inbox::{Act, Order, Target, Until};

/// The loops that are named.
const NAMED: usize = 3;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Asking {
    /// Why somebody else's is taken over.
    Take,
    /// Why it is given up for somebody else.
    Give,
    /// A note for the others, to what is acknowledged.
    Note,
    /// When what is snoozed comes back.
    Until,
}

/// The question.
#[derive(Clone, Debug)]
pub struct Words {
    asking: Asking,
    targets: Vec<Target>,
    input: Input,
    /// Which of the choices; nothing: what is typed.
    choice: Option<usize>,
    told: Option<String>,
}

/// What is chosen without typing it.
const CHOICES: &[(&str, &str)] = &[
    ("15m", "a quarter of an hour"),
    ("1h", "an hour"),
    ("4h", "four hours"),
    ("08:00", "until the clock here shows it the next time"),
];

impl Asking {
    fn title(self) -> &'static str {
        match self {
            Self::Take => "Take over",
            Self::Give => "Give up for somebody else",
            Self::Note => "Acknowledge",
            Self::Until => "Snooze",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Take | Self::Give => "Why? It goes into the journal.",
            Self::Note => "A note for the others",
            Self::Until => "Until when, or how long: 30m, 08:00, 2026-01-31T12:00:00Z",
        }
    }

    fn choices(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Until => CHOICES,
            Self::Take | Self::Give | Self::Note => &[],
        }
    }
}

impl Words {
    /// About these items.
    pub fn new(asking: Asking, targets: Vec<Target>) -> Self {
        let choice = (!asking.choices().is_empty()).then_some(0);
        Self { asking, targets, input: Input::default(), choice, told: None }
    }

    /// The same, with what the person has to know first.
    pub fn told(self, told: &str) -> Self {
        Self { told: Some(told.to_owned()), ..self }
    }

    /// The inbox may have changed.
    pub(super) fn settle(&mut self, world: &World) {
        let gone = self.targets.iter().find(|target| {
            let item = world.inbox.get(&target.id);
            item.is_none_or(|item| item.occurrence != target.occurrence)
        });
        if let Some(target) = gone {
            self.told = Some(format!("{} isn't so any more", target.id));
        }
    }

    pub(super) fn key(&mut self, chord: Chord) -> Answer {
        let choices = self.asking.choices();
        match chord {
            Chord { key: Key::Esc, .. } | Chord { key: Key::Char('c'), ctrl: true, .. } => {
                return Answer::Close;
            }
            Chord { key: Key::Enter, .. } => return self.enter(),
            chord if dialog::moves(chord).is_some() && !choices.is_empty() => {
                // What is typed stands above the choices.
                let places = choices.len() + 1;
                let at = self.choice.map_or(0, |at| at + 1);
                let by = dialog::moves(chord).unwrap_or_default();
                let to = (at + places).saturating_add_signed(by) % places;
                self.choice = to.checked_sub(1);
            }
            chord => {
                if dialog::type_into(&mut self.input, chord) {
                    self.choice = None;
                }
            }
        }
        Answer::Taken
    }

    pub(super) fn paste(&mut self, text: &str) -> Answer {
        dialog::paste_into(&mut self.input, text);
        self.choice = None;
        Answer::Taken
    }

    fn enter(&mut self) -> Answer {
        let choice = self.choice.and_then(|at| self.asking.choices().get(at));
        let words = choice.map_or(self.input.value().trim(), |(time, _)| *time).to_owned();
        let given = (!words.is_empty()).then(|| words.clone());
        let act = match (self.asking, given) {
            (Asking::Take | Asking::Give, None) => {
                self.told = Some("without a reason it stays with whoever has it".to_owned());
                return Answer::Taken;
            }
            (Asking::Take, reason) => Act::Claim { reason },
            (Asking::Give, reason) => Act::Unclaim { reason },
            (Asking::Note, note) => Act::Acknowledge { note },
            (Asking::Until, _) => match Until::parse(&words) {
                Ok(until) => Act::Snooze { until, note: None },
                Err(error) => {
                    self.told = Some(error);
                    return Answer::Taken;
                }
            },
        };
        let order = Order { act, targets: self.targets.clone() };
        Answer::CloseAnd(Action::Inbox(InboxAction::Do(order)))
    }

    pub(super) fn draw(&self, area: Rect, canvas: &mut Canvas<'_>) {
        let width = 76.min(area.width);
        let columns = usize::from(width.saturating_sub(4));
        let mut about = self.named();
        let more = self.targets.len().saturating_sub(NAMED);
        if more > 0 {
            about.push_str(&format!(" and {more} more"));
        }
        let mut lines: Vec<(String, Role)> = vec![];
        let mut add = |text: &str, role: Role| {
            lines.extend(dialog::wrapped(text, columns).into_iter().map(|line| (line, role)));
        };
        add(&about, Role::Title);
        if let Some(told) = &self.told {
            add(told, Role::Warning);
        }
        add(self.asking.label(), Role::Dim);
        let choices = self.asking.choices();
        let controls = u16::try_from(choices.len() + 3).unwrap_or(u16::MAX);
        let rows = u16::try_from(lines.len()).unwrap_or(u16::MAX);
        let size = (width, rows.saturating_add(controls + 2));
        let inside = dialog::open(canvas, area, size, self.asking.title());
        for ((line, role), at) in lines.iter().zip(0..) {
            canvas.text(dialog::row(inside, at), line, *role);
        }
        let focus = self.choice.is_none().into();
        dialog::input(canvas, dialog::row(inside, rows), &self.input, focus);
        for ((at, (time, what)), row) in choices.iter().enumerate().zip(rows + 1..) {
            let line = dialog::row(inside, row);
            let time = format!("{time:<7}");
            canvas.spans(line, &[(&time, Role::Key), (what, Role::Text)]);
            if self.choice == Some(at) {
                canvas.restyle(line, Role::Cursor);
            }
            if let Ok(until) = Until::parse(choices[at].0) {
                let act = Act::Snooze { until, note: None };
                let order = Order { act, targets: self.targets.clone() };
                canvas.region(Region::click(line, Action::Inbox(InboxAction::Do(order))));
            }
        }
        let last = dialog::row(inside, rows + controls - 1);
        canvas.text(last, "enter does it, esc leaves it as it is", Role::Dim);
    }

    fn named(&self) -> String {
        let names = self.targets.iter().take(NAMED).map(|target| target.id.as_str());
        names.collect::<Vec<_>>().join(", ")
    }
}
