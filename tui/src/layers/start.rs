//! The whole screen where no server is known: what can be done about it; and smithd while it is being started.

use std::path::PathBuf;

use jiff::Timestamp;
use ratatui::layout::Rect;

use crate::action::Action;
use crate::connect::ConnectAction;
use crate::draw::{Canvas, Region};
use crate::keys::{Chord, Key};
use crate::layers::{Answer, dialog};
use crate::look::Role;
use crate::state::State;
use crate::text;
use crate::world::World;

/// What can be done, most useful first.
const CHOICES: [(&str, Choice); 4] = [
    ("Start a local smithd", Choice::Smithd),
    ("Choose a context", Choice::Context),
    ("Name a server", Choice::Server),
    ("Quit", Choice::Quit),
];

/// The screen.
#[derive(Clone, Debug)]
pub struct Start {
    cursor: usize,
    stage: Stage,
    /// There is a server behind it to go back to.
    has_server: bool,
}

#[derive(Clone, Copy, Debug)]
enum Choice {
    Smithd,
    Context,
    Server,
    Quit,
}

#[derive(Clone, Debug)]
enum Stage {
    Asking,
    Starting { since: Timestamp, program: Option<(PathBuf, PathBuf)> },
    Failed { why: String, said: Vec<String> },
}

impl Start {
    /// No server is known.
    pub fn asking() -> Self {
        Self { cursor: 0, stage: Stage::Asking, has_server: false }
    }

    /// smithd is being looked for.
    pub fn begin(&mut self, now: Timestamp) {
        self.stage = Stage::Starting { since: now, program: None };
    }

    /// It was found, and is being started.
    pub fn begun(&mut self, path: PathBuf, log: PathBuf) {
        if let Stage::Starting { program, .. } = &mut self.stage {
            *program = Some((path, log));
        }
    }

    /// It wasn't started.
    pub fn fail(&mut self, why: String, said: Vec<String>) {
        self.stage = Stage::Failed { why, said };
        self.cursor = 0;
    }

    /// Is smithd being started?
    pub fn is_starting(&self) -> bool {
        matches!(self.stage, Stage::Starting { .. })
    }

    pub(super) fn settle(&mut self, world: &World) {
        self.has_server = !world.session.server.is_empty();
    }

    pub(super) fn key(&mut self, chord: Chord) -> Answer {
        let last = CHOICES.len() - 1;
        match chord {
            Chord { key: Key::Char('c'), ctrl: true, .. } => return Answer::Do(Action::Quit),
            Chord { key: Key::Char('z'), ctrl: true, .. } => return Answer::Do(Action::Suspend),
            Chord { key: Key::Char('l'), ctrl: true, .. } => return Answer::Do(Action::Redraw),
            Chord { key: Key::Esc, .. } if self.has_server => return Answer::Close,
            _ if self.is_starting() => {}
            Chord { key: Key::Down | Key::Tab | Key::Char('j'), .. } => {
                self.cursor = (self.cursor + 1).min(last);
            }
            Chord { key: Key::Up | Key::Char('k'), .. } => {
                self.cursor = self.cursor.saturating_sub(1);
            }
            Chord { key: Key::Char('q'), .. } => return Answer::Do(Action::Quit),
            Chord { key: Key::Char(c @ '1'..='4'), .. } => {
                self.cursor = usize::try_from(c.to_digit(10).unwrap_or(1)).unwrap_or(1) - 1;
                return Answer::Do(CHOICES[self.cursor].1.action());
            }
            Chord { key: Key::Enter, .. } => return Answer::Do(CHOICES[self.cursor].1.action()),
            _ => {}
        }
        Answer::Taken
    }

    pub(super) fn draw(&self, state: &State, area: Rect, canvas: &mut Canvas<'_>) {
        // The line at the bottom is left where it tells what went wrong.
        let foot = u16::from(state.said.is_some());
        let all = Rect { height: area.height.saturating_sub(foot), ..area };
        canvas.cover();
        canvas.clear(all, Role::Text);
        let margin = u16::from(all.width > 40) * 4;
        let inside = Rect { x: all.x + margin, width: all.width - margin, ..all };
        let columns = usize::from(inside.width.saturating_sub(margin));
        let mut y = u16::from(all.height > 12) * 2;
        let mut say = |text: &str, role: Role, canvas: &mut Canvas<'_>| {
            for line in dialog::wrapped(text, columns) {
                canvas.text(dialog::row(inside, y), &line, role);
                y += 1;
            }
        };
        say("Smith", Role::Title, canvas);
        say("", Role::Text, canvas);
        match &self.stage {
            Stage::Asking => {
                say(
                    "No server is known: there is no context, and none was named.",
                    Role::Text,
                    canvas,
                );
                say("smithd is Smith on this machine, in one process.", Role::Dim, canvas);
            }
            Stage::Starting { since, program } => {
                let age = text::age(state.world.now.duration_since(*since));
                say(&format!("Starting smithd, for {age} now."), Role::Active, canvas);
                if let Some((program, log)) = program {
                    say(&format!("Program: {}", program.display()), Role::Dim, canvas);
                    say(&format!("Its log: {}", log.display()), Role::Dim, canvas);
                    say("It goes on when this program ends.", Role::Dim, canvas);
                }
                return;
            }
            Stage::Failed { why, said } => {
                say(why, Role::Bad, canvas);
                for line in said {
                    say(line, Role::Dim, canvas);
                }
            }
        }
        say("", Role::Text, canvas);
        for (at, (label, choice)) in CHOICES.iter().enumerate() {
            let line = dialog::row(inside, y);
            let sign = if at == self.cursor { ">" } else { " " };
            let width = canvas.text(line, &format!("{sign} {}  {label}", at + 1), Role::Text);
            let cell = Rect { width, ..line };
            if at == self.cursor {
                canvas.restyle(cell, Role::Cursor);
            }
            canvas.region(Region::click(cell, choice.action()));
            y += 1;
        }
        if self.has_server {
            canvas.text(dialog::row(inside, y + 1), "esc goes back", Role::Dim);
        }
    }
}

impl Choice {
    fn action(self) -> Action {
        match self {
            Self::Smithd => Action::Connect(ConnectAction::StartSmithd),
            Self::Context => Action::Connect(ConnectAction::Pick),
            Self::Server => Action::Connect(ConnectAction::Name),
            Self::Quit => Action::Quit,
        }
    }
}
