//! What keys, commands and the mouse do, and that the cursor stays on its loop.

use jiff::SignedDuration;
use smith_model::state::State as LoopState;

use super::{Desk, fleet};
use crate::action::Action;
use crate::fleet::tests::{in_state, now, row, updated};
use crate::fleet::{Column, Columns, FleetAction, Row, SavedView, SavedViews, ViewsJob, ViewsSaid};
use crate::msg::{FleetChange, Msg, Stream};
use crate::place::Place;

fn many(count: usize) -> Vec<Row> {
    (0..count).map(|at| row(&format!("l-{at:03}"))).collect()
}

fn lost(desk: &mut Desk) {
    let (since, why) = (desk.now, "connection refused".to_owned());
    desk.take(Msg::Fleet(Stream::Lost { since, why }));
}

#[test]
fn the_cursor_stays_on_its_loop_and_where_it_stands_whatever_is_sorted_in_above() {
    let mut desk = Desk::with(80, 20, many(100));
    desk.run("sort loop");
    desk.press("pgdn pgdn k k");
    assert_eq!(desk.targets(), ["l-030"]);
    let line_of = |desk: &mut Desk, id: &str| {
        desk.screen().lines().position(|line| line.contains(id)).unwrap()
    };
    let before = line_of(&mut desk, "l-030");
    desk.change((0..40).map(|at| updated(row(&format!("a-{at:03}")))));
    assert_eq!(desk.targets(), ["l-030"]);
    assert_eq!(line_of(&mut desk, "l-030"), before);
    desk.press("A");
    assert_eq!(desk.targets(), ["l-030"]);
    // It is gone: the cursor stays in its place.
    desk.press("L");
    desk.change([FleetChange::Removed("l-030".parse().unwrap())]);
    assert_eq!(desk.targets(), ["l-031"]);
    // Whoever watches the top sees what comes there.
    desk.press("home j");
    desk.update(row("a"));
    assert_eq!(desk.targets(), ["a-001"]);
    assert_eq!(line_of(&mut desk, "a-000"), 4);
}

#[test]
fn a_loop_that_was_filtered_away_has_the_cursor_again_with_the_filter_gone() {
    let mut desk = Desk::with(80, 20, many(50));
    desk.run("sort loop");
    desk.press("j j j /");
    desk.type_in("l-04");
    assert_eq!(desk.targets(), ["l-040"]);
    desk.press("esc");
    assert_eq!((desk.shown().len(), desk.targets()), (50, vec!["l-003".to_owned()]));
}

#[test]
fn the_order_of_before_stays_live_until_the_one_that_was_asked_for_is_there() {
    let mut desk = Desk::with(80, 20, many(5));
    desk.take(Msg::Action(Action::Fleet(FleetAction::Filter("state:flatline".to_owned()))));
    assert_eq!((desk.asked(), desk.shown().len()), (1, 5));
    desk.update(in_state(row("l-002"), LoopState::Flatline));
    desk.change([FleetChange::Removed("l-004".parse().unwrap())]);
    assert_eq!(desk.shown().len(), 4);
    assert!(desk.screen().contains("…4 of 4"));
    desk.find();
    assert_eq!(desk.shown(), ["l-002"]);
    assert!(desk.screen().contains(" 1 of 4"));
}

#[test]
fn while_the_fleet_is_loaded_what_is_there_is_shown() {
    let mut desk = Desk::new(80, 20);
    desk.find();
    desk.take(Msg::Fleet(Stream::Reset));
    for batch in 0..20 {
        desk.change((0..50).map(|at| updated(row(&format!("l-{batch}-{at}")))));
        // One question at a time, so that each has an answer.
        assert!(desk.asked() <= 1);
        if batch == 10 {
            desk.find();
            assert!(desk.shown().len() >= 500);
        }
    }
    desk.take(Msg::Fleet(Stream::Ready));
    desk.find();
    assert_eq!(desk.shown().len(), 1000);
}

#[test]
fn a_filter_of_ages_follows_the_time() {
    let mut desk = Desk::with(80, 20, many(3));
    desk.run("filter age:>13m");
    assert!(desk.shown().is_empty());
    desk.wait(SignedDuration::from_mins(2));
    assert_eq!(desk.shown().len(), 3);
}

#[test]
fn a_filter_with_a_mistake_changes_nothing_and_says_why() {
    let mut desk = Desk::with(80, 20, fleet());
    desk.run("filter state:flatline");
    desk.run("filter state:melted");
    assert_eq!(desk.shown(), ["checkout-17"]);
    assert!(desk.said().starts_with("state:melted: no state"), "{}", desk.said());
    desk.press("/");
    desk.type_in(" !");
    assert!(desk.screen().contains("!: what isn't wanted"));
    assert_eq!(desk.shown(), ["checkout-17"]);
}

#[test]
fn words_columns_and_views_are_completed() {
    let mut desk = Desk::with(120, 20, fleet());
    desk.press("/");
    desk.type_in("o !state:fl");
    desk.press("tab");
    assert!(desk.screen().contains("/o !state:flatline"), "{}", desk.screen());
    assert_eq!(desk.shown().len(), 6);
    desk.press("ctrl-u");
    desk.type_in("reason:w");
    desk.press("tab enter");
    assert_eq!(desk.shown(), ["docs-9"]);
    desk.press("esc");
    desk.state.world.views.views.insert("night".to_owned(), SavedView::default());
    for (typed, expect) in [
        (":columns +cost -rep", ":columns +cost -repository"),
        (":sort la", ":sort labels"),
        (":view n", ":view night"),
        (":filter held", ":filter held:yes"),
    ] {
        desk.type_in(typed);
        desk.press("tab");
        assert!(desk.screen().contains(expect), "{}", desk.screen());
        desk.press("esc");
    }
}

#[test]
fn filters_that_were_used_are_remembered_once_each() {
    let mut desk = Desk::with(80, 20, fleet());
    for filter in ["shop", "docs", "shop"] {
        desk.press("/ ctrl-u");
        desk.type_in(filter);
        desk.press("enter");
    }
    assert_eq!(desk.state.world.filters, ["docs", "shop"]);
    for at in 0..100 {
        desk.run(&format!("filter f{at}"));
    }
    assert_eq!(desk.state.world.filters.len(), 50);
    desk.press("esc / up up");
    assert!(desk.screen().lines().last().unwrap().starts_with("/f98"));
}

#[test]
fn escape_shows_everything_again() {
    let mut desk = Desk::with(80, 20, fleet());
    desk.press("ctrl-e");
    assert_eq!(desk.shown(), ["checkout-17", "search-4", "docs-9"]);
    desk.run("filter nothing-is-like-that");
    assert!(desk.screen().contains("esc shows all of them"));
    desk.press("esc");
    assert_eq!(desk.shown().len(), 7);
}

#[test]
fn titles_sort_and_turn_around_by_key_and_by_mouse() {
    let mut desk = Desk::with(140, 20, fleet());
    desk.press("L");
    let by_id = desk.shown();
    assert!(by_id.is_sorted());
    desk.click("LOOP");
    assert_eq!(desk.shown(), by_id.iter().rev().cloned().collect::<Vec<_>>());
    desk.click("COST");
    assert_eq!(desk.shown()[..2], ["login-2", "search-4"]);
    assert!(desk.screen().contains("COST↓"));
    // Where its column isn't seen, it is said what decides.
    desk.run("columns -cost");
    assert!(desk.screen().contains("sorted by cost  "));
    desk.press("C");
    assert!(desk.screen().contains("sorted by cost, turned around"));
}

#[test]
fn a_click_means_the_loop_that_was_seen_even_if_rows_moved_since() {
    let mut desk = Desk::with(80, 20, many(10));
    desk.run("sort loop");
    desk.draw();
    let row_of = |desk: &mut Desk, id: &str| {
        let screen = desk.screen();
        u16::try_from(screen.lines().position(|line| line.contains(id)).unwrap()).unwrap()
    };
    let seen = row_of(&mut desk, "l-004");
    let action = desk.state.hits.click(5, seen).cloned().unwrap();
    desk.change((0..3).map(|at| updated(row(&format!("a-{at}")))));
    desk.do_it(action);
    assert_eq!(desk.targets(), ["l-004"]);
}

#[test]
fn marks_say_how_many_of_them_are_not_seen() {
    let mut desk = Desk::with(120, 20, fleet());
    desk.press("L space");
    assert!(desk.screen().contains("1 marked"));
    desk.press("j j V");
    assert_eq!(desk.targets(), ["checkout-17", "docs-8", "docs-9", "login-2"]);
    desk.run("filter project:docs");
    assert!(desk.screen().contains("4 marked, 2 not shown"));
    assert_eq!(desk.targets().len(), 4);
    desk.change([FleetChange::Removed("docs-8".parse().unwrap())]);
    assert!(desk.screen().contains("3 marked, 2 not shown"));
    desk.update(Row { project: "docs".parse().unwrap(), ..row("login-2") });
    assert!(desk.screen().contains("3 marked, 1 not shown"));
    desk.press("M");
    assert!(!desk.screen().contains("marked"));
    desk.press("ctrl-a");
    assert_eq!(desk.targets(), ["docs-9", "login-2"]);
    desk.press("M");
    desk.run("mark range");
    assert!(desk.said().contains("mark a row"), "{}", desk.said());
}

#[test]
fn groups_have_headings_that_fold() {
    let mut desk = Desk::with(120, 24, fleet());
    desk.press("ctrl-g");
    assert!(desk.screen().contains("▾ shop  3  ✖ 1  ■ 1  ✔ 1"), "{}", desk.screen());
    assert_eq!(desk.targets(), ["checkout-17"]);
    // The first row has the cursor, not the heading above it.
    desk.run("filter project:api");
    assert_eq!(desk.targets(), ["login-2"]);
    desk.press("esc home");
    assert!(desk.targets().is_empty());
    desk.press("enter");
    assert!(desk.screen().contains("▸ api  2"));
    assert!(!desk.screen().contains("login-2"));
    desk.press("j j minus");
    assert!(desk.screen().contains("▸ docs  2"));
    desk.press("=");
    desk.click("login-2");
    assert_eq!(desk.targets(), ["login-2"]);
    // One that is folded away has no cursor: nobody acts on what isn't seen.
    desk.press("_");
    assert!(desk.targets().is_empty());
    desk.press("ctrl-g minus");
    assert!(desk.said().contains("nothing is grouped"));
}

#[test]
fn facets_count_what_is_shown_of_all_and_are_words_of_the_filter() {
    let mut desk = Desk::with(140, 40, fleet());
    desk.press("f");
    assert!(desk.screen().contains("1/1"));
    // A click into the table is one into the table, whatever had the keys.
    desk.click("checkout-17");
    assert_eq!((desk.shown().len(), desk.targets()), (7, vec!["checkout-17".to_owned()]));
    desk.click("│   flatline");
    assert_eq!(desk.shown(), ["checkout-17"]);
    let screen = desk.screen();
    assert!(screen.contains("/ flatline") && screen.contains("0/2"), "{screen}");
    desk.update(in_state(row("login-2"), LoopState::Flatline));
    assert!(desk.screen().contains("2/2"));
    desk.press("f f");
    assert!(!desk.screen().contains("shown of all"));
    desk.press("f esc j");
    assert!(desk.screen().contains("shown of all"));
}

#[test]
fn columns_are_chosen_and_scrolled() {
    let mut desk = Desk::with(80, 20, fleet());
    desk.run("columns +cost +branch -title -age");
    let screen = desk.screen();
    assert!(screen.contains("COST") && !screen.contains("AGE"), "{screen}");
    desk.run("columns state message labels branch repository title provider tokens");
    assert!(desk.screen().lines().nth(2).unwrap().ends_with('>'), "{}", desk.screen());
    desk.press("right right right right right right");
    let screen = desk.screen();
    assert!(screen.contains("LOOP") && screen.contains("TOKENS"), "{screen}");
    desk.press("left left left left left left left left left");
    assert!(desk.screen().contains("STATE"));
    desk.run("columns default");
    assert!(desk.screen().contains("AGE"));
}

#[test]
fn widths_grow_at_once_and_shrink_only_when_something_else_is_asked_for() {
    let mut desk = Desk::with(120, 20, many(40));
    desk.run("columns provider title");
    let at = |desk: &mut Desk| desk.screen().lines().nth(2).unwrap().find("TITLE").unwrap();
    let before = at(&mut desk);
    desk.update(Row { provider: "a-long-provider".into(), ..row("l-003") });
    let grown = at(&mut desk);
    assert!(grown > before);
    desk.update(row("l-003"));
    assert_eq!(at(&mut desk), grown);
    desk.press("pgdn pgdn");
    assert_eq!(at(&mut desk), grown);
    desk.run("sort title");
    assert_eq!(at(&mut desk), before);
}

#[test]
fn a_tab_keeps_its_filter_selection_scroll_and_name() {
    let mut desk = Desk::with(100, 20, many(60));
    desk.run("sort loop");
    desk.press("ctrl-t");
    desk.run("tab name night watch");
    desk.run("filter l-05");
    desk.press("j j");
    assert_eq!(desk.targets(), ["l-052"]);
    desk.press("tab");
    assert_eq!(desk.shown().len(), 60);
    desk.press("G");
    desk.change([FleetChange::Removed("l-051".parse().unwrap())]);
    desk.update(Row { title: "moved".into(), ..row("l-052") });
    desk.press("tab");
    assert_eq!((desk.shown().len(), desk.targets()), (9, vec!["l-052".to_owned()]));
    assert!(desk.screen().contains("2 night watch"));
    desk.press("tab");
    assert_eq!(desk.targets(), ["l-059"]);
}

#[test]
fn going_back_shows_what_was_shown_with_what_changed_since() {
    let mut desk = Desk::with(100, 20, many(20));
    desk.run("filter l-01");
    desk.press("j j j");
    desk.run("fleet");
    assert_eq!(desk.shown().len(), 20);
    desk.change([FleetChange::Removed("l-010".parse().unwrap())]);
    desk.press("[");
    assert_eq!((desk.shown().len(), desk.targets()), (9, vec!["l-013".to_owned()]));
    desk.press("]");
    assert_eq!(desk.shown().len(), 19);
}

#[test]
fn an_answer_to_the_question_of_a_view_that_was_left_is_of_no_use() {
    let mut desk = Desk::with(100, 20, many(20));
    desk.take(Msg::Action(Action::Fleet(FleetAction::Filter("l-00".to_owned()))));
    desk.now += SignedDuration::from_millis(1);
    desk.run("fleet");
    assert_eq!(desk.shown().len(), 20);
}

#[test]
fn a_view_is_kept_and_shown_again() {
    let mut desk = Desk::with(100, 20, fleet());
    desk.run("filter project:shop");
    desk.press("L ctrl-s");
    desk.run("columns state cost");
    desk.run("keep shop");
    let Some(ViewsJob::Save(name, view)) = desk.views.pop() else { panic!("nothing is kept") };
    let views = SavedViews { views: [(name, view)].into() };
    let text = Some("kept".to_owned());
    desk.take(Msg::Views(ViewsSaid { views: Some(views), text, is_wrong: false }));
    assert_eq!(desk.said(), "kept");
    desk.press("ctrl-t");
    desk.run("fleet");
    desk.run("view shop");
    assert_eq!(desk.shown(), ["checkout-17", "shop-2", "shop-1"]);
    assert!(desk.screen().contains(" 2 shop\n"));
    desk.press("S");
    assert!(desk.screen().contains(" 2 shop*\n"));
    desk.run("view shopp");
    assert!(desk.said().contains("there are shop"), "{}", desk.said());
    desk.run("view");
    assert!(desk.said().contains("views: shop"));
    desk.run("forget-view shop");
    assert_eq!(desk.views, [ViewsJob::Forget("shop".to_owned())]);
}

#[test]
fn a_lost_connection_is_said_with_the_time_that_is_shown() {
    let mut desk = Desk::with(80, 20, fleet());
    lost(&mut desk);
    desk.wait(SignedDuration::from_secs(200));
    let screen = desk.screen();
    assert!(screen.contains("CONNECTION LOST: as of 12:00:00 UTC (3m ago)"), "{screen}");
    // A server that restarted sends everything anew: what was known stays until then.
    desk.take(Msg::Fleet(Stream::Reset));
    assert!(desk.screen().contains("LOADING ANEW: as of 12:00:00 UTC"), "{}", desk.screen());
    desk.update(row("search-4"));
    desk.find();
    assert_eq!(desk.shown().len(), 7);
    desk.take(Msg::Fleet(Stream::Ready));
    desk.find();
    assert_eq!(desk.shown(), ["search-4"]);
    assert!(!desk.screen().contains("as of"));
}

#[test]
fn a_view_that_was_kept_has_the_columns_too() {
    let mut desk = Desk::with(100, 20, fleet());
    let columns = Columns::Chosen(vec![Column::Loop, Column::Labels]);
    let view = SavedView { columns, ..SavedView::default() };
    desk.state.world.views.views.insert("labels".to_owned(), view);
    desk.run("view labels");
    assert!(desk.screen().contains("LABELS"));
    let Place::Fleet(shown) = &desk.state.tabs.current().place else {
        panic!("the fleet is shown")
    };
    assert_eq!(shown.title(&desk.state.world), "labels");
    assert_eq!(desk.now, now());
}
