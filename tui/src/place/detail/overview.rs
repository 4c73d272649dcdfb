//! The overview: where a loop stands and why, its stories with their evidence, its attempts; what it has used, and of
//! what. Pure.

mod facts;

use smith_model::api::WhyCode;
use smith_model::attempt::AttemptRecord;
use smith_model::failure::Counted;
use smith_model::id::LoopId;
use smith_model::story::{StoriesRecord, StoryRecord, StoryStatus};

use super::DetailAction;
use super::sheet::{Part, Sheet, part};
use crate::action::{Action, Destination};
use crate::fetch::{Failure, Topic};
use crate::fleet::Row;
use crate::look::Role;
use crate::text;
use crate::world::{Known, World};

pub(super) use facts::facts;

/// What it is made of.
pub(super) const TOPICS: [Topic; 6] =
    [Topic::Detail, Topic::Why, Topic::Attempts, Topic::Stories, Topic::Iterations, Topic::Cost];

/// Where it stands: the left column.
pub(super) fn standing(world: &World, row: Option<&Row>, known: Option<&Known>) -> Sheet {
    let mut sheet = Sheet::default();
    let Some(known) = known else {
        sheet.text(2, "asking …", Role::Dim);
        return sheet;
    };
    let all: [(&str, Option<&Failure>); 6] = [
        ("the loop", known.detail.failure()),
        ("why it waits", known.why.failure()),
        ("the attempts", known.attempts.failure()),
        ("the stories", known.stories.failure()),
        ("the iterations", known.iterations.failure()),
        ("the cost", known.cost.failure()),
    ];
    failures(&mut sheet, &all);
    sheet.heading("Now");
    if let Some(row) = row {
        now(&mut sheet, world, row);
    }
    why(&mut sheet, world, known);
    let end = known.attempts.value().and_then(|all| all.last()?.end.as_ref());
    // What stands there already isn't told twice.
    let is_new = |message: &str| row.is_none_or(|row| !row.message.starts_with(message));
    if let Some(end) = end.filter(|end| is_new(&end.message)) {
        let class = end.class.map(|class| format!("{class}: ")).unwrap_or_default();
        let role = if end.class.is_some() { Role::Warning } else { Role::Text };
        sheet.field("Last end", [part(class, role), part(end.message.clone(), Role::Text)]);
    }
    match known.stories.value() {
        Some(Some(record)) => stories(&mut sheet, record),
        Some(None) => {
            sheet.heading("Stories");
            sheet.text(2, "none yet: a worker finds them when it starts", Role::Dim);
        }
        None => {
            sheet.heading("Stories");
            sheet.text(2, "…", Role::Dim);
        }
    }
    sheet.heading("Attempts");
    match known.attempts.value().map(Vec::as_slice) {
        Some([]) => sheet.text(2, "none yet", Role::Dim),
        // The newest matters most.
        Some(attempts) => {
            for attempt in attempts.iter().rev() {
                self::attempt(&mut sheet, world, attempt);
            }
        }
        None => sheet.text(2, "…", Role::Dim),
    }
    sheet
}

/// There is no such loop.
pub(super) fn absent(id: &LoopId) -> Sheet {
    let mut sheet = Sheet::default();
    sheet.text(2, &format!("! there is no loop {id}"), Role::Bad);
    sheet.text(
        2,
        "  its id may be another one, or it was deleted, or it isn't for you to see",
        Role::Dim,
    );
    let go = Action::Go(Destination::Fleet);
    sheet.item([], [part("all loops", Role::Text)]).link(go);
    sheet
}

/// What couldn't be asked, each reason once.
pub(super) fn failures(sheet: &mut Sheet, all: &[(&str, Option<&Failure>)]) {
    let mut whys: Vec<&Failure> = all.iter().filter_map(|(_, failure)| *failure).collect();
    whys.dedup();
    for failure in whys {
        let failed = all.iter().filter(|(_, other)| *other == Some(failure));
        let what: Vec<&str> = failed.map(|(what, _)| *what).collect();
        let text = format!("! can't ask for {}: {}", what.join(", "), failure.why);
        sheet.text(2, &text, Role::Bad);
        if !failure.is_absent {
            let text = "  what is shown may be old; it is tried again, `refresh` tries now";
            sheet.text(2, text, Role::Dim);
        }
    }
}

fn now(sheet: &mut Sheet, world: &World, row: &Row) {
    let look = world.look;
    let age = text::age(world.now.duration_since(row.updated_at));
    sheet.field(
        "State",
        [
            part(format!("{} {}", look.sign_of(row.state), row.state), look.role_of(row.state)),
            part(format!(" ({}) for {age}", row.reason), Role::Text),
        ],
    );
    sheet.field("Message", [part(row.message.to_string(), Role::Text)]);
    if let Some(hold) = &row.hold {
        let since = text::age(world.now.duration_since(hold.since));
        let text = format!("by {} for {since}: {}", hold.by, hold.reason);
        sheet.field("Held", [part(text, Role::Warning)]);
    }
    if let Some(phase) = row.phase {
        let story = row.story.as_deref().map(|story| format!(" on {story}")).unwrap_or_default();
        let mut parts = vec![part(text::word(&phase), Role::Active)];
        if row.iteration > 0 {
            parts.push(part(format!(", iteration {}{story}", row.iteration), Role::Text));
        }
        if row.suspect {
            parts.push(part(", silent for a while", Role::Warning));
        }
        sheet.field("Worker", parts);
    }
}

fn why(sheet: &mut Sheet, world: &World, known: &Known) {
    let Some(why) = known.why.value() else { return };
    if matches!(why.code, WhyCode::Running | WhyCode::Ended) {
        return;
    }
    let code = format!(" ({})", text::word(&why.code));
    sheet.field("Why not", [part(why.message.clone(), Role::Text), part(code, Role::Dim)]);
    if let Some(until) = why.until {
        let left = until.duration_since(world.now);
        let text = if left.is_positive() {
            format!("in {}", text::age(left))
        } else {
            "any moment now".to_owned()
        };
        sheet.field("Goes on", [part(text, Role::Waiting)]);
    }
    for id in &why.waits_for {
        loop_link(sheet, world, "Waits for", id);
    }
}

/// Another loop with its state, to be opened.
fn loop_link(sheet: &mut Sheet, world: &World, name: &'static str, id: &LoopId) {
    let mut parts = vec![part(id.to_string(), Role::Text)];
    match world.fleet.get(id) {
        Some(other) => {
            let sign = world.look.sign_of(other.state);
            parts.push(part(format!(" {sign} {}", other.state), world.look.role_of(other.state)));
        }
        None => parts.push(part(" (not in the fleet)", Role::Dim)),
    }
    let go = Action::Go(Destination::Loop(id.clone()));
    sheet.field(name, parts).link(go).copy(id.to_string());
}

fn stories(sheet: &mut Sheet, record: &StoriesRecord) {
    let counts = record.counts();
    let source = text::word(&record.source);
    sheet.heading(format!("Stories: {} of {} done, from {source}", counts.done, counts.total));
    for story in &record.stories {
        self::story(sheet, story);
    }
}

fn story(sheet: &mut Sheet, story: &StoryRecord) {
    let (sign, role) = match story.status {
        StoryStatus::Open => ("o", Role::Waiting),
        StoryStatus::InProgress => (">", Role::Active),
        StoryStatus::Done => ("+", Role::Good),
        StoryStatus::Exhausted => ("x", Role::Bad),
    };
    let status = text::word(&story.status);
    let head = [part(format!("{sign} {:<8} {status:<11} ", story.id), role)];
    let mut body = vec![part(story.title.clone(), Role::Text)];
    if let Some(done_as) = story.done_as {
        body.push(part(format!("  {}", text::word(&done_as)), Role::Good));
    }
    let certificate = story.certificate.as_ref();
    if let Some(certificate) = certificate {
        let commit = certificate.commit.as_ref().map_or_else(
            || format!("tree {}", text::short(certificate.tree.as_str())),
            |commit| text::short(commit.as_str()).to_owned(),
        );
        let at = format!(" {commit} by {} #{}", certificate.no, certificate.iteration);
        body.push(part(at, Role::Dim));
    }
    let tries = text::count(story.tries.into(), "try");
    body.push(part(format!("  {tries}"), Role::Dim));
    if !story.depends_on.is_empty() && story.status != StoryStatus::Done {
        body.push(part(format!("  after {}", story.depends_on.join(", ")), Role::Dim));
    }
    let row = sheet.item(head, body);
    if let Some(certificate) = certificate {
        let commit = certificate.commit.as_ref().map(|commit| commit.as_str());
        row.copy(commit.unwrap_or(certificate.tree.as_str()));
        row.link(Action::Detail(DetailAction::Iteration {
            no: certificate.no,
            iteration: certificate.iteration,
        }));
    } else {
        row.copy(&*story.id);
    }
}

fn attempt(sheet: &mut Sheet, world: &World, attempt: &AttemptRecord) {
    let end = attempt.end.as_ref();
    let from = attempt.claimed_at.unwrap_or(attempt.admitted_at);
    let took = text::between(from, end.map_or(world.now, |end| end.at));
    let (what, role): (String, Role) = match end {
        None if attempt.claimed_at.is_none() => ("starting".into(), Role::Waiting),
        None => ("running".into(), Role::Active),
        Some(end) => match end.class {
            Some(class) => (class.to_string(), Role::Warning),
            None => ("ended".into(), Role::Text),
        },
    };
    let mut body: Vec<Part> = vec![part(what, role), part(format!("  {took}"), Role::Text)];
    if let Some(end) = end {
        if let Some(counted) = end.counted {
            let counted = match counted {
                Counted::Yes => "  counted",
                Counted::No => "  not counted",
            };
            body.push(part(counted, Role::Dim));
        }
        if let Some(exit) = end.exit {
            body.push(part(format!("  {exit}"), Role::Dim));
        }
    }
    body.push(part(format!("  {}", attempt.worker), Role::Dim));
    let head = [part(format!("{:<7} ", attempt.no.to_string()), Role::Text)];
    let link = Action::Detail(DetailAction::Iteration { no: attempt.no, iteration: 1 });
    sheet.item(head, body).link(link).copy(&*attempt.worker);
    if let Some(end) = end {
        sheet.text(10, &end.message, Role::Dim);
    }
}
