//! Which lines there are: for each entry that is shown its own, and those below it. Pure.
//!
//! The index follows journals step by step: what is new goes to its end, what is older to its beginning, what was let
//! go of goes from there. Only where that isn't enough (another filter, a fold, another history) it is made anew.

use std::cell::RefCell;
use std::collections::{BTreeSet, VecDeque};

use jiff::Timestamp;
use smith_model::id::LoopId;
use smith_model::journal::Entry;

use super::Filter;
use super::entry::{self, Details, Part, Style};
use crate::look::Role;
use crate::pager::{Line, Lines, Pattern};
use crate::world::journals::{Journal, Journals};

/// What loops are told apart by, beside their names.
const ROLES: [Role; 5] = [Role::Active, Role::Marked, Role::Good, Role::Key, Role::Title];

/// An entry of one of the loops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    /// In their order: by time, since several loops have no other.
    pub(super) at: Timestamp,
    /// Which loop.
    pub(super) of: u16,
    pub(super) seq: u64,
}

/// A line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct At {
    pub(super) key: Key,
    /// Which of the entry's lines, counted from 0.
    pub(super) part: u32,
}

/// What of a journal is in the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Known {
    epoch: u64,
    first: u64,
    last: u64,
}

/// The lines.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    lines: VecDeque<At>,
    /// By loop.
    known: Vec<Option<Known>>,
    unfolded: BTreeSet<(u16, u64)>,
    is_all_unfolded: bool,
}

/// What happened to the lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Moved {
    /// So many came before the first.
    pub(super) before: usize,
    /// So many of the first are gone.
    pub(super) gone: usize,
    /// So many entries came behind the last.
    pub(super) came: usize,
}

impl Index {
    pub(super) fn line(&self, at: usize) -> Option<At> {
        self.lines.get(at).copied()
    }

    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    /// The first line at or behind an entry's line.
    pub(super) fn find(&self, at: At) -> usize {
        let found = self.lines.partition_point(|line| (line.key, line.part) < (at.key, at.part));
        // The line may be folded, and the entry be there.
        match found.checked_sub(1).and_then(|before| self.lines.get(before)) {
            Some(before)
                if before.key == at.key
                    && self.lines.get(found).is_none_or(|line| line.key != at.key) =>
            {
                found - 1
            }
            _ => found,
        }
    }

    /// Follows the journals; nothing, where it has to be made anew.
    pub(super) fn follow(
        &mut self,
        world: &Journals,
        loops: &[LoopId],
        filter: &Filter,
    ) -> Option<Moved> {
        let mut moved = Moved::default();
        let mut new = vec![];
        if self.known.len() != loops.len() {
            return None;
        }
        for (of, id) in loops.iter().enumerate() {
            let (was, is) = (self.known[of], known(world.get(id)));
            if was == is {
                continue;
            }
            let (Some(was), Some(is), Some(journal)) = (was, is, world.get(id)) else {
                return None;
            };
            let is_front_other = was.first != is.first;
            if was.epoch != is.epoch || is.first > was.last || is.last < was.last {
                return None;
            }
            // Where loops are mixed, what comes and goes at the beginning of one is anywhere.
            if is_front_other && loops.len() > 1 {
                return None;
            }
            let of = u16::try_from(of).ok()?;
            if is.first > was.first {
                while self.lines.front().is_some_and(|line| line.key.seq < is.first) {
                    self.lines.pop_front();
                    moved.gone += 1;
                }
            }
            for seq in (is.first..was.first).rev() {
                let Some(entry) = journal.entry(seq).filter(|entry| filter.takes(entry)) else {
                    continue;
                };
                let (key, parts) = self.parts(of, entry);
                for part in (0..parts).rev() {
                    self.lines.push_front(At { key, part });
                }
                moved.before += parts as usize;
            }
            for seq in was.last + 1..=is.last {
                let Some(entry) = journal.entry(seq).filter(|entry| filter.takes(entry)) else {
                    continue;
                };
                new.push(self.parts(of, entry));
            }
            self.known[usize::from(of)] = Some(is);
        }
        new.sort_by_key(|(key, _)| *key);
        moved.came = new.len();
        for (key, parts) in new {
            self.lines.extend((0..parts).map(|part| At { key, part }));
        }
        Some(moved)
    }

    /// Makes it anew.
    pub(super) fn build(&mut self, world: &Journals, loops: &[LoopId], filter: &Filter) {
        self.known = loops.iter().map(|id| known(world.get(id))).collect();
        let mut all = vec![];
        for (of, id) in loops.iter().enumerate() {
            let (Some(journal), Ok(of)) = (world.get(id), u16::try_from(of)) else { continue };
            let shown = journal.entries().iter().filter(|entry| filter.takes(entry));
            all.extend(shown.map(|entry| self.parts(of, entry)));
        }
        if loops.len() > 1 {
            all.sort_by_key(|(key, _)| *key);
        }
        self.lines.clear();
        for (key, parts) in all {
            self.lines.extend((0..parts).map(|part| At { key, part }));
        }
    }

    /// The entries of a loop behind a number.
    pub(super) fn behind(&self, of: usize, seq: u64) -> usize {
        let heads = self.lines.iter().filter(|line| line.part == 0);
        heads.filter(|line| usize::from(line.key.of) == of && line.key.seq > seq).count()
    }

    /// Shows all of an entry, or less again.
    pub(super) fn fold(&mut self, key: Key) {
        if !self.unfolded.remove(&(key.of, key.seq)) {
            self.unfolded.insert((key.of, key.seq));
        }
    }

    /// The same for all.
    pub(super) fn fold_all(&mut self) {
        self.is_all_unfolded = !self.is_all_unfolded;
        self.unfolded.clear();
    }

    fn parts(&self, of: u16, entry: &Entry) -> (Key, u32) {
        let key = Key { at: entry.at, of, seq: entry.seq };
        let parts = entry::parts(entry::count(entry), self.is_unfolded(key));
        (key, u32::try_from(parts).unwrap_or(u32::MAX))
    }

    fn is_unfolded(&self, key: Key) -> bool {
        self.is_all_unfolded != self.unfolded.contains(&(key.of, key.seq))
    }
}

fn known(journal: Option<&Journal>) -> Option<Known> {
    let journal = journal?;
    Some(Known { epoch: journal.epoch(), first: journal.first()?, last: journal.last()? })
}

/// The lines with what they say.
pub(super) struct Shown<'a> {
    index: &'a Index,
    loops: &'a [LoopId],
    journals: Vec<Option<&'a Journal>>,
    style: Style,
    /// What stands below the entry of the line that was written last.
    below: RefCell<Option<(Key, Details<'a>)>>,
}

impl<'a> Shown<'a> {
    pub(super) fn new(
        index: &'a Index,
        loops: &'a [LoopId],
        world: &'a Journals,
        style: Style,
    ) -> Self {
        let journals = loops.iter().map(|id| world.get(id)).collect();
        Self { index, loops, journals, style, below: RefCell::new(None) }
    }

    /// Does something with a line below an entry, and all of those.
    fn with_below<T>(
        &self,
        key: Key,
        part: u32,
        entry: &'a Entry,
        then: impl FnOnce(Part, &Details<'a>) -> T,
    ) -> T {
        let mut below = self.below.borrow_mut();
        if below.as_ref().is_none_or(|(of, _)| *of != key) {
            *below = None;
        }
        let (_, details) = below.get_or_insert_with(|| (key, entry::details(entry)));
        then(entry::part(part as usize, details.len(), self.index.is_unfolded(key)), details)
    }

    /// The loop and the entry of a line.
    pub(super) fn entry(&self, at: usize) -> Option<(&'a LoopId, &'a Entry)> {
        let key = self.index.line(at)?.key;
        let of = usize::from(key.of);
        let entry = (*self.journals.get(of)?)?.entry(key.seq)?;
        Some((self.loops.get(of)?, entry))
    }
}

impl Lines for Shown<'_> {
    fn len(&self) -> usize {
        self.index.len()
    }

    fn write(&self, at: usize, line: &mut Line) {
        let (Some(At { key, part }), Some((id, entry))) = (self.index.line(at), self.entry(at))
        else {
            return;
        };
        if part == 0 {
            let role = ROLES[usize::from(key.of) % ROLES.len()];
            return entry::head(self.style, id, role, entry, line);
        }
        self.with_below(key, part, entry, |part, details| {
            entry::below(self.style, part, details, line);
        });
    }

    /// What is folded is found too: in the line that stands for it.
    fn has(&self, at: usize, pattern: &Pattern, line: &mut Line) -> bool {
        if let (Some(At { key, part }), Some((_, entry))) = (self.index.line(at), self.entry(at))
            && part > 0
        {
            let is_folded_in = self.with_below(key, part, entry, |part, details| match part {
                Part::Head | Part::Detail(_) => false,
                Part::Folded(_) => {
                    let lines = details.get(entry::folded(details.len())).unwrap_or_default();
                    lines.iter().any(|(text, _)| pattern.is_in(text))
                }
            });
            if is_folded_in {
                return true;
            }
        }
        line.clear();
        self.write(at, line);
        pattern.is_in(line.body())
    }
}
