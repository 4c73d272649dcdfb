//! The list: a row for each iteration that has ended. Pure.

use smith_model::story::IterationOutcome;

use crate::look::Role;
use crate::place::detail::overview::failures;
use crate::place::detail::sheet::{Sheet, part};
use crate::text;
use crate::world::Known;

/// All of them, newest first.
pub(super) fn list(known: Option<&Known>) -> Sheet {
    let mut sheet = Sheet::default();
    let Some(known) = known else { return sheet };
    let Some(all) = known.iterations.value() else {
        failures(&mut sheet, &[("the iterations", known.iterations.failure())]);
        return sheet;
    };
    for one in all.iter().rev() {
        let (sign, role) = outcome(one.outcome);
        let green = one.gates.iter().filter(|gate| gate.green()).count();
        let commit = one.commit.as_ref().map_or("", |commit| text::digits(commit.as_str(), 7));
        let body = [
            part(format!("{:<5} #{:<3} ", one.no.to_string(), one.iteration), Role::Text),
            part(format!("{sign} "), role),
            part(format!("{:<8} ", one.story), Role::Text),
            part(format!("{green}/{} ", one.gates.len()), role),
            part(format!("{:>6} ", text::between(one.started_at, one.ended_at)), Role::Dim),
            part(commit.to_owned(), Role::Dim),
        ];
        let row = sheet.item([], body);
        row.copy(one.commit.as_ref().map_or("", |commit| commit.as_str()));
    }
    sheet
}

/// A sign for what an iteration came to.
pub(in super::super) fn outcome(outcome: IterationOutcome) -> (&'static str, Role) {
    match outcome {
        IterationOutcome::Green => ("+", Role::Good),
        IterationOutcome::Unchanged => ("=", Role::Good),
        IterationOutcome::GatesFailed | IterationOutcome::GatesChangedTree => ("x", Role::Bad),
        IterationOutcome::AgentFailed
        | IterationOutcome::TimedOut
        | IterationOutcome::Stalled
        | IterationOutcome::Unreadable => ("!", Role::Bad),
        IterationOutcome::HostLost | IterationOutcome::Interrupted => ("~", Role::Warning),
    }
}
