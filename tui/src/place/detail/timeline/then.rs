//! What was at a moment, told by the entries up to it. Pure.

use smith_model::id::AttemptNo;
use smith_model::state::{Reason, State};

use crate::world::{Moment, What};

/// What was.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Then {
    /// The loop's state, and why it was in it.
    pub(super) state: Option<State>,
    pub(super) reason: Option<Reason>,
    /// The attempt that ran, or had run last.
    pub(super) attempt: Option<AttemptNo>,
    /// The iteration that ran.
    pub(super) iteration: Option<u32>,
    /// Its story.
    pub(super) story: Option<Box<str>>,
    /// The stories that were done, in the order in which they were.
    pub(super) done: Vec<String>,
    /// The iteration that had ended last.
    pub(super) ended: Option<(AttemptNo, u32)>,
}

impl Then {
    /// At one of the moments.
    pub(super) fn at(moments: &[Moment], at: usize) -> Self {
        let mut then = Self::default();
        for moment in moments.iter().take(at + 1) {
            then.take(moment);
        }
        then
    }

    fn take(&mut self, moment: &Moment) {
        if moment.attempt.is_some() {
            self.attempt = moment.attempt;
        }
        match &moment.what {
            What::State { to, reason } => {
                (self.state, self.reason) = (Some(*to), Some(*reason));
                (self.iteration, self.story) = (None, None);
            }
            What::Began { iteration, story } => {
                (self.iteration, self.story) = (Some(*iteration), Some(story.clone()));
            }
            What::Ended { iteration, .. } => {
                (self.iteration, self.story) = (None, None);
                if let Some(no) = moment.attempt {
                    self.ended = Some((no, *iteration));
                }
            }
            What::Story(story) => {
                if !self.done.iter().any(|done| **done == **story) {
                    self.done.push(story.to_string());
                }
            }
            What::Claimed
            | What::WorkerEnded(_)
            | What::Gate { .. }
            | What::Published
            | What::Recording { .. }
            | What::Intervention { .. }
            | What::Act(_)
            | What::Handoff
            | What::Note => {}
        }
    }
}
