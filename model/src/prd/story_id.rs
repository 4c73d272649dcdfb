//! The id of a story: `US-001` to `US-999`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The id of a story in a PRD; the number is its place in the list, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StoryId(u16);

impl StoryId {
    /// The id that a story at this place of the list has to have; `None` beyond `US-999`.
    pub fn at_index(index: usize) -> Option<Self> {
        let number = u16::try_from(index).ok()?.checked_add(1)?;
        (number <= 999).then_some(Self(number))
    }

    /// The place in the list, from 0.
    pub fn index(self) -> usize {
        usize::from(self.0) - 1
    }
}

/// The text is no story id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a story id: it is US- and three digits, from US-001 to US-999")]
pub struct ParseStoryIdError {
    text: String,
}

impl FromStr for StoryId {
    type Err = ParseStoryIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = text
            .strip_prefix("US-")
            .filter(|digits| digits.len() == 3 && digits.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|digits| digits.parse().ok())
            .filter(|number| *number > 0);
        match number {
            Some(number) => Ok(Self(number)),
            None => Err(ParseStoryIdError { text: text.chars().take(40).collect() }),
        }
    }
}

impl TryFrom<&str> for StoryId {
    type Error = ParseStoryIdError;

    fn try_from(text: &str) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl TryFrom<String> for StoryId {
    type Error = ParseStoryIdError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<StoryId> for String {
    fn from(id: StoryId) -> Self {
        id.to_string()
    }
}

impl fmt::Display for StoryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "US-{:03}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_canonical_form_is_an_id() {
        for text in ["US-001", "US-042", "US-999"] {
            assert_eq!(text.parse::<StoryId>().unwrap().to_string(), text);
        }
        for text in [
            "", "US-", "US-1", "US-000", "US-0001", "us-001", " US-001", "US-00١", "US-+01",
            "US--01",
        ] {
            assert!(text.parse::<StoryId>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn index_and_id_are_inverse() {
        for index in 0..999 {
            assert_eq!(StoryId::at_index(index).unwrap().index(), index);
        }
        assert_eq!(StoryId::at_index(999), None);
        assert_eq!(StoryId::at_index(usize::MAX), None);
        assert_eq!(StoryId::at_index(65_535), None);
    }

    #[test]
    fn serde_checks_the_form() {
        let id: StoryId = serde_json::from_str("\"US-007\"").unwrap();
        assert_eq!(serde_json::to_string(&id).unwrap(), "\"US-007\"");
        assert!(serde_json::from_str::<StoryId>("\"US-7\"").is_err());
    }
}
