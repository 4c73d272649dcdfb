//! Which keys and commands do what here, from the keys as they are bound now.

use ratatui::layout::Rect;
use tui_input::{Input, InputRequest};

use crate::command::{self, GROUPS};
use crate::draw::Canvas;
use crate::keys::{Binding, Chord, Key, keys_text};
use crate::layers::line::request;
use crate::layers::{Answer, frame};
use crate::look::Role;
use crate::state::State;
use crate::text;

/// The least and the most cells of a column, and those of the keys in it.
const COLUMN: u16 = 50;
const WIDEST: u16 = 72;
const KEYS: usize = 16;

/// The help.
#[derive(Clone, Debug, Default)]
pub struct Help {
    /// What is sought.
    input: Input,
    is_typed: bool,
    top: usize,
    entries: Vec<Entry>,
    columns: usize,
    rows: usize,
}

/// A line of it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Entry {
    Heading(&'static str),
    /// Keys (or the command, where there are none), and what they do.
    Does(String, String),
    Blank,
}

impl Help {
    pub(super) fn key(&mut self, chord: Chord) -> Answer {
        if self.is_typed {
            match chord.key {
                Key::Enter => self.is_typed = false,
                Key::Esc => {
                    self.is_typed = false;
                    self.input = Input::default();
                }
                _ => {
                    if let Some(request) = request(chord) {
                        self.input.handle(request);
                        self.top = 0;
                    }
                }
            }
            return Answer::Taken;
        }
        let page = self.rows.max(1);
        self.top = match chord.key {
            Key::Char('c') if chord.ctrl => return Answer::Close,
            Key::Esc if !self.input.value().is_empty() => {
                self.input = Input::default();
                0
            }
            Key::Esc | Key::Char('q' | '?') => return Answer::Close,
            Key::Char('/') => {
                self.is_typed = true;
                self.top
            }
            Key::Char('j') | Key::Down => self.top + 1,
            Key::Char('k') | Key::Up => self.top.saturating_sub(1),
            Key::Char(' ') | Key::PageDown => self.top + page,
            Key::PageUp => self.top.saturating_sub(page),
            Key::Home | Key::Char('g') => 0,
            Key::End | Key::Char('G') => self.entries.len(),
            _ => self.top,
        };
        Answer::Taken
    }

    pub(super) fn paste(&mut self, text: &str) -> Answer {
        if self.is_typed {
            for c in text.chars().filter(|c| !c.is_control()).take(80) {
                self.input.handle(InputRequest::InsertChar(c));
            }
        }
        Answer::Taken
    }

    pub(super) fn settle(&mut self, state: &State) {
        let (columns, rows) = state.size;
        self.entries = entries(state, &self.input.value().to_lowercase());
        self.columns = usize::from((columns.saturating_sub(4) / COLUMN).clamp(1, 3));
        self.rows = usize::from(rows.saturating_sub(6).max(1));
        self.top = self.top.min(self.height().saturating_sub(self.rows));
    }

    /// The lines of a column.
    fn height(&self) -> usize {
        self.entries.len().div_ceil(self.columns.max(1))
    }

    pub(super) fn draw(&self, area: Rect, canvas: &mut Canvas<'_>) {
        let columns = u16::try_from(self.columns).unwrap_or(1).max(1);
        let width = (area.width.saturating_sub(4) / columns).min(WIDEST);
        let rows = self.height().min(self.rows);
        let body = frame::centred(area, usize::from(columns * width), rows + 2);
        frame::draw(body, "keys and commands here", canvas);
        let line = Rect { height: body.height.min(1), ..body };
        if self.is_typed || !self.input.value().is_empty() {
            let used = canvas.spans(line, &[("/", Role::Key), (self.input.value(), Role::Text)]);
            if self.is_typed {
                let x = (line.x + used).min(body.right().saturating_sub(1));
                canvas.put_cursor(x, line.y);
            }
        } else {
            canvas.spans(
                line,
                &[
                    ("/", Role::Key),
                    (" searches  ", Role::Dim),
                    ("esc", Role::Key),
                    (" closes", Role::Dim),
                ],
            );
        }
        let list =
            Rect { y: body.y + 2.min(body.height), height: body.height.saturating_sub(2), ..body };
        let width = width.min(body.width / columns);
        let height = self.height();
        for column in 0..columns {
            let first = usize::from(column) * height;
            let x = list.x + column * width;
            let seen = self.entries.iter().skip(first).take(height).skip(self.top);
            for (entry, y) in seen.zip(list.y..list.bottom()) {
                draw(entry, Rect { x, y, width: width.saturating_sub(1), height: 1 }, canvas);
            }
        }
        if self.entries.is_empty() {
            canvas.text(Rect { height: list.height.min(1), ..list }, "nothing fits", Role::Dim);
        }
        frame::position(list, self.top, height, canvas);
    }
}

fn draw(entry: &Entry, line: Rect, canvas: &mut Canvas<'_>) {
    match entry {
        Entry::Heading(title) => canvas.text(line, title, Role::Title),
        Entry::Does(keys, does) => {
            let pad = " ".repeat(KEYS.saturating_sub(text::width(keys)).max(2));
            canvas.spans(line, &[(keys, Role::Key), (&pad, Role::Text), (does, Role::Text)])
        }
        Entry::Blank => 0,
    };
}

/// Everything that has the words in it.
fn entries(state: &State, words: &str) -> Vec<Entry> {
    let contexts = state.tabs.current().place.contexts();
    let bindings: Vec<&Binding> = contexts
        .iter()
        .flat_map(|context| state.keymap.bindings().iter().filter(move |b| b.context == *context))
        .collect();
    // What a nearer context binds to the same keys is what they mean.
    let is_reached =
        |at: usize| !bindings[..at].iter().any(|nearer| nearer.keys == bindings[at].keys);
    let reached: Vec<&Binding> =
        (0..bindings.len()).filter(|at| is_reached(*at)).map(|at| bindings[at]).collect();
    let mut entries = vec![];
    for (title, commands) in GROUPS {
        let mut of_group = vec![];
        for command in *commands {
            let bound = |binding: &&&Binding| {
                let name = binding.command.split_whitespace().next().unwrap_or_default();
                command::find(name).is_some_and(|found| found.name == command.name)
            };
            let bound: Vec<&&Binding> = reached.iter().filter(bound).collect();
            let mut lines = lines(&bound, command.name, command.help);
            if lines.is_empty() {
                let name = format!(":{} {}", command.name, command.args);
                lines.push((name.trim_end().to_owned(), command.help.to_owned()));
            }
            let fits = |text: &str| text.to_lowercase().contains(words);
            lines.retain(|(keys, does)| fits(keys) || fits(does) || command.name.contains(words));
            of_group.extend(lines.into_iter().map(|(keys, does)| Entry::Does(keys, does)));
        }
        if of_group.is_empty() {
            continue;
        }
        if !entries.is_empty() {
            entries.push(Entry::Blank);
        }
        entries.push(Entry::Heading(title));
        entries.extend(of_group);
    }
    entries
}

/// One line for each thing that a command is bound for; `tab 1` to `tab 9` are one.
fn lines(bound: &[&&Binding], name: &str, help: &str) -> Vec<(String, String)> {
    let mut lines: Vec<(String, String)> = vec![];
    let mut numbers: Vec<String> = vec![];
    for binding in bound {
        let keys = keys_text(&binding.keys);
        let args = binding.command.strip_prefix(name).unwrap_or_default().trim();
        if !args.is_empty() && args.bytes().all(|byte| byte.is_ascii_digit()) {
            numbers.push(keys);
            continue;
        }
        let does = if args.is_empty() { help.to_owned() } else { binding.command.clone() };
        match lines.iter_mut().find(|(_, other)| *other == does) {
            Some((all, _)) => {
                all.push_str(", ");
                all.push_str(&keys);
            }
            None => lines.push((keys, does)),
        }
    }
    if let [first, .., last] = numbers.as_slice() {
        lines.push((format!("{first} to {last}"), format!("{name} N")));
    } else if let [only] = numbers.as_slice() {
        lines.push((only.clone(), format!("{name} N")));
    }
    lines
}
