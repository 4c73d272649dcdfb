//! The handoffs: what each attempt left for the next one and for people, newest first. Pure.

use smith_model::handoff::{Handoff, HandoffDraft};
use smith_model::terminal::Intervention;

use super::overview::failures;
use super::sheet::{Sheet, part};
use crate::fetch::Topic;
use crate::look::Role;
use crate::text;
use crate::world::{Known, World};

/// What it is made of.
pub(super) const TOPICS: [Topic; 1] = [Topic::Handoffs];

/// All of them.
pub(super) fn page(world: &World, known: Option<&Known>) -> Sheet {
    let mut sheet = Sheet::default();
    let Some(known) = known else {
        sheet.text(2, "asking …", Role::Dim);
        return sheet;
    };
    failures(&mut sheet, &[("the handoffs", known.handoffs.failure())]);
    match known.handoffs.value().map(Vec::as_slice) {
        None => sheet.text(2, "…", Role::Dim),
        Some([]) => sheet.text(2, "none yet: an attempt writes one when it ends", Role::Dim),
        Some(handoffs) => handoffs.iter().rev().for_each(|one| handoff(&mut sheet, world, one)),
    }
    sheet
}

fn handoff(sheet: &mut Sheet, world: &World, handoff: &Handoff) {
    let Handoff { schema_version: _, seq, at, no, class, draft } = handoff;
    let HandoffDraft {
        done,
        remaining,
        decisions,
        uncertain,
        learnings,
        git,
        gates,
        iterations,
        usage,
        interventions,
        next_step,
    } = draft;
    let age = text::age(world.now.duration_since(*at));
    let class = class.map_or_else(|| "ended".to_owned(), |class| class.to_string());
    sheet.heading(format!("{no}  {class}  {age} ago  (journal {seq})"));
    if !next_step.is_empty() {
        sheet.field("Next step", [part(next_step.clone(), Role::Text)]);
    }
    sheet.field("Done", [part(list(done), Role::Good)]);
    sheet.field("Remaining", [part(list(remaining), Role::Text)]);
    for (name, said) in [("Decided", decisions), ("Uncertain", uncertain), ("Learnt", learnings)] {
        for (at, said) in said.iter().enumerate() {
            let name = if at == 0 { name } else { "" };
            sheet.field(name, [part(said.clone(), Role::Text)]);
        }
    }
    if let Some(git) = git {
        let change = text::change(git.stat);
        sheet.field("Branch", [part(git.branch.clone(), Role::Text)]).copy(&*git.branch);
        for (name, commit) in [("Base", &git.base), ("Head", &git.head)] {
            if let Some(commit) = commit {
                let short = text::short(commit.as_str()).to_owned();
                sheet.field(name, [part(short, Role::Text)]).copy(commit.as_str());
            }
        }
        sheet.field("Change", [part(change, Role::Text)]);
    }
    for (at, gate) in gates.iter().enumerate() {
        let (sign, role) = if gate.green { ("+ green", Role::Good) } else { ("x red", Role::Bad) };
        let name = if at == 0 { "Gates" } else { "" };
        sheet.field(name, [part(format!("{sign}  "), role), part(gate.run.clone(), Role::Text)]);
        if let Some(tail) = &gate.tail {
            sheet.text(18, tail.trim_end(), Role::Dim);
        }
    }
    let used = if *usage == Default::default() {
        "usage not reported".to_owned()
    } else {
        format!("{} tokens, {}", usage.tokens(), text::dollars(usage.cost_microusd))
    };
    sheet.field(
        "Used",
        [part(format!("{}, {used}", text::count((*iterations).into(), "iteration")), Role::Text)],
    );
    interventions.iter().for_each(|one| intervention(sheet, one));
}

fn list(of: &[String]) -> String {
    if of.is_empty() { "nothing".to_owned() } else { of.join(", ") }
}

/// What somebody did at a terminal.
fn intervention(sheet: &mut Sheet, intervention: &Intervention) {
    let Intervention { by, session, from, until, typed, hidden, note, stat, diff } = intervention;
    let length = text::between(*from, *until);
    let said = format!("{by} at the {session}'s terminal, for {length}");
    let row = sheet.field("By hand", [part(said, Role::Warning)]);
    if let Some(diff) = diff {
        row.copy(diff.digest.as_str());
    }
    for line in typed {
        sheet.field("", [part(format!("> {line}"), Role::Text)]);
    }
    if *hidden {
        sheet.field("", [part("(and what the terminal didn't show)", Role::Dim)]);
    }
    if let Some(note) = note {
        sheet.field("", [part(format!("note: {note}"), Role::Text)]);
    }
    if stat.files > 0 {
        let text = format!("changed meanwhile: {}", text::change(*stat));
        sheet.field("", [part(text, Role::Text)]);
    }
}
