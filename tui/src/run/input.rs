//! What crossterm reads, in this program's words.

use crossterm::event::{
    Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};

use crate::host;
use crate::keys::{Chord, Key};
use crate::look::Ground;
use crate::msg::{Button, Mouse, MouseKind, Msg};

/// The message of an event; nothing, for what means nothing here.
fn msg(event: Event) -> Option<Msg> {
    Some(match event {
        Event::Key(event) => Msg::Key(chord(event)?),
        Event::Paste(text) => Msg::Paste(text),
        Event::Mouse(event) => Msg::Mouse(mouse(event)?),
        Event::Resize(columns, rows) => Msg::Resize { columns: columns.max(1), rows: rows.max(1) },
        Event::FocusGained => Msg::Focus(true),
        Event::FocusLost => Msg::Focus(false),
    })
}

/// An answer of the terminal about its ground that may come after nobody waits for it any more, and would be read as
/// keys: Alt-], its text, Alt-\\.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Late {
    /// It may come.
    Due,
    /// This came of it.
    Within(String),
    /// It doesn't come any more.
    Over,
}

impl Late {
    /// The most characters of an answer.
    const MOST: usize = 40;

    /// Whether one may come.
    pub(super) fn new(is_late: bool) -> Self {
        if is_late { Self::Due } else { Self::Over }
    }

    /// The message of an event, with those that are one answer taken together.
    pub(super) fn msg(&mut self, event: Event) -> Option<Msg> {
        let Event::Key(KeyEvent { code: KeyCode::Char(c), modifiers, .. }) = event else {
            return msg(event);
        };
        let (ctrl, alt) = (KeyModifiers::CONTROL, KeyModifiers::ALT);
        let is_end = (c == '\\' && modifiers == alt) || (c == 'g' && modifiers == ctrl);
        match (&mut *self, c) {
            (Self::Due, ']') if modifiers == alt => {
                *self = Self::Within(String::new());
                None
            }
            (Self::Within(text), _) if is_end => {
                let ground = host::ground(text);
                *self = Self::Over;
                ground.map(|colour| Msg::Ground(Ground::of(colour)))
            }
            (
                Self::Within(text),
                '0'..='9' | 'a'..='f' | 'A'..='F' | 'r' | 'g' | ':' | ';' | '/',
            ) if text.len() < Self::MOST => {
                text.push(c);
                None
            }
            (Self::Within(_) | Self::Over, _) => {
                *self = Self::Over;
                msg(event)
            }
            (Self::Due, _) => msg(event),
        }
    }
}

fn chord(event: KeyEvent) -> Option<Chord> {
    let KeyEvent { code, modifiers, kind, state: _ } = event;
    if kind == KeyEventKind::Release {
        return None;
    }
    let mut shift = modifiers.contains(KeyModifiers::SHIFT);
    let key = match code {
        KeyCode::Char(c) => {
            // Some terminals say shift beside what it makes; with Control it makes nothing in most.
            let is_upper = shift && !modifiers.contains(KeyModifiers::CONTROL);
            shift = false;
            Key::Char(match c {
                c if modifiers.contains(KeyModifiers::CONTROL) => named(c),
                c if is_upper => c.to_ascii_uppercase(),
                c => c,
            })
        }
        KeyCode::BackTab => {
            shift = true;
            Key::Tab
        }
        KeyCode::F(n) => Key::F(n),
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::Left => Key::Left,
        KeyCode::Right => Key::Right,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Esc,
        KeyCode::Tab => Key::Tab,
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Delete => Key::Delete,
        KeyCode::Insert => Key::Insert,
        _ => return None,
    };
    let ctrl = modifiers.contains(KeyModifiers::CONTROL);
    let alt = modifiers.intersects(KeyModifiers::ALT | KeyModifiers::META);
    Some(Chord { key, ctrl, alt, shift })
}

/// Terminals send the same for `ctrl-]` and `ctrl-5`, and so on; crossterm takes it for the digit, and people call it
/// by the other.
fn named(c: char) -> char {
    match c {
        '4' => '\\',
        '5' => ']',
        '6' => '^',
        '7' => '_',
        c => c,
    }
}

fn mouse(event: MouseEvent) -> Option<Mouse> {
    let MouseEvent { kind, column, row, modifiers } = event;
    let kind = match kind {
        MouseEventKind::Down(which) => MouseKind::Down(button(which)),
        MouseEventKind::Up(which) => MouseKind::Up(button(which)),
        MouseEventKind::Drag(which) => MouseKind::Drag(button(which)),
        MouseEventKind::ScrollUp => MouseKind::WheelUp,
        MouseEventKind::ScrollDown => MouseKind::WheelDown,
        MouseEventKind::Moved | MouseEventKind::ScrollLeft | MouseEventKind::ScrollRight => {
            return None;
        }
    };
    Some(Mouse {
        kind,
        column,
        row,
        shift: modifiers.contains(KeyModifiers::SHIFT),
        ctrl: modifiers.contains(KeyModifiers::CONTROL),
        alt: modifiers.contains(KeyModifiers::ALT),
    })
}

fn button(button: MouseButton) -> Button {
    match button {
        MouseButton::Left => Button::Left,
        MouseButton::Middle => Button::Middle,
        MouseButton::Right => Button::Right,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_answer_is_heard_and_not_typed() {
        let key = |c, modifiers| Event::Key(KeyEvent::new(KeyCode::Char(c), modifiers));
        let said = |late: &mut Late, text: &str| -> String {
            let typed =
                text.chars().filter_map(|c| match late.msg(key(c, KeyModifiers::NONE))? {
                    Msg::Key(chord) => chord.typed(),
                    _ => None,
                });
            typed.collect()
        };
        let begin = || key(']', KeyModifiers::ALT);
        for end in [key('\\', KeyModifiers::ALT), key('g', KeyModifiers::CONTROL)] {
            let mut late = Late::new(true);
            assert_eq!(said(&mut late, "jk"), "jk");
            assert!(late.msg(begin()).is_none());
            assert_eq!(said(&mut late, "11;rgb:ffff/ffff/ffff"), "");
            assert!(matches!(late.msg(end), Some(Msg::Ground(Ground::Light))));
            assert_eq!(said(&mut late, "1r"), "1r");
        }
        let mut typed = Late::new(true);
        assert!(typed.msg(begin()).is_none());
        assert_eq!(said(&mut typed, "quit"), "quit");
        let mut in_time = Late::new(false);
        assert!(matches!(in_time.msg(begin()), Some(Msg::Key(_))));
    }

    #[test]
    fn controls_are_called_as_people_call_them() {
        for (c, held, name) in [
            ('5', KeyModifiers::CONTROL, "ctrl-]"),
            ('4', KeyModifiers::CONTROL, "ctrl-\\"),
            (']', KeyModifiers::CONTROL, "ctrl-]"),
            ('5', KeyModifiers::NONE, "5"),
            ('5', KeyModifiers::ALT, "alt-5"),
        ] {
            let chord = chord(KeyEvent::new(KeyCode::Char(c), held)).unwrap();
            assert_eq!(chord.to_string(), name);
        }
    }
}
