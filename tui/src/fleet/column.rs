//! The columns of the fleet: what each says of a row as a value, which sorting and filters compare. Pure.
//!
//! How a value is written on the screen is known where it is drawn.

use std::cmp::Ordering;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use smith_model::id::LoopId;
use smith_model::state::State;
use smith_model::worker::WorkerPhase;

use crate::fleet::Row;

/// A column of the fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Column {
    /// The loop's id.
    Loop,
    /// Its project.
    Project,
    /// Its state.
    State,
    /// Why it is in its state, for programs.
    Reason,
    /// What its worker is at.
    Phase,
    /// The iteration that runs.
    Iteration,
    /// The story that it works on.
    Story,
    /// Stories done, of how many.
    Stories,
    /// The attempt of the round.
    Attempt,
    /// The round.
    Round,
    /// How long ago its state changed.
    Age,
    /// How long ago it was created.
    Created,
    /// When it may be tried again.
    Retry,
    /// Its priority.
    Priority,
    /// What runs the model.
    Provider,
    /// Tokens of the attempt.
    Tokens,
    /// Money of the attempt.
    Cost,
    /// The published branch.
    Branch,
    /// The published commit.
    Commit,
    /// Where the request came from.
    Source,
    /// The repository.
    Repository,
    /// Its labels.
    Labels,
    /// The loops that must be synced first.
    Depends,
    /// Who holds it, and why.
    Hold,
    /// Why it is in its state, for people.
    Message,
    /// Its title.
    Title,
}

/// What a column says of a row.
#[derive(Clone, Copy, Debug)]
pub enum Value<'a> {
    /// Nothing: it comes last, however one sorts.
    Nothing,
    /// Text.
    Text(&'a str),
    /// One of a closed set of names, with its place among them.
    Named(u8, &'a str),
    /// A number.
    Number(i64),
    /// Millionths of a US dollar.
    Money(u64),
    /// A time.
    Moment(Timestamp),
    /// So many of so many.
    Share(u32, u32),
    /// Labels, as `name=value`.
    Labels(&'a [Box<str>]),
    /// Loops.
    Loops(&'a [LoopId]),
}

/// What a column's values are, for those who write a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text, or several.
    Text,
    /// One of a closed set of names.
    Named,
    /// A number.
    Number,
    /// Dollars.
    Money,
    /// How long ago.
    Ago,
    /// How long until then.
    Until,
}

impl Column {
    /// All of them, as help lists them.
    pub const ALL: [Self; 26] = [
        Self::Loop,
        Self::Project,
        Self::State,
        Self::Reason,
        Self::Phase,
        Self::Iteration,
        Self::Story,
        Self::Stories,
        Self::Attempt,
        Self::Round,
        Self::Age,
        Self::Created,
        Self::Retry,
        Self::Priority,
        Self::Provider,
        Self::Tokens,
        Self::Cost,
        Self::Branch,
        Self::Commit,
        Self::Source,
        Self::Repository,
        Self::Labels,
        Self::Depends,
        Self::Hold,
        Self::Message,
        Self::Title,
    ];

    /// Its name in commands, filters and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Loop => "loop",
            Self::Project => "project",
            Self::State => "state",
            Self::Reason => "reason",
            Self::Phase => "phase",
            Self::Iteration => "iteration",
            Self::Story => "story",
            Self::Stories => "stories",
            Self::Attempt => "attempt",
            Self::Round => "round",
            Self::Age => "age",
            Self::Created => "created",
            Self::Retry => "retry",
            Self::Priority => "priority",
            Self::Provider => "provider",
            Self::Tokens => "tokens",
            Self::Cost => "cost",
            Self::Branch => "branch",
            Self::Commit => "commit",
            Self::Source => "source",
            Self::Repository => "repository",
            Self::Labels => "labels",
            Self::Depends => "depends",
            Self::Hold => "hold",
            Self::Message => "message",
            Self::Title => "title",
        }
    }

    /// The column of a name, or of the beginning of one that no other begins with.
    pub fn named(name: &str) -> Result<Self, String> {
        let name = name.to_ascii_lowercase();
        if let Some(column) = Self::ALL.into_iter().find(|column| column.name() == name) {
            return Ok(column);
        }
        let mut begin = Self::ALL.into_iter().filter(|column| column.name().starts_with(&name));
        match (begin.next(), begin.next()) {
            (Some(column), None) if !name.is_empty() => Ok(column),
            _ => {
                let names: Vec<_> = Self::ALL.map(Self::name).into();
                Err(format!("{name:?} isn't a column: there are {}", names.join(", ")))
            }
        }
    }

    /// What its values are.
    pub fn kind(self) -> Kind {
        match self {
            Self::State | Self::Reason | Self::Phase => Kind::Named,
            Self::Iteration
            | Self::Stories
            | Self::Attempt
            | Self::Round
            | Self::Priority
            | Self::Tokens => Kind::Number,
            Self::Cost => Kind::Money,
            Self::Age | Self::Created => Kind::Ago,
            Self::Retry => Kind::Until,
            Self::Loop
            | Self::Project
            | Self::Story
            | Self::Provider
            | Self::Branch
            | Self::Commit
            | Self::Source
            | Self::Repository
            | Self::Labels
            | Self::Depends
            | Self::Hold
            | Self::Message
            | Self::Title => Kind::Text,
        }
    }

    /// What it says of a row.
    pub fn value(self, row: &Row) -> Value<'_> {
        let number = |number: u32| match number {
            0 => Value::Nothing,
            number => Value::Number(number.into()),
        };
        match self {
            Self::Loop => Value::Text(row.id.as_str()),
            Self::Project => Value::Text(row.project.as_str()),
            Self::State => Value::Named(rank(row.state), row.state.as_str()),
            Self::Reason => Value::Text(row.reason.as_str()),
            Self::Phase => row.phase.map_or(Value::Nothing, |phase| {
                let (rank, name) = phase_name(phase);
                Value::Named(rank, name)
            }),
            Self::Iteration => number(row.iteration),
            Self::Story => row.story.as_deref().map_or(Value::Nothing, Value::Text),
            Self::Stories => match row.stories {
                Some(counts) => Value::Share(counts.done, counts.total),
                None => Value::Nothing,
            },
            Self::Attempt => number(row.attempt),
            Self::Round => number(row.round),
            Self::Age => Value::Moment(row.updated_at),
            Self::Created => Value::Moment(row.created_at),
            Self::Retry => row.not_before.map_or(Value::Nothing, Value::Moment),
            Self::Priority => Value::Number(row.priority.into()),
            Self::Provider => some_text(&row.provider),
            Self::Tokens => match row.usage.tokens() {
                0 => Value::Nothing,
                tokens => Value::Number(i64::try_from(tokens).unwrap_or(i64::MAX)),
            },
            Self::Cost => match row.usage.cost_microusd {
                0 => Value::Nothing,
                cost => Value::Money(cost),
            },
            Self::Branch => row.branch.as_deref().map_or(Value::Nothing, Value::Text),
            Self::Commit => row.commit.as_deref().map_or(Value::Nothing, Value::Text),
            Self::Source => some_text(&row.source),
            Self::Repository => some_text(&row.repository),
            Self::Labels if row.labels.is_empty() => Value::Nothing,
            Self::Labels => Value::Labels(&row.labels),
            Self::Depends if row.depends_on.is_empty() => Value::Nothing,
            Self::Depends => Value::Loops(&row.depends_on),
            Self::Hold => {
                row.hold.as_ref().map_or(Value::Nothing, |hold| Value::Text(&hold.reason))
            }
            Self::Message => some_text(&row.message),
            Self::Title => some_text(&row.title),
        }
    }

    /// Does the highest value come first, as long as nobody turns it around? What one looks for in numbers is the
    /// highest, and in times the newest.
    pub fn is_descending(self) -> bool {
        match self.kind() {
            Kind::Number | Kind::Money | Kind::Ago => true,
            Kind::Text | Kind::Named | Kind::Until => false,
        }
    }

    /// Which of two rows comes first by this column alone.
    pub fn compare(self, one: &Row, other: &Row, direction: Direction) -> Ordering {
        let (one, other) = (self.value(one), self.value(other));
        match (one, other) {
            (Value::Nothing, Value::Nothing) => Ordering::Equal,
            (Value::Nothing, _) => Ordering::Greater,
            (_, Value::Nothing) => Ordering::Less,
            (one, other) => {
                let is_down = self.is_descending() == (direction == Direction::Natural);
                let order = one.compare(other);
                if is_down { order.reverse() } else { order }
            }
        }
    }
}

/// Which way a column is sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// What one looks at first comes first.
    #[default]
    Natural,
    /// The other way round.
    Reversed,
}

impl Direction {
    /// The other one.
    #[must_use]
    pub fn turned(self) -> Self {
        match self {
            Self::Natural => Self::Reversed,
            Self::Reversed => Self::Natural,
        }
    }
}

impl Value<'_> {
    /// Which is less; values of one column are of one kind.
    fn compare(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Text(one), Self::Text(other)) => text_order(one, other),
            (Self::Named(one, _), Self::Named(other, _)) => one.cmp(&other),
            (Self::Number(one), Self::Number(other)) => one.cmp(&other),
            (Self::Money(one), Self::Money(other)) => one.cmp(&other),
            (Self::Moment(one), Self::Moment(other)) => one.cmp(&other),
            (Self::Share(done, total), Self::Share(other_done, other_total)) => {
                // By what part is done: 1/2 before 2/5, without dividing.
                let one = u64::from(done) * u64::from(other_total.max(1));
                let other = u64::from(other_done) * u64::from(total.max(1));
                one.cmp(&other).then(done.cmp(&other_done))
            }
            (Self::Labels(one), Self::Labels(other)) => one.cmp(other),
            (Self::Loops(one), Self::Loops(other)) => one.cmp(other),
            _ => Ordering::Equal,
        }
    }
}

fn some_text(text: &str) -> Value<'_> {
    if text.is_empty() { Value::Nothing } else { Value::Text(text) }
}

/// Without regard to case as long as that decides, and without allocating.
fn text_order(one: &str, other: &str) -> Ordering {
    let folded = one
        .bytes()
        .map(|b| b.to_ascii_lowercase())
        .cmp(other.bytes().map(|b| b.to_ascii_lowercase()));
    folded.then_with(|| one.cmp(other))
}

/// What a person looks at first comes first.
pub(super) fn rank(state: State) -> u8 {
    match state {
        State::Flatline => 0,
        State::Overwriting => 1,
        State::Unresolved => 2,
        State::Cancelled => 3,
        State::Synced => 4,
    }
}

/// A phase's place in an attempt, and its name.
fn phase_name(phase: WorkerPhase) -> (u8, &'static str) {
    match phase {
        WorkerPhase::Starting => (0, "starting"),
        WorkerPhase::Checkout => (1, "checkout"),
        WorkerPhase::Iterating => (2, "iterating"),
        WorkerPhase::Gates => (3, "gates"),
        WorkerPhase::Paused => (4, "paused"),
        WorkerPhase::Landing => (5, "landing"),
        WorkerPhase::Publishing => (6, "publishing"),
        WorkerPhase::Finishing => (7, "finishing"),
    }
}

/// The names of phases, for those who filter by them.
pub(super) const PHASES: [&str; 8] =
    ["starting", "checkout", "iterating", "gates", "paused", "landing", "publishing", "finishing"];
