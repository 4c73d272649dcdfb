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
    terminal: Terminal<CrosstermBackend<Drawn>>,
    drawn: Drawn,
    size: (u16, u16),
    frames: std_mpsc::SyncSender<Vec<u8>>,
    done: mpsc::Receiver<io::Result<()>>,
    is_writing: bool,
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

impl Painter {
    /// For a window of these columns and rows.
    pub(super) fn new(size: (u16, u16)) -> io::Result<Self> {
        let drawn = Drawn::default();
        // Whether there are colours is the theme's business.
        crossterm::style::force_color_output(true);
        let viewport = Viewport::Fixed(Rect::new(0, 0, size.0, size.1));
        let backend = CrosstermBackend::new(drawn.clone());
        let terminal = Terminal::with_options(backend, TerminalOptions { viewport })?;
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
        let mut painter = Self { terminal, drawn, size, frames, done, is_writing: false };
        painter.redraw()?;
        Ok(painter)
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
        self.size = size;
        self.terminal.resize(Rect::new(0, 0, size.0, size.1))
    }

    /// Every cell is written with the next frame.
    pub(super) fn redraw(&mut self) -> io::Result<()> {
        // Not `clear`, which asks the terminal where its cursor is and waits for the answer.
        self.resize(self.size)
    }

    /// Draws a frame and has it written, behind what is to be said `beside` it. Only while none is being written.
    pub(super) fn draw(&mut self, state: &mut State, beside: Vec<u8>) -> io::Result<()> {
        let mut hits = None;
        self.terminal.draw(|frame| hits = Some(draw::frame(state, frame)))?;
        if let Some(hits) = hits {
            state.hits = hits;
        }
        let drawn = self.drawn.take();
        let frame = match (drawn.is_empty(), beside.is_empty()) {
            (true, true) => return Ok(()),
            (true, false) => beside,
            (false, _) => [&beside, BEGIN, &drawn, END].concat(),
        };
        self.is_writing = self.frames.send(frame).is_ok();
        Ok(())
    }
}
