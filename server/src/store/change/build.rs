//! Building the transaction of a change: numbers, times, chain, records, and what it compares.

use etcd_client::{Compare, CompareOp, TxnOp};
use jiff::Timestamp;
use smith_model::audit::{AuditRecord, Override};
use smith_model::chain;
use smith_model::handoff::{Handoff, MOST_HANDOFF_BYTES};
use smith_model::id::{AttemptNo, LoopId, ProjectName};
use smith_model::journal::{Actor, AuditLink, Draft, Entry, Head, MOST_ENTRY_BYTES, Payload};
use smith_model::state::{StateRecord, TRANSITIONS};
use smith_model::story::StoriesRecord;
use uuid::Uuid;

use super::super::record::{Versioned, encode, encode_within, writable};
use super::super::txn::{Batch, MOST_TRANSACTION_ENTRIES, Sealed};
use super::super::{Error, Store};
use super::{Act, Change, LockStep, Snapshot};

/// A transaction, and what the loop is after it.
pub(super) struct Built {
    pub(super) sealed: Sealed,
    after: Snapshot,
    touched: Touched,
}

#[derive(Default)]
struct Touched {
    state: bool,
    attempt: bool,
    stories: bool,
    mark: bool,
    lock: bool,
}

impl Store {
    pub(super) fn build(
        &self,
        snapshot: &Snapshot,
        change: Change,
        now: Timestamp,
    ) -> Result<Built, Error> {
        check_evidence(snapshot, &change)?;
        let Change {
            entries,
            act,
            over,
            state,
            attempt,
            stories,
            mark,
            iterations,
            handoff,
            lock,
            leader,
            drop_progress,
            accepted,
            excerpt_bytes,
            without_excerpts,
            artifact_bytes,
        } = change;
        let keys = &self.keys;
        let current = &snapshot.state.value;
        let id = &current.loop_id;
        let mut compares = vec![Compare::mod_revision(
            keys.head(id.as_str()),
            CompareOp::Equal,
            snapshot.head.revision,
        )];
        let mut batch = Batch::default();
        let mut after = snapshot.clone();
        let mut touched = Touched::default();
        let tx = Uuid::now_v7();
        let first = snapshot.head.value.next;
        let mut drafts = entries;
        let actor = act.as_ref().map(|act| act.actor.clone()).unwrap_or_default();
        if let Some(act) = act {
            let project = Some(current.summary.project.clone());
            let record = act.record(now, project, Some(id.clone()), id.as_str(), first);
            let link = put_audit(self, &record, &mut batch);
            link_act(&mut drafts, &record.action, link);
        }
        let head = &mut after.head.value;
        let has_entries = !drafts.is_empty();
        let mut handoff_seq = None;
        for (actor, no, draft) in drafts {
            if matches!(draft.payload, Some(Payload::Handoff)) {
                handoff_seq = Some(head.next);
            }
            self.seal(id.as_str(), head, &mut batch, tx, now, actor, no, draft)?;
        }
        if let Some(over) = over {
            let record = Override {
                schema_version: smith_model::SCHEMA_VERSION,
                seq: first,
                at: now,
                actor,
                action: over.action,
                from: over.from,
                to: over.to,
                reason: over.reason,
            };
            batch.put(format!("{}{first:020}", keys.overrides(id)), encode(&record));
        }
        if let Some((no, class, draft)) = handoff {
            let seq = handoff_seq.unwrap_or(first);
            let schema_version = smith_model::SCHEMA_VERSION;
            let record = Handoff { schema_version, seq, at: now, no, class, draft };
            let bytes = encode_within("a handoff", &record, MOST_HANDOFF_BYTES)?;
            batch.put(format!("{}{seq:020}", keys.handoffs(id)), bytes);
        }
        if let Some((no, sequence)) = accepted {
            (head.attempt, head.accepted) = (Some(no), sequence);
        }
        head.excerpt_bytes += excerpt_bytes;
        head.without_excerpts = without_excerpts.unwrap_or(head.without_excerpts);
        head.artifact_bytes += artifact_bytes;
        writable(&keys.head(id.as_str()), head.schema_version)?;
        batch.put(keys.head(id.as_str()), encode(head));
        if let Some(mut state) = state {
            // Lists show the counts, and stories lie where lists don't look.
            let known = stories.as_ref().or(snapshot.stories.as_ref().map(|s| &s.value));
            let known = known.filter(|s| s.round == state.round || !state.fresh);
            state.stories = known.map(StoriesRecord::counts);
            // What is replaced counts too: the new one may not have been made from it.
            writable(&keys.state(id), current.schema_version.max(state.schema_version))?;
            batch.put(keys.state(id), encode(&state));
            after.state.value = state;
            touched.state = true;
        }
        if let Some(record) = attempt {
            let key = keys.attempt(id, record.no);
            let newest = snapshot.attempt.as_ref().filter(|a| a.value.no >= record.no);
            let replaced = newest.filter(|a| a.value.no == record.no);
            let version = replaced.map_or(0, |a| a.value.schema_version);
            writable(&key, record.schema_version.max(version))?;
            batch.put(key, encode(&record));
            // The snapshot's is the newest one, whichever is written.
            if newest.is_none() || replaced.is_some() {
                let created = replaced.map_or(0, |a| a.created);
                after.attempt = Some(Versioned { value: record, created, revision: 0 });
                touched.attempt = true;
            }
        }
        if let Some(record) = stories {
            let replaced = snapshot.stories.as_ref();
            let version = replaced.map_or(0, |s| s.value.schema_version);
            writable(&keys.stories(id), record.schema_version.max(version))?;
            batch.put(keys.stories(id), encode(&record));
            touched.stories = true;
            let created = replaced.map_or(0, |s| s.created);
            after.stories = Some(Versioned { value: record, created, revision: 0 });
        }
        if let Some(record) = mark {
            let replaced = snapshot.mark.as_ref();
            let version = replaced.map_or(0, |m| m.value.schema_version);
            writable(&keys.attention(id), record.schema_version.max(version))?;
            batch.put(keys.attention(id), encode(&record));
            touched.mark = true;
            let created = replaced.map_or(0, |m| m.created);
            after.mark = Some(Versioned { value: record, created, revision: 0 });
        }
        for record in iterations {
            batch.put(keys.iteration(id, record.no, record.iteration), encode(&record));
        }
        if drop_progress {
            batch.delete(keys.progress(id));
        }
        let held = snapshot.lock.as_ref().map(|lock| lock.created);
        match &lock {
            LockStep::Ignore => {}
            LockStep::Hold | LockStep::Release => {
                let held = held.ok_or_else(|| Error::NotLocked(id.clone()))?;
                compares.push(Compare::create_revision(keys.lock(id), CompareOp::Equal, held));
            }
            // Over one that is there a put would keep the create revision, and with it the old epoch.
            LockStep::Absent | LockStep::Take(_) if held.is_some() => {
                return Err(Error::Locked(id.clone()));
            }
            LockStep::Absent | LockStep::Take(_) => {
                compares.push(Compare::create_revision(keys.lock(id), CompareOp::Equal, 0));
            }
        }
        match lock {
            LockStep::Ignore | LockStep::Hold | LockStep::Absent => {}
            LockStep::Take(record) => {
                batch.put_on_lease(keys.lock(id), encode(&record), record.lease);
                after.lock = Some(Versioned { value: *record, created: 0, revision: 0 });
                touched.lock = true;
            }
            LockStep::Release => {
                batch.delete(keys.lock(id));
                after.lock = None;
            }
        }
        if let Some(created) = leader {
            compares.push(Compare::create_revision(keys.leader(), CompareOp::Equal, created));
        }
        let mut otherwise = self.snapshot_ops(id);
        if leader.is_some() {
            otherwise.push(TxnOp::get(keys.leader(), None));
        }
        let first = has_entries.then(|| keys.entry(id.as_str(), first));
        let ops = batch.within_limits()?;
        let sealed = Sealed { compares, ops, otherwise, tx, first };
        Ok(Built { sealed, after, touched })
    }

    /// Adds the put of one entry, and moves `head` behind it.
    #[allow(clippy::too_many_arguments)] // The parts of an entry, each of another type.
    pub(in crate::store) fn seal(
        &self,
        scope: &str,
        head: &mut Head,
        batch: &mut Batch,
        tx: Uuid,
        at: Timestamp,
        actor: Actor,
        attempt: Option<AttemptNo>,
        draft: Draft,
    ) -> Result<(), Error> {
        let entry = chain::seal(
            &self.chain,
            Entry {
                schema_version: smith_model::SCHEMA_VERSION,
                seq: head.next,
                tx,
                at,
                attempt,
                actor,
                draft,
                prev_hash: head.hash.clone(),
                key_id: String::new(),
                hash: String::new(),
            },
        );
        let bytes = encode_within("a journal entry", &entry, MOST_ENTRY_BYTES)?;
        head.next += 1;
        head.hash = entry.hash;
        batch.put(self.keys.entry(scope, entry.seq), bytes);
        Ok(())
    }
}

impl Built {
    /// The snapshot after the commit at `revision`.
    pub(super) fn settle(self, revision: i64) -> Snapshot {
        let Self { mut after, touched, .. } = self;
        after.head.revision = revision;
        if touched.state {
            after.state.revision = revision;
        }
        if let Some(attempt) = after.attempt.as_mut().filter(|_| touched.attempt) {
            settled(attempt, revision);
        }
        if let Some(stories) = after.stories.as_mut().filter(|_| touched.stories) {
            settled(stories, revision);
        }
        if let Some(mark) = after.mark.as_mut().filter(|_| touched.mark) {
            settled(mark, revision);
        }
        if let Some(lock) = after.lock.as_mut().filter(|_| touched.lock) {
            settled(lock, revision);
        }
        after
    }
}

fn settled<T>(record: &mut Versioned<T>, revision: i64) {
    record.revision = revision;
    if record.created == 0 {
        record.created = revision;
    }
}

/// No change without evidence: what people or the machine did stands in an entry of the same transaction,
/// and a step of the state is one that the table knows.
fn check_evidence(snapshot: &Snapshot, change: &Change) -> Result<(), Error> {
    let current = &snapshot.state.value;
    let refuse = |rule| Err(Error::Unfounded { loop_id: current.loop_id.clone(), rule });
    let Change { entries, act, over, state, handoff, mark, .. } = change;
    let told = act.is_some() || over.is_some() || handoff.is_some() || state.is_some();
    if told && entries.is_empty() {
        return refuse("it has no journal entry");
    }
    if mark.is_some() && act.is_none() {
        return refuse("its mark has no audit record");
    }
    if entries.len() > MOST_TRANSACTION_ENTRIES {
        return refuse("it has more than 100 journal entries");
    }
    let steps = entries.iter().filter_map(|(_, _, draft)| match &draft.payload {
        Some(Payload::Transition { from, to, round, attempt, .. }) => {
            Some((*from, (*to, *round, *attempt)))
        }
        _ => None,
    });
    let steps: Vec<_> = steps.collect();
    let at = |s: &StateRecord| (s.state, s.round, s.attempt);
    let moved = state.as_ref().map(at).filter(|next| *next != at(current));
    let Some(next) = moved else {
        let rule = "its journal tells a transition that isn't one";
        return if steps.is_empty() { Ok(()) } else { refuse(rule) };
    };
    if !TRANSITIONS.iter().any(|t| t.from == Some(current.state) && t.to == next.0) {
        return refuse("there is no such transition");
    }
    if steps != [(Some(current.state), next)] {
        return refuse("its journal doesn't tell its transition");
    }
    Ok(())
}

impl Act {
    /// The audit record of the act.
    pub(in crate::store) fn record(
        self,
        at: Timestamp,
        project: Option<ProjectName>,
        loop_id: Option<LoopId>,
        scope: &str,
        seq: u64,
    ) -> AuditRecord {
        let Self { actor, action, reason, before, after, request_id } = self;
        AuditRecord {
            schema_version: smith_model::SCHEMA_VERSION,
            id: Uuid::now_v7(),
            at,
            actor,
            action,
            project,
            loop_id,
            reason,
            before,
            after,
            request_id,
            scope: scope.to_owned(),
            seq,
        }
    }
}

/// Adds the put of an audit record; answers what ties it to its entry.
pub(in crate::store) fn put_audit(
    store: &Store,
    record: &AuditRecord,
    batch: &mut Batch,
) -> AuditLink {
    let bytes = encode(record);
    let sha256 = smith_model::id::Digest::of(&bytes).to_string();
    batch.put(store.keys.audit_record(record.at, record.id), bytes);
    AuditLink { id: record.id, sha256 }
}

/// Ties the first entry to the audit record of the act.
pub(in crate::store) fn link_act(
    drafts: &mut [(Actor, Option<AttemptNo>, Draft)],
    action: &str,
    link: AuditLink,
) {
    if let Some((_, _, draft)) = drafts.first_mut() {
        match &mut draft.payload {
            Some(Payload::Transition { audit, .. }) => *audit = Some(link),
            payload => *payload = Some(Payload::Act { action: action.to_owned(), audit: link }),
        }
    }
}
