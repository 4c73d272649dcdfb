//! The terminal that this runs on: what it understands, and how it is told. Pure.
//!
//! What can be asked is asked (see [`crate::run`]); the rest is read off the environment, as every program does. A
//! terminal that is not known gets what every terminal understands.

mod answers;

use data_encoding::BASE64;
use serde::{Deserialize, Serialize};

use crate::text;

pub use answers::{Answers, QUESTIONS, ground};

/// The most bytes of text that are copied: 100,000 in base64 is what xterm and others take at once.
pub const MOST_COPIED: usize = 74_994;
/// The most characters of a title, or of a line of a notice.
const MOST_SAID: usize = 200;

/// What lies between this program and the terminal's window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Between {
    /// Nothing, or only a connection.
    Nothing,
    /// tmux.
    Tmux,
    /// zellij.
    Zellij,
    /// GNU screen.
    Screen,
}

/// How a terminal can be told to draw its person's eye.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Notices {
    /// kitty's: with a title, a text and an urgency.
    Osc99,
    /// iTerm's: one text.
    Osc9,
    /// The bell, which every terminal and every multiplexer makes something of.
    Bell,
}

/// How much something matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Urgency {
    /// Good to know.
    Low,
    /// Worth a look.
    #[default]
    Normal,
    /// Somebody has to act.
    Critical,
}

/// Something to be said to a person who looks elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// In a few words.
    pub title: String,
    /// The rest.
    pub text: String,
    /// How much it matters.
    pub urgency: Urgency,
}

/// How many colours a terminal has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Depth {
    /// The sixteen of its own palette.
    Sixteen,
    /// 256.
    #[default]
    Indexed,
    /// All of them.
    True,
}

/// The terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Host {
    /// What lies between.
    pub between: Between,
    /// Its colours.
    pub depth: Depth,
    notices: Notices,
}

impl Default for Host {
    fn default() -> Self {
        Self::of(|_| None)
    }
}

impl Host {
    /// Reads it off an environment.
    pub fn of(get: impl Fn(&str) -> Option<String>) -> Self {
        let term = get("TERM").unwrap_or_default();
        let program = get("TERM_PROGRAM").unwrap_or_default();
        let between = if get("ZELLIJ").is_some() {
            Between::Zellij
        } else if get("TMUX").is_some() || program == "tmux" || term.starts_with("tmux") {
            Between::Tmux
        } else if get("STY").is_some() || term.starts_with("screen") {
            Between::Screen
        } else {
            Between::Nothing
        };
        let notices = match (between, program.as_str()) {
            // They keep what they don't know to themselves, but ring.
            (Between::Tmux | Between::Zellij | Between::Screen, _) => Notices::Bell,
            (Between::Nothing, "iTerm.app" | "WezTerm" | "ghostty" | "WarpTerminal") => {
                Notices::Osc9
            }
            (Between::Nothing, _) if term.contains("kitty") => Notices::Osc99,
            (Between::Nothing, _) if term.starts_with("foot") || term.contains("ghostty") => {
                Notices::Osc9
            }
            (Between::Nothing, _) => Notices::Bell,
        };
        let depth = match get("COLORTERM").as_deref() {
            Some("truecolor" | "24bit") => Depth::True,
            _ if term.contains("direct") => Depth::True,
            _ if term.contains("256color") || term.contains("kitty") => Depth::Indexed,
            _ if term.starts_with("foot") || term.contains("ghostty") => Depth::Indexed,
            _ => Depth::Sixteen,
        };
        Self { between, depth, notices }
    }

    /// Puts a text on the clipboard of the machine that the person sits at.
    pub fn copy(text: &str) -> Vec<u8> {
        format!("\x1b]52;c;{}\x1b\\", BASE64.encode(text.as_bytes())).into_bytes()
    }

    /// What came of copying so many bytes, as far as that can be known: no terminal answers.
    pub fn copied(self, bytes: usize) -> String {
        let to = match self.between {
            Between::Nothing | Between::Zellij => "the terminal's clipboard",
            Between::Tmux => "tmux, which hands it on with `set-clipboard on`",
            Between::Screen => "screen, which may not hand it on",
        };
        format!("{bytes} bytes given to {to}")
    }

    /// Names the window.
    pub fn title(text: &str) -> Vec<u8> {
        format!("\x1b]2;{}\x1b\\", said(text)).into_bytes()
    }

    /// Draws the person's eye. `number` tells notices apart.
    pub fn notify(self, notice: &Notice, number: u64) -> Vec<u8> {
        let Notice { title, text, urgency } = notice;
        let (title, text) = (said(title), said(text));
        match self.notices {
            Notices::Osc99 => {
                let urgency = *urgency as u8;
                format!(
                    "\x1b]99;i=smith-{number}:d=0:u={urgency};{title}\x1b\\\
                     \x1b]99;i=smith-{number}:d=1:p=body;{text}\x1b\\"
                )
            }
            // Not with a digit in front, which means something else to some.
            Notices::Osc9 => format!("\x1b]9;Smith: {title}: {text}\x1b\\"),
            Notices::Bell => "\x07".to_owned(),
        }
        .into_bytes()
    }
}

/// One line with nothing in it that ends or begins a sequence.
fn said(text: &str) -> String {
    text::clean(text).chars().take(MOST_SAID).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(vars: &[(&str, &str)]) -> Host {
        Host::of(|name| {
            vars.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn a_terminal_is_known_by_its_environment() {
        for (vars, between, notices, depth) in [
            (&[][..], Between::Nothing, Notices::Bell, Depth::Sixteen),
            (&[("TERM", "xterm-kitty")], Between::Nothing, Notices::Osc99, Depth::Indexed),
            (
                &[("TERM", "xterm-256color"), ("TERM_PROGRAM", "iTerm.app")],
                Between::Nothing,
                Notices::Osc9,
                Depth::Indexed,
            ),
            (
                &[("TERM", "tmux-256color"), ("TMUX", "/tmp/x"), ("COLORTERM", "truecolor")],
                Between::Tmux,
                Notices::Bell,
                Depth::True,
            ),
            (
                &[("TERM", "xterm-kitty"), ("ZELLIJ", "0")],
                Between::Zellij,
                Notices::Bell,
                Depth::Indexed,
            ),
            (&[("TERM", "screen")], Between::Screen, Notices::Bell, Depth::Sixteen),
        ] {
            assert_eq!(host(vars), Host { between, depth, notices }, "{vars:?}");
        }
    }

    #[test]
    fn what_is_said_to_a_terminal_can_not_end_its_sequence() {
        let notice = Notice {
            title: "flat\x1b\\\x07lined".to_owned(),
            text: "\x1b]52;c;AAAA\x1b\\".to_owned(),
            urgency: Urgency::Critical,
        };
        let kitty = host(&[("TERM", "xterm-kitty")]).notify(&notice, 7);
        let kitty = String::from_utf8(kitty).unwrap();
        assert!(kitty.starts_with("\x1b]99;i=smith-7:d=0:u=2;flat"), "{kitty:?}");
        assert_eq!(kitty.matches('\x1b').count(), 4, "{kitty:?}");
        let title = Host::title(&"\x1b]0;x\x07".repeat(100));
        assert_eq!(title.iter().filter(|byte| **byte == 0x1b).count(), 2);
        assert!(title.len() < 4 * MOST_SAID);
    }

    #[test]
    fn what_is_copied_arrives_whatever_is_in_it() {
        assert_eq!(Host::copy("a\x1b\n"), b"\x1b]52;c;YRsK\x1b\\");
    }
}
