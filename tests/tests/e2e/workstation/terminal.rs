//! The workstation's own terminal: any size, and as it was when it is left.

use rustix::process::Signal;

use super::*;

#[tokio::test]
async fn any_size_is_drawn_and_none_ends_it() {
    let mut scene = Scene::open(Options::default(), &[]).await;
    scene.waiting("alpha", "true", &["true"]).await;
    let desk = &mut scene.desk;
    desk.line(&["alpha", "overwriting"]).await;
    let pages = [
        ("", "the loop alpha"),
        ("enter", "Attempts"),
        ("2", "following"),
        ("3", "#1"),
        ("7", "iterations"),
    ];
    for (key, shown) in pages {
        desk.press(key);
        desk.shows(&[shown]).await;
        for (columns, rows) in [(1, 1), (60, 20), (2, 40), (300, 80), (300, 1), (80, 24)] {
            desk.resize(columns, rows);
        }
        desk.until("a last size that is filled", |text| {
            text.lines().count() == 24 && text.lines().next().is_some_and(|line| line.len() > 60)
        })
        .await;
        desk.line(&["live"]).await;
        a_second_passes(desk).await;
    }
    desk.resize(140, 40);
    desk.until("all rows", |text| text.lines().count() == 40 && text.contains("help")).await;
    a_second_passes(desk).await;
    scene.finish().await;
}

/// A key that comes together with the signal of a resize is read with the next one only, since crossterm waits for both at
/// once and looks at one. So the signal has its time.
async fn a_second_passes(desk: &mut Desk) {
    let before = desk.text();
    desk.until("another time on the screen", |text| text != before).await;
}

#[tokio::test]
async fn the_terminal_is_given_back_however_it_ends() {
    let world = World::start(Options::default()).await;
    for signal in [None, Some(Signal::TERM), Some(Signal::HUP), Some(Signal::INT)] {
        let mut desk = Desk::open(world.smith(&[])).await;
        desk.shows(&["live", "help"]).await;
        assert!(desk.got("\x1b[?1000h") && desk.got("\x1b[?2004h"), "mouse and pastes are taken");
        match signal {
            None => desk.press("ctrl-c"),
            Some(signal) => desk.signal(signal),
        }
        let (status, left) = desk.ended().await;
        assert!(status.success(), "{signal:?}: {status}");
        assert_eq!(left, "", "{signal:?}");
    }
    finish(world).await;
}
