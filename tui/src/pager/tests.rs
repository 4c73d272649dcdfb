//! What a pager does with lines, and what holds whatever is done.

use std::collections::VecDeque;

use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;
use crate::action::Motion;
use crate::draw::picture::picture;
use crate::look::Role;

impl Lines for VecDeque<String> {
    fn len(&self) -> usize {
        self.len()
    }

    fn write(&self, at: usize, line: &mut Line) {
        line.push(&self[at], Role::Text);
    }
}

fn numbered(count: usize) -> VecDeque<String> {
    (0..count).map(|n| format!("line {n}")).collect()
}

/// A view of so many rows and 20 columns.
fn view(lines: &dyn Lines, rows: usize) -> View {
    let mut view = View::new();
    view.settle(lines, 20, rows);
    view
}

fn act(view: &mut View, lines: &dyn Lines, action: PagerAction) -> Done {
    let done = view.act(lines, &action);
    view.settle(lines, view.columns, view.rows);
    done
}

fn drawn(view: &View, lines: &dyn Lines) -> String {
    let size = (view.columns as u16 + 1, view.rows as u16);
    picture(size, |area, canvas| view.draw(lines, area, canvas))
}

#[test]
fn a_view_that_follows_stays_at_the_end_until_one_goes_up() {
    let mut lines = numbered(10);
    let mut view = View::following();
    view.settle(&lines, 20, 4);
    assert_eq!((view.top(), view.cursor()), (6, 9));
    lines.push_back("more".to_owned());
    view.settle(&lines, 20, 4);
    assert_eq!((view.top(), view.cursor()), (7, 10));
    for up in [Motion::Rows(-1), Motion::Pages(-1), Motion::HalfPages(-1), Motion::Top] {
        let mut view = view.clone();
        view.go(&lines, up);
        assert!(!view.is_following(), "{up:?}");
    }
    act(&mut view, &lines, PagerAction::Scroll(-1));
    let (top, cursor) = (view.top(), view.cursor());
    lines.push_back("unseen".to_owned());
    view.settle(&lines, 20, 4);
    assert_eq!((view.top(), view.cursor(), view.is_following()), (top, cursor, false));
    view.go(&lines, Motion::Bottom);
    assert!(view.is_following());
    assert_eq!(view.top(), 8);
}

#[test]
fn lines_that_come_and_go_before_the_first_move_nothing() {
    let mut lines = numbered(50);
    let mut view = view(&lines, 5);
    view.go(&lines, Motion::To(20));
    act(&mut view, &lines, PagerAction::Find("line 3".to_owned()));
    act(&mut view, &lines, PagerAction::Select);
    let before = drawn(&view, &lines);
    let found = view.finding().map(|(_, at, count)| (at, count));
    for n in 0..7 {
        lines.push_front(format!("older {n}"));
    }
    view.came_before(7);
    view.settle(&lines, 20, 5);
    assert_eq!(drawn(&view, &lines), before);
    lines.drain(..12);
    view.went_before(12);
    view.settle(&lines, 20, 5);
    assert_eq!(drawn(&view, &lines), before);
    // `line 3` itself is gone.
    let now = view.finding().map(|(_, at, count)| (at, count));
    assert_eq!((found, now), (Some((Some(2), 11)), Some((Some(1), 10))));
}

#[test]
fn long_lines_are_broken_at_blanks_and_below_what_they_say() {
    struct Timed;
    impl Lines for Timed {
        fn len(&self) -> usize {
            2
        }
        fn write(&self, _: usize, line: &mut Line) {
            line.push("12:00 ", Role::Dim);
            line.begin_body();
            line.push(
                "words that go on for a while\tand 日本語 andthenonewithoutanyblank",
                Role::Text,
            );
        }
    }
    let mut view = view(&Timed, 12);
    assert_snapshot!(drawn(&view, &Timed), @r"
    ‹ 12:00 words that go
    ‹       on for a
    ‹       while    and
    ‹       日本語
    ‹       andthenonewith
    ‹       outanyblank
     12:00 words that go
           on for a
           while    and
           日本語
           andthenonewith
           outanyblank
    ");
    act(&mut view, &Timed, PagerAction::Wrap);
    view.go(&Timed, Motion::Columns(1));
    assert_snapshot!(drawn(&view, &Timed), @r"
    ‹ 12:00 <t go on for …
     12:00 <t go on for …
    ");
}

#[test]
fn what_is_typed_is_found_from_where_one_began() {
    let lines = numbered(100);
    let mut view = view(&lines, 5);
    view.go(&lines, Motion::To(40));
    assert_eq!(act(&mut view, &lines, PagerAction::EditFind), Done::EditFind(String::new()));
    let mut typed = |text: &str| {
        act(&mut view, &lines, PagerAction::FindTyped(text.to_owned()));
        view.cursor()
    };
    assert_eq!(
        [typed("LINE"), typed("line 5"), typed("line 51"), typed("line 5")],
        [40, 50, 51, 50]
    );
    // Half an expression is none, a whole one is.
    assert_eq!([typed("/5("), typed("/(5|7)5/"), typed("Line")], [40, 55, 40]);
    act(&mut view, &lines, PagerAction::FindNot);
    assert_eq!((view.cursor(), view.finding()), (40, None));

    assert_eq!(act(&mut view, &lines, PagerAction::Find("9".to_owned())), Done::Yes);
    assert_eq!((view.cursor(), view.finding()), (49, Some(("9", Some(5), 19))));
    act(&mut view, &lines, PagerAction::FindPrevious);
    assert_eq!(view.cursor(), 39);
    view.go(&lines, Motion::Bottom);
    act(&mut view, &lines, PagerAction::FindNext);
    assert_eq!((view.cursor(), view.is_following()), (9, false), "behind the last comes the first");
    let nowhere = act(&mut view, &lines, PagerAction::Find("nothing".to_owned()));
    assert_eq!(nowhere, Done::No("nothing is nowhere here".to_owned()));
    assert!(matches!(act(&mut view, &lines, PagerAction::Find("/(/".to_owned())), Done::No(_)));
}

#[test]
fn lines_are_chosen_by_keys_and_by_the_mouse() {
    let lines = numbered(20);
    let mut view = view(&lines, 5);
    assert_eq!(act(&mut view, &lines, PagerAction::Copy), Done::Copy(None));
    act(&mut view, &lines, PagerAction::Select);
    view.go(&lines, Motion::Rows(2));
    assert_snapshot!(drawn(&view, &lines), @r"
    *line 0
    *line 1
    ‹*line 2
     line 3
     line 4
    ");
    assert_eq!(act(&mut view, &lines, PagerAction::Copy), Done::Copy(Some(0..=2)));
    assert_eq!(view.chosen(), None);

    act(&mut view, &lines, PagerAction::Press(3));
    act(&mut view, &lines, PagerAction::Drag(1));
    assert_eq!(act(&mut view, &lines, PagerAction::Release), Done::Yes);
    assert_eq!(view.chosen(), Some(1..=3));
    act(&mut view, &lines, PagerAction::Press(4));
    assert_eq!(act(&mut view, &lines, PagerAction::Release), Done::Yes);
    act(&mut view, &lines, PagerAction::Press(4));
    assert_eq!(act(&mut view, &lines, PagerAction::Release), Done::Open, "a second click opens");
}

#[test]
fn a_line_taller_than_the_screen_is_read_row_by_row() {
    let lines = VecDeque::from(["x".repeat(200), "end".to_owned()]);
    let mut view = view(&lines, 4);
    for top in 1..=6 {
        view.go(&lines, Motion::Rows(1));
        assert_eq!((view.top.row, view.cursor()), (top, 0));
    }
    view.go(&lines, Motion::Rows(1));
    assert_eq!((view.top.row, view.cursor()), (7, 1));
}

#[test]
fn what_a_line_hides_is_seen() {
    let lines = VecDeque::from(["\x1b[31mred\u{202e}\r".to_owned()]);
    let mut view = View::new();
    view.settle(&lines, 40, 1);
    assert_eq!(drawn(&view, &lines), "‹ \\x1b[31mred\\u{202e}");
}

#[derive(Clone, Debug)]
enum Step {
    Go(Motion),
    Act(PagerAction),
    Resize(usize, usize),
    Push(Vec<String>),
    Before(usize),
    Drop(usize),
    Follow,
}

fn step() -> impl Strategy<Value = Step> {
    let motion = prop_oneof![
        (-50..50).prop_map(Motion::Rows),
        (-3..3).prop_map(Motion::Pages),
        (-3..3).prop_map(Motion::HalfPages),
        (0..80_usize).prop_map(Motion::To),
        (-3..3).prop_map(Motion::Columns),
        Just(Motion::Top),
        Just(Motion::Bottom),
    ];
    let act = prop_oneof![
        Just(PagerAction::EditFind),
        "[a-d(]{0,2}".prop_map(PagerAction::FindTyped),
        "[a-d]{0,2}".prop_map(PagerAction::Find),
        Just(PagerAction::FindNot),
        Just(PagerAction::FindNext),
        Just(PagerAction::FindPrevious),
        Just(PagerAction::Wrap),
        Just(PagerAction::Select),
        Just(PagerAction::Copy),
        (-9..9).prop_map(PagerAction::Scroll),
        (0..40_u16).prop_map(PagerAction::Press),
        (0..40_u16).prop_map(PagerAction::Drag),
        Just(PagerAction::Release),
    ];
    prop_oneof![
        4 => motion.prop_map(Step::Go),
        4 => act.prop_map(Step::Act),
        1 => (0..40_usize, 0..20_usize).prop_map(|(columns, rows)| Step::Resize(columns, rows)),
        2 => prop::collection::vec("[a-d 日]{0,60}", 0..6).prop_map(Step::Push),
        1 => (0..4_usize).prop_map(Step::Before),
        1 => (0..6_usize).prop_map(Step::Drop),
        1 => Just(Step::Follow),
    ]
}

proptest! {
    #[test]
    fn whatever_is_done_the_view_is_within_its_lines(steps in prop::collection::vec(step(), 0..60)) {
        let mut lines: VecDeque<String> = VecDeque::new();
        let mut view = View::new();
        let (mut columns, mut rows) = (20, 5);
        view.settle(&lines, columns, rows);
        for step in steps {
            let paused = !view.is_following();
            let (top, was) = (view.top(), lines.get(view.top()).cloned());
            let mut to = Some(top);
            let is_still = match step {
                Step::Go(motion) => { view.go(&lines, motion); false }
                Step::Act(action) => { view.act(&lines, &action); false }
                Step::Resize(c, r) => { (columns, rows) = (c, r); false }
                Step::Push(more) => { lines.extend(more); true }
                Step::Before(count) => {
                    for n in 0..count {
                        lines.push_front(format!("a{n}"));
                    }
                    view.came_before(count);
                    to = Some(top + count);
                    true
                }
                Step::Drop(count) => {
                    let count = count.min(lines.len());
                    lines.drain(..count);
                    view.went_before(count);
                    to = top.checked_sub(count);
                    true
                }
                Step::Follow => { view.toggle_following(); false }
            };
            view.settle(&lines, columns, rows);
            // It stays, unless nothing would be seen below.
            if let (true, true, Some(to)) = (is_still, paused, to)
                && to + rows < lines.len()
                && was.is_some()
            {
                prop_assert_eq!(view.top(), to);
                prop_assert_eq!(lines.get(to).cloned(), was);
            }
            prop_assert!(view.cursor() < lines.len().max(1));
            prop_assert!(view.top() < lines.len().max(1));
            prop_assert!(view.top() <= view.cursor());
            if let Some(chosen) = view.chosen() {
                prop_assert!(*chosen.end() < lines.len().max(1));
            }
            if let Some((_, at, count)) = view.finding() {
                prop_assert!(at.unwrap_or(0) <= count);
            }
            let picture = drawn(&view, &lines);
            if !lines.is_empty() {
                prop_assert!(picture.contains('‹'), "the cursor is seen:\n{picture}");
            }
            if view.is_following() && view.is_wrapped() && lines.len() > 30 {
                prop_assert!(!picture.ends_with('\n'), "the rows are filled:\n{picture}");
            }
        }
    }

    #[test]
    fn the_rows_of_a_line_are_all_of_it(text in "[a-c 日\\t]{0,80}", columns in 0..30_usize) {
        let mut line = Line::default();
        line.push(&text, Role::Text);
        let rows: Vec<_> = line.rows(columns).collect();
        prop_assert_eq!(rows.len(), line.height(columns));
        let joined: String = rows.iter().map(|row| &line.text()[row.clone()]).collect();
        prop_assert_eq!(&joined, line.text());
        for row in rows {
            let width = crate::text::width(&line.text()[row]);
            prop_assert!(width <= columns.max(2), "{width}");
        }
    }
}
