//! States: each one with its evidence, and each a legal step from the one before.

use smith_model::id::LoopId;
use smith_model::journal::{Actor, ActorKind, Entry, Payload};
use smith_model::state::{By, Failure, Reason, RetryFrom, State, StateRecord, Step};
use smith_model::story::StoryStatus;

use super::Rule;
use super::check::{Look, Loop};
use super::keys::Kind;

/// The state of one loop at this revision.
pub(super) fn check(look: &mut Look<'_>, before: &Loop, id: &LoopId) {
    let states = look.written::<StateRecord>(|kind| matches!(kind, Kind::State(l) if l == id));
    for (after, _) in states {
        match (&before.state, after) {
            (None, Some(after)) => created(look, id, &after),
            (Some(state), Some(after)) => changed(look, before, state, &after),
            (_, None) => deleted(look, before, id),
        }
    }
    overrides(look, id);
}

fn created(look: &mut Look<'_>, id: &LoopId, after: &StateRecord) {
    let fresh =
        StateRecord::created(id.clone(), after.uid, after.summary.clone(), after.created_at);
    look.holds(*after == fresh, Rule::LegalSteps, || {
        format!("{id} began as {} ({})", after.state, after.reason)
    });
    for wanted in ["a spec", "a request"] {
        let is = |kind: &Kind| match kind {
            Kind::Anomaly(l) => wanted == "a spec" && l == id,
            Kind::Request => wanted == "a request",
            _ => false,
        };
        let found = look.kinds.iter().any(|(kind, write)| is(kind) && write.value.is_some());
        look.holds(found, Rule::NothingLost, || format!("{id} was created without {wanted}"));
    }
    transition(look, id, None, after);
}

fn deleted(look: &mut Look<'_>, before: &Loop, id: &LoopId) {
    let is_tombstone = |kind: &Kind| matches!(kind, Kind::Tombstone(l) if l == id);
    let buried = look.kinds.iter().any(|(kind, write)| is_tombstone(kind) && write.value.is_some());
    let recorded = look
        .audits
        .iter()
        .any(|(audit, _)| audit.action == "loop.delete" && audit.loop_id.as_ref() == Some(id));
    look.holds(buried && recorded, Rule::Evidence, || format!("{id} was deleted without a trace"));
    look.holds(before.lock.is_none(), Rule::OneWriter, || {
        format!("{id} was deleted under the lock of a worker")
    });
    look.holds(before.state.as_ref().is_none_or(|s| s.state.ended()), Rule::LegalSteps, || {
        format!("{id} was deleted before its end")
    });
}

fn changed(look: &mut Look<'_>, before: &Loop, state: &StateRecord, after: &StateRecord) {
    let id = &state.loop_id;
    let moved =
        (state.state, state.round, state.attempt) != (after.state, after.round, after.attempt);
    if !moved {
        // A hold, and nothing else (but the counts of stories, which are only shown).
        let (hold, stories) = (after.hold.clone(), after.stories);
        let held = StateRecord { hold, stories, updated_at: after.updated_at, ..state.clone() };
        look.holds(*after == held && state.hold != after.hold, Rule::LegalSteps, || {
            let differences = differences(state, after);
            format!(
                "the state record of {id} changed without a step and without a hold: {differences}"
            )
        });
        let wanted = if after.hold.is_some() { "loop.hold" } else { "loop.release" };
        let is = |e: &Entry| matches!(&e.draft.payload, Some(Payload::Act { action, .. }) if action == wanted);
        let found = look.entries_of(id).iter().any(is);
        look.holds(found, Rule::Evidence, || format!("{id} has no entry for its {wanted}"));
        return;
    }
    let Some(actor) = transition(look, id, Some(state.state), after) else { return };
    let by = match actor.kind {
        ActorKind::Operator => By::Operator,
        ActorKind::Core => By::Core,
        ActorKind::Worker => By::Finish,
        ActorKind::Api => By::Api,
    };
    let expected = step(state, after, by).map(|step| state.step(&step, after.updated_at));
    match expected {
        None => look.breaks(
            Rule::LegalSteps,
            format!(
                "{id}: no step leads from {} to {} ({}) by {by:?}",
                state.state, after.state, after.reason
            ),
        ),
        Some(Err(illegal)) => look.breaks(Rule::LegalSteps, format!("{id}: {illegal} (by {by:?})")),
        Some(Ok(mut expected)) => {
            // Its words are checked where they are made, and the counts of stories are only shown.
            expected.message.clone_from(&after.message);
            expected.stories = after.stories;
            look.holds(expected == *after, Rule::LegalSteps, || {
                format!(
                    "{id}: a step to {} gives other fields: {}",
                    after.state,
                    differences(&expected, after)
                )
            });
        }
    }
    if after.state == State::Overwriting {
        admitted(look, before, after);
    }
    if after.reason == Reason::Completed {
        certified(look, before, after);
    }
}

/// The fields in which two records differ: as expected, and as found.
fn differences(expected: &StateRecord, found: &StateRecord) -> String {
    let fields = |record| serde_json::to_value(record).unwrap();
    let (expected, found) = (fields(expected), fields(found));
    let names =
        expected.as_object().into_iter().chain(found.as_object()).flatten().map(|(name, _)| name);
    let names: std::collections::BTreeSet<_> =
        names.filter(|n| expected.get(n) != found.get(n)).collect();
    let one = |name: &&String| format!("{name}: {:?} → {:?}", expected.get(name), found.get(name));
    names.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// The step that a record's reason speaks of.
fn step(state: &StateRecord, after: &StateRecord, by: By) -> Option<Step> {
    let reason = after.message.clone();
    Some(match (after.reason, by) {
        (Reason::Admitted, By::Core) => Step::Admit,
        (Reason::Completed, By::Finish) => {
            Step::Complete { branch: after.branch.clone()?, commit: after.commit.clone()? }
        }
        (Reason::Accepted, By::Operator) => Step::Accept { reason },
        (Reason::OperatorCancelled, By::Operator) => Step::Cancel { reason },
        (Reason::OperatorFlatlined, By::Operator) => Step::Flatline { reason },
        (Reason::RetryRequested, By::Operator) => {
            let from = if after.fresh { RetryFrom::Fresh } else { RetryFrom::Checkpoint };
            Step::Retry { reason, from }
        }
        (Reason::Failure(class), By::Core | By::Finish) => {
            let failure = Failure { class, message: reason };
            match state.state {
                State::Unresolved => Step::Reject(failure),
                _ => Step::Fail { by, failure },
            }
        }
        _ => return None,
    })
}

/// The entry that says the same, and who wrote it; a person's has an audit record.
fn transition(
    look: &mut Look<'_>,
    id: &LoopId,
    before: Option<State>,
    after: &StateRecord,
) -> Option<Actor> {
    let says_so = |entry: &Entry| match &entry.draft.payload {
        Some(Payload::Transition { from, to, reason, round, attempt, audit }) => {
            let same = (*from, *to, *reason, *round, *attempt)
                == (before, after.state, after.reason, after.round, after.attempt);
            let by_person = entry.actor.kind == ActorKind::Operator;
            same && by_person == audit.is_some()
        }
        _ => false,
    };
    let found = look.entries_of(id).into_iter().find(says_so);
    if found.is_none() {
        let what =
            format!("{id} became {} ({}) without an entry that says so", after.state, after.reason);
        look.breaks(Rule::Evidence, what);
    }
    found.map(|entry| entry.actor)
}

/// Admitted only when nobody holds the lock, with a record of the attempt.
fn admitted(look: &mut Look<'_>, before: &Loop, after: &StateRecord) {
    let id = &after.loop_id;
    look.holds(before.lock.is_none(), Rule::OneWriter, || {
        format!("{id} was admitted while {:?} held its lock", before.lock)
    });
    let no = after.current_attempt().map(|no| no.key());
    let is_its =
        |kind: &Kind| matches!(kind, Kind::Attempt(l, n) if l == id && Some(n) == no.as_ref());
    let recorded = look.kinds.iter().any(|(kind, write)| is_its(kind) && write.version == 1);
    look.holds(recorded, Rule::Evidence, || {
        format!("{id} was admitted without a new attempt record")
    });
}

/// Synced by a worker only with every story done and the commit pushed.
fn certified(look: &mut Look<'_>, before: &Loop, after: &StateRecord) {
    let id = &after.loop_id;
    let stories = before.stories.as_ref().map(|s| s.stories.as_slice()).unwrap_or_default();
    let done = !stories.is_empty() && stories.iter().all(|s| s.status == StoryStatus::Done);
    look.holds(done, Rule::Evidence, || format!("{id} was synced with open stories: {stories:?}"));
    let attempt = before.attempt.as_ref();
    let pushed = attempt.filter(|a| a.pushed_at.is_some()).and_then(|a| a.prepared.as_ref());
    let same = pushed.is_some_and(|p| Some(&p.new) == after.commit.as_ref());
    look.holds(same, Rule::Evidence, || {
        format!("{id} was synced at a commit that isn't known as pushed")
    });
}

/// Overrides and handoffs stand under the number of an entry of the same revision.
fn overrides(look: &mut Look<'_>, id: &LoopId) {
    let seqs: Vec<u64> = look.entries_of(id).iter().map(|e| e.seq).collect();
    for (kind, write) in look.kinds.clone() {
        let (Kind::Override(l, seq) | Kind::Handoff(l, seq)) = &kind else { continue };
        if l != id || write.value.is_none() {
            continue;
        }
        let found = seq.parse().is_ok_and(|seq: u64| seqs.contains(&seq));
        look.holds(found, Rule::Evidence, || format!("{} has no entry of its number", write.key));
    }
}
