//! A player beside a terminal that has watched from the beginning.

use proptest::prelude::*;
use smith_term::playback::samples::{cut, of};

use super::*;

const MS: fn(u64) -> Duration = Duration::from_millis;

fn text(screen: &Screen) -> (Vec<String>, Option<(u16, u16)>) {
    let cursor = screen.cursor.map(|cursor| (cursor.row, cursor.column));
    (screen.rows.iter().map(|row| row.text()).collect(), cursor)
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
    assert_eq!(text(&player.screen(MS(499))).0[0], "");
    assert_eq!(player.wait(MS(400)), Some(MS(100)));
    assert_eq!(text(&player.screen(MS(500))).0[0], "hello");
    assert_eq!(player.wait(MS(500)), None);
    assert!(player.status(80, MS(500)).contains("0:01 / 0:01  x2  ended"));
    // Back before it.
    player.press(Key::Back, MS(600));
    assert_eq!(text(&player.screen(MS(600))).0[0], "");
    player.press(Key::Pause, MS(700));
    assert_eq!(
        (player.wait(MS(700)), player.status(80, MS(9000)).contains("paused")),
        (None, true)
    );
    assert_eq!(player.press(Key::End, MS(9000)), Then::End);
    assert_eq!(player.status(10, MS(9000)).chars().count(), 10);
}

#[test]
fn seeking_far_feeds_a_part_at_most() {
    let lines: Vec<String> = (0..100).map(|n| format!("line {n}\r\n")).collect();
    let reel = Reel::join(cut(&lines, 5)).unwrap();
    let n = reel.events.len();
    for (fed, due) in [(0, n), (n, n / 2), (3, n - 1), (n, 1)] {
        let Feed { events, .. } = plan(&reel, fed, due);
        assert!(events.len() <= 7 && events.end == due, "{fed} to {due}: {events:?}");
    }
    assert_eq!(plan(&reel, 4, 5), Feed { anew: false, events: 4..5 });
    assert_eq!(plan(&reel, n, 0), Feed { anew: true, events: 0..0 });
}

proptest! {
    #[test]
    fn whatever_is_pressed_the_screen_is_that_of_the_position(
        outputs in proptest::collection::vec("[a-zäß漢]{0,12}|\r\n|\x1b\\[2J|\x1b\\[[1-5];[1-9]H|\x1b\\[?1049[hl]|\x1b\\[3[0-7]m", 1..40),
        size in 1_usize..12,
        acts in proptest::collection::vec((0_u8..8, 0_u64..1500), 1..30),
    ) {
        let reel = Reel::join(cut(&outputs, size)).unwrap();
        let mut player = Player::new(reel.clone(), 1.0, MS(0));
        let mut now = MS(0);
        for (act, passes) in acts {
            now += MS(passes);
            match act {
                0 => drop(player.press(Key::Pause, now)),
                1 => drop(player.press(Key::Back, now)),
                2 => drop(player.press(Key::Forward, now)),
                3 => drop(player.press(Key::Faster, now)),
                4 => drop(player.press(Key::Slower, now)),
                5 => player.seek(MS(passes * 3), now),
                _ => {}
            }
            let seen = text(&player.screen(now));
            prop_assert_eq!(seen, text(&watched(&reel, player.clock.position(now))));
            // It wakes up for the next event, and not behind it.
            if let Some(wait) = player.wait(now) {
                let next = reel.events[player.fed].at;
                prop_assert!(player.clock.position(now + wait + Duration::from_micros(2)) >= next);
            }
        }
    }
}
