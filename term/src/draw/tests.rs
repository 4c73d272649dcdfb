//! What is drawn shows the same on another terminal, and holds nothing else.

use proptest::prelude::*;

use super::*;
use crate::corpus::{HOSTILE, foreign};
use crate::engine::Engine;
use crate::size::Size;

fn size(columns: u16, rows: u16) -> Size {
    Size::new(columns, rows).unwrap()
}

/// The person's terminal, after what was drawn.
fn drawn(window: &mut Engine, painter: &mut Painter, screen: &Screen) -> Vec<u8> {
    let bytes = painter.paint(screen);
    window.feed(&bytes);
    bytes
}

fn same(window: &Engine, screen: &Screen) {
    let seen = window.screen();
    for (at, (seen, row)) in seen.rows.iter().zip(&screen.rows).enumerate() {
        let plain = |row: &Row| {
            let mut cells = row.cells.clone();
            cells.iter_mut().filter(|c| c.span == Span::Pad).for_each(|c| c.span = Span::Narrow);
            cells
        };
        assert_eq!(plain(seen), plain(row), "row {at}");
    }
    let place = |screen: &Screen| screen.cursor.map(|c| (c.row, c.column));
    assert_eq!(place(&seen), place(screen));
}

#[test]
fn nothing_of_a_hostile_program_gets_through() {
    for (columns, rows) in [(80, 24), (2, 1), (5, 3)] {
        for (name, bytes) in HOSTILE {
            let mut engine = Engine::new(size(columns, rows));
            let mut window = Engine::new(size(columns, rows));
            let mut painter = Painter::new(columns, rows);
            for step in [b"before\r\n", *bytes, b"after"] {
                let fed = engine.feed(step);
                assert!(!fed.replaced, "{name}");
                let out = drawn(&mut window, &mut painter, &engine.screen());
                assert_eq!(foreign(&out), [""; 0], "{name}");
                same(&window, &engine.screen());
            }
            let title = engine.title().unwrap_or_default();
            assert!(title.chars().all(is_printable), "{name}: {title:?}");
            assert!(engine.to_text().chars().all(|c| c == '\n' || is_printable(c)), "{name}");
        }
    }
}

#[test]
fn a_window_may_be_smaller_or_larger() {
    let mut engine = Engine::new(size(10, 5));
    engine.feed("1\r\n2\r\n3\r\n4漢字漢字\r\n5\x1b[2G".as_bytes());
    let mut window = Engine::new(size(4, 2));
    drawn(&mut window, &mut Painter::new(4, 2), &engine.screen());
    assert_eq!(window.screen().to_text(), "4漢\n5\n");
    assert_eq!(window.screen().cursor.map(|c| (c.row, c.column)), Some((1, 1)));
    let mut window = Engine::new(size(20, 8));
    drawn(&mut window, &mut Painter::new(20, 8), &engine.screen());
    assert_eq!(window.screen().to_text(), engine.to_text());
}

#[test]
fn only_what_differs_is_drawn() {
    let mut engine = Engine::new(size(80, 24));
    let mut painter = Painter::new(80, 24);
    engine.feed(b"hello");
    painter.paint(&engine.screen());
    assert_eq!(painter.paint(&engine.screen()), b"");
    engine.feed(b"!");
    let out = painter.paint(&engine.screen());
    assert!(out.len() < 80, "{}", out.escape_ascii());
    painter.reset(80, 24);
    assert!(painter.paint(&engine.screen()).escape_ascii().to_string().contains("hello!"));
}

#[test]
fn keys_are_sent_as_the_program_asked() {
    let mut engine = Engine::new(size(80, 24));
    let plain = Modes::default();
    assert_eq!(input_modes(&plain, &plain), b"");
    engine.feed(b"\x1b[?1h\x1b=\x1b[?2004h\x1b[?1003h\x1b[?1006h");
    let asked = engine.screen().modes;
    let on = input_modes(&plain, &asked);
    assert_eq!(on.escape_ascii().to_string(), r"\x1b[?1h\x1b=\x1b[?2004h\x1b[?1003h\x1b[?1006h");
    let mut window = Engine::new(size(80, 24));
    window.feed(&on);
    assert_eq!(window.screen().modes, asked);
    engine.feed(b"\x1b[?1000h");
    let clicks = engine.screen().modes;
    window.feed(&input_modes(&asked, &clicks));
    assert_eq!(window.screen().modes, clicks);
    window.feed(&input_modes(&clicks, &plain));
    assert_eq!(window.screen().modes, plain);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_window_shows_what_the_engine_does(
        texts in prop::collection::vec("[a-c\u{e4}漢\u{1f44d}\u{301}\u{202e}\r\n\t]{0,10}|\x1b\\[[0-9]{0,2};?[0-9]{0,2}[A-KPXm@LMST]", 1..30),
    ) {
        let mut engine = Engine::new(size(9, 4));
        let mut window = Engine::new(size(9, 4));
        let mut painter = Painter::new(9, 4);
        for text in texts {
            engine.feed(text.as_bytes());
            let out = drawn(&mut window, &mut painter, &engine.screen());
            prop_assert_eq!(foreign(&out), [""; 0]);
            same(&window, &engine.screen());
        }
    }
}
