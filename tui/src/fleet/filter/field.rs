//! Fields in filters: every column by its name, and a few questions that no column answers.
//!
//! - Text (`project:api`) holds where the field contains it; `=api` is it as a whole, `/…/` and `~…` as without a
//!   field. `label:env` has a label of that name, `label:env=prod` that label.
//! - Names of a closed set (`state:flat`) are known: a wrong one is an error, not an empty screen.
//! - Numbers (`attempt:>1`, `tokens:>=10k`, `cost:>2.50`) and times (`age:>1h30m`) are compared.
//! - `held:`, `silent:`, `claimed:` and `fault:` are `yes` or `no`.
//! - `none` and `any` hold where the field says nothing, or something.

use jiff::{SignedDuration, Timestamp};
use smith_model::failure::FailureClass;
use smith_model::state::State;

use super::Pattern;
use crate::fleet::column::{Kind, PHASES, Value};
use crate::fleet::{Column, Row};

/// A field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Field {
    Column(Column),
    Held,
    Silent,
    Claimed,
    Fault,
}

/// What a field has to be like.
#[derive(Clone, Debug)]
pub(super) enum Test {
    Text(Pattern),
    /// A label of that name, or that label.
    Label(String),
    Number(Op, i128),
    /// How long ago, or until then.
    Time(Op, SignedDuration),
    Is(bool),
    Nothing,
    Something,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Op {
    Less,
    AtMost,
    Equal,
    AtLeast,
    More,
}

impl Field {
    pub(super) fn named(name: &str) -> Result<Self, String> {
        Ok(match name.to_ascii_lowercase().as_str() {
            "held" => Self::Held,
            "silent" => Self::Silent,
            "claimed" => Self::Claimed,
            "fault" => Self::Fault,
            "id" => Self::Column(Column::Loop),
            "label" => Self::Column(Column::Labels),
            "repo" => Self::Column(Column::Repository),
            name => Self::Column(Column::named(name).map_err(|_| {
                format!(
                    "{name:?} isn't a field: any column is, and held, silent, claimed and fault; \
                         text with a colon in it goes in quotes"
                )
            })?),
        })
    }

    /// The column that shows it.
    pub(super) fn column(self) -> Option<Column> {
        match self {
            Self::Column(column) => Some(column),
            Self::Held | Self::Silent | Self::Claimed | Self::Fault => None,
        }
    }

    /// Reads what stands behind the colon.
    pub(super) fn tests(self, text: &str, is_quoted: bool) -> Result<Vec<Test>, String> {
        if text.is_empty() && !is_quoted {
            return Err(format!("{} follows the colon", self.wants()));
        }
        // Neither a regular expression nor text in quotes is a list.
        if is_quoted || text.starts_with('/') {
            return Ok(vec![self.test(text, is_quoted)?]);
        }
        text.split(',').map(|part| self.test(part, false)).collect()
    }

    fn test(self, text: &str, is_quoted: bool) -> Result<Test, String> {
        match (self, text) {
            (Self::Column(_), "none") if !is_quoted => return Ok(Test::Nothing),
            (Self::Column(_), "any") if !is_quoted => return Ok(Test::Something),
            _ => {}
        }
        let wrong = || format!("{text:?} isn't {}", self.wants());
        match self {
            Self::Held | Self::Silent | Self::Claimed | Self::Fault => match text {
                "yes" | "y" => Ok(Test::Is(true)),
                "no" | "n" => Ok(Test::Is(false)),
                _ => Err(wrong()),
            },
            Self::Column(column) => match column.kind() {
                Kind::Text if column == Column::Labels && !text.starts_with(['/', '~']) => {
                    Ok(Test::Label(text.to_owned()))
                }
                Kind::Text => Ok(Test::Text(Pattern::parse(text, is_quoted)?)),
                Kind::Named => {
                    let pattern = Pattern::parse(text, is_quoted)?;
                    if names(column).any(|name| pattern.holds(name)) {
                        return Ok(Test::Text(pattern));
                    }
                    let names: Vec<_> = names(column).collect();
                    Err(format!("no {} is called {text:?}: {}", column.name(), names.join(", ")))
                }
                Kind::Number => {
                    let (op, rest) = op(text);
                    let number = number(rest).ok_or_else(wrong)?;
                    Ok(Test::Number(op.unwrap_or(Op::Equal), number))
                }
                Kind::Money => {
                    let (op, rest) = op(text);
                    let rest = rest.strip_prefix('$').unwrap_or(rest);
                    let dollars = rest.parse::<f64>().ok().filter(|d| (0.0..1e12).contains(d));
                    let micros = dollars.ok_or_else(wrong)? * 1e6;
                    Ok(Test::Number(op.unwrap_or(Op::Equal), micros.round() as i128))
                }
                Kind::Ago | Kind::Until => match op(text) {
                    (Some(op), rest) => Ok(Test::Time(op, duration(rest).ok_or_else(wrong)?)),
                    (None, _) => Err(wrong()),
                },
            },
        }
    }

    /// What may follow the colon.
    fn wants(self) -> &'static str {
        match self {
            Self::Held | Self::Silent | Self::Claimed | Self::Fault => "yes or no",
            Self::Column(Column::Labels) => "a label's name, or name=value",
            Self::Column(column) => match column.kind() {
                Kind::Text => "text",
                Kind::Named => "a name",
                Kind::Number => "a number, such as 3, >1 or <=10k",
                Kind::Money => "dollars, such as >2 or <=0.50",
                Kind::Ago | Kind::Until => "a time with < or >, such as >1h or <=2d",
            },
        }
    }
}

/// The names that a column may show.
fn names(column: Column) -> Box<dyn Iterator<Item = &'static str>> {
    match column {
        Column::State => Box::new(State::ALL.into_iter().map(State::as_str)),
        Column::Phase => Box::new(PHASES.into_iter()),
        Column::Reason => {
            let plain = [
                "created",
                "admitted",
                "completed",
                "accepted",
                "operator-cancelled",
                "operator-flatlined",
                "retry-requested",
            ];
            let failures = FailureClass::ALL.into_iter().map(FailureClass::as_str);
            Box::new(plain.into_iter().chain(failures))
        }
        _ => Box::new(std::iter::empty()),
    }
}

impl Test {
    pub(super) fn is_timely(&self) -> bool {
        matches!(self, Self::Time(..))
    }

    pub(super) fn pattern(&self) -> Option<&Pattern> {
        match self {
            Self::Text(pattern) => Some(pattern),
            _ => None,
        }
    }

    pub(super) fn holds(&self, field: Field, row: &Row, now: Timestamp) -> bool {
        let column = match field {
            Field::Column(column) => column,
            Field::Held => return self.is(row.hold.is_some()),
            Field::Silent => return self.is(row.suspect),
            Field::Claimed => return self.is(row.claimed),
            Field::Fault => return self.is(row.is_fault()),
        };
        let value = column.value(row);
        match self {
            Self::Nothing => matches!(value, Value::Nothing),
            Self::Something => !matches!(value, Value::Nothing),
            Self::Is(_) => false,
            Self::Text(pattern) => match value {
                Value::Text(text) if column == Column::Hold => {
                    // Who holds it stands before why.
                    let by = row.hold.as_ref().is_some_and(|hold| pattern.holds(&hold.by));
                    by || pattern.holds(text)
                }
                Value::Text(text) | Value::Named(_, text) => pattern.holds(text),
                Value::Labels(labels) => labels.iter().any(|label| pattern.holds(label)),
                Value::Loops(loops) => loops.iter().any(|id| pattern.holds(id.as_str())),
                Value::Nothing => pattern.holds(""),
                Value::Number(_) | Value::Money(_) | Value::Moment(_) | Value::Share(..) => false,
            },
            Self::Label(wanted) => match value {
                Value::Labels(labels) => labels.iter().any(|label| is_label(label, wanted)),
                _ => false,
            },
            Self::Number(op, wanted) => match value {
                Value::Number(number) => op.holds(&i128::from(number), wanted),
                Value::Money(micros) => op.holds(&i128::from(micros), wanted),
                Value::Share(done, _) => op.holds(&i128::from(done), wanted),
                // What has no number has none of it: `cost:<1` is also what cost nothing.
                Value::Nothing => op.holds(&0, wanted),
                _ => false,
            },
            Self::Time(op, wanted) => match (value, column.kind()) {
                (Value::Moment(at), Kind::Until) => op.holds(&at.duration_since(now), wanted),
                (Value::Moment(at), _) => op.holds(&now.duration_since(at), wanted),
                _ => false,
            },
        }
    }

    fn is(&self, is: bool) -> bool {
        match self {
            Self::Is(wanted) => *wanted == is,
            _ => false,
        }
    }
}

fn is_label(label: &str, wanted: &str) -> bool {
    match wanted.contains('=') {
        true => label.eq_ignore_ascii_case(wanted),
        false => label.split_once('=').is_some_and(|(name, _)| name.eq_ignore_ascii_case(wanted)),
    }
}

impl Op {
    fn holds<T: PartialOrd>(self, value: &T, wanted: &T) -> bool {
        match self {
            Self::Less => value < wanted,
            Self::AtMost => value <= wanted,
            Self::Equal => value == wanted,
            Self::AtLeast => value >= wanted,
            Self::More => value > wanted,
        }
    }
}

fn op(text: &str) -> (Option<Op>, &str) {
    // The longer ones first.
    let ops = [
        ("<=", Op::AtMost),
        (">=", Op::AtLeast),
        ("<", Op::Less),
        (">", Op::More),
        ("=", Op::Equal),
    ];
    let found = ops.into_iter().find_map(|(sign, op)| Some((Some(op), text.strip_prefix(sign)?)));
    found.unwrap_or((None, text))
}

/// `12`, `-3`, `10k`, `2M`.
fn number(text: &str) -> Option<i128> {
    let (digits, times) = match text.as_bytes().last()? {
        b'k' | b'K' => (&text[..text.len() - 1], 1_000),
        b'm' | b'M' => (&text[..text.len() - 1], 1_000_000),
        _ => (text, 1),
    };
    Some(i128::from(digits.parse::<i64>().ok()?) * times)
}

/// `90s`, `1h30m`, `2d`, `1w`.
fn duration(text: &str) -> Option<SignedDuration> {
    let mut seconds: i64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: i64 = rest[..digits].parse().ok()?;
        let unit = match rest.as_bytes()[digits] {
            b's' => 1,
            b'm' => 60,
            b'h' => 3600,
            b'd' => 86_400,
            b'w' => 604_800,
            _ => return None,
        };
        seconds = seconds.checked_add(number.checked_mul(unit)?)?;
        rest = &rest[digits + 1..];
    }
    (!text.is_empty()).then(|| SignedDuration::from_secs(seconds))
}
