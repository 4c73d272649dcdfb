//! Views beside terminals that go on printing.

use proptest::prelude::*;

use super::*;
use crate::screen::Row;
use crate::size::Size;

fn engine(columns: u16, rows: u16, text: &str) -> Engine {
    let mut engine = Engine::new(Size::new(columns, rows).unwrap());
    engine.feed(text.as_bytes());
    engine
}

fn view(engine: &Engine, rows: u16) -> View {
    let mut view = View::new();
    view.settle(engine, rows);
    view
}

fn numbered(range: std::ops::Range<usize>) -> String {
    range.map(|n| format!("line {n}\r\n")).collect()
}

/// The text of the first line shown.
fn seen(engine: &Engine, view: &View) -> String {
    let mut row = Row::default();
    engine.read_row(view.first(), &mut row);
    row.text()
}

#[test]
fn it_follows_until_it_is_scrolled_up_and_then_stays() {
    let mut engine = engine(20, 5, &numbered(0..50));
    let mut view = view(&engine, 5);
    assert_eq!((seen(&engine, &view).as_str(), view.back()), ("line 46", 0));
    assert!(!view.down(1));
    assert!(view.up(10));
    assert_eq!((seen(&engine, &view).as_str(), view.back()), ("line 36", 10));
    engine.feed(numbered(50..60).as_bytes());
    view.settle(&engine, 5);
    assert_eq!((seen(&engine, &view).as_str(), view.back()), ("line 36", 20));
    assert!(view.to_start());
    assert_eq!(seen(&engine, &view), "line 0");
    assert!(!view.up(1));
    assert!(view.down(1000) && view.back() == 0);
    engine.feed(b"x\r\n");
    view.settle(&engine, 5);
    assert_eq!(seen(&engine, &view), "line 57");
    assert!(!view.to_end());
}

#[test]
fn lines_that_are_gone_push_it_on_and_a_resize_keeps_the_distance() {
    let mut engine = engine(500, 5, &numbered(0..300));
    let mut view = view(&engine, 5);
    view.to_start();
    engine.feed(numbered(300..400).as_bytes());
    view.settle(&engine, 5);
    assert!(view.first() == engine.lines().first && seen(&engine, &view) != "line 0");
    view.to_end();
    view.up(7);
    engine.resize(Size::new(400, 5).unwrap());
    view.settle(&engine, 5);
    assert_eq!(view.back(), 7);
    // The alternate screen has nothing to scroll back to, and behind it is the end.
    engine.feed(b"\x1b[?1049h");
    view.settle(&engine, 5);
    assert_eq!((view.back(), view.up(1)), (0, false));
    engine.feed(b"\x1b[?1049l");
    view.settle(&engine, 5);
    assert_eq!(view.back(), 0);
}

#[test]
fn in_a_lower_pane_the_cursor_stays_in_sight() {
    let mut engine = engine(20, 10, "1\r\n2\r\n3\r\n4\r\n5\r\n6");
    assert_eq!(seen(&engine, &view(&engine, 2)), "5");
    assert_eq!(seen(&engine, &view(&engine, 6)), "1");
    engine.feed(b"\x1b[?25l");
    assert_eq!(seen(&engine, &view(&engine, 2)), "1");
    let mut low = view(&engine, 2);
    assert_eq!(low.place(3, 1).line, low.first().down(1));
    assert_eq!(low.place(3, 200).line, engine.lines().end.up(1));
    assert!(low.reveal(engine.lines().first) || low.back() == 0);
}

#[test]
fn hits_are_found_in_both_directions_and_round() {
    let engine = engine(20, 5, &numbered(0..30));
    let mut view = view(&engine, 5);
    view.look_for(&engine, Pattern::text("LINE 2").unwrap());
    assert_eq!(view.hits().len(), 4);
    assert_eq!(view.count(&engine), Some(Count { all: 11, current: None, is_more: false }));
    let mut texts = vec![];
    for _ in 0..12 {
        let hit = view.find(&engine, Direction::Up).unwrap();
        let mut row = Row::default();
        engine.read_row(hit.first.line, &mut row);
        assert!(view.hits().contains(&hit), "it is shown");
        texts.push(row.text());
    }
    let expected: Vec<_> = (20..30).rev().chain([2, 29]).map(|n| format!("line {n}")).collect();
    assert_eq!(texts, expected);
    assert_eq!(view.count(&engine).unwrap().current, Some(11));
    let next = view.find(&engine, Direction::Down).unwrap();
    assert_eq!(
        (next.first.line.below(engine.lines().first), view.count(&engine).unwrap().current),
        (2, Some(1))
    );
    view.look_for_nothing();
    assert_eq!(view.find(&engine, Direction::Down), None);
    assert!(view.hits().is_empty());
}

#[test]
fn patterns_are_texts_or_expressions() {
    let engine = engine(10, 4, "a.c abc\tx\r\n漢字漢字漢字 end");
    let found = |pattern: Pattern| {
        let mut view = view(&engine, 4);
        view.look_for(&engine, pattern);
        let hits = view.hits().iter();
        let top = engine.lines().top;
        hits.map(|hit| {
            (hit.first.line.below(top), hit.first.column, hit.last.line.below(top), hit.last.column)
        })
        .collect::<Vec<_>>()
    };
    assert_eq!(found(Pattern::text("A.C").unwrap()), [(0, 0, 0, 2)]);
    assert_eq!(found(Pattern::regex("a.c").unwrap()), [(0, 0, 0, 2), (0, 4, 0, 6)]);
    assert_eq!(found(Pattern::text("c ").unwrap()), [(0, 2, 0, 3), (0, 6, 0, 7)]);
    // Over the end of a row, and wide.
    assert_eq!(found(Pattern::text("字 END").unwrap()), [(2, 0, 2, 5)]);
    assert_eq!(found(Pattern::text("漢字漢字漢字").unwrap()), [(1, 0, 2, 1)]);
    assert_eq!(found(Pattern::text("字").unwrap()), [(1, 2, 1, 3), (1, 6, 1, 7), (2, 0, 2, 1)]);
    // What is empty is nothing to see.
    assert_eq!(found(Pattern::regex("q*").unwrap()), []);
    for (pattern, says) in [
        (Pattern::text(""), "nothing to look for"),
        (Pattern::text(&"x".repeat(300)), "at most 256"),
        (Pattern::regex("a("), "not a regular expression"),
        (Pattern::regex("((a{900}){900}){900}"), "not a regular expression"),
        (Pattern::regex(r"\bword"), "word"),
    ] {
        let text = pattern.unwrap_err().to_string();
        assert!(text.contains(says), "{text}");
    }
}

#[test]
fn counting_ends_somewhere() {
    let engine = engine(200, 5, &"x".repeat(80_000));
    let mut view = view(&engine, 5);
    view.look_for(&engine, Pattern::text("x").unwrap());
    let count = view.count(&engine).unwrap();
    assert_eq!((count.all, count.is_more), (MAX_HITS, true));
    let first = view.find(&engine, Direction::Up).unwrap();
    assert!(view.find(&engine, Direction::Up).unwrap().first < first.first);
}

#[track_caller]
fn copied(engine: &Engine, unit: Unit, from: (usize, u16), to: (usize, u16)) -> String {
    let mut view = view(engine, engine.size().rows());
    let top = engine.lines().top;
    let place = |(line, column)| Place { line: top.down(line), column };
    view.select(engine, place(from), unit);
    view.extend(engine, place(to));
    view.selection().unwrap().text(engine, 1000).text
}

#[test]
fn the_text_of_a_selection_is_as_it_was_printed() {
    use Unit::{Block, Cells, Lines, Words};
    let engine = engine(10, 6, "see src/a.rs:12, ok\r\nnext 漢字\r\nlast");
    assert_eq!(copied(&engine, Cells, (0, 4), (1, 4)), "src/a.rs:12");
    assert_eq!(copied(&engine, Cells, (1, 4), (0, 4)), "src/a.rs:12");
    assert_eq!(copied(&engine, Words, (0, 9), (0, 9)), "src/a.rs:12");
    assert_eq!(copied(&engine, Words, (1, 2), (2, 0)), "src/a.rs:12, ok\nnext");
    assert_eq!(copied(&engine, Words, (1, 5), (1, 5)), ",");
    assert_eq!(copied(&engine, Lines, (0, 3), (0, 3)), "see src/a.rs:12, ok");
    assert_eq!(copied(&engine, Lines, (2, 0), (3, 0)), "next 漢字\nlast");
    // Half of a wide one is all of it.
    assert_eq!(copied(&engine, Cells, (2, 6), (2, 7)), "漢字");
    assert_eq!(copied(&engine, Block, (2, 3), (4, 0)), "next\nlast\n");
    assert_eq!(copied(&engine, Block, (0, 8), (1, 9)), "a.\nk");
}

#[test]
fn the_text_of_a_selection_is_bounded() {
    let engine = engine(10, 3, "äää bb cc\r\ndd");
    let mut view = view(&engine, 3);
    view.select(&engine, view.place(0, 0), Unit::Lines);
    view.extend(&engine, view.place(0, 2));
    let selection = view.selection().unwrap();
    for most in 0..20 {
        let Copied { text, is_cut } = selection.text(&engine, most);
        assert!(text.len() <= most && "äää bb cc\ndd\n".starts_with(&text), "{text:?}");
        assert_eq!(is_cut, text.len() < "äää bb cc\ndd\n".len(), "{most}: {text:?}");
    }
}

#[test]
fn a_selection_scrolls_with_its_lines_and_goes_with_them() {
    let mut engine = engine(500, 5, &numbered(0..20));
    let mut view = view(&engine, 5);
    view.select(&engine, view.place(0, 0), Unit::Lines);
    view.extend(&engine, view.place(0, 1));
    for _ in 0..10 {
        engine.feed(numbered(0..20).as_bytes());
        view.settle(&engine, 5);
        assert_eq!(view.selection().unwrap().text(&engine, 99).text, "line 16\nline 17");
    }
    // One of its two lines is the oldest, then it has gone.
    let first = view.selection().unwrap().ends().1.line;
    while engine.lines().first < first {
        engine.feed(b"x\r\n");
    }
    view.settle(&engine, 5);
    assert_eq!(view.selection().unwrap().text(&engine, 99).text, "line 17");
    engine.feed(b"x\r\n");
    view.settle(&engine, 5);
    assert_eq!(view.selection(), None);
    for act in ["resize", "alternate"] {
        view.select(&engine, view.place(0, 0), Unit::Cells);
        match act {
            "resize" => drop(engine.resize(Size::new(30, 5).unwrap())),
            _ => drop(engine.feed(b"\x1b[?1049h")),
        }
        view.settle(&engine, 5);
        assert_eq!(view.selection(), None, "{act}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_a_view_shows_lines_that_there_are(
        acts in prop::collection::vec((0_u8..12, 0_u16..40, 0_u16..12), 1..40),
    ) {
        let mut engine = Engine::new(Size::new(9, 4).unwrap());
        let mut view = View::new();
        let mut rows = 4;
        for (act, a, b) in acts {
            match act {
                0 => drop(engine.feed(numbered(0..a.into()).as_bytes())),
                1 => drop(engine.feed("漢e\u{301} word".repeat(a.into()).as_bytes())),
                2 => drop(engine.feed([&b"\x1b[?1049h"[..], b"\x1b[?1049l", b"\x1bc", b"\x1b[3J"][usize::from(a % 4)])),
                3 => drop(engine.resize(Size::nearest(a, b))),
                4 => rows = b,
                5 => drop(view.up(a.into())),
                6 => drop(view.down(b.into())),
                7 => view.select(&engine, view.place(a, b), [Unit::Cells, Unit::Words, Unit::Lines, Unit::Block][usize::from(a % 4)]),
                8 => view.extend(&engine, view.place(b, a)),
                9 => view.look_for(&engine, Pattern::regex(["e", "漢.", "[a-z]+", "line 1$"][usize::from(a % 4)]).unwrap()),
                10 => drop(view.find(&engine, if a % 2 == 0 { Direction::Up } else { Direction::Down })),
                _ => drop(view.to_start()),
            }
            view.settle(&engine, rows);
            prop_assert!(engine.lines().contains(view.first()));
            for hit in view.hits().iter().chain(&view.current()) {
                prop_assert!(hit.first <= hit.last && engine.lines().contains(hit.last.line));
            }
            if let Some(selection) = view.selection() {
                prop_assert!(selection.text(&engine, 100).text.len() <= 100);
            }
        }
    }
}
