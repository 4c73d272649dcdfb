//! Names and numbers as types, so that two of them can't be swapped.
//!
//! ```compile_fail
//! # use smith_model::id::{LoopId, ProjectName};
//! let project: ProjectName = "web".parse().unwrap();
//! let wrong: LoopId = project;
//! ```

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Why a name was refused: what it is for, the value, and the rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} isn't a {kind}: {rule}")]
pub struct InvalidName {
    /// What the name was meant to be, in words.
    pub kind: &'static str,
    /// The value as given, cut to 100 characters.
    pub value: String,
    /// The rule that it breaks.
    pub rule: &'static str,
}

impl InvalidName {
    fn new(kind: &'static str, value: &str, rule: &'static str) -> Self {
        let value = value.chars().take(100).collect();
        Self { kind, value, rule }
    }
}

const NAME_RULE: &str =
    "1 to 40 characters of a-z, 0-9 and '-', that begins and ends with a letter or a digit";

fn is_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    let inner = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-';
    (1..=40).contains(&bytes.len())
        && bytes.iter().all(inner)
        && bytes[0] != b'-'
        && bytes[bytes.len() - 1] != b'-'
}

fn is_hex(text: &str, lengths: &[usize]) -> bool {
    lengths.contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// A string newtype that is checked at the door and read-only inside.
macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $kind:literal, $rule:expr, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(String);

        impl $type {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $type {
            type Error = InvalidName;
            fn try_from(value: String) -> Result<Self, InvalidName> {
                let check: fn(&str) -> bool = $check;
                if check(&value) {
                    Ok(Self(value))
                } else {
                    Err(InvalidName::new($kind, &value, $rule))
                }
            }
        }

        impl FromStr for $type {
            type Err = InvalidName;
            fn from_str(value: &str) -> Result<Self, InvalidName> {
                value.to_owned().try_into()
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> String {
                name.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($type), self.0)
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::PartialSchema for $type {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                String::schema()
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::ToSchema for $type {}
    };
}

name!(
    /// A loop's name: given by the caller, or derived from its source; never used twice.
    LoopId, "loop id", NAME_RULE, is_name
);
name!(
    /// A project's name: the scope of loops, tokens and limits.
    ProjectName, "project name", NAME_RULE, is_name
);
name!(
    /// The public half of an API token.
    TokenId, "token id", "12 characters of a-z and 2-7",
    |text| text.len() == 12 && text.bytes().all(|b| b.is_ascii_lowercase() || (b'2'..=b'7').contains(&b))
);
name!(
    /// The SHA-256 of an artifact's bytes, in lower-case hex.
    Digest, "digest", "64 lower-case hex digits of a SHA-256", |text| is_hex(text, &[64])
);
name!(
    /// A git object id of a commit.
    CommitId, "commit id", "40 or 64 lower-case hex digits", |text| is_hex(text, &[40, 64])
);
name!(
    /// A git object id of a tree.
    TreeId, "tree id", "40 or 64 lower-case hex digits", |text| is_hex(text, &[40, 64])
);

impl ProjectName {
    /// The project of a loop that names none.
    pub fn default_project() -> Self {
        Self("default".into())
    }
}

impl Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(hex::encode(Sha256::digest(bytes)))
    }
}

impl LoopId {
    /// The id of a loop that was not named by its caller: a slug of the source, and 12 base32
    /// characters (60 bits) of the SHA-256 of project and full idempotency key, so that two sources
    /// whose slugs are equal still differ.
    pub fn derive(source: &str, project: &ProjectName, key: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(project.as_str());
        hash.update([0]);
        hash.update(key);
        let suffix = base32(&hash.finalize(), 12);
        let mut slug = String::new();
        for c in source.chars().flat_map(char::to_lowercase) {
            if c.is_ascii_lowercase() || c.is_ascii_digit() {
                slug.push(c);
            } else if !slug.is_empty() && !slug.ends_with('-') {
                slug.push('-');
            }
            if slug.len() == 27 {
                break;
            }
        }
        let slug = slug.trim_matches('-');
        if slug.is_empty() {
            Self(format!("loop-{suffix}"))
        } else {
            Self(format!("{slug}-{suffix}"))
        }
    }
}

/// The first `n` characters of the lower-case base32 form of `bytes`.
pub fn base32(bytes: &[u8], n: usize) -> String {
    let mut text = data_encoding::BASE32_NOPAD.encode(bytes).to_lowercase();
    text.truncate(n);
    text
}

/// Which attempt of a loop: the round (1, and one more with every retry) and the attempt in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AttemptNo {
    /// Counted from 1.
    pub round: u32,
    /// Counted from 1 in each round.
    pub attempt: u32,
}

impl AttemptNo {
    /// The part of an etcd key that sorts as the numbers do.
    pub fn key(self) -> String {
        format!("{:06}.{:06}", self.round, self.attempt)
    }

    /// The deterministic name of the attempt's worker.
    pub fn worker_name(self, loop_id: &LoopId) -> String {
        format!("smith-{loop_id}-{self}")
    }

    /// Where the attempt's checkpoints are kept in the remote repository.
    pub fn checkpoint_ref(self, uid: uuid::Uuid) -> String {
        format!("refs/smith/{uid}/{self}")
    }
}

impl fmt::Display for AttemptNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "r{}a{}", self.round, self.attempt)
    }
}

/// A revision of the store: etcd's, one for all keys.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Revision(pub i64);

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sources_with_the_same_slug_get_different_ids() {
        let project = ProjectName::default_project();
        let id = |key: &str| LoopId::derive(key, &project, key);
        assert_ne!(id("a/b-c#1"), id("a-b/c#1"));
        assert_ne!(
            id("acme-platform/checkout-service-backend#207"),
            id("acme-platform/checkout-service-backend#892")
        );
    }

    #[test]
    fn names_refuse_what_would_escape_a_key() {
        for bad in ["", "-a", "a-", "A", "a/b", "a b", "ä", "..", &"a".repeat(41)] {
            assert!(bad.parse::<LoopId>().is_err(), "{bad}");
        }
        for good in ["a", "a-b", "0", &"a".repeat(40)] {
            assert!(good.parse::<LoopId>().is_ok(), "{good}");
        }
    }

    proptest! {
        #[test]
        fn derived_ids_are_valid_and_stable(source in ".{0,80}", key in ".{0,80}") {
            let project = ProjectName::default_project();
            let id = LoopId::derive(&source, &project, &key);
            prop_assert!(id.as_str().parse::<LoopId>().is_ok());
            prop_assert_eq!(&id, &LoopId::derive(&source, &project, &key));
        }
    }
}
