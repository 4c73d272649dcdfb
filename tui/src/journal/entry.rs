//! An entry as lines: when, where, how bad and what; and below it what it brings along. Pure.

use std::borrow::Cow;
use std::ops::Range;

use jiff::Timestamp;
use smith_model::id::LoopId;
use smith_model::journal::{ActorKind, Entry, Level, Payload};
use smith_model::terminal::{Intervention, Recording};

use super::Clock;
use crate::look::Role;
use crate::pager::Line;
use crate::text;

/// More lines than this below an entry are folded.
pub(super) const FOLD: usize = 10;
/// Of those the first so many are shown,
const HEAD: usize = 3;
/// and the last so many, since an error stands at the end.
const TAIL: usize = 5;

/// How entries are written as lines.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    pub(super) clock: Clock,
    pub(super) now: Timestamp,
    pub(super) columns: usize,
    /// Names of loops stand before entries.
    pub(super) whose: Whose,
}

/// Whether the loop is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// It is one only.
    One,
    /// In a colour of its own.
    Several,
}

/// What stands below an entry, each a line.
pub(super) type Details<'a> = Vec<(Cow<'a, str>, Role)>;

/// Which of an entry's lines one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Its own.
    Head,
    /// One of the lines below.
    Detail(usize),
    /// What stands for so many lines that are folded.
    Folded(usize),
}

/// How many lines an entry takes with so many below it.
pub(super) fn parts(details: usize, is_unfolded: bool) -> usize {
    if is_unfolded || details <= FOLD { 1 + details } else { 1 + HEAD + 1 + TAIL }
}

/// Which of them a line is, counted from 0.
pub(super) fn part(at: usize, details: usize, is_unfolded: bool) -> Part {
    match at.checked_sub(1) {
        None => Part::Head,
        Some(at) if is_unfolded || details <= FOLD || at < HEAD => Part::Detail(at),
        Some(HEAD) => Part::Folded(details - HEAD - TAIL),
        Some(at) => Part::Detail(details - (HEAD + 1 + TAIL) + at),
    }
}

/// Which of the lines below an entry are folded.
pub(super) fn folded(details: usize) -> Range<usize> {
    HEAD..details.saturating_sub(TAIL).max(HEAD)
}

/// The texts of an entry that words are looked for in.
pub(super) fn texts(entry: &Entry) -> impl Iterator<Item = &str> {
    let output = match &entry.draft.payload {
        Some(Payload::Output { text, .. }) => std::slice::from_ref(text),
        Some(Payload::WorkerEnded { tail, .. }) => tail.as_slice(),
        Some(Payload::Intervention(intervention)) => intervention.typed.as_slice(),
        _ => &[],
    };
    let own = [entry.draft.message.as_str(), entry.actor.id.as_str(), entry.draft.phase.as_str()];
    own.into_iter().chain(output.iter().map(String::as_str))
}

/// A time, as the clock writes it.
pub(super) fn time(clock: Clock, now: Timestamp, at: Timestamp) -> String {
    match clock {
        Clock::Day => text::clock(at),
        Clock::Date => at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        Clock::Ago => format!("{:>4}", text::age(now.duration_since(at))),
    }
}

/// The entry's own line.
pub(super) fn head(style: Style, whose: &LoopId, role: Role, entry: &Entry, line: &mut Line) {
    let mut at = 0;
    let mut column = |line: &mut Line, text: &str, width: usize, role| {
        let fits = text::cut(text, width, "~");
        line.push(&fits, role);
        at += width + 1;
        line.pad(at);
    };
    let is_wide = style.columns >= 72;
    let level = entry.draft.level;
    column(line, &time(style.clock, style.now, entry.at), style.clock.width(), Role::Dim);
    if style.whose == Whose::Several {
        column(line, whose.as_str(), if is_wide { 16 } else { 10 }, role);
    }
    if is_wide {
        let attempt = entry.attempt.map(|no| no.to_string()).unwrap_or_default();
        let place = match iteration(entry) {
            Some(iteration) => format!("{attempt} i{iteration}"),
            None => attempt,
        };
        column(line, &place, 8, Role::Dim);
    }
    if style.columns >= 50 {
        column(line, entry.draft.phase.as_str(), 10, Role::Title);
    }
    if style.columns >= 110 {
        column(line, &actor(entry), 14, Role::Dim);
    }
    if is_wide {
        column(line, &format!("{} {level}", sign(level)), 8, role_of(level));
    } else {
        column(line, sign(level), 1, role_of(level));
    }
    line.begin_body();
    if !is_wide && level >= Level::Warn {
        line.push(&format!("{level}: "), role_of(level));
    }
    match one_line(entry) {
        Some(text) => line.push(text, Role::Text),
        None if level == Level::Info => line.push(&entry.draft.message, Role::Text),
        None => line.push(&entry.draft.message, role_of(level)),
    }
}

/// A line below an entry.
pub(super) fn below(style: Style, part: Part, details: &Details<'_>, line: &mut Line) {
    let indent = if style.columns >= 50 { style.clock.width() + 1 } else { 1 };
    line.pad(indent);
    line.push("│ ", Role::Border);
    line.begin_body();
    match part {
        Part::Head => {}
        Part::Detail(at) => {
            if let Some((text, role)) = details.get(at) {
                line.push(text, *role);
            }
        }
        Part::Folded(count) => line.push(&format!("… {count} more lines (z)"), Role::Key),
    }
}

/// The whole of an output that is one line: it stands in place of the message, which says only that it is output.
fn one_line(entry: &Entry) -> Option<&str> {
    match &entry.draft.payload {
        Some(Payload::Output { text, omitted: 0, artifact: None, .. }) => {
            let mut lines = text.lines();
            lines.next().filter(|_| lines.next().is_none())
        }
        _ => None,
    }
}

/// How many lines stand below an entry.
pub(super) fn count(entry: &Entry) -> usize {
    if one_line(entry).is_some() {
        return 0;
    }
    match &entry.draft.payload {
        // All that journals have many of: counted without being made.
        Some(Payload::Output { text, omitted, artifact, .. }) => {
            usize::from(*omitted > 0) + text.lines().count() + usize::from(artifact.is_some())
        }
        _ => details(entry).len(),
    }
}

/// What stands below an entry.
pub(super) fn details(entry: &Entry) -> Details<'_> {
    if one_line(entry).is_some() { vec![] } else { all_details(entry) }
}

/// What an entry brings along beside its message, each a line.
pub(super) fn all_details(entry: &Entry) -> Details<'_> {
    let mut lines: Details<'_> = vec![];
    match &entry.draft.payload {
        Some(Payload::Output { text, omitted, artifact, .. }) => {
            if *omitted > 0 {
                lines.push((format!("({omitted} bytes left out)").into(), Role::Warning));
            }
            lines.extend(text.lines().map(|line| (line.into(), Role::Text)));
            if let Some(artifact) = artifact {
                let whole = format!("(all of it: artifact {})", artifact.digest);
                lines.push((whole.into(), Role::Dim));
            }
        }
        Some(Payload::WorkerEnded { tail, .. }) => {
            let tail = tail.iter().flat_map(|text| text.lines());
            lines.extend(tail.map(|line| (line.into(), Role::Text)));
        }
        Some(Payload::Intervention(intervention)) => intervened(intervention, &mut lines),
        Some(Payload::Recording(Recording { segment, artifact, .. })) => {
            let part = format!("(part {segment}: artifact {})", artifact.digest);
            lines.push((part.into(), Role::Dim));
        }
        Some(Payload::Prepared { branch, old, new }) => {
            let old = old.as_ref().map_or("nothing".to_owned(), ToString::to_string);
            lines.push((format!("{branch}: {old} → {new}").into(), Role::Dim));
        }
        Some(
            Payload::Transition { .. }
            | Payload::Act { .. }
            | Payload::Claimed { .. }
            | Payload::Base { .. }
            | Payload::Stories { .. }
            | Payload::IterationStarted { .. }
            | Payload::Gate { .. }
            | Payload::IterationEnded { .. }
            | Payload::StoryDone { .. }
            | Payload::Pushed { .. }
            | Payload::Handoff
            | Payload::ProcessesGone,
        )
        // Their messages say it all.
        | None => {}
    }
    lines
}

/// What somebody did at a terminal.
fn intervened<'a>(intervention: &'a Intervention, lines: &mut Details<'a>) {
    let Intervention { by, session, from, until, typed, hidden, note, stat, diff } = intervention;
    let session = session.as_str();
    let length = text::age(until.duration_since(*from));
    lines.push((format!("{by} at the {session}'s terminal, for {length}").into(), Role::Text));
    lines.extend(typed.iter().map(|typed| (format!("> {typed}").into(), Role::Text)));
    if *hidden {
        lines.push(("(and what the terminal didn't show)".into(), Role::Dim));
    }
    lines.extend(note.iter().map(|note| (format!("note: {note}").into(), Role::Text)));
    if stat.files > 0 {
        let (files, more, less) = (stat.files, stat.insertions, stat.deletions);
        let diff = diff.as_ref().map(|diff| format!(": artifact {}", diff.digest));
        let diff = diff.unwrap_or_default();
        let changed = format!("changed meanwhile: {files} files +{more} -{less}{diff}");
        lines.push((changed.into(), Role::Text));
    }
}

/// The iteration that an entry is about.
fn iteration(entry: &Entry) -> Option<u32> {
    match entry.draft.payload.as_ref()? {
        Payload::IterationStarted { iteration, .. }
        | Payload::Output { iteration, .. }
        | Payload::Gate { iteration, .. }
        | Payload::IterationEnded { iteration, .. } => Some(*iteration),
        Payload::Recording(recording) => Some(recording.iteration).filter(|n| *n > 0),
        _ => None,
    }
}

/// Who wrote it. A worker's name says no more than its attempt does.
fn actor(entry: &Entry) -> String {
    match entry.actor.kind {
        ActorKind::Operator => entry.actor.id.clone(),
        ActorKind::Api => "api".to_owned(),
        ActorKind::Core => "core".to_owned(),
        ActorKind::Worker => "worker".to_owned(),
    }
}

pub(super) fn sign(level: Level) -> &'static str {
    match level {
        Level::Output => "|",
        Level::Info => " ",
        Level::Warn => "!",
        Level::Error => "x",
    }
}

pub(super) fn role_of(level: Level) -> Role {
    match level {
        Level::Output => Role::Dim,
        Level::Info => Role::Text,
        Level::Warn => Role::Warning,
        Level::Error => Role::Bad,
    }
}
