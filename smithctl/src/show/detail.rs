//! One loop as somebody on call needs it: where it stands, why, what is done on what evidence, what next.

use jiff::Timestamp;
use smith_model::api::{LoopDetail, Why};
use smith_model::attempt::AttemptRecord;
use smith_model::handoff::Handoff;
use smith_model::state::StoryCounts;
use smith_model::story::{IterationRecord, StoriesRecord};

use super::journal::intervened;
use super::{Style, age, dollars, line, millis, short, time, word};
use crate::output::Table;

/// What is known of it.
#[derive(Clone, Debug)]
pub(crate) struct Detail {
    /// The loop.
    pub(crate) detail: LoopDetail,
    /// What it waits for.
    pub(crate) why: Option<Why>,
    /// Its stories, once a worker wrote them.
    pub(crate) stories: Option<StoriesRecord>,
    /// Its attempts.
    pub(crate) attempts: Vec<AttemptRecord>,
    /// Its iterations.
    pub(crate) iterations: Vec<IterationRecord>,
    /// What was last handed on.
    pub(crate) handoff: Option<Handoff>,
}

/// How much of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    /// What matters now.
    Short,
    /// Also how it was asked for, and everything that was tried.
    Long,
}

/// As a block of text.
pub(crate) fn detail(of: &Detail, depth: Depth, style: Style, now: Timestamp) -> String {
    let Detail {
        detail: LoopDetail { item, spec, current },
        why,
        stories,
        attempts: _,
        iterations,
        handoff,
    } = of;
    let record = &item.record;
    let mut out = Block::default();
    out.field("Loop", format!("{}  {}", record.loop_id, line(&spec.title)));
    let state = style.state(record.state);
    out.field("State", format!("{state} ({}), for {}", record.reason, age(record.updated_at, now)));
    out.field("Message", line(&record.message));
    if let Some(hold) = &record.hold {
        let (by, why) = (line(&hold.by), line(&hold.reason));
        out.field("Held", format!("by {by} for {}: {why}", age(hold.since, now)));
    }
    if let Some(why) = why.as_ref().filter(|_| !record.state.ended()) {
        out.field("Why", format!("{} ({})", line(&why.message), word(&why.code)));
        if let Some(until) = why.until {
            out.field("Until", time(until));
        }
    }
    out.field("Project", record.summary.project.to_string());
    let reference = spec.reference.as_deref().map(|r| format!(" at {r}")).unwrap_or_default();
    out.field("Repository", line(&format!("{}{reference}", spec.repository)));
    match (&record.branch, &record.commit) {
        (Some(branch), Some(commit)) => {
            out.field("Published", format!("{} at {}", line(branch), commit.as_str()));
        }
        _ => out.field("Branch", format!("{} (not published)", spec.branch())),
    }
    let most = spec.policy.attempts;
    let used = format!("{} of {most} used", record.used_attempts);
    let uncounted = match record.uncounted_attempts {
        0 => String::new(),
        n => format!(", {n} not counted"),
    };
    out.field("Attempts", format!("round {}, {used}{uncounted}", record.round));
    if let Some(end) = current.as_ref().and_then(|attempt| attempt.end.as_ref()) {
        // Without a class nothing failed: it finished the loop, or a person stopped it.
        let class = end.class.map(|class| format!("{class}: ")).unwrap_or_default();
        out.field("Last end", format!("{class}{}", line(&end.message)));
    }
    if let Some(progress) = item.progress.as_ref().filter(|_| !record.state.ended()) {
        let story =
            progress.story.as_deref().map(|s| format!(" on {}", line(s))).unwrap_or_default();
        let silent = if progress.suspect { ", silent for a while" } else { "" };
        let at =
            format!("{}, iteration {}{story}{silent}", word(&progress.phase), progress.iteration);
        out.field("Worker", at);
    }
    let usage = iterations
        .iter()
        .fold(Default::default(), |sum: smith_model::story::Usage, i| sum.plus(i.usage));
    if usage != Default::default() {
        out.field("Usage", format!("{} tokens, {}", usage.tokens(), dollars(usage.cost_microusd)));
    }
    if let Some(last) = iterations.last() {
        let took = millis(last.agent_millis);
        let what = format!("{} #{} on {}", last.no, last.iteration, line(&last.story));
        let red = last.gates.iter().find(|gate| !gate.green());
        let red = red
            .map(|gate| format!("; red: {} ({})", line(&gate.run), gate.exit))
            .unwrap_or_default();
        let message = line(&last.message);
        out.field(
            "Last iteration",
            format!("{what}: {} after {took}: {message}{red}", word(&last.outcome)),
        );
    }
    if let Some(next) = handoff.as_ref().map(|h| &h.draft.next_step).filter(|next| !next.is_empty())
    {
        out.field("Next step", line(next));
    }
    if let Some(handoff) = handoff.as_ref().filter(|h| !h.draft.interventions.is_empty()) {
        let all: Vec<String> = handoff.draft.interventions.iter().flat_map(intervened).collect();
        out.section("What people did at its terminals:", &all.join("\n"));
    }
    if let Some(stories) = stories {
        let StoryCounts { done, total } = stories.counts();
        let mut table = Table::new(&["STORY", "STATUS", "EVIDENCE", "TRIES", "TITLE"]);
        for story in &stories.stories {
            let certificate = story.certificate.as_ref();
            let commit = certificate.and_then(|c| c.commit.as_ref()).map(|c| short(c.as_str()));
            let evidence = match (story.done_as, commit) {
                (Some(done_as), Some(commit)) => format!("{} {commit}", word(&done_as)),
                (Some(done_as), None) => word(&done_as),
                (None, _) => String::new(),
            };
            let (status, tries) = (word(&story.status), story.tries.to_string());
            table.row([&story.id, &status, &evidence, &tries, &story.title]);
        }
        out.section(
            &format!("Stories ({done} of {total} done, from {}):", word(&stories.source)),
            &table.text(),
        );
    }
    if depth == Depth::Long {
        long(&mut out, of);
    }
    out.0
}

fn long(out: &mut Block, of: &Detail) {
    let Detail { detail: LoopDetail { item, spec, .. }, attempts, iterations, .. } = of;
    let mut table = Table::new(&["ATTEMPT", "ADMITTED", "CLAIMED", "END", "COUNTED", "MESSAGE"]);
    for attempt in attempts {
        let end = attempt.end.as_ref();
        let class = end.map(|e| e.class.map_or("ended".into(), |class| class.to_string()));
        table.row([
            attempt.no.to_string(),
            time(attempt.admitted_at),
            attempt.claimed_at.map(time).unwrap_or_default(),
            class.unwrap_or_else(|| "running".into()),
            end.and_then(|e| e.counted).map(|counted| word(&counted)).unwrap_or_default(),
            end.map(|e| e.message.clone()).unwrap_or_default(),
        ]);
    }
    if !attempts.is_empty() {
        out.section("Attempts:", &table.text());
    }
    let mut table =
        Table::new(&["ITERATION", "STORY", "OUTCOME", "AGENT", "GATES", "CHANGE", "COMMIT"]);
    for iteration in iterations {
        let green = iteration.gates.iter().filter(|gate| gate.green()).count();
        let stat = iteration.stat;
        table.row([
            format!("{} #{}", iteration.no, iteration.iteration),
            iteration.story.clone(),
            word(&iteration.outcome),
            millis(iteration.agent_millis),
            format!("{green}/{}", iteration.gates.len()),
            format!("{} files +{} -{}", stat.files, stat.insertions, stat.deletions),
            iteration.commit.as_ref().map(|c| short(c.as_str()).to_owned()).unwrap_or_default(),
        ]);
    }
    if !iterations.is_empty() {
        out.section("Iterations:", &table.text());
    }
    out.0.push('\n');
    out.field("Asked", format!("by {} at {}", line(&spec.created_by), time(spec.created_at)));
    out.field("Source", format!("{} {}", word(&spec.source_type), line(&spec.source_ref)));
    out.field("Agent", line(&spec.command));
    let gates: Vec<_> = spec.gates.iter().map(|gate| line(&gate.run)).collect();
    out.field("Gates", if gates.is_empty() { "none".into() } else { gates.join("; ") });
    let p = &spec.policy;
    out.field(
        "Limits",
        format!(
            "{} iterations, {} tries a story, agent {}, gate {}, attempt {}, stalled after {}",
            p.iterations,
            p.story_tries,
            p.agent_timeout,
            p.gate_timeout,
            p.attempt_timeout,
            p.stall_after
        ),
    );
    out.field("Priority", spec.priority.to_string());
    if !spec.depends_on.is_empty() {
        let ids: Vec<_> = spec.depends_on.iter().map(ToString::to_string).collect();
        out.field("Depends on", ids.join(", "));
    }
    if !spec.labels.is_empty() {
        let labels: Vec<_> = spec.labels.iter().map(|(k, v)| line(&format!("{k}={v}"))).collect();
        out.field("Labels", labels.join(", "));
    }
    out.field("Uid", item.record.uid.to_string());
    out.field("Revision", item.revision.to_string());
}

#[derive(Default)]
struct Block(String);

impl Block {
    /// Both texts are printable already.
    fn field(&mut self, name: &str, value: String) {
        self.0.push_str(&format!("{:<16}{value}\n", format!("{name}:")));
    }

    fn section(&mut self, title: &str, text: &str) {
        self.0.push_str(&format!("\n{title}\n"));
        for line in text.lines() {
            self.0.push_str(&format!("  {line}\n"));
        }
    }
}
