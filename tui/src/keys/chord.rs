//! One press of a key, with what was held down. Pure.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A key, without what was held down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// A character, as the keyboard's layout and shift make it.
    Char(char),
    /// A function key.
    F(u8),
    /// Cursor up.
    Up,
    /// Cursor down.
    Down,
    /// Cursor left.
    Left,
    /// Cursor right.
    Right,
    /// Home.
    Home,
    /// End.
    End,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// Return.
    Enter,
    /// Escape.
    Esc,
    /// Tab.
    Tab,
    /// Backspace.
    Backspace,
    /// Delete.
    Delete,
    /// Insert.
    Insert,
}

/// A key and what was held down with it.
///
/// Shift is part of a character (`G`, not `shift-g`); with other keys it stands for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Chord {
    /// The key.
    pub key: Key,
    /// Control.
    pub ctrl: bool,
    /// Alt, or Meta.
    pub alt: bool,
    /// Shift.
    pub shift: bool,
}

const NAMED: [(&str, Key); 16] = [
    ("space", Key::Char(' ')),
    ("minus", Key::Char('-')),
    ("up", Key::Up),
    ("down", Key::Down),
    ("left", Key::Left),
    ("right", Key::Right),
    ("home", Key::Home),
    ("end", Key::End),
    ("pgup", Key::PageUp),
    ("pgdn", Key::PageDown),
    ("enter", Key::Enter),
    ("esc", Key::Esc),
    ("tab", Key::Tab),
    ("backspace", Key::Backspace),
    ("del", Key::Delete),
    ("ins", Key::Insert),
];

impl Chord {
    /// The key alone.
    pub fn plain(key: Key) -> Self {
        Self { key, ctrl: false, alt: false, shift: false }
    }

    /// The character that is typed by it, if it types one.
    pub fn typed(self) -> Option<char> {
        match self {
            Self { key: Key::Char(c), ctrl: false, alt: false, .. } => Some(c),
            _ => None,
        }
    }

    /// Several, as in a binding: separated by spaces.
    pub fn sequence(text: &str) -> Result<Vec<Self>, String> {
        let chords: Result<Vec<_>, _> = text.split_whitespace().map(str::parse).collect();
        match chords {
            Ok(chords) if chords.is_empty() => Err("no key is named".to_owned()),
            chords => chords,
        }
    }
}

/// Several chords as one writes them.
pub fn keys_text(keys: &[Chord]) -> String {
    let keys: Vec<String> = keys.iter().map(Chord::to_string).collect();
    keys.join(" ")
}

impl FromStr for Chord {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut chord = Self::plain(Key::Esc);
        let mut rest = text;
        while let Some((modifier, tail)) = rest.split_once('-').filter(|(_, tail)| !tail.is_empty())
        {
            match modifier {
                "ctrl" => chord.ctrl = true,
                "alt" => chord.alt = true,
                "shift" => chord.shift = true,
                _ => return Err(unknown(text)),
            }
            rest = tail;
        }
        chord.key = key(rest).ok_or_else(|| unknown(text))?;
        if let (true, Key::Char(c)) = (chord.shift, chord.key) {
            chord.key = Key::Char(c.to_ascii_uppercase());
            chord.shift = false;
        }
        Ok(chord)
    }
}

fn key(text: &str) -> Option<Key> {
    let named = NAMED.iter().find(|(name, _)| *name == text).map(|(_, key)| *key);
    named.or_else(|| {
        let mut chars = text.chars();
        match (chars.next(), chars.as_str()) {
            (Some(c), "") if !c.is_control() => Some(Key::Char(c)),
            (Some('f'), number) => number.parse().ok().filter(|n| (1..=24).contains(n)).map(Key::F),
            _ => None,
        }
    })
}

fn unknown(text: &str) -> String {
    format!("{text:?} isn't a key: write ctrl-x, alt-x, shift-tab, f5, pgdn, G or the like")
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, ctrl, alt, shift } = *self;
        for (held, name) in [(ctrl, "ctrl-"), (alt, "alt-"), (shift, "shift-")] {
            if held {
                f.write_str(name)?;
            }
        }
        if let Some((name, _)) = NAMED.iter().find(|(_, named)| *named == key) {
            return f.write_str(name);
        }
        match key {
            Key::Char(c) => write!(f, "{c}"),
            Key::F(n) => write!(f, "f{n}"),
            _ => unreachable!("every other key is named"),
        }
    }
}

impl From<Chord> for String {
    fn from(chord: Chord) -> Self {
        chord.to_string()
    }
}

impl TryFrom<String> for Chord {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chord_is_what_its_name_says_and_named_as_it_is() {
        for (text, key, ctrl, alt, shift) in [
            ("ctrl-x", Key::Char('x'), true, false, false),
            ("alt-enter", Key::Enter, false, true, false),
            ("shift-tab", Key::Tab, false, false, true),
            ("G", Key::Char('G'), false, false, false),
            ("-", Key::Char('-'), false, false, false),
            ("ctrl--", Key::Char('-'), true, false, false),
            ("f12", Key::F(12), false, false, false),
            ("f", Key::Char('f'), false, false, false),
            ("space", Key::Char(' '), false, false, false),
        ] {
            let chord: Chord = text.parse().unwrap();
            assert_eq!(chord, Chord { key, ctrl, alt, shift }, "{text}");
            assert_eq!(chord.to_string().parse::<Chord>().unwrap(), chord);
        }
        assert_eq!("shift-g".parse::<Chord>().unwrap(), "G".parse().unwrap());
        for wrong in ["", "hyper-x", "ctrl-", "f99", "xy"] {
            assert!(wrong.parse::<Chord>().is_err(), "{wrong}");
        }
        assert_eq!(Chord::sequence("g g").unwrap().len(), 2);
    }
}
