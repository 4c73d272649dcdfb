//! The journals that are looked at: for each an unbroken piece that ends with the newest entry known. Pure.
//!
//! A piece begins with the newest page, grows at its end as entries are written and at its beginning as people scroll
//! up, and loses its oldest entries where it would take too much memory. It never has a hole: what doesn't follow the
//! entry before it (by number and hash) begins another piece.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use smith_model::id::LoopId;
use smith_model::journal::{Entry, Level, Payload, Phase};

use crate::fleet::{Link, Row, Table};

/// Bytes of one journal that are kept, about.
const MOST_BYTES: usize = 16 << 20;
/// Older entries are asked for below this: a page of them fits under [`MOST_BYTES`].
const ROOM_FOR_OLDER: usize = MOST_BYTES / 4 * 3;
/// Journals that are kept though nobody looks at them now.
const KEPT: usize = 4;
/// Entries of a page.
pub const PAGE: u32 = 500;

/// What is to be asked of the server for a journal. The same for as long as it is looked at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Ask {
    /// Whose journal.
    pub loop_id: LoopId,
    /// One more each time that it is asked for anew.
    pub generation: u64,
    /// The event to go on behind; nothing: begin with the newest page.
    pub from: Option<String>,
}

/// What was heard of a journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Heard {
    /// Whose.
    pub loop_id: LoopId,
    /// See [`Ask::generation`]: what an older question brings is of no use.
    pub generation: u64,
    /// What.
    pub said: Said,
}

/// What was heard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Said {
    /// The newest entries, oldest first.
    Newest(Vec<Entry>),
    /// Entries as they were written, and the event to go on behind.
    Written(Vec<Entry>, Option<String>),
    /// The entries before the first one that is known, oldest first; or why there are none.
    Older(Result<Vec<Entry>, String>),
    /// History was replaced: it begins at the first entry again.
    Replaced,
    /// The loop has ended, and this was all.
    Ended,
    /// The connection was lost; it is being tried again.
    Lost {
        /// Since when.
        since: Timestamp,
        /// Why.
        why: String,
    },
    /// It is back.
    Back,
    /// It is over, and trying again changes nothing.
    Refused {
        /// Why.
        why: String,
    },
}

/// All journals that are kept.
#[derive(Debug, Default)]
pub struct Journals {
    by_loop: BTreeMap<LoopId, Journal>,
    generations: u64,
}

/// A journal, as far as it is known.
#[derive(Debug, Default)]
pub struct Journal {
    generation: u64,
    is_attended: bool,
    from: Option<String>,
    /// Where the newest event was.
    at_event: Option<String>,
    entries: VecDeque<Entry>,
    bytes: usize,
    epoch: u64,
    link: Link,
    heard: Option<Timestamp>,
    is_ended: bool,
    no_older: Option<String>,
    levels: BTreeMap<Level, usize>,
    phases: BTreeMap<&'static str, usize>,
}

impl Journals {
    /// A journal.
    pub fn get(&self, id: &LoopId) -> Option<&Journal> {
        self.by_loop.get(id)
    }

    /// What to ask for a journal that is looked at.
    pub fn ask(&self, id: &LoopId) -> Option<Ask> {
        let journal = self.by_loop.get(id).filter(|journal| journal.is_attended)?;
        let (generation, from) = (journal.generation, journal.from.clone());
        Some(Ask { loop_id: id.clone(), generation, from })
    }

    /// These are looked at now. What is looked at again goes on where it was; of the others a few are kept.
    pub fn attend(&mut self, seen: &[LoopId], fleet: &Table) {
        for (id, journal) in &mut self.by_loop {
            journal.is_attended &= seen.contains(id);
        }
        for id in seen {
            let journal = self.by_loop.entry(id.clone()).or_default();
            let goes_on = || fleet.get(id).is_some_and(|row| journal.goes_on(row));
            if !journal.is_attended || goes_on() {
                self.generations += 1;
                journal.attend(self.generations);
            }
        }
        while self.by_loop.values().filter(|journal| !journal.is_attended).count() > KEPT {
            let unseen = self.by_loop.iter().filter(|(_, journal)| !journal.is_attended);
            let oldest = unseen.min_by_key(|(_, journal)| journal.generation);
            let Some(id) = oldest.map(|(id, _)| id.clone()) else { break };
            self.by_loop.remove(&id);
        }
    }

    /// Takes what was heard.
    pub fn hear(&mut self, now: Timestamp, heard: Heard) {
        let Heard { loop_id, generation, said } = heard;
        let Some(journal) = self.by_loop.get_mut(&loop_id) else { return };
        // Older entries are seen to fit by their hashes, whenever they come.
        if journal.generation == generation || matches!(said, Said::Older(_)) {
            journal.hear(now, said);
        }
    }
}

impl Journal {
    /// The entries that are known, oldest first, without a gap.
    pub fn entries(&self) -> &VecDeque<Entry> {
        &self.entries
    }

    /// The entry with a number.
    pub fn entry(&self, seq: u64) -> Option<&Entry> {
        let at = seq.checked_sub(self.first()?)?;
        self.entries.get(usize::try_from(at).ok()?)
    }

    /// The number of the first that is known.
    pub fn first(&self) -> Option<u64> {
        self.entries.front().map(|entry| entry.seq)
    }

    /// The number of the last.
    pub fn last(&self) -> Option<u64> {
        self.entries.back().map(|entry| entry.seq)
    }

    /// Another one where what was known before is void.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// See [`Ask::generation`].
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// How its stream does.
    pub fn link(&self) -> &Link {
        &self.link
    }

    /// When something was heard last.
    pub fn heard(&self) -> Option<Timestamp> {
        self.heard
    }

    /// Has the loop ended, and is this all?
    pub fn is_ended(&self) -> bool {
        self.is_ended
    }

    /// Why no older entries came when they were asked for.
    pub fn no_older(&self) -> Option<&str> {
        self.no_older.as_deref()
    }

    /// Are there older ones for which there is no room?
    pub fn is_full(&self) -> bool {
        self.first().is_some_and(|first| first > 1) && self.bytes >= ROOM_FOR_OLDER
    }

    /// The number before which older entries can be asked for.
    pub fn older_than(&self) -> Option<u64> {
        self.first().filter(|first| *first > 1 && self.bytes < ROOM_FOR_OLDER)
    }

    /// How many entries of a level are known.
    pub fn of_level(&self, level: Level) -> usize {
        self.levels.get(&level).copied().unwrap_or(0)
    }

    /// How many of a phase.
    pub fn of_phase(&self, phase: Phase) -> usize {
        self.phases.get(phase.as_str()).copied().unwrap_or(0)
    }

    /// Has the loop ended here, and was retried since? A row that is older than the end says nothing.
    fn goes_on(&self, row: &Row) -> bool {
        let is_newer = self.entries.back().is_none_or(|last| row.updated_at > last.at);
        self.is_ended && !row.state.ended() && is_newer
    }

    fn attend(&mut self, generation: u64) {
        (self.generation, self.is_attended, self.is_ended) = (generation, true, false);
        self.from.clone_from(&self.at_event);
        self.link = Link::Connecting;
    }

    fn hear(&mut self, now: Timestamp, said: Said) {
        match said {
            Said::Newest(entries) => self.newest(entries),
            Said::Written(entries, at) => {
                for entry in entries {
                    self.push(entry);
                }
                if at.is_some() {
                    self.at_event = at;
                }
            }
            Said::Older(Ok(entries)) => {
                self.older(entries);
                return;
            }
            Said::Older(Err(why)) => {
                self.no_older = Some(why);
                return;
            }
            Said::Replaced => self.clear(),
            Said::Ended => self.is_ended = true,
            Said::Back => {}
            Said::Lost { since, why } => {
                self.link = Link::Lost { since, why };
                return;
            }
            Said::Refused { why } => {
                self.link = Link::Refused { why };
                return;
            }
        }
        (self.link, self.heard) = (Link::Live, Some(now));
    }

    /// The newest page: more of what is known, if the last known one is in it.
    fn newest(&mut self, entries: Vec<Entry>) {
        let known = self.entries.back();
        let goes_on = known.is_some_and(|last| entries.iter().any(|e| e.hash == last.hash));
        if !goes_on {
            self.clear();
        }
        for entry in entries {
            self.push(entry);
        }
    }

    fn push(&mut self, entry: Entry) {
        if let Some(last) = self.entries.back() {
            // Sent twice: it is the same one.
            if entry.seq <= last.seq && self.entry(entry.seq).is_none_or(|e| e.hash == entry.hash) {
                return;
            }
            if entry.seq != last.seq + 1 || entry.prev_hash != last.hash {
                self.clear();
            }
        }
        self.count(&entry, 1);
        self.entries.push_back(entry);
        while self.bytes > MOST_BYTES
            && self.entries.len() > 1
            && let Some(oldest) = self.entries.pop_front()
        {
            self.count(&oldest, -1);
        }
    }

    fn older(&mut self, entries: Vec<Entry>) {
        self.no_older = None;
        for entry in entries.into_iter().rev() {
            match self.entries.front() {
                Some(first) if entry.seq >= first.seq => continue,
                Some(first) if entry.hash == first.prev_hash => {}
                // It belongs to a history that was replaced.
                _ => return,
            }
            self.count(&entry, 1);
            self.entries.push_front(entry);
        }
    }

    fn clear(&mut self) {
        self.entries.clear();
        self.levels.clear();
        self.phases.clear();
        (self.bytes, self.no_older) = (0, None);
        self.epoch += 1;
    }

    fn count(&mut self, entry: &Entry, by: isize) {
        let weight = weight(entry);
        self.bytes = self.bytes.saturating_add_signed(by * isize::try_from(weight).unwrap_or(0));
        let level = self.levels.entry(entry.draft.level).or_default();
        *level = level.saturating_add_signed(by);
        let phase = self.phases.entry(entry.draft.phase.as_str()).or_default();
        *phase = phase.saturating_add_signed(by);
    }
}

/// The memory that an entry takes, about.
fn weight(entry: &Entry) -> usize {
    let text = match &entry.draft.payload {
        Some(Payload::Output { text, .. }) => text.len(),
        Some(Payload::WorkerEnded { tail, .. }) => tail.iter().map(String::len).sum(),
        Some(Payload::Intervention(intervention)) => {
            intervention.typed.iter().map(String::len).sum()
        }
        _ => 0,
    };
    // Hashes, ids and short texts are about as much again as the entry itself.
    2 * size_of::<Entry>() + entry.draft.message.len() + text
}

#[cfg(test)]
mod tests;
