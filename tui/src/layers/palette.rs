//! Everything that can be done, and every loop, found by a few letters.

mod draw;
mod seek;

use tui_input::{Input, InputRequest};

use crate::action::Action;
use crate::command::{self, Command, Completes, complete};
use crate::effect::Effect;
use crate::keys::{Chord, Key, keys_text};
use crate::layers::Answer;
use crate::layers::line::request;
use crate::state::State;

use seek::Scores;
pub use seek::{Found, FoundLoop, SeekJob};

/// How much more something counts that was done lately.
const RECENT: u32 = 30;
/// How much less a command with one of its words counts than the command.
const WORD: u32 = 8;

/// The palette.
#[derive(Clone, Debug)]
pub struct Palette {
    input: Input,
    /// What can be chosen; made when it is opened, and again when what was typed changes.
    shown: Vec<Item>,
    cursor: usize,
    /// The newest question about loops, and the words that were asked about.
    generation: u64,
    asked: Option<String>,
    found: Vec<FoundLoop>,
    is_stale: bool,
}

/// Something to choose.
#[derive(Clone, Debug, PartialEq)]
struct Item {
    /// What it is called: a command as one would type it, or a loop.
    name: String,
    about: String,
    keys: String,
    chosen: Chosen,
    score: u32,
}

/// What choosing means.
#[derive(Clone, Debug, PartialEq)]
enum Chosen {
    /// It is done.
    Do(Action),
    /// Something has to be typed behind it.
    Type(String),
}

impl Palette {
    /// With nothing typed.
    pub fn new() -> Self {
        Self {
            input: Input::default(),
            shown: vec![],
            cursor: 0,
            generation: 0,
            asked: None,
            found: vec![],
            is_stale: true,
        }
    }

    /// The command that the cursor is on, as one would type it, for what was used last.
    pub fn command(&self) -> Option<&str> {
        let item = self.shown.get(self.cursor)?;
        matches!(item.chosen, Chosen::Do(_)).then_some(item.name.as_str())
    }

    pub(super) fn key(&mut self, chord: Chord) -> Answer {
        let last = self.shown.len().saturating_sub(1);
        match chord {
            Chord { key: Key::Esc, .. } | Chord { key: Key::Char('c'), ctrl: true, .. } => {
                return Answer::Close;
            }
            Chord { key: Key::Enter, .. } => return self.enter(),
            Chord { key: Key::Tab, shift: false, .. } => {
                return match self.shown.get(self.cursor) {
                    Some(item) => Answer::CloseAnd(Action::CommandLine(item.typed())),
                    None => Answer::Taken,
                };
            }
            Chord { key: Key::Down, .. } | Chord { key: Key::Char('n'), ctrl: true, .. } => {
                self.cursor = (self.cursor + 1).min(last);
            }
            Chord { key: Key::Up, .. } | Chord { key: Key::Char('p'), ctrl: true, .. } => {
                self.cursor = self.cursor.saturating_sub(1);
            }
            Chord { key: Key::PageDown, .. } => self.cursor = (self.cursor + 10).min(last),
            Chord { key: Key::PageUp, .. } => self.cursor = self.cursor.saturating_sub(10),
            chord => {
                if let Some(request) = request(chord) {
                    self.input.handle(request);
                    self.is_stale = true;
                }
            }
        }
        Answer::Taken
    }

    pub(super) fn paste(&mut self, text: &str) -> Answer {
        for c in text.chars().filter(|c| !c.is_control()).take(complete::MOST) {
            self.input.handle(InputRequest::InsertChar(c));
        }
        self.is_stale = true;
        Answer::Taken
    }

    /// A click on one of the things to choose.
    pub fn choose(&mut self, at: usize) -> Answer {
        self.cursor = at;
        self.enter()
    }

    fn enter(&self) -> Answer {
        match self.shown.get(self.cursor).map(|item| item.chosen.clone()) {
            Some(Chosen::Do(action)) => Answer::CloseAnd(action),
            Some(Chosen::Type(text)) => Answer::CloseAnd(Action::CommandLine(text)),
            None => Answer::Taken,
        }
    }

    /// Loops were found.
    pub fn take(&mut self, found: Found) {
        if found.generation == self.generation {
            self.found = found.loops;
            self.is_stale = true;
        }
    }

    pub(super) fn settle(&mut self, state: &State) -> Vec<Effect> {
        if !std::mem::take(&mut self.is_stale) {
            return vec![];
        }
        let words = self.input.value().trim().to_owned();
        let is_new = self.asked.as_ref() != Some(&words);
        if is_new {
            self.cursor = 0;
        }
        self.shown = items(state, &words, &self.found);
        self.cursor = self.cursor.min(self.shown.len().saturating_sub(1));
        if !is_new {
            return vec![];
        }
        self.generation += 1;
        self.asked = Some(words.clone());
        if words.is_empty() {
            self.found.clear();
            return vec![];
        }
        let rows = state.world.fleet.snapshot();
        vec![Effect::Seek(SeekJob { generation: self.generation, words, rows })]
    }
}

impl Item {
    /// What stands in the command line when one goes on typing.
    fn typed(&self) -> String {
        match &self.chosen {
            Chosen::Do(_) => self.name.clone(),
            Chosen::Type(text) => text.clone(),
        }
    }
}

/// What fits the words, best first; all commands, where there are none.
fn items(state: &State, words: &str, found: &[FoundLoop]) -> Vec<Item> {
    let mut scores = Scores::new(words);
    let mut items: Vec<Item> = vec![];
    let lower = words.to_lowercase();
    let mut take = |item: Item, less: u32| {
        // Letters that are strewn over a whole sentence say nothing.
        let told = || item.about.to_lowercase().contains(&lower).then_some(0);
        let Some(score) = scores.of(&item.name).or_else(told) else { return };
        let recent = state.typed.iter().rev().position(|typed| *typed == item.name);
        let recent =
            recent.map_or(0, |ago| RECENT.saturating_sub(u32::try_from(ago).unwrap_or(RECENT)));
        items.push(Item { score: (score + recent).saturating_sub(less), ..item });
    };
    for command in command::all() {
        let item = item(state, command.name, command);
        take(item, 0);
        if words.is_empty() {
            continue;
        }
        let expanded = match command.completes {
            // Those are found elsewhere.
            Completes::Loops => vec![],
            // What a list would begin with is nothing to be done yet.
            Completes::ColumnChanges => vec![],
            Completes::Words
            | Completes::Filter
            | Completes::Themes
            | Completes::Columns
            | Completes::Views => complete::words(command, "", &state.world),
        };
        for (word, about) in expanded {
            let name = format!("{} {word}", command.name);
            let mut item = self::item(state, &name, command);
            if !about.is_empty() {
                item.about = about;
            }
            take(item, WORD);
        }
    }
    let loops = found.iter().map(|found| Item {
        name: format!("loop {}", found.id),
        about: found.title.clone(),
        keys: String::new(),
        chosen: Chosen::Do(Action::Go(crate::action::Destination::Loop(found.id.clone()))),
        score: found.score,
    });
    items.extend(loops);
    // Stable: of equals, those come first that help lists first.
    items.sort_by_key(|item| std::cmp::Reverse(item.score));
    items
}

fn item(state: &State, name: &str, command: &Command) -> Item {
    let contexts = state.tabs.current().place.contexts();
    let (chosen, keys) = match command::parse(name) {
        Ok(action) => {
            let keys = state.keymap.keys_of(contexts, &action).map(keys_text);
            (Chosen::Do(action), keys.unwrap_or_default())
        }
        Err(_) => (Chosen::Type(format!("{name} ")), String::new()),
    };
    Item { name: name.to_owned(), about: command.help.to_owned(), keys, chosen, score: 0 }
}

impl Default for Palette {
    fn default() -> Self {
        Self::new()
    }
}
