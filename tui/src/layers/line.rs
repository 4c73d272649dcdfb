//! A line that is typed at the bottom of the screen: a command behind `:`, or a filter behind `/`.

use ratatui::layout::Rect;
use tui_input::{Input, InputRequest};

use crate::action::Action;
use crate::command::complete::{self, Offer};
use crate::command::{self};
use crate::draw::Canvas;
use crate::fleet::{Filter, FleetAction};
use crate::journal::JournalAction;
use crate::keys::{Chord, Key};
use crate::layers::Answer;
use crate::look::Role;
use crate::pager::{PagerAction, Pattern};
use crate::state::State;
use crate::text;
use crate::world::inbox;

/// The most characters that a line takes.
const MOST: usize = 4096;

/// What the line is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A command.
    Command,
    /// A filter, which is used while it is typed; what it was before stands here.
    Filter(Filtered, String),
    /// Words that hide the other entries of a journal, at once; what they were before stands here.
    Grep(String),
    /// What is looked for in a text; it is found while it is typed.
    Find,
}

/// What is filtered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filtered {
    /// The fleet.
    Fleet,
    /// The inbox.
    Inbox,
}

impl Filtered {
    /// Why it isn't a filter, where it isn't.
    fn check(self, text: &str) -> Result<(), String> {
        match self {
            Self::Fleet => Filter::parse(text).map(drop),
            Self::Inbox => inbox::Filter::parse(text).map(drop),
        }
    }

    /// What may be written.
    fn help(self) -> &'static str {
        match self {
            Self::Fleet => "words  !not  /regex/  ~fuzzy  state:flatline  age:>1h  label:env=prod",
            Self::Inbox => {
                "words  !not  /regex/  severity:critical  kind:held  project:web  claimed:none"
            }
        }
    }
}

/// The line.
#[derive(Clone, Debug)]
pub struct Line {
    purpose: Purpose,
    input: Input,
    wrong: Option<String>,
    /// What was typed before, oldest first, and which of it is shown.
    history: Vec<String>,
    recalled: Option<usize>,
    /// What may be meant, and which of it is shown.
    offers: Vec<Offer>,
    offered: Option<usize>,
    /// What may be meant has to be found anew.
    is_stale: bool,
}

impl Line {
    /// A filter that is changed.
    pub fn filter(of: Filtered, before: &str) -> Self {
        Self::new(Purpose::Filter(of, before.to_owned()), before)
    }

    /// One that begins with a text.
    pub fn new(purpose: Purpose, text: &str) -> Self {
        Self {
            purpose,
            input: Input::new(text.to_owned()),
            wrong: None,
            history: vec![],
            recalled: None,
            offers: vec![],
            offered: None,
            is_stale: true,
        }
    }

    /// With what was typed before, oldest first.
    pub fn with_history(self, history: &[String]) -> Self {
        Self { history: history.to_vec(), ..self }
    }

    /// The command that stands in it.
    pub fn command(&self) -> Option<&str> {
        let text = self.input.value().trim();
        (self.purpose == Purpose::Command && !text.is_empty()).then_some(text)
    }

    pub(super) fn key(&mut self, chord: Chord) -> Answer {
        self.wrong = None;
        match chord {
            Chord { key: Key::Enter, .. } => return self.enter(),
            Chord { key: Key::Esc, .. } | Chord { key: Key::Char('c'), ctrl: true, .. } => {
                return match &self.purpose {
                    Purpose::Command => Answer::Close,
                    Purpose::Filter(_, before) => Answer::CloseAnd(preview(before)),
                    Purpose::Grep(before) => {
                        Answer::CloseAnd(Action::Journal(JournalAction::Filter(before.clone())))
                    }
                    Purpose::Find => Answer::CloseAnd(Action::Pager(PagerAction::FindNot)),
                };
            }
            Chord { key: Key::Backspace, .. } if self.input.value().is_empty() => {
                return match &self.purpose {
                    Purpose::Filter(..) => Answer::CloseAnd(preview("")),
                    Purpose::Command | Purpose::Grep(_) | Purpose::Find => Answer::Close,
                };
            }
            Chord { key: Key::Tab, shift, .. } => self.offer(if shift { -1 } else { 1 }),
            Chord { key: Key::Up, .. } | Chord { key: Key::Char('p'), ctrl: true, .. } => {
                self.recall(-1);
            }
            Chord { key: Key::Down, .. } | Chord { key: Key::Char('n'), ctrl: true, .. } => {
                self.recall(1);
            }
            chord => {
                let Some(request) = request(chord) else { return Answer::Taken };
                self.edit(request);
            }
        }
        self.changed()
    }

    pub(super) fn paste(&mut self, text: &str) -> Answer {
        for c in text.chars().filter(|c| !c.is_control()).take(MOST) {
            self.edit(InputRequest::InsertChar(c));
        }
        self.changed()
    }

    fn edit(&mut self, request: InputRequest) {
        let is_more = matches!(request, InputRequest::InsertChar(_));
        if is_more && self.input.value().len() >= MOST {
            return;
        }
        self.input.handle(request);
        self.offered = None;
        self.recalled = None;
        self.is_stale = true;
    }

    /// Shows the next of what may be meant; the only one as if it had been typed.
    fn offer(&mut self, by: isize) {
        let count = isize::try_from(self.offers.len()).unwrap_or(0);
        if count == 0 {
            return;
        }
        let next = match self.offered {
            Some(at) => isize::try_from(at).unwrap_or(0) + by,
            None if by < 0 => count - 1,
            None => 0,
        };
        let next = usize::try_from(next.rem_euclid(count)).unwrap_or(0);
        let mut text = self.offers[next].text.clone();
        self.offered = Some(next);
        if count == 1 {
            let takes_more =
                !text.contains(' ') && command::find(&text).is_some_and(|c| !c.args.is_empty());
            if takes_more {
                text.push(' ');
            }
            self.offered = None;
        }
        self.set(self.own(&text));
    }

    /// Shows what was typed before or after.
    fn recall(&mut self, by: isize) {
        let at = self.recalled.unwrap_or(self.history.len());
        let at = at.saturating_add_signed(by).min(self.history.len());
        self.recalled = Some(at);
        self.offered = None;
        let text = self.history.get(at).cloned().unwrap_or_default();
        self.set(text);
    }

    fn set(&mut self, text: String) {
        self.input = Input::new(text);
        self.is_stale = true;
    }

    /// What is used while it is typed is used now; where a filter is wrong, the one that was right last stays.
    fn changed(&mut self) -> Answer {
        match &self.purpose {
            Purpose::Command => Answer::Taken,
            Purpose::Filter(of, _) => match of.check(self.input.value()) {
                Ok(()) => Answer::Do(preview(self.input.value())),
                Err(error) => {
                    self.wrong = Some(error);
                    Answer::Taken
                }
            },
            Purpose::Grep(_) => {
                Answer::Do(Action::Journal(JournalAction::Filter(self.input.value().to_owned())))
            }
            Purpose::Find => {
                Answer::Do(Action::Pager(PagerAction::FindTyped(self.input.value().to_owned())))
            }
        }
    }

    fn enter(&mut self) -> Answer {
        let text = self.input.value().trim();
        match &self.purpose {
            Purpose::Filter(of, _) => match of.check(text) {
                Ok(()) => Answer::CloseAnd(Action::Fleet(FleetAction::Filter(text.to_owned()))),
                Err(error) => {
                    self.wrong = Some(error);
                    Answer::Taken
                }
            },
            Purpose::Grep(_) => Answer::Close,
            Purpose::Find => match Pattern::parse(text) {
                Ok(_) => Answer::Close,
                Err(why) => {
                    self.wrong = Some(why);
                    Answer::Taken
                }
            },
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

    /// The line as a command.
    fn whole(&self) -> String {
        match self.purpose {
            Purpose::Command => self.input.value().to_owned(),
            Purpose::Filter(Filtered::Fleet, _) => format!("filter {}", self.input.value()),
            // Its words are few, and stand in the hint.
            Purpose::Filter(Filtered::Inbox, _) => String::new(),
            Purpose::Grep(_) => format!("grep {}", self.input.value()),
            Purpose::Find => format!("find {}", self.input.value()),
        }
    }

    /// What of a command is this line's.
    fn own(&self, whole: &str) -> String {
        match self.purpose {
            Purpose::Command => whole.to_owned(),
            Purpose::Filter(..) => whole.strip_prefix("filter ").unwrap_or_default().to_owned(),
            Purpose::Grep(_) => whole.strip_prefix("grep ").unwrap_or_default().to_owned(),
            Purpose::Find => whole.strip_prefix("find ").unwrap_or_default().to_owned(),
        }
    }

    pub(super) fn settle(&mut self, state: &State) {
        // Not with every message: a fleet may be big.
        if self.offered.is_none() && std::mem::take(&mut self.is_stale) {
            self.offers = complete::offers(&self.whole(), &state.world);
        }
    }

    pub(super) fn draw(&self, area: Rect, canvas: &mut Canvas<'_>) {
        let line = Rect { y: area.bottom().saturating_sub(1), height: 1.min(area.height), ..area };
        canvas.clear(line, Role::Text);
        let sign = match self.purpose {
            Purpose::Command => ":",
            Purpose::Filter(..) | Purpose::Find => "/",
            Purpose::Grep(_) => "&",
        };
        // What stands before the cursor is seen, however long the line is.
        let value = self.input.value();
        let room = usize::from(line.width).saturating_sub(2);
        let skip = self.input.visual_scroll(room);
        let (mut skipped, mut from) = (0, 0);
        for c in value.chars() {
            if skipped >= skip {
                break;
            }
            skipped += text::width(c.encode_utf8(&mut [0; 4]));
            from += c.len_utf8();
        }
        let used = canvas.spans(line, &[(sign, Role::Key), (&value[from..], Role::Text)]);
        let x = u16::try_from(1 + self.input.visual_cursor().saturating_sub(skipped));
        let x = line.x.saturating_add(x.unwrap_or(u16::MAX));
        canvas.put_cursor(x.min(line.right().saturating_sub(1)), line.y);
        let rest = Rect { x: line.x + used, width: line.width.saturating_sub(used), ..line };
        let above = Rect { y: line.y.saturating_sub(1), ..line };
        if let (Some(wrong), Purpose::Filter(..), true) =
            (&self.wrong, &self.purpose, line.y > area.y)
        {
            // It comes and goes while one types, beside a text that may be long.
            canvas.clear(above, Role::Text);
            canvas.text(above, wrong, Role::Bad);
            return;
        }
        if let Some(wrong) = &self.wrong {
            canvas.spans(rest, &[("  ", Role::Text), (wrong, Role::Bad)]);
        } else {
            let (args, help) = self.hint();
            canvas.spans(rest, &[(&args, Role::Dim), ("  ", Role::Text), (&help, Role::Dim)]);
        }
        if line.y > area.y && !value.is_empty() {
            self.draw_offers(above, canvas);
        }
    }

    /// What may still be typed, and what the command does.
    fn hint(&self) -> (String, String) {
        if let Some(offer) = self.offered.and_then(|at| self.offers.get(at)) {
            return (String::new(), offer.about.clone());
        }
        let value = self.input.value();
        let (name, args) = value.split_once(' ').unwrap_or((value, ""));
        match command::find(name).filter(|_| self.purpose == Purpose::Command) {
            Some(command) if args.is_empty() => {
                let space = if value.ends_with(' ') || command.args.is_empty() { "" } else { " " };
                (format!("{space}{}", command.args), command.help.to_owned())
            }
            _ => match self.purpose {
                Purpose::Filter(of, _) if value.is_empty() => (String::new(), of.help().to_owned()),
                _ => (String::new(), String::new()),
            },
        }
    }

    fn draw_offers(&self, line: Rect, canvas: &mut Canvas<'_>) {
        // The only one that is typed already is no news.
        let is_news = self.offers.len() > 1
            || self.offers.first().is_some_and(|offer| self.own(&offer.text) != self.input.value());
        if !is_news {
            return;
        }
        canvas.clear(line, Role::Text);
        let width = |offer: &Offer| text::width(&offer.word) + 2;
        let room = usize::from(line.width);
        // The one that is shown is among those that are seen.
        let mut first = 0;
        let offered = self.offered.unwrap_or(0);
        while first < offered
            && self.offers[first..=offered].iter().map(width).sum::<usize>() > room
        {
            first += 1;
        }
        let mut x = line.x;
        for (at, offer) in self.offers.iter().enumerate().skip(first) {
            let cell = Rect { x, width: line.right().saturating_sub(x), ..line };
            if cell.is_empty() {
                break;
            }
            let role = if self.offered == Some(at) { Role::Cursor } else { Role::Dim };
            x += canvas.text(cell, &offer.word, role) + 2;
        }
    }
}

fn preview(filter: &str) -> Action {
    Action::Fleet(FleetAction::Preview(filter.to_owned()))
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
