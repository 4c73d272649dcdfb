//! What gets into a buffer, beside what a terminal of the pane's size would show.

use proptest::prelude::*;

use super::*;
use crate::corpus::HOSTILE;
use crate::draw::Painter;
use crate::engine::Pattern;
use crate::size::Size;
use crate::view::{Direction, Unit};

fn engine(columns: u16, rows: u16, bytes: &[u8]) -> Engine {
    let mut engine = Engine::new(Size::nearest(columns, rows));
    engine.feed(bytes);
    engine
}

fn settled(engine: &Engine, area: Rect) -> View {
    let mut view = View::new();
    view.settle(engine, area.height);
    view
}

fn drawn(pane: &Pane<'_>, area: Rect) -> Buffer {
    let mut dirty = Painted::default();
    dirty.set_symbol("?").set_bg(Ink::Red);
    let mut buffer = Buffer::filled(area, dirty);
    pane.render(area, &mut buffer);
    buffer
}

/// The text of each row, as a window shows it.
fn texts(buffer: &Buffer) -> Vec<String> {
    let row = |cells: &[Painted]| {
        let (mut text, mut at) = (String::new(), 0);
        while let Some(cell) = cells.get(at) {
            text.push_str(cell.symbol());
            at += usize::from(cell.symbol().cell_width());
        }
        assert_eq!(at, cells.len(), "no character hangs over the margin");
        text.trim_end().to_owned()
    };
    buffer.content.chunks(buffer.area.width.into()).map(row).collect()
}

/// What a window shows that a painter draws into.
fn painted(engine: &Engine, area: Rect) -> (Vec<String>, Option<(u16, u16)>) {
    let mut window = Engine::new(Size::nearest(area.width, area.height));
    window.feed(&Painter::new(area.width, area.height).paint(&engine.screen()));
    let screen = window.screen();
    let cursor = screen.cursor.map(|cursor| (cursor.column, cursor.row));
    (screen.rows.iter().map(|row| row.text().trim_end().to_owned()).collect(), cursor)
}

#[track_caller]
fn safe(buffer: &Buffer) {
    for cell in &buffer.content {
        assert!(cell.symbol().chars().all(is_printable), "{:?}", cell.symbol());
        assert_ne!((cell.symbol(), cell.bg), ("?", Ink::Red), "every cell is written");
    }
    texts(buffer);
}

#[test]
fn a_pane_may_be_smaller_or_larger() {
    let engine = engine(10, 5, "1\r\n2\r\n3\r\n4漢字漢字\r\n5\x1b[2G".as_bytes());
    for (columns, rows) in [(4, 2), (20, 8), (10, 5), (3, 4), (2, 1)] {
        let area = Rect::new(0, 0, columns, rows);
        let view = settled(&engine, area);
        let pane = Pane::new(&engine, &view);
        let cursor = pane.caret(area).map(|caret| (caret.position.x, caret.position.y));
        assert_eq!((texts(&drawn(&pane, area)), cursor), painted(&engine, area), "{area}");
    }
}

#[test]
fn it_stays_within_its_area() {
    let engine = engine(20, 5, &b"x".repeat(100));
    let view = settled(&engine, Rect::new(0, 0, 3, 2));
    let pane = Pane::new(&engine, &view);
    let mut buffer = Buffer::empty(Rect::new(0, 0, 6, 4));
    pane.render(Rect::new(2, 1, 3, 2), &mut buffer);
    assert_eq!(texts(&buffer), ["", "  xxx", "  xxx", ""]);
    // Beyond the buffer there is nothing to draw into.
    pane.render(Rect::new(5, 3, 40, 40), &mut buffer);
    pane.render(Rect::new(60, 40, 4, 4), &mut buffer);
    assert_eq!(texts(&buffer), ["", "  xxx", "  xxx", "     x"]);
    assert_eq!(pane.caret(Rect::new(u16::MAX, u16::MAX, 3, 2)), None);
}

#[test]
fn colours_and_attributes_are_the_programs() {
    let bytes = "\x1b[1;2;3;7;8;9;4:3;58:5:200;38;5;9;48;2;1;2;3mx\x1b[m \x1b[4;33my";
    let engine = engine(5, 1, bytes.as_bytes());
    let area = Rect::new(0, 0, 5, 1);
    let view = settled(&engine, area);
    let buffer = drawn(&Pane::new(&engine, &view), area);
    let all = Modifier::BOLD
        | Modifier::DIM
        | Modifier::ITALIC
        | Modifier::REVERSED
        | Modifier::HIDDEN
        | Modifier::CROSSED_OUT
        | Modifier::UNDERLINED;
    let x = &buffer[(0, 0)];
    assert_eq!((x.fg, x.bg, x.modifier), (Ink::Indexed(9), Ink::Rgb(1, 2, 3), all));
    assert_eq!(x.underline_color, Ink::Indexed(200));
    assert_eq!(buffer[(1, 0)], Painted::default());
    let y = &buffer[(2, 0)];
    assert_eq!((y.fg, y.modifier), (Ink::Indexed(3), Modifier::UNDERLINED));
}

#[test]
fn hits_and_what_is_selected_are_marked_and_a_pane_elsewhere_is_dim() {
    let engine = engine(8, 3, "ab 漢字\r\nab \x1b[7mab".as_bytes());
    let area = Rect::new(0, 0, 8, 3);
    let mut view = settled(&engine, area);
    view.look_for(&engine, Pattern::text("AB").unwrap());
    view.find(&engine, Direction::Down);
    view.select(&engine, view.place(4, 0), Unit::Cells);
    view.extend(&engine, view.place(3, 1));
    let look = Look::default();
    let pane = Pane::new(&engine, &view);
    let buffer = drawn(&pane, area);
    let kinds = |y| {
        (0..8).map(move |x| (x, y)).map(|at| {
            let cell = &buffer[at];
            match (Some(cell.bg), cell.modifier.contains(Modifier::REVERSED)) {
                (bg, turned) if bg == look.current.bg => {
                    if turned {
                        'C'
                    } else {
                        'c'
                    }
                }
                (bg, turned) if bg == look.hit.bg => {
                    if turned {
                        'H'
                    } else {
                        'h'
                    }
                }
                (_, turned) => {
                    if turned {
                        'R'
                    } else {
                        '.'
                    }
                }
            }
        })
    };
    // Half of a wide one is all of it.
    assert_eq!(kinds(0).collect::<String>(), "cc.RRRRR");
    // What the program had turned is turned back where it is selected, and a hit is as a hit is.
    assert_eq!(kinds(1).collect::<String>(), "HHRHh...");
    let dim = drawn(&pane.focus(Focus::Out), area);
    assert!(dim.content.iter().all(|cell| cell.modifier.contains(Modifier::DIM)));
    assert!(!buffer.content.iter().any(|cell| cell.modifier.contains(Modifier::DIM)));
}

#[test]
fn scrolled_back_it_shows_older_lines_and_no_cursor() {
    let engine = engine(5, 2, b"1\r\n2\r\n3\r\n4");
    let area = Rect::new(0, 0, 5, 3);
    let mut view = settled(&engine, area);
    assert_eq!(texts(&drawn(&Pane::new(&engine, &view), area)), ["3", "4", ""]);
    assert!(Pane::new(&engine, &view).caret(area).is_some());
    view.up(1);
    assert_eq!(texts(&drawn(&Pane::new(&engine, &view), area)), ["2", "3", "4"]);
    assert_eq!(Pane::new(&engine, &view).caret(area), None);
    // One that was never settled is empty, or shows the oldest.
    safe(&drawn(&Pane::new(&engine, &View::new()), area));
}

#[test]
fn what_a_window_measures_otherwise_goes_without_its_marks() {
    let text = "\u{2764}\u{fe0f}e\u{301}\u{1f469}\u{200d}\u{1f4bb}x";
    let engine = engine(10, 1, text.as_bytes());
    let area = Rect::new(0, 0, 10, 1);
    let view = settled(&engine, area);
    let buffer = drawn(&Pane::new(&engine, &view), area);
    assert_eq!(texts(&buffer), ["\u{2764}e\u{301}\u{1f469}\u{1f4bb}x"]);
}

#[test]
fn nothing_of_a_hostile_program_gets_through() {
    for (columns, rows) in [(80, 24), (2, 1), (5, 3)] {
        for (name, bytes) in HOSTILE {
            let engine = engine(columns, rows, &[b"before\r\n", *bytes, b"after"].concat());
            for (columns, rows) in [(1, 1), (2, 2), (5, 3), (120, 40)] {
                let area = Rect::new(0, 0, columns, rows);
                let mut view = settled(&engine, area);
                safe(&drawn(&Pane::new(&engine, &view), area));
                view.to_start();
                let texts = texts(&drawn(&Pane::new(&engine, &view), area));
                assert!(!texts.iter().any(|text| text.contains('\x1b')), "{name}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_printed_a_pane_of_any_size_holds_only_printable_text(
        parts in prop::collection::vec(prop_oneof![
            prop::sample::select(HOSTILE).prop_map(|(_, bytes)| bytes.to_vec()),
            prop::collection::vec(any::<u8>(), 0..30),
            ".{0,20}".prop_map(String::into_bytes),
            "[a漢\u{1f44d}\u{301}\u{fe0f}\u{200d}\u{ff9e}\u{1f1e9}\r\n]{0,40}".prop_map(String::into_bytes),
        ], 0..12),
        (columns, rows) in (2_u16..=500, 1_u16..=200),
        (width, height) in (1_u16..=500, 1_u16..=200),
        (up, column, row) in (0_usize..300, 0_u16..600, 0_u16..300),
        unit in prop::sample::select(&[Unit::Cells, Unit::Words, Unit::Lines, Unit::Block][..]),
    ) {
        let engine = engine(columns, rows, &parts.concat());
        let area = Rect::new(0, 0, width, height);
        let mut view = settled(&engine, area);
        view.look_for(&engine, Pattern::regex("[^ ]+").unwrap());
        view.up(up);
        view.select(&engine, view.place(column, row), unit);
        view.extend(&engine, view.place(row, column));
        view.settle(&engine, height);
        let pane = Pane::new(&engine, &view).focus(if up % 2 == 0 { Focus::In } else { Focus::Out });
        safe(&drawn(&pane, area));
        if let Some(caret) = pane.caret(area) {
            prop_assert!(area.contains(caret.position));
        }
    }

    #[test]
    fn a_pane_shows_what_a_painter_draws(
        texts_fed in prop::collection::vec("[a-c\u{e4}漢\u{1f44d}\r\n\t]{0,10}|\x1b\\[[0-9]{0,2};?[0-9]{0,2}[A-KPXm@LMST]", 1..30),
        (width, height) in (2_u16..14, 1_u16..8),
    ) {
        let engine = engine(9, 4, texts_fed.concat().as_bytes());
        let area = Rect::new(0, 0, width, height);
        let view = settled(&engine, area);
        let pane = Pane::new(&engine, &view);
        let cursor = pane.caret(area).map(|caret| (caret.position.x, caret.position.y));
        prop_assert_eq!((texts(&drawn(&pane, area)), cursor), painted(&engine, area));
    }
}
