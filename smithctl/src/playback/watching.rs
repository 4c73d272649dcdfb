//! Watching a recording on the operator's terminal: what keys do to the player, and the line about it.

use std::time::Duration;

use smith_term::playback::clock::shown;
use smith_term::playback::player::Player;

use super::keys::Key;

/// How far one key seeks.
const STEP: Duration = Duration::from_secs(5);

/// Whether it goes on behind a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// It does.
    GoOn,
    /// It was ended.
    End,
}

/// A key.
pub(crate) fn press(player: &mut Player, key: Key, now: Duration) -> Then {
    let clock = player.clock_mut();
    let position = clock.position(now);
    match key {
        Key::Pause => clock.pause_or_go(now),
        Key::Back => clock.seek(position.saturating_sub(STEP), now),
        Key::Forward => clock.seek(position.saturating_add(STEP), now),
        Key::Faster => clock.faster(now),
        Key::Slower => clock.slower(now),
        Key::End => return Then::End,
    }
    Then::GoOn
}

/// A line about it: printable, and cut to so many columns.
pub(crate) fn status(player: &Player, columns: u16, now: Duration) -> String {
    let (name, clock) = (&player.reel().name, player.clock());
    let (position, length) = (clock.position(now), clock.length());
    let state = match (position == length, clock.is_paused()) {
        (true, _) => "  ended",
        (false, true) => "  paused",
        (false, false) => "",
    };
    let (position, length, speed) = (shown(position), shown(length), clock.speed());
    let text = format!(" {name}  {position} / {length}  x{speed}{state}  [space , . + - q]");
    format!("{text:<width$.width$}", width = usize::from(columns))
}

#[cfg(test)]
mod tests {
    use smith_term::playback::samples::of;

    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn keys_move_it_and_the_line_says_where_it_is() {
        let mut player = Player::new(of(b"hello"), 2.0, MS(0));
        assert_eq!(player.show(MS(500)).to_text(), "hello\n");
        assert!(status(&player, 80, MS(500)).contains("0:01 / 0:01  x2  ended"));
        assert_eq!(press(&mut player, Key::Back, MS(600)), Then::GoOn);
        assert_eq!(player.show(MS(600)).to_text(), "");
        press(&mut player, Key::Forward, MS(600));
        assert_eq!(player.show(MS(600)).to_text(), "hello\n");
        press(&mut player, Key::Back, MS(600));
        press(&mut player, Key::Slower, MS(650));
        press(&mut player, Key::Pause, MS(700));
        let line = status(&player, 80, MS(9000));
        assert!(line.contains("0:00 / 0:01  x1  paused"), "{line}");
        assert_eq!(press(&mut player, Key::End, MS(9000)), Then::End);
        assert_eq!(status(&player, 10, MS(9000)).chars().count(), 10);
    }
}
