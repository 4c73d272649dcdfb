//! `--replay`: shows a recording at the pace at which it happened, with long waits cut short.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::time::{Duration, Instant};

use futures::StreamExt as _;

use crate::keys::Key;
use crate::msg::Msg;
use crate::replay::{Recording, again};
use crate::run::input::Late;
use crate::run::paint::Painter;
use crate::run::signals::{Asked, Signals};
use crate::run::window::Window;
use crate::run::{Error, sleep_until};

/// The longest wait between two messages.
const LONGEST: Duration = Duration::from_secs(1);

/// Shows it until its person leaves; the last screen stays.
pub(super) async fn play(path: &Path) -> Result<(), Error> {
    let error = |source| Error::Replay { path: path.to_owned(), source };
    let file = File::open(path).map_err(|source| error(crate::replay::Error::Read(source)))?;
    let Recording { begin, lines } = Recording::read(BufReader::new(file)).map_err(error)?;
    let mut signals = Signals::register().map_err(Error::Signals)?;
    let mut state = begin.state();
    let (window, mut answers) = Window::open()?;
    let mut late = Late::new(answers.end());
    let mut painter = Painter::new(window.size()).map_err(Error::Terminal)?;
    let mut events = window.events();
    let mut lines = lines.into_iter().peekable();
    let mut is_paused = false;
    let mut due = Instant::now();
    loop {
        if state.is_dirty && !painter.is_writing() {
            painter.draw(&mut state, vec![]).map_err(Error::Terminal)?;
            state.is_dirty = false;
        }
        let is_waiting = !is_paused && lines.peek().is_some();
        // The person first; all of these may be dropped.
        tokio::select! {
            biased;
            asked = signals.next() => match asked {
                Asked::End => return Ok(()),
                Asked::Stop => {
                    window.suspend().map_err(Error::Terminal)?;
                    painter.redraw().map_err(Error::Terminal)?;
                    state.is_dirty = true;
                }
            },
            event = events.next() => {
                let Some(event) = event else { return Ok(()) };
                match late.msg(event.map_err(Error::Terminal)?) {
                    Some(Msg::Key(chord)) => match (chord.key, chord.ctrl) {
                        (Key::Char('q'), false) | (Key::Char('c'), true) => return Ok(()),
                        (Key::Char(' '), _) => is_paused = !is_paused,
                        (Key::Right, _) => due = Instant::now(),
                        _ => {}
                    },
                    Some(Msg::Resize { columns, rows }) => {
                        painter.resize((columns, rows)).map_err(Error::Terminal)?;
                        state.is_dirty = true;
                    }
                    _ => {}
                }
            }
            written = painter.written() => written.map_err(Error::Terminal)?,
            () = sleep_until(Some(due)), if is_waiting => {
                if let Some(line) = lines.next() {
                    let next = lines.peek().map(|next| next.at.duration_since(line.at));
                    let wait = next.and_then(|wait| Duration::try_from(wait).ok());
                    due = Instant::now() + wait.unwrap_or_default().min(LONGEST);
                    again(&mut state, line);
                }
            }
        }
    }
}
