//! A player beside a terminal that has watched from the beginning.

use proptest::prelude::*;

use super::*;
use crate::playback::samples::{cut, of};
use crate::recording::{Event, Kind};
use crate::screen::Screen;

const MS: fn(u64) -> Duration = Duration::from_millis;

/// What is to be seen. A snapshot may forget that a row goes on, with which a blank at its end counts.
fn text(screen: &Screen) -> (Vec<String>, Option<(u16, u16)>) {
    let cursor = screen.cursor.map(|cursor| (cursor.row, cursor.column));
    (screen.rows.iter().map(|row| row.text().trim_end().to_owned()).collect(), cursor)
}

/// What somebody sees who has watched from the beginning.
fn watched(reel: &Reel, position: Duration) -> Screen {
    let mut engine = Engine::new(reel.size());
    for event in reel.events.iter().filter(|event| event.at <= position) {
        feed(&mut engine, &event.kind);
    }
    engine.screen()
}

#[test]
fn it_shows_more_when_its_time_has_come() {
    let mut player = Player::new(of(b"hello"), 2.0, MS(0));
    assert_eq!(player.show(MS(499)).to_text(), "");
    assert_eq!(player.wait(MS(400)), Some(MS(100)));
    assert_eq!(player.show(MS(500)).to_text(), "hello\n");
    assert_eq!(player.wait(MS(500)), None);
    // Back before it, in an engine whose lines nobody takes for those before.
    let lines = player.engine().lines();
    player.clock_mut().seek(MS(0), MS(600));
    assert_eq!(player.show(MS(600)).to_text(), "");
    assert!(player.engine().lines().first >= lines.end);
    player.clock_mut().pause_or_go(MS(700));
    assert_eq!(player.wait(MS(700)), None);
}

#[test]
fn seeking_far_feeds_a_part_at_most() {
    let lines: Vec<String> = (0..100).map(|n| format!("line {n}\r\n")).collect();
    let reel = Reel::join(cut(&lines, 5)).unwrap();
    let frames = Frames::new();
    let n = reel.events.len();
    for (fed, due) in [(0, n), (n, n / 2), (3, n - 1), (n, 1)] {
        let (_, events) = plan(&reel, &frames, fed, due);
        assert!(events.len() <= 7 && events.end == due, "{fed} to {due}: {events:?}");
    }
    assert_eq!(plan(&reel, &frames, 4, 5), (Begin::Here, 4..5));
    assert_eq!(plan(&reel, &frames, n, 0), (Begin::Empty(0), 0..0));
}

#[test]
fn seeking_where_it_has_been_feeds_an_interval_at_most() {
    let lines: Vec<String> = (0..5000).map(|n| format!("line {n}\r\n")).collect();
    let reel = Reel::join(cut(&lines, 5000)).unwrap();
    let n = reel.events.len();
    let end = reel.duration();
    let mut player = Player::with_frames(reel, 1.0, MS(0), Frames::bounded(1000, 1 << 20));
    player.clock_mut().seek(end, MS(0));
    player.show(MS(0));
    let costs = |player: &Player| {
        let fed = |due| plan(&player.reel, &player.frames, n, due).1.len();
        (1..n).map(fed).max().unwrap()
    };
    assert!(costs(&player) <= 1000 / "line 0\r\n".len() + 1, "{}", costs(&player));
}

#[test]
fn a_frame_has_the_size_that_the_terminal_had() {
    let mut reel = of(b"");
    let kinds = [
        Kind::Resize(crate::size::Size::nearest(30, 4)),
        Kind::Output("x".repeat(100)),
        Kind::Resize(crate::size::Size::nearest(60, 4)),
        Kind::Output("y".repeat(100)),
    ];
    let events = kinds.into_iter().zip(2..).map(|(kind, n)| Event { at: MS(n * 1000), kind });
    reel.events.extend(events);
    let mut player = Player::with_frames(reel, 1.0, MS(0), Frames::bounded(100, 1 << 20));
    for seconds in [9, 3, 4, 5, 2, 9, 3] {
        player.clock_mut().seek(MS(seconds * 1000), MS(0));
        let seen = player.show(MS(0)).screen();
        let expected = watched(&player.reel, MS(seconds * 1000));
        assert_eq!((seen.size, text(&seen)), (expected.size, text(&expected)), "{seconds}");
    }
    assert_eq!(player.frames.before(usize::MAX), Some(6));
}

proptest! {
    #[test]
    fn whatever_is_done_the_screen_is_that_of_the_position(
        outputs in proptest::collection::vec("[a-zäß漢]{0,12}|\r\n|\x1b\\[2J|\x1b\\[[1-5];[1-9]H|\x1b\\[?1049[hl]|\x1b\\[3[0-7]m", 1..40),
        size in 1_usize..60,
        interval in 1_usize..100,
        acts in proptest::collection::vec((0_u8..8, 0_u64..1500), 1..30),
    ) {
        let reel = Reel::join(cut(&outputs, size)).unwrap();
        let frames = Frames::bounded(interval, 2000);
        let mut player = Player::with_frames(reel.clone(), 1.0, MS(0), frames);
        let mut now = MS(0);
        for (act, passes) in acts {
            now += MS(passes);
            let clock = player.clock_mut();
            let position = clock.position(now);
            match act {
                0 => clock.pause_or_go(now),
                1 => clock.seek(position.saturating_sub(MS(500)), now),
                2 => clock.seek(position + MS(5000), now),
                3 => clock.faster(now),
                4 => clock.slower(now),
                5 => clock.seek(MS(passes * 3), now),
                _ => {}
            }
            let seen = text(&player.show(now).screen());
            prop_assert_eq!(seen, text(&watched(&reel, player.clock.position(now))));
            // It wakes up for the next event, and not behind it.
            if let Some(wait) = player.wait(now) {
                let next = reel.events[player.fed].at;
                prop_assert!(player.clock.position(now + wait + Duration::from_micros(2)) >= next);
            }
        }
    }
}
