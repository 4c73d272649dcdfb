//! The filter of the fleet or the inbox while it is typed, behind `/`: used at once, with those that were used before behind up and down.

use ratatui::layout::Rect;
use tui_input::{Input, InputRequest};

use crate::action::Action;
use crate::draw::Canvas;
use crate::fleet::{Filter, FleetAction};
use crate::keys::{Chord, Key};
use crate::layers::{Answer, line};
use crate::look::Role;
use crate::text;
use crate::world::inbox;

/// The longest filter, in bytes: a paste may be anything.
const LONGEST: usize = 2_000;

/// The line.
#[derive(Clone, Debug)]
pub struct FilterLine {
    input: Input,
    /// The filter before.
    before: String,
    /// Those that were used, the newest last.
    used: Vec<String>,
    /// Which of them is shown; nothing: what is typed.
    shown: Option<usize>,
    /// What was typed before one of them was shown.
    typed: String,
    /// Why it isn't used as it stands.
    wrong: Option<String>,
    of: Of,
}

/// What is filtered.
#[derive(Clone, Copy, Debug)]
enum Of {
    Fleet,
    Inbox,
}

impl Of {
    /// Why it isn't a filter, where it isn't.
    fn check(self, text: &str) -> Result<(), String> {
        match self {
            Self::Fleet => Filter::parse(text).map(drop),
            Self::Inbox => inbox::Filter::parse(text).map(drop),
        }
    }

    fn help(self) -> &'static str {
        match self {
            Self::Fleet => {
                "  words  !not  /regex/  ~fuzzy  state:flatline  age:>1h  label:env=prod   up: earlier"
            }
            Self::Inbox => {
                "  words  !not  /regex/  severity:critical  kind:held  project:web  claimed:none"
            }
        }
    }
}

impl FilterLine {
    /// One that begins with the filter in use; up shows those that were used, the newest last.
    pub fn new(before: &str, used: &[String]) -> Self {
        Self {
            input: Input::new(before.to_owned()),
            before: before.to_owned(),
            used: used.to_vec(),
            shown: None,
            typed: String::new(),
            wrong: None,
            of: Of::Fleet,
        }
    }

    /// One for the inbox.
    pub fn of_inbox(before: &str) -> Self {
        Self { of: Of::Inbox, ..Self::new(before, &[]) }
    }

    pub(super) fn key(&mut self, chord: Chord) -> Answer {
        match chord {
            Chord { key: Key::Enter, .. } => return self.enter(),
            Chord { key: Key::Esc, .. } | Chord { key: Key::Char('c'), ctrl: true, .. } => {
                return Answer::CloseAnd(preview(&self.before));
            }
            Chord { key: Key::Backspace, .. } if self.input.value().is_empty() => {
                return Answer::CloseAnd(preview(""));
            }
            Chord { key: Key::Up, .. } | Chord { key: Key::Char('p'), ctrl: true, .. } => {
                let older = match self.shown {
                    None => self.used.len().checked_sub(1),
                    Some(at) => Some(at.saturating_sub(1)),
                };
                let Some(at) = older else { return Answer::Taken };
                if self.shown.is_none() {
                    self.typed = self.input.value().to_owned();
                }
                self.show(Some(at));
            }
            Chord { key: Key::Down, .. } | Chord { key: Key::Char('n'), ctrl: true, .. } => {
                let Some(at) = self.shown else { return Answer::Taken };
                self.show(Some(at + 1).filter(|at| *at < self.used.len()));
            }
            chord => {
                let Some(request) = line::request(chord) else { return Answer::Taken };
                let is_more = matches!(request, InputRequest::InsertChar(_));
                if is_more && self.input.value().len() >= LONGEST {
                    return Answer::Taken;
                }
                if self.input.handle(request).is_none_or(|changed| !changed.value) {
                    return Answer::Taken;
                }
            }
        }
        self.changed()
    }

    pub(super) fn paste(&mut self, text: &str) -> Answer {
        for c in text.chars().filter(|c| !c.is_control()) {
            if self.input.value().len() >= LONGEST {
                break;
            }
            self.input.handle(InputRequest::InsertChar(c));
        }
        self.changed()
    }

    fn show(&mut self, at: Option<usize>) {
        self.shown = at;
        let text = at.and_then(|at| self.used.get(at)).unwrap_or(&self.typed);
        self.input = Input::new(text.clone());
    }

    /// What is wrong leaves the filter in use that was right last.
    fn changed(&mut self) -> Answer {
        match self.of.check(self.input.value()) {
            Ok(()) => {
                self.wrong = None;
                Answer::Do(preview(self.input.value()))
            }
            Err(error) => {
                self.wrong = Some(error);
                Answer::Taken
            }
        }
    }

    fn enter(&mut self) -> Answer {
        match self.of.check(self.input.value()) {
            Ok(()) => {
                let text = self.input.value().trim().to_owned();
                Answer::CloseAnd(Action::Fleet(FleetAction::Filter(text)))
            }
            Err(error) => {
                self.wrong = Some(error);
                Answer::Taken
            }
        }
    }

    pub(super) fn draw(&self, area: Rect, canvas: &mut Canvas<'_>) {
        let line = Rect { y: area.bottom().saturating_sub(1), height: 1.min(area.height), ..area };
        canvas.clear(line, Role::Text);
        let value = self.input.value();
        let before: String = value.chars().take(self.input.cursor()).collect();
        // The cursor is always seen, and what stands before it.
        let room = usize::from(line.width.saturating_sub(2));
        let past = text::width(&before).saturating_sub(room);
        let mut gone = 0;
        let from = value.char_indices().find(|(_, c)| {
            let is_seen = gone >= past;
            gone += text::width(c.encode_utf8(&mut [0; 4]));
            is_seen
        });
        let shown = from.map_or("", |(at, _)| &value[at..]);
        let used = canvas.spans(line, &[("/", Role::Key), (shown, Role::Text)]);
        let before = u16::try_from(text::width(&before) - past).unwrap_or(u16::MAX);
        canvas.put_cursor(
            (line.x + 1).saturating_add(before).min(line.right().saturating_sub(1)),
            line.y,
        );
        let rest = Rect { x: line.x + used, width: line.width.saturating_sub(used), ..line };
        if let Some(wrong) = &self.wrong {
            // A line above, where it has the whole width: it is what one needs to read.
            let above = Rect { y: line.y.saturating_sub(1), ..line };
            if above.y < line.y {
                canvas.clear(above, Role::Text);
                canvas.text(above, wrong, Role::Bad);
            }
        } else if value.is_empty() {
            canvas.text(rest, self.of.help(), Role::Dim);
        }
    }
}

fn preview(text: &str) -> Action {
    Action::Fleet(FleetAction::Preview(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(line: &mut FilterLine, keys: &str) -> Answer {
        let chords = Chord::sequence(keys).unwrap();
        chords.into_iter().map(|chord| line.key(chord)).last().unwrap()
    }

    #[test]
    fn what_is_typed_is_used_at_once_and_what_is_wrong_is_not() {
        let mut line = FilterLine::new("", &[]);
        assert_eq!(press(&mut line, "a"), Answer::Do(preview("a")));
        assert_eq!(press(&mut line, "space a g e :"), Answer::Taken);
        assert!(line.wrong.as_ref().unwrap().starts_with("age:: "), "{:?}", line.wrong);
        assert_eq!(press(&mut line, "enter"), Answer::Taken);
        assert_eq!(press(&mut line, "> 1 h"), Answer::Do(preview("a age:>1h")));
        let used = FleetAction::Filter("a age:>1h".to_owned());
        assert_eq!(press(&mut line, "enter"), Answer::CloseAnd(Action::Fleet(used)));
    }

    #[test]
    fn leaving_it_brings_back_the_filter_before() {
        let mut line = FilterLine::new("state:flatline", &[]);
        press(&mut line, "space x");
        assert_eq!(press(&mut line, "esc"), Answer::CloseAnd(preview("state:flatline")));
    }

    #[test]
    fn earlier_filters_come_back_and_so_does_what_was_typed() {
        let used = ["one".to_owned(), "two".to_owned()];
        let mut line = FilterLine::new("", &used);
        press(&mut line, "x");
        for (key, expect) in
            [("up", "two"), ("up", "one"), ("up", "one"), ("down", "two"), ("down", "x")]
        {
            assert_eq!(press(&mut line, key), Answer::Do(preview(expect)), "{key}");
        }
        assert_eq!(press(&mut line, "down"), Answer::Taken);
    }

    #[test]
    fn a_paste_is_one_line_and_bounded() {
        let mut line = FilterLine::new("", &[]);
        assert_eq!(line.paste("a\nb"), Answer::Do(preview("ab")));
        line.paste(&"x".repeat(10_000));
        assert_eq!(line.input.value().len(), LONGEST);
    }
}
