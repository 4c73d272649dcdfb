//! Asks for a server. A token isn't typed here: what is typed may be recorded, so the file that holds it is named.

use ratatui::layout::Rect;
use tui_input::Input;

use crate::action::Action;
use crate::connect::ConnectAction;
use crate::draw::Canvas;
use crate::keys::{Chord, Key};
use crate::layers::{Answer, dialog};
use crate::look::Role;
use crate::settings::Asked;

/// What is asked for, in this order.
const LABELS: [&str; 2] = ["Server, as https://host", "File that holds the token"];

/// The question.
#[derive(Clone, Debug, Default)]
pub struct Prompt {
    fields: [Input; 2],
    at: usize,
    told: Option<String>,
}

impl Prompt {
    /// It didn't work.
    pub fn tell(&mut self, why: &str) {
        self.told = Some(why.to_owned());
    }

    pub(super) fn key(&mut self, chord: Chord) -> Answer {
        if dialog::moves(chord).is_some() {
            self.at = 1 - self.at;
            return Answer::Taken;
        }
        match chord {
            Chord { key: Key::Esc, .. } | Chord { key: Key::Char('c'), ctrl: true, .. } => {
                Answer::Close
            }
            Chord { key: Key::Enter, .. } if self.at == 0 => {
                self.at = 1;
                Answer::Taken
            }
            Chord { key: Key::Enter, .. } => self.go(),
            chord => {
                dialog::type_into(&mut self.fields[self.at], chord);
                Answer::Taken
            }
        }
    }

    pub(super) fn paste(&mut self, text: &str) -> Answer {
        dialog::paste_into(&mut self.fields[self.at], text);
        Answer::Taken
    }

    fn go(&mut self) -> Answer {
        let [server, file] = self.fields.each_ref().map(|field| field.value().trim().to_owned());
        if server.is_empty() {
            self.told = Some("a server is needed".to_owned());
            self.at = 0;
            return Answer::Taken;
        }
        self.told = Some("connecting".to_owned());
        let token_file = Some(file).filter(|file| !file.is_empty()).map(Into::into);
        let asked = Asked { server: Some(server), context: None, token_file };
        Answer::Do(Action::Connect(ConnectAction::To(asked)))
    }

    pub(super) fn draw(&self, area: Rect, canvas: &mut Canvas<'_>) {
        let inside = dialog::open(canvas, area, (70, 10), "A server");
        for (at, label) in LABELS.iter().enumerate() {
            let row = u16::try_from(at * 2).unwrap_or(u16::MAX);
            canvas.text(dialog::row(inside, row), label, Role::Dim);
            let line = dialog::row(inside, row + 1);
            dialog::input(canvas, line, &self.fields[at], (at == self.at).into());
        }
        let told = self.told.as_deref().map_or(
            ("enter goes on, esc leaves; without a file: SMITH_OPERATOR_TOKEN", Role::Dim),
            |told| (told, Role::Warning),
        );
        for (line, row) in dialog::wrapped(told.0, usize::from(inside.width)).iter().zip(5..) {
            canvas.text(dialog::row(inside, row), line, told.1);
        }
    }
}
