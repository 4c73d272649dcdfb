//! Loops in a list.

use jiff::Timestamp;
use smith_model::api::LoopItem;

use super::{Style, age, in_colour, short, word};
use crate::output::{Format, Table};

/// The columns.
pub(crate) fn headers(format: &Format) -> Vec<&'static str> {
    let mut headers = vec!["ID", "STATE", "REASON", "STORIES", "ATTEMPT", "AGE"];
    if *format == Format::Wide {
        headers.extend([
            "PROJECT",
            "PHASE",
            "ITERATION",
            "PRIORITY",
            "COMMIT",
            "UPDATED",
            "REPOSITORY",
        ]);
    }
    headers.push("TITLE");
    headers
}

/// One loop's cells.
pub(crate) fn row(item: &LoopItem, format: &Format, now: Timestamp) -> Vec<String> {
    let LoopItem { record, revision: _, progress, claimed: _ } = item;
    let running = progress.as_ref().filter(|p| p.stories_total > 0);
    let running = running.map(|p| (p.stories_done, p.stories_total));
    let stories = running.or(record.stories.map(|s| (s.done, s.total)));
    let state = match &record.hold {
        Some(_) => format!("{} (held)", record.state),
        None => record.state.to_string(),
    };
    let suspect = progress.as_ref().is_some_and(|p| p.suspect) && !record.state.ended();
    let mut cells = vec![
        record.loop_id.to_string(),
        state,
        record.reason.to_string(),
        stories.map(|(done, total)| format!("{done}/{total}")).unwrap_or_default(),
        record.current_attempt().map(|no| no.to_string()).unwrap_or_default(),
        age(record.created_at, now),
    ];
    if *format == Format::Wide {
        let running = progress.as_ref().filter(|_| !record.state.ended());
        cells.extend([
            record.summary.project.to_string(),
            running.map(|p| word(&p.phase)).unwrap_or_default(),
            running.map(|p| p.iteration.to_string()).unwrap_or_default(),
            record.summary.priority.to_string(),
            record.commit.as_ref().map(|c| short(c.as_str()).to_owned()).unwrap_or_default(),
            age(record.updated_at, now),
            record.summary.repository.clone(),
        ]);
    }
    let title = &record.summary.title;
    cells.push(if suspect { format!("(silent) {title}") } else { title.clone() });
    cells
}

/// A list.
pub(crate) fn table(items: &[LoopItem], format: &Format, style: Style, now: Timestamp) -> String {
    if items.is_empty() {
        return String::new();
    }
    let mut table = Table::new(&headers(format));
    for item in items {
        table.row(row(item, format, now));
    }
    let text = table.text();
    let mut lines = text.lines();
    let mut out: Vec<String> = lines.next().map(str::to_owned).into_iter().collect();
    out.extend(lines.zip(items).map(|(line, item)| paint(line, item, style)));
    out.join("\n")
}

/// A row with its state in colour.
pub(crate) fn paint(line: &str, item: &LoopItem, style: Style) -> String {
    let (id, state) = (item.record.loop_id.as_str(), item.record.state);
    in_colour(line, id, state.as_str(), &style.state(state))
}
