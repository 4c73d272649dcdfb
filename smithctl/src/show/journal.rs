//! Journal entries as log lines.

use smith_model::journal::{Entry, Level, Payload, Phase};
use smith_model::printable::{Lines, printable};

use smith_model::terminal::{Intervention, Recording};

use super::{Style, line, millis, time};

/// Which entries are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LogFilter {
    /// Of this level and above.
    pub(crate) level: Option<Level>,
    /// Of these phases; none named: of all.
    pub(crate) phases: Vec<Phase>,
}

impl LogFilter {
    /// Is it shown?
    pub(crate) fn takes(&self, entry: &Entry) -> bool {
        let Self { level, phases } = self;
        level.is_none_or(|level| entry.draft.level >= level)
            && (phases.is_empty() || phases.contains(&entry.draft.phase))
    }
}

/// An entry: a line, and the excerpt that it holds below it. `whose` is the loop, where there are several.
pub(crate) fn entry(entry: &Entry, whose: Option<&str>, style: Style) -> String {
    let draft = &entry.draft;
    let whose = whose.map(|id| format!("{id}  ")).unwrap_or_default();
    let message = line(&draft.message);
    let message = match draft.level {
        Level::Error => style.bad(&format!("error: {message}")),
        Level::Warn => format!("warn: {message}"),
        Level::Output => style.dim(&message),
        Level::Info => message,
    };
    let mut text = format!("{whose}{}  {:<10}  {message}", time(entry.at), draft.phase.as_str());
    match &draft.payload {
        Some(Payload::Output { text: excerpt, omitted, artifact, .. }) => {
            if *omitted > 0 {
                text.push_str(&format!("\n    ({omitted} bytes left out)"));
            }
            indent(&mut text, excerpt);
            if let Some(artifact) = artifact {
                text.push_str(&format!("\n    (all of it: artifact {})", artifact.digest));
            }
        }
        Some(Payload::WorkerEnded { tail, .. }) => {
            for excerpt in tail {
                indent(&mut text, excerpt);
            }
        }
        Some(Payload::Intervention(intervention)) => {
            for said in intervened(intervention) {
                text.push_str(&format!("\n    {said}"));
            }
        }
        Some(Payload::Recording(Recording { segment, millis: n, artifact, .. })) => {
            let (length, digest) = (millis(*n), &artifact.digest);
            text.push_str(&format!("\n    (part {segment}, {length}: artifact {digest})"));
        }
        _ => {}
    }
    text
}

/// What somebody did at a terminal, a line each.
pub(super) fn intervened(intervention: &Intervention) -> Vec<String> {
    let Intervention { by, session, from, until, typed, hidden, note, stat, diff } = intervention;
    let length = until.duration_since(*from).as_millis();
    let length = millis(u64::try_from(length).unwrap_or_default());
    let mut lines = vec![format!("{} at the {session}'s terminal, for {length}", line(by))];
    lines.extend(typed.iter().map(|typed| format!("> {}", line(typed))));
    if *hidden {
        lines.push("(and what the terminal didn't show)".into());
    }
    lines.extend(note.iter().map(|note| format!("note: {}", line(note))));
    if stat.files > 0 {
        let (files, more, less) = (stat.files, stat.insertions, stat.deletions);
        let diff = diff.as_ref().map(|diff| format!(": artifact {}", diff.digest));
        let diff = diff.unwrap_or_default();
        lines.push(format!("changed meanwhile: {files} files +{more} -{less}{diff}"));
    }
    lines
}

fn indent(text: &mut String, excerpt: &str) {
    // A terminal takes a carriage return before a line end for nothing.
    let excerpt = excerpt.replace("\r\n", "\n");
    for line in printable(&excerpt, Lines::Many).lines() {
        text.push_str("\n    ");
        text.push_str(line);
    }
}

/// The excerpt that an entry holds, alone.
pub(crate) fn excerpt(entry: &Entry) -> Option<String> {
    match &entry.draft.payload {
        Some(Payload::Output { text, .. }) => {
            let text = text.replace("\r\n", "\n");
            Some(printable(&text, Lines::Many).into_owned())
        }
        _ => None,
    }
}
