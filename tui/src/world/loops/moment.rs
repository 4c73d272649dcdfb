//! An entry of a journal without the output that it may hold: what a timeline needs. Pure.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use smith_model::attempt::Exit;
use smith_model::id::{AttemptNo, Digest};
use smith_model::journal::{Entry, Level, Payload, Phase};
use smith_model::state::{Reason, State};
use smith_model::story::IterationOutcome;
use smith_model::terminal::Session;

/// The most of a message that is kept.
const MOST_MESSAGE: usize = 240;

/// An entry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moment {
    /// Its number.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// The attempt that it belongs to.
    pub attempt: Option<AttemptNo>,
    /// Which part of the loop's life.
    pub phase: Phase,
    /// How much it matters.
    pub level: Level,
    /// Who wrote it.
    pub actor: Box<str>,
    /// One line for people.
    pub message: Box<str>,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// The state is another one.
    State {
        /// Which.
        to: State,
        /// Why.
        reason: Reason,
    },
    /// A worker claimed the attempt.
    Claimed,
    /// An attempt's worker ended.
    WorkerEnded(Exit),
    /// An iteration began.
    Began {
        /// Counted from 1 in its attempt.
        iteration: u32,
        /// The story.
        story: Box<str>,
    },
    /// An iteration ended.
    Ended {
        /// Counted from 1 in its attempt.
        iteration: u32,
        /// What it came to.
        outcome: IterationOutcome,
    },
    /// A gate ran.
    Gate {
        /// The iteration.
        iteration: u32,
        /// How it ended.
        exit: Exit,
    },
    /// A story is done.
    Story(Box<str>),
    /// The branch went out.
    Published,
    /// Part of a terminal's recording is complete.
    Recording {
        /// Whose.
        session: Session,
        /// When it begins.
        from: Timestamp,
        /// Milliseconds.
        millis: u64,
        /// The file.
        digest: Digest,
    },
    /// A person did something at a terminal.
    Intervention {
        /// Who.
        by: Box<str>,
        /// From when.
        from: Timestamp,
        /// What changed meanwhile.
        diff: Option<Digest>,
    },
    /// A person's act that changes no state.
    Act(Box<str>),
    /// A handoff was written.
    Handoff,
    /// Anything else.
    Note,
}

impl Moment {
    /// Of an entry; nothing, for a piece of output.
    pub fn of(entry: Entry) -> Option<Self> {
        let what = match entry.draft.payload {
            Some(Payload::Output { .. }) => return None,
            Some(Payload::Transition { to, reason, .. }) => What::State { to, reason },
            Some(Payload::Act { action, .. }) => What::Act(action.into()),
            Some(Payload::Claimed { .. }) => What::Claimed,
            Some(Payload::WorkerEnded { exit, .. }) => What::WorkerEnded(exit),
            Some(Payload::IterationStarted { iteration, story }) => {
                What::Began { iteration, story: story.into() }
            }
            Some(Payload::Gate { iteration, exit, .. }) => What::Gate { iteration, exit },
            Some(Payload::IterationEnded { iteration, outcome, .. }) => {
                What::Ended { iteration, outcome }
            }
            Some(Payload::StoryDone { story, .. }) => What::Story(story.into()),
            Some(Payload::Pushed { .. }) => What::Published,
            Some(Payload::Recording(recording)) => What::Recording {
                session: recording.session,
                from: recording.started_at,
                millis: recording.millis,
                digest: recording.artifact.digest,
            },
            Some(Payload::Intervention(intervention)) => What::Intervention {
                by: intervention.by.into(),
                from: intervention.from,
                diff: intervention.diff.map(|diff| diff.digest),
            },
            Some(Payload::Handoff) => What::Handoff,
            Some(Payload::Base { .. } | Payload::Stories { .. } | Payload::Prepared { .. }) => {
                What::Note
            }
            Some(Payload::ProcessesGone) | None => What::Note,
        };
        let mut message = entry.draft.message;
        if let Some((end, _)) = message.char_indices().nth(MOST_MESSAGE) {
            message.truncate(end);
        }
        Some(Self {
            seq: entry.seq,
            at: entry.at,
            attempt: entry.attempt,
            phase: entry.draft.phase,
            level: entry.draft.level,
            actor: entry.actor.id.into(),
            message: message.into(),
            what,
        })
    }

    /// Is it something that a timeline shows?
    pub fn is_event(&self) -> bool {
        self.what != What::Note || self.level >= Level::Warn
    }
}
