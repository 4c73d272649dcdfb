//! What a loop has used and made, of what it may use, and how it was asked for: the right column. Pure.

use smith_model::api::{Cost, LoopDetail};
use smith_model::attempt::AttemptRecord;
use smith_model::policy::Policy;
use smith_model::spec::Spec;
use smith_model::story::{IterationRecord, Usage};

use super::super::DetailAction;
use super::super::sheet::{Part, Sheet, part};
use super::loop_link;
use crate::action::Action;
use crate::fleet::Row;
use crate::look::Role;
use crate::text;
use crate::world::{Known, World};

/// All of it.
pub(in super::super) fn facts(world: &World, row: Option<&Row>, known: Option<&Known>) -> Sheet {
    let mut sheet = Sheet::default();
    let Some(known) = known else { return sheet };
    let iterations = known.iterations.value().map(Vec::as_slice);
    sheet.heading("Iteration");
    iteration(&mut sheet, world, row, iterations);
    sheet.heading("Usage");
    usage(&mut sheet, known.cost.value());
    let Some(detail) = known.detail.value() else { return sheet };
    sheet.heading("Branch");
    branch(&mut sheet, detail, known.attempts.value().and_then(|all| all.last()));
    for iteration in iterations.unwrap_or_default().iter().rev() {
        let Some(commit) = &iteration.commit else { continue };
        let head = [part(format!("{} ", text::short(commit.as_str())), Role::Text)];
        let text = format!("{} #{} {}", iteration.no, iteration.iteration, iteration.story);
        let (no, n) = (iteration.no, iteration.iteration);
        sheet
            .item(head, [part(text, Role::Dim)])
            .link(Action::Detail(DetailAction::Iteration { no, iteration: n }))
            .copy(commit.as_str());
    }
    sheet.heading("Limits");
    limits(&mut sheet, world, row, detail, known);
    sheet.heading("Asked for");
    asked(&mut sheet, world, detail);
    sheet
}

fn iteration(
    sheet: &mut Sheet,
    world: &World,
    row: Option<&Row>,
    iterations: Option<&[IterationRecord]>,
) {
    if let Some(row) = row.filter(|row| row.iteration > 0) {
        let story = row.story.as_deref().unwrap_or("no story");
        let phase = row.phase.map(|phase| text::word(&phase)).unwrap_or_default();
        let text = format!("r{}a{} #{} on {story}", row.round, row.attempt, row.iteration);
        sheet.field("Now", [part(text, Role::Text), part(format!("  {phase}"), Role::Active)]);
    }
    let Some(iterations) = iterations else {
        sheet.text(2, "…", Role::Dim);
        return;
    };
    let Some(last) = iterations.last() else {
        sheet.text(2, "none has ended yet", Role::Dim);
        return;
    };
    let ago = text::age(world.now.duration_since(last.ended_at));
    let role = if last.green() { Role::Good } else { Role::Warning };
    let (no, n) = (last.no, last.iteration);
    sheet
        .field(
            "Last ended",
            [
                part(format!("{no} #{n} on {} ", last.story), Role::Text),
                part(text::word(&last.outcome), role),
                part(format!(", {ago} ago"), Role::Dim),
            ],
        )
        .link(Action::Detail(DetailAction::Iteration { no, iteration: n }));
    sheet.field("", [part(last.message.clone(), Role::Text)]);
    let green = last.gates.iter().filter(|gate| gate.green()).count();
    let text = format!(
        "{green} of {} gates green, {}, agent {}",
        last.gates.len(),
        text::change(last.stat),
        text::millis(last.agent_millis)
    );
    sheet.field("", [part(text, Role::Dim)]);
}

fn usage(sheet: &mut Sheet, cost: Option<&Cost>) {
    let Some(cost) = cost else {
        sheet.text(2, "…", Role::Dim);
        return;
    };
    if cost.iterations == 0 {
        sheet.text(2, "nothing yet: no iteration has ended", Role::Dim);
        return;
    }
    if cost.reported {
        let usage = cost.usage;
        let text = format!("{} in, {} out", usage.input_tokens, usage.output_tokens);
        sheet.field("Tokens", [part(text, Role::Text)]);
        sheet.field("Money", [part(text::dollars(usage.cost_microusd), Role::Text)]);
    } else {
        sheet.field("Tokens", [part("not reported by the agent", Role::Dim)]);
        sheet.field("Money", [part("not reported by the agent", Role::Dim)]);
    }
    let time = text::millis(cost.agent_seconds.saturating_mul(1000));
    let text = format!("{time} in {}", text::count(cost.iterations, "iteration"));
    sheet.field("Agents ran", [part(text, Role::Text)]);
    let model = cost.model.as_deref().map(|model| format!(", model {model}")).unwrap_or_default();
    sheet.field("Provider", [part(format!("{}{model}", cost.provider_id), Role::Text)]);
}

fn branch(sheet: &mut Sheet, detail: &LoopDetail, attempt: Option<&AttemptRecord>) {
    let record = &detail.item.record;
    match (&record.branch, &record.commit) {
        (Some(branch), Some(commit)) => {
            sheet.field("Published", [part(branch.clone(), Role::Good)]).copy(&**branch);
            sheet.field("Commit", [part(commit.to_string(), Role::Text)]).copy(commit.as_str());
        }
        _ => {
            let branch = detail.spec.branch();
            let parts = [part(branch.clone(), Role::Text), part(" (not published)", Role::Dim)];
            sheet.field("Branch", parts).copy(branch);
        }
    }
    let Some(attempt) = attempt else { return };
    if let Some(base) = &attempt.base {
        let text = text::short(base.as_str()).to_owned();
        sheet.field("Base", [part(text, Role::Text)]).copy(base.as_str());
    }
    if let Some(checkpoint) = &attempt.checkpoint {
        let wip = if checkpoint.wip { " (in progress: its gates weren't green)" } else { "" };
        let text = text::short(checkpoint.commit.as_str()).to_owned();
        let parts = [part(text, Role::Text), part(wip, Role::Warning)];
        sheet.field("Checkpoint", parts).copy(checkpoint.commit.as_str());
    }
    if let Some(prepared) = attempt.unsettled() {
        let text = format!("{} on {}", text::short(prepared.new.as_str()), prepared.branch);
        let parts = [part(text, Role::Warning), part(" (not seen on the branch yet)", Role::Dim)];
        sheet.field("Prepared", parts).copy(prepared.new.as_str());
    }
}

fn limits(sheet: &mut Sheet, world: &World, row: Option<&Row>, detail: &LoopDetail, known: &Known) {
    let record = &detail.item.record;
    let Policy {
        attempts,
        uncounted_attempts,
        backoff_initial,
        backoff_max,
        iterations,
        story_tries,
        agent_timeout,
        gate_timeout,
        attempt_timeout,
        stall_after,
        hold_limit,
        tokens,
        cost_microusd,
    } = &record.summary.policy;
    let of = |used: u64, most: u64| {
        let role = if used >= most { Role::Warning } else { Role::Text };
        part(format!("{used} of {most}"), role)
    };
    let lost = of(record.uncounted_attempts.into(), (*uncounted_attempts).into());
    let parts =
        [of(record.used_attempts.into(), (*attempts).into()), part(", lost ", Role::Dim), lost];
    sheet.field("Attempts", parts);
    let current = known.attempts.value().and_then(|all| all.last());
    let of_this = known.iterations.value().map(|all| {
        all.iter().filter(|one| current.is_some_and(|attempt| attempt.no == one.no)).collect()
    });
    let of_this: Vec<&IterationRecord> = of_this.unwrap_or_default();
    let parts = [
        of(of_this.len() as u64, (*iterations).into()),
        part(format!(" in this attempt, {story_tries} a story"), Role::Dim),
    ];
    sheet.field("Iterations", parts);
    let mut time: Vec<Part> = vec![];
    if let Some(attempt) = current.filter(|attempt| attempt.end.is_none()) {
        let from = attempt.claimed_at.unwrap_or(attempt.admitted_at);
        time.push(part(format!("{} of ", text::between(from, world.now)), Role::Text));
    }
    time.push(part(attempt_timeout.to_string(), Role::Text));
    sheet.field("Time", time);
    // The worker tells it while an iteration runs; records do when it has ended.
    let ended = of_this.iter().fold(Usage::default(), |sum, one| sum.plus(one.usage));
    let used = row.map(|row| row.usage).filter(|used| *used != Usage::default()).unwrap_or(ended);
    let is_reported = used != Usage::default();
    let budget = |used: String, most: Option<String>| {
        let used = if is_reported { used } else { "not reported".to_owned() };
        let most = most.map_or_else(|| "no limit".to_owned(), |most| format!("of {most}"));
        [part(used, Role::Text), part(format!(", {most}"), Role::Dim)]
    };
    sheet.field("Tokens", budget(used.tokens().to_string(), tokens.map(|most| most.to_string())));
    let money = text::dollars(used.cost_microusd);
    sheet.field("Money", budget(money, cost_microusd.map(text::dollars)));
    let text = format!("agent {agent_timeout}, gate {gate_timeout}, silent {stall_after}");
    sheet.field("One run", [part(text, Role::Dim)]);
    let text = format!("backoff {backoff_initial} to {backoff_max}, hold {hold_limit}");
    sheet.field("Waits", [part(text, Role::Dim)]);
}

fn asked(sheet: &mut Sheet, world: &World, detail: &LoopDetail) {
    let spec: &Spec = &detail.spec;
    let age = text::age(world.now.duration_since(spec.created_at));
    sheet.field("By", [part(format!("{}, {age} ago", spec.created_by), Role::Text)]);
    let source = format!("{} {}", text::word(&spec.source_type), spec.source_ref);
    sheet.field("Source", [part(source, Role::Text)]).copy(&*spec.source_ref);
    sheet.field("Project", [part(spec.project.to_string(), Role::Text)]);
    let at = spec.reference.as_deref().map(|at| format!(" at {at}")).unwrap_or_default();
    let repository = spec.repository.to_string();
    sheet.field("Repository", [part(format!("{repository}{at}"), Role::Text)]).copy(repository);
    sheet.field("Agent", [part(spec.command.clone(), Role::Text)]).copy(&*spec.command);
    if spec.gates.is_empty() {
        sheet.field("Gates", [part("none, on purpose", Role::Dim)]);
    }
    for (at, gate) in spec.gates.iter().enumerate() {
        let name = if at == 0 { "Gates" } else { "" };
        sheet.field(name, [part(gate.run.clone(), Role::Text)]).copy(&*gate.run);
    }
    sheet.field("Priority", [part(spec.priority.to_string(), Role::Text)]);
    for (at, (name, value)) in spec.labels.iter().enumerate() {
        let title = if at == 0 { "Labels" } else { "" };
        sheet.field(title, [part(format!("{name}={value}"), Role::Text)]);
    }
    for id in &spec.depends_on {
        loop_link(sheet, world, "Depends on", id);
    }
    let id = detail.item.record.uid.to_string();
    sheet.field("Uid", [part(id.clone(), Role::Dim)]).copy(id);
    sheet.field("Revision", [part(detail.item.revision.to_string(), Role::Dim)]);
}
