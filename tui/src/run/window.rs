//! The person's terminal while it is used: raw, on its alternate screen; and as it was afterwards, however this ends.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::event::{
    DisableBracketedPaste, DisableFocusChange, DisableMouseCapture, EnableBracketedPaste,
    EnableFocusChange, EnableMouseCapture, EventStream,
};
use crossterm::style::Print;
use crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use crossterm::{cursor, execute, terminal};

use crate::run::Error;

/// The terminal keeps its window's title, and takes it back. One that doesn't know them ignores them.
const PUSH_TITLE: &str = "\x1b[22;2t";
const POP_TITLE: &str = "\x1b[23;2t";

/// Whether the terminal is ours at the moment: a panic restores it only then.
static IS_OPEN: AtomicBool = AtomicBool::new(false);

/// The terminal in use. Dropped, it is as it was.
#[derive(Debug)]
pub(super) struct Window;

impl Window {
    /// Takes the terminal.
    pub(super) fn open() -> Result<Self, Error> {
        if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
            return Err(Error::NotATerminal);
        }
        let next = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            // A panic's message is to be read on a terminal that works.
            leave();
            next(info);
        }));
        let window = Self;
        enter().map_err(Error::Terminal)?;
        Ok(window)
    }

    /// What is typed, and what the mouse does.
    pub(super) fn events(&self) -> EventStream {
        EventStream::new()
    }

    /// Columns and rows.
    pub(super) fn size(&self) -> (u16, u16) {
        let (columns, rows) = terminal::size().unwrap_or((80, 24));
        (columns.max(1), rows.max(1))
    }

    /// Stops the process with the terminal given back; answers when it goes on.
    pub(super) fn suspend(&self) -> io::Result<()> {
        leave();
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::STOP)?;
        enter()
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        leave();
    }
}

fn enter() -> io::Result<()> {
    IS_OPEN.store(true, Ordering::SeqCst);
    enable_raw_mode()?;
    execute!(
        io::stdout(),
        Print(PUSH_TITLE),
        EnterAlternateScreen,
        EnableBracketedPaste,
        EnableFocusChange,
        EnableMouseCapture,
    )
}

/// What can't be restored is left: there is nobody to tell.
fn leave() {
    if !IS_OPEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let _ = execute!(
        io::stdout(),
        DisableMouseCapture,
        DisableFocusChange,
        DisableBracketedPaste,
        cursor::Show,
        LeaveAlternateScreen,
        Print(POP_TITLE),
    );
    let _ = io::stdout().flush();
    let _ = disable_raw_mode();
}
