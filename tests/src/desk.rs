//! The workstation on a terminal of its own, used as a person uses it: keys by their names, clicks on what is read, and
//! waiting for what the screen says.

use std::path::Path;
use std::process::ExitStatus;

use rustix::process::Signal;
use smith_term::input::{self, Action, Button, Key, Modifiers, MouseEvent};
use smith_term::screen::{Screen, Span};
use smith_term::style::Style;
use tokio::process::{Child, Command};

use crate::binaries;
use crate::tty::{self, Tty};

/// What is asked of the terminal last, and what one says that knows how to tell keys apart: an Escape is one then,
/// whatever comes behind it.
const LAST_QUESTION: &[u8] = b"\x1b[c";
const ANSWER: &[u8] = b"\x1b[?1u\x1b[?62c";
const ESCAPE: &[u8] = b"\x1b[27u";

/// A workstation that runs.
pub struct Desk {
    tty: Tty,
    child: Child,
}

/// smith, with this home and nothing else of the environment but where programs are.
pub fn program(home: &Path) -> Command {
    let mut command = Command::new(binaries::program("smith"));
    command.env_clear().current_dir(home).kill_on_drop(true);
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", home);
    command.env("TERM", "xterm-256color").env("COLORTERM", "truecolor").env("LANG", "C.UTF-8");
    command
}

impl Desk {
    /// Starts it on a terminal of 140 columns and 40 rows.
    pub async fn open(command: Command) -> Self {
        Self::sized(command, 140, 40).await
    }

    /// Starts it on a terminal of this size.
    pub async fn sized(command: Command, columns: u16, rows: u16) -> Self {
        let mut tty = Tty::open(columns, rows);
        let child = tty.spawn(command);
        tty.until("question to the terminal", |tty| tty.got(LAST_QUESTION)).await;
        tty.type_in(ANSWER);
        tty.until("answer heard", |tty| tty.modes().alternate_screen).await;
        Self { tty, child }
    }

    /// Waits until the screen shows all of these.
    pub async fn shows(&mut self, texts: &[&str]) {
        let shows = |text: &str| texts.iter().all(|sought| text.contains(sought));
        self.until(&format!("{texts:?} on the screen"), shows).await;
    }

    /// Waits until the screen shows none of these.
    pub async fn hides(&mut self, texts: &[&str]) {
        let hides = |text: &str| !texts.iter().any(|sought| text.contains(sought));
        self.until(&format!("screen without {texts:?}"), hides).await;
    }

    /// Waits until a line of the screen has all of these.
    pub async fn line(&mut self, texts: &[&str]) {
        let has = |line: &str| texts.iter().all(|sought| line.contains(sought));
        self.until(&format!("line with {texts:?}"), |text| text.lines().any(has)).await;
    }

    /// Waits until what the screen says is so.
    pub async fn until(&mut self, what: &str, is_so: impl Fn(&str) -> bool) {
        // A frame that is being written is half of one and half of another.
        self.tty.until(what, |tty| !tty.modes().updating && is_so(&tty.text())).await;
    }

    /// What the screen says.
    pub fn text(&self) -> String {
        self.tty.text()
    }

    /// What the screen shows, with its colours.
    pub fn screen(&self) -> Screen {
        self.tty.screen()
    }

    /// Everything that it wrote, ever, has this.
    pub fn got(&self, text: &str) -> bool {
        self.tty.got(text.as_bytes())
    }

    /// Presses keys by the names that the workstation gives them, one after the other: `g g`, `ctrl-p`, `esc`.
    pub fn press(&mut self, keys: &str) {
        for name in keys.split_whitespace() {
            let bytes = self.bytes(name).unwrap_or_else(|| panic!("there is no key {name:?}"));
            self.tty.type_in(&bytes);
        }
    }

    /// Types a text.
    pub fn types(&mut self, text: &str) {
        self.tty.type_in(text.as_bytes());
    }

    /// Types a command line and sends it.
    pub fn command(&mut self, line: &str) {
        self.types(":");
        self.types(line);
        self.press("enter");
    }

    /// Pastes a text, as a terminal does.
    pub fn paste(&mut self, text: &str) {
        let bytes = input::paste(text, &self.tty.modes());
        self.tty.type_in(&bytes);
    }

    /// Clicks on the first of such a text that is on the screen.
    #[track_caller]
    pub fn click(&mut self, text: &str) {
        let (column, row) = self.find(text);
        for action in [Action::Press(Button::Left), Action::Release(Button::Left)] {
            self.mouse(action, column, row);
        }
    }

    /// Turns the wheel a notch up over such a text.
    #[track_caller]
    pub fn wheel_up(&mut self, text: &str) {
        let (column, row) = self.find(text);
        self.mouse(Action::WheelUp, column, row);
    }

    /// How the first character of such a text looks.
    #[track_caller]
    pub fn style(&self, text: &str) -> Style {
        let (column, row) = self.find(text);
        self.screen().rows[usize::from(row)].cells[usize::from(column)].style
    }

    /// Gives its terminal another size.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        self.tty.resize(columns, rows, &self.child);
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        tty::signal(&self.child, signal);
    }

    /// Waits for its end; the terminal is as it was. Answers how it ended, and what it left on the screen.
    pub async fn ended(self) -> (ExitStatus, String) {
        self.tty.given_back(self.child).await
    }

    /// Leaves it by its key, which ends it well and leaves nothing on the screen.
    pub async fn quit(mut self) {
        self.press("ctrl-c");
        let (status, left) = self.ended().await;
        assert!(status.success() && left.is_empty(), "{status}: {left}");
    }

    fn mouse(&mut self, action: Action, column: u16, row: u16) {
        let event = MouseEvent { action, column, row, held: Modifiers::NONE };
        let bytes = input::mouse(event, &self.tty.modes()).expect("it listens to the mouse");
        self.tty.type_in(&bytes);
    }

    /// Where a text begins: column and row.
    #[track_caller]
    fn find(&self, text: &str) -> (u16, u16) {
        for (row, y) in self.screen().rows.iter().zip(0..) {
            // A wide character has two cells and is one of the text.
            let cells: Vec<(char, u16)> = row
                .cells
                .iter()
                .zip(0..)
                .filter(|(cell, _)| matches!(cell.span, Span::Narrow | Span::Wide))
                .map(|(cell, x)| (cell.c, x))
                .collect();
            let sought: Vec<char> = text.chars().collect();
            let is_there = |at: &[(char, u16)]| at.iter().map(|(c, _)| c).eq(&sought);
            if let Some(at) = cells.windows(sought.len()).find(|at| is_there(at)) {
                return (at[0].1, y);
            }
        }
        panic!("no {text:?} on the screen:\n{}", self.text());
    }

    fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        if name == "esc" {
            return Some(ESCAPE.to_vec());
        }
        let (mut held, mut rest) = (Modifiers::NONE, name);
        while let Some((modifier, key)) = rest.split_once('-') {
            held |= match modifier {
                "ctrl" => Modifiers::CTRL,
                "alt" => Modifiers::ALT,
                "shift" => Modifiers::SHIFT,
                _ => return None,
            };
            rest = key;
        }
        let key = match rest {
            "enter" => Key::Enter,
            "tab" => Key::Tab,
            "backspace" => Key::Backspace,
            "space" => Key::Char(' '),
            "minus" => Key::Char('-'),
            "up" => Key::Up,
            "down" => Key::Down,
            "left" => Key::Left,
            "right" => Key::Right,
            "home" => Key::Home,
            "end" => Key::End,
            "pgup" => Key::PageUp,
            "pgdn" => Key::PageDown,
            "del" => Key::Delete,
            one => {
                let mut chars = one.chars();
                let c = chars.next()?;
                chars.next().is_none().then_some(Key::Char(c))?
            }
        };
        Some(input::key(key, held, &self.tty.modes()))
    }
}
