//! How the place looks.

use jiff::SignedDuration;

use super::{Desk, fleet};
use crate::fleet::tests::{in_state, row};
use crate::msg::{Msg, Stream};
use smith_model::state::State as LoopState;

#[test]
fn a_fleet_in_four_sizes() {
    for (columns, rows) in [(60, 20), (80, 24), (120, 40), (200, 60)] {
        let mut desk = Desk::with(columns, rows, fleet());
        desk.press("j space");
        desk.wait(SignedDuration::from_secs(5));
        desk.update(in_state(row("login-2"), LoopState::Synced));
        insta::assert_snapshot!(format!("fleet-{columns}x{rows}"), desk.screen());
    }
}

#[test]
fn groups_facets_and_a_filter() {
    for (columns, rows) in [(60, 20), (80, 24), (120, 40), (200, 60)] {
        let mut desk = Desk::with(columns, rows, fleet());
        desk.run("filter !state:synced o");
        desk.press("ctrl-g f");
        insta::assert_snapshot!(format!("groups-{columns}x{rows}"), desk.screen());
    }
}

#[test]
fn without_unicode() {
    let mut desk = Desk::with(120, 20, fleet());
    desk.state.world.look.ascii = true;
    desk.press("ctrl-g space");
    let screen = desk.screen();
    let wide = screen.chars().filter(|c| !c.is_ascii()).collect::<String>();
    assert_eq!(wide, "日本語の説明を書く", "what others wrote stays");
    insta::assert_snapshot!(screen);
}

#[test]
fn why_there_is_no_row() {
    let mut screens = vec![];
    let mut desk = Desk::new(72, 12);
    screens.push(desk.screen());
    desk.take(Msg::Fleet(Stream::Reset));
    screens.push(desk.screen());
    desk.take(Msg::Fleet(Stream::Ready));
    desk.find();
    screens.push(desk.screen());
    let (since, why) = (desk.now, "connection refused (os error 111)".to_owned());
    desk.take(Msg::Fleet(Stream::Lost { since, why }));
    screens.push(desk.screen());
    desk.take(Msg::Fleet(Stream::Refused { why: "the token isn't known".to_owned() }));
    screens.push(desk.screen());
    let mut desk = Desk::with(72, 12, [row("a")]);
    desk.press("ctrl-e");
    screens.push(desk.screen());
    desk.run("filter nothing");
    screens.push(desk.screen());
    insta::assert_snapshot!(screens.join("\n\n"));
}

#[test]
fn no_size_makes_it_panic() {
    for (columns, rows) in (0..45).flat_map(|columns| (0..12).map(move |rows| (columns, rows))) {
        let mut desk = Desk::with(columns, rows, fleet());
        desk.press("ctrl-g f j");
        desk.draw();
        desk.press("f /");
        desk.type_in("state:x");
        desk.draw();
        let (since, why) = (desk.now, "gone".to_owned());
        desk.take(Msg::Fleet(Stream::Lost { since, why }));
        desk.draw();
    }
}
