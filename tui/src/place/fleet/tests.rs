//! What the place does, as a person sees it: a state with its messages, and orders found as they would be elsewhere.

mod keys;
mod screens;
mod selection;

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use smith_model::failure::FailureClass;
use smith_model::id::LoopId;
use smith_model::state::{Reason, State as LoopState, StoryCounts};

use crate::action::Action;
use crate::command;
use crate::draw;
use crate::effect::Effect;
use crate::fleet::tests::{hold, in_state, now, row, updated};
use crate::fleet::{OrderJob, Row, ViewsJob};
use crate::keys::Chord;
use crate::look::{Look, Theme};
use crate::msg::{Button, FleetChange, Mouse, MouseKind, Msg, Stream};
use crate::place::Place;
use crate::state::State;
use crate::update::update;
use crate::world::Session;

/// A workstation, whose orders are found only when the test says so.
pub(super) struct Desk {
    pub(super) state: State,
    pub(super) now: Timestamp,
    jobs: VecDeque<OrderJob>,
    /// What is to be done with kept views.
    pub(super) views: Vec<ViewsJob>,
}

impl Desk {
    /// Nothing is heard yet.
    pub(super) fn new(columns: u16, rows: u16) -> Self {
        let session = Session { server: "https://smith.example".to_owned(), ..Session::default() };
        let look = Look { theme: Theme::Plain, ..Look::default() };
        let state = State::new(now(), session, look, (columns, rows));
        let mut desk = Self { state, now: now(), jobs: VecDeque::new(), views: vec![] };
        desk.take(Msg::Resize { columns, rows });
        desk
    }

    /// A fleet that is live, and ordered.
    pub(super) fn with(columns: u16, rows: u16, fleet: impl IntoIterator<Item = Row>) -> Self {
        let mut desk = Self::new(columns, rows);
        desk.take(Msg::Fleet(Stream::Reset));
        desk.change(fleet.into_iter().map(updated));
        desk.take(Msg::Fleet(Stream::Ready));
        desk.find();
        desk
    }

    pub(super) fn take(&mut self, msg: Msg) {
        for effect in update(&mut self.state, self.now, msg) {
            match effect {
                Effect::Order(job) => self.jobs.push_back(job),
                Effect::Views(job) => self.views.push(job),
                _ => {}
            }
        }
    }

    pub(super) fn change(&mut self, changes: impl IntoIterator<Item = FleetChange>) {
        self.take(Msg::Fleet(Stream::Changes(changes.into_iter().collect())));
    }

    pub(super) fn update(&mut self, row: Row) {
        self.change([updated(row)]);
    }

    /// Finds what was asked for.
    pub(super) fn find(&mut self) {
        while let Some(job) = self.jobs.pop_front() {
            self.take(Msg::Ordered(job.run()));
        }
    }

    pub(super) fn asked(&self) -> usize {
        self.jobs.len()
    }

    /// Presses keys, and finds what they ask for.
    pub(super) fn press(&mut self, keys: &str) {
        for chord in Chord::sequence(keys).unwrap() {
            self.take(Msg::Key(chord));
            self.find();
        }
    }

    /// Types a text, one key after the other.
    pub(super) fn type_in(&mut self, text: &str) {
        for c in text.chars() {
            let name = if c == ' ' { "space".to_owned() } else { c.to_string() };
            self.take(Msg::Key(name.parse().unwrap()));
        }
        self.find();
    }

    /// Does what stands behind `:`.
    pub(super) fn run(&mut self, command: &str) {
        let action = command::parse(command).unwrap();
        self.do_it(action);
    }

    pub(super) fn do_it(&mut self, action: Action) {
        self.take(Msg::Action(action));
        self.find();
    }

    pub(super) fn wait(&mut self, time: SignedDuration) {
        self.now += time;
        self.take(Msg::Tick);
        self.find();
    }

    pub(super) fn draw(&mut self) -> Buffer {
        let (columns, rows) = self.state.size;
        let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
        let mut hits = None;
        let drawn = terminal.draw(|frame| hits = Some(draw::frame(&self.state, frame))).unwrap();
        let buffer = drawn.buffer.clone();
        self.state.hits = hits.unwrap();
        buffer
    }

    /// The screen's text, without blanks at the ends of lines.
    pub(super) fn screen(&mut self) -> String {
        let buffer = self.draw();
        let lines = buffer.content.chunks(buffer.area.width.into()).map(|cells| {
            let line: String = cells.iter().map(|cell| cell.symbol()).collect();
            line.trim_end().to_owned()
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Clicks into the middle of a text, where it stands first.
    pub(super) fn click(&mut self, text: &str) {
        let screen = self.screen();
        let found = screen.lines().zip(0..).find_map(|(line, row)| {
            let at = line.find(text)?;
            let middle = line[..at].chars().count() + text.chars().count() / 2;
            Some((u16::try_from(middle).unwrap(), row))
        });
        let (column, row) = found.unwrap_or_else(|| panic!("no {text:?} in\n{screen}"));
        let kind = MouseKind::Down(Button::Left);
        self.take(Msg::Mouse(Mouse { kind, column, row, shift: false, ctrl: false, alt: false }));
        self.find();
    }

    /// The ids of what is shown, in their order.
    pub(super) fn shown(&self) -> Vec<String> {
        let Place::Fleet(view) = &self.state.tabs.current().place else {
            panic!("the fleet is shown")
        };
        let rows = view.shown.order().iter().filter_map(|slot| self.state.world.fleet.at(*slot));
        rows.map(|row| row.id.to_string()).collect()
    }

    /// What an act would be for.
    pub(super) fn targets(&self) -> Vec<String> {
        let Place::Fleet(view) = &self.state.tabs.current().place else {
            panic!("the fleet is shown")
        };
        view.targets(&self.state.world.fleet).iter().map(LoopId::to_string).collect()
    }

    pub(super) fn said(&self) -> &str {
        self.state.said.as_ref().map_or("", |said| said.text.as_str())
    }
}

/// A small fleet with one of each kind.
pub(super) fn fleet() -> Vec<Row> {
    let named = |id: &str, project: &str, title: &str| Row {
        project: project.parse().unwrap(),
        title: title.into(),
        ..row(id)
    };
    let minutes = |minutes| now() - SignedDuration::from_mins(minutes);
    vec![
        Row {
            updated_at: minutes(2),
            stories: Some(StoryCounts { done: 2, total: 5 }),
            ..in_state(named("checkout-17", "shop", "Round prices half up"), LoopState::Flatline)
        },
        Row { attempt: 2, used: 1, suspect: true, ..named("search-4", "api", "Search by words") },
        Row {
            hold: Some(Box::new(hold())),
            iteration: 11,
            ..named("login-2", "api", "Log in with a key, and say why it was refused")
        },
        Row {
            reason: Reason::Failure(FailureClass::WorkerLost),
            message: "the worker's lease ran out".into(),
            not_before: Some(now() + SignedDuration::from_mins(4)),
            attempt: 1,
            used: 0,
            ..in_state(named("docs-9", "docs", "日本語の説明を書く"), LoopState::Unresolved)
        },
        in_state(named("docs-8", "docs", "Describe the filter"), LoopState::Unresolved),
        Row {
            updated_at: minutes(300),
            ..in_state(named("shop-1", "shop", "Faster lists"), LoopState::Synced)
        },
        in_state(named("shop-2", "shop", "Blue\u{1b}[31m buttons"), LoopState::Cancelled),
    ]
}
