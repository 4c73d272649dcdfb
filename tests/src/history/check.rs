//! The walk through a history: what stood before each revision, and the rules that look at each.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::de::DeserializeOwned;
use smith_model::attempt::{AttemptRecord, LockRecord};
use smith_model::audit::AuditRecord;
use smith_model::chain::Key;
use smith_model::id::{Digest, LoopId};
use smith_model::inbox::Mark;
use smith_model::journal::{Entry, Head};
use smith_model::state::StateRecord;
use smith_model::story::StoriesRecord;
use uuid::Uuid;

use super::journals::Journal;
use super::keys::Kind;
use super::{History, Rule, Step, Violation, Write, journals, marks, states, writers};

/// What stands in etcd of one loop.
#[derive(Clone, Debug, Default)]
pub(super) struct Loop {
    pub(super) state: Option<StateRecord>,
    /// With its create revision, the epoch.
    pub(super) lock: Option<(LockRecord, i64)>,
    /// The newest one.
    pub(super) attempt: Option<AttemptRecord>,
    pub(super) stories: Option<StoriesRecord>,
    /// In the inbox.
    pub(super) mark: Option<Mark>,
    /// The epoch of the last write of a worker.
    pub(super) last_epoch: i64,
    pub(super) was_deleted: bool,
}

/// What stood before the revision that is looked at.
pub(super) struct Before {
    pub(super) loops: HashMap<LoopId, Loop>,
    pub(super) journals: HashMap<String, Journal>,
    /// The holder of the leadership.
    pub(super) leader: Option<String>,
    pub(super) installation: Option<Uuid>,
    keys: BTreeSet<String>,
}

/// One revision, read.
pub(super) struct Look<'a> {
    pub(super) revision: i64,
    pub(super) kinds: Vec<(Kind, &'a Write)>,
    /// Entries by journal, in their order.
    pub(super) entries: BTreeMap<String, Vec<Entry>>,
    /// Audit records with the digest of their bytes.
    pub(super) audits: Vec<(AuditRecord, String)>,
    found: Vec<Violation>,
}

impl Look<'_> {
    pub(super) fn breaks(&mut self, rule: Rule, what: impl Into<String>) {
        self.found.push(Violation { rule, revision: self.revision, what: what.into() });
    }

    pub(super) fn holds(&mut self, holds: bool, rule: Rule, what: impl FnOnce() -> String) {
        if !holds {
            self.breaks(rule, what());
        }
    }

    /// The entries of a loop.
    pub(super) fn entries_of(&self, id: &LoopId) -> Vec<Entry> {
        self.entries.get(id.as_str()).cloned().unwrap_or_default()
    }

    /// What was written of a loop: `Some(None)` is a deletion.
    pub(super) fn written<T: DeserializeOwned>(
        &mut self,
        wanted: impl Fn(&Kind) -> bool,
    ) -> Vec<(Option<T>, Write)> {
        let writes: Vec<Write> =
            self.kinds.iter().filter(|(kind, _)| wanted(kind)).map(|(_, w)| (*w).clone()).collect();
        writes.into_iter().filter_map(|write| Some((self.read(&write)?, write))).collect()
    }

    /// The record of a write; `None` where it can't be read, which is a violation.
    fn read<T: DeserializeOwned>(&mut self, write: &Write) -> Option<Option<T>> {
        let Some(value) = &write.value else { return Some(None) };
        match serde_json::from_slice(value) {
            Ok(record) => Some(Some(record)),
            Err(error) => {
                self.breaks(Rule::NothingLost, format!("{} can't be read: {error}", write.key));
                None
            }
        }
    }

    /// The loops of which anything was written.
    pub(super) fn loops(&self) -> BTreeSet<LoopId> {
        self.kinds.iter().filter_map(|(kind, _)| kind.loop_id()).collect()
    }
}

/// See [`History::check`].
pub(super) fn check(history: &History, chain: &Key) -> Vec<Violation> {
    let mut before = Before {
        loops: HashMap::new(),
        journals: HashMap::new(),
        leader: None,
        installation: None,
        keys: BTreeSet::new(),
    };
    let mut found = vec![];
    for step in &history.steps {
        let mut look = read(step);
        once(&mut look, &before);
        let journals = journals::check(&mut look, &before, chain);
        journals::check_audits(&mut look);
        for id in look.loops() {
            let known = before.loops.get(&id).cloned().unwrap_or_default();
            states::check(&mut look, &known, &id);
            marks::check(&mut look, &known, &id);
            writers::check(&mut look, &known, &id);
        }
        writers::check_core(&mut look, before.leader.as_deref());
        before.apply(&mut look, journals);
        deletions(&mut look, &before);
        found.append(&mut look.found);
    }
    found
}

fn read(step: &Step) -> Look<'_> {
    let kinds: Vec<_> = step.writes.iter().map(|w| (Kind::of(&w.key), w)).collect();
    let mut look = Look {
        revision: step.revision,
        kinds,
        entries: BTreeMap::new(),
        audits: vec![],
        found: vec![],
    };
    for (entry, write) in look.written::<Entry>(|kind| matches!(kind, Kind::Entry(..))) {
        if let (Some(entry), Kind::Entry(scope, _)) = (entry, Kind::of(&write.key)) {
            look.entries.entry(scope).or_default().push(entry);
        }
    }
    for (audit, write) in look.written::<AuditRecord>(|kind| *kind == Kind::Audit) {
        if let (Some(audit), Some(bytes)) = (audit, &write.value) {
            look.audits.push((audit, Digest::of(bytes).to_string()));
        }
    }
    look
}

/// What is written once stays what it is.
fn once(look: &mut Look<'_>, before: &Before) {
    for (kind, write) in look.kinds.clone() {
        let key = &write.key;
        if kind == Kind::Unknown {
            look.breaks(Rule::NothingLost, format!("nobody knows what {key} is"));
        }
        let is_again = write.value.is_some() && before.keys.contains(key);
        if kind.is_written_once() && (is_again || write.version > 1) {
            // An overwritten entry is a matter of its own.
            let is_entry = matches!(kind, Kind::Entry(..));
            let rule = if is_entry { Rule::Gapless } else { Rule::NothingLost };
            look.breaks(rule, format!("{key} was overwritten"));
        }
        if write.value.is_none() && kind.outlives_its_loop() {
            look.breaks(Rule::NothingLost, format!("{key} was deleted"));
        }
        let goes_with_its_loop = !kind.outlives_its_loop() && !kind.expires();
        if write.value.is_none() && kind.is_written_once() && goes_with_its_loop {
            let of = kind.loop_id();
            let with_loop = look.kinds.iter().any(|(k, w)| {
                matches!(k, Kind::State(id) if Some(id) == of.as_ref()) && w.value.is_none()
            });
            look.holds(with_loop, Rule::NothingLost, || {
                format!("{key} was deleted, and its loop wasn't")
            });
        }
        if let Kind::Anomaly(id) = &kind
            && write.value.is_some()
            && before.loops.get(id).is_some_and(|known| known.was_deleted)
        {
            look.breaks(Rule::NothingLost, format!("the id {id} was used again"));
        }
    }
}

/// Nothing of a deleted loop stays but what has to.
fn deletions(look: &mut Look<'_>, after: &Before) {
    for (kind, write) in look.kinds.clone() {
        let Kind::State(id) = &kind else { continue };
        if write.value.is_some() {
            continue;
        }
        let is_its = |key: &&String| {
            let kind = Kind::of(key);
            kind.loop_id().as_ref() == Some(id) && !kind.outlives_its_loop()
        };
        let left: Vec<_> = after.keys.iter().filter(is_its).cloned().collect();
        look.holds(left.is_empty(), Rule::NothingLost, || {
            format!("{id} was deleted by half: {left:?} are left")
        });
    }
}

impl Before {
    fn apply(&mut self, look: &mut Look<'_>, journals: HashMap<String, Journal>) {
        self.journals.extend(journals);
        for (kind, write) in look.kinds.clone() {
            if write.value.is_some() {
                self.keys.insert(write.key.clone());
            } else {
                self.keys.remove(&write.key);
            }
            let text = write.value.as_deref();
            match kind {
                Kind::State(id) => {
                    let known = self.loops.entry(id.clone()).or_default();
                    known.state = text.and_then(|v| serde_json::from_slice(v).ok());
                    if known.state.is_none() {
                        *known = Loop { was_deleted: true, ..Loop::default() };
                    }
                }
                Kind::Lock(id) => {
                    let lock = text.and_then(|v| serde_json::from_slice(v).ok());
                    let known = self.loops.entry(id).or_default();
                    // Only a put of a new key begins another epoch.
                    let kept = known.lock.as_ref().filter(|_| write.version > 1).map(|l| l.1);
                    known.lock = lock.map(|lock| (lock, kept.unwrap_or(look.revision)));
                }
                Kind::Attempt(id, _) => {
                    let record: Option<AttemptRecord> =
                        text.and_then(|v| serde_json::from_slice(v).ok());
                    let known = self.loops.entry(id).or_default();
                    let newest = known.attempt.as_ref().map(|a| a.no);
                    known.attempt = match record {
                        Some(record) if newest.is_none_or(|no| no <= record.no) => Some(record),
                        Some(_) => known.attempt.take(),
                        None => None,
                    };
                }
                Kind::Stories(id) => {
                    let stories = text.and_then(|v| serde_json::from_slice(v).ok());
                    self.loops.entry(id).or_default().stories = stories;
                }
                Kind::Attention(id) => {
                    let mark = text.and_then(|v| serde_json::from_slice(v).ok());
                    self.loops.entry(id).or_default().mark = mark;
                }
                Kind::Leader => {
                    let record =
                        text.and_then(|v| serde_json::from_slice::<serde_json::Value>(v).ok());
                    let holder = record.and_then(|r| Some(r.get("holder")?.as_str()?.to_owned()));
                    self.leader = holder;
                }
                Kind::Installation => {
                    self.installation = installation(write);
                }
                Kind::Head(scope) if text.is_none() => {
                    self.journals.remove(&scope);
                }
                _ => {}
            }
        }
        for id in look.loops() {
            if let Some(epoch) = writers::epoch(look, &id)
                && let Some(known) = self.loops.get_mut(&id)
            {
                known.last_epoch = known.last_epoch.max(epoch);
            }
        }
    }
}

/// The installation's id, as it is written.
pub(super) fn installation(write: &Write) -> Option<Uuid> {
    std::str::from_utf8(write.value.as_deref()?).ok()?.trim_matches('"').parse().ok()
}

/// The head that was written of a journal.
pub(super) fn head_of(look: &mut Look<'_>, scope: &str) -> Option<Head> {
    let heads = look.written::<Head>(|kind| matches!(kind, Kind::Head(s) if s == scope));
    heads.into_iter().find_map(|(head, _)| head)
}
