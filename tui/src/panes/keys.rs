//! Keys and the mouse of this program in the words of terminals. Pure.

use smith_term::input::{self, Modifiers, MouseEvent};
use smith_term::screen::Modes;

use crate::keys::{Chord, Key};
use crate::msg::{Button, Mouse, MouseKind};

/// What a program reads for a key.
pub fn bytes_of(chord: Chord, modes: &Modes) -> Vec<u8> {
    let Chord { key, ctrl, alt, shift } = chord;
    let key = match key {
        Key::Char(c) => input::Key::Char(c),
        Key::F(n) => input::Key::F(n),
        Key::Up => input::Key::Up,
        Key::Down => input::Key::Down,
        Key::Left => input::Key::Left,
        Key::Right => input::Key::Right,
        Key::Home => input::Key::Home,
        Key::End => input::Key::End,
        Key::PageUp => input::Key::PageUp,
        Key::PageDown => input::Key::PageDown,
        Key::Enter => input::Key::Enter,
        Key::Esc => input::Key::Escape,
        Key::Tab => input::Key::Tab,
        Key::Backspace => input::Key::Backspace,
        Key::Delete => input::Key::Delete,
        Key::Insert => input::Key::Insert,
    };
    input::key(key, held(ctrl, alt, shift), modes)
}

/// What the mouse did, at a cell of a pane.
pub fn mouse_of(mouse: Mouse, column: u16, row: u16) -> MouseEvent {
    let Mouse { kind, shift, ctrl, alt, .. } = mouse;
    let action = match kind {
        MouseKind::Down(which) => input::Action::Press(button(which)),
        MouseKind::Up(which) => input::Action::Release(button(which)),
        MouseKind::Drag(which) => input::Action::Drag(button(which)),
        MouseKind::WheelUp => input::Action::WheelUp,
        MouseKind::WheelDown => input::Action::WheelDown,
    };
    MouseEvent { action, column, row, held: held(ctrl, alt, shift) }
}

fn held(ctrl: bool, alt: bool, shift: bool) -> Modifiers {
    let mut held = Modifiers::NONE;
    for (is_held, modifier) in
        [(ctrl, Modifiers::CTRL), (alt, Modifiers::ALT), (shift, Modifiers::SHIFT)]
    {
        if is_held {
            held |= modifier;
        }
    }
    held
}

fn button(button: Button) -> input::Button {
    match button {
        Button::Left => input::Button::Left,
        Button::Middle => input::Button::Middle,
        Button::Right => input::Button::Right,
    }
}
