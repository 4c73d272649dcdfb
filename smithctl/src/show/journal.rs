//! Journal entries as log lines.

use smith_model::journal::{Entry, Level, Payload, Phase};
use smith_model::printable::{Lines, printable};

use super::{Style, line, time};

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
        _ => {}
    }
    text
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
