//! Entries as text for the clipboard, for files, and to be read as a whole. Pure.

use std::fmt::Write as _;

use smith_model::id::LoopId;
use smith_model::journal::Entry;
use smith_model::printable::{Lines, printable};

use super::{Clock, entry};
use crate::look::Role;
use crate::pager::Sheet;
use crate::text;

/// As what entries are written to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Lines for people.
    Text,
    /// A line of JSON for each.
    JsonLines,
}

impl Form {
    /// What a file's name asks for; nothing, if it asks for neither.
    pub(super) fn of_name(name: &str) -> Option<Self> {
        if name.ends_with(".jsonl") || name.ends_with(".json") {
            Some(Self::JsonLines)
        } else if name.ends_with(".txt") || name.ends_with(".log") {
            Some(Self::Text)
        } else {
            None
        }
    }

    /// An entry; its loop is named where there are several.
    pub fn of(self, whose: Option<&LoopId>, entry: &Entry) -> String {
        match self {
            Self::Text => text_of(whose, entry),
            Self::JsonLines => {
                let mut value = serde_json::json!(entry);
                if let (Some(id), Some(object)) = (whose, value.as_object_mut()) {
                    object.insert("loop_id".to_owned(), id.as_str().into());
                }
                format!("{value}\n")
            }
        }
    }
}

fn text_of(whose: Option<&LoopId>, entry: &Entry) -> String {
    let draft = &entry.draft;
    let whose = whose.map(|id| format!("{id}  ")).unwrap_or_default();
    let time = entry::time(Clock::Date, entry.at, entry.at);
    let attempt = entry.attempt.map(|no| no.to_string()).unwrap_or_default();
    let (phase, level) = (draft.phase.as_str(), draft.level);
    let message = text::clean(&draft.message);
    let mut out = format!("{whose}{time}  {attempt:<6}  {phase:<10}  {level:<6}  {message}\n");
    for (detail, _) in entry::all_details(entry) {
        out.push_str("    ");
        out.push_str(&printable(detail.trim_end_matches('\r'), Lines::Many));
        out.push('\n');
    }
    out
}

/// Everything that there is to an entry.
pub(super) fn sheet(whose: &LoopId, entry: &Entry) -> Sheet {
    let title = format!("{whose}: entry {}", entry.seq);
    let mut sheet = Sheet::new(title, format!("{whose}-{}", entry.seq));
    let draft = &entry.draft;
    let mut head = String::new();
    let attempt = entry.attempt.map_or("none".to_owned(), |no| no.to_string());
    let kind = serde_json::json!(entry.actor.kind);
    let kind = kind.as_str().unwrap_or_default();
    let fields: [(&str, &str); 6] = [
        ("time", &entry::time(Clock::Date, entry.at, entry.at)),
        ("attempt", &attempt),
        ("phase", draft.phase.as_str()),
        ("level", &draft.level.to_string()),
        ("by", &format!("{kind} {}", entry.actor.id)),
        ("hash", &entry.hash),
    ];
    for (name, value) in fields {
        // A String takes every write.
        let _ = writeln!(head, "{name:<8} {value}");
    }
    sheet.push(&head, Role::Dim);
    sheet.push(&draft.message, entry::role_of(draft.level));
    sheet.push("", Role::Text);
    let details = entry::all_details(entry);
    if !details.is_empty() {
        for (line, role) in details {
            sheet.push(&line, role);
        }
        sheet.push("", Role::Text);
    }
    sheet.push("As JSON:", Role::Title);
    let json = serde_json::to_string_pretty(entry);
    sheet.push(&json.unwrap_or_else(|error| error.to_string()), Role::Text);
    sheet
}
