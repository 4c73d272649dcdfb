//! A line that is typed at the bottom of the screen: a command behind `:`, or a filter behind `/`.

use ratatui::layout::Rect;
use tui_input::{Input, InputRequest};

use crate::action::Action;
use crate::command;
use crate::draw::Canvas;
use crate::fleet::FleetAction;
use crate::keys::{Chord, Key};
use crate::layers::Answer;
use crate::look::Role;
use crate::state::State;
use crate::text;

/// What the line is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A command.
    Command,
    /// A filter, which is used while it is typed; what it was before stands here.
    Filter(String),
}

/// The line.
#[derive(Clone, Debug)]
pub struct Line {
    purpose: Purpose,
    input: Input,
    wrong: Option<String>,
}

impl Line {
    /// One that begins with a text.
    pub fn new(purpose: Purpose, text: &str) -> Self {
        Self { purpose, input: Input::new(text.to_owned()), wrong: None }
    }

    pub(super) fn key(&mut self, chord: Chord) -> Answer {
        self.wrong = None;
        match chord {
            Chord { key: Key::Enter, .. } => return self.enter(),
            Chord { key: Key::Esc, .. } | Chord { key: Key::Char('c'), ctrl: true, .. } => {
                return match &self.purpose {
                    Purpose::Command => Answer::Close,
                    Purpose::Filter(before) => {
                        Answer::CloseAnd(Action::Fleet(FleetAction::Filter(before.clone())))
                    }
                };
            }
            Chord { key: Key::Backspace, .. } if self.input.value().is_empty() => {
                return Answer::Close;
            }
            chord => {
                let Some(request) = request(chord) else { return Answer::Taken };
                self.input.handle(request);
            }
        }
        self.changed()
    }

    pub(super) fn paste(&mut self, text: &str) -> Answer {
        for c in text.chars().filter(|c| !c.is_control()) {
            self.input.handle(InputRequest::InsertChar(c));
        }
        self.changed()
    }

    fn changed(&mut self) -> Answer {
        match &self.purpose {
            Purpose::Command => Answer::Taken,
            Purpose::Filter(_) => {
                Answer::Do(Action::Fleet(FleetAction::Filter(self.input.value().to_owned())))
            }
        }
    }

    fn enter(&mut self) -> Answer {
        let text = self.input.value().trim();
        match &self.purpose {
            Purpose::Filter(_) => Answer::Close,
            Purpose::Command if text.is_empty() => Answer::Close,
            Purpose::Command => match command::parse(text) {
                Ok(action) => Answer::CloseAnd(action),
                Err(error) => {
                    self.wrong = Some(error);
                    Answer::Taken
                }
            },
        }
    }

    pub(super) fn draw(&self, _state: &State, area: Rect, canvas: &mut Canvas<'_>) {
        let line = Rect { y: area.bottom().saturating_sub(1), height: 1.min(area.height), ..area };
        canvas.clear(line, Role::Text);
        let sign = match self.purpose {
            Purpose::Command => ":",
            Purpose::Filter(_) => "/",
        };
        let used = canvas.spans(line, &[(sign, Role::Key), (self.input.value(), Role::Text)]);
        let before =
            text::width(&self.input.value().chars().take(self.input.cursor()).collect::<String>());
        canvas.put_cursor(line.x + 1 + u16::try_from(before).unwrap_or(u16::MAX), line.y);
        if let Some(wrong) = &self.wrong {
            let rest =
                Rect { x: line.x + used + 2, width: line.width.saturating_sub(used + 2), ..line };
            canvas.text(rest, wrong, Role::Bad);
        }
    }
}

/// What a key does to a line of text; as in a shell.
pub fn request(chord: Chord) -> Option<InputRequest> {
    if let Some(c) = chord.typed() {
        return Some(InputRequest::InsertChar(c));
    }
    Some(match chord {
        Chord { key: Key::Backspace, ctrl: false, alt: false, .. } => InputRequest::DeletePrevChar,
        Chord { key: Key::Backspace, .. } | Chord { key: Key::Char('w'), ctrl: true, .. } => {
            InputRequest::DeletePrevWord
        }
        Chord { key: Key::Delete, .. } => InputRequest::DeleteNextChar,
        Chord { key: Key::Left, ctrl: true, .. } | Chord { key: Key::Char('b'), alt: true, .. } => {
            InputRequest::GoToPrevWord
        }
        Chord { key: Key::Right, ctrl: true, .. }
        | Chord { key: Key::Char('f'), alt: true, .. } => InputRequest::GoToNextWord,
        Chord { key: Key::Left, .. } | Chord { key: Key::Char('b'), ctrl: true, .. } => {
            InputRequest::GoToPrevChar
        }
        Chord { key: Key::Right, .. } | Chord { key: Key::Char('f'), ctrl: true, .. } => {
            InputRequest::GoToNextChar
        }
        Chord { key: Key::Home, .. } | Chord { key: Key::Char('a'), ctrl: true, .. } => {
            InputRequest::GoToStart
        }
        Chord { key: Key::End, .. } | Chord { key: Key::Char('e'), ctrl: true, .. } => {
            InputRequest::GoToEnd
        }
        Chord { key: Key::Char('u'), ctrl: true, .. } => InputRequest::DeleteLine,
        Chord { key: Key::Char('k'), ctrl: true, .. } => InputRequest::DeleteTillEnd,
        _ => return None,
    })
}
