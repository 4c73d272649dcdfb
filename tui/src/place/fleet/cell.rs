//! What a column says of a row, as text and as what it means.

use std::fmt::Write as _;

use smith_model::state::State;

use crate::fleet::{Column, Kind, Row, Value};
use crate::look::{Look, Role};
use crate::text;
use crate::world::World;

/// Longer text isn't measured, since nobody sees its end.
const LONGEST: usize = 400;

/// What stands above a column.
pub(super) fn title(column: Column) -> &'static str {
    match column {
        Column::Loop => "LOOP",
        Column::Project => "PROJECT",
        Column::State => "STATE",
        Column::Reason => "REASON",
        Column::Phase => "PHASE",
        Column::Iteration => "ITER",
        Column::Story => "STORY",
        Column::Stories => "STORIES",
        Column::Attempt => "TRY",
        Column::Round => "ROUND",
        Column::Age => "AGE",
        Column::Created => "CREATED",
        Column::Retry => "RETRY",
        Column::Priority => "PRIO",
        Column::Provider => "PROVIDER",
        Column::Tokens => "TOKENS",
        Column::Cost => "COST",
        Column::Branch => "BRANCH",
        Column::Commit => "COMMIT",
        Column::Source => "SOURCE",
        Column::Repository => "REPOSITORY",
        Column::Labels => "LABELS",
        Column::Depends => "DEPENDS",
        Column::Hold => "HOLD",
        Column::Message => "MESSAGE",
        Column::Title => "TITLE",
    }
}

/// The least cells that a column can do with, where it has more to say; nothing: it isn't cut.
pub(super) fn least(column: Column) -> Option<u16> {
    match column {
        Column::Loop => Some(16),
        Column::Title => Some(20),
        Column::Message | Column::Hold | Column::Labels => Some(16),
        Column::Branch | Column::Source | Column::Repository | Column::Depends => Some(12),
        Column::Project | Column::Provider | Column::Story | Column::Reason => Some(8),
        Column::State
        | Column::Phase
        | Column::Iteration
        | Column::Stories
        | Column::Attempt
        | Column::Round
        | Column::Age
        | Column::Created
        | Column::Retry
        | Column::Priority
        | Column::Tokens
        | Column::Cost
        | Column::Commit => None,
    }
}

/// Do its texts stand at the right of their cells?
pub(super) fn is_right(column: Column) -> bool {
    match column.kind() {
        Kind::Number => column != Column::Stories && column != Column::Attempt,
        Kind::Money | Kind::Ago | Kind::Until => true,
        Kind::Text | Kind::Named => false,
    }
}

/// Writes what a column says of a row behind what is there.
pub(super) fn write(column: Column, row: &Row, world: &World, out: &mut String) {
    // Into a string, nothing fails.
    let _ = match (column, column.value(row)) {
        (Column::State, _) => write_state(row, world.look, out),
        (Column::Attempt, Value::Number(_)) => {
            let Row { attempt, used, allowed, .. } = row;
            // Attempts that didn't count make the number say nothing of what is left.
            match attempt.saturating_sub(*used) > 1 {
                true => write!(out, "{attempt} ({used}/{allowed})"),
                false => write!(out, "{attempt}/{allowed}"),
            }
        }
        (Column::Tokens, Value::Number(tokens)) => write_short(tokens, out),
        (Column::Commit, Value::Text(commit)) => out.write_str(text::digits(commit, 10)),
        (Column::Hold, Value::Text(reason)) => match &row.hold {
            Some(hold) => write!(out, "{}: {reason}", hold.by),
            None => Ok(()),
        },
        (Column::Retry, Value::Moment(at)) => match at.duration_since(world.now) {
            wait if wait.is_positive() => write!(out, "in {}", text::age(wait)),
            _ => out.write_str("due"),
        },
        (_, Value::Nothing) => Ok(()),
        (_, Value::Text(text) | Value::Named(_, text)) => {
            let end = text.floor_char_boundary(LONGEST);
            out.write_str(&text[..end])
        }
        (_, Value::Number(number)) => write!(out, "{number}"),
        (_, Value::Money(micros)) => out.write_str(&text::dollars(micros)),
        (_, Value::Moment(at)) => out.write_str(&text::age(world.now.duration_since(at))),
        (_, Value::Share(done, total)) => write_share(done, total, world.look, out),
        (_, Value::Labels(labels)) => write_list(labels.iter().map(|label| &**label), out),
        (_, Value::Loops(loops)) => write_list(loops.iter().map(|id| id.as_str()), out),
    };
}

/// What it means.
pub(super) fn role(column: Column, row: &Row, look: Look) -> Role {
    match column {
        Column::State if row.suspect => Role::Warning,
        Column::State => look.role_of(row.state),
        Column::Loop | Column::Title => Role::Text,
        Column::Reason | Column::Message if row.state == State::Flatline => Role::Bad,
        Column::Reason if row.is_fault() => Role::Warning,
        Column::Attempt if row.attempt > 1 && !row.state.ended() => Role::Warning,
        Column::Hold => Role::Warning,
        Column::Phase => Role::Active,
        Column::Stories | Column::Cost | Column::Iteration | Column::Story => Role::Text,
        _ => Role::Dim,
    }
}

/// The state, and what of it a person has to know besides.
fn write_state(row: &Row, look: Look, out: &mut String) -> std::fmt::Result {
    write!(out, "{} {}", look.sign_of(row.state), row.state)?;
    if row.suspect {
        out.write_str(" silent")?;
    }
    if row.hold.is_some() {
        out.write_str(" held")?;
    }
    Ok(())
}

/// `3/7`, with a bar of five cells.
fn write_share(done: u32, total: u32, look: Look, out: &mut String) -> std::fmt::Result {
    let (full, empty) = if look.ascii { ('#', '.') } else { ('█', '░') };
    let filled = if total == 0 { 0 } else { u64::from(done) * 5 / u64::from(total) };
    for at in 0..5 {
        out.push(if at < filled { full } else { empty });
    }
    write!(out, " {done}/{total}")
}

/// `950`, `12.3k`, `4.5M`.
fn write_short(number: i64, out: &mut String) -> std::fmt::Result {
    match number {
        ..1_000 => write!(out, "{number}"),
        1_000..1_000_000 => write!(out, "{}.{}k", number / 1_000, number / 100 % 10),
        _ => write!(out, "{}.{}M", number / 1_000_000, number / 100_000 % 10),
    }
}

fn write_list<'a>(texts: impl Iterator<Item = &'a str>, out: &mut String) -> std::fmt::Result {
    for (at, text) in texts.enumerate() {
        if at > 0 {
            out.push(',');
        }
        out.push_str(text);
        if out.len() > LONGEST {
            break;
        }
    }
    Ok(())
}
