//! `smithctl recording play`.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use smith_term::draw::Painter;
use smith_term::playback::clock::{self, SPEEDS};
use smith_term::playback::player::Player;
use smith_term::playback::reel::Reel;
use smith_term::screen::Screen;
use tokio::signal::unix::{SignalKind, signal};

use super::{Which, reel};
use crate::app::App;
use crate::attached::window::Window;
use crate::error::{Error, Exit};
use crate::playback::keys::Keys;
use crate::playback::watching::{Then, press, status};

/// The arguments.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    which: Which,
    /// How many times as fast as it was, from 0.0625 to 64.
    #[arg(long, value_name = "X", default_value = "1", value_parser = speed)]
    speed: f64,
    /// Let nothing take longer than this: where nothing happened, the recording goes on sooner.
    #[arg(long, value_name = "SECONDS", value_parser = clock::read)]
    idle_limit: Option<Duration>,
    /// Begin there: seconds, 1:05 or 1:00:05.
    #[arg(long, value_name = "TIME", value_parser = clock::read)]
    seek: Option<Duration>,
}

fn speed(text: &str) -> Result<f64, String> {
    let (slowest, fastest) = SPEEDS;
    let speed = text.parse().ok().filter(|speed| (slowest..=fastest).contains(speed));
    speed.ok_or_else(|| format!("{text:?} isn't a number from {slowest} to {fastest}"))
}

/// The shortest and the longest time between two screens: no eye sees more, and the clock is to go on.
const FRAMES: (Duration, Duration) = (Duration::from_millis(16), Duration::from_secs(1));

/// Runs it.
pub(crate) async fn run(app: &App, args: Args) -> Result<Exit, Error> {
    let Args { which, speed, idle_limit, seek } = args;
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return Err(Error::usage("a recording is played on a terminal, and this is none").hint(
            format!("smithctl recording export {} --format text prints what it showed", which.id),
        ));
    }
    let reel = reel(app, &which).await?;
    let reel = match idle_limit {
        Some(limit) => reel.without_idle(limit),
        None => reel,
    };
    play(reel, speed, seek.unwrap_or_default()).await
}

async fn play(reel: Reel, speed: f64, seek: Duration) -> Result<Exit, Error> {
    let failed = |error| Error::failed(format!("can't use the terminal: {error}"));
    let mut resized = signal(SignalKind::window_change()).map_err(failed)?;
    let mut terminated = signal(SignalKind::terminate()).map_err(failed)?;
    let mut hung_up = signal(SignalKind::hangup()).map_err(failed)?;
    let window = Window::open().map_err(failed)?;
    let mut keyboard = window.keyboard().map_err(failed)?;
    let mut stage = Stage::new(window.size());
    let mut keys = Keys::default();
    let began = Instant::now();
    let mut player = Player::new(reel, speed, Duration::ZERO);
    player.clock_mut().seek(seek, Duration::ZERO);
    loop {
        let now = began.elapsed();
        let screen = player.show(now).screen();
        let status = status(&player, stage.columns, now);
        window.write(&stage.draw(&screen, &status)).map_err(failed)?;
        let wait = player.wait(now).map(|wait| wait.clamp(FRAMES.0, FRAMES.1));
        // Whichever is first: none of them loses anything when another one was.
        tokio::select! {
            read = keyboard.recv() => {
                let Some(read) = read else { return Ok(Exit::Done) };
                for key in keys.push(&read) {
                    if press(&mut player, key, began.elapsed()) == Then::End {
                        return Ok(Exit::Done);
                    }
                }
            }
            _ = resized.recv() => stage = Stage::new(window.size()),
            _ = terminated.recv() => return Err(Error::failed("terminated")),
            _ = hung_up.recv() => return Err(Error::failed("the terminal went away")),
            () = tokio::time::sleep(wait.unwrap_or_default()), if wait.is_some() => {}
        }
    }
}

/// The window: the recording above, a line about it below.
struct Stage {
    columns: u16,
    rows: u16,
    painter: Painter,
    status: String,
}

impl Stage {
    fn new((columns, rows): (u16, u16)) -> Self {
        let painter = Painter::new(columns, rows - 1);
        Self { columns, rows, painter, status: String::new() }
    }

    /// What to write for the window to show this.
    fn draw(&mut self, screen: &Screen, status: &str) -> Vec<u8> {
        // The first painting erases all.
        let mut out = self.painter.paint(screen);
        if self.status != status {
            status.clone_into(&mut self.status);
            let line = format!("\x1b[{};1H\x1b[0;7m{status}\x1b[0m", self.rows);
            out.extend_from_slice(line.as_bytes());
            if let Some(cursor) = &screen.cursor {
                let hidden = (cursor.row + 1).saturating_sub(self.rows - 1);
                let (row, column) = (cursor.row - hidden + 1, cursor.column + 1);
                out.extend_from_slice(format!("\x1b[{row};{column}H").as_bytes());
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use smith_term::corpus::{HOSTILE, foreign};
    use smith_term::engine::Engine;
    use smith_term::playback::samples::of;
    use smith_term::size::Size;

    use super::*;

    #[test]
    fn nothing_but_what_an_engine_made_of_it_is_drawn() {
        for (name, bytes) in HOSTILE {
            let mut player = Player::new(of(bytes), 1.0, Duration::ZERO);
            let mut stage = Stage::new((40, 10));
            for now in 0..3 {
                let now = Duration::from_secs(now);
                let screen = player.show(now).screen();
                let drawn = stage.draw(&screen, &status(&player, 40, now));
                assert_eq!(foreign(&drawn), [""; 0], "{name}");
            }
        }
    }

    #[test]
    fn the_line_below_is_beside_the_recording_and_the_cursor_stays() {
        let mut player = Player::new(of(b"one\r\ntwo"), 1.0, Duration::ZERO);
        let mut stage = Stage::new((60, 5));
        let mut shows = Engine::new(Size::nearest(60, 5));
        shows.feed(b"\x1b[?1049h");
        for now in 0..3 {
            let now = Duration::from_secs(now);
            let screen = player.show(now).screen();
            shows.feed(&stage.draw(&screen, &status(&player, 60, now)));
        }
        let text = shows.to_text();
        assert!(text.starts_with("one\ntwo\n\n\n agent r1a1 #1  0:01 / 0:01  x1  ended"), "{text}");
        let cursor = shows.screen().cursor.unwrap();
        assert_eq!((cursor.row, cursor.column), (1, 3));
    }

    #[test]
    fn speeds_are_numbers_in_their_bounds() {
        assert_eq!(speed("2.5"), Ok(2.5));
        for text in ["0", "-1", "65", "nan", "inf", "x"] {
            assert!(speed(text).is_err(), "{text}");
        }
    }
}
