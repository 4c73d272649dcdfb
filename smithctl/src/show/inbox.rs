//! Items of the inbox in a list.

use jiff::Timestamp;
use smith_model::inbox::{Item, Mark};

use super::{Style, age, in_colour, time};
use crate::output::{Format, Table};

/// The columns.
pub(crate) fn headers(format: &Format) -> Vec<&'static str> {
    let mut headers = vec!["ID", "SEVERITY", "KIND", "AGE", "MARK"];
    if *format == Format::Wide {
        headers.extend(["PROJECT", "OCCURRENCE", "NOTE", "TITLE", "NEXT"]);
    }
    headers.push("MESSAGE");
    headers
}

/// One item's cells.
pub(crate) fn row(item: &Item, format: &Format, now: Timestamp) -> Vec<String> {
    let mut cells = vec![
        item.loop_id.to_string(),
        item.severity.to_string(),
        item.kind.to_string(),
        age(item.since, now),
        item.mark.as_ref().map(|mark| marked(mark, now)).unwrap_or_default(),
    ];
    if *format == Format::Wide {
        cells.extend([
            item.project.to_string(),
            item.occurrence.to_string(),
            item.mark.as_ref().and_then(|mark| mark.note.clone()).unwrap_or_default(),
            item.title.clone(),
            item.next.clone(),
        ]);
    }
    cells.push(item.message.clone());
    cells
}

/// What is marked, in a few words.
pub(crate) fn marked(mark: &Mark, now: Timestamp) -> String {
    let claimed = mark.claimed_by.as_ref().map(|by| format!("claimed by {by}"));
    let acknowledged = mark.acknowledged_by.as_ref().map(|by| format!("acknowledged by {by}"));
    let asleep = mark.snoozed_until.filter(|_| mark.snoozes(now));
    let snoozed = asleep.map(|until| format!("snoozed until {}", time(until)));
    [claimed, acknowledged, snoozed].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// A list.
pub(crate) fn table(items: &[Item], format: &Format, style: Style, now: Timestamp) -> String {
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

/// A row with its severity in colour.
pub(crate) fn paint(line: &str, item: &Item, style: Style) -> String {
    let word = item.severity.as_str();
    in_colour(line, item.loop_id.as_str(), word, &style.severity(item.severity))
}
