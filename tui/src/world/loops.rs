//! What is known of the loops that are looked at: asked for when it is seen and has changed, forgotten when others were
//! looked at since. Pure: what is to be asked is answered as [`Fetch`]es.

mod known;
mod moment;
mod slot;

use jiff::Timestamp;
use smith_model::id::LoopId;

pub use known::{Known, Papers};
pub use moment::{Moment, What};
pub use slot::Slot;
use slot::Stamp;

use crate::fetch::{Fetch, Fetched, Topic};
use crate::fleet::Row;

/// Loops of which something is kept.
const MOST_KNOWN: usize = 8;

/// The loops that were looked at last.
#[derive(Debug, Default)]
pub struct Loops {
    /// The one that was looked at last is the last.
    known: Vec<Known>,
}

impl Loops {
    /// What is known of a loop.
    pub fn get(&self, id: &LoopId) -> Option<&Known> {
        self.known.iter().find(|known| known.loop_id() == id)
    }

    /// Somebody looks at these parts of a loop, whose row is the one given: what has to be asked.
    pub fn look(
        &mut self,
        now: Timestamp,
        id: &LoopId,
        row: Option<&Row>,
        topics: &[Topic],
    ) -> Vec<Fetch> {
        let at = self.known.iter().position(|known| known.loop_id() == id);
        let known = match at {
            Some(at) => self.known.remove(at),
            None => Known::nothing(id.clone()),
        };
        self.known.push(known);
        if self.known.len() > MOST_KNOWN {
            self.known.remove(0);
        }
        match self.known.last_mut() {
            Some(known) => known.ask(now, row, topics),
            None => vec![],
        }
    }

    /// What is known of a loop is to be asked again when it is looked at next.
    pub fn expire(&mut self, id: &LoopId) {
        if let Some(known) = self.known.iter_mut().find(|known| known.loop_id() == id) {
            known.expire();
        }
    }

    /// Takes an answer; answers whether anything is another than before.
    pub fn take(&mut self, fetched: Fetched) -> bool {
        let Fetched { fetch: Fetch { loop_id, topic }, answer } = fetched;
        let known = self.known.iter_mut().find(|known| *known.loop_id() == loop_id);
        known.is_some_and(|known| known.take(topic, answer))
    }
}

#[cfg(test)]
mod tests;
