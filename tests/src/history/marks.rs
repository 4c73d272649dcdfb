//! Marks in the inbox: each change is a person's act, and what the act's records say that it is.

use serde_json::json;
use smith_model::id::LoopId;
use smith_model::inbox::Mark;
use smith_model::journal::{ActorKind, Payload};

use super::Rule;
use super::check::{Look, Loop};
use super::keys::Kind;

/// The mark of one loop at this revision.
pub(super) fn check(look: &mut Look<'_>, before: &Loop, id: &LoopId) {
    let marks = look.written::<Mark>(|kind| matches!(kind, Kind::Attention(l) if l == id));
    for (after, _) in marks {
        match after {
            Some(after) => changed(look, before.mark.as_ref(), &after, id),
            None => deleted(look, id),
        }
    }
}

fn changed(look: &mut Look<'_>, before: Option<&Mark>, after: &Mark, id: &LoopId) {
    // Which entry and which audit record belong together is checked for all acts alike.
    let acts: Vec<_> = look
        .entries_of(id)
        .into_iter()
        .filter(|entry| entry.actor.kind == ActorKind::Operator)
        .filter_map(|entry| match entry.draft.payload {
            Some(Payload::Act { action, audit }) if action.starts_with("inbox.") => {
                Some((entry.actor.id, audit.id))
            }
            _ => None,
        })
        .collect();
    let audit = look.audits.iter().find(|(audit, _)| acts.iter().any(|(_, id)| *id == audit.id));
    let Some((audit, _)) = audit.cloned() else {
        look.breaks(Rule::Evidence, format!("the mark of {id} changed without an act"));
        return;
    };
    let says = (&audit.before, &audit.after);
    look.holds(
        says == (&json!({ "mark": before }), &json!({ "mark": after })),
        Rule::Evidence,
        || {
            format!(
                "the audit record of {id}'s mark says {says:?}, and it was {before:?}, is {after:?}"
            )
        },
    );
    let known = before.filter(|mark| mark.occurrence == after.occurrence);
    let claimed = |mark: Option<&Mark>| mark.and_then(|mark| mark.claimed_by.clone());
    let (had, has) = (claimed(known), claimed(Some(after)));
    if had != has {
        let by = Some(&audit.actor);
        look.holds(has.is_none() || has.as_ref() == by, Rule::Evidence, || {
            format!("{:?} claimed {id} for {has:?}", audit.actor)
        });
        let taken = had.as_ref().is_some_and(|had| Some(had) != by);
        look.holds(!taken || audit.reason.is_some(), Rule::Evidence, || {
            format!("{:?} took {id} from {had:?} without a reason", audit.actor)
        });
    }
}

/// A mark goes with its loop.
fn deleted(look: &mut Look<'_>, id: &LoopId) {
    let with_loop = look
        .kinds
        .iter()
        .any(|(kind, write)| matches!(kind, Kind::State(l) if l == id) && write.value.is_none());
    look.holds(with_loop, Rule::NothingLost, || {
        format!("the mark of {id} was deleted, and its loop wasn't")
    });
}
