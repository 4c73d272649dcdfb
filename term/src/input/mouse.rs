//! The mouse. What is reported depends on the tracking mode (1000, 1002 or 1003), how on the encoding (none,
//! 1005 or 1006); where nothing is, the wheel moves the cursor on the alternate screen (1007).

use super::{Key, Modifiers, key};
use crate::screen::{Modes, Mouse, MouseEncoding};

/// How many lines one notch of the wheel stands for where it sends cursor keys, and a fair measure for a
/// viewer's own scrolling.
pub const WHEEL_LINES: usize = 3;

/// A button.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Button {
    /// The left one.
    Left,
    /// The middle one.
    Middle,
    /// The right one.
    Right,
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// A button went down.
    Press(Button),
    /// A button went up.
    Release(Button),
    /// The mouse moved while a button was held.
    Drag(Button),
    /// The mouse moved.
    Move,
    /// The wheel, away from the person.
    WheelUp,
    /// The wheel, towards the person.
    WheelDown,
    /// The wheel, to the left.
    WheelLeft,
    /// The wheel, to the right.
    WheelRight,
}

/// Something done with the mouse on a terminal's screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MouseEvent {
    /// What.
    pub action: Action,
    /// The cell's column, from 0.
    pub column: u16,
    /// The cell's row, from 0.
    pub row: u16,
    /// What was held meanwhile.
    pub held: Modifiers,
}

/// The bytes of it; `None` where the program doesn't want to hear of it, and the viewer may do something of
/// its own, such as scrolling. Empty where the program does, but the encoding has no place for it.
pub fn mouse(event: MouseEvent, modes: &Modes) -> Option<Vec<u8>> {
    let wanted = match (modes.mouse, event.action) {
        (Mouse::Off, _) => return alternate_scroll(event.action, modes),
        (Mouse::Clicks, Action::Drag(_) | Action::Move) | (Mouse::Drag, Action::Move) => false,
        (Mouse::Clicks | Mouse::Drag | Mouse::Motion, _) => true,
    };
    wanted.then(|| report(event, modes.mouse_encoding))
}

fn alternate_scroll(action: Action, modes: &Modes) -> Option<Vec<u8>> {
    let arrow = match action {
        Action::WheelUp => Key::Up,
        Action::WheelDown => Key::Down,
        Action::Press(_)
        | Action::Release(_)
        | Action::Drag(_)
        | Action::Move
        | Action::WheelLeft
        | Action::WheelRight => return None,
    };
    let scrolls = modes.alternate_screen && modes.alternate_scroll;
    scrolls.then(|| key(arrow, Modifiers::NONE, modes).repeat(WHEEL_LINES))
}

/// Added to a button while it moves.
const MOTION: u16 = 32;
/// Instead of a button: none, or whichever it was.
const NO_BUTTON: u16 = 3;

fn report(event: MouseEvent, encoding: MouseEncoding) -> Vec<u8> {
    let MouseEvent { action, column, row, held } = event;
    let number = |button| match button {
        Button::Left => 0,
        Button::Middle => 1,
        Button::Right => 2,
    };
    let (code, last) = match action {
        Action::Press(button) => (number(button), 'M'),
        Action::Release(button) if encoding == MouseEncoding::Sgr => (number(button), 'm'),
        Action::Release(_) => (NO_BUTTON, 'M'),
        Action::Drag(button) => (number(button) + MOTION, 'M'),
        Action::Move => (NO_BUTTON + MOTION, 'M'),
        Action::WheelUp => (64, 'M'),
        Action::WheelDown => (65, 'M'),
        Action::WheelLeft => (66, 'M'),
        Action::WheelRight => (67, 'M'),
    };
    // Shift is 4, Meta 8, Control 16.
    let code = code + u16::from(held.0) * 4;
    let (x, y) = (column.saturating_add(1), row.saturating_add(1));
    if encoding == MouseEncoding::Sgr {
        return format!("\x1b[<{code};{x};{y}{last}").into_bytes();
    }
    // Values begin at 32, and end with a byte, or with what UTF-8 has two bytes for.
    let most = if encoding == MouseEncoding::Utf8 { 0x7ff } else { 0xff };
    let values = [code, x, y].map(|value| value.saturating_add(32));
    if values.iter().any(|value| *value > most) {
        return vec![];
    }
    let mut out = b"\x1b[M".to_vec();
    for value in values {
        match (encoding, u8::try_from(value)) {
            (MouseEncoding::Bytes, Ok(byte)) => out.push(byte),
            _ => {
                let c = char::from_u32(value.into()).expect("below the surrogates");
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
    }
    out
}
