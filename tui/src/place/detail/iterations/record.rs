//! The record of an iteration. Pure.

use smith_model::story::IterationRecord;

use super::{Part, list};
use crate::action::Action;
use crate::look::Role;
use crate::place::detail::DetailAction;
use crate::place::detail::sheet::{Sheet, part};
use crate::text;
use crate::world::World;

/// All of it but its artifacts.
pub(super) fn page(world: &World, one: &IterationRecord) -> Sheet {
    let mut sheet = Sheet::default();
    let IterationRecord {
        schema_version: _,
        no,
        iteration,
        story,
        started_at,
        ended_at,
        outcome: came_to,
        message,
        agent,
        agent_millis,
        prompt: _,
        output,
        diff: _,
        gates,
        gate_set,
        tree,
        commit,
        stat,
        usage,
    } = one;
    let (sign, role) = list::outcome(*came_to);
    let ago = text::age(world.now.duration_since(*ended_at));
    sheet.field("Iteration", [part(format!("{no} #{iteration} on {story}"), Role::Text)]);
    let came_to = text::word(came_to);
    sheet.field(
        "Came to",
        [part(format!("{sign} {came_to}"), role), part(format!(", {ago} ago"), Role::Dim)],
    );
    sheet.field("", [part(message.clone(), Role::Text)]);
    sheet.field("Took", [part(text::between(*started_at, *ended_at), Role::Text)]);
    let ran = format!("{agent} after {}", text::millis(*agent_millis));
    sheet
        .field("Agent", [part(ran, Role::Text)])
        .link(Action::Detail(DetailAction::Part(Part::Output)));
    for (at, gate) in gates.iter().enumerate() {
        let (sign, role) = if gate.green() { ("+", Role::Good) } else { ("x", Role::Bad) };
        let name = if at == 0 { "Gates" } else { "" };
        let body = [
            part(format!("{sign} {}, {}  ", gate.exit, text::millis(gate.millis)), role),
            part(gate.run.clone(), Role::Text),
        ];
        sheet.field(name, body).link(Action::Detail(DetailAction::Part(Part::Gates)));
    }
    let change = text::change(*stat);
    sheet
        .field("Change", [part(change, Role::Text)])
        .link(Action::Detail(DetailAction::Part(Part::Diff)));
    if let Some(commit) = commit {
        sheet.field("Commit", [part(commit.to_string(), Role::Text)]).copy(commit.as_str());
    }
    if let Some(tree) = tree {
        sheet.field("Tree", [part(tree.to_string(), Role::Dim)]).copy(tree.as_str());
    }
    let used = if *usage == Default::default() {
        part("not reported by the agent", Role::Dim)
    } else {
        let text = format!(
            "{} in, {} out, {}",
            usage.input_tokens,
            usage.output_tokens,
            text::dollars(usage.cost_microusd)
        );
        part(text, Role::Text)
    };
    sheet.field("Usage", [used]);
    let set = text::short(gate_set.as_str()).to_owned();
    sheet.field("Gate set", [part(set, Role::Dim)]).copy(gate_set.as_str());
    if let Some(output) = output.as_ref().filter(|output| output.omitted > 0) {
        let text = format!("{} bytes of output weren't kept", output.omitted);
        sheet.field("Left out", [part(text, Role::Warning)]);
    }
    sheet
}
