//! What crossterm reads, in this program's words.

use crossterm::event::{
    Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};

use crate::keys::{Chord, Key};
use crate::msg::{Button, Mouse, MouseKind, Msg};

/// The message of an event; nothing, for what means nothing here.
pub(super) fn msg(event: Event) -> Option<Msg> {
    Some(match event {
        Event::Key(event) => Msg::Key(chord(event)?),
        Event::Paste(text) => Msg::Paste(text),
        Event::Mouse(event) => Msg::Mouse(mouse(event)?),
        Event::Resize(columns, rows) => Msg::Resize { columns: columns.max(1), rows: rows.max(1) },
        Event::FocusGained => Msg::Focus(true),
        Event::FocusLost => Msg::Focus(false),
    })
}

fn chord(event: KeyEvent) -> Option<Chord> {
    let KeyEvent { code, modifiers, kind, state: _ } = event;
    if kind == KeyEventKind::Release {
        return None;
    }
    let mut shift = modifiers.contains(KeyModifiers::SHIFT);
    let key = match code {
        KeyCode::Char(c) => {
            shift = false;
            Key::Char(c)
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
