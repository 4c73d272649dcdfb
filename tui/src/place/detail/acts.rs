//! What people did: overrides, the audit with what was before and after, and whether the journal is what was written.
//! Pure.

use serde_json::Value;
use smith_model::api::ChainState;
use smith_model::audit::{AuditRecord, Override};

use super::overview::failures;
use super::sheet::{Sheet, part};
use crate::fetch::{More, Topic};
use crate::look::Role;
use crate::text;
use crate::world::{Known, World};

/// What it is made of.
pub(super) const TOPICS: [Topic; 3] = [Topic::Overrides, Topic::Audit, Topic::Chain];

/// All of it, newest first.
pub(super) fn page(world: &World, known: Option<&Known>) -> Sheet {
    let mut sheet = Sheet::default();
    let Some(known) = known else {
        sheet.text(2, "asking …", Role::Dim);
        return sheet;
    };
    let all = [
        ("the overrides", known.overrides.failure()),
        ("the audit", known.audit.failure()),
        ("whether the journal is intact", known.chain.failure()),
    ];
    failures(&mut sheet, &all);
    sheet.heading("Journal's chain");
    chain(&mut sheet, known.chain.value());
    sheet.heading("Overrides");
    match known.overrides.value().map(Vec::as_slice) {
        None => sheet.text(2, "…", Role::Dim),
        Some([]) => sheet.text(2, "none: nobody changed it", Role::Dim),
        Some(overrides) => overrides.iter().rev().for_each(|one| changed(&mut sheet, world, one)),
    }
    sheet.heading("Audit");
    match known.audit.value() {
        None => sheet.text(2, "…", Role::Dim),
        Some((records, more)) => {
            if records.is_empty() {
                sheet.text(2, "nothing", Role::Dim);
            }
            records.iter().for_each(|one| record(&mut sheet, world, one));
            if *more == More::Some {
                sheet.text(2, "older ones are in `smithctl audit`", Role::Dim);
            }
        }
    }
    sheet
}

fn chain(sheet: &mut Sheet, chain: Option<&ChainState>) {
    match chain {
        None => sheet.text(2, "being checked …", Role::Dim),
        Some(ChainState { intact: true, entries, problem: _ }) => {
            let text = format!("+ intact: each of {entries} entries is as it was written");
            sheet.text(2, &text, Role::Good);
        }
        Some(ChainState { intact: false, entries, problem }) => {
            let problem = problem.as_deref().unwrap_or("it doesn't say what");
            let text = format!("x BROKEN within {entries} entries: {problem}");
            sheet.text(2, &text, Role::Bad);
        }
    }
}

fn changed(sheet: &mut Sheet, world: &World, change: &Override) {
    let Override { schema_version: _, seq, at, actor, action, from, to, reason } = change;
    let age = text::age(world.now.duration_since(*at));
    let head = [part(format!("{age:>4} ago  "), Role::Dim)];
    let steps = if from == to { String::new() } else { format!("  {from} to {to}") };
    let body = [
        part(action.clone(), Role::Warning),
        part(format!(" by {actor}"), Role::Text),
        part(steps, Role::Text),
        part(format!("  (journal {seq})"), Role::Dim),
    ];
    sheet.item(head, body).copy(&**reason);
    sheet.text(12, reason, Role::Text);
}

fn record(sheet: &mut Sheet, world: &World, record: &AuditRecord) {
    let AuditRecord {
        schema_version: _,
        id,
        at,
        actor,
        action,
        project: _,
        loop_id: _,
        reason,
        before,
        after,
        request_id,
        scope,
        seq,
    } = record;
    let age = text::age(world.now.duration_since(*at));
    let head = [part(format!("{age:>4} ago  "), Role::Dim)];
    let request = request_id.as_deref().map(|id| format!(", request {id}")).unwrap_or_default();
    let body = [
        part(action.clone(), Role::Text),
        part(format!(" by {actor}"), Role::Text),
        part(format!("  ({scope} {seq}{request})"), Role::Dim),
    ];
    sheet.item(head, body).copy(id.to_string());
    if let Some(reason) = reason {
        sheet.text(12, &format!("why: {reason}"), Role::Text);
    }
    for (name, value, role) in [("before", before, Role::Dim), ("after", after, Role::Text)] {
        if !value.is_null() {
            sheet.text(12, &format!("{name}: {}", said(value)), role);
        }
    }
}

/// A small value in one line.
fn said(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(fields) => {
            let one = |(name, value): (&String, &Value)| format!("{name}={}", said(value));
            fields.iter().map(one).collect::<Vec<_>>().join(" ")
        }
        value => value.to_string(),
    }
}
