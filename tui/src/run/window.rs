//! The person's terminal while it is used: raw, on its alternate screen; and as it was afterwards, however this ends.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::event::{
    DisableBracketedPaste, DisableFocusChange, DisableMouseCapture, EnableBracketedPaste,
    EnableFocusChange, EnableMouseCapture, EventStream, KeyboardEnhancementFlags,
    PopKeyboardEnhancementFlags, PushKeyboardEnhancementFlags,
};
use crossterm::style::Print;
use crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use crossterm::{cursor, execute, queue, terminal};
use rustix::process::{Signal, getpgrp, getsid, kill_current_process_group};

use crate::host::Answers;
use crate::run::{Error, probe};

/// The terminal keeps its window's title, and takes it back. One that doesn't know them ignores them.
const PUSH_TITLE: &str = "\x1b[22;2t";
const POP_TITLE: &str = "\x1b[23;2t";

/// Whether the terminal is ours at the moment. It changes only while standard output is locked, so that nothing that
/// is written while it is ours comes behind what gives it back.
static IS_OPEN: AtomicBool = AtomicBool::new(false);
/// Whether the terminal was told to tell keys apart: only then that is taken back.
static TELLS_KEYS: AtomicBool = AtomicBool::new(false);

/// The terminal in use. Dropped, it is as it was.
#[derive(Debug)]
pub(super) struct Window {
    has_mouse: bool,
    tells_keys: bool,
}

impl Window {
    /// Takes the terminal; answers also what it said of itself.
    pub(super) fn open() -> Result<(Self, Answers), Error> {
        if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
            return Err(Error::NotATerminal);
        }
        let next = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            // A panic's message is to be read on a terminal that works.
            leave();
            next(info);
        }));
        // From here on every way out gives it back.
        let mut window = Self { has_mouse: false, tells_keys: false };
        IS_OPEN.store(true, Ordering::SeqCst);
        enable_raw_mode().map_err(Error::Terminal)?;
        let answers = probe::ask().map_err(Error::Terminal)?;
        window.tells_keys = answers.tells_keys;
        window.enter().map_err(Error::Terminal)?;
        Ok((window, answers))
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

    /// Is it still ours? A panic anywhere gave it back.
    pub(super) fn is_open(&self) -> bool {
        is_open()
    }

    /// Notes whether the mouse is this program's, for when the terminal is taken again; answers what tells the terminal.
    pub(super) fn set_mouse(&mut self, has_mouse: bool) -> io::Result<Vec<u8>> {
        self.has_mouse = has_mouse;
        let mut said = vec![];
        if has_mouse {
            queue!(said, EnableMouseCapture)?;
        } else {
            queue!(said, DisableMouseCapture)?;
        }
        Ok(said)
    }

    /// Gives the terminal back, for another program to use.
    pub(super) fn lend(&self) {
        leave();
    }

    /// Takes it again.
    pub(super) fn take_back(&self) -> io::Result<()> {
        IS_OPEN.store(true, Ordering::SeqCst);
        enable_raw_mode()?;
        self.enter()
    }

    /// Stops the process with the terminal given back; answers when it goes on, and whether there was a shell to stop
    /// for: without one nobody would ever start it again.
    pub(super) fn suspend(&self) -> io::Result<bool> {
        if !has_shell()? {
            return Ok(false);
        }
        leave();
        // As the terminal's own Ctrl-Z does it: everything that was started together.
        kill_current_process_group(Signal::STOP)?;
        self.take_back()?;
        Ok(true)
    }

    fn enter(&self) -> io::Result<()> {
        execute!(
            io::stdout(),
            Print(PUSH_TITLE),
            EnterAlternateScreen,
            EnableBracketedPaste,
            EnableFocusChange,
        )?;
        if self.tells_keys {
            let flags = KeyboardEnhancementFlags::DISAMBIGUATE_ESCAPE_CODES;
            TELLS_KEYS.store(true, Ordering::SeqCst);
            execute!(io::stdout(), PushKeyboardEnhancementFlags(flags))?;
        }
        if self.has_mouse {
            execute!(io::stdout(), EnableMouseCapture)?;
        }
        Ok(())
    }
}

/// Stops with the editor that was stopped, and answers when both go on; where no shell would start them again, the
/// editor goes on at once.
pub(super) fn stop_with_editor() -> io::Result<()> {
    let signal = if has_shell()? { Signal::STOP } else { Signal::CONT };
    Ok(kill_current_process_group(signal)?)
}

/// Is there a shell above? It gives each of its jobs a group of its own; in the session's first group there is none.
fn has_shell() -> io::Result<bool> {
    Ok(getsid(None)? != getpgrp())
}

impl Drop for Window {
    fn drop(&mut self) {
        leave();
    }
}

/// Is the terminal ours? Asked with standard output locked it stays so until the lock is given back.
pub(super) fn is_open() -> bool {
    IS_OPEN.load(Ordering::SeqCst)
}

/// What can't be restored is left: there is nobody to tell.
fn leave() {
    let mut out = io::stdout().lock();
    if !IS_OPEN.swap(false, Ordering::SeqCst) {
        return;
    }
    if TELLS_KEYS.swap(false, Ordering::SeqCst) {
        let _ = queue!(out, PopKeyboardEnhancementFlags);
    }
    let _ = queue!(
        out,
        DisableMouseCapture,
        DisableFocusChange,
        DisableBracketedPaste,
        cursor::Show,
        LeaveAlternateScreen,
        Print(POP_TITLE),
    );
    let _ = out.flush();
    let _ = disable_raw_mode();
}
