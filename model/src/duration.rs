//! Durations as people write them (`90s`, `1h30m`), for records, requests and flags.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// A duration of at least zero, with millisecond resolution, written like `1h30m`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span(Duration);

/// A text that isn't a duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} isn't a duration: write it like 30s, 5m or 1h30m (at most 10 years)")]
pub struct InvalidSpan {
    value: String,
}

/// Beyond this a sum with a time could leave the calendar.
const LONGEST: Duration = Duration::from_secs(10 * 366 * 24 * 3600);

impl Span {
    /// So many whole seconds.
    pub const fn seconds(n: u32) -> Self {
        Self(Duration::from_secs(n as u64))
    }

    /// So many milliseconds.
    pub const fn millis(n: u32) -> Self {
        Self(Duration::from_millis(n as u64))
    }

    /// As the standard library's type.
    pub const fn std(self) -> Duration {
        self.0
    }

    /// As jiff's type, to be added to a timestamp.
    pub fn signed(self) -> SignedDuration {
        SignedDuration::try_from(self.0).expect("at most 10 years")
    }

    /// Doubled `n` times, at most `most`.
    pub fn doubled(self, n: u32, most: Self) -> Self {
        let factor = 1u32.checked_shl(n.min(31)).unwrap_or(u32::MAX);
        self.0.checked_mul(factor).map_or(most, Self).min(most)
    }

    /// A tenth of it.
    pub fn tenth(self) -> Self {
        Self(self.0 / 10)
    }
}

impl FromStr for Span {
    type Err = InvalidSpan;
    fn from_str(value: &str) -> Result<Self, InvalidSpan> {
        let error = || InvalidSpan { value: value.chars().take(40).collect() };
        let parsed: SignedDuration = value.trim().parse().map_err(|_| error())?;
        let parsed = Duration::try_from(parsed).map_err(|_| error())?;
        if parsed > LONGEST {
            return Err(error());
        }
        let millis = u64::try_from(parsed.as_millis()).map_err(|_| error())?;
        Ok(Self(Duration::from_millis(millis)))
    }
}

impl TryFrom<String> for Span {
    type Error = InvalidSpan;
    fn try_from(value: String) -> Result<Self, InvalidSpan> {
        value.parse()
    }
}

impl From<Span> for String {
    fn from(span: Span) -> Self {
        span.to_string()
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (total, millis) = (self.0.as_secs(), self.0.subsec_millis());
        let (hours, minutes, seconds) = (total / 3600, total / 60 % 60, total % 60);
        let mut text = String::new();
        for (n, unit) in [(hours, "h"), (minutes, "m"), (seconds, "s"), (millis.into(), "ms")] {
            if n > 0 {
                text.push_str(&format!("{n}{unit}"));
            }
        }
        f.pad(if text.is_empty() { "0s" } else { &text })
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for Span {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        String::schema()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for Span {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn people_s_forms_are_read() {
        let check = |text: &str, expected: Option<u64>| {
            let parsed = text.parse::<Span>().ok();
            assert_eq!(parsed.map(|s| s.std().as_millis() as u64), expected, "{text}");
        };
        check("90s", Some(90_000));
        check("1h30m", Some(5_400_000));
        check("PT30M", Some(1_800_000));
        check("250ms", Some(250));
        check("0s", Some(0));
        check("-5s", None);
        check("5", None);
        check("", None);
        check("20y", None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(millis in 0u64..10_000_000_000) {
            let span = Span(Duration::from_millis(millis));
            prop_assert_eq!(span.to_string().parse::<Span>().unwrap(), span);
        }

        #[test]
        fn any_text_gets_an_answer(text in ".*") {
            let _ = text.parse::<Span>();
        }
    }
}
