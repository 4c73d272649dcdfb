//! Frames: drawn into memory, and written by a thread of their own, one at a time, each as one synchronized update.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError, mpsc as std_mpsc};

use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};
use tokio::sync::mpsc;

use crate::draw;
use crate::run::window;
use crate::state::State;

/// DEC private mode 2026: a terminal that knows it shows all of it at once; one that doesn't ignores it.
const BEGIN: &[u8] = b"\x1b[?2026h";
const END: &[u8] = b"\x1b[?2026l";

/// Draws frames and has them written.
pub(super) struct Painter {
    pen: Pen,
    frames: std_mpsc::SyncSender<Vec<u8>>,
    done: mpsc::Receiver<io::Result<()>>,
    is_writing: bool,
}

/// Draws frames into memory: what of each differs from the one before.
struct Pen {
    terminal: Terminal<CrosstermBackend<Drawn>>,
    drawn: Drawn,
    size: (u16, u16),
    /// What ratatui writes where nothing changed.
    nothing: Vec<u8>,
}

/// What ratatui wrote, until it is taken.
#[derive(Clone, Default)]
struct Drawn(Arc<Mutex<Vec<u8>>>);

impl Drawn {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Drawn {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Pen {
    fn new(size: (u16, u16)) -> io::Result<Self> {
        let drawn = Drawn::default();
        // Whether there are colours is the theme's business.
        crossterm::style::force_color_output(true);
        let viewport = Viewport::Fixed(Rect::new(0, 0, size.0, size.1));
        let backend = CrosstermBackend::new(drawn.clone());
        let terminal = Terminal::with_options(backend, TerminalOptions { viewport })?;
        let mut pen = Self { terminal, drawn, size, nothing: vec![] };
        for _ in 0..2 {
            pen.drawn.take();
            pen.terminal.draw(|_| {})?;
        }
        pen.nothing = pen.drawn.take();
        pen.redraw()?;
        Ok(pen)
    }

    fn resize(&mut self, size: (u16, u16)) -> io::Result<()> {
        self.size = size;
        self.terminal.resize(Rect::new(0, 0, size.0, size.1))
    }

    fn redraw(&mut self) -> io::Result<()> {
        // Not `clear`, which asks the terminal where its cursor is and waits for the answer.
        self.resize(self.size)
    }

    fn draw(&mut self, state: &mut State) -> io::Result<Vec<u8>> {
        let mut hits = None;
        self.terminal.draw(|frame| hits = Some(draw::frame(state, frame)))?;
        if let Some(hits) = hits {
            state.hits = hits;
        }
        let drawn = self.drawn.take();
        Ok(if drawn == self.nothing { vec![] } else { drawn })
    }
}

impl Painter {
    /// For a window of these columns and rows.
    pub(super) fn new(size: (u16, u16)) -> io::Result<Self> {
        let pen = Pen::new(size)?;
        let (frames, to_write) = std_mpsc::sync_channel::<Vec<u8>>(1);
        let (tx, done) = mpsc::channel(1);
        std::thread::Builder::new().name("frames".to_owned()).spawn(move || {
            while let Ok(frame) = to_write.recv() {
                let mut out = io::stdout().lock();
                // What was given back, by a panic say, is somebody else's.
                let written = match window::is_open() {
                    true => out.write_all(&frame).and_then(|()| out.flush()),
                    false => Ok(()),
                };
                if tx.blocking_send(written).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { pen, frames, done, is_writing: false })
    }

    /// Is a frame being written?
    pub(super) fn is_writing(&self) -> bool {
        self.is_writing
    }

    /// Waits until the frame is written; for ever, where none is. Cancel-safe.
    pub(super) async fn written(&mut self) -> io::Result<()> {
        if !self.is_writing {
            std::future::pending::<()>().await;
        }
        let written = self.done.recv().await;
        self.is_writing = false;
        written.unwrap_or_else(|| Err(io::ErrorKind::BrokenPipe.into()))
    }

    /// The window has another size.
    pub(super) fn resize(&mut self, size: (u16, u16)) -> io::Result<()> {
        self.pen.resize(size)
    }

    /// Every cell is written with the next frame.
    pub(super) fn redraw(&mut self) -> io::Result<()> {
        self.pen.redraw()
    }

    /// Draws a frame and has it written, behind what is to be said `beside` it. Only while none is being written.
    pub(super) fn draw(&mut self, state: &mut State, beside: Vec<u8>) -> io::Result<()> {
        let drawn = self.pen.draw(state)?;
        let frame = match (drawn.is_empty(), beside.is_empty()) {
            (true, true) => return Ok(()),
            (true, false) => beside,
            (false, _) => [&beside, BEGIN, &drawn, END].concat(),
        };
        self.is_writing = self.frames.send(frame).is_ok();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Depth;
    use crate::layers::tests::{happens, keys, row, state};
    use crate::look::Theme;
    use crate::msg::{FleetChange, Msg, Stream};
    use crate::update::update;

    #[test]
    fn a_slow_link_gets_little() {
        let mut state = state((200, 60));
        state.world.look.depth = Depth::True;
        let states = ["flatline", "overwriting", "unresolved", "synced", "cancelled"];
        let rows = (0..500).map(|at| {
            let id = format!("loop-{at:03}");
            FleetChange::Updated(Box::new(row(&id, states[at % 5], "A title of some words")))
        });
        for said in [Stream::Reset, Stream::Changes(rows.collect()), Stream::Ready] {
            happens(&mut state, Msg::Fleet(said));
        }
        let mut pen = Pen::new((200, 60)).unwrap();
        let whole = pen.draw(&mut state).unwrap().len();
        assert!(whole < 60_000, "a window costs {whole} bytes");
        assert_eq!(pen.draw(&mut state).unwrap(), b"", "what didn't change isn't written");

        let later = state.world.now + jiff::SignedDuration::from_secs(1);
        update(&mut state, later, Msg::Tick);
        let second = pen.draw(&mut state).unwrap().len();
        assert!(second < 200, "a second costs {second} bytes");

        keys(&mut state, "j");
        let cursor = pen.draw(&mut state).unwrap().len();
        assert!(cursor < 1_500, "a row costs {cursor} bytes");
        keys(&mut state, "pgdn");
        let page = pen.draw(&mut state).unwrap().len();
        assert!(page < 4_000, "a page costs {page} bytes");
    }

    #[test]
    fn without_colours_none_is_written() {
        let mut state = state((80, 24));
        let coloured = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes);
            text.contains("[38;") || text.contains("[48;")
        };
        let mut pen = Pen::new((80, 24)).unwrap();
        assert!(coloured(&pen.draw(&mut state).unwrap()));
        state.world.look.theme = Theme::Plain;
        assert!(!coloured(&pen.draw(&mut state).unwrap()));
    }
}
