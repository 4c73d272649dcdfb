//! Journals: numbered without a gap, chained, tied to their audit records.

use std::collections::HashMap;

use smith_model::chain::{self, Key};
use smith_model::journal::{AuditLink, Entry, Payload};
use smith_model::state::StateRecord;

use super::Rule;
use super::check::{Before, Look, head_of, installation};
use super::keys::{Kind, SYSTEM};

/// Where a journal stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Journal {
    next: u64,
    hash: String,
}

/// The entries of this revision go on where the journals stood; answers where they stand now.
pub(super) fn check(look: &mut Look<'_>, before: &Before, chain: &Key) -> HashMap<String, Journal> {
    let mut moved = HashMap::new();
    for (scope, entries) in look.entries.clone() {
        let begun = before.journals.get(&scope).cloned();
        let Journal { mut next, mut hash } = begun.unwrap_or_else(|| begin(look, before, &scope));
        for entry in &entries {
            look.holds(entry.seq == next, Rule::Gapless, || {
                format!("journal {scope}: entry {} stands where entry {next} should", entry.seq)
            });
            let verified = chain::verify(chain, &hash, entry.seq, std::slice::from_ref(entry));
            if let Err(broken) = verified {
                look.breaks(Rule::Gapless, format!("journal {scope}: {broken}"));
            }
            look.holds(entry.tx == entries[0].tx, Rule::Evidence, || {
                format!("journal {scope}: entries of one revision are of two transactions")
            });
            next = entry.seq + 1;
            hash.clone_from(&entry.hash);
        }
        match head_of(look, &scope) {
            None => look.breaks(Rule::Gapless, format!("journal {scope} grew without its head")),
            Some(head) => look.holds(head.next == next && head.hash == hash, Rule::Gapless, || {
                format!(
                    "the head of journal {scope} says {}, its last entry is {}",
                    head.next,
                    next - 1
                )
            }),
        }
        moved.insert(scope, Journal { next, hash });
    }
    numbers(look);
    heads_alone(look, before);
    moved
}

/// Where a new journal begins.
fn begin(look: &mut Look<'_>, before: &Before, scope: &str) -> Journal {
    let uid = if scope == SYSTEM {
        let kinds = look.kinds.iter().find(|(kind, _)| *kind == Kind::Installation);
        before.installation.or_else(|| kinds.and_then(|(_, write)| installation(write)))
    } else {
        let states =
            look.written::<StateRecord>(|k| matches!(k, Kind::State(id) if id.as_str() == scope));
        states.into_iter().find_map(|(state, _)| state).map(|state| state.uid)
    };
    Journal { next: 1, hash: uid.map(chain::genesis).unwrap_or_default() }
}

/// The number in the key is that of the entry.
fn numbers(look: &mut Look<'_>) {
    for (entry, write) in look.written::<Entry>(|kind| matches!(kind, Kind::Entry(..))) {
        if let (Some(entry), Kind::Entry(_, seq)) = (entry, Kind::of(&write.key)) {
            look.holds(format!("{:020}", entry.seq) == seq, Rule::Gapless, || {
                format!("{} holds entry {}", write.key, entry.seq)
            });
        }
    }
}

/// A head that moves without an entry stays where it is.
fn heads_alone(look: &mut Look<'_>, before: &Before) {
    for (kind, _) in look.kinds.clone() {
        let Kind::Head(scope) = kind else { continue };
        if look.entries.contains_key(&scope) {
            continue;
        }
        let (head, known) = (head_of(look, &scope), before.journals.get(&scope));
        if let (Some(head), Some(known)) = (head, known) {
            look.holds(head.next == known.next && head.hash == known.hash, Rule::Gapless, || {
                format!("the head of journal {scope} moved without an entry")
            });
        }
    }
}

/// Every audit record is tied to an entry of the same revision, and the other way round.
pub(super) fn check_audits(look: &mut Look<'_>) {
    let mut links: Vec<(String, u64, AuditLink)> = vec![];
    for (scope, entries) in &look.entries {
        for entry in entries {
            let link = match &entry.draft.payload {
                Some(Payload::Transition { audit: Some(link), .. }) => link,
                Some(Payload::Act { audit, .. }) => audit,
                _ => continue,
            };
            links.push((scope.clone(), entry.seq, link.clone()));
        }
    }
    for (audit, sha256) in look.audits.clone() {
        let is_its = |(scope, seq, link): &&(String, u64, AuditLink)| {
            *scope == audit.scope
                && *seq == audit.seq
                && link.id == audit.id
                && link.sha256 == sha256
        };
        look.holds(links.iter().any(|link| is_its(&link)), Rule::Evidence, || {
            format!("audit record {} ({}) is chained by no entry", audit.id, audit.action)
        });
    }
    for (scope, seq, link) in links {
        let found = look.audits.iter().any(|(audit, _)| audit.id == link.id);
        look.holds(found, Rule::Evidence, || {
            format!(
                "entry {seq} of journal {scope} names the audit record {}, which isn't there",
                link.id
            )
        });
    }
}
