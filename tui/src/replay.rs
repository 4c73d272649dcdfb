//! Recordings of what happened to a workstation, read again: the same messages at the same times make the same screens.
//!
//! A recording is JSON lines: a [`Begin`], then messages with their times. What passes through a worker's terminal is not in it
//! ([`crate::msg::Msg::for_recording`]); what a journal that was looked at says of it is.

use std::borrow::Cow;
use std::io::BufRead;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use smith_model::id::ProjectName;

use crate::config::{Config, Setup, Surroundings};
use crate::effect::Effect;
use crate::hints::Hints;
use crate::msg::Msg;
use crate::state::State;
use crate::update::update;
use crate::world::Session;

/// The version of the format that is written here.
const FORMAT: u32 = 1;

/// How a recording begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Begin {
    /// The version of the format.
    pub smith_recording: u32,
    /// The version of the program that wrote it.
    pub version: String,
    /// When.
    pub at: Timestamp,
    /// Columns and rows.
    pub size: (u16, u16),
    /// What its terminal was.
    pub surroundings: Surroundings,
    /// The text of the settings' file, if there was one.
    pub settings: Option<String>,
    /// The context in use.
    pub context: Option<String>,
    /// The server's address.
    pub server: String,
    /// The project of what names none.
    #[serde(default)]
    pub project: Option<ProjectName>,
    /// The clone that it was started in.
    pub here: Option<String>,
    /// Nothing could be changed.
    pub read_only: bool,
    /// The tips that were left, which take a line.
    #[serde(default)]
    pub hints: Hints,
}

/// A message and its time.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Line<'a> {
    /// When.
    pub at: Timestamp,
    /// What.
    pub msg: Cow<'a, Msg>,
}

/// Why a recording can't be shown.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It can't be read.
    #[error("can't read the recording")]
    Read(#[source] std::io::Error),
    /// A line isn't what it should be.
    #[error("line {line} isn't one of a recording")]
    Parse {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// It is of a later version.
    #[error("the recording is of format {found}; this version knows {FORMAT}")]
    Format {
        /// What it is of.
        found: u32,
    },
}

impl Begin {
    /// Of this state, now, which was set up by this text.
    pub fn of(state: &State, settings: Option<String>) -> Self {
        let Session { context, server, project, identity: _, refused: _, read_only } =
            state.world.session.clone();
        Self {
            smith_recording: FORMAT,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            at: state.world.now,
            size: state.size,
            surroundings: state.setup.surroundings,
            settings,
            here: state.here.clone(),
            context,
            server,
            project,
            read_only,
            hints: state.hints.clone(),
        }
    }

    /// The state that it began with.
    pub fn state(self) -> State {
        let Self { smith_recording: _, version: _, at, size, surroundings, settings, .. } = self;
        let Self { context, server, project, here, read_only, hints, .. } = self;
        let config = Config::read(None, settings.as_deref());
        let setup = Setup { surroundings, config, ..Setup::default() };
        let session = Session { context, server, project, read_only, ..Session::default() };
        let mut state = State::new(at, session, setup.look(), size);
        // What it asks of the outside was done then.
        drop(state.set_up(setup));
        state.hints = hints;
        state.here = here;
        state
    }
}

/// A recording, read whole.
#[derive(Debug)]
pub struct Recording {
    /// How it begins.
    pub begin: Begin,
    /// What happened.
    pub lines: Vec<Line<'static>>,
}

impl Recording {
    /// Reads one. A last line that was cut off, as when the program died, is left out.
    pub fn read(mut from: impl BufRead) -> Result<Self, Error> {
        let mut first = String::new();
        from.read_line(&mut first).map_err(Error::Read)?;
        let begin: Begin =
            serde_json::from_str(&first).map_err(|source| Error::Parse { line: 1, source })?;
        if begin.smith_recording > FORMAT {
            return Err(Error::Format { found: begin.smith_recording });
        }
        let mut lines = vec![];
        let mut broken = None;
        for (at, text) in from.lines().enumerate() {
            if let Some(error) = broken {
                return Err(error);
            }
            match serde_json::from_str(&text.map_err(Error::Read)?) {
                Ok(line) => lines.push(line),
                Err(source) => broken = Some(Error::Parse { line: at + 2, source }),
            }
        }
        Ok(Self { begin, lines })
    }
}

/// Lets a message happen again. What it asks of the outside isn't done, but for orders, which are found at once.
pub fn again(state: &mut State, line: Line<'_>) {
    let Line { at, msg } = line;
    let mut effects = update(state, at, msg.into_owned());
    while let Some(effect) = effects.pop() {
        if let Effect::Order(job) = effect {
            effects.extend(update(state, at, Msg::Ordered(job.run())));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Chord;
    use crate::look::Look;

    fn recording() -> Vec<u8> {
        let state =
            State::new(Timestamp::UNIX_EPOCH, Session::default(), Look::default(), (80, 24));
        let mut bytes = serde_json::to_vec(&Begin::of(&state, None)).unwrap();
        for key in ["j", ":", "x"] {
            let msg = Msg::Key(key.parse::<Chord>().unwrap());
            bytes.push(b'\n');
            let line = Line { at: Timestamp::UNIX_EPOCH, msg: Cow::Owned(msg) };
            bytes.extend(serde_json::to_vec(&line).unwrap());
        }
        bytes
    }

    #[test]
    fn a_recording_is_read_as_it_was_written_and_without_a_line_that_was_cut_off() {
        let whole = recording();
        let read = Recording::read(whole.as_slice()).unwrap();
        assert_eq!(read.lines.len(), 3);
        let mut state = read.begin.state();
        for line in read.lines {
            again(&mut state, line);
        }
        assert_eq!(state.layers.len(), 1, "the command line is open");
        assert_eq!(Recording::read(&whole[..whole.len() - 5]).unwrap().lines.len(), 2);
    }

    #[test]
    fn a_recording_begins_with_the_tip_that_was_shown() {
        let mut state =
            State::new(Timestamp::UNIX_EPOCH, Session::default(), Look::default(), (80, 24));
        state.hints = Hints::new();
        let again = Begin::of(&state, None).state();
        assert!(again.tip().is_some());
        assert_eq!(again.tip(), state.tip());
    }

    #[test]
    fn what_isn_t_a_recording_is_named_by_its_line() {
        let error = |bytes: &[u8]| Recording::read(bytes).unwrap_err().to_string();
        assert_eq!(error(b"{}\n"), "line 1 isn't one of a recording");
        let mut bytes = recording();
        bytes.extend(b"\nnonsense\n{}");
        assert_eq!(error(&bytes), "line 5 isn't one of a recording");
    }
}
