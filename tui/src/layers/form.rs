//! A request for a loop as a form. What the server refuses is shown at the fields, and the form stays.

mod draw;

use ratatui::layout::Rect;
use tui_input::Input;

use crate::action::Action;
use crate::create::{CreateAction, Draft, Fields, Refusal, named};
use crate::draw::Canvas;
use crate::keys::{Chord, Key};
use crate::layers::area::Area;
use crate::layers::{Answer, dialog};

/// Sends the request from anywhere in the form.
const SEND: Chord = Chord { key: Key::Char('s'), ctrl: true, alt: false, shift: false };
/// Goes on in the editor.
const EDIT: Chord = Chord { key: Key::Char('o'), ctrl: true, alt: false, shift: false };

/// The form.
#[derive(Clone, Debug)]
pub struct Form {
    key: String,
    fields: Vec<Field>,
    /// The field that is typed into; behind the last: the button.
    at: usize,
    is_sending: bool,
    told: Option<String>,
    /// What it began with, so that nothing written is thrown away by one key.
    began: Fields,
    is_leaving: bool,
}

#[derive(Clone, Debug)]
struct Field {
    /// As requests and their errors name it.
    name: &'static str,
    label: &'static str,
    /// What it means to leave it empty, or what may stand there.
    hint: &'static str,
    text: Text,
    error: Option<String>,
}

#[derive(Clone, Debug)]
enum Text {
    Line(Input),
    /// So many rows are shown.
    Area(Area, u16),
}

impl Text {
    fn value(&self) -> String {
        match self {
            Self::Line(input) => input.value().to_owned(),
            Self::Area(area, _) => area.text(),
        }
    }
}

impl Form {
    /// One that begins with what is known. The key makes the request one and the same however often it is sent.
    pub fn new(key: String, fields: Fields) -> Self {
        let began = fields.clone();
        let Fields { title, prompt, repository, reference, command, gates, project, priority } =
            fields;
        let line = |name, label, hint, text| Field {
            name,
            label,
            hint,
            text: Text::Line(Input::new(text)),
            error: None,
        };
        let area = |name, label, hint, text: String, rows| Field {
            name,
            label,
            hint,
            text: Text::Area(Area::new(&text), rows),
            error: None,
        };
        let fields = vec![
            line("title", "Title", "made of the prompt", title),
            area("prompt", "Prompt", "what is wanted, in words", prompt, 4),
            line("repository", "Repository", "https://host/path, or /path/of/a/clone", repository),
            line("ref", "Ref", "the default branch", reference),
            line("command", "Agent", "the server's default", command),
            area(
                "gates",
                "Gates",
                "a command a line; the word none: every result is good",
                gates,
                2,
            ),
            line("project", "Project", "the server's default", project),
            line("priority", "Priority", "a number from -100 to 100, higher goes first", priority),
        ];
        Self { key, fields, at: 0, is_sending: false, told: None, began, is_leaving: false }
    }

    /// The key of its request.
    pub fn key_of_request(&self) -> &str {
        &self.key
    }

    /// The server refused it: each field's error stands at the field, the rest below.
    pub fn refuse(&mut self, refusal: Refusal) {
        let Refusal { why, fields: errors } = refusal;
        self.is_sending = false;
        let mut is_placed = false;
        for error in errors {
            let name = error.field.split(['[', '.']).next().unwrap_or_default();
            if let Some(at) = self.fields.iter().position(|field| field.name == name) {
                let text = &mut self.fields[at].error;
                let rule = format!("must be {}", error.rule);
                *text =
                    Some(text.take().map_or(rule.clone(), |before| format!("{before}; {rule}")));
                if !is_placed {
                    self.at = at;
                }
                is_placed = true;
            }
        }
        self.told =
            Some(if is_placed { "it wasn't taken: see the fields".to_owned() } else { why });
    }

    fn fields(&self) -> Fields {
        let value = |name: &str| {
            let field = self.fields.iter().find(|field| field.name == name);
            field.map(|field| field.text.value()).unwrap_or_default()
        };
        Fields {
            title: value("title"),
            prompt: value("prompt"),
            repository: value("repository"),
            reference: value("ref"),
            command: value("command"),
            gates: value("gates"),
            project: value("project"),
            priority: value("priority"),
        }
    }

    fn step(&mut self, by: isize) {
        let count = (self.fields.len() + 1).cast_signed();
        self.at = (self.at.cast_signed() + by).rem_euclid(count).unsigned_abs();
    }

    pub(super) fn key(&mut self, chord: Chord) -> Answer {
        let is_leave =
            chord.key == Key::Esc || chord == Chord { ctrl: true, ..Chord::plain(Key::Char('c')) };
        if is_leave {
            if self.is_leaving || self.fields() == self.began {
                return Answer::Close;
            }
            self.is_leaving = true;
            self.told = Some(match self.is_sending {
                true => "it was sent and isn't answered yet; esc again leaves".to_owned(),
                false => "esc again throws it away".to_owned(),
            });
            return Answer::Taken;
        }
        self.is_leaving = false;
        if self.is_sending {
            return Answer::Taken;
        }
        match chord {
            SEND => return self.send(),
            EDIT => {
                let (key, fields) = (self.key.clone(), Box::new(self.fields()));
                return Answer::Do(Action::Create(CreateAction::Editor { key, fields }));
            }
            Chord { key: Key::Tab, shift, .. } => {
                self.step(if shift { -1 } else { 1 });
                return Answer::Taken;
            }
            _ => {}
        }
        let Some(field) = self.fields.get_mut(self.at) else {
            return match dialog::moves(chord) {
                Some(by) => {
                    self.step(by);
                    Answer::Taken
                }
                None if chord.key == Key::Enter => self.send(),
                None => Answer::Taken,
            };
        };
        let is_taken = match &mut field.text {
            Text::Line(_) if chord.key == Key::Enter => {
                self.step(1);
                return Answer::Taken;
            }
            Text::Line(input) => dialog::type_into(input, chord),
            Text::Area(area, _) => area.key(chord),
        };
        if is_taken {
            field.error = None;
        } else if let Some(by) = dialog::moves(chord) {
            self.step(by);
        }
        Answer::Taken
    }

    pub(super) fn paste(&mut self, text: &str) -> Answer {
        if let Some(field) = self.fields.get_mut(self.at)
            && !self.is_sending
        {
            field.error = None;
            match &mut field.text {
                Text::Line(input) => dialog::paste_into(input, text),
                Text::Area(area, _) => area.paste(text),
            }
        }
        Answer::Taken
    }

    fn send(&mut self) -> Answer {
        for field in &mut self.fields {
            field.error = None;
        }
        match self.fields().request() {
            Ok(request) => {
                self.is_sending = true;
                self.told = Some("asked the server".to_owned());
                let request = Box::new(named(request));
                let draft = Draft { key: self.key.clone(), request, document: None };
                Answer::Do(Action::Create(CreateAction::Send(draft)))
            }
            Err(fields) => {
                self.refuse(Refusal { why: String::new(), fields });
                Answer::Taken
            }
        }
    }

    pub(super) fn draw(&self, area: Rect, canvas: &mut Canvas<'_>) {
        draw::form(self, area, canvas);
    }
}
