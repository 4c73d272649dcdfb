//! Keys, pastes and the mouse beside the tables of "XTerm Control Sequences" and of terminfo.

use proptest::prelude::*;

use super::*;
use crate::engine::Engine;
use crate::screen::{Mouse, MouseEncoding};
use crate::size::Size;

const PLAIN: Modifiers = Modifiers::NONE;
const SHIFT: Modifiers = Modifiers::SHIFT;
const ALT: Modifiers = Modifiers::ALT;
const CTRL: Modifiers = Modifiers::CTRL;

/// What a program gets that asked for this before.
#[track_caller]
fn check(asked: &str, table: &[(Key, Modifiers, &str)]) {
    let modes = after(asked);
    for (pressed, held, expected) in table {
        let sent = key(*pressed, *held, &modes);
        let sent = sent.escape_ascii().to_string();
        assert_eq!(sent, expected.as_bytes().escape_ascii().to_string(), "{pressed:?} {held:?}");
    }
}

fn after(asked: &str) -> Modes {
    let mut engine = Engine::new(Size::DEFAULT);
    engine.feed(asked.as_bytes());
    engine.screen().modes
}

#[test]
fn characters_are_themselves_and_control_makes_the_ones_below_space() {
    check(
        "",
        &[
            (Key::Char('a'), PLAIN, "a"),
            (Key::Char('a'), SHIFT, "A"),
            (Key::Char('ä'), PLAIN, "ä"),
            (Key::Char('漢'), ALT, "\x1b漢"),
            (Key::Char('a'), CTRL, "\x01"),
            (Key::Char('A'), CTRL, "\x01"),
            (Key::Char('z'), CTRL, "\x1a"),
            (Key::Char('c'), CTRL | ALT, "\x1b\x03"),
            (Key::Char(' '), CTRL, "\0"),
            (Key::Char('@'), CTRL, "\0"),
            (Key::Char('['), CTRL, "\x1b"),
            (Key::Char('\\'), CTRL, "\x1c"),
            (Key::Char(']'), CTRL, "\x1d"),
            (Key::Char('^'), CTRL, "\x1e"),
            (Key::Char('_'), CTRL, "\x1f"),
            (Key::Char('/'), CTRL, "\x1f"),
            (Key::Char('?'), CTRL, "\x7f"),
            (Key::Char('2'), CTRL, "\0"),
            (Key::Char('3'), CTRL, "\x1b"),
            (Key::Char('7'), CTRL, "\x1f"),
            (Key::Char('8'), CTRL, "\x7f"),
            (Key::Char('1'), CTRL, "1"),
            (Key::Char('ä'), CTRL, "ä"),
        ],
    );
}

#[test]
fn keys_that_are_no_characters_have_the_sequences_of_xterm() {
    check(
        "",
        &[
            (Key::Up, PLAIN, "\x1b[A"),
            (Key::Down, PLAIN, "\x1b[B"),
            (Key::Right, PLAIN, "\x1b[C"),
            (Key::Left, PLAIN, "\x1b[D"),
            (Key::Home, PLAIN, "\x1b[H"),
            (Key::End, PLAIN, "\x1b[F"),
            (Key::Up, SHIFT, "\x1b[1;2A"),
            (Key::Up, ALT, "\x1b[1;3A"),
            (Key::Up, CTRL, "\x1b[1;5A"),
            (Key::Left, SHIFT | ALT | CTRL, "\x1b[1;8D"),
            (Key::Home, CTRL, "\x1b[1;5H"),
            (Key::Insert, PLAIN, "\x1b[2~"),
            (Key::Delete, PLAIN, "\x1b[3~"),
            (Key::PageUp, PLAIN, "\x1b[5~"),
            (Key::PageDown, PLAIN, "\x1b[6~"),
            (Key::Delete, CTRL, "\x1b[3;5~"),
            (Key::PageUp, SHIFT, "\x1b[5;2~"),
            (Key::Backspace, PLAIN, "\x7f"),
            (Key::Backspace, CTRL, "\x08"),
            (Key::Backspace, ALT, "\x1b\x7f"),
            (Key::Tab, PLAIN, "\t"),
            (Key::Tab, SHIFT, "\x1b[Z"),
            (Key::BackTab, PLAIN, "\x1b[Z"),
            (Key::BackTab, SHIFT, "\x1b[Z"),
            (Key::Enter, PLAIN, "\r"),
            (Key::Enter, ALT, "\x1b\r"),
            (Key::Escape, PLAIN, "\x1b"),
            (Key::Escape, ALT, "\x1b\x1b"),
        ],
    );
    check("\x1b[20h", &[(Key::Enter, PLAIN, "\r\n")]);
}

#[test]
fn function_keys_are_those_of_terminfo() {
    let plain = [
        "\x1bOP", "\x1bOQ", "\x1bOR", "\x1bOS", "\x1b[15~", "\x1b[17~", "\x1b[18~", "\x1b[19~",
        "\x1b[20~", "\x1b[21~", "\x1b[23~", "\x1b[24~",
    ];
    for (n, expected) in (1..).zip(plain) {
        check("", &[(Key::F(n), PLAIN, expected)]);
    }
    check(
        "",
        &[
            (Key::F(1), CTRL, "\x1b[1;5P"),
            (Key::F(5), ALT, "\x1b[15;3~"),
            (Key::F(13), PLAIN, "\x1b[1;2P"),
            (Key::F(20), PLAIN, "\x1b[19;2~"),
            (Key::F(24), CTRL, "\x1b[24;6~"),
            (Key::F(0), PLAIN, ""),
            (Key::F(25), PLAIN, ""),
            (Key::F(255), CTRL, ""),
        ],
    );
}

#[test]
fn cursor_and_keypad_modes_change_what_they_are_for() {
    check(
        "\x1b[?1h\x1b=",
        &[
            (Key::Up, PLAIN, "\x1bOA"),
            (Key::End, PLAIN, "\x1bOF"),
            (Key::Up, CTRL, "\x1b[1;5A"),
            (Key::PageUp, PLAIN, "\x1b[5~"),
            (Key::Char('5'), PLAIN, "5"),
            (Key::Keypad('0'), PLAIN, "\x1bOp"),
            (Key::Keypad('9'), PLAIN, "\x1bOy"),
            (Key::Keypad('*'), PLAIN, "\x1bOj"),
            (Key::Keypad('+'), PLAIN, "\x1bOk"),
            (Key::Keypad(','), PLAIN, "\x1bOl"),
            (Key::Keypad('-'), PLAIN, "\x1bOm"),
            (Key::Keypad('.'), PLAIN, "\x1bOn"),
            (Key::Keypad('/'), PLAIN, "\x1bOo"),
            (Key::Keypad('='), PLAIN, "\x1bOX"),
            (Key::Keypad('\r'), PLAIN, "\x1bOM"),
        ],
    );
    check(
        "\x1b[?1l\x1b>",
        &[
            (Key::Keypad('0'), PLAIN, "0"),
            (Key::Keypad('\r'), PLAIN, "\r"),
            (Key::Keypad('x'), PLAIN, "x"),
        ],
    );
}

#[test]
fn a_paste_stands_between_marks_where_the_program_asked() {
    let bracketed = after("\x1b[?2004h");
    let sent = |text: &str, modes: &Modes| String::from_utf8(paste(text, modes)).unwrap();
    assert_eq!(sent("a\r\nb\n\tc\r", &Modes::default()), "a\rb\r\tc\r");
    assert_eq!(sent("ä\n", &bracketed), "\x1b[200~ä\r\x1b[201~");
    // What would end the marks, or interrupt the program, is no text.
    assert_eq!(
        sent("a\x1b[201~\nrm\x03\u{9b}201~\x7f", &bracketed),
        "\x1b[200~a[201~\rrm201~\x1b[201~"
    );
    assert_eq!(sent("\x03\x04\x1a", &Modes::default()), "");
}

#[test]
fn the_focus_is_told_to_those_who_asked() {
    let asked = after("\x1b[?1004h");
    assert_eq!(focus(Focus::In, &asked), Some(&b"\x1b[I"[..]));
    assert_eq!(focus(Focus::Out, &asked), Some(&b"\x1b[O"[..]));
    assert_eq!(focus(Focus::In, &Modes::default()), None);
}

fn at(action: Action, column: u16, row: u16) -> MouseEvent {
    MouseEvent { action, column, row, held: PLAIN }
}

#[test]
fn the_mouse_is_written_in_each_encoding() {
    use Action::{Drag, Move, Press, Release, WheelDown, WheelLeft, WheelRight, WheelUp};
    let sgr = after("\x1b[?1003h\x1b[?1006h");
    let bytes = after("\x1b[?1003h");
    for (action, in_sgr, in_bytes) in [
        (Press(Button::Left), "\x1b[<0;3;5M", "\x1b[M #%"),
        (Press(Button::Middle), "\x1b[<1;3;5M", "\x1b[M!#%"),
        (Press(Button::Right), "\x1b[<2;3;5M", "\x1b[M\"#%"),
        (Release(Button::Right), "\x1b[<2;3;5m", "\x1b[M##%"),
        (Drag(Button::Left), "\x1b[<32;3;5M", "\x1b[M@#%"),
        (Move, "\x1b[<35;3;5M", "\x1b[MC#%"),
        (WheelUp, "\x1b[<64;3;5M", "\x1b[M`#%"),
        (WheelDown, "\x1b[<65;3;5M", "\x1b[Ma#%"),
        (WheelLeft, "\x1b[<66;3;5M", "\x1b[Mb#%"),
        (WheelRight, "\x1b[<67;3;5M", "\x1b[Mc#%"),
    ] {
        let event = at(action, 2, 4);
        assert_eq!(mouse(event, &sgr), Some(in_sgr.into()), "{action:?}");
        assert_eq!(mouse(event, &bytes), Some(in_bytes.into()), "{action:?}");
    }
    let held = MouseEvent { held: SHIFT | CTRL, ..at(Press(Button::Left), 0, 0) };
    assert_eq!(mouse(held, &sgr), Some("\x1b[<20;1;1M".into()));
    // Far out: bytes end at 223, UTF-8 at 2015.
    let utf8 = after("\x1b[?1003h\x1b[?1005h");
    let far = at(Press(Button::Left), 300, 10);
    assert_eq!(mouse(far, &bytes), Some(vec![]));
    assert_eq!(mouse(far, &utf8), Some("\x1b[M \u{14d}+".into()));
    assert_eq!(mouse(at(Move, 222, 0), &bytes), Some(b"\x1b[MC\xff!".to_vec()));
    assert_eq!(mouse(far, &sgr), Some("\x1b[<0;301;11M".into()));
}

#[test]
fn only_the_movements_that_were_asked_for_are_told() {
    let press = at(Action::Press(Button::Left), 0, 0);
    let drag = at(Action::Drag(Button::Left), 0, 0);
    let moved = at(Action::Move, 0, 0);
    let wheel = at(Action::WheelDown, 0, 0);
    let told = |asked: &str| {
        let modes = after(asked);
        [press, drag, moved, wheel].map(|event| mouse(event, &modes).is_some())
    };
    assert_eq!(told(""), [false; 4]);
    assert_eq!(told("\x1b[?1000h"), [true, false, false, true]);
    assert_eq!(told("\x1b[?1002h"), [true, true, false, true]);
    assert_eq!(told("\x1b[?1003h"), [true; 4]);
}

#[test]
fn on_the_alternate_screen_the_wheel_moves_the_cursor() {
    let wheel = |asked: &str, action| mouse(at(action, 5, 5), &after(asked));
    assert_eq!(wheel("\x1b[?1049h", Action::WheelUp), Some("\x1b[A\x1b[A\x1b[A".into()));
    assert_eq!(wheel("\x1b[?1049h\x1b[?1h", Action::WheelDown), Some("\x1bOB\x1bOB\x1bOB".into()));
    assert_eq!(wheel("\x1b[?1049h\x1b[?1007l", Action::WheelUp), None);
    assert_eq!(wheel("", Action::WheelUp), None);
    assert_eq!(wheel("\x1b[?1049h", Action::WheelLeft), None);
    let tracked = wheel("\x1b[?1049h\x1b[?1000h\x1b[?1006h", Action::WheelUp);
    assert_eq!(tracked, Some("\x1b[<64;6;6M".into()));
}

fn any_action() -> impl Strategy<Value = Action> {
    let button = prop_oneof![Just(Button::Left), Just(Button::Middle), Just(Button::Right)];
    button.prop_flat_map(|button| {
        prop_oneof![
            Just(Action::Press(button)),
            Just(Action::Release(button)),
            Just(Action::Drag(button)),
            Just(Action::Move),
            Just(Action::WheelUp),
            Just(Action::WheelRight),
        ]
    })
}

proptest! {
    #[test]
    fn nothing_in_a_paste_acts(text in "[a\\x00-\\x1f\\x7f\u{80}-\u{9f}\\[~0-2]{0,60}", bracketed: bool) {
        let modes = Modes { bracketed_paste: bracketed, ..Modes::default() };
        let sent = String::from_utf8(paste(&text, &modes)).unwrap();
        let inner = match bracketed {
            true => sent.strip_prefix("\x1b[200~").and_then(|s| s.strip_suffix("\x1b[201~")).unwrap(),
            false => &sent,
        };
        prop_assert!(inner.chars().all(|c| !c.is_control() || matches!(c, '\r' | '\t')));
    }

    #[test]
    fn no_place_of_the_mouse_is_too_far(
        action in any_action(), column: u16, row: u16, held in 0_u8..8, encoding in 0..3,
    ) {
        let encoding = [MouseEncoding::Bytes, MouseEncoding::Utf8, MouseEncoding::Sgr][encoding as usize];
        let modes = Modes { mouse: Mouse::Motion, mouse_encoding: encoding, ..Modes::default() };
        let sent = mouse(MouseEvent { action, column, row, held: Modifiers(held) }, &modes).unwrap();
        let is_expected = match encoding {
            MouseEncoding::Sgr => sent.starts_with(b"\x1b[<"),
            MouseEncoding::Utf8 => sent.is_empty() || str::from_utf8(&sent).is_ok_and(|s| s.chars().count() == 6),
            MouseEncoding::Bytes => sent.is_empty() || sent.len() == 6,
        };
        prop_assert!(is_expected, "{}", sent.escape_ascii());
    }
}
