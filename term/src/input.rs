//! What a person does at a terminal, as the bytes that its program reads: keys, pastes, the mouse, the focus.
//!
//! After "XTerm Control Sequences" (Thomas Dickey, invisible-island.net/xterm/ctlseqs), sections "PC-Style
//! Function Keys", "VT220-Style Function Keys", "Bracketed Paste Mode" and "Mouse Tracking", and terminfo's
//! `xterm-256color`, which is what a worker's programs are told that they run in. The [`Modes`] are those of
//! the program's screen at this moment. Nothing here knows where keys come from: whoever reads a keyboard
//! translates.
//!
//! What a program didn't ask for is answered with `None`: it is the viewer's own to act on.

mod mouse;

pub use self::mouse::{Action, Button, MouseEvent, WHEEL_LINES, mouse};

use std::ops::{BitOr, BitOrAssign};

use crate::screen::Modes;

/// A key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// A character, as the keyboard's layout and Shift made it.
    Char(char),
    /// A key of the keypad: a digit, one of `+ - * / = . ,`, or, for its Enter, a carriage return.
    Keypad(char),
    /// An arrow.
    Up,
    /// An arrow.
    Down,
    /// An arrow.
    Left,
    /// An arrow.
    Right,
    /// Home.
    Home,
    /// End.
    End,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// Insert.
    Insert,
    /// Delete, which takes away to the right.
    Delete,
    /// Backspace, which takes away to the left.
    Backspace,
    /// Tab.
    Tab,
    /// Tab with Shift, where the keyboard knows it as a key.
    BackTab,
    /// Enter.
    Enter,
    /// Escape.
    Escape,
    /// F1 to F24; there are no others.
    F(u8),
}

/// What is held down meanwhile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Modifiers(u8);

impl Modifiers {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// Shift.
    pub const SHIFT: Self = Self(1);
    /// Alt, or Meta.
    pub const ALT: Self = Self(2);
    /// Control.
    pub const CTRL: Self = Self(4);

    /// Whether all of these are held.
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// As the parameter of a sequence: 1 is none.
    fn param(self) -> u8 {
        1 + self.0
    }
}

impl BitOr for Modifiers {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Modifiers {
    fn bitor_assign(&mut self, other: Self) {
        *self = *self | other;
    }
}

/// The bytes of a key; none for those that don't exist.
pub fn key(key: Key, held: Modifiers, modes: &Modes) -> Vec<u8> {
    match key {
        Key::Char(c) => character(c, held),
        Key::Keypad(c) => match keypad(c).filter(|_| modes.app_keypad) {
            Some(last) => final_byte(b"\x1bO", last, held),
            None if c == '\r' => enter(held, modes),
            None => character(c, held),
        },
        Key::Up => cursor(b'A', held, modes),
        Key::Down => cursor(b'B', held, modes),
        Key::Right => cursor(b'C', held, modes),
        Key::Left => cursor(b'D', held, modes),
        Key::Home => cursor(b'H', held, modes),
        Key::End => cursor(b'F', held, modes),
        Key::Insert => numbered(2, held),
        Key::Delete => numbered(3, held),
        Key::PageUp => numbered(5, held),
        Key::PageDown => numbered(6, held),
        Key::Backspace if held.contains(Modifiers::CTRL) => behind_alt(b"\x08", held),
        Key::Backspace => behind_alt(b"\x7f", held),
        Key::Tab if held.contains(Modifiers::SHIFT) => behind_alt(b"\x1b[Z", held),
        Key::Tab => behind_alt(b"\t", held),
        Key::BackTab => behind_alt(b"\x1b[Z", held),
        Key::Enter => enter(held, modes),
        Key::Escape => behind_alt(b"\x1b", held),
        Key::F(n) => function(n, held),
    }
}

/// The bytes of a paste. Line ends are what Enter sends; other controls are left out, but for tabs: they would
/// end the marks that a paste stands between, or act where the program asked for none.
pub fn paste(text: &str, modes: &Modes) -> Vec<u8> {
    let (begin, end) = if modes.bracketed_paste { ("\x1b[200~", "\x1b[201~") } else { ("", "") };
    let mut out = Vec::with_capacity(begin.len() + text.len() + end.len());
    out.extend_from_slice(begin.as_bytes());
    let mut was_return = false;
    for c in text.chars() {
        match c {
            // Of a pair the first one counts.
            '\n' if was_return => {}
            '\n' | '\r' => out.push(b'\r'),
            '\t' => out.push(b'\t'),
            c if c.is_control() => {}
            c => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
        was_return = c == '\r';
    }
    out.extend_from_slice(end.as_bytes());
    out
}

/// Whether a terminal has the keyboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Focus {
    /// It got it.
    In,
    /// It lost it.
    Out,
}

/// What a program hears of the focus, if it wants to.
pub fn focus(focus: Focus, modes: &Modes) -> Option<&'static [u8]> {
    let bytes: &[u8] = match focus {
        Focus::In => b"\x1b[I",
        Focus::Out => b"\x1b[O",
    };
    modes.focus.then_some(bytes)
}

fn character(c: char, held: Modifiers) -> Vec<u8> {
    let c = if held.contains(Modifiers::SHIFT) { c.to_ascii_uppercase() } else { c };
    match control(c).filter(|_| held.contains(Modifiers::CTRL)) {
        Some(byte) => behind_alt(&[byte], held),
        None => behind_alt(c.encode_utf8(&mut [0; 4]).as_bytes(), held),
    }
}

/// What a character is with Control, where it is anything else: the five lowest bits of the upper case ones,
/// and what VT220 keyboards have for the rest.
fn control(c: char) -> Option<u8> {
    let byte = u8::try_from(c).ok()?;
    match byte {
        b'@'..=b'_' | b'a'..=b'z' => Some(byte & 0x1f),
        b' ' | b'2' | b'`' => Some(0),
        b'3'..=b'7' => Some(byte - b'3' + 0x1b),
        b'/' => Some(0x1f),
        b'8' | b'?' => Some(0x7f),
        b'~' => Some(0x1e),
        _ => None,
    }
}

fn keypad(c: char) -> Option<u8> {
    match c {
        '0'..='9' | '*'..='/' => Some(c as u8 + 0x40),
        '=' => Some(b'X'),
        '\r' => Some(b'M'),
        _ => None,
    }
}

fn enter(held: Modifiers, modes: &Modes) -> Vec<u8> {
    behind_alt(if modes.newline { b"\r\n" } else { b"\r" }, held)
}

fn behind_alt(bytes: &[u8], held: Modifiers) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 1);
    if held.contains(Modifiers::ALT) {
        out.push(0x1b);
    }
    out.extend_from_slice(bytes);
    out
}

fn cursor(last: u8, held: Modifiers, modes: &Modes) -> Vec<u8> {
    final_byte(if modes.app_cursor { b"\x1bO" } else { b"\x1b[" }, last, held)
}

/// A sequence that its last byte tells apart. With something held it is always a CSI one.
fn final_byte(introducer: &[u8], last: u8, held: Modifiers) -> Vec<u8> {
    match held {
        Modifiers::NONE => [introducer, &[last]].concat(),
        held => format!("\x1b[1;{}{}", held.param(), char::from(last)).into_bytes(),
    }
}

/// A sequence that its first parameter tells apart.
fn numbered(n: u8, held: Modifiers) -> Vec<u8> {
    match held {
        Modifiers::NONE => format!("\x1b[{n}~").into_bytes(),
        held => format!("\x1b[{n};{}~", held.param()).into_bytes(),
    }
}

fn function(n: u8, held: Modifiers) -> Vec<u8> {
    match n {
        1..=4 => final_byte(b"\x1bO", b'P' + n - 1, held),
        5 => numbered(15, held),
        6..=10 => numbered(n + 11, held),
        11 | 12 => numbered(n + 12, held),
        // Keyboards end at F12; terminfo has the others as Shift with those.
        13..=24 => function(n - 12, held | Modifiers::SHIFT),
        _ => vec![],
    }
}

#[cfg(test)]
mod tests;
