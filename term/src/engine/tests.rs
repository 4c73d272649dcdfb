//! What programs do to a terminal, and what it doesn't let them do.

use super::*;
use crate::screen::{Modes, Mouse, MouseEncoding, Shape, Span};
use crate::style::Color;

fn fed(columns: u16, rows: u16, bytes: &str) -> Engine {
    let mut engine = Engine::new(Size::new(columns, rows).unwrap());
    engine.feed(bytes.as_bytes());
    engine
}

fn replies(bytes: &str) -> String {
    let mut engine = Engine::new(Size::new(80, 24).unwrap());
    String::from_utf8(engine.feed(bytes.as_bytes()).replies).unwrap()
}

#[test]
fn text_lands_on_the_screen() {
    let engine = fed(10, 3, "hello\r\n\x1b[1;31mwor\x1b[mld 漢字!");
    assert_eq!(engine.to_text(), "hello\nworld 漢字!\n");
    assert_eq!(fed(3, 2, "no such").to_text(), "no such\n");
    let screen = engine.screen();
    let cells = &screen.rows[1].cells;
    assert!(cells[0].style.bold && !cells[3].style.bold);
    assert_eq!(cells[0].style.foreground, Color::Indexed(1));
    assert_eq!((cells[6].c, cells[6].span, cells[7].span), ('漢', Span::Wide, Span::Rest));
    assert!(screen.rows[1].wrapped);
    assert_eq!(screen.cursor.map(|c| (c.row, c.column)), Some((2, 1)));
}

#[test]
fn modes_cursor_and_title_are_known() {
    let asked = "\x1b[?1h\x1b=\x1b[?2004h\x1b[?1002h\x1b[?1006h\x1b[?1004h\x1b[?1049h\x1b[?2026h";
    let screen = fed(80, 24, &format!("{asked}\x1b[3 q\x1b]2;a \u{202e}title\x07")).screen();
    let expected = Modes {
        app_cursor: true,
        app_keypad: true,
        bracketed_paste: true,
        mouse: Mouse::Drag,
        mouse_encoding: MouseEncoding::Sgr,
        focus: true,
        alternate_screen: true,
        updating: true,
        ..Modes::default()
    };
    assert_eq!(screen.modes, expected);
    let cursor = screen.cursor.unwrap();
    assert_eq!((cursor.shape, cursor.blinking), (Shape::Underline, true));
    assert_eq!(screen.title.as_deref(), Some("a \\u{202e}title"));
    assert_eq!(fed(80, 24, "\x1b[?25l").screen().cursor, None);
    assert_eq!(fed(80, 24, &format!("{asked}\x1b]2;x\x07\x1bc")).screen().modes, Modes::default());
}

#[test]
fn queries_are_answered_to_the_caller() {
    assert_eq!(replies("\x1b[c"), "\x1b[?6c");
    assert_eq!(replies("\x1b[5n\x1b[3;4H\x1b[6n"), "\x1b[0n\x1b[3;4R");
    assert_eq!(replies("\x1b]11;?\x07"), "\x1b]11;rgb:0000/0000/0000\x1b\\");
    assert_eq!(
        replies("\x1b]11;#102030\x07\x1b]11;?\x07\x1b[5n"),
        "\x1b]11;rgb:1010/2020/3030\x1b\\\x1b[0n"
    );
    assert_eq!(replies("\x1b[?2026$p"), "\x1b[?2026;2$y");
    // What would tell about the window, the clipboard or the title, or promise what viewers don't have.
    assert_eq!(replies("\x1b[21t\x1b[14t\x1b]52;c;?\x07\x1b[?u\x1bP$qm\x1b\\\x05"), "");
    assert!(replies(&"\x1b[c".repeat(100_000)).len() <= MAX_REPLIES);
}

#[test]
fn links_and_the_clipboard_leave_only_text() {
    let engine = fed(20, 1, "\x1b]8;;https://evil.example\x07link\x1b]8;;\x07\x1b]52;c;aGk=\x07!");
    assert_eq!(engine.to_text(), "link!\n");
}

#[test]
fn what_cannot_be_seen_is_dropped_or_shown() {
    assert_eq!(fed(20, 1, "a\u{202e}b\u{200b}c\u{e0041}d").to_text(), "abcd\n");
    assert_eq!(fed(20, 1, "a\u{fdd0}b\u{3164}").to_text(), "a\u{fffd}b\n");
    assert_eq!(
        fed(20, 1, "e\u{301}\u{1f469}\u{200d}\u{1f4bb}").to_text(),
        "e\u{301}\u{1f469}\u{200d}\u{1f4bb}\n"
    );
}

#[test]
fn a_repetition_is_as_long_as_a_row() {
    assert_eq!(fed(5, 4, "ab\x1b[2b").to_text(), "abbb\n");
    assert_eq!(fed(5, 4, "ab\x1b[65535b|").to_text(), "abbbbbb|\n");
    assert_eq!(fed(5, 4, "ab\x1b[m\x1b[2b").to_text(), "ab\n");
}

#[test]
fn titles_are_put_aside_and_come_back() {
    let title = |bytes: &str| fed(9, 1, bytes).title().map(str::to_owned);
    assert_eq!(title("\x1b]0;one\x07\x1b[22;0t\x1b]0;two\x07\x1b[23;0t"), Some("one".to_owned()));
    assert_eq!(title(&format!("\x1b]0;{}\x07", "x".repeat(4000))).map(|t| t.len()), Some(256));
    assert_eq!(
        title(&format!("\x1b]0;a\x07\x1b]0;{}\x07", "x".repeat(5000))),
        Some("a".to_owned())
    );
    let engine = fed(9, 1, &"\x1b]0;one\x07\x1b[22t".repeat(1000));
    assert_eq!(engine.core.titles.len(), MAX_TITLES);
}

#[test]
fn scrollback_is_bounded_by_bytes() {
    for (columns, rows) in [(2, 1), (120, 40), (500, 200)] {
        let mut engine = Engine::new(Size::new(columns, rows).unwrap());
        for _ in 0..100 {
            engine.feed("x\r\n".repeat(1000).as_bytes());
        }
        let row = usize::from(columns) * CELL + ROW;
        assert!(engine.scrollback() * row <= SCROLLBACK, "{columns}");
        assert!((engine.scrollback() + 1) * row > SCROLLBACK, "{columns}");
    }
    // Another size, another number of rows.
    let mut engine = fed(20, 5, &"x\r\n".repeat(20_000));
    engine.resize(Size::new(200, 5).unwrap());
    assert!(engine.scrollback() * (200 * CELL + ROW) <= SCROLLBACK);
}

#[test]
fn what_cells_hold_beside_a_character_is_bounded() {
    // Marks on one cell, however they get there.
    let engine = fed(20, 1, &"a\u{301}\x1b[C\x1b[D\u{301}\u{302}".repeat(50));
    let most = engine.screen().rows[0]
        .cells
        .iter()
        .filter_map(|c| c.marks.as_ref())
        .map(|m| m.chars().count())
        .max();
    assert!(most.unwrap() <= MAX_MARKS, "{most:?}");
    assert_eq!(
        fed(20, 1, &format!("a{}", "\u{301}".repeat(999))).screen().rows[0].cells[0]
            .marks
            .as_deref()
            .map(|m| m.chars().count()),
        Some(MAX_MARKS)
    );
    // Cells with marks in the scrollback, also while the alternate screen is shown.
    let line = "a\u{301}".repeat(100) + "\r\n";
    let mut engine = Engine::new(Size::new(120, 40).unwrap());
    for _ in 0..20 {
        engine.feed(line.repeat(100).as_bytes());
        engine.feed(b"\x1b[?1049h");
        engine.feed("b\u{301}".repeat(30_000).as_bytes());
        engine.feed(b"\x1b[?1049l");
        let first = -(engine.scrollback() as i32);
        let rich = (first..0)
            .flat_map(|line| engine.core.emulator.row(line).cells)
            .filter(|c| c.marks.is_some());
        assert!(rich.count() <= MAX_RICH + 100 * 100);
    }
    assert!(engine.scrollback() > 50);
}

#[test]
fn the_scrollback_can_be_looked_at() {
    let engine = fed(5, 2, "1\r\n2\r\n3\r\n4");
    assert_eq!(engine.scrollback(), 2);
    assert_eq!(engine.screen_back(1).to_text(), "2\n3\n");
    assert_eq!(engine.screen_back(1).cursor, None);
    assert_eq!(engine.screen_back(9).to_text(), "1\n2\n");
    assert_eq!(engine.screen().to_text(), "3\n4\n");
    assert_eq!(engine.to_text(), "1\n2\n3\n4\n");
}

#[test]
fn a_resize_breaks_lines_anew() {
    let mut engine = fed(10, 3, "abcdefghij漢字");
    engine.resize(Size::new(4, 3).unwrap());
    assert_eq!(engine.to_text(), "abcdefghij漢字\n");
    engine.resize(Size::SMALLEST);
    engine.feed("漢字x".as_bytes());
    engine.resize(Size::LARGEST);
    assert!(engine.to_text().ends_with("漢字x\n"));
}

#[test]
fn a_panic_of_the_emulator_is_contained() {
    let mut engine = fed(10, 2, "before");
    let mut fed = Fed::default();
    engine.contain(&mut fed, |_, _| panic!("the emulator's bug"));
    assert!(fed.replaced);
    assert_eq!(engine.to_text(), "");
    assert_eq!(engine.feed(b"after"), Fed::default());
    assert_eq!(engine.to_text(), "after\n");
}
