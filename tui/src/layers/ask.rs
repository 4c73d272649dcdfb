//! A line at the bottom of the screen that asks for something about a terminal: what to look for, why a keyboard is
//! taken, a note for the next agent, where to go in a recording, whether lines are to be pasted.

use ratatui::layout::Rect;
use smith_term::playback::clock;
use tui_input::{Input, InputRequest};

use crate::action::Action;
use crate::draw::Canvas;
use crate::keys::{Chord, Key};
use crate::layers::Answer;
use crate::layers::line::request;
use crate::look::Role;
use crate::panes::{Asked, Find, Player, Seek, TerminalAction};
use crate::text;

/// The question.
#[derive(Clone, Debug)]
pub struct Ask {
    asked: Asked,
    input: Input,
    wrong: Option<String>,
}

impl Ask {
    /// Asks.
    pub fn new(asked: Asked) -> Self {
        Self { asked, input: Input::default(), wrong: None }
    }

    pub(super) fn key(&mut self, chord: Chord) -> Answer {
        self.wrong = None;
        match chord {
            Chord { key: Key::Esc, .. } | Chord { key: Key::Char('c'), ctrl: true, .. } => {
                return Answer::Close;
            }
            Chord { key: Key::Enter, .. } => return self.enter(),
            _ => {}
        }
        if let Asked::Paste(_) = self.asked {
            return match chord.typed() {
                Some('y') => self.enter(),
                Some('n') => Answer::Close,
                _ => Answer::Taken,
            };
        }
        if let Some(request) = request(chord) {
            self.input.handle(request);
        }
        Answer::Taken
    }

    pub(super) fn paste(&mut self, text: &str) -> Answer {
        for c in text.chars().filter(|c| !c.is_control()) {
            self.input.handle(InputRequest::InsertChar(c));
        }
        Answer::Taken
    }

    fn enter(&mut self) -> Answer {
        let text = self.input.value().trim().to_owned();
        let action = match &self.asked {
            Asked::Find if text.is_empty() => return Answer::Close,
            Asked::Find => TerminalAction::Find(Find::Text(self.input.value().to_owned())),
            Asked::Reason(_) if text.is_empty() => {
                self.wrong = Some("a reason is needed: who loses the keyboard reads it".to_owned());
                return Answer::Taken;
            }
            Asked::Reason(_) => TerminalAction::Steal(Some(text)),
            Asked::Note => TerminalAction::HandBack(Some(text)),
            Asked::Time => match clock::read(&text) {
                Ok(to) => TerminalAction::Play(Player::Seek(Seek::To(to))),
                Err(error) => {
                    self.wrong = Some(error.to_string());
                    return Answer::Taken;
                }
            },
            Asked::Paste(text) => TerminalAction::Paste(text.clone()),
        };
        Answer::CloseAnd(Action::Terminal(action))
    }

    pub(super) fn draw(&self, area: Rect, canvas: &mut Canvas<'_>) {
        let line = Rect { y: area.bottom().saturating_sub(1), height: area.height.min(1), ..area };
        canvas.clear(line, Role::Text);
        let question = match &self.asked {
            Asked::Find => "/".to_owned(),
            Asked::Reason(holder) => format!("{holder} types. Why do you take the keyboard? "),
            Asked::Note => "A note for the next agent (may be empty): ".to_owned(),
            Asked::Time => "Go to (seconds, 1:05 or 1:00:05): ".to_owned(),
            Asked::Paste(text) => format!(
                "Paste {} lines? The program didn't ask for pastes and may run each. y or n ",
                lines(text)
            ),
        };
        let used = canvas.text(line, &question, Role::Key);
        let rest = Rect { x: line.x + used, width: line.width.saturating_sub(used), ..line };
        let shown = canvas.text(rest, self.input.value(), Role::Text);
        let before: String = self.input.value().chars().take(self.input.cursor()).collect();
        let column = u16::try_from(text::width(&before)).unwrap_or(u16::MAX);
        canvas
            .put_cursor(rest.x.saturating_add(column).min(rest.right().saturating_sub(1)), line.y);
        if let Some(wrong) = &self.wrong {
            let used = shown + 2;
            let rest = Rect { x: rest.x + used, width: rest.width.saturating_sub(used), ..rest };
            canvas.text(rest, wrong, Role::Bad);
        }
    }
}

/// How many lines a paste has. Terminals end them as Enter does.
fn lines(text: &str) -> usize {
    text.trim_end().replace("\r\n", "\n").split(['\r', '\n']).count()
}
