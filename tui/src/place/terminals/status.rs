//! What stands around a pane: whose terminal it is, who has its keyboard, and what one's own keys do now. Pure.

use jiff::Timestamp;
use smith_term::playback::clock;
use smith_term::size::Size;
use std::time::Duration;

use super::pane::Pane;
use crate::look::Role;
use crate::panes::{Over, Playing, Subject};
use crate::text;
use crate::world::terminals::{Link, Terminal};

/// What one's keys do, seen from a pane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keys {
    /// They go to its program.
    Program,
    /// They would, but for the person's wish.
    Aside,
    /// It has the focus, and they are for the workstation.
    Here,
    /// Another pane has the focus.
    Elsewhere,
}

/// Who has the keyboard, in words that fit beside a title.
pub(super) fn who(terminal: &Terminal, keys: Keys, now: Timestamp) -> (String, Role) {
    let lease = &terminal.lease;
    match (&terminal.link, lease.other()) {
        (Link::Connecting, _) => ("attaching".to_owned(), Role::Waiting),
        (Link::Lost { since, .. }, _) => {
            (format!("CONNECTION LOST {} ago", since_(*since, now)), Role::Bad)
        }
        (Link::Over(_), _) => ("ended".to_owned(), Role::Dim),
        (Link::Live, Some(other)) => {
            (format!("{} types since {}", other.name, since_(other.since, now)), Role::Warning)
        }
        (Link::Live, None) if !lease.is_mine() => ("nobody types".to_owned(), Role::Dim),
        (Link::Live, None) => match keys {
            Keys::Program => ("YOU TYPE HERE".to_owned(), Role::Warning),
            Keys::Aside | Keys::Here | Keys::Elsewhere => {
                ("yours, but you don't type".to_owned(), Role::Warning)
            }
        },
    }
}

/// What is to be known below a pane, the most pressing first.
pub(super) fn below(
    pane: &Pane,
    terminal: &Terminal,
    keys: Keys,
    cut: Option<Size>,
    now: Timestamp,
) -> (String, Role) {
    match &terminal.link {
        Link::Lost { why, .. } => return (format!("{why}; it is being tried again"), Role::Bad),
        Link::Over(over) => {
            let exit =
                terminal.said.as_ref().map(|(said, _)| format!("{said}; ")).unwrap_or_default();
            return (format!("{exit}{}; {}", over.why, hint(over)), Role::Warning);
        }
        Link::Connecting => return ("not attached yet".to_owned(), Role::Waiting),
        Link::Live => {}
    }
    if let Some(bytes) = terminal.behind(now) {
        return (format!("behind: skipped {}", megabytes(bytes)), Role::Warning);
    }
    let back = pane.look.back();
    if back > 0 {
        let found = found(pane).map(|found| format!("; {found}")).unwrap_or_default();
        return (format!("{back} lines back, not live{found}"), Role::Marked);
    }
    if let Some(found) = found(pane) {
        return (found, Role::Marked);
    }
    let (does, role) = match keys {
        Keys::Program => ("every key goes to the program", Role::Warning),
        Keys::Aside => ("the keyboard is yours; your keys are for the workstation now", Role::Dim),
        Keys::Elsewhere if terminal.lease.is_mine() => {
            ("the keyboard stays yours; you type here when the focus is back", Role::Dim)
        }
        Keys::Here | Keys::Elsewhere => ("you watch", Role::Dim),
    };
    let mut text = does.to_owned();
    if let Some(size) = cut {
        text.push_str(&format!(", and see a part of {}x{}", size.columns(), size.rows()));
    }
    let stolen = terminal.lease.other().and_then(|other| other.stolen.as_ref());
    match (stolen, terminal.said(now), keys) {
        (Some(steal), _, _) => {
            let text = format!("{text}; taken from {}: {}", steal.from, steal.reason);
            (text, Role::Warning)
        }
        (None, Some(said), Keys::Here | Keys::Elsewhere) => (format!("{text}; {said}"), role),
        (None, _, _) => (text, role),
    }
}

fn found(pane: &Pane) -> Option<String> {
    let (text, count) = pane.found.as_ref()?;
    Some(format!("{text:?}: {count}"))
}

/// The size of a terminal of which a pane shows a part.
pub(super) fn cut(is: Size, columns: u16, rows: u16) -> Option<Size> {
    Some(is).filter(|size| size.columns() > columns || size.rows() > rows)
}

/// What stands to the right of who types: others that watch, a size that isn't the pane's.
pub(super) fn beside(
    terminal: &Terminal,
    is: Option<Size>,
    columns: u16,
    rows: u16,
) -> Option<String> {
    let watch = match terminal.viewers.len() {
        0 | 1 => None,
        n => Some(format!("{n} attached")),
    };
    let size = is.filter(|size| (size.columns(), size.rows()) != (columns, rows));
    let size = size.map(|size| format!("{}x{}", size.columns(), size.rows()));
    match (watch, size) {
        (Some(watch), Some(size)) => Some(format!("{watch}, {size}")),
        (watch, size) => watch.or(size),
    }
}

/// Where a recording stands, in words.
pub(super) fn playing(playing: &Playing) -> String {
    let shown = |millis| clock::shown(Duration::from_millis(millis));
    let state = match playing {
        Playing { is_seeking: true, .. } => "seeking",
        Playing { at, length, .. } if at == length => "at its end",
        Playing { is_paused: true, .. } => "paused",
        Playing { .. } => "playing",
    };
    let Playing { at, length, speed, .. } = playing;
    format!("{} / {}  x{speed}  {state}", shown(*at), shown(*length))
}

/// What a pane shows that has nothing to show yet, and why.
pub(super) fn empty(subject: &Subject, terminal: &Terminal) -> Vec<String> {
    match (&terminal.link, terminal.loading) {
        (Link::Over(over), _) => vec![over.why.clone(), String::new(), hint(over)],
        (Link::Lost { why, .. }, _) => vec![why.clone(), "it is being tried again".to_owned()],
        (_, Some((done, of))) => vec![format!("fetching the recording: {done} of {of} parts")],
        (Link::Connecting, None) => vec![match subject {
            Subject::Agent(_) | Subject::Shell(_) => format!("attaching to {subject}"),
            Subject::Recordings(_) | Subject::Recording(..) => format!("fetching {subject}"),
        }],
        (Link::Live, None) => match terminal.printed {
            0 => vec![],
            // Only where a session is shown again.
            n => vec![format!("{n} bytes were printed here, which no recording holds")],
        },
    }
}

/// A text in lines of so many columns, broken between words where that is possible.
pub(super) fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("there is one");
        if line.is_empty() {
            line.push_str(word);
        } else if text::width(line) + 1 + text::width(word) <= columns {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

fn hint(over: &Over) -> String {
    match over.is_followed {
        true => "a worker that comes is shown by itself".to_owned(),
        false => "enter tries again".to_owned(),
    }
}

fn since_(since: Timestamp, now: Timestamp) -> String {
    text::age(now.duration_since(since))
}

/// Bytes as people say them.
pub(super) fn megabytes(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} kB", bytes / 1_000),
        _ => format!("{} MB", bytes / 1_000_000),
    }
}
